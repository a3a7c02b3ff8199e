package store_test

import (
	"tributary/feed"
	"tributary/store"
)

var _ = behaviour("an item is found by the row that entries name, in any state", func(r *rig) {
	items := r.many("a", 2)
	kept := r.item(items[0].ID)
	got, err := r.ItemByRow(r.ctx, kept.RowID)
	r.must(err)
	if got.ID != kept.ID || got.Place != kept.Place || got.Entry.Title != kept.Entry.Title || got.Entry.Content != "" || got.Source.Slug != "a" {
		r.Errorf("found %+v", got)
	}
	r.write(func(tx *store.Tx) error { return tx.Withdraw(r.ctx, kept.RowID, day) })
	if got, err = r.ItemByRow(r.ctx, kept.RowID); err != nil || got.Live() {
		r.Errorf("withdrawn it is %+v, %v", got, err)
	}
	_, err = r.ItemByRow(r.ctx, 99999)
	r.wantCode(err, feed.CodeNotFound)
})
