package store_test

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/store"
)

func (r *rig) scores(all ...feed.Score) {
	r.Helper()
	r.write(func(t *store.Tx) error { return t.SaveScores(r.ctx, all) })
}

func (r *rig) entryByID(id int64) feed.HeldEntry {
	r.Helper()
	e, err := r.EntryByID(r.ctx, id)
	r.must(err)
	return e
}

// holdBy stores an entry as held by a rule.
func (r *rig) holdBy(rule string, e *feed.Entry) {
	r.Helper()
	e.Decision.Rule = rule
	r.hold(e)
}

func (r *rig) wantHeld(q store.HeldQuery, want ...int64) []feed.HeldEntry {
	r.Helper()
	got, err := r.HeldEntries(r.ctx, q)
	r.must(err)
	r.wantIDs(fmt.Sprintf("held by %+v", q), got, want)
	return got
}

func (r *rig) wantIDs(what string, got []feed.HeldEntry, want []int64) {
	r.Helper()
	var ids []int64
	for _, h := range got {
		ids = append(ids, h.Entry.ID)
	}
	if diff := gocmp.Diff(want, ids); diff != "" {
		r.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

var _ = behaviour("scores are kept in thousandths, the last one of an entry, however many there are", func(r *rig) {
	var all, want []feed.Score
	var ids []int64
	for id := range int64(300) {
		all = append(all, feed.Score{EntryID: id + 1, Value: float64(id) / 299, Profile: 1, Why: "x"})
		ids = append(ids, id+1)
	}
	r.moves("scores", false, func() { r.scores(all...) })
	r.scores(feed.Score{EntryID: 2, Value: 0.1236, Profile: 3, Why: "Kyiv, Kharkiv"}, feed.Score{EntryID: 301, Value: 1, Profile: 3})
	got, err := r.Scores(r.ctx, append(ids, 2, 0, 400, 301))
	r.must(err)
	slices.SortFunc(got, func(a, b feed.Score) int { return cmp.Compare(a.EntryID, b.EntryID) })
	if len(got) != 301 {
		r.Fatalf("%d scores", len(got))
	}
	want = []feed.Score{{EntryID: 1, Profile: 1, Why: "x"}, {EntryID: 2, Value: 0.124, Profile: 3, Why: "Kyiv, Kharkiv"}, {EntryID: 3, Value: 0.007, Profile: 1, Why: "x"}}
	if diff := gocmp.Diff(want, got[:3]); diff != "" || got[300].Value != 1 {
		r.Errorf("scores (-want +got):\n%s", diff)
	}
})

var _ = behaviour("an entry is found by its number, with its source and score", func(r *rig) {
	src := r.source("a")
	scored, plain := entry(src, 1), entry(src, 2)
	r.hold(scored)
	r.publish(plain)
	score := feed.Score{EntryID: scored.ID, Value: 0.5, Profile: 2, Why: "because"}
	r.scores(score)
	for _, want := range []feed.HeldEntry{{Entry: *scored, Source: src, Score: score}, {Entry: *plain, Source: src}} {
		if diff := gocmp.Diff(want, r.entryByID(want.Entry.ID)); diff != "" {
			r.Errorf("entry (-want +got):\n%s", diff)
		}
		r.write(func(t *store.Tx) error {
			got, err := t.EntryByID(r.ctx, want.Entry.ID)
			if diff := gocmp.Diff(want, got); diff != "" {
				r.Errorf("in a transaction (-want +got):\n%s", diff)
			}
			return err
		})
	}
	_, err := r.EntryByID(r.ctx, 99)
	r.wantCode(err, feed.CodeNotFound)
	r.wantCode(r.Write(r.ctx, func(t *store.Tx) error {
		_, err := t.EntryByID(r.ctx, 99)
		return err
	}), feed.CodeNotFound)
})

var _ = behaviour("what is held is given by rule and source, newest first, page by page", func(r *rig) {
	a, b := r.source("a"), r.source("b")
	rules := []string{"topic", "topic doubtful", "rule"}
	for n := range int64(12) { // entries 1 to 12
		r.holdBy(rules[n%3], entry([]feed.Source{a, b}[n%2], n+1))
	}
	r.publish(entry(a, 50))
	r.scores(feed.Score{EntryID: 11, Value: 0.4, Profile: 1, Why: "some"})

	r.wantHeld(store.HeldQuery{}, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)
	r.wantHeld(store.HeldQuery{Limit: 2, Before: 11}, 10, 9)
	r.wantHeld(store.HeldQuery{Rules: []string{"topic doubtful"}}, 11, 8, 5, 2)
	r.wantHeld(store.HeldQuery{Rules: []string{"topic", "topic doubtful", "topic"}, Before: 11, Limit: 3}, 10, 8, 7)
	r.wantHeld(store.HeldQuery{Rules: []string{"backlog"}})
	r.wantHeld(store.HeldQuery{Source: "b", Limit: 2, Before: 12}, 10, 8)
	r.wantHeld(store.HeldQuery{Source: "b", Rules: []string{"topic", "rule"}}, 12, 10, 6, 4)
	r.wantHeld(store.HeldQuery{Source: "nobody"})

	short := r.wantHeld(store.HeldQuery{Limit: 1, Before: 12}, 11)[0]
	if short.Entry.Content != "" || short.Source.Slug != "a" || short.Score.Why != "some" || short.Entry.Decision.Rule != "topic doubtful" {
		r.Errorf("without content: %+v", short)
	}
	if whole := r.wantHeld(store.HeldQuery{Limit: 1, WithContent: true}, 12)[0]; whole.Entry.Content == "" || whole.Score != (feed.Score{}) {
		r.Errorf("with content: %+v", whole)
	}
	r.write(func(t *store.Tx) error {
		return t.Decide(r.ctx, 11, 0, feed.Decision{Kind: feed.Rejected, Rule: "person"})
	})
	r.wantHeld(store.HeldQuery{Rules: []string{"topic doubtful"}}, 8, 5, 2)
})

var _ = behaviour("what is held is counted by rule since a time", func(r *rig) {
	a := r.source("a")
	for n := range int64(10) {
		e := entry(a, n+1)
		e.FirstSeen = day.Add(time.Duration(n) * time.Hour)
		r.holdBy([]string{"topic", "topic doubtful"}[min(n%3, 1)], e)
	}
	r.publish(entry(a, 50))
	for since, want := range map[int]map[string]int{0: {"topic": 4, "topic doubtful": 6}, 8: {"topic": 1, "topic doubtful": 1}, 10: {}} {
		got, err := r.HeldCounts(r.ctx, day.Add(time.Duration(since)*time.Hour))
		r.must(err)
		if diff := gocmp.Diff(want, got); diff != "" {
			r.Errorf("since hour %d (-want +got):\n%s", since, diff)
		}
	}
})

var _ = behaviour("what feeds brought since a time is gone through page by page, whatever became of it", func(r *rig) {
	a, files := r.source("a"), r.folder("files")
	// Runs overlap: what is stored later may have been seen first.
	var want []int64
	for n, hour := range []int{0, 3, 1, 1, 5, 1, 2} { // entries 1 to 7
		e := entry(a, int64(n+1))
		e.FirstSeen = day.Add(time.Duration(hour) * time.Hour)
		r.holdBy("topic", e)
	}
	file := entry(files, 8)
	file.FirstSeen = day.Add(6 * time.Hour)
	shown := entry(a, 9)
	shown.FirstSeen = day.Add(6 * time.Hour)
	items := r.publish(file, shown)
	score := feed.Score{EntryID: shown.ID, Value: 0.75, Profile: 1, Why: "much of it"}
	r.scores(score)

	since := day.Add(time.Hour)
	all, err := r.ScoredSince(r.ctx, since, 0, 100)
	r.must(err)
	want = []int64{9, 5, 2, 7, 6, 4, 3}
	r.wantIDs("all since", all, want)
	if diff := gocmp.Diff(feed.HeldEntry{Entry: *shown, Source: a, Score: score}, all[0]); diff != "" || all[0].Entry.ItemID != items[1].RowID {
		r.Errorf("the newest (-want +got):\n%s", diff)
	}
	for size := 1; size <= 4; size++ {
		var got []feed.HeldEntry
		for before := int64(0); ; before = got[len(got)-1].Entry.ID {
			page, err := r.ScoredSince(r.ctx, since, before, size)
			r.must(err)
			if got = append(got, page...); len(page) < size || len(got) > 20 {
				break
			}
		}
		r.wantIDs(fmt.Sprintf("%d at a time", size), got, want)
	}
	rest, err := r.ScoredSince(r.ctx, since, 1, 10)
	r.must(err)
	r.wantIDs("after one from before", rest, nil)
})
