package folder

import (
	"regexp"
	"slices"
	"strings"

	"tributary/feed"
)

// draft is a document read by its kind's rules, not yet weighed against its
// front matter and the file's time.
type draft struct {
	meta           // what the document says of itself; published: all candidates
	content string // HTML
	plain   string // its text in one line
	rich    bool   // content shows something beside text, a picture say
	loose   bool   // there is text outside the blocks
}

// readText reads plain text. front is what front matter said.
func readText(s string, front meta) draft {
	d := draft{}
	lines := d.takeHeader(strings.Split(s, "\n"))
	blocks := d.takeFurniture(blocksOf(lines), front)
	for i := range blocks {
		if isSection(blocks, i) {
			blocks[i].kind = heading
		}
	}
	d.content, d.plain = render(blocks), plainOf(blocks)
	return d
}

var (
	headerLine = regexp.MustCompile(`^(?i)(date|published|posted|updated|title|headline|author|by|url)\s*:\s*(\S.*)$`)
	datePrefix = regexp.MustCompile(`^(?i)date\b[\s:]*`)
)

// takeHeader takes what stands before the text: "date 2025-12-30 " in front of
// the first words, a line "Date: …" and its like. What it cannot read is text.
func (d *draft) takeHeader(lines []string) []string {
	for i, line := range lines {
		s := strings.TrimSpace(line)
		if s == "" {
			continue
		}
		if rest, ok := d.takeDate(s); ok {
			lines[i] = rest
			if rest != "" {
				return lines[i:]
			}
			continue
		}
		m := headerLine.FindStringSubmatch(s)
		if m == nil || !d.takeField(strings.ToLower(m[1]), tidy(m[2])) {
			return lines[i:]
		}
	}
	return nil
}

// takeDate takes the date before the first words of a line. Without the word
// "date" it must stand apart, by a dash or the like: "2025-12-30 was a day …"
// is a sentence.
func (d *draft) takeDate(s string) (rest string, ok bool) {
	prefix := datePrefix.FindString(s)
	at, rest, ok := leadingDate(s[len(prefix):])
	if !ok {
		return s, false
	}
	text := strings.TrimLeft(rest, " \t.,:;|–—-")
	apart := strings.TrimSpace(rest) != text
	if prefix == "" && text != "" && !apart {
		return s, false
	}
	if text != "" && isDateLine(s) {
		text = ""
	}
	d.published = append(d.published, dated{at, fromLine})
	return text, true
}

// takeField takes one "Key: value" line.
func (d *draft) takeField(key, value string) bool {
	switch key {
	case "date", "published", "posted", "updated":
		return d.takeDateField(key, value)
	case "title", "headline":
		if d.title != "" {
			return false
		}
		d.title = value
	case "author", "by":
		names := authorsIn("By " + value)
		d.addAuthors(names)
		return names != nil
	default: // url
		if d.url != "" || webURL(value) == "" {
			return false
		}
		d.url = value
	}
	return true
}

func (d *draft) takeDateField(key, value string) bool {
	at, _, ok := leadingDate(value)
	switch {
	case !ok:
		return false
	case key == "updated":
		d.updated = at
	default:
		d.published = append(d.published, dated{at, fromLine})
	}
	return true
}

func (d *draft) addAuthors(names []string) {
	for _, name := range names {
		if !slices.ContainsFunc(d.authors, func(p feed.Person) bool { return p.Name == name }) {
			d.authors = append(d.authors, feed.Person{Name: name})
		}
	}
}

// takeFurniture finds title, dates, writers and summary among the blocks and
// returns those that make the content: not the title's line, not lines that
// are there for the writers or the date alone.
func (d *draft) takeFurniture(blocks []block, front meta) []block {
	d.published = append(d.published, datesOf(blocks)...)
	said := front.title
	if said == "" {
		said = d.title
	}
	lead := d.takeLead(blocks)
	rest := blocks[lead:]
	rest = d.takeTitle(rest, said)
	rest = slices.Concat(d.withoutLead(rest[:min(len(rest), 4)]), rest[min(len(rest), 4):])
	if d.title == "" {
		d.title = sentenceTitle(rest)
	}
	if d.summary == "" {
		d.summary = summaryOf(rest)
	}
	return rest
}

// takeLead counts the blocks above the headline that are there for writers, date or
// place in the paper, and takes the writers. Without a headline below there are none.
func (d *draft) takeLead(blocks []block) int {
	lead := 0
	for lead < len(blocks) && lead < 3 && isLead(blocks[lead]) {
		lead++
	}
	if lead == 0 || lead == len(blocks) || !isHeadline(blocks[lead:]) {
		return 0
	}
	d.withoutLead(blocks[:lead])
	return lead
}

func isLead(b block) bool {
	return b.kind == paragraph && (isDateLine(b.text) || authorsIn(b.text) != nil || isKicker(b.text))
}

// withoutLead leaves out lines for the writers or the date alone, taking the writers.
func (d *draft) withoutLead(blocks []block) []block {
	var rest []block
	known := len(d.authors) > 0 // by the document's head, which spells them better
	for _, b := range blocks {
		names := authorsIn(b.text)
		if b.kind != paragraph || names == nil && !isDateLine(b.text) {
			rest = append(rest, b)
			continue
		}
		if !known {
			d.addAuthors(names)
		}
		b.remove()
	}
	return rest
}

// takeTitle takes the headline, unless said already names the title; then only
// a line that repeats it is taken. The line stays in the content too where it
// is all there is, or too long for a title: nothing may be lost.
func (d *draft) takeTitle(blocks []block, said string) []block {
	if len(blocks) == 0 {
		return nil
	}
	at := titlePlace(blocks)
	switch {
	case said != "":
		d.title = said
		if !sameText(blocks[at].text, said) {
			return blocks
		}
	case !isHeadline(blocks[at:]):
		return blocks
	default:
		d.title = blocks[at].text
	}
	if len(blocks) == 1 && !d.loose || d.title != cut(d.title, titleRunes) {
		return blocks
	}
	blocks[at].remove()
	return slices.Concat(blocks[:at], blocks[at+1:])
}

// titlePlace is where the title is to be looked for: the main heading if there
// is one and one only, or if no running text comes before it; else the first block.
func titlePlace(blocks []block) int {
	isMain := func(b block) bool { return b.main }
	at := slices.IndexFunc(blocks, isMain)
	if at < 0 || slices.ContainsFunc(blocks[at+1:], isMain) && slices.ContainsFunc(blocks[:at], block.isProse) {
		return 0
	}
	return at
}

// sentenceTitle is the first sentence of the first running text, without the
// dateline; of the first block if nothing runs.
func sentenceTitle(blocks []block) string {
	at := max(0, slices.IndexFunc(blocks, block.isProse))
	if at >= len(blocks) {
		return ""
	}
	s := blocks[at].text
	if rest := s[len(dateline.FindString(s)):]; visible(rest) {
		s = rest
	}
	return firstSentence(s)
}

// summaryOf is the standfirst, or the first paragraph.
func summaryOf(blocks []block) string {
	if at := slices.IndexFunc(blocks, block.isProse); at >= 0 {
		return blocks[at].text
	}
	return ""
}

// render makes HTML of plain text's blocks.
func render(blocks []block) string {
	var out strings.Builder
	for i, b := range blocks {
		switch b.kind {
		case heading:
			out.WriteString("<h2>" + linked(b.text) + "</h2>\n")
		case bullet, numbered:
			renderItem(&out, blocks, i)
		default:
			out.WriteString("<p>" + linked(b.text) + "</p>\n")
		}
	}
	return out.String()
}

// renderItem opens and closes the list where its first and last items are.
func renderItem(out *strings.Builder, blocks []block, i int) {
	tag := "ul"
	if blocks[i].kind == numbered {
		tag = "ol"
	}
	if i == 0 || blocks[i-1].kind != blocks[i].kind {
		out.WriteString("<" + tag + ">\n")
	}
	out.WriteString("<li>" + linked(blocks[i].text) + "</li>\n")
	if i+1 == len(blocks) || blocks[i+1].kind != blocks[i].kind {
		out.WriteString("</" + tag + ">\n")
	}
}

// plainOf is the blocks' text in one line.
func plainOf(blocks []block) string {
	texts := make([]string, len(blocks))
	for i, b := range blocks {
		texts[i] = b.text
	}
	return tidy(strings.Join(texts, " "))
}
