package feed

import (
	"bytes"
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/feeds"
)

// The RSS document: gorilla/feeds' types with what they cannot say shadowed
// by fields of the same XML name. What describes the channel comes before the
// items, and description before content:encoded, as the RSS profile asks.
type (
	rssDocument struct {
		feeds.RssFeedXml
		XmlnsAtom   string     `xml:"xmlns:atom,attr"`
		XmlnsDC     string     `xml:"xmlns:dc,attr"`
		XmlnsGeoRSS string     `xml:"xmlns:georss,attr"`
		XmlnsMedia  string     `xml:"xmlns:media,attr"`
		XmlnsThread string     `xml:"xmlns:thr,attr"`
		XmlnsFH     string     `xml:"xmlns:fh,attr,omitempty"`
		Channel     rssChannel `xml:"channel"`
	}

	rssChannel struct {
		feeds.RssFeed
		Title       text       `xml:"title"`
		Description text       `xml:"description"`
		Links       []atomLink `xml:"atom:link"`
		Archive     *archived  `xml:"fh:archive"`
		Image       *rssImage  `xml:"image"`
		Items       []rssItem  `xml:"item"`
	}

	rssItem struct {
		feeds.RssItem
		Title       text       `xml:"title"`
		Description cdata      `xml:"description"`
		Content     *cdata     `xml:"content:encoded"`
		Creators    []text     `xml:"dc:creator"`
		Language    string     `xml:"dc:language,omitempty"`
		Rights      *text      `xml:"dc:rights"`
		Category    []text     `xml:"category"`
		Source      *rssSource `xml:"source"`
		Updated     string     `xml:"atom:updated"`
		InReplyTo   *inReplyTo
		Point       string      `xml:"georss:point,omitempty"`
		Media       []mediaItem `xml:"media:content"`
	}

	rssImage struct {
		URL   string `xml:"url"`
		Title text   `xml:"title"`
		Link  string `xml:"link"`
	}

	rssSource struct {
		URL  string `xml:"url,attr"`
		Name string `xml:",innerxml"`
	}

	mediaItem struct {
		URL      string `xml:"url,attr"`
		Type     string `xml:"type,attr,omitempty"`
		Medium   string `xml:"medium,attr,omitempty"`
		FileSize string `xml:"fileSize,attr,omitempty"`
		Duration string `xml:"duration,attr,omitempty"`
		Title    *text  `xml:"media:title"`
	}
)

// FeedXml is what feeds.WriteXML writes.
func (d *rssDocument) FeedXml() any { return d }

// RSS renders the page as an RSS 2.0 document that follows the RSS Advisory
// Board's profile, media type application/rss+xml. The same input gives the
// same bytes.
func (s Site) RSS(p Page) ([]byte, error) {
	return s.render(p, func(views []view) ([]byte, error) {
		var b bytes.Buffer
		if err := feeds.WriteXML(s.rssDocument(p, views), &b); err != nil {
			return nil, Errorf(CodeInternal, "the RSS document could not be written: %w", err)
		}
		return b.Bytes(), nil
	})
}

func (s Site) rssDocument(p Page, views []view) *rssDocument {
	channel := rssChannel{
		RssFeed: feeds.RssFeed{
			Link:          s.home(),
			Language:      language(s.Language),
			LastBuildDate: mailDate(s.updated(views)),
			Generator:     strings.TrimSpace("Tributary " + s.Version),
			Docs:          "https://www.rssboard.org/rss-specification",
			Ttl:           int(s.Refresh / time.Minute),
		},
		Title:       rssText(s.title()),
		Description: rssText(cmp.Or(line(s.Description), s.title())),
		Links:       append([]atomLink{{Rel: "self", Href: p.Self, Type: rssType}}, p.neighbours(rssType)...),
		Image:       s.rssImage(),
		Items:       make([]rssItem, len(views)),
	}
	for i := range views {
		channel.Items[i] = views[i].rss()
	}
	d := &rssDocument{
		RssFeedXml:  feeds.RssFeedXml{Version: "2.0", ContentNamespace: nsContent},
		XmlnsAtom:   nsAtom,
		XmlnsDC:     nsDC,
		XmlnsGeoRSS: nsGeoRSS,
		XmlnsMedia:  nsMedia,
		XmlnsThread: nsThread,
		Channel:     channel,
	}
	if p.Archived {
		d.XmlnsFH, d.Channel.Archive = nsHistory, new(archived)
	}
	return d
}

// rssImage is the feed's picture, if it is of a kind that RSS knows (GIF, JPEG,
// PNG). Its title and link must be the channel's.
func (s Site) rssImage() *rssImage {
	url := s.absolute(s.Icon)
	if !slices.Contains([]string{".gif", ".jpg", ".jpeg", ".png"}, strings.ToLower(path.Ext(url))) {
		return nil
	}
	return &rssImage{URL: url, Title: rssText(s.title()), Link: s.home()}
}

func (v *view) rss() rssItem {
	r := rssItem{
		RssItem: feeds.RssItem{
			Link:     v.link,
			Comments: v.comments,
			Guid:     &feeds.RssGuid{Id: v.id, IsPermaLink: "false"},
			PubDate:  mailDate(v.published),
		},
		Title:       rssText(v.heading),
		Description: cdata{HTML: v.html()},
		Updated:     timestamp(v.updated),
		Language:    v.language,
		Rights:      rssTextOrNone(v.rights),
		InReplyTo:   v.reply(),
		Point:       v.point,
	}
	if v.summary != "" {
		r.Content = &cdata{HTML: v.html()}
		r.Description.HTML = htmlEscaper.Replace(v.summary)
	}
	for _, p := range v.authors {
		r.Creators = append(r.Creators, plain(p.Name))
	}
	for _, c := range v.categories {
		r.Category = append(r.Category, plain(c))
	}
	if o := v.origin; o != nil && o.feed != "" {
		r.Source = &rssSource{URL: o.feed, Name: hexEscaper.Replace(o.title)}
	}
	r.Enclosure, r.Media = v.rssMedia()
	return r
}

// enclosable is what an RSS enclosure's URL may be to a validator: a host with
// a dot and no underscore.
var enclosable = regexp.MustCompile(`^https?://([A-Za-z0-9-]+\.)+[A-Za-z0-9][A-Za-z0-9-]*(:[0-9]+)?(/|$)`)

// rssMedia is the enclosure, of which an item has one at most (RSS profile),
// and everything else as media:content, the picture last. The enclosure is in
// both where it has a title or a duration, for which RSS itself has no place.
// (The podcasts' vocabulary would bring duties for the whole channel.)
func (v *view) rssMedia() (*feeds.RssEnclosure, []mediaItem) {
	var first *feeds.RssEnclosure
	var rest []mediaItem
	pictured := v.image == ""
	for _, e := range v.enclosures {
		pictured = pictured || e.URL == v.image
		if first == nil && enclosable.MatchString(e.URL) {
			first = &feeds.RssEnclosure{Url: e.URL, Type: e.Type, Length: cmp.Or(size(e.Length), "0")}
			if e.Title == "" && e.Duration == 0 {
				continue
			}
		}
		rest = append(rest, mediaOf(e))
	}
	if !pictured {
		rest = append(rest, mediaItem{URL: v.image, Type: typeOf("", v.image), Medium: "image"})
	}
	return first, rest
}

// mediaOf is a file with all that Media RSS can say of it.
func mediaOf(e Enclosure) mediaItem {
	return mediaItem{URL: e.URL, Type: e.Type, Medium: medium(e.Type), FileSize: size(e.Length), Duration: size(e.Duration), Title: rssTextOrNone(e.Title)}
}

// medium is the Media RSS word for a media type, "" if there is none.
func medium(mediaType string) string {
	kind, _, _ := strings.Cut(mediaType, "/")
	switch kind {
	case "image", "audio", "video":
		return kind
	}
	return ""
}

// rssText is plain text. Validators and many readers take an end tag in it for
// HTML, and RSS cannot say otherwise; with a space before its end, as HTML
// allows, the tag is not recognised and still reads as what it is.
func rssText(line string) text {
	if speaksOfHTML(line) {
		line = endTag.ReplaceAllStringFunc(line, func(tag string) string {
			return tag[:len(tag)-1] + " >"
		})
	}
	return plain(line)
}

// rssTextOrNone is rssText, nil for "".
func rssTextOrNone(line string) *text {
	if line == "" {
		return nil
	}
	t := rssText(line)
	return &t
}
