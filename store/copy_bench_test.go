package store_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"tributary/feed"
	"tributary/store"
	"tributary/store/pgtest"
)

// copyBatch is how many entries a transaction fills the store with.
const copyBatch = 1000

// stockWhole fills a store with n entries as the pipeline would: each with its item, story,
// marks and sketch.
func stockWhole(b *testing.B, s *store.Store, n int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sources := addBenchSources(b, s, benchSources)
	r := rand.New(rand.NewPCG(9, 10))
	for i := 0; i < n; i += copyBatch {
		entries, items := make([]*feed.Entry, copyBatch), make([]*feed.Item, copyBatch)
		for j := range entries {
			entries[j] = benchEntry(sources[(i+j)%benchSources].ID, i+j)
			items[j] = benchItem(entries[j], i+j)
		}
		if err := s.Write(ctx, func(t *store.Tx) error {
			if err := ingestSource(ctx, t, sources[0], entries, items); err != nil {
				return err
			}
			if err := markEntries(ctx, t, r, i+1, copyBatch); err != nil {
				return err
			}
			admitted, err := t.Admit(ctx, nil, benchDay)
			if err != nil {
				return err
			}
			return t.FoundStories(ctx, admitted)
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCopy moves a store of 20,000 entries of 2 KB to a server: how many rows a second, and
// how long copying, verifying and indexing take.
func BenchmarkCopy(b *testing.B) {
	dsn := pgtest.Start(b)
	o := store.Options{Path: b.TempDir() + "/tributary.db"}
	s := open(b, o)
	stockWhole(b, s, 20_000)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	took := map[string]time.Duration{}
	var rows int64
	for b.Loop() {
		last := time.Now()
		done, err := store.Copy(context.Background(), store.CopyOptions{From: o.Path, To: pgtest.New(b, dsn), Progress: func(s store.CopyStep) {
			took[s.Doing] += time.Since(last)
			last = time.Now()
		}})
		if err != nil {
			b.Fatal(err)
		}
		for _, t := range done {
			rows += t.Rows
		}
	}
	for doing, d := range took {
		b.ReportMetric(d.Seconds()/float64(b.N), doing+"-s")
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
