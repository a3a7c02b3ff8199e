package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"tributary/feed"
	"tributary/store"
)

const (
	benchSources = 1000
	benchEntries = 30 // of a source
	benchBatch   = 64 // sources a transaction
)

var benchDay = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// cpu is the processor time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perEntry reports the processor time an entry since start.
func perEntry(b *testing.B, start time.Duration, entries int) {
	b.ReportMetric(float64((cpu()-start).Nanoseconds())/1000/float64(entries), "cpu-µs/entry")
}

// benchEntry is an entry of about 1.6 KB, its keys as random as hashes are.
func benchEntry(source int64, i int) *feed.Entry {
	r := rand.New(rand.NewPCG(uint64(source), uint64(i)))
	text := strings.Repeat("<p>Some words of an article, as feeds carry them.</p>\n", 22)
	url := fmt.Sprintf("https://host-%d.example/2026/01/02/an-article-of-a-usual-address-%d", source, i)
	return &feed.Entry{
		SourceID: source, Identity: "id:" + url, Canonical: url, URL: url, Title: fmt.Sprintf("Article %d of source %d, with a title", i, source),
		Keys:     feed.Keys{Identity: r.Int64(), Raw: r.Int64(), URL: r.Int64(), Content: r.Int64(), Shown: r.Int64()},
		Decision: feed.Decision{Kind: feed.Published, Rule: "new", Reason: "no entry before it has its address or its text"},
		Summary:  text[:240], Content: text, Authors: []feed.Person{{Name: "A. Writer"}},
		Details:   feed.Details{Categories: []string{"news", "world"}},
		Published: benchDay.Add(time.Duration(i) * time.Hour), PublishedFrom: "feed", FirstSeen: benchDay,
	}
}

func benchItem(e *feed.Entry, i int) *feed.Item {
	r := rand.New(rand.NewPCG(uint64(e.SourceID), uint64(i)))
	id := fmt.Sprintf("%08x-%04x-5%03x-a%03x-%012x", r.Uint32(), r.Uint32N(1<<16), r.Uint32N(1<<12), r.Uint32N(1<<12), r.Uint64N(1<<48))
	return &feed.Item{ID: id, Published: e.Published, Updated: e.Published}
}

func addBenchSources(tb testing.TB, s *store.Store, n int) []feed.Source {
	var declared []feed.Source
	for i := range n {
		declared = append(declared, feed.Source{Slug: fmt.Sprint("s", i), Kind: feed.KindFeed, Enabled: true, URL: fmt.Sprintf("https://host-%d.example/feed", i)})
	}
	if err := s.SyncSources(context.Background(), feed.OriginConfig, declared, benchDay); err != nil {
		tb.Fatal(err)
	}
	all, err := s.Sources(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// ingestSource is what a first fetch of a source does to the store.
func ingestSource(ctx context.Context, t *store.Tx, src feed.Source, entries []*feed.Entry, items []*feed.Item) error {
	urls, contents := make([]int64, 0, len(entries)), make([]int64, 0, len(entries))
	for _, e := range entries {
		urls, contents = append(urls, e.Keys.URL), append(contents, e.Keys.Content)
	}
	if _, err := t.Copies(ctx, urls, contents); err != nil {
		return err
	}
	if err := t.InsertItems(ctx, items, "run-1"); err != nil {
		return err
	}
	for i, e := range entries {
		e.ItemID = items[i].RowID
	}
	return t.InsertEntries(ctx, entries)
}

func benchDocuments(sources []feed.Source) ([][]*feed.Entry, [][]*feed.Item) {
	entries, items := make([][]*feed.Entry, len(sources)), make([][]*feed.Item, len(sources))
	for i, src := range sources {
		for j := range benchEntries {
			e := benchEntry(src.ID, j)
			entries[i], items[i] = append(entries[i], e), append(items[i], benchItem(e, j))
		}
	}
	return entries, items
}

// BenchmarkFirstRun stores 30,000 new entries, in transactions of 64 sources,
// and admits their items. Its floor is the same bytes in one table with one index,
// without keys and look-ups.
func BenchmarkFirstRun(b *testing.B) {
	b.Run("tributary", func(b *testing.B) { benchRuns(b, benchFirstRun) })
	b.Run("floor", func(b *testing.B) { benchRuns(b, benchFloor) })
}

// benchRuns reports the processor time of inserting and admitting, an entry.
func benchRuns(b *testing.B, run func(*testing.B) (insert, admit time.Duration)) {
	var inserts, admits time.Duration
	for range b.N {
		insert, admit := run(b)
		inserts, admits = inserts+insert, admits+admit
	}
	n := float64(b.N * benchSources * benchEntries)
	b.ReportMetric(float64(inserts.Microseconds())/n, "insert-cpu-µs/entry")
	b.ReportMetric(float64(admits.Microseconds())/n, "admit-cpu-µs/entry")
}

func benchFirstRun(b *testing.B) (insert, admit time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := openBench(b)
	sources := addBenchSources(b, s, benchSources)
	entries, items := benchDocuments(sources)
	runtime.GC()
	start := cpu()
	for i := 0; i < len(sources); i += benchBatch {
		if err := s.Write(ctx, func(t *store.Tx) error {
			for j := i; j < min(i+benchBatch, len(sources)); j++ {
				if err := ingestSource(ctx, t, sources[j], entries[j], items[j]); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	insert, start = cpu()-start, cpu()
	if err := s.Write(ctx, func(t *store.Tx) error {
		_, err := t.Admit(ctx, nil, benchDay)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	return insert, cpu() - start
}

func benchFloor(b *testing.B) (insert, _ time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "floor.db")+"?_journal_mode=WAL&_synchronous=NORMAL&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE entry (id INTEGER PRIMARY KEY, source_id INTEGER, identity TEXT, title TEXT, url TEXT,
		published INTEGER, summary TEXT, content TEXT, UNIQUE (source_id, identity))`); err != nil {
		b.Fatal(err)
	}
	sources := make([]feed.Source, benchSources)
	for i := range sources {
		sources[i].ID = int64(i + 1)
	}
	entries, _ := benchDocuments(sources)
	runtime.GC()
	start := cpu()
	for i := 0; i < len(sources); i += benchBatch {
		if err := floorBatch(ctx, db, entries[i:min(i+benchBatch, len(sources))]); err != nil {
			b.Fatal(err)
		}
	}
	return cpu() - start, 0
}

func floorBatch(ctx context.Context, db *sql.DB, documents [][]*feed.Entry) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	stmt, err := tx.Prepare(`INSERT INTO entry (source_id, identity, title, url, published, summary, content) VALUES (?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	for _, entries := range documents {
		for _, e := range entries {
			if _, err := stmt.Exec(e.SourceID, e.Identity, e.Title, e.URL, e.Published.UnixMilli(), e.Summary, e.Content); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

func BenchmarkSaveSource(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := openBench(b)
	sources := addBenchSources(b, s, benchSources)
	about := feed.Channel{ID: "urn:x", Title: "A title", Link: "https://host.example/", Language: "en", Updated: benchDay}
	state := feed.SourceState{Status: feed.StatusOK, ETag: `"33a64df551425fcc55e4d42a148795d9f25f89d4"`, LastModified: "Wed, 21 Oct 2015 07:28:00 GMT",
		ValidatorsSince: benchDay, LastFetch: benchDay, LastSuccess: benchDay, LastChange: benchDay, NextDue: benchDay, DueReason: "every hour", Fetches: 5, BytesIn: 100000}
	start := cpu()
	b.ResetTimer()
	for i := 0; i < b.N; i += benchBatch {
		err := s.Write(ctx, func(t *store.Tx) error {
			for j := range benchBatch {
				state.Fetches++
				if err := t.SaveSource(ctx, sources[(i+j)%len(sources)].ID, about, state); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	perEntry(b, start, b.N)
}

func openBench(b *testing.B) *store.Store {
	return open(b, store.Options{Path: filepath.Join(b.TempDir(), "tributary.db")})
}

func BenchmarkListed(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := openBench(b)
	sources := addBenchSources(b, s, 64)
	entries, items := benchDocuments(sources)
	if err := s.Write(ctx, func(t *store.Tx) error {
		for i, src := range sources {
			if err := ingestSource(ctx, t, src, entries[i], items[i]); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	start := cpu()
	b.ResetTimer()
	for i := range b.N {
		if _, err := s.Listed(ctx, sources[i%len(sources)].ID); err != nil {
			b.Fatal(err)
		}
	}
	perEntry(b, start, b.N*benchEntries)
}

func BenchmarkEmptyWrite(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := openBench(b)
	start := cpu()
	b.ResetTimer()
	for range b.N {
		if err := s.Write(ctx, func(t *store.Tx) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	perEntry(b, start, b.N)
}

func BenchmarkChange(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := openBench(b)
	start := cpu()
	b.ResetTimer()
	for range b.N {
		if _, err := s.Change(ctx); err != nil {
			b.Fatal(err)
		}
	}
	perEntry(b, start, b.N)
}

func BenchmarkWindow(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := openBench(b)
	sources := addBenchSources(b, s, 64)
	entries, items := benchDocuments(sources)
	if err := s.Write(ctx, func(t *store.Tx) error {
		for i, src := range sources {
			if err := ingestSource(ctx, t, src, entries[i], items[i]); err != nil {
				return err
			}
		}
		_, err := t.Admit(ctx, nil, benchDay)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	start, n := cpu(), 0
	b.ResetTimer()
	for range b.N {
		window, err := s.Window(ctx)
		if err != nil {
			b.Fatal(err)
		}
		n += len(window)
	}
	perEntry(b, start, n)
}
