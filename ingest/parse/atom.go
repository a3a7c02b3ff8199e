package parse

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/mmcdole/gofeed/atom"

	"tributary/feed"
)

// readAtom has gofeed read the skeleton and puts the texts back.
func (s *scan) readAtom() (Feed, error) {
	doc, err := (&atom.Parser{}).Parse(bytes.NewReader(s.out))
	if err != nil {
		return Feed{}, err
	}
	out := Feed{Channel: s.atomChannel(doc), Base: s.documentBase(), Format: strings.TrimSpace("atom " + doc.Version), Cut: s.cut}
	out.Entries = make([]feed.RawEntry, 0, len(doc.Entries))
	for _, e := range doc.Entries {
		out.Entries = append(out.Entries, s.atomEntry(e))
	}
	return out, nil
}

func (s *scan) atomChannel(doc *atom.Feed) feed.Channel {
	x := extensions{s, doc.Extensions}
	ch := feed.Channel{
		ID:       s.str(doc.ID),
		Title:    plainOf(s.atomText(doc.Title)),
		Link:     s.absolute(s.atomLink(doc.Links)),
		Rights:   plainOf(s.atomText(doc.Rights)),
		Language: firstOf(s.documentLanguage(), strings.TrimSpace(doc.Language), x.first("dc", "language")),
		Icon:     s.absolute(firstOf(s.link(doc.Icon), s.link(doc.Logo), x.attr("itunes", "image", "href"))),
	}
	for _, p := range s.atomPeople(doc.Authors) {
		ch.Author = firstOf(ch.Author, p.Name, p.Email)
	}
	ch.Updated, _ = Date(s.str(doc.Updated))
	schedule(&ch, "", x.first("sy", "updatePeriod"), x.first("sy", "updateFrequency"), nil, nil)
	return ch
}

func (s *scan) atomEntry(a *atom.Entry) feed.RawEntry {
	x := extensions{s, a.Extensions}
	e := feed.RawEntry{
		GUID:      s.str(a.ID),
		OrigLink:  firstOf(x.first("feedburner", "origLink"), x.first("pheedo", "origLink")),
		Title:     s.atomText(a.Title),
		Summary:   s.atomBody(a.Summary),
		Published: s.str(firstOf(a.Published, x.raw("dc", "date"), x.raw("dcterms", "issued"), x.raw("dcterms", "created"))),
		Updated:   s.str(firstOf(a.Updated, x.raw("dcterms", "modified"))),
		Authors:   s.atomPeople(a.Authors),
	}
	if e.Title.Value == "" {
		e.Title = s.guess(firstOf(x.raw("dc", "title"), x.media("title")), looksHTML)
	}
	if len(e.Authors) == 0 {
		for _, v := range x.all("dc", "creator") {
			e.Authors = addPerson(e.Authors, person(v))
		}
	}
	for _, c := range a.Categories {
		e.Categories = addWord(e.Categories, firstOf(strings.TrimSpace(c.Label), c.Term))
	}
	for _, v := range x.all("dc", "subject") {
		e.Categories = addWord(e.Categories, v)
	}
	s.atomContent(&e, a)
	s.atomLinks(&e, a)
	x.addMedia(&e)
	x.addITunes(&e)
	if e.Content.Value == "" && e.Summary.Value == "" {
		e.Content = s.guess(x.media("description"), hasMarkup)
	}
	pictureFromEnclosure(&e)
	e.Origin = s.atomOrigin(a.Source)
	e.Extra = x.extra()
	e.Extra.Rights = firstOf(plainOf(s.atomText(a.Rights)), e.Extra.Rights)
	s.inherit(&e, contentOf(a), a.Summary, a.Title)
	return e
}

func contentOf(a *atom.Entry) string {
	if a.Content == nil {
		return ""
	}
	return a.Content.Value
}

// atomContent takes the content, or what it points to (RFC 4287, 4.1.3.2).
func (s *scan) atomContent(e *feed.RawEntry, a *atom.Entry) {
	if a.Content == nil {
		return
	}
	e.Content = s.atomBody(a.Content.Value)
	src, typ := s.link(a.Content.Src), strings.TrimSpace(a.Content.Type)
	if src == "" {
		return
	}
	e.Content = feed.Text{}
	if media, _, ok := strings.Cut(typ, "/"); ok && media != "text" && !strings.Contains(typ, "xhtml") {
		e.Enclosures = addEnclosure(e.Enclosures, feed.Enclosure{URL: src, Type: typ})
	}
	e.Link = src // unless there is a better one
}

// atomLinks takes the page, the enclosures, the discussion.
func (s *scan) atomLinks(e *feed.RawEntry, a *atom.Entry) {
	e.Link = firstOf(s.atomLink(a.Links), e.Link)
	for _, l := range a.Links {
		switch strings.ToLower(strings.TrimSpace(l.Rel)) {
		case "enclosure":
			e.Enclosures = addEnclosure(e.Enclosures, feed.Enclosure{URL: s.link(l.Href), Type: l.Type, Length: size(l.Length), Title: l.Title})
		case "replies":
			if e.Comments == "" && (l.Type == "" || strings.Contains(l.Type, "html")) {
				e.Comments = s.link(l.Href)
			}
		}
	}
	if e.Link == "" && isHTTP(e.GUID) {
		e.Link = e.GUID
	}
}

// atomLink is the page that links name: an alternate, HTML before others, the
// relation written as the standard has it before other ways.
func (s *scan) atomLink(links []*atom.Link) string {
	best, rank := "", 0
	for _, l := range links {
		n := 0
		switch rel := strings.TrimSpace(l.Rel); {
		case rel == "alternate":
			n = 3
		case strings.EqualFold(rel, "alternate") || strings.HasSuffix(strings.ToLower(rel), "/relation/alternate"):
			n = 2
		default:
			continue
		}
		if l.Type != "" && !strings.Contains(strings.ToLower(l.Type), "html") {
			n = 1
		}
		if href := s.link(l.Href); href != "" && n > rank {
			best, rank = href, n
		}
	}
	return best
}

func (s *scan) atomPeople(people []*atom.Person) []feed.Person {
	var out []feed.Person
	for _, p := range people {
		who := person(s.str(p.Name))
		who.Email = firstOf(strings.TrimSpace(p.Email), who.Email)
		who.URL = strings.TrimSpace(p.URI)
		out = addPerson(out, who)
	}
	return out
}

func (s *scan) atomOrigin(src *atom.Source) feed.SourceRef {
	if src == nil {
		return feed.SourceRef{}
	}
	ref := feed.SourceRef{Title: plainOf(s.atomText(src.Title)), URL: s.atomLink(src.Links)}
	for _, l := range src.Links {
		if l.Rel == "self" {
			ref.URL = s.link(l.Href)
		}
	}
	if id := s.str(src.ID); ref.URL == "" && isHTTP(id) {
		ref.URL = id
	}
	return ref
}

// atomText reads a text construct (RFC 4287, 3.1; Atom 0.3's mode too).
func (s *scan) atomText(v string) feed.Text {
	p, ok := s.lifted(v)
	if !ok {
		return plainText(v)
	}
	kind, mode := textType(p.tag)
	switch {
	case mode == "base64":
		return s.base64Text(p, kind)
	case p.markup:
		return htmlText(stripDiv(s.flatten(p, true)))
	}
	text := s.flatten(p, false)
	switch {
	case kind == "html" || strings.Contains(kind, "html") || strings.HasSuffix(kind, "xml"):
		return htmlText(stripDiv(text))
	case strings.HasPrefix(kind, "text/") || !strings.Contains(kind, "/"):
		return plainText(text)
	}
	return s.base64Text(p, kind) // RFC 4287, 4.1.3.3: anything else is Base64
}

// atomBody is atomText for summary and content. Many feeds forget the type of
// these: what has an element with its end tag is HTML.
func (s *scan) atomBody(v string) feed.Text {
	t := s.atomText(v)
	p, ok := s.lifted(v)
	if !ok || t.HTML {
		return t
	}
	kind, _ := textType(p.tag)
	switch {
	case kind == "":
		t.HTML = hasElement(t.Value)
	case isMediaType(kind): // a picture, say, in Base64: no text
		return feed.Text{}
	}
	return t
}

// isMediaType tells of types of which the text can only be Base64.
func isMediaType(kind string) bool {
	top, _, _ := strings.Cut(kind, "/")
	return top == "image" || top == "audio" || top == "video" || top == "application" && !strings.Contains(kind, "xml")
}

func textType(tag []byte) (kind, mode string) {
	t, _ := attr(tag, "type")
	m, _ := attr(tag, "mode")
	kind, _, _ = strings.Cut(strings.ToLower(string(t)), ";")
	return strings.TrimSpace(kind), strings.ToLower(string(m))
}

// base64Text decodes text in Base64. What does not decode, or not to text, is
// left as it is.
func (s *scan) base64Text(p *piece, kind string) feed.Text {
	text := s.flatten(p, false)
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	switch {
	case err != nil, !utf8.Valid(raw), anyControl(raw):
		return plainText(text)
	}
	text = string(raw)
	return feed.Text{Value: text, HTML: kind != "text" && kind != "text/plain" && hasMarkup(text)}
}

// stripDiv takes off the div around the content of an XHTML construct, which
// is no part of it (RFC 4287, 3.1.1.3).
func stripDiv(v string) string {
	v = strings.TrimSpace(v)
	if !strings.HasPrefix(v, "<div") || !strings.HasSuffix(v, "</div>") || strings.Count(v, "<div") != strings.Count(v, "</div>") {
		return v
	}
	end := strings.IndexByte(v, '>')
	inner := v[end+1 : len(v)-len("</div>")]
	if first := strings.Index(inner, "</div>"); first >= 0 && strings.Index(inner, "<div") > first {
		return v // two of them, side by side
	}
	return strings.TrimSpace(inner)
}

// hasElement tells whether one of the first tags in v begins an element that
// ends.
func hasElement(v string) bool {
	const first = 20
	for i, n := strings.IndexByte(v, '<'), 0; i >= 0 && n < first; i, n = nextMarkup(v, i), n+1 {
		name := strings.ToLower(tagNameOf(v[i:]))
		if name != "" && (isVoid(name) || strings.Contains(v[i+1:], "</"+name)) {
			return true
		}
	}
	return false
}

// inherit gives the entry the xml:base and xml:lang of its texts, the content
// first.
func (s *scan) inherit(e *feed.RawEntry, texts ...string) {
	for _, v := range texts {
		in := s.where(v)
		e.Base = firstOf(e.Base, in.base)
		e.Language = firstOf(e.Language, in.lang)
	}
}
