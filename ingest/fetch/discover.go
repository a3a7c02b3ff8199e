package fetch

import (
	"bytes"
	"mime"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"

	"tributary/feed"
)

// Candidate is a feed that a page names.
type Candidate struct {
	URL       string // absolute
	Title     string // as the page says, "" if it does not
	MediaType string
}

// feedTypes are the media types by which a page names its feeds. The generic
// ones come last: some pages name other XML by them.
var feedTypes = []string{
	"application/atom+xml", "application/rss+xml", "application/feed+json", "application/rdf+xml",
	"application/xml", "text/xml",
}

const (
	discoverBytes = 2 << 20
	maxCandidates = 20
	maxLooked     = 200 // links looked at: what comes after is no feed of the site's
)

// Discover finds the feeds that an HTML page names by <link rel="alternate">,
// best first: a feed's own types before generic ones, the feed of comments
// last, else the page's order. No address is guessed.
func Discover(page feed.Document) []Candidate {
	base, err := url.Parse(page.URL)
	if err != nil {
		return nil
	}
	body := page.Body[:min(len(page.Body), discoverBytes)]
	text, err := charset.NewReader(bytes.NewReader(body), page.MediaType)
	if err != nil {
		text = bytes.NewReader(body)
	}
	var found []Candidate
	for z := html.NewTokenizer(text); ; {
		switch z.Next() {
		case html.ErrorToken:
			slices.SortStableFunc(found, func(a, b Candidate) int { return a.rank() - b.rank() })
			return found[:min(len(found), maxCandidates)]
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			switch atom.Lookup(name) {
			case atom.Base:
				base = baseOf(attributes(z, more), base)
			case atom.Link:
				found = appendFeed(found, attributes(z, more), base)
			}
		}
	}
}

// rank orders candidates, the smallest first.
func (c Candidate) rank() int {
	rank := 0
	if slices.Index(feedTypes, c.MediaType) >= 4 {
		rank++
	}
	if strings.Contains(strings.ToLower(c.Title+" "+c.URL), "comment") {
		rank += 2
	}
	return rank
}

func attributes(z *html.Tokenizer, more bool) map[string]string {
	attrs := map[string]string{}
	for more {
		var k, v []byte
		k, v, more = z.TagAttr()
		attrs[string(k)] = strings.TrimSpace(string(v))
	}
	return attrs
}

func baseOf(attrs map[string]string, base *url.URL) *url.URL {
	if u, err := base.Parse(attrs["href"]); err == nil && attrs["href"] != "" {
		return u
	}
	return base
}

// appendFeed appends the feed that a link element names, if it is one.
func appendFeed(found []Candidate, attrs map[string]string, base *url.URL) []Candidate {
	rels := strings.Fields(strings.ToLower(attrs["rel"]))
	if !slices.Contains(rels, "alternate") || attrs["href"] == "" || len(found) >= maxLooked {
		return found
	}
	mediaType, _, err := mime.ParseMediaType(attrs["type"])
	if err != nil || !slices.Contains(feedTypes, mediaType) {
		return found
	}
	// feed: is an old scheme for "subscribe to this".
	u, err := base.Parse(strings.Replace(attrs["href"], "feed://", "http://", 1))
	if err != nil || normalise(u) != nil {
		return found
	}
	u.User = nil // a page does not choose our credentials, nor which variables we tell
	c := Candidate{URL: u.String(), Title: attrs["title"], MediaType: mediaType}
	if slices.ContainsFunc(found, func(o Candidate) bool { return o.URL == c.URL }) {
		return found
	}
	return append(found, c)
}
