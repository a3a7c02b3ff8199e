package parse

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestFeedsOfEachFormatAreReadAsTheGoldensSay(t *testing.T) {
	files, err := filepath.Glob("testdata/feeds/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatal("no documents", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f, err := Parse(feed.Document{URL: "https://feeds.example/" + filepath.Base(file), Body: body}, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".xml")+".json", f)
		})
	}
}

// golden compares v, as JSON, with a file.
func golden(t *testing.T, file string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("differs from %s (-want +got):\n%s", file, d)
	}
}

func TestWhatIsNoFeedIsRefusedInWords(t *testing.T) {
	cases := []struct{ name, body, says string }{
		{"empty", "  \n", "empty"},
		{"text", "Hello, world", "begins with"},
		{"sitemap", `<?xml version="1.0"?><urlset></urlset>`, "sitemap"},
		{"opml", `<opml version="2.0"><body/></opml>`, "source import"},
		{"other XML", `<note><to>x</to></note>`, "begins with"},
		{"page", "<!DOCTYPE html>\n<html><head><title>x</title></head></html>", "web page"},
		{"page, ill-formed", "<html><p>a<br>b &nbsp; <feed-me>", "web page"},
		{"page without html", "<!doctype html><title>x</title><p>y", "web page"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(feed.Document{Body: []byte(c.body)}, Limits{})
			if feed.CodeOf(err) != feed.CodeInvalid || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "not a feed") {
				t.Errorf("got %v", err)
			}
			if page := strings.HasPrefix(c.name, "page"); errors.Is(err, ErrHTML) != page {
				t.Errorf("ErrHTML is %v", !page)
			}
		})
	}
}

func rssWith(items string) string {
	return `<?xml version="1.0"?><rss version="2.0"><channel><title>T</title><link>https://example.org/</link>` + items + `</channel></rss>`
}

func TestLimitsHold(t *testing.T) {
	lim := Limits{MaxBytes: 4000, MaxEntries: 2, MaxDepth: 20, MaxContent: 50}
	parse := func(body string) (Feed, error) { return Parse(feed.Document{Body: []byte(body)}, lim) }

	if _, err := parse(rssWith(strings.Repeat(" ", 4000))); feed.CodeOf(err) != feed.CodeTooLarge {
		t.Errorf("too many bytes: %v", err)
	}
	f, err := parse(rssWith(strings.Repeat("<item><title>x</title></item>", 5)))
	if err != nil || len(f.Entries) != 2 || f.Cut != 3 {
		t.Errorf("too many entries: %d kept, %d cut, %v", len(f.Entries), f.Cut, err)
	}
	for _, where := range []string{"%", "<item>%</item>", "<item><description>%</description></item>", "<item><x:y>%</x:y></item>"} {
		deep := strings.Repeat("<a>", 30) + strings.Repeat("</a>", 30)
		if _, err := parse(rssWith(strings.Replace(where, "%", deep, 1))); feed.CodeOf(err) != feed.CodeInvalid {
			t.Errorf("too deep in %s: %v", where, err)
		}
	}
	f, err = parse(rssWith("<item><description>" + strings.Repeat("wörd ", 100) + "</description></item>"))
	if got := f.Entries[0].Content.Value; err != nil || len(got) > 50 || !strings.HasSuffix(got, "wörd") {
		t.Errorf("too much content: %q, %v", got, err)
	}
}

func TestNestingCannotExhaustTheStack(t *testing.T) {
	body := rssWith("<item>" + strings.Repeat("<x:a>", 1_500_000))
	if _, err := Parse(feed.Document{Body: []byte(body)}, Limits{}); feed.CodeOf(err) != feed.CodeInvalid {
		t.Errorf("got %v", err)
	}
}

func TestTextsThatLookLikeOurMarksStayThemselves(t *testing.T) {
	f := mustParse(t, rssWith(`<item><title>One</title><category>lifted:0</category><category>lifted:1</category>
		<pubDate>2000-01-01T00:00:00.000000000Z</pubDate><author>2000-01-01T00:00:00.000000000Z</author></item>`))
	e := f.Entries[0]
	if diff := cmp.Diff([]string{"lifted:0", "lifted:1"}, e.Categories); diff != "" {
		t.Error(diff)
	}
	const date = "2000-01-01T00:00:00.000000000Z"
	if e.Published != date || e.Title.Value != "One" || e.Authors[0].Name != date {
		t.Errorf("got %+v", e)
	}
}

func TestParseIsReentrant(t *testing.T) {
	body, err := os.ReadFile("testdata/feeds/atom10.xml")
	if err != nil {
		t.Fatal(err)
	}
	want := mustParse(t, string(body))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				got, err := Parse(feed.Document{Body: body, URL: "https://example.org/feed"}, Limits{})
				if d := cmp.Diff(want, got); err != nil || d != "" {
					t.Error(err, d)
				}
			}
		})
	}
	all.Wait()
}

func TestTheResultSharesNoMemoryWithTheDocument(t *testing.T) {
	body := []byte(rssWith("<item><title>One</title><link>https://example.org/1</link><description>Text</description></item>"))
	f, err := Parse(feed.Document{Body: body}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range body {
		body[i] = 'x'
	}
	if e := f.Entries[0]; e.Title.Value != "One" || e.Link != "https://example.org/1" || e.Content.Value != "Text" {
		t.Errorf("got %+v", e)
	}
}
