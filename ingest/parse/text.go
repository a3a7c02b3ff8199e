package parse

import (
	"bytes"
	"html"
	"strconv"
	"strings"
	"unicode/utf8"

	"tributary/feed"
)

// lifted is the piece that a mark stands for.
func (s *scan) lifted(v string) (*piece, bool) {
	var digits string
	switch {
	case strings.HasPrefix(v, s.mark):
		digits = v[len(s.mark):]
	case len(v) == dateMarkLen && strings.HasPrefix(v, dateMark):
		digits = v[len(dateMark) : len(v)-1]
	default:
		return nil, false
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || n >= len(s.pieces) {
		return nil, false
	}
	return &s.pieces[n], true
}

// str is what gofeed made of an element, with its mark put back: a string in
// which markup has no meaning (an id, a date, a name).
func (s *scan) str(v string) string {
	p, ok := s.lifted(v)
	if !ok {
		return strings.TrimSpace(v)
	}
	return strings.TrimSpace(s.flatten(p, p.markup))
}

// link is str for an address. Where gofeed had only a mark to resolve against
// xml:base, this does.
func (s *scan) link(v string) string {
	p, ok := s.lifted(v)
	if !ok {
		return strings.TrimSpace(v)
	}
	return resolve(s.scopes[p.scope].base, strings.TrimSpace(s.flatten(p, p.markup)))
}

// where is the scope of a lifted text; that of the document if v is none.
func (s *scan) where(v string) scope {
	if p, ok := s.lifted(v); ok {
		return s.scopes[p.scope]
	}
	return scope{}
}

// flatten gives the text of a piece: entities decoded, CDATA sections
// opened. Of one that holds elements it gives HTML, entities kept.
func (s *scan) flatten(p *piece, asHTML bool) string {
	if !p.cdata && !p.markup {
		return decodeEntities(bytes.TrimSpace(p.raw), s.entities)
	}
	var out strings.Builder
	out.Grow(len(p.raw))
	for raw := bytes.TrimSpace(p.raw); len(raw) > 0; {
		i := bytes.IndexByte(raw, '<')
		if i < 0 {
			i = len(raw)
		}
		if asHTML {
			out.Write(raw[:i])
		} else {
			out.WriteString(decodeEntities(raw[:i], s.entities))
		}
		raw = raw[i:]
		if len(raw) > 0 {
			raw = raw[writeMarkup(&out, raw, asHTML, asHTML && isXHTML(p.tag)):]
		}
	}
	return out.String()
}

// isXHTML tells whether an Atom text says that its markup is XML, so that
// what is in a CDATA section is text.
func isXHTML(tag []byte) bool {
	v, _ := attr(tag, "type")
	return bytes.Contains(bytes.ToLower(v), []byte("xhtml"))
}

// writeMarkup writes the tag or section that raw begins with, and answers its
// length. A "<" that begins neither is text.
func writeMarkup(out *strings.Builder, raw []byte, asHTML, escapeCDATA bool) int {
	if len(raw) > 1 && (raw[1] == '!' || raw[1] == '?') {
		n := asideLen(raw)
		if n < 0 {
			n = len(raw)
		}
		if section, ok := bytes.CutPrefix(raw[:n], cdataStart); ok {
			text := string(bytes.TrimSuffix(section, cdataEnd))
			if escapeCDATA {
				text = html.EscapeString(text)
			}
			out.WriteString(text)
		}
		return n
	}
	end := tagEnd(raw)
	if name := bytes.TrimPrefix(raw[1:], []byte("/")); end < 0 || len(name) == 0 || !isNameStart(name[0]) {
		if asHTML {
			out.WriteString("&lt;")
		} else {
			out.WriteByte('<')
		}
		return 1
	}
	writeTag(out, raw[:end+1])
	return end + 1
}

// writeTag writes an XML tag as HTML: no prefix, and no empty-element tag
// but of the elements that HTML has without an end tag.
func writeTag(out *strings.Builder, tag []byte) {
	out.WriteByte('<')
	inner := tag[1 : len(tag)-1]
	if inner[0] == '/' {
		out.WriteByte('/')
		inner = inner[1:]
	}
	name := nameAt(inner)
	_, local := splitName(name)
	empty := bytes.HasSuffix(inner, []byte("/"))
	rest := bytes.TrimSuffix(inner[len(name):], []byte("/"))
	out.Write(local)
	out.Write(bytes.TrimRight(rest, " \t\r\n"))
	out.WriteByte('>')
	if empty && !isVoid(string(bytes.ToLower(local))) {
		out.WriteString("</")
		out.Write(local)
		out.WriteByte('>')
	}
}

// isVoid tells of the elements that HTML writes without an end tag.
func isVoid(name string) bool {
	switch name {
	case "area", "base", "br", "col", "embed", "hr", "img", "input", "link",
		"meta", "param", "source", "track", "wbr":
		return true
	}
	return false
}

// maxEntity is the length within which the ";" of an entity is looked for.
const maxEntity = 40

// decodeEntities replaces character references and the entities of XML, HTML
// and own by their characters. What is none, as in "AT&T" or "?a=1&copy=2",
// stays as it is.
func decodeEntities(b []byte, own map[string]string) string {
	i := bytes.IndexByte(b, '&')
	if i < 0 {
		return string(b)
	}
	var out strings.Builder
	out.Grow(len(b))
	for i >= 0 {
		out.Write(b[:i])
		b = b[i:]
		n, text := entity(b, own)
		out.WriteString(text)
		b = b[n:]
		i = bytes.IndexByte(b, '&')
	}
	out.Write(b)
	return out.String()
}

// entity decodes the entity that b begins with: its length there, its text.
func entity(b []byte, own map[string]string) (int, string) {
	end := bytes.IndexByte(b[:min(len(b), maxEntity)], ';')
	if end < 2 {
		return 1, "&"
	}
	name := b[1:end]
	switch string(name) {
	case "lt":
		return end + 1, "<"
	case "gt":
		return end + 1, ">"
	case "amp":
		return end + 1, "&"
	case "quot":
		return end + 1, `"`
	case "apos":
		return end + 1, "'"
	}
	if v, ok := own[string(name)]; ok {
		return end + 1, v
	}
	ref := string(b[:end+1])
	text := html.UnescapeString(ref)
	switch {
	case text == ref, name[0] != '#' && strings.HasSuffix(text, ";") && ref != "&semi;":
		return 1, "&" // unknown, or only its beginning is known
	case len(text) == 1 && text[0] < ' ' && !isSpace(text[0]):
		return end + 1, "" // a control character
	}
	return end + 1, text
}

// maxExpansion is the longest value of an entity that a document declares:
// what stands for itself a million times must stay short.
const maxExpansion = 24

// declaredEntities reads <!ENTITY name "value"> from a document type. A value
// that refers to others is left out: expansion must not grow.
func declaredEntities(doctype []byte) map[string]string {
	var own map[string]string
	for {
		i := bytes.Index(doctype, []byte("<!ENTITY"))
		if i < 0 || len(own) >= 300 {
			return own
		}
		doctype = doctype[i+len("<!ENTITY"):]
		decl := bytes.TrimLeft(doctype, " \t\r\n")
		n := bytes.IndexAny(decl, " \t\r\n>")
		if n <= 0 || decl[0] == '%' {
			continue
		}
		rest := bytes.TrimLeft(decl[n:], " \t\r\n")
		if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
			continue // external
		}
		value, _ := attrValue(rest)
		text := decodeEntities(value, nil)
		if len(text) <= maxExpansion && !strings.Contains(text, "&") {
			if own == nil {
				own = map[string]string{}
			}
			own[string(decl[:n])] = text
		}
	}
}

// plainText is a text in which markup stands for nothing.
func plainText(v string) feed.Text { return feed.Text{Value: strings.TrimSpace(v)} }

// htmlText is a text of HTML.
func htmlText(v string) feed.Text { return feed.Text{Value: strings.TrimSpace(v), HTML: true} }

// content is a text that holds HTML by convention (content:encoded).
func (s *scan) content(v string) feed.Text {
	if p, ok := s.lifted(v); ok {
		v = s.flatten(p, p.markup)
	}
	return htmlText(cutText(v, s.lim.MaxContent))
}

// guess is a text of RSS, which does not say whether it is HTML. A
// description is, if anything in it looks like a tag or an entity; a title
// only if it would make sense as HTML.
func (s *scan) guess(v string, isHTML func(string) bool) feed.Text {
	p, ok := s.lifted(v)
	if !ok {
		return feed.Text{Value: strings.TrimSpace(v), HTML: isHTML(v)}
	}
	v = strings.TrimSpace(cutText(s.flatten(p, p.markup), s.lim.MaxContent))
	return feed.Text{Value: v, HTML: p.markup || isHTML(v)}
}

// hasMarkup tells whether something in v looks like a tag or an entity.
func hasMarkup(v string) bool {
	for i := 0; i+2 < len(v); i++ {
		j := strings.IndexAny(v[i:], "<&")
		if j < 0 || i+j+2 >= len(v) {
			return false
		}
		i += j
		c := v[i+1]
		if v[i] == '&' && entityName(v[i:]) != "" || v[i] == '<' && (c == '/' || c == '!' || isLetter(c)) {
			return true
		}
	}
	return false
}

// looksHTML tells whether a title is HTML: it has an entity or an element of
// phrasing content with its end tag (or one that has none), and no tag that
// HTML does not know in a title. "AT&T <3", "the <b> tag" and "List<String>"
// are plain text.
func looksHTML(v string) bool {
	i := strings.IndexAny(v, "<&")
	if i < 0 {
		return false
	}
	if len(v) > maxTitle {
		return hasMarkup(v)
	}
	found := false
	for ; i >= 0 && i < len(v); i = nextMarkup(v, i) {
		if v[i] == '&' {
			found = found || entityName(v[i:]) != ""
			continue
		}
		name := strings.ToLower(tagNameOf(v[i:]))
		switch {
		case name == "":
			continue
		case name == "br" || name == "wbr" || name == "img":
			found = true
		case !isPhrasing(name) || !closes(v, name):
			return false
		default:
			found = true
		}
	}
	return found
}

// maxTitle is the length up to which a title is looked at in earnest.
const maxTitle = 2000

// nextMarkup is the index of the next "<" or "&" after i, or -1.
func nextMarkup(v string, i int) int {
	if j := strings.IndexAny(v[i+1:], "<&"); j >= 0 {
		return i + 1 + j
	}
	return -1
}

// closes tells whether v has both tags of an element.
func closes(v, name string) bool {
	v = strings.ToLower(v)
	return strings.Contains(v, "</"+name+">") && strings.Contains(v, "<"+name)
}

// tagNameOf is the name in the tag that v begins with, "" if it begins with
// none that ends.
func tagNameOf(v string) string {
	v = strings.TrimPrefix(v[1:], "/")
	n := 0
	for n < len(v) && (isLetter(v[n]) || n > 0 && '0' <= v[n] && v[n] <= '9') {
		n++
	}
	if n == len(v) || !strings.Contains(v[n:min(len(v), n+maxTitle)], ">") || !strings.ContainsRune(" \t\r\n/>", rune(v[n])) {
		return ""
	}
	return v[:n]
}

// isPhrasing tells of the elements that titles are decorated with.
func isPhrasing(name string) bool {
	switch name {
	case "a", "abbr", "acronym", "b", "big", "cite", "code", "del", "dfn", "div", "em", "font", "h1",
		"h2", "h3", "h4", "i", "ins", "kbd", "mark", "p", "q", "s", "samp", "small", "span", "strike",
		"strong", "sub", "sup", "tt", "u", "var":
		return true
	}
	return false
}

// entityName is the entity that v begins with, as written; "" if it begins
// with none that HTML knows.
func entityName(v string) string {
	n, _ := entity([]byte(v[:min(len(v), maxEntity)]), nil)
	if n == 1 {
		return ""
	}
	return v[:n]
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// cutText cuts content over max bytes at a boundary: after a tag or a space
// in the last kilobyte, else between two characters.
func cutText(v string, max int) string {
	if len(v) <= max {
		return v
	}
	v = v[:max]
	for r, n := utf8.DecodeLastRuneInString(v); r == utf8.RuneError && n == 1; r, n = utf8.DecodeLastRuneInString(v) {
		v = v[:len(v)-1]
	}
	from := len(v) - min(len(v), 1024)
	if i := strings.LastIndexAny(v[from:], "> \n"); i >= 0 {
		return v[:from+i+1]
	}
	return v
}
