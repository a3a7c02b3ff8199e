package dedupe

import (
	"slices"
	"strings"

	"tributary/ingest/words"
)

// differ is what each of two texts has that the other lacks.
type differ struct{ mine, theirs []string }

// both tells whether each has something that the other lacks.
func (d differ) both() bool { return len(d.mine) > 0 && len(d.theirs) > 0 }

// none tells whether both have the same.
func (d differ) none() bool { return len(d.mine) == 0 && len(d.theirs) == 0 }

// reading is what numbers in words count for.
type reading int

const (
	asWritten reading = iota // nothing
	inWords                  // "eight" in one text stands for the 8 of the other
	alsoWords                // and is a figure that the other may lack
)

// enough is how many differences are looked for: one decides, three are told.
const enough = 4

// figuresThat gives the figures of each of two entries, title and body, that
// the other lacks, but not those that publishers put around a wire's text: see
// edge.
func figuresThat(mine, theirs Text, l likeness, how reading) differ {
	my, their := edges(mine, theirs, l, words.Number)
	return differ{
		mine:   figuresBut(mine, theirs.figures(how), my, how),
		theirs: figuresBut(theirs, mine.figures(how), their, how),
	}
}

// figures is the set of those of title and body.
func (t Text) figures(how reading) map[string]bool {
	set := map[string]bool{}
	for _, said := range [...][]words.Word{t.title.Words, t.body.Words} {
		for i := range said {
			if n := figure(&said[i], how != asWritten); n != "" {
				set[n] = true
			}
		}
	}
	return set
}

func figuresBut(t Text, known map[string]bool, edge edge, how reading) []string {
	var lacking []string
	lacks := func(w *words.Word) bool {
		n := figure(w, how == alsoWords)
		return n != "" && !known[n] && len(lacking) < enough
	}
	for i := range t.title.Words {
		if lacks(&t.title.Words[i]) {
			lacking = noted(lacking, t.title, i)
		}
	}
	for i := range t.body.Words {
		if lacks(&t.body.Words[i]) && !edge.excuses(t.body, i) {
			lacking = noted(lacking, t.body, i)
		}
	}
	return lacking
}

// noted adds a word, as it is written, to a list that has it once.
func noted(list []string, text words.Text, i int) []string {
	w := text.Source[text.Words[i].Start:text.Words[i].End]
	if slices.Contains(list, w) {
		return list
	}
	return append(list, w)
}

// figure gives a word's number in digits, or "". The English words up to
// twenty, and the tens, count if inWords says so.
func figure(w *words.Word, inWords bool) string {
	if w.Is(words.Number) {
		return w.Text
	}
	if !inWords || len(w.Text) < 3 || len(w.Text) > 9 {
		return ""
	}
	switch w.Text[0] {
	case 'o', 't', 'f', 's', 'e', 'n':
		return numerals[w.Text]
	}
	return ""
}

var numerals = map[string]string{
	"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
	"eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18",
	"nineteen": "19", "twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90",
}

// edge is what a text has around the passage that it shares with another: a
// byline and a dateline before it, a copyright and the editors' names after
// it. Figures (or names) there say nothing of the news where the other text
// has none in that place, so that they are added and not changed; nor do dates
// and times.
type edge struct {
	core  span
	added [2]bool // before and after the core the other has nothing of the kind
}

// What is longer, in words, is no edge but a part of the article.
const (
	mostBefore = 30
	mostAfter  = 40
)

// edges gives those of two texts, for words with that flag.
func edges(mine, theirs Text, l likeness, kind words.Flags) (my, their edge) {
	none := func(list []words.Word) bool {
		return !slices.ContainsFunc(list, func(w words.Word) bool { return w.Is(kind) })
	}
	around := func(t Text, core span) [2]bool {
		return [2]bool{none(t.body.Words[:core.from]), none(t.body.Words[core.to:])}
	}
	return edge{l.myCore, around(theirs, l.theirCore)}, edge{l.theirCore, around(mine, l.myCore)}
}

// excuses tells whether a figure or a name at the word i of the body says nothing.
func (e edge) excuses(body words.Text, i int) bool {
	switch {
	case e.core.has(i):
		return false
	case i < e.core.from:
		return e.core.from <= mostBefore && (e.added[0] || isDate(body, i))
	}
	return len(body.Words)-e.core.to <= mostAfter && (e.added[1] || isDate(body, i))
}

// isDate tells whether a number is a part of a date or a time of day: a year,
// beside a month, or with a colon.
func isDate(body words.Text, i int) bool {
	w := body.Words[i]
	if len(w.Text) == 4 && (strings.HasPrefix(w.Text, "19") || strings.HasPrefix(w.Text, "20")) {
		return true
	}
	if w.Start > 0 && body.Source[w.Start-1] == ':' || w.End < len(body.Source) && body.Source[w.End] == ':' {
		return true
	}
	return i > 0 && isMonth(body.Words[i-1].Text) || i+1 < len(body.Words) && isMonth(body.Words[i+1].Text)
}

func isMonth(w string) bool {
	return len(w) >= 3 && slices.Contains(months, w[:3]) && (len(w) <= 4 || slices.Contains(monthNames, w))
}

var (
	months     = strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")
	monthNames = strings.Fields("january february march april june july august september october november december")
)

// namesThat gives the names that stand at least so many times in one body
// and in the other entry not at all. A name is a word with a capital; one that
// only ever begins sentences counts if times is one, but for stop words.
func namesThat(mine, theirs Text, l likeness, times int) differ {
	my, their := edges(mine, theirs, l, words.Capital)
	return differ{mine: namesBut(mine, theirs, my, times), theirs: namesBut(theirs, mine, their, times)}
}

func namesBut(a, b Text, e edge, times int) []string {
	type count struct{ all, within int } // within sentences
	seen := map[uint64]count{}
	var lacking []string
	for i := range a.body.Words {
		w := &a.body.Words[i]
		if !w.Is(words.Capital) || w.End-w.Start < 2 || e.excuses(a.body, i) {
			continue
		}
		n := seen[a.hashes[i]]
		n.all++
		if !w.Is(words.First) {
			n.within++
		}
		seen[a.hashes[i]] = n
		isName := n.within > 0 || times == 1 && !words.IsStop(w.Text)
		if n.all >= times && isName && !b.says(w.Text, a.hashes[i]) {
			if lacking = noted(lacking, a.body, i); len(lacking) >= enough {
				break
			}
		}
	}
	return lacking
}

// says tells whether a word stands in the title or the body.
func (t Text) says(w string, hash uint64) bool {
	return slices.Contains(t.hashes, hash) ||
		slices.ContainsFunc(t.title.Words, func(x words.Word) bool { return x.Text == w })
}
