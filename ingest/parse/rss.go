package parse

import (
	"bytes"
	"strings"

	"github.com/mmcdole/gofeed/rss"

	"tributary/feed"
)

// readRSS has gofeed read the skeleton and puts the texts back.
func (s *scan) readRSS() (Feed, error) {
	doc, err := (&rss.Parser{}).Parse(bytes.NewReader(s.out))
	if err != nil {
		return Feed{}, err
	}
	out := Feed{Channel: s.rssChannel(doc), Format: rssFormat(s.root, doc.Version), Cut: s.cut}
	out.Base = s.documentBase()
	out.Entries = make([]feed.RawEntry, 0, len(doc.Items))
	for _, item := range doc.Items {
		out.Entries = append(out.Entries, s.rssEntry(item))
	}
	return out, nil
}

func rssFormat(root, version string) string {
	if version = strings.TrimSpace(version); version == "" {
		if root == "rdf" {
			return "rss 1.0"
		}
		return "rss"
	}
	return "rss " + version
}

func (s *scan) rssChannel(doc *rss.Feed) feed.Channel {
	x := extensions{s, doc.Extensions}
	ch := feed.Channel{
		ID:       x.first("atom", "id"),
		Title:    plainOf(s.guess(doc.Title, looksHTML)),
		Link:     s.channelLink(doc, x),
		Author:   channelAuthor(firstOf(s.str(doc.ManagingEditor), x.first("dc", "creator"), x.first("itunes", "author"), x.firstChild("atom", "author", "name"))),
		Rights:   plainOf(s.guess(firstOf(doc.Copyright, x.raw("dc", "rights")), looksHTML)),
		Language: strings.TrimSpace(firstOf(doc.Language, x.first("dc", "language"), s.documentLanguage())),
		Icon:     firstOf(x.first("webfeeds", "icon"), s.link(imageURL(doc.Image)), x.attr("itunes", "image", "href")),
	}
	ch.Icon = s.absolute(ch.Icon)
	for _, d := range []string{doc.LastBuildDate, doc.PubDate, x.raw("dc", "date"), x.raw("atom", "updated")} {
		if t, ok := Date(s.str(d)); ok && ch.Updated.IsZero() {
			ch.Updated = t
		}
	}
	schedule(&ch, doc.TTL, x.first("sy", "updatePeriod"), x.first("sy", "updateFrequency"), doc.SkipHours, doc.SkipDays)
	return ch
}

func channelAuthor(v string) string {
	p := person(v)
	return firstOf(p.Name, p.Email)
}

func imageURL(i *rss.Image) string {
	if i == nil {
		return ""
	}
	return strings.TrimSpace(i.URL)
}

// channelLink is the site's page: link, else Atom's alternate.
func (s *scan) channelLink(doc *rss.Feed, x extensions) string {
	for _, l := range doc.Links {
		if l = s.link(l); l != "" {
			return s.absolute(l)
		}
	}
	return s.absolute(x.atomLink("alternate"))
}

func (s *scan) rssEntry(item *rss.Item) feed.RawEntry {
	x := extensions{s, item.Extensions}
	e := feed.RawEntry{
		Title:    s.guess(firstOf(item.Title, x.raw("dc", "title"), x.raw("media", "title")), looksHTML),
		OrigLink: firstOf(x.first("feedburner", "origLink"), x.first("pheedo", "origLink")),
		Comments: s.link(item.Comments),
		Language: x.first("dc", "language"),
	}
	if item.GUID != nil {
		e.GUID = s.str(item.GUID.Value)
	}
	e.Link = s.rssLink(item, e.GUID, x)
	s.rssBodies(&e, item, x)
	e.Published = s.str(firstOf(item.PubDate, x.raw("dc", "date"), x.raw("dcterms", "issued"), x.raw("dcterms", "created"),
		x.raw("atom", "published"), item.Custom["date"], item.Custom["published"]))
	e.Updated = s.str(firstOf(x.raw("atom", "updated"), x.raw("dcterms", "modified"), item.Custom["updated"], item.Custom["lastBuildDate"]))
	e.Authors = s.rssAuthors(item, x)
	for _, c := range item.Categories {
		e.Categories = addWord(e.Categories, s.str(c.Value))
	}
	for _, v := range x.all("dc", "subject") {
		e.Categories = addWord(e.Categories, v)
	}
	for _, word := range strings.Split(x.first("itunes", "keywords"), ",") {
		e.Categories = addWord(e.Categories, word)
	}
	s.rssMedia(&e, item, x)
	e.Origin = rssOrigin(item, x)
	e.Extra = x.extra()
	return e
}

// rssBodies tells summary and content apart. A description beside
// content:encoded is the summary; alone it may be either and is the content.
func (s *scan) rssBodies(e *feed.RawEntry, item *rss.Item, x extensions) {
	content := firstOf(item.Content, item.Custom["encoded"], x.raw("xhtml", "body"), x.raw("xhtml", "div"), x.raw("atom", "content"), item.Custom["fulltext"])
	summary := firstOf(item.Description, item.Custom["ABSTRACT"], x.raw("dc", "description"), x.raw("atom", "summary"), x.raw("itunes", "summary"), x.media("description"), x.raw("itunes", "subtitle"))
	if content != "" {
		e.Content = s.content(content)
	}
	e.Summary = s.guess(summary, hasMarkup)
	if e.Content.Value == "" {
		e.Content, e.Summary = e.Summary, feed.Text{}
		if e.Content.Value == "" {
			e.Content = feed.Text{}
		}
	}
	for _, v := range []string{content, summary, item.Title} {
		if sc := s.where(v); e.Base == "" && sc.base != "" {
			e.Base = sc.base
		}
		if sc := s.where(v); e.Language == "" && sc.lang != "" {
			e.Language = sc.lang
		}
	}
}

// rssLink is the entry's page: link (the last, if there are several), else
// Atom's alternate, else a guid that is a permanent link (RSS 2.0: it is
// unless it says otherwise).
func (s *scan) rssLink(item *rss.Item, guid string, x extensions) string {
	for i := len(item.Links) - 1; i >= 0; i-- {
		if l := s.link(item.Links[i]); l != "" {
			return l
		}
	}
	if l := x.atomLink("alternate"); l != "" {
		return l
	}
	if item.GUID != nil && isHTTP(guid) && !strings.EqualFold(strings.TrimSpace(item.GUID.IsPermalink), "false") {
		return guid
	}
	return ""
}

func (s *scan) rssAuthors(item *rss.Item, x extensions) []feed.Person {
	var who []feed.Person
	for _, a := range x.elements("atom", "author") {
		who = addPerson(who, feed.Person{Name: x.child(a, "name"), URL: x.child(a, "uri"), Email: x.child(a, "email")})
	}
	for _, v := range x.all("dc", "creator") {
		who = addPerson(who, person(v))
	}
	if len(who) == 0 {
		who = addPerson(who, person(s.str(item.Author)))
	}
	for _, v := range []string{x.first("itunes", "author"), x.first("dc", "author"), x.first("dc", "contributor"), x.first("dc", "publisher")} {
		if len(who) == 0 {
			who = addPerson(who, person(v))
		}
	}
	return who
}

func rssOrigin(item *rss.Item, x extensions) feed.SourceRef {
	if item.Source != nil {
		return feed.SourceRef{Title: strings.TrimSpace(item.Source.Title), URL: x.s.link(item.Source.URL)}
	}
	for _, src := range x.elements("atom", "source") {
		return feed.SourceRef{Title: x.child(src, "title"), URL: x.linkOf(src.Children["link"], "self", "alternate")}
	}
	return feed.SourceRef{}
}

// rssMedia collects enclosures and the entry's picture.
func (s *scan) rssMedia(e *feed.RawEntry, item *rss.Item, x extensions) {
	for _, enc := range item.Enclosures {
		e.Enclosures = addEnclosure(e.Enclosures, feed.Enclosure{URL: s.link(enc.URL), Type: strings.TrimSpace(enc.Type), Length: size(enc.Length)})
	}
	for _, l := range x.elements("atom", "link") {
		if l.Attrs["rel"] == "enclosure" {
			e.Enclosures = addEnclosure(e.Enclosures, feed.Enclosure{URL: s.link(l.Attrs["href"]), Type: l.Attrs["type"], Length: size(l.Attrs["length"]), Title: l.Attrs["title"]})
		}
	}
	x.addMedia(e)
	x.addITunes(e)
	pictureFromEnclosure(e)
}

// pictureFromEnclosure takes the first attached picture for the entry's.
func pictureFromEnclosure(e *feed.RawEntry) {
	for _, enc := range e.Enclosures {
		if e.Image == "" && strings.HasPrefix(enc.Type, "image/") {
			e.Image = enc.URL
		}
	}
}
