package fetch

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
)

func TestDiscoverFindsWhatThePageNames(t *testing.T) {
	tests := map[string]struct {
		page string
		want []string
	}{
		"nothing":       {`<html><head><title>x</title></head></html>`, nil},
		"not html":      {"\x00\xff<<<>", nil},
		"one":           {`<link rel="alternate" type="application/rss+xml" href="/feed">`, []string{"https://example.org/feed"}},
		"any case":      {`<LINK HREF="a.xml" TYPE="Application/Atom+XML; charset=utf-8" REL="Alternate Home">`, []string{"https://example.org/blog/a.xml"}},
		"closed":        {`<link rel='alternate' type='application/feed+json' href='feed.json' />`, []string{"https://example.org/blog/feed.json"}},
		"its base":      {`<base href="https://cdn.example/x/"><link rel=alternate type=application/rss+xml href=feed>`, []string{"https://cdn.example/x/feed"}},
		"in the body":   {`<body><p>x<link rel=alternate type=application/rss+xml href=/b></body>`, []string{"https://example.org/b"}},
		"entities":      {`<link rel=alternate type=application/rss+xml href="/f?a=1&amp;b=2">`, []string{"https://example.org/f?a=1&b=2"}},
		"old scheme":    {`<link rel=alternate type=application/rss+xml href="feed://example.net/f">`, []string{"http://example.net/f"}},
		"twice":         {strings.Repeat(`<link rel=alternate type=application/rss+xml href=/f>`, 3), []string{"https://example.org/f"}},
		"best first":    {`<link rel=alternate type=text/xml href=/1><link rel=alternate type=application/rss+xml title="Comments" href=/2><link rel=alternate type=application/rss+xml href=/3><link rel=alternate type=application/atom+xml href=/4>`, []string{"https://example.org/3", "https://example.org/4", "https://example.org/1", "https://example.org/2"}},
		"other things":  {`<link rel=alternate hreflang=de href=/de><link rel=stylesheet type=text/css href=/s><link rel=alternate type=application/json href=/wp-json/><link rel=alternate type="application/json+oembed" href=/o><a href=/feed>RSS</a><link rel=alternate type=application/rss+xml href="">`, nil},
		"other schemes": {`<link rel=alternate type=application/rss+xml href="javascript:alert(1)"><link rel=alternate type=application/rss+xml href="file:///x">`, nil},
		"in comments":   {`<!-- <link rel=alternate type=application/rss+xml href=/f> --><script>"<link rel=alternate type=application/rss+xml href=/g>"</script>`, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, c := range Discover(feed.Document{URL: "https://example.org/blog/", MediaType: "text/html", Body: []byte(test.page)}) {
				got = append(got, c.URL)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDiscoverReadsTitlesInThePagesCharset(t *testing.T) {
	page := "<link rel=alternate type=application/rss+xml title=\"\xcd\xee\xe2\xee\xf1\xf2\xe8\" href=/f>"
	got := Discover(feed.Document{URL: "https://example.org/", MediaType: "text/html; charset=windows-1251", Body: []byte(page)})
	want := []Candidate{{URL: "https://example.org/f", Title: "Новости", MediaType: "application/rss+xml"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDiscoverIsBounded(t *testing.T) {
	var page strings.Builder
	for i := range 5_000 {
		fmt.Fprintf(&page, "<link rel=alternate type=application/rss+xml href=/%d>", i)
	}
	if got := Discover(feed.Document{URL: "https://example.org/", Body: []byte(page.String())}); len(got) != maxCandidates {
		t.Errorf("%d candidates", len(got))
	}
}

func FuzzDiscover(f *testing.F) {
	f.Add("https://example.org/", "text/html", []byte(`<base href=x><link rel=alternate type=application/rss+xml href="/f">`))
	f.Add("", "", []byte("<link rel=alternate type=text/xml href=http://[>"))
	f.Add("https://example.org/", "text/html; charset=utf-16", []byte("\xff\xfe<\x00l\x00"))
	f.Fuzz(func(t *testing.T, address, mediaType string, body []byte) {
		for _, c := range Discover(feed.Document{URL: address, MediaType: mediaType, Body: body}) {
			if HostOf(c.URL) == "" {
				t.Errorf("%q cannot be fetched", c.URL)
			}
		}
	})
}
