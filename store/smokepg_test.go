package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"
	"tributary/feed"
	"tributary/store"
	"tributary/store/pgtest"
)

func TestSmokePG(t *testing.T) {
	dsn := pgtest.Start(t)
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Now()
	start := time.Now()
	err = s.Write(ctx, func(t *store.Tx) error {
		var items []*feed.Item
		for i := range 30000 {
			items = append(items, &feed.Item{ID: fmt.Sprintf("%08x-0000-0000-0000-000000000000", uint32(i*2654435761)), Published: now, Updated: now})
		}
		return t.InsertItems(ctx, items, "r")
	})
	fmt.Println(err, time.Since(start))
	start = time.Now()
	err = s.Write(ctx, func(t *store.Tx) error {
		_, err := t.Admit(ctx, nil, now)
		return err
	})
	fmt.Println(err, time.Since(start))
	fmt.Println(s.Check(ctx))
}
