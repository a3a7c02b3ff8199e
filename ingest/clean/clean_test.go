package clean

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tributary/feed"
)

var ignoreKeys = cmpopts.IgnoreFields(feed.Entry{}, "Keys")

func TestEntry(t *testing.T) {
	raw := feed.RawEntry{
		GUID:       "48113",
		Link:       "talks/?utm_source=rss#more",
		Title:      feedText("Talks go on &#8220;as long as needed&#8221;", true),
		Summary:    feedText("<p>No date has been set.</p>", true),
		Content:    feedText(`<p>The <a href="../map">talks</a> go on<script>x()</script>.</p><img src="hall.jpg">`, true),
		Authors:    []feed.Person{{Name: "berg@example.org (Jonas Berg)", Email: "berg@example.org"}, {Name: "jonas berg"}, {Email: "x@example.org"}, {Name: "Ann Lee <ann@example.org>", URL: "/ann"}},
		Categories: []string{" Politics ", "politics", "R&amp;D", ""},
		Published:  "Tue, 10 Mar 2026 18:04:11 +0100",
		Updated:    "Tue, 10 Mar 2026 19:00:00 +0100",
		Language:   "en_GB",
		Enclosures: []feed.Enclosure{{URL: "a.mp3", Length: -1}, {URL: "a.mp3"}, {URL: "javascript:x"}, {URL: "https://u:p@e.example/b", Type: "Audio/MPEG; x=y", Length: 7, Duration: 9, Title: "<b>B</b>"}},
		Image:      "/i.png",
		Comments:   "talks/#comments",
		Origin:     feed.SourceRef{Title: "The &amp; Other", URL: "https://other.example/feed"},
		Extra:      feed.Extra{InReplyTo: "tag:e.example,2026:1 ", GeoPoint: "52.5, 13.4", Rights: "© Example"},
	}
	got := Entry(raw, newsContext())
	want := feed.Entry{
		Title:     "Talks go on “as long as needed”",
		URL:       "https://www.example.org/talks/?utm_source=rss#more",
		Canonical: "https://example.org/talks",
		Summary:   "No date has been set.",
		Content:   `<p>The <a href="https://www.example.org/map">talks</a> go on.</p><img src="https://www.example.org/hall.jpg"/>`,
		Text:      "The talks go on.",
		Language:  "en-GB",
		Authors:   []feed.Person{{Name: "Jonas Berg"}, {Name: "Ann Lee", URL: "https://www.example.org/ann"}},
		Details: feed.Details{
			Categories: []string{"Politics", "R&D"},
			Enclosures: []feed.Enclosure{
				{URL: "https://www.example.org/a.mp3", Type: "audio/mpeg"},
				{URL: "https://e.example/b", Type: "audio/mpeg", Length: 7, Duration: 9, Title: "B"},
			},
			Image:    "https://www.example.org/i.png",
			Comments: "https://www.example.org/talks/#comments",
			Origin:   feed.SourceRef{Title: "The & Other", URL: "https://other.example/feed"},
			Extra:    feed.Extra{InReplyTo: "tag:e.example,2026:1", GeoPoint: "52.5 13.4", Rights: "© Example"},
		},
		Published:     time.Date(2026, 3, 10, 17, 4, 11, 0, time.UTC),
		PublishedFrom: FromFeed,
		Updated:       time.Date(2026, 3, 10, 18, 0, 0, 0, time.UTC),
	}
	if diff := cmp.Diff(want, got, ignoreKeys); diff != "" {
		t.Error(diff)
	}
	if got.Keys.Raw != RawKey(raw) || got.Keys.URL != Key(want.Canonical) || got.Keys.Content != 0 || got.Keys.Shown == 0 || got.Keys.Identity != 0 {
		t.Errorf("keys: %+v", got.Keys)
	}
}

func TestRelativeAddressesHaveTheirBaseInOrder(t *testing.T) {
	for _, c := range []struct{ base, docBase, site, doc, want string }{
		{"https://base.example/x/", "https://doc.example/", "https://site.example/", "https://feed.example/f", "https://base.example/x/a"},
		{"x/", "https://doc.example/y/", "https://site.example/", "https://feed.example/f", "https://doc.example/y/x/a"},
		{"x/", "", "https://site.example/", "https://feed.example/f", "https://site.example/x/a"},
		{"", "/y/", "/z/", "https://feed.example/f", "https://feed.example/y/a"},
		{"", "", "https://site.example/blog/", "https://feed.example/f", "https://site.example/blog/a"},
		{"", "", "", "https://feed.example/b/f", "https://feed.example/b/a"},
		{"urn:x", "", "mailto:a@b", "https://feed.example/f", "https://feed.example/a"},
		{"", "", "", "notes/a.md", ""},
	} {
		e := Entry(feed.RawEntry{Link: "a", Base: c.base}, Context{DocumentURL: c.doc, SiteURL: c.site, Base: c.docBase})
		if e.URL != c.want {
			t.Errorf("%+v: %q", c, e.URL)
		}
	}
}

func TestAddressOfAnEntry(t *testing.T) {
	for _, c := range []struct{ link, orig, want string }{
		{"https://feedproxy.example/~r/x", "https://e.example/a", "https://e.example/a"},
		{"https://e.example/a", "not an address", "https://e.example/a"},
		{"https://user:secret@e.example/a", "", "https://e.example/a"},
		{"javascript:alert(1)", "", ""},
		{"mailto:a@e.example", "", ""},
		{"", "", ""},
	} {
		if e := Entry(feed.RawEntry{Link: c.link, OrigLink: c.orig}, Context{DocumentURL: "https://d.example/"}); e.URL != c.want {
			t.Errorf("%+v: %q", c, e.URL)
		}
	}
}

func TestFootnotesPointIntoTheEntry(t *testing.T) {
	e := Entry(feed.RawEntry{Link: "https://e.example/a#x", Content: feedText(`<a href="#fn1">1</a>`, true)}, Context{SiteURL: "https://e.example/"})
	if want := `<a href="https://e.example/a#fn1">1</a>`; e.Content != want {
		t.Errorf("%s, want %s", e.Content, want)
	}
}

func TestDatesAreBelievedWithinReason(t *testing.T) {
	now := time.Date(2026, 3, 11, 12, 0, 0, 0, time.UTC)
	day := func(d int) time.Time { return time.Date(2026, 3, d, 0, 0, 0, 0, time.UTC) }
	read := func(s string) (time.Time, bool) {
		d, err := time.Parse(time.DateOnly, s)
		return d, err == nil
	}
	for _, c := range []struct {
		name               string
		raw                feed.RawEntry
		published, updated time.Time
		from               string
	}{
		{"both said", feed.RawEntry{Published: "2026-03-09", Updated: "2026-03-10"}, day(9), day(10), FromFeed},
		{"published only", feed.RawEntry{Published: "2026-03-09"}, day(9), time.Time{}, FromFeed},
		{"updated only", feed.RawEntry{Updated: "2026-03-09"}, day(9), day(9), FromUpdated},
		{"nothing", feed.RawEntry{}, time.Time{}, time.Time{}, ""},
		{"nonsense", feed.RawEntry{Published: "soon"}, time.Time{}, time.Time{}, ""},
		{"the future", feed.RawEntry{Published: "2026-03-12"}, time.Time{}, time.Time{}, ""},
		{"before feeds", feed.RawEntry{Published: "1970-01-01"}, time.Time{}, time.Time{}, ""},
		{"published in the future", feed.RawEntry{Published: "2026-04-01", Updated: "2026-03-10"}, day(10), day(10), FromUpdated},
		{"updated in the future", feed.RawEntry{Published: "2026-03-09", Updated: "2027-01-01"}, day(9), time.Time{}, FromFeed},
		{"updated before published", feed.RawEntry{Published: "2026-03-09", Updated: "2026-03-08"}, day(9), time.Time{}, FromFeed},
		{"a file", feed.RawEntry{Published: "2026-01-01", PublishedAt: day(9), PublishedFrom: "date line", UpdatedAt: day(10)}, day(9), day(10), "date line"},
	} {
		e := Entry(c.raw, Context{Now: now, Date: read})
		if !e.Published.Equal(c.published) || !e.Updated.Equal(c.updated) || e.PublishedFrom != c.from {
			t.Errorf("%s: %v from %q, updated %v", c.name, e.Published, e.PublishedFrom, e.Updated)
		}
	}
	if e := Entry(feed.RawEntry{Published: "2026-03-09"}, Context{Now: now}); !e.Published.IsZero() {
		t.Error("a date without a reader of dates")
	}
}

func TestSummaryIsShortAndNeverTheContent(t *testing.T) {
	long := strings.Repeat("The talks went on for another day. ", 20)
	short := "The talks went on."
	for _, c := range []struct{ name, summary, content, wantSummary, wantText string }{
		{"both", "<b>In short.</b>", "<p>" + long + "</p>", "In short.", long},
		{"equal", "<p>" + short + "</p>", "<div>" + short + "</div>", "", short},
		{"equal and long", long, "<p>" + long + "</p>", shorten(long, 300), long},
		{"summary only", short, "", "", short},
		{"long summary only", long, "", shorten(long, 300), long},
		{"content only", "", short, "", short},
		{"long content only", "", long, shorten(long, 300), long},
		{"content of nothing that is kept", short, "<script>x</script>", "", short},
		{"nothing", "", "", "", ""},
	} {
		e := Entry(feed.RawEntry{Summary: feedText(c.summary, true), Content: feedText(c.content, true)}, Context{})
		text := Plain(feedText(e.Content, true))
		if e.Summary != strings.TrimSpace(c.wantSummary) || text != strings.TrimSpace(c.wantText) {
			t.Errorf("%s: summary %q, text %q", c.name, e.Summary, text)
		}
		if e.Summary != "" && e.Summary == text || utf8.RuneCountInString(e.Summary) > 300 {
			t.Errorf("%s: summary %q is the content, or too long", c.name, e.Summary)
		}
	}
}

func TestEntriesWithoutATitleGetOne(t *testing.T) {
	for _, c := range []struct {
		raw  feed.RawEntry
		want string
	}{
		{feed.RawEntry{Title: feedText("<img src=x>", true), Content: feedText("<p>The talks go on. No date.</p>", true)}, "The talks go on."},
		{feed.RawEntry{Link: "https://e.example/2026/talks"}, "e.example/2026/talks"},
		{feed.RawEntry{Enclosures: []feed.Enclosure{{URL: "https://e.example/x/ep1.mp3"}}}, "ep1.mp3"},
		{feed.RawEntry{GUID: "7"}, "Untitled"},
	} {
		if e := Entry(c.raw, Context{}); e.Title != c.want {
			t.Errorf("%+v: %q", c.raw, e.Title)
		}
	}
}

func TestPersonName(t *testing.T) {
	for in, want := range map[string]string{
		"Ann Lee": "Ann Lee", "  Ann\n Lee ": "Ann Lee", "ann@e.example (Ann Lee)": "Ann Lee", "ann@e.example (Ann (Annie) Lee)": "Ann (Annie) Lee",
		"Ann Lee <ann@e.example>": "Ann Lee", `"Lee, Ann" <ann@e.example>`: "Lee, Ann", "Ann Lee (ann@e.example)": "Ann Lee", "ann@e.example": "", "<ann@e.example>": "", "mailto:ann@e.example": "",
		"Ann (Reuters)": "Ann (Reuters)", "@ann": "@ann", "Ann &amp; Bob": "Ann & Bob", "": "",
	} {
		if got := personName(in); got != want {
			t.Errorf("personName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLanguage(t *testing.T) {
	for in, want := range map[string]string{
		"en": "en", "EN-us": "en-us", "de_DE": "de-DE", " zh-Hant-TW ": "zh-Hant-TW", "": "", "english": "", "x": "", "en-": "", "en--us": "", "en us": "", "<b>": "",
	} {
		if got := language(in); got != want {
			t.Errorf("language(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzEntry holds what is true of every clean entry.
func FuzzEntry(f *testing.F) {
	f.Add("<p>x</p>", "y", "z &amp;amp;", "a@b (c)", "/d?utm_source=e", "Tue, 10 Mar 2026 18:04:11 +0000", true)
	f.Add("", "", "", "", "", "", false)
	f.Fuzz(func(t *testing.T, content, summary, title, name, link, date string, html bool) {
		raw := feed.RawEntry{
			Title: feedText(title, html), Summary: feedText(summary, html), Content: feedText(content, html),
			Authors: []feed.Person{{Name: name, URL: link}}, Categories: []string{name, title}, Link: link, Published: date, Updated: date,
			Enclosures: []feed.Enclosure{{URL: link, Type: name}}, Language: name, Base: summary,
		}
		c := newsContext()
		e := Entry(raw, c)
		if diff := cmp.Diff(e, Entry(raw, c)); diff != "" {
			t.Error("cleaned twice, it differs", diff)
		}
		text := Plain(feedText(e.Content, true))
		switch {
		case e.Title == "", utf8.RuneCountInString(e.Title) > maxTitle, e.Title != fold(e.Title):
			t.Errorf("title %q", e.Title)
		case utf8.RuneCountInString(e.Summary) > maxSummary, e.Summary != "" && e.Summary == text, e.Summary != fold(e.Summary):
			t.Errorf("summary %q", e.Summary)
		case e.URL != "" && e.Canonical != Canonical(e.URL), (e.Keys.URL == 0) != (e.Canonical == ""):
			t.Errorf("address %q, canonical %q", e.URL, e.Canonical)
		case e.Published.After(c.Now), e.Updated.After(c.Now), (e.PublishedFrom == "") != e.Published.IsZero():
			t.Errorf("dates %v %v", e.Published, e.Updated)
		}
		checkHTML(t, e.Content)
	})
}
