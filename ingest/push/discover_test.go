package push_test

import (
	"strings"
	"testing"

	"tributary/feed"
	"tributary/ingest/push"
)

func TestDiscover(t *testing.T) {
	hub := func(url, topic string) feed.Hub { return feed.Hub{URL: url, Topic: topic} }
	const atom = `<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>T</title>`
	const rss = `<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:a10="http://www.w3.org/2005/Atom"><channel><title>T</title><link>https://site.example/</link>`
	for name, c := range map[string]struct {
		links []string
		body  string
		want  feed.Hub
	}{
		"nothing":              {nil, atom + `</feed>`, feed.Hub{}},
		"no document":          {nil, ``, feed.Hub{}},
		"header":               {[]string{`<https://hub.example/>; rel="hub"`, `<https://site.example/canonical>; rel="self"`}, atom, hub("https://hub.example/", "https://site.example/canonical")},
		"header, one field":    {[]string{`<https://other.example/>; rel=next, </self>; title="a, \"b\"; c" ; REL=self , <https://hub.example/?a=1,2>;rel="x HUB"`}, "", hub("https://hub.example/?a=1,2", "https://site.example/self")},
		"header, not about it": {[]string{`<https://hub.example/>; rel="hub"; anchor="/other"`}, "", feed.Hub{}},
		"header, rel twice":    {[]string{`<https://hub.example/>; rel=next; rel=hub`}, "", feed.Hub{}},
		"header, broken":       {[]string{`<https://hub.example/`, `rel=hub; <`, `<https://hub.example/>; rel="hub`}, "", hub("https://hub.example/", "https://site.example/blog/feed")},
		"header before body":   {[]string{`<https://hub.example/>; rel=hub, <https://site.example/h>; rel=self`}, atom + `<link rel="hub" href="https://wrong.example/"/><link rel="self" href="https://site.example/wrong"/>`, hub("https://hub.example/", "https://site.example/h")},
		"one in each":          {[]string{`<https://hub.example/>; rel=hub`}, atom + `<link rel="self" href="/s"/>`, hub("https://hub.example/", "https://site.example/s")},
		"atom":                 {nil, atom + `<link href="https://site.example/a" rel="self"/><link rel='hub' href='https://hub.example/?x=1&amp;y=2'/><entry/></feed>`, hub("https://hub.example/?x=1&y=2", "https://site.example/a")},
		"atom, of an entry":    {nil, atom + `<link rel="self" href="/f"/><entry><link rel="hub" href="https://wrong.example/"/><link rel="self" href="/wrong"/></entry></feed>`, feed.Hub{}},
		"atom, after entries":  {nil, atom + `<entry><link rel="self" href="/wrong"/></entry><link rel="hub" href="https://hub.example/"/></feed>`, hub("https://hub.example/", "https://site.example/blog/feed")},
		"rss":                  {nil, rss + `<atom:link rel="hub" href="https://hub.example/"/><atom:link rel="self" href="https://site.example/r"/><item/></channel></rss>`, hub("https://hub.example/", "https://site.example/r")},
		"rss, other prefix":    {nil, rss + `<a10:link rel="hub" href="https://hub.example/"></a10:link><a10:link rel="self" href="r"/></channel></rss>`, hub("https://hub.example/", "https://site.example/blog/r")},
		"rss, in CDATA":        {nil, rss + `<description><![CDATA[<link rel="hub" href="https://wrong.example/">]]></description></channel></rss>`, feed.Hub{}},
		"rss, in a title":      {nil, rss + `<item><title><![CDATA[</title></item><atom:link rel="hub" href="https://wrong.example/">]]></title></item></channel></rss>`, feed.Hub{}},
		"atom, no title":       {nil, `<feed><title/><link rel="hub" href="https://hub.example/"/><entry><title>A</title></entry></feed>`, hub("https://hub.example/", "https://site.example/blog/feed")},
		"json":                 {nil, `{"version":"https://jsonfeed.org/version/1.1","feed_url":"https://site.example/j","hubs":[{"type":"rssCloud","url":"https://wrong.example/"},{"type":"WebSub","url":"https://hub.example/"}],"items":[]}`, hub("https://hub.example/", "https://site.example/j")},
		"html":                 {nil, `<!doctype html><html><head><base href="https://cdn.example/x/"><link rel="hub" href="https://hub.example/"><link rel="self" href="page"></head><body></body></html>`, hub("https://hub.example/", "https://cdn.example/x/page")},
		"html, in the body":    {nil, `<!doctype html><title>T</title><p>Hello <link rel="hub" href="https://wrong.example/">`, feed.Hub{}},
		"https before http":    {nil, atom + `<link rel="hub" href="http://plain.example/"/><link rel="hub" href="https://hub.example/"/>`, hub("https://hub.example/", "https://site.example/blog/feed")},
		"other schemes":        {nil, atom + `<link rel="hub" href="javascript:alert(1)"/><link rel="hub" href="ftp://hub.example/"/>`, feed.Hub{}},
		"no credentials":       {nil, atom + `<link rel="hub" href="https://me:pw@hub.example/#x"/>`, hub("https://hub.example/", "https://site.example/blog/feed")},
		"too long":             {nil, atom + `<link rel="hub" href="https://hub.example/` + strings.Repeat("x", 1000) + `"/>`, feed.Hub{}},
	} {
		doc := feed.Document{URL: "https://site.example/blog/feed", Body: []byte(c.body)}
		if got := push.Discover(c.links, doc); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func FuzzDiscover(f *testing.F) {
	f.Add(`<a>; rel="hub", <b>; rel=self`, `<feed><link rel="hub" href="x"/></feed>`)
	f.Fuzz(func(t *testing.T, link, body string) {
		got := push.Discover([]string{link}, feed.Document{URL: "https://site.example/", Body: []byte(body)})
		if (got.URL == "") != (got.Topic == "") {
			t.Errorf("%+v", got)
		}
	})
}
