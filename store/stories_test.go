package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/store"
)

// found admits what waits, each item as a story of its own. It gives the
// stories' rows by the items'.
func (r *rig) found() map[int64]int64 {
	r.Helper()
	stories := map[int64]int64{}
	r.write(func(t *store.Tx) error {
		admitted, err := t.Admit(r.ctx, nil, day)
		r.must(err)
		r.must(t.FoundStories(r.ctx, admitted))
		for _, k := range admitted {
			stories[k.ItemRow] = k.StoryRow
		}
		return nil
	})
	return stories
}

// event publishes an item of each source, all of one story. It gives them as
// they are stored, the founder first.
func (r *rig) event(n int64, sources ...feed.Source) []feed.Item {
	r.Helper()
	var entries []*feed.Entry
	for i, src := range sources {
		e := entry(src, 100*n+int64(i))
		e.Published = day.Add(time.Duration(100*n+int64(i)) * time.Minute)
		entries = append(entries, e)
	}
	items := r.publish(entries...)
	stories := r.found()
	r.write(func(t *store.Tx) error {
		for _, it := range items[1:] {
			r.must(t.JoinStory(r.ctx, it.RowID, stories[items[0].RowID], "one event", day.Add(time.Duration(n)*time.Hour)))
		}
		return nil
	})
	for i := range items {
		items[i] = r.item(items[i].ID)
	}
	return items
}

func (r *rig) story(row int64) feed.Story {
	r.Helper()
	st, err := r.StoryOf(r.ctx, row)
	r.must(err)
	return st
}

func ids(items []feed.Item) (all []string) {
	for _, it := range items {
		all = append(all, it.ID)
	}
	return all
}

func (r *rig) three() (a, b, c feed.Source) {
	r.Helper()
	return r.source("a"), r.source("b"), r.source("c")
}

var _ = behaviour("each item founds a story that counts from when it was updated, each from a time of its own", func(r *rig) {
	src := r.source("a")
	items := r.publish(entry(src, 1), entry(src, 2), entry(src, 3))
	var stories map[int64]int64
	r.moves("founding", true, func() { stories = r.found() })
	for i, it := range items {
		is, st := r.item(it.ID), r.story(stories[it.RowID])
		if is.StoryRow != st.RowID || is.Publishers != 1 || st.Publishers != 1 || st.Founder != it.ID || !st.Updated.Equal(is.Updated) {
			r.Errorf("item %d: %+v in %+v", i, is, st)
		}
	}
	// A story that took the time at which the next item comes.
	taken := day.Add(3 * time.Millisecond)
	r.must(r.Exec(r.ctx, `UPDATE story SET updated = $1 WHERE id = $2`, taken.UnixMilli(), stories[items[0].RowID]))
	next := r.publish(entry(src, 4), entry(src, 5))
	stories = r.found()
	// The second one's own time was free.
	for i, want := range []time.Time{taken.Add(2 * time.Millisecond), taken.Add(time.Millisecond)} {
		if got := r.story(stories[next[i].RowID]).Updated; !got.Equal(want) {
			r.Errorf("story %d is of %v, want %v", i, got, want)
		}
	}
	r.must(r.Check(r.ctx))
})

var _ = behaviour("a story's publishers are hosts, or sources where there is no address", func(r *rig) {
	a, b, c := r.three()
	files := r.folder("files")
	e := entry(a, 1)
	e.Canonical = "https://edition.example.com/1"
	item := r.publish(e)[0]
	for i, canonical := range []string{"https://example.com/2", "https://amp.example.com:8080/3", "https://m.example.com?x=1", "https://news.example.com/4", "", ""} {
		other := entry([]feed.Source{b, b, b, c, b, c}[i], int64(i+2))
		other.Canonical = canonical
		r.copyOf(item, other)
	}
	gone := entry(files, 9)
	gone.Canonical = ""
	r.copyOf(item, gone)
	r.write(func(t *store.Tx) error { return t.Unlist(r.ctx, []int64{gone.ID}, day) })
	r.found()
	// example.com, example.com:8080, news.example.com, b and c
	if got := r.item(item.ID).Publishers; got != 5 {
		r.Errorf("%d publishers, want 5", got)
	}
})

var _ = behaviour("a story grows by publishers, and only then does its updated move", func(r *rig) {
	a, b, _ := r.three()
	items := r.publish(entry(a, 1), entry(a, 2), entry(b, 3))
	stories := r.found()
	first := stories[items[0].RowID]
	updated := r.story(first).Updated
	join := func(i int, now time.Time) {
		r.write(func(t *store.Tx) error { return t.JoinStory(r.ctx, items[i].RowID, first, "one event", now) })
	}
	r.moves("joining", true, func() { join(1, day.Add(time.Hour)) })
	if st := r.story(first); st.Publishers != 1 || !st.Updated.Equal(updated) || len(st.Items) != 2 {
		r.Errorf("with another item of the same publisher: %+v", st)
	}
	_, err := r.StoryOf(r.ctx, stories[items[1].RowID])
	r.wantCode(err, feed.CodeNotFound)
	join(2, day.Add(time.Hour))
	if st := r.story(first); st.Publishers != 2 || !st.Updated.Equal(day.Add(time.Hour)) {
		r.Errorf("with another publisher: %+v", st)
	}
	for _, it := range items {
		if got := r.item(it.ID); got.Publishers != 2 || got.Covered != 2 || !got.Updated.Before(day.Add(time.Hour)) {
			r.Errorf("an item of it: %+v", got)
		}
	}
	other := r.event(5, a, b)[0] // grew at 5 hours
	r.copyOf(items[0], entry(r.source("d"), 4))
	recount := func(now time.Time) (grew bool) {
		r.write(func(t *store.Tx) (err error) {
			grew, err = t.RecountStory(r.ctx, first, now)
			return err
		})
		return grew
	}
	at := r.story(other.StoryRow).Updated
	if !recount(at) || recount(at.Add(time.Hour)) {
		r.Error("a copy of another publisher is growth, and once only")
	}
	if got := r.story(first).Updated; !got.Equal(at.Add(time.Millisecond)) {
		r.Errorf("updated %v, want the first free time from %v", got, at)
	}
	r.wantCode(r.Write(r.ctx, func(t *store.Tx) error { return t.JoinStory(r.ctx, 999, first, "one event", day) }), feed.CodeNotFound)
	r.wantCode(r.Write(r.ctx, func(t *store.Tx) error { return t.JoinStory(r.ctx, items[0].RowID, 999, "one event", day) }), feed.CodeNotFound)
	r.must(r.Check(r.ctx))
})

var _ = behaviour("an item that leaves its story founds another, by another name if need be", func(r *rig) {
	a, b, c := r.three()
	items := r.event(1, a, b, c)
	story := r.story(items[0].StoryRow)
	leave := func(i int) feed.Story {
		all := []feed.Sketch{{ItemRow: items[i].RowID}}
		r.write(func(t *store.Tx) error { return t.FoundStories(r.ctx, all) })
		return r.story(all[0].StoryRow)
	}
	third := leave(2)
	if got := r.story(story.RowID); got.Publishers != 2 || third.Publishers != 1 || third.Founder != items[2].ID || !got.Updated.Equal(story.Updated) {
		r.Errorf("after one left: %+v and %+v", got, third)
	}
	if got := r.item(items[2].ID); got.StoryWhy != "" || got.Founder != got.ID {
		r.Errorf("who left: %+v", got)
	}
	if got := r.item(items[1].ID); got.StoryWhy != "one event" || got.Founder != items[0].ID {
		r.Errorf("who stayed: %+v", got)
	}
	first := leave(0)
	if got := r.story(story.RowID); first.ID() == got.ID() || got.ID() != story.ID() || got.Items[0].ID != items[1].ID {
		r.Errorf("after its founder left: %+v and %+v", got, first)
	}
	r.must(r.Check(r.ctx))
})

var _ = behaviour("who is not shown counts for nothing in a story, and is no news when shown again", func(r *rig) {
	a, b, c := r.three()
	items := r.event(1, a, b, c)
	row, updated := items[0].StoryRow, r.story(items[0].StoryRow).Updated
	for i, do := range []func(show bool){
		func(show bool) { r.must(r.Hide(r.ctx, items[0].ID, !show, day)) },
		func(show bool) {
			r.write(func(t *store.Tx) error {
				if show {
					return t.Restore(r.ctx, items[2].RowID)
				}
				return t.Withdraw(r.ctx, items[2].RowID, day)
			})
		},
	} {
		do(false)
		st := r.story(row)
		if st.Publishers != 2 || len(st.Items) != 2 || r.item(items[1].ID).Covered != 1 {
			r.Errorf("%d, not shown: %+v", i, st)
		}
		do(true)
		if st = r.story(row); st.Publishers != 3 || len(st.Items) != 3 || !st.Updated.Equal(updated) || st.Items[0].ID != items[0].ID {
			r.Errorf("%d, shown again: %+v", i, st)
		}
	}
	for _, it := range items {
		r.must(r.Hide(r.ctx, it.ID, true, day))
	}
	all, err := r.Stories(r.ctx, store.StoryQuery{})
	r.must(err)
	if len(all) != 0 {
		r.Errorf("a story of which nothing is shown: %+v", all)
	}
})

var _ = behaviour("an entry that moves is counted with its item, as no news", func(r *rig) {
	a, b, c := r.three()
	from, to, waits := r.event(1, a)[0], r.event(2, b)[0], entry(a, 300)
	moves := entry(c, 9)
	r.copyOf(from, moves)
	r.publish(waits)
	r.write(func(t *store.Tx) error {
		r.must(t.RecountItem(r.ctx, waits.ItemID, day))
		return t.RecountItem(r.ctx, from.RowID, day)
	})
	if got := r.item(from.ID).Publishers; got != 2 {
		r.Errorf("%d publishers with the copy, want 2", got)
	}
	updated := r.story(to.StoryRow).Updated
	r.write(func(t *store.Tx) error {
		return t.Decide(r.ctx, moves.ID, to.RowID, feed.Decision{Kind: feed.CopyOf})
	})
	if st := r.story(to.StoryRow); r.item(from.ID).Publishers != 1 || st.Publishers != 2 || !st.Updated.Equal(updated) {
		r.Errorf("it came to %+v", st)
	}
	r.must(r.Check(r.ctx))
})

var _ = behaviour("stories can be asked for by publishers and time, the last that grew first", func(r *rig) {
	a, b, c := r.three()
	one, three, two, again := r.event(1, a), r.event(2, a, b, c), r.event(3, a, b), r.event(4, c, b)
	rows := func(all []feed.Story) (rows []int64) {
		for _, st := range all {
			rows = append(rows, st.RowID)
		}
		return rows
	}
	grown := r.story(two[0].StoryRow).Updated
	for _, q := range []struct {
		store.StoryQuery
		want []feed.Item
	}{
		{store.StoryQuery{}, []feed.Item{again[0], two[0], three[0], one[0]}},
		{store.StoryQuery{Limit: 2, MinPublishers: 1}, []feed.Item{again[0], two[0]}},
		{store.StoryQuery{MinPublishers: 2}, []feed.Item{again[0], two[0], three[0]}},
		{store.StoryQuery{MinPublishers: 2, Before: grown}, []feed.Item{three[0]}},
		{store.StoryQuery{Before: grown}, []feed.Item{three[0], one[0]}},
		{store.StoryQuery{MinPublishers: 2, Limit: 1}, []feed.Item{again[0]}},
		{store.StoryQuery{MinPublishers: 3}, []feed.Item{three[0]}},
		{store.StoryQuery{MinPublishers: 4}, nil},
	} {
		all, err := r.Stories(r.ctx, q.StoryQuery)
		r.must(err)
		var want []int64
		for _, it := range q.want {
			want = append(want, it.StoryRow)
		}
		if diff := cmp.Diff(want, rows(all)); diff != "" {
			r.Errorf("%+v (-want +got):\n%s", q.StoryQuery, diff)
		}
	}
	r.copyOf(three[0], entry(b, 999))
	for _, content := range []bool{true, false} {
		all, err := r.Stories(r.ctx, store.StoryQuery{MinPublishers: 3, WithContent: content})
		r.must(err)
		st := all[0]
		if diff := cmp.Diff([]string{three[0].ID, three[2].ID, three[1].ID}, ids(st.Items)); diff != "" {
			r.Errorf("the story's items (-want +got):\n%s", diff)
		}
		if lead := st.Items[0]; st.Founder != lead.ID || (lead.Entry.Content != "") != content || len(lead.Copies) != 1 || lead.Source.Slug != "a" {
			r.Errorf("content %v: it is led by %+v", content, lead)
		}
	}
})

var _ = behaviour("a story of many gives its leading item and the newest others", func(r *rig) {
	items := r.many("a", 60)
	r.write(func(t *store.Tx) error {
		all := []feed.Sketch{{ItemRow: items[7].RowID}}
		r.must(t.FoundStories(r.ctx, all))
		for _, it := range items {
			r.must(t.JoinStory(r.ctx, it.RowID, all[0].StoryRow, "one event", day))
		}
		return nil
	})
	st := r.story(r.item(items[7].ID).StoryRow)
	if len(st.Items) != 50 || st.Items[0].ID != items[7].ID || st.Items[1].Place != 60 || st.Items[49].Place != 12 {
		r.Errorf("%d items, of places %v", len(st.Items), places(st.Items))
	}
	if it := r.item(items[0].ID); len(it.Coverage) != 50 || it.Covered != 59 {
		r.Errorf("an item names %d of %d", len(it.Coverage), it.Covered)
	}
	window, _, err := r.Window(r.ctx)
	r.must(err)
	if it := window[0]; len(it.Coverage) != 5 || it.Covered != 59 || it.Coverage[0].ID != items[58].ID {
		r.Errorf("in the window it names %+v, of %d", it.Coverage, it.Covered)
	}
})

var _ = behaviour("an item tells who else covers its story", func(r *rig) {
	a, b, private := r.source("a"), r.source("b"), r.source("private")
	b.Name, private.Private = "Bee", true
	r.must(r.UpdateSource(r.ctx, b))
	r.must(r.UpdateSource(r.ctx, private))
	items := r.event(1, a, b, private)
	want := []feed.Cover{
		{ID: items[2].ID, Title: "Title 102", Source: "private", URL: "https://private.example/102", Published: items[2].Published, Private: true},
		{ID: items[1].ID, Title: "Title 101", Source: "Bee", URL: "https://b.example/101", Published: items[1].Published},
	}
	window, _, err := r.Window(r.ctx)
	r.must(err)
	listed, err := r.Items(r.ctx, store.Query{Source: "a", MinPublishers: 3})
	r.must(err)
	for i, it := range []feed.Item{r.item(items[0].ID), window[2], listed[0]} {
		if diff := cmp.Diff(want, it.Coverage); diff != "" || it.Covered != 2 || it.Publishers != 3 {
			r.Errorf("%d: %d others, %d publishers, coverage (-want +got):\n%s", i, it.Covered, it.Publishers, diff)
		}
	}
	before := window
	r.event(2, a, b) // other stories change nothing
	after, _, err := r.Window(r.ctx)
	r.must(err)
	if diff := cmp.Diff(before, after[2:]); diff != "" {
		r.Errorf("the other items (-before +after):\n%s", diff)
	}
})

var _ = behaviour("items of widely carried stories are found among all others", func(r *rig) {
	a, b, c := r.three()
	two := r.event(1, a, b)
	r.event(2, a)
	three := r.event(3, a, b, c)
	more := r.event(4, b, c)
	r.event(5, c)
	r.must(r.Hide(r.ctx, three[1].ID, true, day)) // two are left of that story
	for _, q := range []struct {
		store.Query
		want []feed.Item
	}{
		{store.Query{MinPublishers: 1}, nil}, // all: see below
		{store.Query{MinPublishers: 2}, []feed.Item{more[1], more[0], three[2], three[0], two[1], two[0]}},
		{store.Query{MinPublishers: 2, Limit: 3}, []feed.Item{more[1], more[0], three[2]}},
		{store.Query{MinPublishers: 2, Before: more[0].Place}, []feed.Item{three[2], three[0], two[1], two[0]}},
		{store.Query{MinPublishers: 2, State: "hidden"}, []feed.Item{three[1]}},
		{store.Query{MinPublishers: 2, Source: "b"}, []feed.Item{more[0], two[1]}},
		{store.Query{MinPublishers: 3}, nil},
	} {
		got, err := r.Items(r.ctx, q.Query)
		r.must(err)
		if q.MinPublishers == 1 {
			if len(got) != 8 {
				r.Errorf("%d items in all, want 8", len(got))
			}
			continue
		}
		if diff := cmp.Diff(ids(q.want), ids(got)); diff != "" {
			r.Errorf("%+v (-want +got):\n%s", q.Query, diff)
		}
	}
	r.must(r.Hide(r.ctx, three[1].ID, false, day))
	got, err := r.Items(r.ctx, store.Query{Limit: 100, MinPublishers: 3, WithContent: true})
	r.must(err)
	if diff := cmp.Diff([]string{three[2].ID, three[1].ID, three[0].ID}, ids(got)); diff != "" || got[0].Entry.Content == "" || got[0].Covered != 2 {
		r.Errorf("the window of 3 (-want +got):\n%s", diff)
	}
})

var _ = behaviour("a purge leaves no story without items, and counts the others anew", func(r *rig) {
	a, b, c := r.three()
	all, alone := r.event(1, a, b, c), r.event(2, a)
	merged := r.event(3, b)
	r.sketch("x", &feed.Entry{ID: alone[0].Entry.ID})
	r.write(func(t *store.Tx) error {
		e := merged[0].Entry
		r.must(t.Merge(r.ctx, merged[0].RowID, alone[0].RowID, day))
		return t.Decide(r.ctx, e.ID, all[1].RowID, feed.Decision{Kind: feed.CopyOf})
	})
	r.must(r.RemoveSource(r.ctx, "a", true, day))
	st := r.story(all[0].StoryRow)
	if st.Publishers != 2 || len(st.Items) != 2 || st.Items[0].ID != all[1].ID {
		r.Errorf("the story: %+v", st)
	}
	for _, row := range []int64{alone[0].StoryRow, merged[0].StoryRow} {
		_, err := r.StoryOf(r.ctx, row)
		r.wantCode(err, feed.CodeNotFound)
	}
	_, err := r.Item(r.ctx, merged[0].ID)
	r.wantCode(err, feed.CodeNotFound)
	r.must(r.Check(r.ctx))
	// The same article again is the same item; its story is another one.
	again := feed.Item{ID: all[0].ID, Published: day, Updated: day}
	r.write(func(t *store.Tx) error {
		r.must(t.InsertItem(r.ctx, &again, "run"))
		e := entry(b, 999)
		e.ItemID = again.RowID
		return t.InsertEntry(r.ctx, e)
	})
	if other := r.story(r.found()[again.RowID]); other.ID() == st.ID() {
		r.Error("two stories have one id")
	}
})

var _ = behaviour("an item that was merged is found, and leads to the one that is left", func(r *rig) {
	a, b, c := r.three()
	items := append(append(r.event(1, a), r.event(2, b)...), r.event(3, c)...)
	one, two, three := items[0], items[1], items[2]
	merge := func(from, into feed.Item) error {
		return r.Write(r.ctx, func(t *store.Tx) error { return t.Merge(r.ctx, from.RowID, into.RowID, day) })
	}
	r.wantCode(merge(one, one), feed.CodeConflict)
	r.wantCode(merge(one, feed.Item{RowID: 99}), feed.CodeNotFound)
	r.wantCode(merge(feed.Item{RowID: 99}, one), feed.CodeNotFound)
	r.moves("a merge", true, func() { r.must(merge(three, two)) })
	r.must(merge(two, one))
	r.wantCode(merge(one, two), feed.CodeConflict)
	r.write(func(t *store.Tx) error {
		for _, it := range items[1:] {
			r.must(t.Decide(r.ctx, it.Entry.ID, one.RowID, feed.Decision{Kind: feed.CopyOf}))
		}
		return t.Restore(r.ctx, two.RowID) // as when a file comes back
	})
	for _, it := range []feed.Item{two, three} {
		got := r.item(it.ID[:8])
		if got.MergedID != one.ID || got.Live() || got.Entry.ID != one.Entry.ID || got.Place != it.Place {
			r.Errorf("a merged item: %+v", got)
		}
	}
	window, _, err := r.Window(r.ctx)
	r.must(err)
	if len(window) != 1 || len(window[0].Copies) != 2 || window[0].MergedID != "" {
		r.Errorf("the window: %+v", window)
	}
	r.must(r.Check(r.ctx))
	r.moves("undoing it", true, func() {
		r.write(func(t *store.Tx) error {
			r.must(t.Decide(r.ctx, two.Entry.ID, two.RowID, feed.Decision{Kind: feed.Published}))
			return t.Unmerge(r.ctx, two.RowID)
		})
	})
	if got := r.item(two.ID); !got.Live() || got.MergedID != "" || got.Entry.ID != two.Entry.ID || got.Publishers != 1 {
		r.Errorf("after that: %+v", got)
	}
})

var _ = behaviour("an item whose ID is known tells that it was merged", func(r *rig) {
	a, b, _ := r.three()
	one, two := r.event(1, a)[0], r.event(2, b)[0]
	r.write(func(t *store.Tx) error {
		r.must(t.Merge(r.ctx, two.RowID, one.RowID, day))
		again := feed.Item{ID: two.ID, Published: day, Updated: day}
		r.must(t.InsertItem(r.ctx, &again, "run"))
		if again.RowID != two.RowID || again.MergedID != one.ID || again.StoryRow != two.StoryRow {
			r.Errorf("it came back as %+v", again)
		}
		return nil
	})
})

var _ = behaviour("corrections are listed, the newest first", func(r *rig) {
	var all []feed.Correction
	for i := range 3 {
		all = append(all, feed.Correction{Kind: "split", Item: fmt.Sprint("item ", i), Other: "other", Entry: int64(i), At: day})
	}
	r.write(func(t *store.Tx) error {
		for _, c := range all {
			r.must(t.NoteCorrection(r.ctx, c))
		}
		return nil
	})
	got, err := r.Corrections(r.ctx, 2)
	r.must(err)
	if diff := cmp.Diff([]feed.Correction{all[2], all[1]}, got); diff != "" {
		r.Errorf("corrections (-want +got):\n%s", diff)
	}
})

func TestStoriesThatDoNotFitAreFoundByTheCheck(t *testing.T) {
	for _, harm := range []string{
		`UPDATE item SET story_id = 99 WHERE id = 1`,
		`UPDATE item SET merged_into = 99 WHERE id = 1`,
		`UPDATE item SET publishers = 3 WHERE id = 1`,
		`INSERT INTO story (id, founder, updated, publishers) VALUES (99, 'x', 1, 1)`,
	} {
		r := sqliteRig(t)
		a, b, _ := r.three()
		r.event(1, a, b)
		r.must(r.Check(r.ctx))
		r.must(r.Exec(r.ctx, harm))
		if r.Check(r.ctx) == nil {
			t.Errorf("not found: %s", harm)
		}
	}
}

var _ = behaviour("a file that is taken out of its folder, or comes back, changes how many carry its story", func(r *rig) {
	a, files := r.source("a"), r.folder("files")
	said, file, alone := entry(a, 1), entry(files, 2), entry(files, 3)
	file.Canonical, alone.Canonical = "", ""
	items := r.publish(said, alone)
	r.copyOf(items[0], file)
	r.found()
	want := func(what string, shared, single int) {
		r.Helper()
		for i, n := range []int{shared, single} {
			if it := r.item(items[i].ID); it.Publishers != n || r.story(it.StoryRow).Publishers != n {
				r.Errorf("%s: item %d has %d publishers, want %d", what, i, it.Publishers, n)
			}
		}
	}
	want("before", 2, 1)
	r.write(func(t *store.Tx) error {
		r.must(t.Withdraw(r.ctx, items[1].RowID, day))
		return t.Unlist(r.ctx, []int64{said.ID, file.ID, alone.ID}, day)
	})
	want("both gone", 1, 0)
	r.write(func(t *store.Tx) error {
		r.must(t.Restore(r.ctx, items[0].RowID))
		r.must(t.Restore(r.ctx, items[1].RowID))
		return t.Relist(r.ctx, []int64{file.ID, alone.ID})
	})
	want("both back", 2, 1)
	r.must(r.Check(r.ctx))
})

var _ = behaviour("of a huge story the oldest items are counted", func(r *rig) {
	src := r.source("a")
	var entries []*feed.Entry
	for n := range int64(503) {
		e := entry(src, n+1)
		e.Canonical = fmt.Sprintf("https://p%d.example/", n)
		entries = append(entries, e)
	}
	items := r.publish(entries...)
	stories := r.found()
	story := stories[items[0].RowID]
	r.must(r.Exec(r.ctx, `UPDATE item SET story_id = $1 WHERE id < $2`, story, items[502].RowID))
	r.write(func(t *store.Tx) error {
		grew, err := t.RecountStory(r.ctx, story, day.Add(time.Hour))
		r.must(err)
		r.must(t.JoinStory(r.ctx, items[502].RowID, story, "one event", day.Add(2*time.Hour)))
		if !grew {
			r.Error("it did not grow")
		}
		return nil
	})
	if st := r.story(story); st.Publishers != 500 || !st.Updated.Equal(day.Add(time.Hour)) || r.item(items[502].ID).Publishers != 500 {
		r.Errorf("%d publishers since %v, of the last item %d", st.Publishers, st.Updated, r.item(items[502].ID).Publishers)
	}
})
