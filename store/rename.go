package store

import (
	"context"

	"tributary/feed"
)

// Refound gives an item that waits for admission another founder: the id and
// dates of it, and the entry as its lead. It tells whether the item (by
// RowID) was waiting; one that was admitted is left alone.
func (t *Tx) Refound(ctx context.Context, it feed.Item, entryID int64) (waiting bool, err error) {
	n, err := t.exec(ctx, `UPDATE item SET uuid = $2, published = $3, updated = $4, lead_id = $5
		WHERE id = $1 AND place IS NULL`, it.RowID, it.ID, it.Published.UnixMilli(), it.Updated.UnixMilli(), entryID)
	return n > 0, err
}

// Unname takes identities from the entries of a source that have them, so
// that others can have them: files change names in any order.
func (t *Tx) Unname(ctx context.Context, sourceID int64, identities []int64) error {
	return t.execIn(ctx, `UPDATE entry SET identity_key = -id WHERE source_id = $1 AND identity_key IN (%s)`,
		[]any{sourceID}, identities)
}
