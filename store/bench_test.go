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
	"tributary/store/pgtest"
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

// benchWords are as many different words as news have, the most frequent first.
var benchWords = func() []string {
	r := rand.New(rand.NewPCG(5, 6))
	all := make([]string, 20_000)
	for i := range all {
		word := make([]byte, 2+r.IntN(9))
		for j := range word {
			word[j] = byte('a' + r.IntN(26))
		}
		all[i] = string(word)
	}
	return all
}()

// benchText is so many words as frequent as those of news are, in paragraphs.
func benchText(r *rand.Rand, words int) string {
	var b strings.Builder
	for i := range words {
		if i%40 == 0 {
			b.WriteString("</p>\n<p>"[min(4, 4*i):])
		}
		x := r.Float64()
		b.WriteString(benchWords[int(x*x*x*x*float64(len(benchWords)))])
		b.WriteByte(' ')
	}
	return b.String() + "</p>"
}

// benchEntry is an entry of about 2 KB, its keys as random as hashes are.
func benchEntry(source int64, i int) *feed.Entry {
	r := rand.New(rand.NewPCG(uint64(source), uint64(i)))
	text := benchText(r, 250)
	url := fmt.Sprintf("https://host-%d.example/2026/01/02/an-article-of-a-usual-address-%d", source, i)
	return &feed.Entry{
		SourceID: source, Identity: "id:" + url, Canonical: url, URL: url, Title: fmt.Sprintf("Article %d of source %d, with a title", i, source),
		Keys:     feed.Keys{Identity: r.Int64(), Raw: r.Int64(), URL: r.Int64(), Content: r.Int64(), Shown: r.Int64()},
		Decision: feed.Decision{Kind: feed.Published, Rule: "new", Reason: "no entry before it has its address or its text"},
		Summary:  plainSummary(text), Content: text, Authors: []feed.Person{{Name: "A. Writer"}},
		Details:   feed.Details{Categories: []string{"news", "world"}},
		Published: benchDay.Add(time.Duration(i) * time.Hour), PublishedFrom: "feed", FirstSeen: benchDay,
	}
}

func plainSummary(text string) string {
	return strings.NewReplacer("<p>", "", "</p>\n", "").Replace(text[:240]) + "…"
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
// admits their items, and makes each a story. Its floor is the same bytes in one table with one index,
// without keys and look-ups.
func BenchmarkFirstRun(b *testing.B) {
	b.Run("tributary", func(b *testing.B) { benchRuns(b, benchFirstRun) })
	b.Run("floor", func(b *testing.B) { benchRuns(b, benchFloor) })
}

// benchRuns reports the processor time of inserting, admitting and founding stories, an entry.
func benchRuns(b *testing.B, run func(*testing.B) (insert, admit, found time.Duration)) {
	var inserts, admits, founds time.Duration
	for range b.N {
		insert, admit, found := run(b)
		inserts, admits, founds = inserts+insert, admits+admit, founds+found
	}
	n := float64(b.N * benchSources * benchEntries)
	b.ReportMetric(float64(inserts.Microseconds())/n, "insert-cpu-µs/entry")
	b.ReportMetric(float64(admits.Microseconds())/n, "admit-cpu-µs/entry")
	b.ReportMetric(float64(founds.Microseconds())/n, "found-cpu-µs/entry")
}

func benchFirstRun(b *testing.B) (insert, admit, found time.Duration) {
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
		admitted, err := t.Admit(ctx, nil, benchDay)
		if err != nil {
			return err
		}
		admit, start = cpu()-start, cpu()
		return t.FoundStories(ctx, admitted)
	}); err != nil {
		b.Fatal(err)
	}
	return insert, admit, cpu() - start
}

func benchFloor(b *testing.B) (insert, _, _ time.Duration) {
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
	return cpu() - start, 0, 0
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
		window, _, err := s.Window(ctx)
		if err != nil {
			b.Fatal(err)
		}
		n += len(window)
	}
	perEntry(b, start, n)
}

const (
	benchMarks = 20        // of an entry
	benchStock = 2_000_000 // marks in a store that is full: of 100,000 entries
	benchToday = 20_000    // in days since 1970: where the bucket of what comes begins
)

// benchMark is a key in the bucket of a day, as random as hashes are.
func benchMark(r *rand.Rand, day int64) int64 { return day<<feed.MarkBits | r.Int64N(1<<feed.MarkBits) }

// stockMarks fills so many buckets of 14 days, the newest of which begins today.
func stockMarks(b *testing.B, s *store.Store, n, buckets int) {
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]feed.Mark, n)
	for i := range all {
		all[i] = feed.Mark{Key: benchMark(r, benchToday-14*int64(i%buckets)), EntryID: int64(i / benchMarks)}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := s.Write(ctx, func(t *store.Tx) error { return t.Mark(ctx, all) }); err != nil {
		b.Fatal(err)
	}
}

// markEntries is what marks add to the ingest of entries: two keys are looked
// up for each mark that is stored.
func markEntries(ctx context.Context, t *store.Tx, r *rand.Rand, first, n int) error {
	keys, marks := make([]int64, 0, 2*n*benchMarks), make([]feed.Mark, 0, n*benchMarks)
	sketches, terms := make([]feed.Sketch, n), make([]byte, 240)
	for i := range sketches {
		id := int64(first + i)
		sketches[i] = feed.Sketch{EntryID: id, Terms: terms}
		for range benchMarks {
			m := feed.Mark{Key: benchMark(r, benchToday), EntryID: id}
			marks, keys = append(marks, m), append(keys, m.Key, m.Key-14<<feed.MarkBits)
		}
	}
	if _, err := t.Marked(ctx, keys); err != nil {
		return err
	}
	if err := t.Mark(ctx, marks); err != nil {
		return err
	}
	return t.SaveSketches(ctx, sketches)
}

// BenchmarkMarks is what marks and sketches cost an entry in transactions of 64
// sources: in an empty store, in one with 2 million marks of 280 days, and in one with as
// many of 28 days, among all of which is looked; source by source, or all at once.
func BenchmarkMarks(b *testing.B) {
	for _, c := range []struct {
		name                string
		stock, buckets, all int // all: how many sources at once
	}{
		{"empty/source", 0, 1, 1}, {"empty/batch", 0, 1, benchBatch},
		{"2M of 280 days/source", benchStock, 20, 1}, {"2M of 280 days/batch", benchStock, 20, benchBatch},
		{"2M of 28 days/source", benchStock, 2, 1}, {"2M of 28 days/batch", benchStock, 2, benchBatch},
	} {
		b.Run(c.name, func(b *testing.B) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			s := openBench(b)
			stockMarks(b, s, c.stock, c.buckets)
			r := rand.New(rand.NewPCG(3, uint64(b.N)))
			entry := c.stock
			runtime.GC()
			start := cpu()
			b.ResetTimer()
			for i := 0; i < b.N; i += benchBatch {
				if err := s.Write(ctx, func(t *store.Tx) error {
					for j := 0; j < benchBatch; j += c.all {
						if err := markEntries(ctx, t, r, entry, c.all*benchEntries); err != nil {
							return err
						}
						entry += c.all * benchEntries
					}
					return nil
				}); err != nil {
					b.Fatal(err)
				}
			}
			perEntry(b, start, entry-c.stock)
		})
	}
}

// stockItems fills a store with n items of an entry each, by SQL alone. Of each
// 1,000 items the first 10 make five stories of two publishers, and the oldest ten items
// of all make one of ten.
func stockItems(b *testing.B, s *store.Store, n int) {
	const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) `
	const story = `CASE WHEN i <= 10 THEN 1 WHEN i % 1000 < 10 THEN i / 2 * 2 ELSE i END`
	const publishers = `CASE WHEN i <= 10 THEN 10 WHEN i % 1000 < 10 THEN 2 ELSE 1 END`
	for _, text := range []string{
		numbers + `INSERT INTO item (id, uuid, place, published, updated, admitted, run, story_id, publishers)
			SELECT i, printf('%08x-0000-5000-8000-%012x', i * 2654435761 % 4294967296, i), i, i * 1000, i * 1000, i, '', ` + story + `, ` + publishers + ` FROM n`,
		numbers + `INSERT INTO entry (id, source_id, item_id, identity_key, raw_key, url_key, content_key, shown_key, decision, published, first_seen,
			canonical, identity, rule, reason, published_from, language, url, title, authors, details, summary, content)
			SELECT i, i % 64 + 1, i, i, i, i, i, i, 'published', i * 1000, i, 'https://host-' || (i % 64) || '.example/' || i, 'x', 'new', 'why', 'feed', 'en',
			'https://host.example/' || i, 'A title of usual length, number ' || i, '', '', 'summary', 'content' FROM n`,
		numbers + `INSERT INTO story (id, founder, updated, publishers)
			SELECT i, 'of ' || i, i * 1000, ` + publishers + ` FROM n WHERE i = ` + story,
		`UPDATE meta SET last_item = $1, last_entry = $1, last_place = $1, last_story = $1`,
	} {
		if err := s.Exec(context.Background(), text, n); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReaders is what reading costs with a million items, of which few are
// in stories that several publishers carry.
func BenchmarkReaders(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := openBench(b)
	addBenchSources(b, s, 64)
	stockItems(b, s, 1_000_000)
	for _, c := range []struct {
		name string
		read func() (int, error)
	}{
		{"Window", func() (int, error) { all, _, err := s.Window(ctx); return len(all), err }},
		{"Archive", func() (int, error) { all, _, err := s.Archive(ctx, 7); return len(all), err }},
		{"WindowOf 2", func() (int, error) {
			all, err := s.Items(ctx, store.Query{Limit: 100, MinPublishers: 2, WithContent: true})
			return len(all), err
		}},
		{"WindowOf 3", func() (int, error) {
			all, err := s.Items(ctx, store.Query{Limit: 100, MinPublishers: 3, WithContent: true})
			return len(all), err
		}},
		{"WindowOf 11", func() (int, error) {
			all, err := s.Items(ctx, store.Query{Limit: 100, MinPublishers: 11, WithContent: true})
			return len(all), err
		}},
		{"Stories", func() (int, error) { all, err := s.Stories(ctx, store.StoryQuery{}); return len(all), err }},
		{"Stories 3", func() (int, error) {
			all, err := s.Stories(ctx, store.StoryQuery{MinPublishers: 3})
			return len(all), err
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			n := 0
			for range b.N {
				found, err := c.read()
				if err != nil {
					b.Fatal(err)
				}
				n = found
			}
			b.ReportMetric(float64(n), "found")
		})
	}
}

// BenchmarkHeld is what it costs to hold an entry (most are, where the topic is
// one of many): to store it without an item, and to store its score.
func BenchmarkHeld(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := openBench(b)
	var insert, score time.Duration
	n := 0
	for b.Loop() {
		var entries []*feed.Entry
		for j := range benchEntries {
			e := benchEntry(int64(n/benchEntries+1), j)
			e.Decision = feed.Decision{Kind: feed.Held, Rule: "topic", Reason: "off topic: 0.12, of Kyiv and gas, where 0.50 is wanted"}
			entries = append(entries, e)
		}
		n += benchEntries
		if err := s.Write(ctx, func(t *store.Tx) error {
			start := cpu()
			if err := t.InsertEntries(ctx, entries); err != nil {
				return err
			}
			insert, start = insert+cpu()-start, cpu()
			scores := make([]feed.Score, len(entries))
			for i, e := range entries {
				scores[i] = feed.Score{EntryID: e.ID, Value: 0.123, Profile: 7, Why: "0.12 of 0.50: Kyiv (in both seeds), gas, Russia (in one), minister, pipeline"}
			}
			err := t.SaveScores(ctx, scores)
			score += cpu() - start
			return err
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(insert.Nanoseconds())/1000/float64(n), "insert-cpu-µs/entry")
	b.ReportMetric(float64(score.Nanoseconds())/1000/float64(n), "score-cpu-µs/entry")
}

// stockSearch fills a store with n items of 60 words. Of 64 sources the first has
// three items, the oldest ones; of tags, "often" is on each tenth item of even sources, "odd" on all of odd
// ones, "rare" on the ten oldest. A day has 1,000 items.
func stockSearch(b *testing.B, s *store.Store, n int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sources := addBenchSources(b, s, 64)
	r := rand.New(rand.NewPCG(7, 8))
	for i := 0; i < n; i += 1000 {
		entries, items := make([]*feed.Entry, 1000), make([]*feed.Item, 1000)
		for j := range entries {
			k := i + j
			src := 1 + k%63
			if k < 3 {
				src = 0
			}
			e := benchEntry(sources[src].ID, k)
			e.Content = benchText(r, 60)
			e.Summary, e.Details.Categories = "", nil
			if src%2 == 1 {
				e.Details.Categories = []string{"odd"}
			} else if k%10 == 0 {
				e.Details.Categories = []string{"often"}
			}
			if k < 10 {
				e.Details.Categories = append(e.Details.Categories, "rare")
				e.Title += " needle"
			}
			e.Published = benchDay.Add(time.Duration(k) * 24 * time.Hour / 1000)
			entries[j], items[j] = e, benchItem(e, k)
		}
		if err := s.Write(ctx, func(t *store.Tx) error {
			if err := ingestSource(ctx, t, sources[0], entries, items); err != nil {
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

// BenchmarkSearch is what a page of 50 costs, of few items and of many.
func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		s := openBench(b)
		stockSearch(b, s, n)
		benchQueries(b, s, n)
	}
}

// BenchmarkSearchPostgreSQL is [BenchmarkSearch] on a server.
func BenchmarkSearchPostgreSQL(b *testing.B) {
	dsn := pgtest.Start(b)
	for _, n := range []int{1000, 100_000} {
		s := open(b, store.Options{DSN: pgtest.New(b, dsn)})
		stockSearch(b, s, n)
		if err := s.Exec(b.Context(), "ANALYZE"); err != nil {
			b.Fatal(err)
		}
		benchQueries(b, s, n)
	}
}

func benchQueries(b *testing.B, s *store.Store, n int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	middle := benchDay.Add(time.Duration(n/2) * 24 * time.Hour / 1000).Truncate(24 * time.Hour)
	for _, c := range []struct {
		name string
		q    store.Query
	}{
		{"all", store.Query{}},
		{"frequent word", store.Query{Text: benchWords[0]}},
		{"middling word", store.Query{Text: benchWords[300]}},
		{"rare word", store.Query{Text: "needle"}},
		{"no such word", store.Query{Text: "nothing-like-it"}},
		{"two frequent words", store.Query{Text: benchWords[0] + " " + benchWords[1]}},
		{"phrase", store.Query{Text: `"` + benchWords[0] + " " + benchWords[1] + `"`}},
		{"frequent without frequent", store.Query{Text: benchWords[0] + " -" + benchWords[1]}},
		{"source", store.Query{Source: "s5"}},
		{"rare source", store.Query{Source: "s0"}},
		{"tag", store.Query{Tag: "Often"}},
		{"rare tag", store.Query{Tag: "rare"}},
		{"source and tag", store.Query{Source: "s5", Tag: "odd"}},
		{"source and tag that never meet", store.Query{Source: "s5", Tag: "often"}},
		{"tags that never meet a word", store.Query{Tag: "odd", Text: "needle " + benchWords[0]}},
		{"day", store.Query{From: middle, Until: middle.Add(24 * time.Hour)}},
		{"old day and tag", store.Query{From: benchDay, Until: benchDay.Add(24 * time.Hour), Tag: "odd"}},
		{"month", store.Query{From: middle, Until: middle.Add(30 * 24 * time.Hour)}},
		{"since", store.Query{From: middle}},
		{"until and source", store.Query{Until: middle, Source: "s5"}},
		{"year and frequent word", store.Query{From: benchDay.Add(-300 * 24 * time.Hour), Until: benchDay.Add(65 * 24 * time.Hour), Text: benchWords[0]}},
		{"page 20 of a source", store.Query{Source: "s5", Before: int64(n / 3)}},
	} {
		b.Run(fmt.Sprintf("%d/%s", n, c.name), func(b *testing.B) {
			found := 0
			for b.Loop() {
				all, err := s.Items(ctx, c.q)
				if err != nil {
					b.Fatal(err)
				}
				found = len(all)
			}
			b.ReportMetric(float64(found), "found")
		})
	}
	b.Run(fmt.Sprintf("%d/Tags", n), func(b *testing.B) {
		found := 0
		for b.Loop() {
			all, err := s.Tags(ctx, 50)
			if err != nil {
				b.Fatal(err)
			}
			found = len(all)
		}
		b.ReportMetric(float64(found), "found")
	})
}
