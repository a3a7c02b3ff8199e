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
	case !s.secret && len(v) == dateMarkLen && strings.HasPrefix(v, dateMark):
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

// plainText is a text in which markup stands for nothing.
func plainText(v string) feed.Text { return feed.Text{Value: strings.TrimSpace(v)} }

// htmlText is a text of HTML.
func htmlText(v string) feed.Text { return feed.Text{Value: strings.TrimSpace(v), HTML: true} }

// content is a text that holds HTML by convention (content:encoded).
func (s *scan) content(v string) feed.Text {
	if p, ok := s.lifted(v); ok {
		v = s.flatten(p, p.markup)
	}
	return htmlText(v)
}

// guess is a text of RSS, which does not say whether it is HTML. A
// description is, if anything in it looks like a tag or an entity; a title
// only if it would make sense as HTML.
func (s *scan) guess(v string, isHTML func(string) bool) feed.Text {
	p, ok := s.lifted(v)
	if !ok {
		return feed.Text{Value: strings.TrimSpace(v), HTML: isHTML(v)}
	}
	v = strings.TrimSpace(s.flatten(p, p.markup))
	return feed.Text{Value: v, HTML: p.markup || isHTML(v)}
}

// limit cuts the entry's texts that are over max bytes, and marks them.
func limit(e *feed.RawEntry, max int) {
	for _, t := range []*feed.Text{&e.Title, &e.Summary, &e.Content} {
		if len(t.Value) > max {
			t.Value, t.Cut = strings.TrimSpace(cutText(t.Value, max)), true
		}
	}
}

// cutText cuts content over max bytes at a boundary: after a tag or a space
// in the last kilobyte, else between two characters.
func cutText(v string, max int) string {
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
