package clean

import "strings"

// tokenKind says what a token is.
type tokenKind uint8

const (
	endOfText tokenKind = iota
	textToken
	startToken
	endToken
)

// token is a tag or a stretch of text of an HTML document.
type token struct {
	kind tokenKind
	text string // of a text: as written, character references and all
	name string // of a tag: lower case
}

// attribute is one of a tag's; value as written.
type attribute struct{ name, value string }

// maxAttributes is how many attributes of a tag are looked at.
const maxAttributes = 48

// lexer splits HTML into tags and text as section 13.2.5 of the HTML standard
// does. Comments, declarations and processing instructions are passed over.
type lexer struct {
	s     string
	at    int
	attrs []attribute // of the last start tag; first of a name wins
	cdata bool        // inside a CDATA section that HTML does not know
	lacks []string    // end tags that are known not to come any more
}

func (l *lexer) reset(s string) {
	clear(l.attrs[:cap(l.attrs)])
	clear(l.lacks[:cap(l.lacks)])
	*l = lexer{s: s, attrs: l.attrs[:0], lacks: l.lacks[:0]}
}

// next gives the next tag or text.
func (l *lexer) next() token {
	for l.at < len(l.s) {
		if l.s[l.at] != '<' {
			return l.takeText(l.at)
		}
		rest := l.s[l.at+1:]
		switch {
		case rest == "":
			return l.takeText(l.at + 1)
		case isLetter(rest[0]):
			if t := l.takeTag(l.at+1, startToken); t.kind != endOfText {
				return t
			}
		case rest[0] == '/' && len(rest) > 1 && isLetter(rest[1]):
			if t := l.takeTag(l.at+2, endToken); t.kind != endOfText {
				return t
			}
		case rest[0] == '/' && len(rest) == 1:
			return l.takeText(len(l.s))
		case rest[0] == '!', rest[0] == '?', rest[0] == '/':
			l.skipMarkup()
		default: // a "<" that means itself
			return l.takeText(l.at + 1)
		}
	}
	return token{}
}

// takeText gives the text up to the next "<" at or after from.
func (l *lexer) takeText(from int) token {
	end := strings.IndexByte(l.s[from:], '<')
	if end < 0 {
		end = len(l.s)
	} else {
		end += from
	}
	text := l.s[l.at:end]
	l.at = end
	if l.cdata {
		if before, after, found := strings.Cut(text, "]]>"); found {
			l.cdata = false
			text = before
			l.at = end - len(after)
		}
	}
	return token{kind: textToken, text: text}
}

// skipMarkup passes over a comment, declaration or processing instruction.
// Of a CDATA section, which HTML takes for a comment up to the next ">", only
// the marks are passed over: feeds wrap their content twice.
func (l *lexer) skipMarkup() {
	rest := l.s[l.at:]
	switch {
	case strings.HasPrefix(rest, "<!--"):
		l.at += commentLen(rest)
	case strings.HasPrefix(rest, "<![CDATA["):
		l.cdata = true
		l.at += len("<![CDATA[")
	default:
		end := strings.IndexByte(rest, '>')
		if end < 0 {
			end = len(rest) - 1
		}
		l.at += end + 1
	}
}

// commentLen is the length of the comment that s begins with: up to "-->" or
// "--!>", or empty as "<!-->" and "<!--->" are.
func commentLen(s string) int {
	if strings.HasPrefix(s, "<!-->") {
		return len("<!-->")
	}
	if strings.HasPrefix(s, "<!--->") {
		return len("<!--->")
	}
	for at := len("<!--"); ; {
		i := strings.Index(s[at:], "--")
		if i < 0 {
			return len(s)
		}
		at += i
		switch rest := s[at+2:]; {
		case strings.HasPrefix(rest, ">"):
			return at + 3
		case strings.HasPrefix(rest, "!>"):
			return at + 4
		}
		at++
	}
}

// takeTag reads the tag whose name begins at the given place. A tag that the
// document breaks off is none, and is the last of it.
func (l *lexer) takeTag(at int, kind tokenKind) token {
	end := at
	for end < len(l.s) && !endsName(l.s[end]) {
		end++
	}
	name := lower(l.s[at:end])
	l.at = end
	l.attrs = l.attrs[:0]
	for l.takeAttribute() {
	}
	if l.at >= len(l.s) {
		return token{}
	}
	l.at++ // the ">"
	return token{kind: kind, name: name}
}

// takeAttribute reads an attribute, and tells whether there may be another:
// not at the tag's ">" nor at the end of the document.
func (l *lexer) takeAttribute() bool {
	for l.at < len(l.s) && (isSpace(l.s[l.at]) || l.s[l.at] == '/') {
		l.at++
	}
	if l.at >= len(l.s) || l.s[l.at] == '>' {
		return false
	}
	from := l.at
	for l.at++; l.at < len(l.s) && !endsName(l.s[l.at]) && l.s[l.at] != '='; {
		l.at++
	}
	name := l.s[from:l.at]
	l.skipSpace()
	value := ""
	if l.at < len(l.s) && l.s[l.at] == '=' {
		l.at++
		l.skipSpace()
		value = l.takeValue()
	}
	l.keep(name, value)
	return true
}

// takeValue reads an attribute's value: quoted, or up to a space or ">".
func (l *lexer) takeValue() string {
	if l.at >= len(l.s) {
		return ""
	}
	from := l.at
	if q := l.s[l.at]; q == '"' || q == '\'' {
		from++
		end := strings.IndexByte(l.s[from:], q)
		if end < 0 {
			l.at = len(l.s)
			return ""
		}
		l.at = from + end + 1
		return l.s[from : from+end]
	}
	for l.at < len(l.s) && !isSpace(l.s[l.at]) && l.s[l.at] != '>' {
		l.at++
	}
	return l.s[from:l.at]
}

func (l *lexer) keep(name, value string) {
	if len(l.attrs) == maxAttributes {
		return
	}
	name = lower(name)
	for _, a := range l.attrs {
		if a.name == name {
			return
		}
	}
	l.attrs = append(l.attrs, attribute{name, value})
}

// attr is the value of an attribute of the last start tag, "" if it has none.
func (l *lexer) attr(name string) string {
	for _, a := range l.attrs {
		if a.name == name {
			return a.value
		}
	}
	return ""
}

// skipElement passes over everything up to and with the end tag of name, and
// gives what was between. Without one nothing is passed over and ok is false;
// that is remembered, so that a document full of such tags stays linear.
func (l *lexer) skipElement(name string) (inner string, ok bool) {
	for _, n := range l.lacks {
		if n == name {
			return "", false
		}
	}
	for at := l.at; ; {
		i := strings.Index(l.s[at:], "</")
		if i < 0 {
			l.lacks = append(l.lacks, name)
			return "", false
		}
		at += i + 2
		end := at + len(name)
		if end > len(l.s) || !strings.EqualFold(l.s[at:end], name) || (end < len(l.s) && !endsName(l.s[end])) {
			continue
		}
		inner = l.s[l.at : at-2]
		l.at = len(l.s)
		if gt := strings.IndexByte(l.s[end:], '>'); gt >= 0 {
			l.at = end + gt + 1
		}
		return inner, true
	}
}

func (l *lexer) skipSpace() {
	for l.at < len(l.s) && isSpace(l.s[l.at]) {
		l.at++
	}
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isSpace is HTML's white space.
func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'
}

func endsName(c byte) bool { return isSpace(c) || c == '/' || c == '>' }

// lower is s with its ASCII letters in lower case; no copy where they are.
func lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return lowered(s)
		}
	}
	return s
}

func lowered(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}
