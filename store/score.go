package store

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"tributary/feed"
)

var upsertScore = newUpsert(`INSERT INTO score (entry_id, value, profile, why)`, 4,
	`(entry_id) DO UPDATE SET value = EXCLUDED.value, profile = EXCLUDED.profile, why = EXCLUDED.why`)

// SaveScores stores scores, in place of earlier ones of their entries. No entry
// may come twice.
func (t *Tx) SaveScores(ctx context.Context, scores []feed.Score) error {
	_, err := t.insert(ctx, upsertScore, len(scores), func(args []any, i int) []any {
		c := &scores[i]
		return append(args, c.EntryID, int64(math.Round(c.Value*1000)), c.Profile, text(c.Why))
	})
	return err
}

// scoreColumns are read by scoreFields; c is the score, all NULL if there is none.
const scoreColumns = `c.entry_id, c.value, c.profile, COALESCE(c.why, '')`

func scoreFields(c *feed.Score) []any {
	return []any{(*number)(&c.EntryID), (*thousandths)(&c.Value), (*number)(&c.Profile), &c.Why}
}

type thousandths float64

func (t *thousandths) Scan(v any) error {
	n, err := integer(v)
	*t = thousandths(n) / 1000
	return err
}

// Scores are those of these entries that were scored, in any order.
func (s *Store) Scores(ctx context.Context, entryIDs []int64) ([]feed.Score, error) {
	var all []feed.Score
	err := s.reader.eachIn(ctx, `SELECT `+scoreColumns+` FROM score c WHERE c.entry_id IN (%s)`, nil, entryIDs, func(scan scanner) error {
		all = append(all, feed.Score{})
		return scan(scoreFields(&all[len(all)-1])...)
	})
	return all, err
}

// EntryByID is an entry, whatever became of it, whole, with its source and, if
// it was scored, its score.
func (t *Tx) EntryByID(ctx context.Context, id int64) (feed.HeldEntry, error) {
	return t.entryByID(ctx, id)
}

// EntryByID is [Tx.EntryByID] for those who only look.
func (s *Store) EntryByID(ctx context.Context, id int64) (feed.HeldEntry, error) {
	var e feed.HeldEntry
	err := s.snapshot(ctx, func(v session) (err error) {
		e, err = v.entryByID(ctx, id)
		return err
	})
	return e, err
}

func (s session) entryByID(ctx context.Context, id int64) (feed.HeldEntry, error) {
	all, err := s.scored(ctx, true, []int64{id})
	if err == nil && len(all) == 0 {
		err = feed.Errorf(feed.CodeNotFound, "there is no entry %d: `tributary topic review` and the page of what was held "+
			"show the numbers of entries", id)
	}
	if err != nil {
		return feed.HeldEntry{}, err
	}
	return all[0], nil
}

// scored are entries with their sources and scores, in this order.
func (s session) scored(ctx context.Context, withContent bool, entryIDs []int64) ([]feed.HeldEntry, error) {
	columns := entryNoContent
	if withContent {
		columns = entryColumns
	}
	found, sourceIDs := make(map[int64]feed.HeldEntry, len(entryIDs)), make([]int64, 0, len(entryIDs))
	err := s.eachIn(ctx, `SELECT `+scoreColumns+`, COALESCE((SELECT j.verdict FROM judgement j WHERE j.entry_id = e.id), ''), `+columns+`
		FROM entry e LEFT JOIN score c ON c.entry_id = e.id WHERE e.id IN (%s)`,
		nil, entryIDs, func(scan scanner) error {
			var h feed.HeldEntry
			err := scan(append(append(scoreFields(&h.Score), &h.Verdict), entryFields(&h.Entry)...)...)
			found[h.Entry.ID], sourceIDs = h, append(sourceIDs, h.Entry.SourceID)
			return err
		})
	if err != nil {
		return nil, err
	}
	sources, err := s.sourcesByID(ctx, sourceIDs)
	all := make([]feed.HeldEntry, 0, len(found))
	for _, id := range entryIDs {
		if h, there := found[id]; there {
			h.Source = sources[h.Entry.SourceID]
			all = append(all, h)
		}
	}
	return all, err
}

// HeldQuery asks for a part of the entries that are held.
type HeldQuery struct {
	Rules       []string // only those that one of these rules holds; empty: all
	Before      int64    // only entries before the one with this ID; 0: from the newest
	Limit       int      // 0: 50
	Source      string   // slug; "": all
	WithContent bool     // else Entry.Content is empty
}

// HeldEntries are entries that are held, newest first, with their sources and
// scores.
func (s *Store) HeldEntries(ctx context.Context, q HeldQuery) ([]feed.HeldEntry, error) {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	if q.Before <= 0 {
		q.Before = forever
	}
	var all []feed.HeldEntry
	err := s.snapshot(ctx, func(v session) error {
		ids, err := v.held(ctx, q)
		if err == nil {
			all, err = v.scored(ctx, q.WithContent, ids)
		}
		return err
	})
	return all, err
}

// held are the ids of the entries that q asks for. Those of a source are looked
// for among all that it brought, for few of them may be held, long ago: its query spells
// rule and id so that no index of theirs is taken.
func (s session) held(ctx context.Context, q HeldQuery) (ids []int64, err error) {
	query, args := `SELECT e.id FROM entry e WHERE e.decision = 'held' AND e.id < $1`, []any{q.Before}
	byRule, order := ` AND e.rule = `, ` ORDER BY e.id DESC LIMIT `
	if q.Source != "" {
		var source int64
		found, err := s.one(ctx, `SELECT s.id FROM source s WHERE s.removed IS NULL AND s.slug = $1`, []any{q.Source}, &source)
		if err != nil || !found {
			return nil, err
		}
		query, args = query+` AND e.source_id = $2`, append(args, source)
		byRule, order = ` AND e.rule || '' = `, ` ORDER BY e.id + 0 DESC LIMIT `
	}
	args = slices.Clip(args)
	if len(q.Rules) == 0 {
		err := s.each(ctx, query+order+placeholders(len(args)+1, 1), append(args, int64(q.Limit)), collectRows(&ids))
		return ids, err
	}
	for _, rule := range q.Rules {
		err := s.each(ctx, query+byRule+placeholders(len(args)+1, 1)+order+placeholders(len(args)+2, 1),
			append(args, rule, int64(q.Limit)), collectRows(&ids))
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(ids, func(a, b int64) int { return cmp.Compare(b, a) })
	ids = slices.Compact(ids)
	return ids[:min(len(ids), q.Limit)], nil
}

// HeldCounts tells how many of the entries that were first seen since a time
// are held, by rule. It looks at each entry since: some microseconds a piece.
func (s *Store) HeldCounts(ctx context.Context, since time.Time) (map[string]int, error) {
	counts := map[string]int{}
	err := s.reader.each(ctx, `SELECT e.rule || '', COUNT(*) FROM entry e WHERE e.first_seen >= $1 AND e.decision || '' = 'held'
		GROUP BY e.rule || ''`, []any{since.UnixMilli()}, func(scan scanner) error {
		var rule string
		var n int
		err := scan(&rule, &n)
		counts[rule] = n
		return err
	})
	return counts, err
}

// ScoredSince are the entries of feeds that were first seen since a time, whole,
// with their sources and scores, whatever became of them: those last seen first, and of
// one moment the last one stored. before is the ID of an entry after which to go on, the
// last one of an earlier call; 0: from the newest.
func (s *Store) ScoredSince(ctx context.Context, since time.Time, before int64, limit int) ([]feed.HeldEntry, error) {
	var all []feed.HeldEntry
	err := s.snapshot(ctx, func(v session) error {
		ids, err := v.seenSince(ctx, since.UnixMilli(), before, limit)
		if err == nil {
			all, err = v.scored(ctx, true, ids)
		}
		return err
	})
	return all, err
}

// seenSince are the ids of what [Store.ScoredSince] gives.
func (s session) seenSince(ctx context.Context, since, before int64, limit int) (ids []int64, err error) {
	at := int64(forever)
	if before != 0 {
		// The entry itself may have been deleted since.
		found, err := s.one(ctx, `SELECT e.first_seen FROM entry e WHERE e.id <= $1 ORDER BY e.id DESC LIMIT 1`, []any{before}, &at)
		if err != nil || !found || at < since {
			return nil, err
		}
		if err := s.each(ctx, `SELECT e.id FROM entry e WHERE e.first_seen = $1 AND e.id < $2 AND `+ofFeed+`
			ORDER BY e.id DESC LIMIT $3`, []any{at, before, int64(limit)}, collectRows(&ids)); err != nil {
			return nil, err
		}
	}
	err = s.each(ctx, `SELECT e.id FROM entry e WHERE e.first_seen >= $1 AND e.first_seen < $2 AND `+ofFeed+`
		ORDER BY e.first_seen DESC, e.id DESC LIMIT $3`, []any{since, at, int64(limit - len(ids))}, collectRows(&ids))
	return ids, err
}
