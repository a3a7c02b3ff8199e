package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
	return len(all), t.changedIf(int64(len(all)), t.place(ctx, all, now))
}

// place gives the items their places, in this order.
func (t *Tx) place(ctx context.Context, all []waiting, now time.Time) error {
	for len(all) > 0 {
		size := roundDown(min(len(all), t.pool.engine.updates()))
		args := make([]any, 0, 4*size)
		for _, w := range all[:size] {
			t.now.place++
			at, err := t.free(ctx, w.updated)
			if err != nil {
				return err
			}
			args = append(args, t.now.place, at, now.UnixMilli(), w.row)
		}
		if _, err := t.exec(ctx, admissions[size], args...); err != nil {
			return err
		}
		all = all[size:]
	}
	return nil
}

// admissions are updates of 1, 2, 4 … items at once.
var admissions = func() map[int]string {
	texts := map[int]string{1: `UPDATE item SET place = $1, updated = $2, admitted = $3, run = '' WHERE id = $4`}
	for n := 2; n <= maxRows; n *= 2 {
		rows := make([]string, n)
		for i := range rows {
			rows[i] = fmt.Sprintf("(CAST($%d AS BIGINT), CAST($%d AS BIGINT), CAST($%d AS BIGINT), CAST($%d AS BIGINT))",
				4*i+1, 4*i+2, 4*i+3, 4*i+4)
		}
		texts[n] = `UPDATE item SET place = v.column1, updated = v.column2, admitted = v.column3, run = '' FROM (VALUES ` +
			strings.Join(rows, ", ") + `) AS v WHERE item.id = v.column4`
	}
	return texts
}()
