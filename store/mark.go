package store

import (
	"cmp"
	"context"
	"slices"

	"tributary/feed"
)

// Marked are the marks with these keys, in any order. It is for keys of which
// not very many entries are marked: all are given. The more keys at once the better:
// they are looked up in their order, for then neighbours share a page.
func (t *Tx) Marked(ctx context.Context, keys []int64) ([]feed.Mark, error) {
	return t.marked(ctx, keys)
}

// Marked is [Tx.Marked] for those who only look.
func (s *Store) Marked(ctx context.Context, keys []int64) ([]feed.Mark, error) {
	return s.reader.marked(ctx, keys)
}

func (s session) marked(ctx context.Context, keys []int64) ([]feed.Mark, error) {
	keys, err := s.inMarkedDays(ctx, slices.Sorted(slices.Values(keys)))
	if err != nil {
		return nil, err
	}
	var all []feed.Mark
	err = s.eachOf(ctx, markKeys, `SELECT key, entry_id FROM mark WHERE key IN (%s)`, nil, keys, func(scan scanner) error {
		var m feed.Mark
		err := scan(&m.Key, &m.EntryID)
		all = append(all, m)
		return err
	})
	return all, err
}

// worthAsking is from how many keys of a day on it is asked first whether that has marks.
const worthAsking = 32

// inMarkedDays drops the keys of days that have no marks at all: what is new is
// looked up among what is newer, too, and there is seldom anything.
func (s session) inMarkedDays(ctx context.Context, sorted []int64) ([]int64, error) {
	var kept []int64
	for len(sorted) > 0 {
		n, _ := slices.BinarySearchFunc(sorted, sorted[0]>>feed.MarkBits+1, func(k, day int64) int {
			return cmp.Compare(k>>feed.MarkBits, day)
		})
		day := sorted[:n]
		sorted = sorted[n:]
		if n >= worthAsking {
			var first int64
			found, err := s.one(ctx, `SELECT key FROM mark WHERE key >= $1 ORDER BY key LIMIT 1`, []any{day[0]}, &first)
			if err != nil {
				return nil, err
			}
			if !found || first > day[n-1] {
				continue
			}
		}
		kept = append(kept, day...)
	}
	return kept, nil
}

// markKeys is how many keys of marks are looked up by one statement.
const markKeys = 256

var insertMark = newMulti(`INSERT INTO mark (key, entry_id)`, 2)

// Mark stores marks; those that are there already are left alone. As with
// [Tx.Marked], many at once are cheaper.
func (t *Tx) Mark(ctx context.Context, marks []feed.Mark) error {
	marks = slices.SortedFunc(slices.Values(marks), func(a, b feed.Mark) int { return cmp.Compare(a.Key, b.Key) })
	_, err := t.insert(ctx, insertMark, len(marks), func(args []any, i int) []any {
		return append(args, marks[i].Key, marks[i].EntryID)
	})
	return err
}

// marksForgotten is about how many marks [Tx.ForgetMarks] takes away at once.
const marksForgotten = 5000

// ForgetMarks takes away the oldest marks of before a day, in days since 1970,
// and the sketches of their entries: a few thousand at a time, so that others can write in
// between. It tells how many; none are left when it is 0.
func (t *Tx) ForgetMarks(ctx context.Context, beforeDay int) (int, error) {
	end := int64(beforeDay) << feed.MarkBits
	first := end - 1 // the last key of those to go
	if _, err := t.one(ctx, `SELECT key FROM mark WHERE key < $1 ORDER BY key LIMIT 1 OFFSET $2`,
		[]any{end, int64(marksForgotten)}, &first); err != nil {
		return 0, err
	}
	var entries []int64
	err := t.each(ctx, `DELETE FROM mark WHERE key <= $1 RETURNING entry_id`, []any{first}, func(scan scanner) error {
		var id int64
		err := scan(&id)
		entries = append(entries, id)
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(entries), t.execIn(ctx, `DELETE FROM sketch WHERE entry_id IN (%s)`, nil, entries)
}

var upsertSketch = newUpsert(`INSERT INTO sketch (entry_id, terms)`, 2,
	`(entry_id) DO UPDATE SET terms = EXCLUDED.terms`)

// SaveSketches stores the terms of entries, in place of earlier ones. No entry
// may come twice. Of a sketch only EntryID and Terms are kept, the rest is known.
func (t *Tx) SaveSketches(ctx context.Context, sketches []feed.Sketch) error {
	_, err := t.insert(ctx, upsertSketch, len(sketches), func(args []any, i int) []any {
		return append(args, sketches[i].EntryID, emptied(sketches[i].Terms))
	})
	return err
}

// emptied is b, but never NULL: an entry without terms was sketched, too.
func emptied(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Sketches are those of the entries that lead a live item, in any order. Terms
// is nil where the entry was not sketched.
func (t *Tx) Sketches(ctx context.Context, entryIDs []int64) ([]feed.Sketch, error) {
	return t.sketches(ctx, entryIDs)
}

// Sketches is [Tx.Sketches] for those who only look.
func (s *Store) Sketches(ctx context.Context, entryIDs []int64) ([]feed.Sketch, error) {
	return s.reader.sketches(ctx, entryIDs)
}

// sketchColumns are read by scanSketch: i is the item, e its entry, k the entry's sketch.
const sketchColumns = `i.id, i.story_id, e.id, e.source_id, COALESCE(e.published, e.first_seen), e.language, k.terms`

func scanSketch(scan scanner, s *feed.Sketch) error {
	return scan(&s.ItemRow, (*number)(&s.StoryRow), &s.EntryID, &s.SourceID, (*instant)(&s.When), &s.Language, &s.Terms)
}

func (s session) sketches(ctx context.Context, entryIDs []int64) ([]feed.Sketch, error) {
	var all []feed.Sketch
	err := s.eachIn(ctx, `SELECT `+sketchColumns+` FROM entry e JOIN item i ON i.id = e.item_id
		LEFT JOIN sketch k ON k.entry_id = e.id WHERE e.id IN (%s) AND i.place IS NOT NULL`+live+`
		AND e.id = COALESCE(i.lead_id, (SELECT MIN(o.id) FROM entry o WHERE o.item_id = e.item_id))`,
		nil, entryIDs, func(scan scanner) error {
			all = append(all, feed.Sketch{})
			return scanSketch(scan, &all[len(all)-1])
		})
	return all, err
}

// sketchesOf are the sketches of items by their rows, in this order. One
// without any entry has its row alone.
func (t *Tx) sketchesOf(ctx context.Context, items []waiting) ([]feed.Sketch, error) {
	all, rows, at := make([]feed.Sketch, len(items)), make([]int64, len(items)), make(map[int64]int, len(items))
	for i, w := range items {
		all[i].ItemRow, rows[i], at[w.row] = w.row, w.row, i
	}
	err := t.eachIn(ctx, `SELECT `+sketchColumns+fromItems+`LEFT JOIN sketch k ON k.entry_id = e.id WHERE i.id IN (%s)`,
		nil, rows, func(scan scanner) error {
			var k feed.Sketch
			err := scanSketch(scan, &k)
			all[at[k.ItemRow]] = k
			return err
		})
	return all, err
}

// Candidates are whole entries, with what is known of them, oldest first: of
// these those that support an item.
func (t *Tx) Candidates(ctx context.Context, entryIDs []int64) ([]feed.Candidate, error) {
	return t.candidates(ctx, entryIDs)
}

// Candidates is [Tx.Candidates] for those who only look.
func (s *Store) Candidates(ctx context.Context, entryIDs []int64) ([]feed.Candidate, error) {
	return s.reader.candidates(ctx, entryIDs)
}

func (s session) candidates(ctx context.Context, entryIDs []int64) ([]feed.Candidate, error) {
	var all []feed.Candidate
	err := s.eachIn(ctx, `SELECT s.position, s.priority, s.private, s.kind = 'folder', `+entryColumns+` FROM entry e JOIN source s ON s.id = e.source_id
		WHERE e.id IN (%s) AND e.item_id IS NOT NULL`, nil, entryIDs, func(scan scanner) error {
		var c feed.Candidate
		err := scan(append([]any{&c.Known.Position, &c.Known.Priority, (*flag)(&c.Known.Private), (*flag)(&c.Known.File)}, entryFields(&c.Entry)...)...)
		c.Known = knownOf(c.Entry, c.Known)
		all = append(all, c)
		return err
	})
	slices.SortFunc(all, func(a, b feed.Candidate) int { return cmp.Compare(a.Entry.ID, b.Entry.ID) })
	return all, err
}

// knownOf is what is known of an entry; k has what its source says.
func knownOf(e feed.Entry, k feed.Known) feed.Known {
	k.EntryID, k.SourceID, k.ItemID, k.Keys = e.ID, e.SourceID, e.ItemID, e.Keys
	k.Canonical, k.Decision, k.Listed, k.When = e.Canonical, e.Decision.Kind, e.Unlisted.IsZero(), e.When()
	k.Seen = e.FirstSeen
	return k
}
