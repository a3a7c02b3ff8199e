package parse

import (
	"bytes"
	"strings"
)

// repair rewrites a document that is not well-formed into one that is, or
// tells that no feed is in it. What is before and after the root goes; stray
// "&" and "<" are escaped; end tags are added where they are missing and left
// out where nothing is open; texts with broken markup become CDATA. Of a
// document that breaks off, the entry that it breaks off in goes, so that
// only whole ones are left, and truncated is true.
func repair(src []byte, lim Limits) (out []byte, truncated, ok bool) {
	start := findRoot(src)
	if start < 0 {
		return nil, false, false
	}
	r := &repairer{src: src, pos: start, out: make([]byte, 0, len(src)+len(src)/8)}
	r.texts.entities = declaredEntities(doctypeBefore(src[:start]))
	if _, local := splitName(tagName(src[start:])); bytes.EqualFold(local, []byte("channel")) {
		r.open("rss", nil)
	}
	for r.pos < len(src) && !r.ended {
		r.step()
		if len(r.stack) > lim.MaxDepth {
			return nil, false, false
		}
	}
	truncated = !r.ended
	r.finish()
	return r.out, truncated, true
}

// findRoot finds the tag that a feed begins with, behind whatever precedes
// it; -1 if there is none.
func findRoot(src []byte) int {
	channel, comments := -1, true
	for i := 0; ; i++ {
		j := bytes.IndexByte(src[i:], '<')
		if j < 0 {
			return channel
		}
		i += j
		if comments && bytes.HasPrefix(src[i:], commentStart) {
			if n := asideLen(src[i:]); n > 0 {
				i += n - 1
				continue
			}
			comments = false // none ends from here on
		}
		_, local := splitName(tagName(src[i:min(len(src), i+64)]))
		switch strings.ToLower(string(local)) {
		case "rss", "rdf", "feed":
			return i
		case "channel":
			if channel < 0 {
				channel = i
			}
		case "item", "entry":
			if channel >= 0 {
				return channel
			}
		}
	}
}

// doctypeBefore is the document type, which may declare entities.
func doctypeBefore(src []byte) []byte {
	i := bytes.Index(src, doctypeStart)
	if i < 0 {
		return nil
	}
	n := declarationLen(src[i:])
	if n < 0 {
		return nil
	}
	return src[i : i+n]
}

// repairer is a repair on its way.
type repairer struct {
	src   []byte
	pos   int
	out   []byte
	stack []opened
	ended bool
	texts scan             // reads texts with the entities that the document declares
	looks int              // bytes looked at in search of end tags of texts
	found map[string]found // terminators searched for
}

// opened is an element that is open in the output.
type opened struct {
	name  string
	entry bool
	at    int // length of the output when it began
}

// step handles what comes next: text up to a "<", or what begins with it.
func (r *repairer) step() {
	rest := r.src[r.pos:]
	if rest[0] != '<' {
		n := bytes.IndexByte(rest, '<')
		if n < 0 {
			n = len(rest)
		}
		r.text(rest[:n])
		r.pos += n
		return
	}
	switch {
	case len(rest) > 1 && rest[1] == '/':
		r.endTag(rest)
	case len(rest) > 1 && (rest[1] == '!' || rest[1] == '?'):
		r.aside(rest)
	default:
		n := looseTagEnd(rest)
		if n < 0 || !isNameStart(rest[1]) {
			r.text(rest[:1])
			r.pos++
			return
		}
		r.startTag(rest[:n+1])
	}
}

// looseTagEnd is tagEnd for tags whose quotes do not pair.
func looseTagEnd(b []byte) int {
	if n := tagEnd(b); n >= 0 || len(b) < 2 {
		return n
	}
	end := bytes.IndexAny(b[1:], "<>")
	if end < 0 || b[1+end] == '<' {
		return -1
	}
	return 1 + end
}

// text writes character data with what needs it escaped.
func (r *repairer) text(b []byte) {
	if len(r.stack) > 0 {
		r.out = append(r.out, escape(decodeEntities(b, r.texts.entities))...)
	}
}

// found is what a search has found: that from one place on the terminator
// comes at another, or never (-1).
type found struct{ from, at int }

// find is the index of the next terminator at or after from, or -1. It is
// remembered, so that a thousand openings without an end cost one search.
func (r *repairer) find(terminator string, from int) int {
	if r.found == nil {
		r.found = map[string]found{}
	}
	last, known := r.found[terminator]
	if known && from >= last.from && (last.at < 0 || from <= last.at) {
		return last.at
	}
	at := bytes.Index(r.src[from:], []byte(terminator))
	if at >= 0 {
		at += from
	}
	r.found[terminator] = found{from, at}
	return at
}

// aside passes over comments and instructions and keeps CDATA as text.
func (r *repairer) aside(rest []byte) {
	end, width := -1, 0
	switch {
	case bytes.HasPrefix(rest, commentStart):
		end, width = r.find("-->", r.pos+4), 3
	case bytes.HasPrefix(rest, cdataStart):
		end, width = r.find("]]>", r.pos+len(cdataStart)), 3
		if end >= 0 && len(r.stack) > 0 {
			r.out = append(r.out, escape(string(r.src[r.pos+len(cdataStart):end]))...)
		}
	case rest[1] == '?':
		end, width = r.find("?>", r.pos), 2
	default:
		end, width = r.find(">", r.pos), 1
	}
	if end < 0 { // it does not end: pass over the opening only
		end, width = r.pos+1, 1
	}
	r.pos = end + width
}

func (r *repairer) startTag(tag []byte) {
	r.pos += len(tag)
	name := string(tagName(tag))
	_, local := splitName([]byte(name))
	r.closeBefore(local)
	if tag[len(tag)-2] == '/' {
		r.writeTag(name, tag, "/>", "")
		return
	}
	if len(r.stack) > 0 && isTextName(local) {
		if _, out := attr(tag, "src"); !out && !isMedia(name) {
			r.textElement(name, tag)
			return
		}
	}
	r.open(name, tag)
}

// isMedia tells of Media RSS's content, which holds elements, not text.
func isMedia(name string) bool { return strings.HasPrefix(strings.ToLower(name), "media:content") }

// open writes a start tag and remembers to close it.
func (r *repairer) open(name string, tag []byte) {
	r.stack = append(r.stack, opened{name: name, entry: isEntryName(localOf(name)), at: len(r.out)})
	r.writeTag(name, tag, ">", "")
}

func localOf(name string) []byte {
	_, local := splitName([]byte(name))
	return local
}

// closeBefore closes what cannot hold the element that begins: an entry holds
// no entry, and a link or date no element at all.
func (r *repairer) closeBefore(local []byte) {
	if isEntryName(local) {
		for i := len(r.stack) - 1; i >= 0; i-- {
			if r.stack[i].entry {
				r.closeTo(i)
				return
			}
		}
	}
	if n := len(r.stack); n > 0 && isLeaf(strings.ToLower(string(localOf(r.stack[n-1].name)))) {
		r.closeTo(n - 1)
	}
}

// isLeaf tells of elements that hold text and nothing else, and are not
// texts of some length.
func isLeaf(local string) bool {
	switch local {
	case "link", "guid", "pubdate", "comments", "ttl", "language", "generator", "docs", "lastbuilddate",
		"managingeditor", "webmaster", "name", "uri", "email", "id", "published", "updated", "modified",
		"issued", "url", "width", "height", "category", "creator", "date", "subject", "enclosure":
		return true
	}
	return false
}

func isTextName(local []byte) bool {
	how := liftByName(local)
	return how == liftText || how == liftAtom
}

// closeTo closes the element at index i and all inside it.
func (r *repairer) closeTo(i int) {
	for n := len(r.stack) - 1; n >= i; n-- {
		r.out = append(r.out, "</"+r.stack[n].name+">"...)
	}
	r.stack = r.stack[:i]
}

// endTag closes the innermost open element of that name. An end tag without
// one is dropped, and one inside an entry closes nothing outside it, unless
// it ends the channel or the feed.
func (r *repairer) endTag(rest []byte) {
	end := bytes.IndexAny(rest[1:], "<>")
	if end < 0 { // breaks off
		r.pos = len(r.src)
		return
	}
	name := string(bytes.TrimSpace(rest[2 : 1+end]))
	r.pos += 1 + end
	if rest[1+end] == '>' {
		r.pos++
	}
	for i := len(r.stack) - 1; i >= 0; i-- {
		if strings.EqualFold(r.stack[i].name, name) {
			r.closeTo(i)
			r.ended = i == 0
			return
		}
		if r.stack[i].entry && !isFrame(name) {
			return
		}
	}
}

// isFrame tells of the elements that hold entries.
func isFrame(name string) bool {
	switch strings.ToLower(string(localOf(name))) {
	case "channel", "rss", "rdf", "feed":
		return true
	}
	return false
}

// writeTag writes a start tag with its attributes in order. kind replaces the
// type attribute if it is not "".
func (r *repairer) writeTag(name string, tag []byte, end, kind string) {
	r.out = append(r.out, '<')
	r.out = append(r.out, name...)
	seen := map[string]bool{}
	eachAttr(tag, func(n, v []byte) {
		key := string(n)
		if seen[key] || !isAttrName(n) || kind != "" && key == "type" {
			return
		}
		seen[key] = true
		r.out = append(r.out, ' ')
		r.out = append(r.out, n...)
		r.out = append(r.out, `="`...)
		r.out = append(r.out, escape(decodeEntities(v, r.texts.entities))...)
		r.out = append(r.out, '"')
	})
	if kind != "" {
		r.out = append(r.out, ` type="`+kind+`"`...)
	}
	r.out = append(r.out, end...)
}

func isAttrName(n []byte) bool {
	if len(n) == 0 || !isNameStart(n[0]) {
		return false
	}
	for _, c := range n {
		if !isNameStart(c) && c != '-' && c != '.' && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// finish takes back the entry that broke off and closes the rest.
func (r *repairer) finish() {
	for i, e := range r.stack {
		if e.entry {
			r.out = append(r.out[:e.at:e.at], ""...)
			r.stack = r.stack[:i]
			break
		}
	}
	r.closeTo(0)
}
