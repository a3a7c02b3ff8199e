package feed

import (
	"bytes"
	"cmp"
	"strconv"

	"github.com/gorilla/feeds"
)

// The media types that links name.
const (
	atomType = "application/atom+xml"
	rssType  = "application/rss+xml"
)

const (
	nsAtom    = "http://www.w3.org/2005/Atom"
	nsContent = "http://purl.org/rss/1.0/modules/content/"
	nsDC      = "http://purl.org/dc/elements/1.1/"
	nsGeoRSS  = "http://www.georss.org/georss"
	nsHistory = "http://purl.org/syndication/history/1.0"
	nsMedia   = "http://search.yahoo.com/mrss/"
	nsThread  = "http://purl.org/syndication/thread/1.0"
)

// The Atom document: gorilla/feeds' types with what they cannot say shadowed
// by fields of the same XML name.
type (
	atomFeed struct {
		feeds.AtomFeed
		XmlnsThread string      `xml:"xmlns:thr,attr"`
		XmlnsGeoRSS string      `xml:"xmlns:georss,attr"`
		XmlnsMedia  string      `xml:"xmlns:media,attr"`
		XmlnsFH     string      `xml:"xmlns:fh,attr,omitempty"`
		Lang        string      `xml:"xml:lang,attr,omitempty"`
		Title       text        `xml:"title"`
		Subtitle    *text       `xml:"subtitle"`
		Links       []atomLink  `xml:"link"`
		Author      atomPerson  `xml:"author"`
		Generator   generator   `xml:"generator"`
		Archive     *archived   `xml:"fh:archive"`
		Entries     []atomEntry `xml:"entry"`
	}

	atomEntry struct {
		feeds.AtomEntry
		Lang       string         `xml:"xml:lang,attr,omitempty"`
		Title      text           `xml:"title"`
		Links      []atomLink     `xml:"link"`
		Authors    []atomPerson   `xml:"author"`
		Categories []atomCategory `xml:"category"`
		Rights     *text          `xml:"rights"`
		InReplyTo  *inReplyTo
		Point      string `xml:"georss:point,omitempty"`
		Thumbnail  *thumbnail
		Media      []mediaItem `xml:"media:content"`
		Source     *atomSource `xml:"source"`
		Summary    *text       `xml:"summary"`
		Content    cdata       `xml:"content"`
	}

	atomSource struct {
		ID      string      `xml:"id"`
		Title   text        `xml:"title"`
		Updated string      `xml:"updated"`
		Links   []atomLink  `xml:"link"`
		Author  *atomPerson `xml:"author"`
		Rights  *text       `xml:"rights"`
	}

	atomLink struct {
		Rel    string `xml:"rel,attr"`
		Href   string `xml:"href,attr"`
		Type   string `xml:"type,attr,omitempty"`
		Length string `xml:"length,attr,omitempty"`
		Title  string `xml:"title,attr,omitempty"`
	}

	atomPerson struct {
		Name text   `xml:"name"`
		URI  string `xml:"uri,omitempty"`
	}

	atomCategory struct {
		Term string `xml:"term,attr"`
	}

	archived struct{} // RFC 5005, 4: the document is closed

	generator struct {
		Version string `xml:"version,attr,omitempty"`
		Name    string `xml:",chardata"`
	}

	inReplyTo struct {
		XMLName struct{} `xml:"thr:in-reply-to"`
		Ref     string   `xml:"ref,attr"`
		Href    string   `xml:"href,attr,omitempty"`
	}

	thumbnail struct {
		XMLName struct{} `xml:"media:thumbnail"`
		URL     string   `xml:"url,attr"`
	}
)

// FeedXml is what feeds.WriteXML writes. The embedded type's would lose every
// field but its own.
func (f *atomFeed) FeedXml() any { return f }

// Atom renders the page as an Atom feed document (RFC 4287), media type
// application/atom+xml. The same input gives the same bytes.
func (s Site) Atom(p Page) ([]byte, error) {
	return s.render(p, func(views []view) ([]byte, error) {
		var b bytes.Buffer
		if err := feeds.WriteXML(s.atomFeed(p, views), &b); err != nil {
			return nil, Errorf(CodeInternal, "the Atom document could not be written: %w", err)
		}
		return b.Bytes(), nil
	})
}

func (s Site) atomFeed(p Page, views []view) *atomFeed {
	f := &atomFeed{
		AtomFeed: feeds.AtomFeed{
			Xmlns:   nsAtom,
			Id:      s.urn(),
			Updated: timestamp(s.updated(views)),
			Icon:    s.absolute(s.Icon),
		},
		XmlnsThread: nsThread,
		XmlnsGeoRSS: nsGeoRSS,
		XmlnsMedia:  nsMedia,
		Lang:        language(s.Language),
		Title:       atomText(s.title()),
		Subtitle:    atomTextOrNone(line(s.Description)),
		Links: append([]atomLink{
			{Rel: "self", Href: p.Self, Type: atomType},
			{Rel: "alternate", Href: s.home(), Type: "text/html"},
		}, p.neighbours(atomType)...),
		Author:    atomAuthor(s.author()),
		Generator: generator{Name: "Tributary", Version: s.Version},
		Entries:   make([]atomEntry, len(views)),
	}
	if p.Archived {
		f.XmlnsFH, f.Archive = nsHistory, new(archived)
	}
	for i := range views {
		f.Entries[i] = views[i].atom()
	}
	return f
}

// neighbours are the links to the hub and to the documents before and after this
// one (WebSub, 4; RFC 5005, 4).
func (p Page) neighbours(mediaType string) []atomLink {
	var links []atomLink
	for _, l := range []atomLink{
		{Rel: "hub", Href: p.Hub},
		{Rel: "current", Href: p.Current, Type: mediaType},
		{Rel: "prev-archive", Href: p.Older, Type: mediaType},
		{Rel: "next-archive", Href: p.Newer, Type: mediaType},
	} {
		if l.Href != "" {
			links = append(links, l)
		}
	}
	return links
}

func (v *view) atom() atomEntry {
	e := atomEntry{
		AtomEntry: feeds.AtomEntry{
			Id:        v.id,
			Published: timestamp(v.published),
			Updated:   timestamp(v.updated),
		},
		Lang:      v.language,
		Title:     atomText(v.heading),
		Links:     v.atomLinks(),
		Rights:    atomTextOrNone(v.rights),
		InReplyTo: v.reply(),
		Point:     v.point,
		Source:    v.atomSource(),
		Summary:   atomTextOrNone(v.summary),
		Content:   cdata{Type: "html", HTML: v.html()},
	}
	for _, p := range v.authors {
		e.Authors = append(e.Authors, atomAuthor(p))
	}
	for _, c := range v.categories {
		e.Categories = append(e.Categories, atomCategory{Term: c})
	}
	if v.image != "" {
		e.Thumbnail = &thumbnail{URL: v.image}
	}
	for _, f := range v.enclosures {
		if f.Duration > 0 { // the one thing that a link cannot say
			e.Media = append(e.Media, mediaOf(f))
		}
	}
	return e
}

func (v *view) atomLinks() []atomLink {
	links := []atomLink{{Rel: "alternate", Href: v.link}}
	for _, c := range v.copies {
		if c.URL != "" {
			links = append(links, atomLink{Rel: "related", Href: c.URL, Title: attribute(c.Source)})
		}
	}
	if v.comments != "" {
		links = append(links, atomLink{Rel: "replies", Href: v.comments, Type: "text/html"})
	}
	for _, e := range v.enclosures {
		links = append(links, atomLink{Rel: "enclosure", Href: e.URL, Type: e.Type, Length: size(e.Length), Title: attribute(e.Title)})
	}
	return links
}

// atomSource is what is known of the feed that the entry was copied from. Its
// date is the entry's, not the feed's: the feed's may move with every fetch,
// and an unchanged item must not change its document.
func (v *view) atomSource() *atomSource {
	o := v.origin
	if o == nil {
		return nil
	}
	s := &atomSource{
		ID:      o.id,
		Title:   atomText(o.title),
		Updated: timestamp(v.updated),
		Rights:  atomTextOrNone(o.rights),
	}
	author := atomAuthor(Person{Name: cmp.Or(o.author, o.title)})
	s.Author = &author
	if o.feed != "" {
		s.Links = append(s.Links, atomLink{Rel: "self", Href: o.feed})
	}
	if o.site != "" {
		s.Links = append(s.Links, atomLink{Rel: "alternate", Href: o.site, Type: "text/html"})
	}
	return s
}

// reply names what the item answers to (RFC 4685, 3), nil if nothing.
func (v *view) reply() *inReplyTo {
	if v.inReplyTo == "" {
		return nil
	}
	return &inReplyTo{Ref: v.inReplyTo, Href: address(v.inReplyTo)}
}

func atomAuthor(p Person) atomPerson { return atomPerson{Name: plain(p.Name), URI: p.URL} }

// atomText is plain text; where it speaks of HTML, escaped HTML, since
// validators and many readers take an end tag in plain text for a mistake.
func atomText(line string) text {
	if speaksOfHTML(line) {
		return text{Type: "html", Raw: hexEscaper.Replace(htmlEscaper.Replace(line))}
	}
	return plain(line)
}

func atomTextOrNone(line string) *text {
	if line == "" {
		return nil
	}
	t := atomText(line)
	return &t
}

// size is a number of bytes, "" where it was not said.
func size(n int64) string {
	if n <= 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
