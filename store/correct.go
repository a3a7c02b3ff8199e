package store

import (
	"context"
	"time"

	"tributary/feed"
)

// Merge ends an item in favour of another: it is withdrawn for good, and whoever
// asks for it is shown the other. Items that were merged into it follow. Its entries are
// left where they are: [Tx.Decide] moves them. Where into was itself merged away
// the error is a [feed.CodeConflict].
func (t *Tx) Merge(ctx context.Context, from, into int64, now time.Time) error {
	var target number
	found, err := t.one(ctx, `SELECT merged_into FROM item WHERE id = $1`, []any{into}, &target)
	switch {
	case err != nil:
		return err
	case !found:
		return notFound("item", into)
	case from == into || target != 0:
		return feed.Errorf(feed.CodeConflict, "an item cannot be merged into itself, nor into one that was merged away: name the one that is left")
	}
	if _, err := t.exec(ctx, `UPDATE item SET merged_into = $1 WHERE merged_into = $2`, into, from); err != nil {
		return err
	}
	t.touch(from)
	var story number
	found, err = t.one(ctx, `UPDATE item SET merged_into = $1, withdrawn = COALESCE(withdrawn, $2), lead_id = NULL WHERE id = $3
		RETURNING story_id`, []any{into, now.UnixMilli(), from}, &story)
	if err == nil && !found {
		err = notFound("item", from)
	}
	if err == nil {
		err = t.settle(ctx, int64(story))
	}
	return t.changedIf(1, err)
}

// Unmerge undoes a merge: the item stands for itself again, in its place. It
// needs an entry, which [Tx.Decide] gives it.
func (t *Tx) Unmerge(ctx context.Context, itemRow int64) error {
	return t.show(ctx, `UPDATE item SET merged_into = NULL, withdrawn = NULL WHERE id = $1 AND merged_into IS NOT NULL`, itemRow)
}

// NoteCorrection adds to the list of corrections.
func (t *Tx) NoteCorrection(ctx context.Context, c feed.Correction) error {
	moved := ""
	if len(c.Moved) > 0 {
		moved = asJSON(c.Moved)
	}
	_, err := t.exec(ctx, `INSERT INTO correction (kind, item, other, entry, moved, at) VALUES ($1, $2, $3, $4, $5, $6)`,
		c.Kind, c.Item, c.Other, c.Entry, moved, c.At.UnixMilli())
	return err
}

// Corrections are the newest corrections, newest first.
func (s *Store) Corrections(ctx context.Context, limit int) ([]feed.Correction, error) {
	var all []feed.Correction
	err := s.reader.each(ctx, `SELECT kind, item, other, entry, moved, at FROM correction ORDER BY id DESC LIMIT $1`, []any{int64(limit)},
		func(scan scanner) error {
			var c feed.Correction
			err := scan(&c.Kind, &c.Item, &c.Other, &c.Entry, fromJSON{&c.Moved}, (*instant)(&c.At))
			all = append(all, c)
			return err
		})
	return all, err
}
