package web

import (
	"html/template"
	"net/url"
)

// subscribeView is how to follow the feed.
type subscribeView struct {
	Formats []formatView
	Readers []readerView
	Keyed   bool // each reader needs a key
}

// formatView is one of the feed's formats.
type formatView struct {
	Name          string
	Type          template.HTMLAttr
	Path, Address string
}

// readerView is a feed reader and the address that makes it subscribe.
type readerView struct {
	Name string
	URL  template.URL
}

// webReaders are feed readers on the web that subscribe by an address. They need no
// account of ours: who has one there follows the link.
var webReaders = []struct{ name, before string }{
	{"Feedly", "https://feedly.com/i/subscription/feed%2F"},
	{"Inoreader", "https://www.inoreader.com/?add_feed="},
	{"NewsBlur", "https://www.newsblur.com/?url="},
	{"The Old Reader", "https://theoldreader.com/feeds/subscribe?url="},
	{"Feedbin", "https://feedbin.com/?subscribe="},
}

func (s *Server) subscribeView() subscribeView {
	v := subscribeView{Keyed: s.opt.Private}
	for format, name := range []string{atomDoc: "Atom", rssDoc: "RSS", jsonDoc: "JSON Feed"} {
		path := variantKey{format: format}.path()
		v.Formats = append(v.Formats, formatView{name, typeAttr(docMedia[format].mediaType), path, s.opt.Site.BaseURL + path})
	}
	if v.Keyed {
		return v
	}
	atom := v.Formats[0].Address
	v.Readers = append(v.Readers, readerView{"The reader on this device", template.URL("feed:" + atom)}) //nolint:gosec // our own address
	for _, r := range webReaders {
		v.Readers = append(v.Readers, readerView{r.name, template.URL(r.before + url.QueryEscape(atom))}) //nolint:gosec // theirs, ours in it escaped
	}
	return v
}
