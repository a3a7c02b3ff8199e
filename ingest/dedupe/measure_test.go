package dedupe_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest/dedupe"
	"tributary/ingest/words"
)

// corpora are labelled texts that nobody here wrote.
const corpora = "../../../shared/corpora/labelled"

// document is a line of a labelled file.
type document struct {
	ID, Title, Text, URL, Published, Story string
}

func documents(t *testing.T, name string) []document {
	t.Helper()
	file, err := os.Open(filepath.Join(corpora, name))
	if err != nil {
		t.Skipf("without the labelled texts: %v", err)
	}
	defer file.Close()
	var docs []document
	for lines := json.NewDecoder(bufio.NewReader(file)); lines.More(); {
		var d document
		if err := lines.Decode(&d); err != nil {
			t.Fatal(err)
		}
		docs = append(docs, d)
	}
	return docs
}

// collection holds entries in memory as the store does: found by marks, each
// mark's list at most 64 long, and at most 12 of what is found compared.
type collection struct {
	entries map[int64]dedupe.Candidate
	marks   map[int64][]int64
	looked  int // entries compared
}

func (c *collection) add(e feed.Entry) {
	text := dedupe.Read(words.Split(e.Title), words.Split(e.Text))
	own, look := text.Marks(e.When())
	var found []feed.Mark
	for _, key := range look {
		for _, id := range c.marks[key] {
			found = append(found, feed.Mark{Key: key, EntryID: id})
		}
	}
	var near []dedupe.Candidate
	for _, id := range closest(found, 12) {
		near = append(near, c.entries[id])
	}
	c.looked += len(near)
	e.ID = int64(len(c.entries) + 1)
	e.ItemID = e.ID
	v := dedupe.Near(e, text, near)
	if v.Copy != nil {
		e.ItemID = v.Copy.ItemID
	}
	known := feed.Known{EntryID: e.ID, SourceID: e.SourceID, ItemID: e.ItemID, Canonical: e.Canonical}
	c.entries[e.ID] = dedupe.Candidate{Candidate: feed.Candidate{Known: known, Entry: e}, Text: text}
	for _, key := range own {
		if len(c.marks[key]) < 64 {
			c.marks[key] = append(c.marks[key], e.ID)
		}
	}
}

// items puts documents in, each as from a source of its own, and gives the
// item of each. A missing date is the one before plus a minute.
func items(t *testing.T, docs []document) (map[string]int64, *collection) {
	t.Helper()
	c := &collection{entries: map[int64]dedupe.Candidate{}, marks: map[int64][]int64{}}
	of := map[string]int64{} // a document's item
	when := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, d := range docs {
		when = when.Add(time.Minute)
		if p, ok := date(d.Published); ok {
			when = p
		}
		e := feed.Entry{SourceID: int64(i + 1), Title: d.Title, Text: d.Text, URL: d.URL, Canonical: d.URL, Published: when}
		c.add(e)
		of[d.ID] = c.entries[int64(i+1)].Known.ItemID
	}
	return of, c
}

func date(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02", "_2-Jan-2006 15:04:05.99"} {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

type alikePair struct {
	jaccard float64
	a, b    string
}

func pairsOf(t *testing.T, name string) []alikePair {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(corpora, name))
	if err != nil {
		t.Skipf("without the labelled texts: %v", err)
	}
	var pairs []alikePair
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if j, err := strconv.ParseFloat(f[0], 64); err == nil {
			pairs = append(pairs, alikePair{j, f[1], f[2]})
		}
	}
	return pairs
}

// merged is the share of those pairs that became one item which are as alike as
// least. Those that did not, or did where apart is expected, are logged.
func merged(t *testing.T, pairs []alikePair, item map[string]int64, least float64, expected bool) float64 {
	n, all := 0, 0
	for _, p := range pairs {
		if p.jaccard < least {
			continue
		}
		all++
		same := item[p.a] == item[p.b]
		if same {
			n++
		}
		if same != expected {
			t.Logf("one item: %v: %s %s, alike to %.3f", same, p.a, p.b, p.jaccard)
		}
	}
	return float64(n) / float64(all)
}

func TestWireCopiesAreFoundAndOtherFiguresStayApart(t *testing.T) {
	docs := documents(t, "topics-reuters-train.jsonl")
	pairs, conflicts := pairsOf(t, "neardup-reuters-train.tsv"), pairsOf(t, "neardup-reuters-train-conflicts.tsv")
	start := time.Now()
	item, c := items(t, docs)
	took := time.Since(start)
	high, middle := merged(t, pairs, item, 0.8, true), merged(t, pairs, item, 0.6, true)
	wrong := merged(t, conflicts, item, 0, false)
	t.Logf("copies n=%d recall_0.8=%.4f recall_0.6=%.4f conflicts_merged=%.4f; an entry was compared with %.2f others, %v",
		len(docs), high, middle, wrong, float64(c.looked)/float64(len(docs)), took/time.Duration(len(docs)))
	if high < 0.99 || middle < 0.95 || wrong > 0.05 {
		t.Errorf("recall %.4f at 0.8, %.4f at 0.6, conflicts merged %.4f; want 0.99, 0.95 and at most 0.05", high, middle, wrong)
	}
	found := 0
	texts := map[string]document{}
	for _, d := range docs {
		texts[d.ID] = d
	}
	for _, p := range pairs {
		a, b := texts[p.a], texts[p.b]
		if shareMark(told{title: a.Title, text: a.Text}, told{title: b.Title, text: b.Text}) {
			found++
		}
	}
	t.Logf("%d of %d pairs share a mark", found, len(pairs))
}

func TestMergedNewsBelongsToOneStory(t *testing.T) {
	for _, name := range []string{"stories-ecb.jsonl", "stories-wikinews.jsonl"} {
		docs := documents(t, name)
		item, c := items(t, docs)
		right, wrong := 0, 0
		for i, a := range docs {
			for _, b := range docs[:i] {
				switch {
				case item[a.ID] != item[b.ID]:
				case a.Story == b.Story:
					right++
				default:
					wrong++
					t.Errorf("%s: %s and %s are one item and two stories", name, a.ID, b.ID)
				}
			}
		}
		t.Logf("%s n=%d merged pairs right=%d wrong=%d, compared %.2f an entry", name, len(docs), right, wrong, float64(c.looked)/float64(len(docs)))
	}
}

// closest picks the entries that share most marks with a new one, at most so
// many, as the pipeline does. found is what a look-up of its marks
// gave. Among equals the older one comes first.
func closest(found []feed.Mark, most int) []int64 {
	shared := map[int64]int{}
	for _, m := range found {
		shared[m.EntryID]++
	}
	ids := make([]int64, 0, len(shared))
	for id := range shared {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b int64) int {
		return cmp.Or(cmp.Compare(shared[b], shared[a]), cmp.Compare(a, b))
	})
	return ids[:min(len(ids), most)]
}
