package store_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/store"
)

// fresh is where a new store of the rig's engine can be made.
func (r *rig) fresh() store.Options {
	if r.options.Path != "" {
		return store.Options{Path: filepath.Join(r.TempDir(), "old.db")}
	}
	return store.Options{DSN: newDatabase(r)}
}

// insertRow inserts a row by raw SQL, in the columns that are given and those
// that must not be NULL.
func insertRow(t *testing.T, s *store.Store, table, required string, values map[string]any) {
	t.Helper()
	for _, column := range strings.Fields(required) {
		name, text := strings.CutSuffix(column, "$")
		if _, given := values[name]; !given {
			values[name] = map[bool]any{true: "", false: int64(0)}[text]
		}
	}
	var names, places []string
	var args []any
	for name, v := range values {
		names, args = append(names, name), append(args, v)
		places = append(places, fmt.Sprintf("$%d", len(args)))
	}
	if err := s.Exec(t.Context(), fmt.Sprintf(`INSERT INTO %s (%s) VALUES (%s)`, table, strings.Join(names, ", "), strings.Join(places, ", ")), args...); err != nil {
		t.Fatal(err)
	}
}

// What must not be NULL in the first schema; $: text.
const (
	sourceColumns = `slug$ kind$ url$ name$ every$ tags$ enabled private origin$ position headers$ about$ status$ error$ failures etag$
		last_modified$ body_hash same_bodies fetch_url$ redirect_to$ redirect_seen due_reason$ fetches not_modified bytes_in
		bytes_saved last_size imported`
	entryColumns = `source_id identity_key raw_key shown_key decision$ first_seen canonical$ identity$ rule$ reason$ published_from$
		language$ url$ title$ authors$ details$ summary$ content$`
	itemColumns = `uuid$ published updated run$`
)

type values = map[string]any

// fillFirstSchema stores three sources and seven items: one with copies, by two
// sources and three, one withdrawn, one hidden, one that waits, and entries that are held.
func fillFirstSchema(t *testing.T, s *store.Store) {
	t.Helper()
	for id := range int64(3) {
		slug := fmt.Sprint("s", id+1)
		insertRow(t, s, "source", sourceColumns, values{"id": id + 1, "slug": slug, "kind": "feed", "url": "https://" + slug + ".example/feed", "enabled": 1, "position": id})
	}
	for id := range int64(7) {
		v := values{"id": id + 1, "uuid": fmt.Sprintf("%08x-0000-5000-8000-000000000000", id+1), "published": 1000 * id, "updated": 2000 + 7*id}
		if id < 6 {
			v["place"], v["admitted"] = id+1, 5000
		} else {
			v["run"] = "going on"
		}
		switch id {
		case 2:
			v["withdrawn"] = 6000
		case 3:
			v["hidden"] = 6001
		}
		insertRow(t, s, "item", itemColumns, v)
	}
	for i, e := range []struct {
		source, item int64
		decision     feed.DecisionKind
	}{{1, 1, feed.Published}, {2, 1, feed.CopyOf}, {2, 1, feed.CopyOf}, {1, 2, feed.Published}, {2, 3, feed.Published}, {3, 4, feed.Published}, {3, 5, feed.Published},
		{1, 5, feed.CopyOf}, {2, 5, feed.CopyOf}, {3, 6, feed.Published}, {1, 7, feed.Published}, {1, 0, feed.Held}, {2, 0, feed.Rejected}} {
		v := values{"id": int64(i + 1), "source_id": e.source, "identity_key": i, "decision": string(e.decision), "rule": "r", "reason": "why",
			"first_seen": 900 + i, "title": fmt.Sprint("Title ", i), "url_key": 50 + i}
		if e.item != 0 {
			v["item_id"] = e.item
		}
		insertRow(t, s, "entry", entryColumns, v)
	}
	for _, text := range []string{
		`UPDATE item SET lead_id = 9 WHERE id = 5`,
		`UPDATE meta SET change = 77, last_source = 3, last_entry = 13, last_item = 7, last_place = 6, feed_id = 'the feed'`,
	} {
		if err := s.Exec(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
}

// dump gives the rows of the first schema's columns, as text.
func dump(t *testing.T, s *store.Store) (lines []string) {
	t.Helper()
	for table, columns := range map[string]string{
		"meta":   `change last_source last_entry last_item last_place feed_id`,
		"source": `id ` + strings.ReplaceAll(sourceColumns, "$", ""),
		"item":   `id uuid place lead_id published updated admitted withdrawn hidden run`,
		"entry":  `id item_id url_key content_key published updated unlisted pruned ` + strings.ReplaceAll(entryColumns, "$", ""),
	} {
		var parts []string
		for _, c := range strings.Fields(columns) {
			parts = append(parts, "COALESCE(CAST("+c+" AS TEXT), '-')")
		}
		got, err := s.Lines(t.Context(), `SELECT `+strings.Join(parts, ` || ' ' || `)+` FROM `+table+` ORDER BY 1`)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range got {
			lines = append(lines, table+" "+l)
		}
	}
	return lines
}

var sorted = cmp.Transformer("sorted", func(lines []string) map[string]int {
	all := map[string]int{}
	for _, l := range lines {
		all[l]++
	}
	return all
})

var _ = behaviour("a database of the first schema is brought up to date with all that it has", func(r *rig) {
	o := r.fresh()
	old, err := store.OpenAt(r.ctx, o, 1)
	r.must(err)
	fillFirstSchema(r.T, old)
	before := dump(r.T, old)
	r.must(old.Close())

	r.Store = open(r, o)
	if diff := cmp.Diff(before, dump(r.T, r.Store), sorted); diff != "" || len(before) != 24 {
		r.Errorf("%d rows (-before +after):\n%s", len(before), diff)
	}
	r.must(r.Check(r.ctx))
	for i, want := range []struct{ publishers, story int }{{2, 1}, {1, 1}, {0, 1}, {0, 1}, {3, 1}, {1, 1}, {0, 0}} {
		it := r.item(fmt.Sprintf("%08x", i+1))
		if it.Publishers != want.publishers || (it.StoryRow != 0) != (want.story != 0) || it.MergedID != "" || it.Covered != 0 {
			r.Errorf("item %d: %+v", i+1, it)
		}
		if it.StoryRow == 0 {
			continue
		}
		st := r.story(it.StoryRow)
		if st.Founder != it.ID || !st.Updated.Equal(it.Updated) || st.Publishers != it.Publishers {
			r.Errorf("the story of item %d: %+v", i+1, st)
		}
	}
	if got, err := r.Items(r.ctx, store.Query{Limit: 100, MinPublishers: 2, WithContent: true}); err != nil || len(got) != 2 || got[0].RowID != 5 || len(got[0].Copies) != 2 {
		r.Errorf("of several publishers: %v (%v)", ids(got), err)
	}

	// What the topic needs is there: sources are filtered, what was held is found by its rule.
	if got := r.named("s1"); got.Topic != "" || got.State.Scored != 0 || got.State.OnTopic != 0 {
		r.Errorf("a source: %+v", got)
	}
	r.wantHeld(store.HeldQuery{Rules: []string{"r"}}, 12)
	r.scores(feed.Score{EntryID: 12, Value: 0.25, Profile: r.profile("first").Version, Why: "little of it"})
	if got := r.entryByID(12); got.Score.Profile != 1 || got.Source.Slug != "s1" {
		r.Errorf("a held entry: %+v", got)
	}

	// And it goes on: what waits is admitted, as a story of a number never given.
	next := r.found()
	if len(next) != 1 || next[7] != 8 {
		r.Errorf("stories founded: %v", next)
	}
	r.write(func(t *store.Tx) error { return t.JoinStory(r.ctx, 7, 5, "one event", day) })
	r.must(r.Hide(r.ctx, "00000004", false, day))
	if got := r.item("00000004"); got.Publishers != 1 {
		r.Errorf("a hidden item that is shown again has %d publishers", got.Publishers)
	}
	r.must(r.Check(r.ctx))
})
