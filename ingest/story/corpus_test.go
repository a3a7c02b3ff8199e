package story_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest/story"
	"tributary/ingest/words"
)

// document is a line of a labelled collection.
type document struct {
	ID, Title, Text, Story, Published string
	when                              time.Time
}

// readDocuments reads a collection that lies beside the project, or skips the test.
func readDocuments(t testing.TB, name string) []document {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "..", "shared", "corpora", "labelled", name))
	if err != nil {
		t.Skip("the labelled collections are not here")
	}
	defer file.Close()
	var docs []document
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var d document
		if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		docs = append(docs, d)
	}
	return date(docs)
}

// date gives each document its time: as it says, or a minute after the one before.
func date(docs []document) []document {
	last := time.Date(2024, 3, 4, 0, 0, 0, 0, time.UTC)
	for i := range docs {
		when, err := time.Parse("2006-01-02T15:04:05Z0700", docs[i].Published)
		if err != nil {
			when = last.Add(time.Minute)
		}
		docs[i].when, last = when, when
	}
	return docs
}

// undated are the documents as if they had no date.
func undated(docs []document) []document {
	docs = slices.Clone(docs)
	for i := range docs {
		docs[i].Published = ""
	}
	return date(docs)
}

// summaries are the documents as feeds that give summaries only would have them.
func summaries(docs []document, n int) []document {
	docs = slices.Clone(docs)
	for i := range docs {
		if f := strings.Fields(docs[i].Text); len(f) > n {
			docs[i].Text = strings.Join(f[:n], " ")
		}
	}
	return docs
}

// spread are the documents at so many hours from each other.
func spread(docs []document, hours float64) []document {
	docs = slices.Clone(docs)
	for i := range docs {
		docs[i].when = docs[0].when.Add(time.Duration(float64(i) * hours * float64(time.Hour)))
	}
	return docs
}

func shuffled(docs []document, seed uint64) []document {
	docs = undated(docs)
	rand.New(rand.NewPCG(seed, 1)).Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
	return date(docs)
}

// rig is a store in memory.
type rig struct {
	items   []story.Item // EntryID is the place, from 1
	marks   map[int64][]int
	bound   int
	moves   int
	refused int // marks that were not inserted
}

func newRig() *rig { return &rig{marks: map[int64][]int{}, bound: 64} }

// candidates are the 64 known items that share most marks, later ones first.
func (r *rig) candidates(look []int64) []story.Item {
	shared := map[int]int{}
	for _, key := range look {
		for _, i := range r.marks[key] {
			shared[i]++
		}
	}
	ids := make([]int, 0, len(shared))
	for i := range shared {
		ids = append(ids, i)
	}
	slices.SortFunc(ids, func(a, b int) int {
		if d := shared[b] - shared[a]; d != 0 {
			return d
		}
		return b - a
	})
	var items []story.Item
	for _, i := range ids[:min(len(ids), 64)] {
		items = append(items, r.items[i])
	}
	return items
}

// add decides on an item, as the pipeline does.
func (r *rig) add(title, text, lang string, source int64, when time.Time) story.Verdict {
	n := len(r.items)
	terms, err := story.Decode(story.Read(words.Split(title), words.Split(text), lang).Encode())
	if err != nil {
		panic(err)
	}
	item := story.Item{Sketch: feed.Sketch{EntryID: int64(n + 1), SourceID: source, When: when, Language: lang}, Terms: terms}
	own, look := terms.Marks(when)
	v := story.Decide(item, r.candidates(look))
	item.StoryRow = v.Story
	if v.Story == 0 {
		item.StoryRow = int64(n + 1)
	}
	for _, entry := range v.Bring {
		r.items[entry-1].StoryRow = item.StoryRow
		r.moves++
	}
	r.items = append(r.items, item)
	for _, key := range own {
		if len(r.marks[key]) < r.bound {
			r.marks[key] = append(r.marks[key], n)
		} else {
			r.refused++
		}
	}
	return v
}

func (r *rig) addAll(docs []document) *rig {
	for i, d := range docs {
		r.add(d.Title, d.Text, "", int64(i+1), d.when)
	}
	return r
}

// measures are B-cubed (Bagga and Baldwin, 1998) and those of pairs.
type measures struct {
	b3P, b3R, b3, pairP, pairR, pair float64
}

func (m measures) String() string {
	return fmt.Sprintf("b3=%.3f (P %.3f R %.3f) pair_f1=%.3f (P %.3f R %.3f)", m.b3, m.b3P, m.b3R, m.pair, m.pairP, m.pairR)
}

// measure compares the stories of the rig's last items with the documents' labels.
func (r *rig) measure(docs []document) measures {
	items := r.items[len(r.items)-len(docs):]
	var m measures
	var both, joined, labelled float64
	for i := range docs {
		var same, story, label float64
		for j := range docs {
			a, b := items[i].StoryRow == items[j].StoryRow, docs[i].Story == docs[j].Story
			switch {
			case a && b:
				same, story, label = same+1, story+1, label+1
			case a:
				story++
			case b:
				label++
			}
		}
		m.b3P += same / story / float64(len(docs))
		m.b3R += same / label / float64(len(docs))
		both, joined, labelled = both+same-1, joined+story-1, labelled+label-1
	}
	m.b3 = 2 * m.b3P * m.b3R / (m.b3P + m.b3R)
	m.pairP, m.pairR = both/max(1, joined), both/max(1, labelled)
	m.pair = 2 * both / max(1, joined+labelled)
	return m
}

func TestStoriesOfLabelledCollections(t *testing.T) {
	ecb, wiki := readDocuments(t, "stories-ecb.jsonl"), readDocuments(t, "stories-wikinews.jsonl")
	for _, tt := range []struct {
		name     string
		docs     []document
		b3, pair float64 // at least
	}{
		{"ecb", ecb, 0.90, 0.86},
		{"ecb, shuffled", shuffled(ecb, 1), 0.90, 0.86},
		{"ecb, shuffled again", shuffled(ecb, 2), 0.90, 0.86},
		{"ecb, titles and 40 words", summaries(ecb, 40), 0.80, 0.73},
		{"ecb, 1 hour apart", spread(ecb, 1), 0, 0},
		{"wikinews", wiki, 0.91, 0.82},
		{"wikinews, without dates", undated(wiki), 0.91, 0.82},
		{"wikinews, shuffled", shuffled(wiki, 1), 0.91, 0.82},
		{"wikinews, 3 hours apart", spread(wiki, 3), 0.90, 0.80},
		{"wikinews, 12 hours apart", spread(wiki, 12), 0, 0},
		{"wikinews, titles and 40 words", summaries(wiki, 40), 0, 0},
	} {
		r := newRig().addAll(tt.docs)
		m := r.measure(tt.docs)
		t.Logf("%-30s n=%d %v moves=%d", tt.name, len(tt.docs), m, r.moves)
		if m.b3 < tt.b3 || m.pair < tt.pair {
			t.Errorf("%s: %v, to reach: b3=%.2f pair_f1=%.2f", tt.name, m, tt.b3, tt.pair)
		}
	}
}

// What a store holds of another subject in the same days does not change the stories.
func TestStoriesAmongManyOtherItems(t *testing.T) {
	wiki, wire := readDocuments(t, "stories-wikinews.jsonl"), readDocuments(t, "topics-reuters-train.jsonl")
	wire = wire[:3000]
	for i := range wire {
		wire[i].when = wiki[0].when.Add(-time.Hour)
	}
	r := newRig().addAll(wire)
	t.Logf("%d wire items in one bucket: %.1f of 12 marks refused each", len(wire), float64(r.refused)/float64(len(wire)))
	m := r.addAll(wiki).measure(wiki)
	t.Logf("wikinews after them: %v", m)
	if m.b3 < 0.90 || m.pair < 0.80 {
		t.Errorf("among others, the stories are %v", m)
	}
}
