package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tributary/feed"
)

// Tx is a write transaction. It is the only one of all processes while it
// lasts; it must not be used by several goroutines at once.
type Tx struct {
	session
	was, now counts
	items    stamps              // times at which items changed
	stories  stamps              // times at which stories grew
	joined   map[int64]time.Time // stories to count because items joined them, and when
	moved    []int64             // items of which other entries stand than before
	shown    map[int64]bool      // sources whose published entries this transaction added or changed
	touched  map[int64]int64     // items to index by the end, by row, and the places that they were given here
	days     map[sourceDay]feed.SourceDay
	broken   error // why it must not commit, even if its caller goes on
}

// counts are what the one row of meta counts.
type counts struct {
	change                     int64
	source, entry, item, place int64 // the last ones given
	story                      int64
}

// Write runs do in one transaction and commits it, or rolls it back if do
// fails, panics, or ctx ends before. It waits for other writers, of other
// processes too.
func (s *Store) Write(ctx context.Context, do func(*Tx) error) error {
	timing := writeTiming{began: time.Now()}
	defer s.writes.add(&timing)
	v, err := s.writer.begin(ctx, nil)
	if err != nil {
		return err
	}
	defer v.tx.Rollback() // does nothing after the commit
	t := &Tx{session: v, items: stamps{query: itemTimes}, stories: stamps{query: storyTimes}, joined: map[int64]time.Time{}, shown: map[int64]bool{},
		touched: map[int64]int64{}, days: map[sourceDay]feed.SourceDay{}}
	if err := t.begin(ctx); err != nil {
		return err
	}
	timing.locked = time.Now()
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
		RETURNING change, last_source, last_entry, last_item, last_place, last_story`, nil,
		&t.was.change, &t.was.source, &t.was.entry, &t.was.item, &t.was.place, &t.was.story)
	t.now = t.was
	return err
}

func (t *Tx) finish(ctx context.Context) error {
	if err := t.countJoined(ctx); err != nil {
		return err
	}
	if err := t.settleMoved(ctx); err != nil {
		return err
	}
	if err := t.indexTouched(ctx); err != nil {
		return err
	}
	if err := t.saveDays(ctx); err != nil {
		return err
	}
	if t.now == t.was {
		return nil
	}
	if t.now.change != t.was.change {
		t.now.change = max(t.was.change+1, time.Now().UnixMilli())
		if err := t.tellMove(ctx); err != nil {
			return err
		}
	}
	_, err := t.exec(ctx, `UPDATE meta SET change = $1, last_source = $2, last_entry = $3, last_item = $4, last_place = $5,
		last_story = $6 WHERE one = 1`, t.now.change, t.now.source, t.now.entry, t.now.item, t.now.place, t.now.story)
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

// multi is an INSERT of up to maxInsert rows at once.
type multi struct {
	columns int
	texts   map[int]string // by number of rows
}

// newMulti leaves out rows that clash with one that is there: see the first
// migration for why they don't fail.
func newMulti(into string, columns int) multi {
	return newUpsert(into, columns, `DO NOTHING`)
}

// newUpsert does something else with rows that clash.
func newUpsert(into string, columns int, clash string) multi {
	m := multi{columns: columns, texts: map[int]string{}}
	for n := 1; n <= maxInsert; n *= 2 {
		rows := make([]string, n)
		for i := range rows {
			rows[i] = "(" + placeholders(1+i*columns, columns) + ")"
		}
		m.texts[n] = into + " VALUES " + strings.Join(rows, ", ") + " ON CONFLICT " + clash
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

// multiUpdate is an UPDATE of 1, 2, 4 … items at once, each with values of its
// own for some columns, and its row id.
type multiUpdate struct {
	columns int
	texts   map[int]string // by number of items
}

// newUpdate sets columns to values; same is what is set to the same for all, if anything.
func newUpdate(same string, columns ...string) multiUpdate {
	u := multiUpdate{columns: len(columns) + 1, texts: map[int]string{}}
	one, many := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		one[i], many[i] = fmt.Sprintf("%s = $%d", c, i+1), fmt.Sprintf("%s = v.column%d", c, i+1)
	}
	u.texts[1] = fmt.Sprintf(`UPDATE item SET %s%s WHERE id = $%d`, strings.Join(one, ", "), same, u.columns)
	for n := 2; n <= maxRows; n *= 2 {
		values := make([]string, n*u.columns)
		for i := range values {
			values[i] = fmt.Sprintf("CAST($%d AS BIGINT)", i+1)
		}
		var rows []string
		for row := range slices.Chunk(values, u.columns) {
			rows = append(rows, "("+strings.Join(row, ", ")+")")
		}
		u.texts[n] = fmt.Sprintf(`UPDATE item SET %s%s FROM (VALUES %s) AS v WHERE item.id = v.column%d`,
			strings.Join(many, ", "), same, strings.Join(rows, ", "), u.columns)
	}
	return u
}

// update runs u for n items, whose values and row id row appends.
func (t *Tx) update(ctx context.Context, u multiUpdate, n int, row func(args []any, i int) ([]any, error)) (err error) {
	for i := 0; i < n; {
		size := roundDown(min(n-i, t.pool.engine.updates()))
		args := make([]any, 0, size*u.columns)
		for range size {
			if args, err = row(args, i); err != nil {
				return err
			}
			i++
		}
		if _, err := t.exec(ctx, u.texts[size], args...); err != nil {
			return err
		}
	}
	return nil
}

// stamps gives times that nothing of its kind has. It reads those taken in
// stretches, from where they are first asked for upwards.
type stamps struct {
	query    string
	next     map[int64]int64 // taken → where to look on
	from, to int64           // the stretch that is known: from ≤ t < to
	limit    int
}

// The queries of stamps give a number of taken times from one on.
const (
	itemTimes  = `SELECT updated FROM item WHERE place IS NOT NULL AND updated >= $1 ORDER BY updated LIMIT $2`
	storyTimes = `SELECT updated FROM story WHERE updated >= $1 ORDER BY updated LIMIT $2`
)

// free is the first time from at on, in milliseconds, that is not taken; it is by this.
func (t *Tx) free(ctx context.Context, s *stamps, at int64) (int64, error) {
	for {
		at = s.skip(at)
		if s.from <= at && at < s.to {
			s.take(at)
			return at, nil
		}
		if err := t.readStamps(ctx, s, at); err != nil {
			return 0, err
		}
	}
}

func (s *stamps) take(at int64) {
	if s.next == nil {
		s.next = map[int64]int64{}
	}
	s.next[at] = at + 1
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
func (t *Tx) readStamps(ctx context.Context, s *stamps, at int64) error {
	s.limit = min(2*s.limit, 4096)
	if at != s.to || s.limit == 0 {
		s.from, s.limit = at, 16
	}
	n, last := 0, at
	err := t.each(ctx, s.query, []any{at, s.limit}, func(scan scanner) error {
		n++
		if err := scan(&last); err != nil {
			return err
		}
		s.take(last)
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
