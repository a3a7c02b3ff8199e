package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"tributary/feed"
	"tributary/store"
)

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{Path: filepath.Join(t.TempDir(), "a b%c?d.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Now()
	src, err := s.AddSource(ctx, feed.Source{Slug: "x", URL: "http://x/", Kind: feed.KindFeed, Enabled: true, Tags: []string{"a"}}, now)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Write(ctx, func(tx *store.Tx) error {
		for i := range 70 {
			it := &feed.Item{ID: fmt.Sprintf("%08d-0000-0000-0000-000000000000", i), Published: now, Updated: now}
			if err := tx.InsertItem(ctx, it, "r"); err != nil {
				return err
			}
			e := &feed.Entry{SourceID: src.ID, ItemID: it.RowID, Keys: feed.Keys{Identity: int64(i + 1), URL: int64(i + 1)}, Decision: feed.Decision{Kind: feed.Published}, FirstSeen: now, Title: "t"}
			if err := tx.InsertEntry(ctx, e); err != nil {
				return err
			}
		}
		k, err := tx.Copies(ctx, []int64{1, 2, 3, 0}, nil)
		if err != nil || len(k) != 3 {
			t.Fatal(k, err)
		}
		if err := tx.SaveSource(ctx, src.ID, feed.Channel{Title: "T"}, feed.SourceState{Status: feed.StatusOK, LastFetch: now}); err != nil {
			return err
		}
		n, err := tx.Admit(ctx, nil, now)
		fmt.Println(n)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Window(ctx)
	fmt.Println(len(w), err, w[0].Source.Title(), w[0].Updated, w[69].Updated)
	fmt.Println(s.Totals(ctx))
	fmt.Println(s.Sources(ctx))
	fmt.Println(s.Change(ctx))
	fmt.Println(s.Item(ctx, "00000001"))
	fmt.Println(s.SyncSources(ctx, feed.OriginConfig, []feed.Source{{Slug: "x", URL: "http://y/"}, {Slug: "z", URL: "http://x/"}}, now))
	fmt.Println(s.Sources(ctx))
	fmt.Println(s.Backup(ctx, filepath.Join(t.TempDir(), "bak.db")))
	fmt.Println(s.Check(ctx))
	fmt.Println(s.RemoveSource(ctx, "z", true, now))
	fmt.Println(s.Totals(ctx))
	r, err := s.TryLock(ctx)
	fmt.Println(err)
	_, err = s.TryLock(ctx)
	fmt.Println(err, feed.CodeOf(err))
	r()
	fmt.Println(s.SaveRun(ctx, feed.Report{ID: "a", Started: now}))
	fmt.Println(s.Run(ctx, "a"))
	fmt.Println(s.Prune(ctx, store.PrunePolicy{Keep: 1, KeepHeld: 1}, now))
}
