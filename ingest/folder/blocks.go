package folder

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// kind is what a block of text is.
type kind int

const (
	paragraph kind = iota
	heading
	bullet   // of a list
	numbered // likewise
	caption  // of a picture
)

// block is a piece of a document between two others: one line of text, in the
// end. An HTML page's blocks know their element.
type block struct {
	kind kind
	text string
	node *html.Node // nil: of plain text
	main bool       // heading: <h1>, or marked as such
}

var (
	ruler      = regexp.MustCompile(`^[-–—_=*•·~+#.\s]+$`)
	underline  = regexp.MustCompile(`^(?:={3,}|-{3,})$`)
	bulletMark = regexp.MustCompile(`^(?:[-*•‣▪●]|\+)\s+(\S.*)$`)
	numberMark = regexp.MustCompile(`^\d{1,3}[.)]\s+(\S.*)$`)
	hashMark   = regexp.MustCompile(`^(#{1,6})\s+(\S.*?)\s*#*$`)
)

// blocksOf parts plain text into blocks. A line is a paragraph, unless the text
// is broken into lines by width: then those that belong together are joined.
func blocksOf(lines []string) []block {
	p := parting{width: wrapWidth(lines)}
	for _, line := range lines {
		p.line(line)
	}
	p.finish()
	return numberedAlone(p.blocks)
}

// parting is the work of blocksOf.
type parting struct {
	width  int // of lines, if the text is broken by width; 0: it is not
	blocks []block
	joined []string // lines of the last block beyond its text
	last   string   // the line before, "" after a blank one or a ruler
}

func (p *parting) line(line string) {
	s := strings.TrimSpace(line)
	switch {
	case s == "":
		p.finish()
		p.last = ""
	case ruler.MatchString(s):
		p.rule(s)
	default:
		p.text(line, s)
	}
}

// rule takes a line of dashes or the like: nothing by itself, but underlining
// it makes the line before it a heading.
func (p *parting) rule(s string) {
	p.finish()
	if last := len(p.blocks) - 1; p.last != "" && underline.MatchString(s) && p.blocks[last].kind == paragraph {
		b := &p.blocks[last]
		if n := utf8.RuneCountInString(b.text); n <= titleRunes && len(s)*2 >= n && !endsSentence(b.text) {
			b.kind, b.main = heading, s[0] == '='
		}
	}
	p.last = ""
}

func (p *parting) text(line, s string) {
	b := block{text: s}
	if m := hashMark.FindStringSubmatch(s); m != nil {
		b = block{kind: heading, text: m[2], main: m[1] == "#"}
	} else if m := bulletMark.FindStringSubmatch(s); m != nil {
		b = block{kind: bullet, text: m[1]}
	} else if m := numberMark.FindStringSubmatch(s); m != nil {
		b.kind = numbered
	} else if p.continues(line, s) {
		p.joined = append(p.joined, s)
		p.last = line
		return
	}
	p.finish()
	p.blocks = append(p.blocks, b)
	p.last = line
}

// continues tells whether a line goes on with the block before it.
func (p *parting) continues(line, s string) bool {
	if p.last == "" || p.blocks[len(p.blocks)-1].kind == heading || isDateLine(s) || isDateLine(p.last) {
		return false
	}
	n := utf8.RuneCountInString(strings.TrimSpace(p.last))
	if p.width == 0 {
		return n >= narrowest && n <= widest && goesOn(p.last, s)
	}
	isItem := p.blocks[len(p.blocks)-1].kind != paragraph
	if !isItem && indent(line) > indent(p.last)+1 {
		return false // the first line of a paragraph is set in
	}
	if p.blocks[0].text == strings.TrimSpace(p.last) && isHeadlineOver(p.last, s, p.width) {
		return false
	}
	return wouldNotFit(p.last, s, p.width-slack) || goesOn(p.last, s)
}

// isHeadlineOver tells whether a text's first line stands above the second, not
// before it: the next word had room in it, or it alone shouts.
func isHeadlineOver(line, next string, width int) bool {
	shouts := strings.ToUpper(line) == line && strings.ToUpper(next) != next
	return beginsLikeTitle(next) && headlineShape(strings.TrimSpace(line)) && (shouts || !wouldNotFit(line, next, width))
}

// finish puts the lines of the last block together.
func (p *parting) finish() {
	if len(p.joined) == 0 {
		return
	}
	b := &p.blocks[len(p.blocks)-1]
	var text strings.Builder
	text.WriteString(b.text)
	last := b.text
	for _, line := range p.joined {
		if !glued.MatchString(last) {
			text.WriteByte(' ')
		}
		text.WriteString(line)
		last = line
	}
	b.text, p.joined = text.String(), nil
}

// glued: a word broken at its hyphen.
var glued = regexp.MustCompile(`\pL-$`)

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// slack: lines broken by width may be so much shorter than the longest.
const slack = 10

// wouldNotFit tells whether the line ended because the next word had no room.
func wouldNotFit(line, next string, width int) bool {
	word, _, _ := strings.Cut(next, " ")
	return utf8.RuneCountInString(strings.TrimRight(line, " \t"))+1+utf8.RuneCountInString(word) > width
}

// goesOn tells whether a sentence runs from one line into the next.
func goesOn(line, next string) bool {
	r, _ := utf8.DecodeRuneInString(next)
	return unicode.IsLetter(r) && !unicode.IsUpper(r) && !endsSentence(strings.TrimSpace(line))
}

const narrowest, widest = 40, 132 // lines broken by width are within

// wrapWidth tells the width by which a text was broken into lines, 0 if lines
// are paragraphs. Broken by width means: where a line follows another, the
// next word mostly had no room, and often the sentence runs on.
func wrapWidth(lines []string) int {
	var widths []int
	var breaks [][2]string
	for i := range max(0, len(lines)-1) {
		line, next := strings.TrimSpace(lines[i]), strings.TrimSpace(lines[i+1])
		if line == "" || next == "" || ruler.MatchString(line) || ruler.MatchString(next) || bulletMark.MatchString(next) || indent(lines[i+1]) > indent(lines[i])+1 {
			continue
		}
		widths = append(widths, utf8.RuneCountInString(strings.TrimRight(lines[i], " \t")))
		breaks = append(breaks, [2]string{lines[i], next})
	}
	if len(breaks) == 0 {
		return 0
	}
	slices.Sort(widths)
	width := widths[(len(widths)-1)*9/10]
	if width < narrowest || width > widest || float64(longer(widths, widest)) > 0.1*float64(len(widths)) {
		return 0
	}
	full, on := 0, 0
	for _, b := range breaks {
		if wouldNotFit(b[0], b[1], width-slack) {
			full++
		}
		if goesOn(b[0], b[1]) {
			on++
		}
	}
	if full*10 < len(breaks)*6 || on*4 < len(breaks) {
		return 0
	}
	return width
}

// longer counts the widths beyond limit.
func longer(sorted []int, limit int) int {
	at, _ := slices.BinarySearch(sorted, limit+1)
	return len(sorted) - at
}

// numberedAlone turns a numbered line that stands alone back into a paragraph
// ("1. Introduction" may be one, "18. August" is none), and takes the numbers off the others.
func numberedAlone(blocks []block) []block {
	isNumbered := func(i int) bool { return i >= 0 && i < len(blocks) && blocks[i].kind == numbered }
	kept := slices.Clone(blocks)
	for i, b := range blocks {
		switch {
		case b.kind != numbered:
		case isNumbered(i-1) || isNumbered(i+1):
			kept[i].text = numberMark.FindStringSubmatch(b.text)[1]
		default:
			kept[i].kind = paragraph
		}
	}
	return kept
}

// isProse tells whether a block is running text: what a summary is taken from.
func (b block) isProse() bool {
	return b.kind == paragraph && (endsSentence(b.text) || utf8.RuneCountInString(b.text) >= 80) &&
		!isCaption(b.text) && !isDateLine(b.text) && authorsIn(b.text) == nil
}

// isHeadline tells whether the first of blocks reads as a headline to the rest.
func isHeadline(blocks []block) bool {
	b := blocks[0]
	if b.kind == heading {
		return true
	}
	if b.kind != paragraph || len(blocks) < 2 || !headlineShape(b.text) {
		return false
	}
	rest := slices.DeleteFunc(slices.Clone(blocks[1:]), func(b block) bool { return isDateLine(b.text) })
	return len(rest) > 0 && beginsLikeTitle(rest[0].text) && slices.ContainsFunc(rest, func(next block) bool {
		return next.isProse() || next.kind == bullet || next.kind == numbered
	})
}

// headlineShape judges a line by itself.
func headlineShape(s string) bool {
	n := utf8.RuneCountInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	return n >= 8 && n <= 160 && beginsLikeTitle(s) && !strings.ContainsRune(":,;-–—.。", last) &&
		(!endsSentence(s) || strings.ContainsAny(s[len(s)-min(len(s), 4):], "?!？！")) &&
		!strings.Contains(dateline.FindString(s), "(") && !isDateLine(s) && !isCaption(s) && authorsIn(s) == nil && !address.MatchString(s)
}

// isKicker tells whether a line is the label above a headline: "OPINION", "WORLD NEWS".
func isKicker(s string) bool {
	return len(strings.Fields(s)) <= 3 && len(s) <= 30 && s == strings.ToUpper(s) && letters.MatchString(s) && !endsSentence(s)
}

// isSection tells whether the block at i reads as the heading of what follows:
// short, unpunctuated, between running text, and not itself introduced
// ("Russian media, too…", "Tusk wrote:") as something quoted is.
func isSection(blocks []block, i int) bool {
	s := blocks[i].text
	if i+1 >= len(blocks) || blocks[i].kind != paragraph || utf8.RuneCountInString(s) > 90 || len(strings.Fields(s)) > 14 {
		return false
	}
	if !beginsLikeTitle(s) || strings.ContainsAny(s[len(s)-1:], ".:,;!-") || endsSentence(s) && !strings.HasSuffix(s, "?") || strings.ContainsRune(s, '@') {
		return false
	}
	if isCaption(s) || len(datesIn(s)) > 0 || authorsIn(s) != nil || address.MatchString(s) || strings.ContainsRune(openers, firstRune(s)) {
		return false
	}
	if i > 0 && introduces(blocks[i-1].text) {
		return false
	}
	next := blocks[i+1]
	return next.kind == bullet || next.kind == numbered ||
		next.isProse() && (endsSentence(next.text) || strings.HasSuffix(next.text, ":")) && beginsLikeTitle(next.text) && len(next.text) > len(s)
}

// introduces tells whether a text points to what comes after it.
func introduces(s string) bool {
	return strings.HasSuffix(s, ":") || strings.HasSuffix(s, "...") || strings.HasSuffix(s, "…")
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}
