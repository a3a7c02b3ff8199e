package parse

import (
	"strings"
	"testing"

	"tributary/feed"
)

func mustParse(t *testing.T, body string) Feed {
	t.Helper()
	f, err := Parse(feed.Document{Body: []byte(body), URL: "https://example.org/feed"}, Limits{})
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return f
}

const jsonHead = `{"version":"https://jsonfeed.org/version/1.1","title":"A feed","items":[`

func TestJSONFeedKeepsItsParts(t *testing.T) {
	f := mustParse(t, jsonHead+`{"id":"1","url":"https://example.org/1","title":"One <b>","content_html":"<p>x</p>","summary":"s",
		"date_published":"2024-05-03T10:00:00Z","authors":[{"name":"Ann","url":"https://example.org/ann"}],"tags":["a","b","a"],
		"attachments":[{"url":"https://example.org/1.mp3","mime_type":"audio/mpeg","size_in_bytes":7,"duration_in_seconds":60}]},
		{"id":2,"content_text":"a < b"}]}`)
	if f.Format != "json 1.1" || len(f.Entries) != 2 || f.Truncated {
		t.Fatalf("got %+v", f)
	}
	e := f.Entries[0]
	if e.Title != (feed.Text{Value: "One <b>"}) || e.Content != (feed.Text{Value: "<p>x</p>", HTML: true}) || len(e.Categories) != 2 {
		t.Errorf("got %+v", e)
	}
	if got, want := e.Enclosures[0], (feed.Enclosure{URL: "https://example.org/1.mp3", Type: "audio/mpeg", Length: 7, Duration: 60}); got != want {
		t.Errorf("enclosure %+v, want %+v", got, want)
	}
	if e := f.Entries[1]; e.GUID != "2" || e.Content != (feed.Text{Value: "a < b"}) {
		t.Errorf("got %+v", e)
	}
}

func TestJSONThatIsNoFeedIsRefused(t *testing.T) {
	for _, body := range []string{`{"a":1}`, `{}`, `{"version":"2","items":[]}`, `{"version":`, `{`} {
		_, err := Parse(feed.Document{Body: []byte(body)}, Limits{})
		if feed.CodeOf(err) != feed.CodeInvalid || !strings.HasPrefix(err.Error(), "not a feed") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestJSONWithWrongTypesIsRead(t *testing.T) {
	f := mustParse(t, jsonHead+`{"id":"1","title":5,"tags":"a, b","author":"Ann","url":{"x":1},"attachments":{"url":"https://example.org/x"}}, "junk",]} trailing`)
	if len(f.Entries) != 1 || f.Truncated {
		t.Fatalf("got %+v", f)
	}
	e := f.Entries[0]
	if e.Title.Value != "5" || len(e.Categories) != 2 || len(e.Authors) != 1 || len(e.Enclosures) != 1 {
		t.Errorf("got %+v", e)
	}
}

func TestJSONThatBreaksOffKeepsWholeItems(t *testing.T) {
	whole := jsonHead + `{"id":"1","title":"One"},{"id":"2","title":"Two"}]}`
	for cut := len(jsonHead); cut < len(whole); cut++ {
		f := mustParse(t, whole[:cut])
		want := strings.Count(whole[:cut], "}")
		if len(f.Entries) != want || !f.Truncated {
			t.Fatalf("cut at %d: %d entries, truncated %v; want %d", cut, len(f.Entries), f.Truncated, want)
		}
	}
}
