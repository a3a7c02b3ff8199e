package clean

import (
	"bytes"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	// maxDepth is how deep elements may stand in each other; the tags of
	// deeper ones are left out, their text is not.
	maxDepth = 200
	// maxReopened is how many elements are opened again in one document.
	maxReopened = 32
	// keptBuffer is the size up to which a buffer is kept for the next document.
	keptBuffer = 256 << 10
	// maxGrowth is how many times longer than its document the output may get
	// by making short relative addresses absolute.
	maxGrowth = 8
)

// HTML gives a fragment of HTML as safe, balanced HTML with absolute URLs;
// relative ones are resolved against base and dropped where that is "". It is
// idempotent: a fragment that it gave comes back unchanged.
func HTML(fragment, base string) string {
	m := machines.Get().(*machine)
	defer m.release()
	m.links = resolver{bases: []string{base}}
	m.run(fragment)
	return string(m.out)
}

// machine reads HTML and writes clean HTML, and its plain text along with it.
type machine struct {
	lex   lexer
	links resolver

	out   []byte
	text  folder
	stack []opened

	input     int      // bytes of the document
	pre       int      // pre elements on the stack
	deadLinks int      // <a> left out inside an <a>, whose end tags are still to come
	deadSpans int      // likewise <span>
	reopened  int      // elements opened again so far
	put       []opened // elements to open again, their places being those of
	putTags   []byte   // their start tags
	scratch   []byte
}

// opened is an element that has been written and not yet ended.
type opened struct {
	name  string
	class class
	start int // where its start tag begins in the output
	body  int // where its content begins
}

var machines = sync.Pool{New: func() any { return new(machine) }}

func (m *machine) release() {
	m.lex.reset("")
	m.links = resolver{}
	if max(cap(m.out), cap(m.text.buf), cap(m.scratch)) > keptBuffer {
		m.out, m.text.buf, m.scratch = nil, nil, nil
	}
	machines.Put(m)
}

// run cleans a document; the result is in m.out and m.text until the next one.
func (m *machine) run(document string) {
	document = valid(document)
	m.lex.reset(document)
	m.out, m.stack = m.out[:0], m.stack[:0]
	m.text.reset()
	m.input, m.pre, m.deadLinks, m.deadSpans, m.reopened = len(document), 0, 0, 0, 0
	for {
		switch t := m.lex.next(); t.kind {
		case textToken:
			m.chars(t.text)
		case startToken:
			m.start(t.name)
		case endToken:
			m.end(t.name)
		default:
			m.closeFrom(0)
			m.out = bytes.TrimRight(m.out, " \n")
			return
		}
	}
}

// start handles a start tag; its attributes are in m.lex.
func (m *machine) start(name string) {
	element, c := classify(name)
	switch c {
	case classNone:
		return
	case classDrop, classDropRest:
		if _, ok := m.lex.skipElement(name); !ok && c == classDropRest {
			m.lex.at = len(m.lex.s)
		}
		return
	case classFrame:
		m.frame(name)
		return
	}
	if len(m.stack) >= maxDepth {
		m.text.gapIf(c.blockish())
		return
	}
	switch c {
	case classBreak, classRule, classImage, classSource, classMedia, classColumn:
		m.leaf(element, c)
	case classTable, classCaption, classColumns, classRows, classRow, classCell:
		m.tablePart(element, c)
	case classInline, classPicture:
		m.flow()
		m.openInline(element, c)
	case classLink:
		m.openLink()
	case classRuby:
		m.openRuby(element)
	default:
		m.openBlock(element, c)
	}
}

// openBlock starts an element that ends an open paragraph. What was open inside
// that paragraph goes on in the new element where one would expect it to.
func (m *machine) openBlock(element string, c class) {
	m.flow()
	if c == classItem || c == classTerm {
		m.endSibling(c)
	}
	m.endParagraph()
	if c == classHeading && m.top().class == classHeading {
		m.closeFrom(len(m.stack) - 1)
	}
	m.open(element, c)
	if c == classPara || c == classBlock || c == classHeading {
		m.reopen()
	}
}

// endSibling ends the list item, or the term or description, that the start of
// another one ends (13.2.6.4.7, "li" and "dd").
func (m *machine) endSibling(c class) {
	for i := len(m.stack) - 1; i >= 0; i-- {
		e := m.stack[i]
		if e.class == c {
			m.closeFrom(i)
			return
		}
		if e.class.special() && e.class != classPara && e.name != "address" && e.name != "div" {
			return
		}
	}
}

// endParagraph ends the open paragraph, if any. The links and inline elements
// that were open in it are put by.
func (m *machine) endParagraph() {
	m.put, m.putTags = m.put[:0], m.putTags[:0]
	i := m.scope("p")
	if i < 0 {
		return
	}
	for _, e := range m.stack[i+1:] {
		if (e.class == classInline || e.class == classLink) && e.name != "span" && e.name != "ruby" {
			from := len(m.putTags)
			m.putTags = append(m.putTags, m.out[e.start:e.body]...)
			m.put = append(m.put, opened{e.name, e.class, from, len(m.putTags)})
		}
	}
	m.closeFrom(i)
}

// reopen opens the elements put by once more.
func (m *machine) reopen() {
	for _, e := range m.put {
		if m.reopened == maxReopened {
			return
		}
		m.reopened++
		start := len(m.out)
		m.out = append(m.out, m.putTags[e.start:e.body]...)
		m.push(e.name, e.class, start)
	}
}

// openLink starts an a element. A link inside another one cannot be: the outer
// one ends where only inline elements are between them; elsewhere the inner
// one is left out.
func (m *machine) openLink() {
	m.flow()
	if i := m.scope("a"); i >= 0 {
		for _, e := range m.stack[i+1:] {
			if e.class.special() {
				m.deadLinks++
				return
			}
		}
		m.closeFrom(i)
	}
	m.open("a", classLink)
	if e := m.top(); !bytes.Contains(m.out[e.start:], []byte(` href="`)) { // an anchor, or refused
		m.takeBack()
	}
}

// openInline starts an inline element; a span only if it says something.
func (m *machine) openInline(element string, c class) {
	m.open(element, c)
	if e := m.top(); element == "span" && e.body-e.start == len("<span>") {
		m.takeBack()
		if m.scope("span") >= 0 {
			m.deadSpans++
		}
	}
}

// takeBack undoes open.
func (m *machine) takeBack() {
	m.out = m.out[:m.top().start]
	m.stack = m.stack[:len(m.stack)-1]
}

// openRuby starts an rt or rp element, which ends the one before.
func (m *machine) openRuby(element string) {
	if m.scope("ruby") < 0 {
		return
	}
	for {
		switch m.top().class {
		case classRuby, classPara, classItem, classTerm:
			m.closeFrom(len(m.stack) - 1)
			continue
		}
		break
	}
	m.open(element, classRuby)
}

// end handles an end tag. One that nothing is open for is left out.
func (m *machine) end(name string) {
	element, c := classify(name)
	switch c {
	case classNone, classDrop, classDropRest, classFrame, classMedia:
		return
	case classHeading:
		m.closeFrom(m.scopeOf(classHeading))
	case classItem:
		m.closeFrom(m.scopeOf(classItem))
	case classTable, classCaption, classColumns, classRows, classRow, classCell:
		m.closeFrom(m.tableScope(element))
	case classLink:
		if m.deadLinks > 0 {
			m.deadLinks--
			return
		}
		m.closeFrom(m.scope(element))
	default:
		if element == "span" && m.deadSpans > 0 {
			m.deadSpans--
			return
		}
		m.closeFrom(m.scope(element))
	}
}

// scope is the place on the stack of the innermost element of that name, -1 if
// none is in reach.
func (m *machine) scope(element string) int {
	for i := len(m.stack) - 1; i >= 0; i-- {
		if m.stack[i].name == element {
			return i
		}
		if m.stack[i].class.walled() {
			return -1
		}
	}
	return -1
}

// scopeOf is scope for any element of a class. A list is a wall to its items.
func (m *machine) scopeOf(c class) int {
	for i := len(m.stack) - 1; i >= 0; i-- {
		e := m.stack[i]
		if e.class == c {
			return i
		}
		if e.class.walled() || c == classItem && e.class == classList {
			return -1
		}
	}
	return -1
}

// closeFrom ends all elements from the given place of the stack on; none if it
// is negative.
func (m *machine) closeFrom(i int) {
	for i >= 0 && len(m.stack) > i {
		m.closeTop()
	}
}

func (m *machine) closeTop() {
	e := m.top()
	m.stack = m.stack[:len(m.stack)-1]
	m.text.gapIf(e.class.blockish())
	switch e.name {
	case "pre":
		m.pre--
	case "a":
		m.deadLinks = 0
	case "span":
		m.deadSpans = 0
	}
	if m.vanishes(e) {
		return
	}
	m.out = append(m.out, "</"...)
	m.out = append(m.out, e.name...)
	m.out = append(m.out, '>')
}

// vanishes takes back an element that has nothing in it. White space that was
// in it stays, and two words that it kept apart stay apart.
func (m *machine) vanishes(e opened) bool {
	body := m.out[e.body:]
	switch {
	case e.class == classCell:
		return false
	case e.class == classPicture && !bytes.Contains(body, []byte("<img ")):
		body = nil
	case !isBlank(body):
		return false
	}
	gap := len(body) > 0 || e.class.blockish()
	m.out = m.out[:e.start]
	if gap {
		m.space(" ")
	}
	return true
}

// isBlank tells whether an element's content is white space only, a few hard
// spaces included.
func isBlank(b []byte) bool {
	return len(b) == 0 || len(b) <= 32 && len(bytes.TrimSpace(b)) == 0
}

// open writes a start tag with the allowed of its attributes.
func (m *machine) open(element string, c class) {
	start := len(m.out)
	m.startTag(element)
	m.out = append(m.out, '>')
	m.push(element, c, start)
}

func (m *machine) push(element string, c class, start int) {
	m.text.gapIf(c.blockish())
	if c == classPre {
		m.pre++
	}
	m.stack = append(m.stack, opened{element, c, start, len(m.out)})
}

// imply opens an element that the document left out.
func (m *machine) imply(element string, c class) {
	start := len(m.out)
	m.out = append(m.out, '<')
	m.out = append(m.out, element...)
	m.out = append(m.out, '>')
	m.push(element, c, start)
}

func (m *machine) top() opened {
	if len(m.stack) == 0 {
		return opened{}
	}
	return m.stack[len(m.stack)-1]
}

// chars handles a stretch of text.
func (m *machine) chars(s string) {
	if only, line := blankText(s); only && (m.pre == 0 || m.top().class.structural()) {
		if line {
			m.space("\n")
		} else {
			m.space(" ")
		}
		return
	}
	m.flow()
	for {
		i := strings.IndexByte(s, '&')
		if i < 0 {
			m.write(s)
			return
		}
		m.write(s[:i])
		text, n := reference(s[i:], false)
		if n == 0 {
			text, n = "&", 1
		}
		m.write(text)
		s = s[i+n:]
	}
}

// write puts decoded text out.
func (m *machine) write(s string) {
	if e := m.top(); e.class == classPre && e.body == len(m.out) {
		s = strings.TrimLeftFunc(s, lineEnd) // a parser drops the first one
	}
	m.text.add(s)
	m.out = appendHTML(m.out, s, false)
}

func lineEnd(r rune) bool { return r == '\n' || r == '\r' || dropped(r) }

// dropped tells whether a character of a text leaves nothing in the output.
func dropped(r rune) bool {
	return forbidden(r) && (r < 0x80 || r > 0x9F || windows1252(r) == "")
}

// space puts white space out where it can be seen, and only once.
func (m *machine) space(s string) {
	m.text.gap = true
	if len(m.out) == 0 || m.top().class.structural() {
		return
	}
	if e := m.top(); e.class == classPre && e.body == len(m.out) {
		return
	}
	if last := m.out[len(m.out)-1]; last != ' ' && last != '\n' {
		m.out = append(m.out, s...)
	}
}

// blankText tells whether text is white space only when it is written, and
// whether it has a line end.
func blankText(s string) (only, line bool) {
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r == '&' {
			var text string
			if text, n = reference(s[i:], false); n == 0 {
				return false, false
			}
			r, _ = utf8.DecodeRuneInString(text)
		} else if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		switch {
		case r == '\n', r == '\r':
			line = true
		case r == ' ', r == '\t', r == '\f', dropped(r):
		default:
			return false, false
		}
		i += n
	}
	return true, line
}
