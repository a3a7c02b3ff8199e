package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseTableCountsWhatIsEqual(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "mine/feed.xml"), `<!--
Header: Content-Type: text/xml; charset=koi8-r
-->
<rss version="2.0"><channel><link>https://example.org/</link>
<item><title>`+"\xf2\xc5\xcb\xc1"+` &amp;amp; more</title><link>/1</link><pubDate>Fri, 02 Jan 2026 12:00:00 GMT</pubDate></item>
<item><title>Two</title><guid isPermaLink="false">urn:x:2</guid></item></channel></rss>`)
	write(t, filepath.Join(root, "mine/page.xml"), "<html></html>")
	write(t, filepath.Join(root, "mine/empty.xml"), "<rss version='2.0'><channel/></rss>")
	refs := filepath.Join(root, "reference.jsonl")
	write(t, refs, `{"file":"mine/feed.xml","entries":2,"first":[{"title":"Река & more","link":"https://example.org/1","date":[2026,1,2,12,0,0]},{"title":"Zwei","link":"urn:x:2","date":null}]}
{"file":"mine/page.xml","entries":1,"first":[{"title":"x","link":null,"date":null}]}
{"file":"mine/empty.xml","entries":0,"first":[]}
`)
	rows := filepath.Join(root, "rows.jsonl")
	var out bytes.Buffer
	if err := parseCommand([]string{"--rows", rows, root, refs}, &out); err != nil {
		t.Fatal(err)
	}
	want := "mine n=2 count_equal=1 title=1/3 link=2/2 date=1/1 failed=1\n"
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
	got, err := os.ReadFile(rows)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(got)), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], `"entries":2`) || !strings.Contains(lines[1], `"failed":"not a feed`) {
		t.Errorf("rows: %s", got)
	}
}

func write(t *testing.T, path, body string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestParityWithTheReferenceHolds keeps what docs/parity.md says.
func TestParityWithTheReferenceHolds(t *testing.T) {
	const root = "../../../shared/corpora/feeds"
	if _, err := os.Stat(root); err != nil {
		t.Skip("the corpus of feeds is not here:", err)
	}
	var out bytes.Buffer
	if err := parseCommand([]string{root, filepath.Join(root, "reference.jsonl")}, &out); err != nil {
		t.Fatal(err)
	}
	least := map[string]int{"real": 93, "feed-rs": 62, "gofeed": 259, "w3c-feedvalidator": 1111, "wellformed": 1164, "illformed": 12, "encoding": 14, "entities": 3}
	var sum [3][2]int
	for line := range strings.Lines(out.String()) {
		var set string
		var n, equal, failed int
		var field [3][2]int
		if _, err := fmt.Sscanf(line, "%s n=%d count_equal=%d title=%d/%d link=%d/%d date=%d/%d failed=%d", &set, &n, &equal,
			&field[0][0], &field[0][1], &field[1][0], &field[1][1], &field[2][0], &field[2][1], &failed); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if equal < least[set] || failed > 0 {
			t.Errorf("%s: fewer than %d", strings.TrimSpace(line), least[set])
		}
		for i := range field {
			sum[i][0] += field[i][0]
			sum[i][1] += field[i][1]
		}
	}
	for i, what := range []string{"titles", "links", "dates"} {
		if sum[i][0]*100 < sum[i][1]*98 {
			t.Errorf("%s: %d of %d, less than 98 %%", what, sum[i][0], sum[i][1])
		}
	}
}

func TestRobustNamesHowMuchItTried(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a.xml"), "<rss><channel><item><title>x</title></item></channel></rss>")
	write(t, filepath.Join(root, "empty.xml"), "")
	var out bytes.Buffer
	if err := robustCommand([]string{root}, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "documents=2 parses=50 ") || !strings.Contains(out.String(), "panics=0") {
		t.Error(out.String())
	}
}
