package push

import (
	"bytes"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"

	"tributary/feed"
)

const (
	lookedAt   = 256 << 10 // bytes of a document in which its links are looked for
	longestURL = 1000      // bytes: what hubs take
	headerMost = 16 << 10  // bytes of Link header fields
)

// named are the addresses that a header or a document names, as they stand there.
type named struct {
	hubs []string
	self string
}

// Discover finds the hub that a document names, and its own address there
// (WebSub, 4): in the Link header fields it came with, else in itself.
// Each of the two is looked for by itself, as servers may name one in the header and the
// other in the document. Of several hubs the first one with https is taken, else the first.
// A document that names no address of its own is known by the one it came from.
func Discover(links []string, doc feed.Document) feed.Hub {
	base, err := url.Parse(doc.URL)
	if err != nil {
		return feed.Hub{}
	}
	found := ofHeader(links)
	if len(found.hubs) == 0 || found.self == "" {
		within, htmlBase := ofDocument(doc)
		if len(found.hubs) == 0 {
			found.hubs = absolute(within.hubs, rebased(base, htmlBase))
		}
		if found.self == "" && within.self != "" {
			found.self = strings.Join(absolute([]string{within.self}, rebased(base, htmlBase)), "")
		}
	}
	hubs, self := absolute(found.hubs, base), absolute([]string{found.self}, base)
	if len(hubs) == 0 || len(self) == 0 {
		return feed.Hub{}
	}
	return feed.Hub{URL: best(hubs), Topic: self[0]}
}

// best is the hub to ask: our secret goes there.
func best(hubs []string) string {
	if i := slices.IndexFunc(hubs, func(u string) bool { return strings.HasPrefix(u, "https:") }); i >= 0 {
		return hubs[i]
	}
	return hubs[0]
}

// absolute are the web addresses among some, resolved. The empty one is base itself.
func absolute(refs []string, base *url.URL) []string {
	var all []string
	for _, ref := range refs {
		u, err := base.Parse(strings.TrimSpace(ref))
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			continue
		}
		u.User, u.Fragment, u.RawFragment = nil, "", ""
		if s := u.String(); len(s) <= longestURL {
			all = append(all, s)
		}
	}
	return all
}

func rebased(base *url.URL, href string) *url.URL {
	if u, err := base.Parse(href); err == nil {
		return u
	}
	return base
}

// take notes what a link says.
func (n *named) take(rels, href string) {
	if href = strings.TrimSpace(href); href == "" {
		return
	}
	for _, rel := range strings.Fields(strings.ToLower(rels)) {
		switch {
		case rel == "hub" && len(n.hubs) < 10:
			n.hubs = append(n.hubs, href)
		case rel == "self" && n.self == "":
			n.self = href
		}
	}
}

// ofDocument reads what a document of any kind names, and the base that its
// addresses are relative to, if it names one.
func ofDocument(doc feed.Document) (found named, base string) {
	body := bytes.TrimSpace(bytes.TrimPrefix(doc.Body, []byte("\xef\xbb\xbf")))
	if len(body) > 0 && body[0] == '{' {
		return ofJSON(body), ""
	}
	body = doc.Body[:min(len(doc.Body), lookedAt)]
	text, err := charset.NewReader(bytes.NewReader(body), doc.MediaType)
	if err != nil {
		text = bytes.NewReader(body)
	}
	return ofMarkup(text)
}

// ofJSON reads a JSON Feed.
func ofJSON(body []byte) (found named) {
	var doc struct {
		FeedURL string `json:"feed_url"`
		Hubs    []struct{ Type, URL string }
	}
	if json.Unmarshal(body, &doc) != nil {
		return named{}
	}
	found.take("self", doc.FeedURL)
	for _, h := range doc.Hubs {
		if strings.EqualFold(h.Type, "WebSub") || strings.EqualFold(h.Type, "PubSubHubbub") {
			found.take("hub", h.URL)
		}
	}
	return found
}

// headElements may stand in a page's head. What comes after it may be by its
// visitors: no link there counts (WebSub, 8.1).
var headElements = []string{"html", "head", "title", "base", "link", "meta", "script", "style", "noscript", "template"}

// ofMarkup reads Atom, RSS and HTML. A feed's links stand beside its entries,
// those within an entry are that entry's.
func ofMarkup(text io.Reader) (found named, base string) {
	z := html.NewTokenizer(text)
	z.AllowCDATA(true)
	isFeed, within := false, 0
	for first := true; ; {
		kind := z.Next()
		switch kind {
		case html.ErrorToken:
			return found, base
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
		default:
			continue
		}
		t := z.Token()
		name := t.Data[strings.LastIndexByte(t.Data, ':')+1:]
		if first && kind != html.EndTagToken {
			isFeed, first = name == "feed" || name == "rss" || name == "rdf", false
		}
		if isFeed { // in XML a title has no rules of its own: what is in its CDATA is no markup
			z.NextIsNotRawText()
		}
		switch {
		case isFeed && (name == "entry" || name == "item"):
			within += depth(kind)
		case kind == html.EndTagToken:
		case !isFeed && !slices.Contains(headElements, name):
			return found, base
		case !isFeed && name == "base" && base == "":
			base = attribute(t, "href")
		case name == "link" && within <= 0:
			found.take(attribute(t, "rel"), attribute(t, "href"))
		}
	}
}

func depth(kind html.TokenType) int {
	switch kind {
	case html.StartTagToken:
		return 1
	case html.EndTagToken:
		return -1
	}
	return 0
}

func attribute(t html.Token, key string) string {
	for _, a := range t.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// ofHeader reads Link header fields (RFC 8288, 3). A link with an anchor is
// about something else.
func ofHeader(fields []string) (found named) {
	left := headerMost
	for _, field := range fields {
		if left -= len(field); left < 0 {
			return found
		}
		found.takeField(field)
	}
	return found
}

func (n *named) takeField(field string) {
	for {
		start := strings.IndexByte(field, '<')
		if start < 0 {
			return
		}
		target, rest, whole := strings.Cut(field[start+1:], ">")
		if !whole {
			return
		}
		var params map[string]string
		params, field = parameters(rest)
		if _, elsewhere := params["anchor"]; !elsewhere {
			n.take(params["rel"], target)
		}
	}
}

// parameters reads those of one link, and gives what follows it. Of several of
// a name the first counts.
func parameters(s string) (params map[string]string, rest string) {
	params = map[string]string{}
	for {
		s = strings.TrimLeft(s, " \t")
		if !strings.HasPrefix(s, ";") {
			_, rest, _ = strings.Cut(s, ",")
			return params, rest
		}
		s = strings.TrimLeft(s[1:], " \t")
		end := strings.IndexAny(s, "=;, \t")
		if end < 0 {
			return params, ""
		}
		name, value := strings.ToLower(s[:end]), ""
		if s = strings.TrimLeft(s[end:], " \t"); strings.HasPrefix(s, "=") {
			value, s = parameter(strings.TrimLeft(s[1:], " \t"))
		}
		if _, twice := params[name]; !twice {
			params[name] = value
		}
	}
}

// parameter reads a token or a quoted string, and gives what follows it.
func parameter(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ";, \t")
		if end < 0 {
			return s, ""
		}
		return s[:end], s[end:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:]
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}
