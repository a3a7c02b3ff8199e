package store_test

import (
	"cmp"
	"slices"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/store"
)

// marked are the marks with these keys, in their order.
func (r *rig) marked(keys ...int64) []feed.Mark {
	r.Helper()
	all, err := r.Marked(r.ctx, keys)
	r.must(err)
	slices.SortFunc(all, func(a, b feed.Mark) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.EntryID, b.EntryID)) })
	return all
}

// sketch stores the terms of entries.
func (r *rig) sketch(terms string, entries ...*feed.Entry) {
	r.Helper()
	var all []feed.Sketch
	for _, e := range entries {
		all = append(all, feed.Sketch{EntryID: e.ID, Terms: []byte(terms)})
	}
	r.write(func(t *store.Tx) error { return t.SaveSketches(r.ctx, all) })
}

var _ = behaviour("entries are found by their marks, however many there are", func(r *rig) {
	var all []feed.Mark
	for key := range int64(300) {
		all = append(all, feed.Mark{Key: 1000 - key, EntryID: key + 1}, feed.Mark{Key: 1000 - key, EntryID: 5000})
	}
	all = append(all, feed.Mark{Key: -5 << feed.MarkBits, EntryID: 7}) // of 1969
	r.moves("marks", false, func() {
		r.write(func(t *store.Tx) error {
			r.must(t.Mark(r.ctx, all))
			r.must(t.Mark(r.ctx, append(all[:2:2], all[0])))
			got, err := t.Marked(r.ctx, []int64{1000, 1000, 4})
			if len(got) != 2 {
				r.Errorf("in the transaction: %+v", got)
			}
			return err
		})
	})
	want := []feed.Mark{{Key: -5 << feed.MarkBits, EntryID: 7}, {Key: 999, EntryID: 2}, {Key: 999, EntryID: 5000}}
	if diff := gocmp.Diff(want, r.marked(999, 5, -5<<feed.MarkBits)); diff != "" {
		r.Errorf("marks (-want +got):\n%s", diff)
	}
	var keys []int64
	for key := range int64(2000) {
		keys = append(keys, key)
	}
	if got := r.marked(keys...); len(got) != 600 {
		r.Errorf("%d marks, want 600", len(got))
	}
	if got := r.marked(); got != nil {
		r.Errorf("without a key: %+v", got)
	}
})

var _ = behaviour("old marks are forgotten, some at a time, with the sketches of their entries", func(r *rig) {
	src := r.source("a")
	old, recent := entry(src, 1), entry(src, 2)
	items := r.publish(old, recent)
	r.sketch("x", old, recent)
	var all []feed.Mark
	for i := range int64(12_000) {
		all = append(all, feed.Mark{Key: 99<<feed.MarkBits + i, EntryID: old.ID})
	}
	all = append(all, feed.Mark{Key: 100 << feed.MarkBits, EntryID: recent.ID})
	r.write(func(t *store.Tx) error { return t.Mark(r.ctx, all) })
	total := 0
	for n, rounds := 1, 0; n > 0; rounds++ {
		r.write(func(t *store.Tx) (err error) {
			n, err = t.ForgetMarks(r.ctx, 100)
			return err
		})
		if total += n; n > 6000 || rounds > 5 {
			r.Fatalf("%d at once, after %d rounds", n, rounds)
		}
	}
	if total != 12_000 || len(r.marked(99<<feed.MarkBits)) != 0 || len(r.marked(100<<feed.MarkBits)) != 1 {
		r.Errorf("%d forgotten; left: %v", total, r.marked(100<<feed.MarkBits))
	}
	r.admit()
	sketches, err := r.Sketches(r.ctx, []int64{old.ID, recent.ID})
	r.must(err)
	terms := map[int64]string{}
	for _, k := range sketches {
		terms[k.ItemRow] = string(k.Terms)
	}
	if diff := gocmp.Diff(map[int64]string{items[0].RowID: "", items[1].RowID: "x"}, terms); diff != "" {
		r.Errorf("terms (-want +got):\n%s", diff)
	}
})

var _ = behaviour("a sketch is given of the entries that lead a live item", func(r *rig) {
	src := r.source("a")
	all := []*feed.Entry{entry(src, 1), entry(src, 2), entry(src, 3), entry(src, 4), entry(src, 5)}
	lead, copied, withdrawn, hidden, waits := all[0], entry(src, 6), all[1], all[2], entry(src, 7)
	lead.Published, lead.Language = day.Add(-time.Hour), "de"
	items := r.publish(all...)
	r.copyOf(items[0], copied)
	r.sketch("first", lead)
	r.sketch("terms", lead, copied, withdrawn, hidden)
	r.admit()
	r.publish(waits)
	r.write(func(t *store.Tx) error {
		r.must(t.Merge(r.ctx, items[4].RowID, items[0].RowID, day))
		return t.Withdraw(r.ctx, items[1].RowID, day)
	})
	r.must(r.Hide(r.ctx, items[2].ID, true, day))
	got, err := r.Sketches(r.ctx, []int64{lead.ID, copied.ID, withdrawn.ID, hidden.ID, all[3].ID, all[4].ID, waits.ID, 99})
	r.must(err)
	slices.SortFunc(got, func(a, b feed.Sketch) int { return cmp.Compare(a.EntryID, b.EntryID) })
	want := []feed.Sketch{
		{EntryID: lead.ID, ItemRow: items[0].RowID, SourceID: src.ID, When: lead.Published, Language: "de", Terms: []byte("terms")},
		{EntryID: all[3].ID, ItemRow: items[3].RowID, SourceID: src.ID, When: day},
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		r.Errorf("sketches (-want +got):\n%s", diff)
	}
	r.write(func(t *store.Tx) error {
		r.must(t.SetLead(r.ctx, items[0].RowID, copied.ID))
		got, err := t.Sketches(r.ctx, []int64{lead.ID, copied.ID})
		if len(got) != 1 || got[0].EntryID != copied.ID {
			r.Errorf("with another lead: %+v", got)
		}
		return err
	})
})

var _ = behaviour("candidates are whole entries that support an item, oldest first", func(r *rig) {
	a, b := r.source("a"), r.folder("b")
	one, two, held := entry(a, 1), entry(b, 2), entry(a, 3)
	one.Summary, one.Published, one.Authors = "S", day, []feed.Person{{Name: "W"}}
	r.publish(one, two)
	r.hold(held)
	r.write(func(t *store.Tx) error { return t.Unlist(r.ctx, []int64{two.ID}, day) })
	two.Unlisted = day
	got, err := r.Candidates(r.ctx, []int64{two.ID, held.ID, 99, one.ID})
	r.must(err)
	known, err := r.Copies(r.ctx, []int64{one.Keys.URL, two.Keys.URL}, nil)
	r.must(err)
	want := []feed.Candidate{{Known: known[0], Entry: *one}, {Known: known[1], Entry: *two}}
	if diff := gocmp.Diff(want, got); diff != "" {
		r.Errorf("candidates (-want +got):\n%s", diff)
	}
})

var _ = behaviour("what is admitted is given in order of place, as it was sketched", func(r *rig) {
	src := r.source("a")
	late, early := entry(src, 1), entry(src, 2)
	late.Published, late.Language = day.Add(time.Hour), "fr"
	items := r.publish(late, early)
	r.sketch("late", late)
	r.write(func(t *store.Tx) error {
		got, err := t.Admit(r.ctx, nil, day)
		want := []feed.Sketch{
			{EntryID: early.ID, ItemRow: items[1].RowID, SourceID: src.ID, When: day},
			{EntryID: late.ID, ItemRow: items[0].RowID, SourceID: src.ID, When: late.Published, Language: "fr", Terms: []byte("late")},
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			r.Errorf("admitted (-want +got):\n%s", diff)
		}
		return err
	})
})
