package store_test

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
)

var _ = behaviour("a reader key is known by its hash until it is dropped", func(r *rig) {
	r.must(r.AddReaderKey(r.ctx, "phone", "aa", day.Add(time.Minute)))
	r.must(r.AddReaderKey(r.ctx, "Desk", "bb", day))
	r.wantCode(r.AddReaderKey(r.ctx, "phone", "cc", day), feed.CodeConflict)
	got, err := r.ReaderKeys(r.ctx)
	r.must(err)
	if diff := cmp.Diff([]feed.ReaderKey{{Name: "Desk", Made: day}, {Name: "phone", Made: day.Add(time.Minute)}}, got); diff != "" {
		r.Errorf("keys (-want +got):\n%s", diff)
	}
	wantName := func(hash, want string) {
		r.Helper()
		if name, found, err := r.ReaderKeyName(r.ctx, hash); err != nil || name != want || found != (want != "") {
			r.Errorf("hash %s is %q, %v (%v)", hash, name, found, err)
		}
	}
	wantName("aa", "phone")
	wantName("cc", "")
	r.must(r.DropReaderKey(r.ctx, "phone"))
	wantName("aa", "")
	wantName("bb", "Desk")
	r.wantCode(r.DropReaderKey(r.ctx, "phone"), feed.CodeNotFound)
	r.must(r.AddReaderKey(r.ctx, "phone", "dd", day))
})
