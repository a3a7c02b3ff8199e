package store

import (
	"context"

	"tributary/feed"
)

// ItemByRow is the item that entries name by its RowID, in any state, without its
// content. Of one that was merged into another it gives what is left: its MergedID.
func (s *Store) ItemByRow(ctx context.Context, row int64) (feed.Item, error) {
	var found []feed.Item
	err := s.snapshot(ctx, func(v session) (err error) {
		found, err = v.items(ctx, listedCovers, shortItems+`WHERE i.id = $1`, row)
		return err
	})
	if err == nil && len(found) == 0 {
		err = notFound("item", row)
	}
	if err != nil {
		return feed.Item{}, err
	}
	return found[0], nil
}
