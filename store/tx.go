package store

import (
	"cmp"
	"context"
	"strings"
	"time"

	"tributary/feed"
)

// Tx is a write transaction. It is the only one of all processes while it
// lasts; it must not be used by several goroutines at once.
type Tx struct {
	session
	was, now counts
	stamps   *stamps        // of updated times, made when needed
	shown    map[int64]bool // sources whose published entries this transaction added or changed
	broken   error          // why it must not commit, even if its caller goes on
}

// counts are what the one row of meta counts.
type counts struct {
	change                     int64
	source, entry, item, place int64 // the last ones given
}

// Write runs do in one transaction and commits it, or rolls it back if do
// fails, panics, or ctx ends before. It waits for other writers, of other
// processes too.
func (s *Store) Write(ctx context.Context, do func(*Tx) error) error {
	v, err := s.writer.begin(ctx, nil)
	if err != nil {
		return err
	}
	defer v.tx.Rollback() // does nothing after the commit
	t := &Tx{session: v, shown: map[int64]bool{}}
	if err := t.begin(ctx); err != nil {
		return err
	}
	if err := cmp.Or(do(t), t.broken); err != nil {
		return err
	}
	if err := t.finish(ctx); err != nil {
		return err
	}
	return s.engine.mend(ctx, v.tx.Commit())
}

// begin reads the counts by an update that changes nothing: on PostgreSQL it
// locks the row, so that writers come one after the other there too. This is where
// they wait, so this can be cancelled.
func (t *Tx) begin(ctx context.Context) error {
	patient := t.session
	patient.steady = false
	_, err := patient.one(ctx, `UPDATE meta SET one = 1 WHERE one = 1
		RETURNING change, last_source, last_entry, last_item, last_place`, nil,
		&t.was.change, &t.was.source, &t.was.entry, &t.was.item, &t.was.place)
	t.now = t.was
	return err
}

func (t *Tx) finish(ctx context.Context) error {
	if t.now == t.was {
		return nil
	}
	if t.now.change != t.was.change {
		t.now.change = max(t.was.change+1, time.Now().UnixMilli())
	}
	_, err := t.exec(ctx, `UPDATE meta SET change = $1, last_source = $2, last_entry = $3, last_item = $4, last_place = $5
		WHERE one = 1`, t.now.change, t.now.source, t.now.entry, t.now.item, t.now.place)
	return err
}

// Changed moves the change number, however often it is called in a transaction by one.
func (t *Tx) Changed(context.Context) error {
	t.now.change = t.was.change + 1
	return nil
}

// changedIf moves the change number if a statement touched a row.
func (t *Tx) changedIf(n int64, err error) error {
	if err == nil && n > 0 {
		t.now.change = t.was.change + 1
	}
	return err
}

// maxInsert is the most rows that one INSERT takes.
const maxInsert = 32

// multi is an INSERT of up to maxInsert rows at once. Rows that clash with one
// that is there are left out: see the first migration for why they don't fail.
type multi struct {
	columns int
	texts   map[int]string // by number of rows
}

func newMulti(into string, columns int) multi {
	m := multi{columns: columns, texts: map[int]string{}}
	for n := 1; n <= maxInsert; n *= 2 {
		rows := make([]string, n)
		for i := range rows {
			rows[i] = "(" + placeholders(1+i*columns, columns) + ")"
		}
		m.texts[n] = into + " VALUES " + strings.Join(rows, ", ") + " ON CONFLICT DO NOTHING"
	}
	return m
}

// insert runs m for n rows, whose values row appends. It tells how many came in.
func (t *Tx) insert(ctx context.Context, m multi, n int, row func(args []any, i int) []any) (int, error) {
	var in int64
	for i := 0; i < n; {
		size := roundDown(min(n-i, maxInsert))
		args := make([]any, 0, size*m.columns)
		for range size {
			args = row(args, i)
			i++
		}
		k, err := t.exec(ctx, m.texts[size], args...)
		if err != nil {
			return int(in), err
		}
		in += k
	}
	return int(in), nil
}

// stamps gives times of change that no admitted item has. It reads those taken
// in stretches, from where they are first asked for upwards.
type stamps struct {
	next     map[int64]int64 // taken → where to look on
	from, to int64           // the stretch that is known: from ≤ t < to
	limit    int
}

// free is the first time from at on, in milliseconds, that no admitted item
// has as its updated; it is taken by this.
func (t *Tx) free(ctx context.Context, at int64) (int64, error) {
	if t.stamps == nil {
		t.stamps = &stamps{next: map[int64]int64{}}
	}
	s := t.stamps
	for {
		at = s.skip(at)
		if s.from <= at && at < s.to {
			s.next[at] = at + 1
			return at, nil
		}
		if err := t.readStamps(ctx, at); err != nil {
			return 0, err
		}
	}
}

// skip follows taken times upwards, and shortens the way for the next one.
func (s *stamps) skip(at int64) int64 {
	end := at
	for next, taken := s.next[end]; taken; next, taken = s.next[end] {
		end = next
	}
	for at != end {
		at, s.next[at] = s.next[at], end
	}
	return end
}

const forever = 1 << 62

// readStamps gets to know a stretch from at on. Stretches that follow one
// another grow, for then many are asked for closely; a jump begins small.
func (t *Tx) readStamps(ctx context.Context, at int64) error {
	s := t.stamps
	s.limit = min(2*s.limit, 4096)
	if at != s.to || s.limit == 0 {
		s.from, s.limit = at, 16
	}
	n, last := 0, at
	err := t.each(ctx, `SELECT updated FROM item WHERE place IS NOT NULL AND updated >= $1 ORDER BY updated LIMIT $2`,
		[]any{at, s.limit}, func(scan scanner) error {
			n++
			if err := scan(&last); err != nil {
				return err
			}
			s.next[last] = last + 1
			return nil
		})
	s.to = last + 1
	if n < s.limit {
		s.to = forever
	}
	return err
}

// notFound is the error for a row id that has no row: a defect of the caller.
func notFound(what string, id int64) error {
	return feed.Errorf(feed.CodeNotFound, "there is no %s with row id %d", what, id)
}

// mustTouch turns "no row touched" into an error.
func mustTouch(what string, id, n int64, err error) error {
	if err == nil && n == 0 {
		return notFound(what, id)
	}
	return err
}
