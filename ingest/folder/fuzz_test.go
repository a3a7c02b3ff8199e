package folder

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzRead: whatever the bytes, an entry that can be published, or an error
// that names the file.
func FuzzRead(f *testing.F) {
	for _, tt := range shapes {
		f.Add(uint8(len(tt.name)), []byte(tt.body))
	}
	for i, s := range []string{
		"---\ntitle: \"\\u0001\\u0085\"\nauthors: [{name: x}, *a]\n---\nx", "---\na: &a [*a]\ntitle: *a\n---\nx", "\xff\xfe\x00", "date 2025-02-31 x",
		"<title>&#1;</title><p>&#27;x&#x85;</p><math><a>", "# \u200b\n\n\u200d\n", "By A and B\n\nx", strings.Repeat("<div>", 600), "1. a\n2. b\n===\n", "|a|\n|-|\n|b|\n",
	} {
		f.Add(uint8(i), []byte(s))
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		name := "dir/some-file" + []string{".txt", ".md", ".html"}[kind%3]
		e, err := document(name, body, saved, late)
		if err != nil {
			if !strings.HasPrefix(err.Error(), name+":") {
				t.Errorf("%v does not name the file", err)
			}
			return
		}
		checkLine(t, "title", e.Title.Value, 1, titleRunes)
		checkLine(t, "summary", e.Summary.Value, 0, summaryRunes)
		if !utf8.ValidString(e.Content.Value) || strings.ContainsFunc(e.Content.Value, illegal) {
			t.Errorf("content %q", e.Content.Value)
		}
		if e.PublishedAt.IsZero() || e.PublishedAt.After(late) || e.UpdatedAt.Before(e.PublishedAt) || e.UpdatedAt.After(late) {
			t.Errorf("published %v, updated %v", e.PublishedAt, e.UpdatedAt)
		}
		for _, p := range e.Authors {
			checkLine(t, "author", p.Name, 1, 1<<20)
		}
	})
}

func checkLine(t *testing.T, what, s string, least, most int) {
	t.Helper()
	n := utf8.RuneCountInString(s)
	if n < least || n > most || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) || strings.TrimSpace(s) != s || least > 0 && !visible(s) {
		t.Errorf("%s of %d characters: %q", what, n, s)
	}
}

func illegal(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

func FuzzDates(f *testing.F) {
	for _, s := range []string{"Monday, Aug. 18, 2025", "2025-08-18T24:99:99+99:99", "18.8.2025", "Sept. 4th, 2025 10:00 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, d := range datesIn(s) {
			if d.start < 0 || d.end > len(s) || d.start >= d.end || d.at.Year() < 1599 || d.at.Year() > 3000 {
				t.Errorf("%q: %+v", s, d)
			}
		}
	})
}
