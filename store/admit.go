package store

import (
	"context"
	"slices"
	"time"
)

// waiting is an item before its admission.
type waiting struct {
	row, updated int64
	run          string
}

// Admit gives places to the items that wait, but for those of skipRuns, which
// are still going: the oldest published first, then by id. Each one's updated becomes the
// first time from what it was that no other has. It tells how many came in.
// Withdrawn items wait on.
func (t *Tx) Admit(ctx context.Context, skipRuns []string, now time.Time) (int, error) {
	var all []waiting
	err := t.each(ctx, `SELECT id, updated, run FROM item WHERE place IS NULL AND withdrawn IS NULL
		ORDER BY published, uuid`, nil, func(scan scanner) error {
		var w waiting
		err := scan(&w.row, &w.updated, &w.run)
		if !slices.Contains(skipRuns, w.run) {
			all = append(all, w)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, w := range all {
		t.now.place++
		at, err := t.free(ctx, w.updated)
		if err != nil {
			return 0, err
		}
		if _, err := t.exec(ctx, `UPDATE item SET place = $2, updated = $3, admitted = $4, run = '' WHERE id = $1`,
			w.row, t.now.place, at, now.UnixMilli()); err != nil {
			return 0, err
		}
	}
	return len(all), t.changedIf(int64(len(all)), nil)
}
