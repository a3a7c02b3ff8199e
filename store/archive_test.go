package store_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"tributary/feed"
	"tributary/store"
)

// admitAt publishes n items and admits them at a time.
func (r *rig) admitAt(src feed.Source, n int, at time.Time) []feed.Item {
	r.Helper()
	var all []*feed.Entry
	for range n {
		all = append(all, entry(src, int64(r.items+len(all)+1)))
	}
	items := r.publish(all...)
	r.write(func(t *store.Tx) error {
		admitted, err := t.Admit(r.ctx, nil, at)
		if err != nil {
			return err
		}
		return t.FoundStories(r.ctx, admitted)
	})
	return items
}

// chain is what a reader sees who begins at the main document and follows the
// archives before it.
func (r *rig) chain() (documents [][]feed.Item) {
	r.Helper()
	items, older, err := r.Window(r.ctx)
	r.must(err)
	documents = append(documents, items)
	for newest := older; older > 0; older-- {
		items, newer, err := r.Archive(r.ctx, older)
		r.must(err)
		if !newer && older < newest {
			r.Errorf("archive %d has none after it, and %d is closed", older, newest)
		}
		documents = append(documents, items)
	}
	return documents
}

var _ = behaviour("the window covers a day in whole blocks, and 500 places at most", func(r *rig) {
	src, now := r.source("a"), time.Now()
	for _, step := range []struct {
		n             int
		age           time.Duration
		oldest, older int64
	}{
		{150, 72 * time.Hour, 1, 0}, // the first archive waits for the second
		{20, 72 * time.Hour, 101, 2},
		{31, 30 * time.Hour, 151, 3},
		{60, time.Hour, 201, 4}, // 261 places, those from 202 on of today
		{40, time.Hour, 201, 4},
		{340, time.Minute, 201, 4}, // 641
		{100, time.Minute, 251, 5}, // no more than 500
	} {
		r.admitAt(src, step.n, now.Add(-step.age))
		items, older, err := r.Window(r.ctx)
		r.must(err)
		if got := items[len(items)-1].Place; got != step.oldest || older != step.older || len(items) > 500 {
			r.Errorf("with %d the window has %d from %d on, and the newest archive is %d; want %d, %d", r.items, len(items), got, older, step.oldest, step.older)
		}
	}
	again, older, err := open(r.T, r.options).Window(r.ctx)
	r.must(err)
	if len(again) != 491 || older != 5 {
		r.Errorf("another process has %d items, and archive %d", len(again), older)
	}
})

var _ = behaviour("an archive is what was in its block, without what goes on growing", func(r *rig) {
	src := r.source("a")
	for _, n := range []int64{0, -1, 1, 1 << 62} {
		_, _, err := r.Archive(r.ctx, n)
		r.wantCode(err, feed.CodeNotFound)
	}
	all := r.admitAt(src, 150, day)
	_, _, err := r.Archive(r.ctx, 1)
	r.wantCode(err, feed.CodeNotFound)
	r.admitAt(src, 1, day)
	first, newer, err := r.Archive(r.ctx, 1)
	r.must(err)
	if len(first) != 50 || !newer || first[0].Place != 50 || first[49].Place != 1 || first[0].Entry.Content == "" || first[0].Source.Slug != "a" {
		r.Errorf("the first archive: %d items, %v, newer: %v", len(first), places(first), newer)
	}
	for _, n := range []int{0, 50} {
		r.admitAt(src, n, day)
		if _, newer, err = r.Archive(r.ctx, 2); err != nil || newer != (n == 50) {
			r.Errorf("%d later the third one is closed: %v, %v", n, newer, err)
		}
	}
	for _, it := range first {
		r.write(func(t *store.Tx) error { return t.Withdraw(r.ctx, it.RowID, day) })
	}
	if none, _, err := r.Archive(r.ctx, 1); err != nil || len(none) != 0 {
		r.Errorf("an archive of withdrawn items has %d (%v)", len(none), err)
	}
	r.write(func(t *store.Tx) error { return t.Restore(r.ctx, first[3].RowID) })
	before, _, err := r.Archive(r.ctx, 1)
	r.must(err)
	r.write(func(t *store.Tx) error {
		return t.JoinStory(r.ctx, all[140].RowID, r.item(first[3].ID).StoryRow, "one event", day)
	})
	after, _, err := r.Archive(r.ctx, 1)
	r.must(err)
	if len(after) != 1 || after[0].Place != before[0].Place || after[0].Founder != "" || after[0].Covered != 0 || len(after[0].Coverage) != 0 || after[0].Publishers != 0 {
		r.Errorf("it is altered by what joined its story: %+v", after[0])
	}
})

// Whatever is admitted, withdrawn, hidden or comes back: each live item is in
// one document, and what was in an archive once is never in another one.
var _ = behaviour("who follows the archives sees every item once", func(r *rig) {
	src, random := r.source("a"), rand.New(rand.NewPCG(5005, 2007))
	now, state, archived := time.Now().Add(-60*time.Hour), map[string]bool{}, map[string]int64{}
	var all []feed.Item
	for step := range 40 {
		now = now.Add(time.Duration(random.IntN(100)) * time.Minute)
		for _, it := range r.admitAt(src, random.IntN(60), now) {
			all, state[it.ID] = append(all, it), true
		}
		for range min(len(all), random.IntN(12)) {
			it := all[random.IntN(len(all))]
			live := state[it.ID]
			switch {
			case random.IntN(2) == 0 && live:
				r.write(func(t *store.Tx) error { return t.Withdraw(r.ctx, it.RowID, now) })
			case live:
				r.must(r.Hide(r.ctx, it.ID, true, now))
			default:
				r.must(r.Hide(r.ctx, it.ID, false, now))
				r.write(func(t *store.Tx) error { return t.Restore(r.ctx, it.RowID) })
			}
			state[it.ID] = !live
		}
		seen := map[string]bool{}
		documents := r.chain()
		for i, items := range documents {
			for j, it := range items {
				if seen[it.ID] {
					r.Fatalf("step %d: item %d is seen twice", step, it.Place)
				}
				seen[it.ID] = true
				if j > 0 && items[j-1].Place <= it.Place {
					r.Fatalf("step %d: place %d stands after %d", step, it.Place, items[j-1].Place)
				}
				block := int64(len(documents) - i)
				if was := archived[it.ID]; i > 0 && was != 0 && was != block {
					r.Fatalf("step %d: item %d was in archive %d and is in %d", step, it.Place, was, block)
				} else if i > 0 {
					archived[it.ID] = block
				}
			}
		}
		maps.DeleteFunc(seen, func(id string, _ bool) bool { return state[id] })
		live := 0
		for _, on := range state {
			if on {
				live++
			}
		}
		if n := len(slices.Concat(documents...)); len(seen) > 0 || n != live {
			r.Fatalf("step %d: %d items are seen of %d live ones, and %d that are none", step, n, live, len(seen))
		}
	}
	if len(archived) < 200 {
		r.Errorf("only %d items came to an archive", len(archived))
	}
})

var _ = behaviour("who follows the archives sees every item once, however many there are, of today or not", func(r *rig) {
	for _, age := range []time.Duration{72 * time.Hour, time.Minute} {
		old := r.items
		src := r.source(age.String())
		for _, n := range []int{0, 1, 50, 51, 100, 101, 150, 151, 200, 201, 500, 501, 551} {
			r.admitAt(src, old+n-r.items, time.Now().Add(-age))
			seen := map[int64]bool{}
			documents := r.chain()
			for _, it := range slices.Concat(documents...) {
				if seen[it.Place] {
					r.Fatalf("of %d items, that at place %d is seen twice", r.items, it.Place)
				}
				seen[it.Place] = true
			}
			if len(seen) != r.items || len(documents) == 2 && r.items < 151 {
				r.Fatalf("of %d items %d are seen, in %d documents", r.items, len(seen), len(documents))
			}
		}
	}
})
