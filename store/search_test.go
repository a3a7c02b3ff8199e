package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/store"
)

// article is an entry to be searched for, by its number.
func article(src feed.Source, n int64, title, content string, tags ...string) *feed.Entry {
	e := entry(src, n)
	e.Title, e.Content, e.Details.Categories = title, content, tags
	e.Published = day.Add(time.Duration(n) * time.Hour)
	return e
}

// titles are those of what a query finds.
func (r *rig) titles(q store.Query) (titles []string) {
	r.Helper()
	items, err := r.Items(r.ctx, q)
	r.must(err)
	for _, it := range items {
		titles = append(titles, it.Entry.Title)
	}
	return titles
}

// wantFound fails unless a query finds these titles, in this order.
func (r *rig) wantFound(q store.Query, titles ...string) {
	r.Helper()
	if diff := cmp.Diff(titles, r.titles(q)); diff != "" {
		r.Errorf("%+v (-want +got):\n%s", q, diff)
	}
}

var _ = behaviour("items are found by the words of their text, newest first", func(r *rig) {
	a := r.source("a")
	about := article(a, 1, "Troops withdraw", `<p>The <b>S</b>econd brigade&#39;s convoy left Zürich at 3:15, said the U.S. envoy &amp; others.</p><p>Nothing else</p>`, "War & Peace")
	about.Summary = "In brief: a convoy."
	about.Authors = []feed.Person{{Name: "Łukasz Øberg"}}
	r.publish(about, article(a, 2, "A troop of monkeys", `<img alt="withdraw > troops"><p>They don’t withdraw.</p>`),
		article(a, 3, "東京の天気", "<p>晴れ</p>"), article(a, 4, "Straße nach Αθήνας", "<p>COVID-19 ﬁles</p>"))
	r.admit()
	for text, want := range map[string][]string{
		"troops":                     {"A troop of monkeys", "Troops withdraw"},
		"TROOP withdraws":            {"A troop of monkeys", "Troops withdraw"},
		"troop -monkey":              {"Troops withdraw"},
		"-monkeys -東 -covid":         {"Troops withdraw"},
		`"withdraw troops"`:          nil,
		`"troops withdraw"`:          {"Troops withdraw"},
		`-"troops withdraw" troop`:   {"A troop of monkeys"},
		`“second brigade”`:           {"Troops withdraw"},
		`"withdraw in brief"`:        nil, // no phrase goes from the title into the text
		"zurich":                     {"Troops withdraw"},
		"ZÜRICH us":                  {"Troops withdraw"},
		"lukasz oberg":               {"Troops withdraw"},
		"brief":                      {"Troops withdraw"},
		"brigades":                   {"Troops withdraw"},
		"war-peace":                  {"Troops withdraw"},
		"war peace":                  {"Troops withdraw"},
		"dont":                       {"A troop of monkeys"},
		"don't -envoy":               {"A troop of monkeys"},
		"img":                        nil,
		"alt":                        nil,
		"東京":                         {"東京の天気"},
		"京東":                         nil,
		"strasse αθηνας":             {"Straße nach Αθήνας"},
		"covid-19":                   {"Straße nach Αθήνας"},
		"files":                      {"Straße nach Αθήνας"},
		"19-covid":                   nil,
		"nosuchword":                 nil,
		"!!! ---":                    nil,
		"s1":                         nil, // marks are no words
		"_s1":                        nil,
		"troops AND withdraw":        nil, // words like others
		"   ":                        {"Straße nach Αθήνας", "東京の天気", "A troop of monkeys", "Troops withdraw"},
		`title:troops NEAR(a b) "^*`: nil,
	} {
		if diff := cmp.Diff(want, r.titles(store.Query{Text: text})); diff != "" {
			r.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	_, err := r.Items(r.ctx, store.Query{Text: strings.Repeat("word ", 65)})
	r.wantCode(err, feed.CodeInvalid)
	r.must(r.Check(r.ctx))
})

var _ = behaviour("filters are met together, whatever the page", func(r *rig) {
	a, b := r.source("a"), r.source("b")
	r.publish(article(a, 1, "one", "x", "News"), article(a, 30, "two", "x y", "news ", "Sport"), article(b, 31, "three", "x", "Čas"), article(b, 60, "four", "y"))
	r.admit()
	midnight := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	r.wantFound(store.Query{Source: "a"}, "two", "one")
	r.wantFound(store.Query{Source: "none"})
	r.wantFound(store.Query{Tag: "NEWS"}, "two", "one")
	r.wantFound(store.Query{Tag: "C\u030cas"}, "three")
	r.wantFound(store.Query{Tag: "new"})
	r.wantFound(store.Query{Tag: "news", Text: "y"}, "two")
	r.wantFound(store.Query{From: midnight}, "four", "three", "two")
	r.wantFound(store.Query{Until: midnight}, "one")
	r.wantFound(store.Query{From: day.Add(30 * time.Hour), Until: day.Add(31 * time.Hour)}, "two")
	r.wantFound(store.Query{From: midnight, Source: "b", Text: "x"}, "three")
	r.wantFound(store.Query{From: day.AddDate(50, 0, 0)})
	r.wantFound(store.Query{From: day.AddDate(-50, 0, 0), Until: day.AddDate(-49, 0, 0)})
	r.wantFound(store.Query{From: midnight, Until: midnight})
	r.wantFound(store.Query{Text: "x", Limit: 1}, "three")
	r.wantFound(store.Query{Text: "x", Limit: 1, Before: 3}, "two")
	r.wantFound(store.Query{Text: "x", Before: 2}, "one")
	r.wantFound(store.Query{Text: "x", MinPublishers: 2})
})

var _ = behaviour("the search follows what becomes of items", func(r *rig) {
	a, b := r.source("a"), r.source("b")
	first, second := article(a, 1, "First", "<p>alpha</p>", "red"), article(a, 2, "Second", "<p>beta</p>")
	items := r.publish(first, second)
	r.wantFound(store.Query{Text: "alpha"}) // it waits
	r.admit()
	r.wantFound(store.Query{Text: "alpha"}, "First")

	another := article(b, 3, "Copy", "<p>gamma</p>", "blue")
	r.copyOf(items[0], another)
	r.wantFound(store.Query{Source: "b"}, "First")
	r.wantFound(store.Query{Text: "gamma"})
	r.wantFound(store.Query{Tag: "blue"})

	r.write(func(t *store.Tx) error { return t.SetLead(r.ctx, items[0].RowID, another.ID) })
	r.wantFound(store.Query{Text: "gamma", Tag: "blue", Source: "a"}, "Copy")
	r.wantFound(store.Query{Text: "alpha"})

	another.Content = "<p>delta</p>"
	r.write(func(t *store.Tx) error { return t.UpdateEntry(r.ctx, *another) })
	r.wantFound(store.Query{Text: "delta"}, "Copy")
	r.wantFound(store.Query{Text: "gamma"})

	r.must(r.Hide(r.ctx, items[0].ID, true, day))
	r.wantFound(store.Query{Text: "delta"})
	r.wantFound(store.Query{Text: "delta", State: "hidden"}, "Copy")
	r.must(r.Hide(r.ctx, items[0].ID, false, day))
	r.wantFound(store.Query{Text: "delta"}, "Copy")

	// A merge moves the entries; what was merged away is not found.
	r.write(func(t *store.Tx) error {
		if err := t.Merge(r.ctx, items[1].RowID, items[0].RowID, day); err != nil {
			return err
		}
		return t.Decide(r.ctx, second.ID, items[0].RowID, feed.Decision{Kind: feed.CopyOf, Rule: "person"})
	})
	r.wantFound(store.Query{Text: "beta"})
	r.wantFound(store.Query{Source: "a"}, "Copy")
	r.must(r.Check(r.ctx))

	// A split gives an item what is its own.
	r.write(func(t *store.Tx) error {
		if err := t.Decide(r.ctx, second.ID, items[1].RowID, feed.Decision{Kind: feed.Published, Rule: "person"}); err != nil {
			return err
		}
		return t.Unmerge(r.ctx, items[1].RowID)
	})
	r.wantFound(store.Query{Text: "beta"}, "Second")
	r.write(func(t *store.Tx) error {
		return t.Decide(r.ctx, first.ID, items[1].RowID, feed.Decision{Kind: feed.CopyOf, Rule: "person"})
	})
	r.wantFound(store.Query{Source: "a", Text: "alpha", Tag: "red"}, "First") // its oldest entry leads now
	r.wantFound(store.Query{Text: "beta"})

	// A source that is purged takes with it what it alone supports.
	r.must(r.RemoveSource(r.ctx, "a", false, day))
	r.wantFound(store.Query{Text: "alpha"}, "First")
	r.must(r.RemoveSource(r.ctx, "a", true, day))
	r.wantFound(store.Query{Text: "alpha"})
	r.wantFound(store.Query{Text: "delta"}, "Copy")
	r.must(r.RemoveSource(r.ctx, "b", true, day))
	r.wantFound(store.Query{Text: "delta"})
	r.must(r.Check(r.ctx))
	if n, err := r.Lines(r.ctx, `SELECT CAST(COUNT(*) AS TEXT) FROM search`); err != nil || n[0] != "0" {
		r.Errorf("%v rows are left of items that are deleted (%v)", n, err)
	}
})

var _ = behaviour("of an item whose text was pruned the title, summary and tags are found", func(r *rig) {
	a := r.source("a")
	e := article(a, 1, "Title", "<p>content</p>", "tag")
	e.Summary = "abstract"
	e.Unlisted = day
	r.publish(e)
	r.admit()
	n, err := r.Prune(r.ctx, store.PrunePolicy{Keep: time.Hour}, day.Add(2*time.Hour))
	r.must(err)
	if n != 1 {
		r.Fatalf("%d entries were pruned", n)
	}
	r.wantFound(store.Query{Text: "content"})
	r.wantFound(store.Query{Text: "title abstract", Tag: "tag", Source: "a"}, "Title")
})

var _ = behaviour("only the beginning of a long text is searched", func(r *rig) {
	e := article(r.source("a"), 1, "Long", "<p>"+strings.Repeat("word ", 299)+"last beyond</p>")
	r.publish(e)
	r.admit()
	r.wantFound(store.Query{Text: "last"}, "Long")
	r.wantFound(store.Query{Text: "beyond"})
})

// Of enough items it takes every way of looking for them: the last window, too.
var _ = behaviour("a search finds what reading all items would find", func(r *rig) {
	a, b := r.source("a"), r.source("b")
	random := rand.New(rand.NewPCG(1, 2))
	var all []*feed.Entry
	for i := range int64(3000) {
		e := article([]feed.Source{a, b}[random.IntN(2)], i, fmt.Sprint("Title ", i), fmt.Sprintf("w%d v%d u%d", i%2, i%97, i%1999), fmt.Sprint("t", i%5))
		e.Published = day.Add(time.Duration(random.IntN(60*24)) * time.Hour)
		all = append(all, e)
	}
	r.publish(all...)
	r.admit()
	everything, err := r.Items(r.ctx, store.Query{Limit: len(all)})
	r.must(err)
	for _, q := range []store.Query{
		{Text: "w1"}, {Text: "v5"}, {Text: "u7"}, {Text: "u7 w1"}, {Text: "w1 -v5"}, {Tag: "T3", Text: "v9"}, {Source: "a", Tag: "t0"}, {Source: "b", Text: "u1998"},
		{From: day.AddDate(0, 0, 3), Until: day.AddDate(0, 0, 4)}, {From: day.AddDate(0, 0, 50)}, {Until: day.AddDate(0, 0, 9).Add(time.Minute), Tag: "t1"},
		{From: day.AddDate(0, 0, 1), Until: day.AddDate(0, 1, 20), Text: "v11", Source: "a"},
	} {
		for _, limit := range []int{3, 100} {
			q.Limit, q.Before = limit, 2800
			if diff := cmp.Diff(filtered(everything, q), r.titles(q)); diff != "" {
				r.Errorf("%+v (-want +got):\n%s", q, diff)
			}
		}
	}
})

// filtered does by hand what a query of plain words asks for.
func filtered(items []feed.Item, q store.Query) (titles []string) {
	for _, it := range items {
		ok := it.Place < q.Before && (q.Source == "" || it.Source.Slug == q.Source) &&
			(q.Tag == "" || strings.EqualFold(it.Entry.Details.Categories[0], q.Tag)) &&
			!it.Published.Before(q.From) && (q.Until.IsZero() || it.Published.Before(q.Until))
		for _, word := range strings.Fields(q.Text) {
			without := strings.HasPrefix(word, "-")
			n := strings.TrimPrefix(it.Entry.Title, "Title ")
			ok = ok && without != hasWord(n, strings.TrimPrefix(word, "-"))
		}
		if ok && len(titles) < q.Limit {
			titles = append(titles, it.Entry.Title)
		}
	}
	return titles
}

func hasWord(number, word string) bool {
	var n int64
	fmt.Sscan(number, &n)
	return word == fmt.Sprint("w", n%2) || word == fmt.Sprint("v", n%97) || word == fmt.Sprint("u", n%1999)
}

var _ = behaviour("the tags of late are counted by items, in the spelling that most use", func(r *rig) {
	a := r.source("a")
	items := r.publish(article(a, 1, "1", "", "World", "Politics", "world"), article(a, 2, "2", "", "world", "Big  Story"), article(a, 3, "3", "", "World"), article(a, 4, "4", "", "hidden"))
	r.admit()
	r.must(r.Hide(r.ctx, items[3].ID, true, day))
	got, err := r.Tags(r.ctx, 10)
	r.must(err)
	if diff := cmp.Diff([]store.TagCount{{Tag: "World", N: 3}, {Tag: "Big Story", N: 1}, {Tag: "Politics", N: 1}}, got); diff != "" {
		r.Errorf("-want +got:\n%s", diff)
	}
	if got, err = r.Tags(r.ctx, 1); err != nil || len(got) != 1 {
		r.Errorf("the first tag: %v (%v)", got, err)
	}
	old := article(a, 5, "5", "", "new")
	r.publish(old)
	r.write(func(t *store.Tx) error { _, err := t.Admit(r.ctx, nil, day.AddDate(0, 0, 91)); return err })
	if got, err = r.Tags(r.ctx, 10); err != nil || len(got) != 1 || got[0].Tag != "new" {
		r.Errorf("after 91 days: %v (%v)", got, err)
	}
})

var _ = behaviour("a source's days add up what runs brought, and are forgotten after 90", func(r *rig) {
	a, b := r.source("a"), r.source("b")
	count := func(days ...feed.SourceDay) {
		r.write(func(t *store.Tx) error {
			for _, d := range days {
				t.CountDay(d)
			}
			return nil
		})
	}
	midnight := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	count(feed.SourceDay{SourceID: a.ID, Day: day, Published: 2, Copies: 1, Fetched: 1}, feed.SourceDay{SourceID: a.ID, Day: day.Add(time.Hour), NotModified: 1},
		feed.SourceDay{SourceID: b.ID, Day: day, Failed: 1})
	count(feed.SourceDay{SourceID: a.ID, Day: day, Published: 1, Updated: 2, Held: 3, Rejected: 4, Fetched: 1}, feed.SourceDay{SourceID: a.ID, Day: day.AddDate(0, 0, 1), Fetched: 1})
	want := []feed.SourceDay{
		{SourceID: a.ID, Day: midnight, Published: 3, Updated: 2, Copies: 1, Held: 3, Rejected: 4, Fetched: 2, NotModified: 1},
		{SourceID: a.ID, Day: midnight.AddDate(0, 0, 1), Fetched: 1},
		{SourceID: b.ID, Day: midnight, Failed: 1},
	}
	for _, c := range []struct {
		source int64
		since  time.Time
		want   []feed.SourceDay
	}{{0, day, want}, {a.ID, day, want[:2]}, {a.ID, day.AddDate(0, 0, 1), want[1:2]}, {b.ID, midnight, want[2:]}, {b.ID, day.AddDate(0, 0, 1), nil}} {
		got, err := r.SourceDays(r.ctx, c.source, c.since)
		r.must(err)
		if diff := cmp.Diff(c.want, got); diff != "" {
			r.Errorf("of %d since %v (-want +got):\n%s", c.source, c.since, diff)
		}
	}
	_, err := r.Prune(r.ctx, store.PrunePolicy{}, day.AddDate(0, 0, 90))
	r.must(err)
	if got, err := r.SourceDays(r.ctx, 0, midnight); err != nil || len(got) != 1 || got[0] != want[1] {
		r.Errorf("after 90 days: %v (%v)", got, err)
	}
	r.must(r.RemoveSource(r.ctx, "a", true, day))
	if got, err := r.SourceDays(r.ctx, 0, midnight); err != nil || len(got) != 0 {
		r.Errorf("of a source that was purged: %v (%v)", got, err)
	}
})

var _ = behaviour("items from before there was a search are found, the newest first", func(r *rig) {
	o := r.fresh()
	old, err := store.OpenAt(r.ctx, o, 3)
	r.must(err)
	insertRow(r.T, old, "source", sourceColumns, values{"id": 1, "slug": "a", "kind": "feed", "url": "https://a.example/feed"})
	const n = 2100
	for i := range int64(n) {
		insertRow(r.T, old, "item", itemColumns, values{"id": i + 1, "uuid": fmt.Sprintf("%08x-0000-5000-8000-000000000000", i+1), "place": i + 1, "admitted": 1, "published": i, "updated": i})
		insertRow(r.T, old, "entry", entryColumns, values{"id": i + 1, "source_id": 1, "item_id": i + 1, "identity_key": i, "decision": "published", "title": fmt.Sprint("Title ", i+1), "first_seen": 1})
	}
	r.must(old.Exec(r.ctx, fmt.Sprintf(`UPDATE meta SET last_item = %d, last_entry = %d, last_place = %d`, n, n, n)))
	r.must(old.Close())

	ctx, cancel := context.WithCancel(r.ctx)
	r.Store, err = store.Open(ctx, o)
	r.must(err)
	cancel() // of the opening alone
	defer func() { r.must(r.Close()) }()
	r.wantFound(store.Query{Text: "title 2100"}, "Title 2100")
	r.must(r.Close()) // before or after it is done: the next one goes on

	r.Store, err = store.Open(r.ctx, o)
	r.must(err)
	for deadline := time.Now().Add(time.Minute); len(r.titles(store.Query{Text: "1 title"})) == 0; {
		if time.Now().After(deadline) {
			r.Fatal("the oldest item is not found")
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.must(r.Check(r.ctx))
})

// FuzzSearch: whatever a person types, the engine understands what we make of it,
// and what a text says can be found in it.
func FuzzSearch(f *testing.F) {
	s := open(f, store.Options{Path: f.TempDir() + "/tributary.db"})
	for _, text := range []string{`a "b c" -d`, `"`, `-`, `- -"`, `-"a" b"c`, "a\x00b", "\xff", `NEAR(a b, 2) OR c* ^d {x}: (`, "東京 'x' \\", "_s1 _", "ſs İ ß ﷺ", strings.Repeat("-a ", 60)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := s.Items(t.Context(), store.Query{Text: text}); err != nil && feed.CodeOf(err) != feed.CodeInvalid {
			t.Errorf("%q: %v", text, err)
		}
		words := store.WordsOf(text)
		if again := store.WordsOf(strings.Join(words, " ")); len(again) != len(words) {
			t.Errorf("%q is %q, which is %q", text, words, again)
		}
	})
}
