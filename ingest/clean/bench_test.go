package clean

import (
	"strings"
	"testing"
	"time"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"tributary/feed"
)

// newsHTML is an article of 1.6 KB as a newsroom's system writes it.
const newsHTML = `<figure><img src="https://img.example.org/2026/03/hall-1024x683.jpg?w=1024&#038;ssl=1" alt="Delegates in the hall" width="1024" height="683" srcset="https://img.example.org/2026/03/hall-1024x683.jpg 1024w, https://img.example.org/2026/03/hall-300x200.jpg 300w" class="wp-post-image" decoding="async" /><figcaption>Delegates in the hall before the meeting</figcaption></figure>

<p>The ministry said on <a href="https://www.example.org/news/2026/03/statement?utm_source=rss&amp;utm_medium=feed">Tuesday</a> that the talks would go on &#8220;as long as needed&#8221;, and that no date had been set for the next round. Both delegations left the city in the evening.</p>

<p>Observers had expected <em>more</em> from the meeting: the two sides stay apart on the question of who is to pay for the new bridge, and on the order in which the villages along the river are to be joined to the railway. A first draft of four pages, seen by this newspaper, leaves both of them open.</p>

<h3>What comes next</h3>

<p>The parliament&#8217;s committee is to hear the minister on Thursday. It has asked for the figures since January, said its chair, Maria Lindqvist, who called the delay &#8220;hard to explain&#8221; &ndash; not least to the people who have been waiting for the line for eleven years.</p>

<ul>
<li>Thursday: the committee&#8217;s hearing</li>
<li>12 April: the next round, at the earliest</li>
</ul>
<p>The post <a rel="nofollow" href="https://www.example.org/news/2026/03/talks/">Talks go on</a> appeared first on <a rel="nofollow" href="https://www.example.org">Example News</a>.</p>`

func newsEntry() feed.RawEntry {
	return feed.RawEntry{
		GUID:       "https://www.example.org/?p=48113",
		Link:       "https://www.example.org/news/2026/03/talks/?utm_source=rss&utm_medium=feed",
		Title:      feed.Text{Value: "Talks go on &#8220;as long as needed&#8221;, ministry says", HTML: true},
		Summary:    feed.Text{Value: "<p>The ministry said on Tuesday that the talks would go on &#8220;as long as needed&#8221;, and that no date had been set for the next round.</p>", HTML: true},
		Content:    feed.Text{Value: newsHTML, HTML: true},
		Authors:    []feed.Person{{Name: "Jonas Berg"}},
		Categories: []string{"Politics", "Transport", "North"},
		Published:  "Tue, 10 Mar 2026 18:04:11 +0000",
	}
}

func newsContext() Context {
	return Context{
		DocumentURL: "https://www.example.org/feed/",
		SiteURL:     "https://www.example.org/",
		Now:         time.Date(2026, 3, 11, 0, 0, 0, 0, time.UTC),
		Date: func(s string) (time.Time, bool) {
			t, err := time.Parse(time.RFC1123Z, s)
			return t, err == nil
		},
	}
}

func BenchmarkEntry(b *testing.B) {
	raw, c := newsEntry(), newsContext()
	b.ReportAllocs()
	b.SetBytes(int64(len(newsHTML)))
	for b.Loop() {
		Entry(raw, c)
	}
}

func BenchmarkHTML(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(newsHTML)))
	for b.Loop() {
		HTML(newsHTML, "https://www.example.org/")
	}
}

// BenchmarkHTMLLibraries is what the same costs by bluemonday and a second
// parse, which its output needs to be balanced.
func BenchmarkHTMLLibraries(b *testing.B) {
	policy := bluemonday.UGCPolicy()
	context := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	b.ReportAllocs()
	b.SetBytes(int64(len(newsHTML)))
	for b.Loop() {
		nodes, err := html.ParseFragment(strings.NewReader(policy.Sanitize(newsHTML)), context)
		if err != nil {
			b.Fatal(err)
		}
		var out strings.Builder
		for _, n := range nodes {
			if err := html.Render(&out, n); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkHTMLParseOnly is what one parse costs, with nothing done about it.
func BenchmarkHTMLParseOnly(b *testing.B) {
	context := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	b.ReportAllocs()
	b.SetBytes(int64(len(newsHTML)))
	for b.Loop() {
		if _, err := html.ParseFragment(strings.NewReader(newsHTML), context); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPlainTitle(b *testing.B) {
	t := feed.Text{Value: "Talks go on &#8220;as long as needed&#8221;, ministry says", HTML: true}
	b.ReportAllocs()
	for b.Loop() {
		Plain(t)
	}
}

func BenchmarkRawKey(b *testing.B) {
	raw := newsEntry()
	b.ReportAllocs()
	for b.Loop() {
		RawKey(raw)
	}
}

func BenchmarkCanonical(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Canonical("https://www.example.org/news/2026/03/talks/?utm_source=rss&utm_medium=feed&id=4")
	}
}

func BenchmarkContentKey(b *testing.B) {
	for name, text := range map[string]string{
		"english": strings.Repeat("It’s been said that the “talks” go on, and that no date is set. ", 20),
		"russian": strings.Repeat("Переговоры, как сообщили в министерстве, будут продолжены. ", 20),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				ContentKey("Talks go on", text)
			}
		})
	}
}
