package store

import (
	"context"
	"slices"
	"time"

	"tributary/feed"
)

// waiting is an item before its admission.
type waiting struct {
	row, updated int64
	run          string
}

// Admit gives places to the items that wait, but for those of skipRuns, which
// are still going: the oldest published first, then by id. Each one's updated becomes the
// first time from what it was that no other has. It gives the items that came in, in
// order of place, by their leading entries, with a story only if they had one before.
// Withdrawn items wait on.
func (t *Tx) Admit(ctx context.Context, skipRuns []string, now time.Time) ([]feed.Sketch, error) {
	return t.admit(ctx, now, func(run string) bool { return !slices.Contains(skipRuns, run) })
}

// AdmitRun is [Tx.Admit] for what one run has brought.
func (t *Tx) AdmitRun(ctx context.Context, run string, now time.Time) ([]feed.Sketch, error) {
	return t.admit(ctx, now, func(r string) bool { return r == run })
}

func (t *Tx) admit(ctx context.Context, now time.Time, of func(run string) bool) ([]feed.Sketch, error) {
	var all []waiting
	err := t.each(ctx, `SELECT id, updated, run FROM item WHERE place IS NULL AND withdrawn IS NULL
		ORDER BY published, uuid`, nil, func(scan scanner) error {
		var w waiting
		err := scan(&w.row, &w.updated, &w.run)
		if of(w.run) {
			all = append(all, w)
		}
		return err
	})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	admitted, err := t.sketchesOf(ctx, all)
	if err != nil {
		return nil, err
	}
	return admitted, t.changedIf(1, t.place(ctx, all, now))
}

// place gives the items their places, in this order.
func (t *Tx) place(ctx context.Context, all []waiting, now time.Time) error {
	return t.update(ctx, admission, len(all), func(args []any, i int) ([]any, error) {
		t.now.place++
		t.touched[all[i].row] = t.now.place
		at, err := t.free(ctx, &t.items, all[i].updated)
		return append(args, t.now.place, at, now.UnixMilli(), all[i].row), err
	})
}

var admission = newUpdate(`, run = ''`, "place", "updated", "admitted")
