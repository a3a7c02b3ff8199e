package dedupe

import (
	"fmt"
	"strings"

	"tributary/ingest/words"
)

// reason says why the entry is a copy, with the evidence.
func (m match) reason(text Text) string {
	title, percent := m.title(), fmt.Sprintf("%.0f %%", 100*m.share)
	var said string
	switch {
	case m.rule == "summary of" && len(text.shingles) <= len(m.candidate.Text.shingles):
		said = fmt.Sprintf("It is a shorter version of %s, which has %s of its text.", title, percent)
	case m.rule == "summary of":
		said = fmt.Sprintf("It is a fuller version of %s and has %s of that text.", title, percent)
	case m.rule == "near short":
		said = fmt.Sprintf("Its short text agrees to %s with that of %s, and the titles are alike.", percent, title)
	default:
		said = fmt.Sprintf("Its text agrees to %s with that of %s.", percent, title)
	}
	if s := m.sentence(text); s != "" {
		said += " Both say: “" + s + "”."
	}
	return said
}

// newBy says why an entry is new, and names what is most like it.
func newBy(found []match) string {
	var best match
	for _, m := range found {
		if m.objection != "" && m.share >= max(best.share, 0.5) {
			best = m
		}
	}
	if best.candidate == nil {
		return "No other entry has its id, its address or its text."
	}
	return fmt.Sprintf("It has %.0f %% in common with %s, but %s.", 100*best.share, best.title(), best.objection)
}

func (m match) title() string {
	if m.candidate.Known.Private {
		return "an entry of a private source"
	}
	if m.candidate.Entry.Title == "" {
		return "an entry without a title"
	}
	return "“" + m.candidate.Entry.Title + "”"
}

// sentence is the longest sentence, or part of one, in the longest passage
// that both have; 200 bytes of it at most.
func (m match) sentence(text Text) string {
	if m.candidate.Known.Private { // what only it and a public one say is public, but not that it says so
		return ""
	}
	said := text.body.Words
	var best span
	from := m.run.from
	for i := m.run.from + 1; i <= m.run.to; i++ {
		if i == m.run.to || said[i].Is(words.First) {
			if i-from > best.to-best.from {
				best = span{from, i}
			}
			from = i
		}
	}
	if best.to == 0 {
		return ""
	}
	for best.to-best.from > 1 && said[best.to-1].End-said[best.from].Start > mostQuoted {
		best.to--
	}
	quote := text.body.Source[said[best.from].Start:said[best.to-1].End]
	return inner.Replace(strings.Join(strings.Fields(quote), " "))
}

// inner are the quotation marks within a quotation.
var inner = strings.NewReplacer("“", "‘", "”", "’", `"`, "’")

// mostQuoted is how many bytes of a sentence are quoted.
const mostQuoted = 200

// says tells figures or names in which two texts differ.
func says(d differ) string {
	switch {
	case len(d.theirs) == 0:
		return "only this one says " + list(d.mine)
	case len(d.mine) == 0:
		return "only the other says " + list(d.theirs)
	}
	return fmt.Sprintf("this one says %s where the other says %s", list(d.mine), list(d.theirs))
}

// list names three things at most.
func list(names []string) string {
	if len(names) > 3 {
		return strings.Join(names[:3], ", ") + " …"
	}
	return strings.Join(names, ", ")
}
