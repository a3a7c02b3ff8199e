package parse

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"tributary/feed"
)

// lifting says what to do with an element, by its name.
type lifting int

const (
	leave lifting = iota
	liftText
	liftDate
	liftAtom // only when the prefix is Atom's: media:content is another thing
	liftLink // only in Atom, where the address belongs into an attribute
)

// lift decides whether the element is a text to be lifted.
func (s *scan) lift(e *element, tag []byte) bool {
	if len(s.open) == 0 {
		return false
	}
	prefix, local := splitName(e.name)
	switch liftByName(local) {
	case leave:
		return false
	case liftAtom:
		if len(prefix) > 0 && !s.atom[string(prefix)] {
			return false
		}
		_, out := attr(tag, "src") // out of line: it has no text
		return !out
	case liftLink:
		_, has := attr(tag, "href")
		return s.root == "feed" && !has && (len(prefix) == 0 || s.atom[string(prefix)])
	}
	return true
}

// liftByName goes by the local name, as gofeed does without regard to case.
func liftByName(local []byte) lifting {
	var buf [13]byte
	if len(local) > len(buf) {
		return leave
	}
	for i, c := range local {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	switch string(buf[:len(local)]) {
	case "title", "description", "summary", "encoded", "subtitle", "tagline", "abstract", "body",
		"rights", "copyright", "id", "guid":
		return liftText
	case "content":
		return liftAtom
	case "pubdate", "published", "updated", "modified", "issued", "lastbuilddate":
		return liftDate
	case "link":
		return liftLink
	}
	return leave
}

// takeText takes the text of the element that begins with tag out of the
// document, up to its end tag, and leaves a mark.
func (s *scan) takeText(e element, tag []byte) error {
	p := piece{tag: tag, scope: e.scope}
	n, err := s.inner(&p, e.name)
	if err != nil {
		return err
	}
	p.raw = s.src[s.pos : s.pos+n]
	s.pos += n
	s.pos += bytes.IndexByte(s.src[s.pos:], '>') + 1
	_, local := splitName(e.name)
	how := liftByName(local)
	if how == liftLink {
		s.out = append(append(s.out, tag[:len(tag)-1]...), ` href="`...)
		s.putMark(p)
		s.out = append(s.out, `"/>`...)
		return nil
	}
	// Attributes are kept where gofeed reads them, and where a namespace is
	// declared; a type would make it parse the mark as HTML.
	if bytes.EqualFold(local, []byte("guid")) || bytes.Contains(tag, []byte("xmlns")) {
		s.out = append(s.out, tag...)
	} else {
		s.out = append(append(append(s.out, '<'), e.name...), '>')
	}
	if how == liftDate && !s.secret {
		s.putDateMark(p)
	} else {
		s.putMark(p)
	}
	s.out = append(append(append(s.out, "</"...), e.name...), '>')
	return nil
}

// inner is the length of what is between the start tag before s.pos and the
// matching end tag of that name.
func (s *scan) inner(p *piece, name []byte) (int, error) {
	depth, src, at := 0, s.src, s.pos
	for {
		i := bytes.IndexByte(src[at:], '<')
		if i < 0 || at+i+1 >= len(src) {
			return 0, errBroken
		}
		at += i
		rest := src[at:]
		n := -1
		switch c := rest[1]; {
		case c == '/':
			n = bytes.IndexByte(rest, '>')
			if n > 0 && depth == 0 {
				if !bytes.Equal(bytes.TrimRight(rest[2:n], " \t\r\n"), name) {
					return 0, errBroken
				}
				return at - s.pos, nil
			}
			depth--
			n++
		case c == '!' || c == '?':
			n = asideLen(rest)
			p.cdata = p.cdata || bytes.HasPrefix(rest, cdataStart)
		case isNameStart(c):
			p.markup = true
			if n = tagEnd(rest); n > 0 && rest[n-1] != '/' {
				depth++
			}
			n++
		}
		if n <= 0 {
			return 0, errBroken
		}
		if depth+len(s.open) > s.lim.MaxDepth {
			return 0, tooDeep(s.lim)
		}
		at += n
	}
}

func tooDeep(lim Limits) error {
	return feed.Errorf(feed.CodeInvalid, "%w: more than %d levels, which no feed needs, so the document was not read", errDeep, lim.MaxDepth)
}

// putMark leaves a mark for p in the skeleton.
func (s *scan) putMark(p piece) {
	s.marked++
	s.out = append(s.out, s.mark...)
	s.out = strconv.AppendInt(s.out, int64(len(s.pieces)), 10)
	s.pieces = append(s.pieces, p)
}

const (
	dateMark    = "2000-01-01T00:00:00."
	dateMarkLen = len(dateMark) + len("000000000Z")
)

// putDateMark leaves a mark that is itself a date. gofeed tries its two
// hundred layouts on each date, which takes longer than all else; this one
// fits the second.
func (s *scan) putDateMark(p piece) {
	s.dated++
	s.out = append(s.out, dateMark...)
	n := strconv.Itoa(len(s.pieces))
	s.out = append(s.out, "000000000"[len(n):]...)
	s.out = append(s.out, n...)
	s.out = append(s.out, 'Z')
	s.pieces = append(s.pieces, p)
}

// guardLinks replaces addresses in the tag that the skeleton has from at on by
// marks: those with characters beyond ASCII, which gofeed would rewrite (a host
// in Chinese becomes percent signs, which no resolver knows), and those in
// force of an xml:base that gofeed does not resolve. The mark keeps the
// element's own base, which may be another than that of the entry's text.
func (s *scan) guardLinks(at, where int) {
	based := s.scopes[where].base != ""
	if !based && isASCIIBytes(s.out[at:]) {
		return
	}
	for _, name := range [...]string{"href", "src", "url", "uri"} {
		v, ok := attr(s.out[at:], name)
		if !ok || isASCIIBytes(v) && (name != "url" || !based) {
			continue
		}
		value, i := bytes.Clone(v), indexOf(s.out, v)
		tail := bytes.Clone(s.out[i+len(v):])
		s.out = s.out[:i]
		s.putMark(piece{raw: value, scope: where})
		s.out = append(s.out, tail...)
	}
}

// indexOf is where part, a slice of whole, begins in it.
func indexOf(whole, part []byte) int { return cap(whole) - cap(part) }

func isASCIIBytes(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
