package parse

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"sync"

	"tributary/feed"
)

// errBroken says that a document is not well-formed: repair may help.
var errBroken = errors.New("not well-formed")

// errDeep is in the error of a document that is nested too deep.
var errDeep = errors.New("nested too deep")

// Bounds that no feed comes near, but without which a document of the allowed
// size could take gigabytes or minutes.
const (
	maxNamespaces = 100     // in scope: gofeed copies their table for every element
	maxElements   = 200_000 // that gofeed gets to see
)

// scan walks over an XML document once. It copies the markup to a skeleton
// for gofeed and lifts the texts out of it (see the package comment); it
// checks balance, depth and number of entries on the way. What is inside a
// text costs a search for "<", not a parser.
type scan struct {
	src      []byte
	pos      int
	docURL   string
	lim      Limits
	out      []byte // the skeleton
	pieces   []piece
	scopes   []scope
	open     []element
	mark     string            // what a text's mark begins with
	marked   int               // how many there are
	dated    int               // and how many of those that are dates
	secret   bool              // the marks are ones that the document cannot hold, those of dates, too
	root     string            // local name of the root element, lower case
	atom     map[string]bool   // prefixes bound to Atom on the root element
	entities map[string]string // declared in the document type
	document int               // scope of the feed or channel element
	elements int
	entries  int
	cut      int
	dressed  string // element that was put around the root
	ended    bool
}

// piece is a text lifted out of the document.
type piece struct {
	raw    []byte // what was between the tags
	tag    []byte // the start tag
	scope  int
	cdata  bool // has CDATA sections
	markup bool // has elements, outside CDATA
}

// scope is what xml:base and xml:lang say of a part of the document.
type scope struct{ base, lang string }

// element is one that is open.
type element struct {
	name       []byte
	as         []byte // its name in the skeleton; nil: it is not there
	scope      int
	namespaces int
	entry      bool
	parent     bool // has had a child: what text follows means nothing
	outAt      int  // lengths when it began, to take it back
	piecesAt   int
	marked     int
	dated      int
	elements   int
}

var scans = sync.Pool{New: func() any { return new(scan) }}

// newScan prepares a scan of src, with buffers of an earlier one. A secret
// makes the marks unforgeable.
func newScan(src []byte, doc feed.Document, lim Limits, secret string) *scan {
	s := scans.Get().(*scan)
	*s = scan{src: src, docURL: doc.URL, lim: lim, mark: marks + secret + ":", secret: secret != "",
		out: s.out[:0], pieces: s.pieces[:0], scopes: append(s.scopes[:0], scope{}), open: s.open[:0]}
	return s
}

// release gives the buffers back, without anything that refers to a document.
func (s *scan) release() {
	const keep = 1 << 20 // of a huge document: let go
	if cap(s.out) > keep || cap(s.pieces) > keep/64 {
		return
	}
	clear(s.pieces[:cap(s.pieces)])
	clear(s.open[:cap(s.open)])
	clear(s.scopes[:cap(s.scopes)])
	*s = scan{out: s.out, pieces: s.pieces, scopes: s.scopes, open: s.open}
	scans.Put(s)
}

// marks begin like a URI with a scheme of its own, so that nothing resolves
// them against a base.
const marks = "lifted"

// forged tells whether the document itself holds something like a mark. Then
// it is to be scanned again with one that nobody can know.
func (s *scan) forged() bool {
	return bytes.Count(s.out, []byte(s.mark)) != s.marked || bytes.Count(s.out, []byte(dateMark)) != s.dated
}

// run scans the whole document. It answers errBroken when that is not
// well-formed, and other errors when it is no feed or too deep.
func (s *scan) run() error {
	for s.pos < len(s.src) && !s.ended {
		i := bytes.IndexByte(s.src[s.pos:], '<')
		if i < 0 {
			return errBroken
		}
		if i > 0 && !s.text(s.src[s.pos:s.pos+i]) {
			return errBroken
		}
		s.pos += i
		if err := s.markup(); err != nil {
			return err
		}
	}
	if !s.ended {
		return errBroken
	}
	return nil
}

// text copies character data. Behind a child it means nothing in any feed
// format, and gofeed takes quadratic time to collect it. Before the root
// there must be none.
func (s *scan) text(b []byte) bool {
	if len(s.open) == 0 {
		return len(bytes.TrimSpace(b)) == 0
	}
	if !s.open[len(s.open)-1].parent {
		s.out = append(s.out, b...)
	}
	return true
}

// markup handles what begins with "<" at s.pos.
func (s *scan) markup() error {
	rest := s.src[s.pos:]
	if len(rest) < 2 {
		return errBroken
	}
	switch c := rest[1]; {
	case c == '/':
		return s.endTag(rest)
	case c == '!' || c == '?':
		return s.aside(rest)
	case isNameStart(c):
		return s.startTag(rest)
	}
	return errBroken
}

// aside copies CDATA sections as text, and passes over comments, instructions
// and the document type. With the XML declaration, its encoding goes: the
// skeleton is UTF-8.
func (s *scan) aside(rest []byte) error {
	n := asideLen(rest)
	if n < 0 {
		return errBroken
	}
	s.pos += n
	switch {
	case len(s.open) > 0 && bytes.HasPrefix(rest, cdataStart):
		text := rest[len(cdataStart) : n-len(cdataEnd)]
		if bytes.IndexByte(text, '&') >= 0 || bytes.IndexByte(text, '<') >= 0 {
			text = []byte(escape(string(text)))
		}
		s.text(text)
	case len(s.open) == 0 && bytes.HasPrefix(rest, doctypeStart):
		s.entities = declaredEntities(rest[:n])
	}
	return nil
}

func (s *scan) endTag(rest []byte) error {
	end := bytes.IndexByte(rest, '>')
	if end < 0 || len(s.open) == 0 {
		return errBroken
	}
	top := s.open[len(s.open)-1]
	if !bytes.Equal(bytes.TrimRight(rest[2:end], " \t\r\n"), top.name) {
		return errBroken
	}
	s.pos += end + 1
	if top.as != nil {
		s.out = append(append(append(s.out, "</"...), top.as...), '>')
	}
	s.open = s.open[:len(s.open)-1]
	if top.entry && s.entries > s.lim.MaxEntries {
		s.cut++
		s.out, s.pieces = s.out[:top.outAt], s.pieces[:top.piecesAt]
		s.marked, s.dated, s.elements = top.marked, top.dated, top.elements
	}
	if len(s.open) == 0 {
		s.end()
	}
	return nil
}

func (s *scan) startTag(rest []byte) error {
	end := tagEnd(rest)
	if end < 0 {
		return errBroken
	}
	tag, name := rest[:end+1], tagName(rest)
	s.pos += end + 1
	if len(s.open) == 0 {
		if err := s.begin(name, tag); err != nil {
			return err
		}
	}
	if s.elements++; s.elements > maxElements {
		return notFeed("it has more than " + strconv.Itoa(maxElements) + " elements")
	}
	e := element{name: name, outAt: len(s.out), piecesAt: len(s.pieces), marked: s.marked, dated: s.dated, elements: s.elements}
	if err := s.enter(&e, tag); err != nil {
		return err
	}
	empty := tag[end-1] == '/'
	if empty || !s.lift(&e, tag) {
		return s.copyElement(e, tag, empty)
	}
	return s.takeText(e, tag)
}

// enter finds out what is in force inside the element.
func (s *scan) enter(e *element, tag []byte) error {
	if len(s.open) >= s.lim.MaxDepth {
		return tooDeep(s.lim)
	}
	if n := len(s.open); n > 0 {
		outer := &s.open[n-1]
		outer.parent = true
		e.scope, e.namespaces = outer.scope, outer.namespaces
	}
	if len(tag) == len(e.name)+2 || !bytes.Contains(tag, []byte("xml")) {
		return nil
	}
	if e.namespaces += bytes.Count(tag, []byte("xmlns")); e.namespaces > maxNamespaces {
		return notFeed("it declares more than " + strconv.Itoa(maxNamespaces) + " namespaces")
	}
	e.scope = s.scopeOf(e.scope, tag)
	return nil
}

// copyElement copies the start tag of an element that is not a text.
func (s *scan) copyElement(e element, tag []byte, empty bool) error {
	_, local := splitName(e.name)
	if len(s.open) == 0 || len(s.open) == 1 && bytes.EqualFold(local, []byte("channel")) {
		s.document = e.scope
	}
	e.entry = s.isEntry(local)
	s.copyTag(&e, tag, local)
	if e.entry {
		if s.entries++; !empty {
			s.attributes(tag, e.scope)
		}
	}
	if !empty {
		s.open = append(s.open, e)
	} else if len(s.open) == 0 {
		s.end()
	}
	return nil
}

// copyTag writes the start tag as gofeed shall see it, and notes the end tag
// that it needs.
func (s *scan) copyTag(e *element, tag, local []byte) {
	switch {
	case s.root == "channel" && len(s.open) == 1 && bytes.EqualFold(local, []byte("items")):
		return // RSS 1.1 holds its items in there
	case s.root == "feed" && e.entry && len(local) == len("item"): // an item in Atom
		tag = s.rename(e, tag, "entry")
	case s.root != "feed" && len(e.name) == len("link") && isRelated(tag):
		tag = s.rename(e, tag, "atom:link") // an Atom link in RSS, not to the page
	default:
		e.as = e.name
	}
	if len(s.open) == 0 {
		tag = s.defaultNamespace(tag)
	}
	if len(tag) == len(e.as)+2 { // no attributes
		s.out = append(s.out, tag...)
		return
	}
	if bytes.Contains(tag, []byte("xml:base")) {
		tag = s.withBase(tag, e.scope)
	}
	s.out = append(s.out, tag...)
	s.guardLinks(len(s.out)-len(tag), e.scope)
}

// isRelated tells whether a tag is a link with a relation other than the page
// itself.
func isRelated(tag []byte) bool {
	rel, ok := attr(tag, "rel")
	return ok && bytes.EqualFold(tagName(tag), []byte("link")) && !bytes.EqualFold(rel, []byte("alternate"))
}

// rename gives an element another name in the skeleton.
func (s *scan) rename(e *element, tag []byte, name string) []byte {
	e.as = []byte(name)
	return append([]byte("<"+name), tag[1+len(e.name):]...)
}

// isEntry tells whether an element with this name begins an entry here: a
// child of the root or of the channel, or of RSS 1.1's items.
func (s *scan) isEntry(local []byte) bool {
	return len(s.open) > 0 && len(s.open) <= 2 && isEntryName(local)
}

func isEntryName(local []byte) bool {
	return len(local) == 4 && bytes.EqualFold(local, []byte("item")) ||
		len(local) == 5 && bytes.EqualFold(local, []byte("entry"))
}

// scopeOf is the scope in force inside an element: the one outside it, or a
// new one if the tag has xml:base or xml:lang.
func (s *scan) scopeOf(outer int, tag []byte) int {
	in := s.scopes[outer]
	if v, ok := attr(tag, "xml:base"); ok {
		in.base = resolve(firstOf(in.base, s.docURL), strings.TrimSpace(decodeEntities(v, nil)))
	}
	if v, ok := attr(tag, "xml:lang"); ok {
		in.lang = strings.TrimSpace(decodeEntities(v, nil))
	}
	if in == s.scopes[outer] {
		return outer
	}
	s.scopes = append(s.scopes, in)
	return len(s.scopes) - 1
}

// withBase is a start tag with its xml:base as gofeed needs it: made absolute,
// and cut to the folder, since gofeed takes the whole path for one.
func (s *scan) withBase(tag []byte, where int) []byte {
	v, _ := attr(tag, "xml:base")
	if len(v) == 0 {
		return tag
	}
	base := s.scopes[where].base
	if i := strings.LastIndexByte(base, '/'); i > strings.Index(base, "://")+2 {
		base = base[:i+1]
	}
	at := indexOf(tag, v)
	out := append([]byte{}, tag[:at]...)
	out = append(out, escape(base)...)
	return append(out, tag[at+len(v):]...)
}
