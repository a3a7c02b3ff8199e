package folder

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tributary/feed"
)

var update = flag.Bool("update", false, "write the golden files anew")

// late is after every date in the documents.
var late = time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)

// readAll scans a folder and reads each of its documents.
func readAll(t *testing.T, root string) []feed.RawEntry {
	t.Helper()
	scan, err := Scan(t.Context(), root, nil, late)
	if err != nil {
		t.Fatal(err)
	}
	if len(scan.Skipped) > 0 {
		t.Errorf("skipped %v", scan.Skipped)
	}
	var all []feed.RawEntry
	for _, f := range scan.Files {
		e, err := Read(root, f, late)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// TestSharedSeeds reads two real texts that nobody here wrote.
func TestSharedSeeds(t *testing.T) {
	root := filepath.Join("..", "..", "..", "shared", "seeds")
	if _, err := os.Stat(root); err != nil {
		t.Skip("the shared seeds are not beside this checkout")
	}
	all := readAll(t, root)
	if len(all) != 2 {
		t.Fatalf("%d entries, want 2", len(all))
	}
	for i, want := range []struct{ title, day, from, summary string }{
		{"Ukrainian President Volodymyr Zelensky has newly claimed", "2025-12-30", fromLine, "Ukrainian President Volodymyr"},
		{"POLITICO: US has no 'red line' on sending troops to Ukraine", "2025-08-18", fromText, "Following Trump’s meeting with"},
	} {
		e := all[i]
		if !strings.HasPrefix(e.Title.Value, want.title) || len([]rune(e.Title.Value)) > 120 {
			t.Errorf("title %q, want %q", e.Title.Value, want.title)
		}
		if got := e.PublishedAt.Format(time.DateOnly); got != want.day || e.PublishedFrom != want.from {
			t.Errorf("published %s from %s, want %s from %s", got, e.PublishedFrom, want.day, want.from)
		}
		if !strings.HasPrefix(e.Summary.Value, want.summary) || len([]rune(e.Summary.Value)) > 300 {
			t.Errorf("summary %q, want %q …", e.Summary.Value, want.summary)
		}
	}
	sharedContent(t, all[0].Content.Value, all[1].Content.Value)
}

// sharedContent looks for what the two texts must keep, and must have lost.
func sharedContent(t *testing.T, first, second string) {
	t.Helper()
	for _, want := range []string{`<a href="https://pic.twitter.com/`, "&amp; Friends"} {
		if !strings.Contains(first, want) {
			t.Errorf("the first has no %s", want)
		}
	}
	if strings.Contains(first, "date 2025-12-30") || strings.Contains(first, "<h2>") || strings.Count(first, "<p>") != 16 {
		t.Errorf("the first is not sixteen paragraphs without the date:\n%s", first)
	}
	if !strings.HasPrefix(second, "<p>Following Trump’s") || strings.Count(second, "<h2>") != 2 ||
		!strings.Contains(second, "<h2>Moscow’s reaction</h2>") || strings.Contains(second, "<p>-</p>") {
		t.Errorf("the second has not its standfirst and two headings:\n%s", second)
	}
}

// TestShippedSeedsAreGoodItems holds what the reader makes of seeds/.
func TestShippedSeedsAreGoodItems(t *testing.T) {
	var out strings.Builder
	for _, e := range readAll(t, filepath.Join("..", "..", "seeds")) {
		fmt.Fprintf(&out, "%s\n  title    %s\n  date     %s (%s)\n  summary  %s\n  headings %s\n\n", e.GUID, e.Title.Value,
			e.PublishedAt.Format(time.DateOnly), e.PublishedFrom, e.Summary.Value, strings.Join(headingsOf(e.Content.Value), " | "))
		if words := len(strings.Fields(e.Content.Value)); words < 250 || words > 600 {
			t.Errorf("%s has %d words", e.GUID, words)
		}
		if e.PublishedFrom == fromFile {
			t.Errorf("%s says nowhere when it was written", e.GUID)
		}
	}
	golden(t, "seeds.golden", out.String())
}

func headingsOf(content string) []string {
	var all []string
	for _, part := range strings.Split(content, "<h2>")[1:] {
		heading, _, _ := strings.Cut(part, "</h2>")
		all = append(all, heading)
	}
	return all
}

// golden compares got with a file in testdata; -update writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs, run with -update to accept:\n%s", name, got)
	}
}
