package store

import (
	"context"
	"time"

	"tributary/feed"
)

// PrunePolicy says how long text is kept after a source last listed it.
type PrunePolicy struct {
	Keep     time.Duration // of entries that support an item; 0: for ever
	KeepHeld time.Duration // of held and rejected ones; 0: for ever
}

// pruneBatch is how many entries lose their text in one transaction: others
// may write in between.
const pruneBatch = 500

// Prune takes the text from entries that their source ceased to list long ago.
// Their identity, title, address and decision stay, so that they never come back as new;
// an entry that is listed again gets its text anew. Nothing that is still listed is
// pruned, nothing of a folder, and nothing that a person has decided about, for the
// topic is learned from it. It tells how many entries lost their text.
func (s *Store) Prune(ctx context.Context, p PrunePolicy, now time.Time) (int, error) {
	total := 0
	if err := s.Write(ctx, func(t *Tx) error { return t.forgetDays(ctx, now) }); err != nil {
		return 0, err
	}
	for _, kind := range []feed.DecisionKind{feed.Published, feed.CopyOf, feed.Held, feed.Rejected} {
		keep := p.Keep
		if kind == feed.Held || kind == feed.Rejected {
			keep = p.KeepHeld
		}
		n, err := s.pruneKind(ctx, kind, keep, now)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// indexPruned indexes the items of entries that are pruned without their content.
func (t *Tx) indexPruned(ctx context.Context, entries, items []int64) error {
	pruned := map[int64]bool{}
	for _, id := range entries {
		pruned[id] = true
	}
	return t.indexAnew(ctx, distinct(items), pruned)
}

func (s *Store) pruneKind(ctx context.Context, kind feed.DecisionKind, keep time.Duration, now time.Time) (total int, err error) {
	if keep <= 0 {
		return 0, nil
	}
	for n := int64(pruneBatch); n == pruneBatch && err == nil; {
		err = s.Write(ctx, func(t *Tx) error {
			var entries, items []int64
			err := t.each(ctx, `SELECT e.id, e.item_id FROM entry e JOIN source s ON s.id = e.source_id
				WHERE e.pruned = 0 AND e.decision = $1 AND e.unlisted < $2 AND s.kind <> 'folder'
					AND NOT EXISTS (SELECT 1 FROM judgement j WHERE j.entry_id = e.id)
				ORDER BY e.unlisted LIMIT $3`, []any{string(kind), now.Add(-keep).UnixMilli(), int64(pruneBatch)}, func(scan scanner) error {
				var entry int64
				var item number
				err := scan(&entry, &item)
				entries, items = append(entries, entry), append(items, int64(item))
				return err
			})
			if err != nil {
				return err
			}
			n = int64(len(entries))
			if kind == feed.Published || kind == feed.CopyOf {
				err = t.changedIf(n, nil)
			}
			if kind == feed.Published { // else it leads no item
				err = t.indexPruned(ctx, entries, items)
			}
			if err != nil {
				return err
			}
			// Without its raw key the entry is taken for changed when it is listed again.
			return t.execIn(ctx, `UPDATE entry SET pruned = 1, raw_key = 0, authors = '', details = '', summary = '', content = ''
				WHERE id IN (%s)`, nil, entries)
		})
		total += int(n)
	}
	return total, err
}
