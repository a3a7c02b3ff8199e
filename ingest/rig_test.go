package ingest_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/clean"
	"tributary/ingest/fetch"
	"tributary/scheduler"
	"tributary/store"
)

// rig is the whole way from documents to items: a real store, real HTTP on
// loopback, a real folder, and a clock that the test moves.
type rig struct {
	t      *testing.T
	store  *store.Store
	sched  *scheduler.Scheduler
	server *httptest.Server
	seeds  string

	elsewhere elsewhere // hosts that another process speaks to

	mu     sync.Mutex
	now    time.Time
	filter ingest.Filter
	docs   map[string]string        // path → document; "" answers 500
	delay  map[string]time.Duration // path → how long the server takes
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, filter: ingest.Filter{Mode: ingest.FilterOff}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), seeds: t.TempDir(),
		docs: map[string]string{}, delay: map[string]time.Duration{}}
	var err error
	if r.store, err = store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "tributary.db")}); err != nil {
		t.Fatal(err)
	}
	r.server = httptest.NewServer(http.HandlerFunc(r.serve))
	client := fetch.New(fetch.Options{UserAgent: "test", AllowPrivate: true, Timeout: 5 * time.Second, Now: r.clock, Hosts: &r.elsewhere})
	p := &ingest.Pipeline{
		Store:    scheduler.ForPipeline(r.store),
		Fetcher:  client,
		Articles: ingest.NewArticles(client, r.clock),
		Policy:   scheduler.Policy{},
		Now:      r.clock,
		Filter:   func() ingest.Filter { return r.filter },
	}
	r.sched = scheduler.New(scheduler.Options{}, r.store, p, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		r.sched.Stop(ctx)
		r.server.Close()
		if err := r.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// later moves the clock.
func (r *rig) later(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

func (r *rig) serve(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	doc, delay := r.docs[req.URL.Path], r.delay[req.URL.Path]
	r.mu.Unlock()
	time.Sleep(delay)
	if doc == "" {
		http.Error(w, "broken", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/rss+xml")
	fmt.Fprint(w, doc)
}

func (r *rig) publish(path, doc string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.docs[path] = doc
}

// declare makes the sources these feeds, in this order, after the seeds folder.
func (r *rig) declare(paths ...string) {
	r.t.Helper()
	sources := []feed.Source{{Slug: feed.SeedsSlug, Kind: feed.KindFolder, URL: r.seeds, Enabled: true, Origin: feed.OriginConfig}}
	for i, p := range paths {
		sources = append(sources, feed.Source{Slug: strings.Trim(p, "/"), Kind: feed.KindFeed, URL: r.server.URL + p,
			Enabled: true, Origin: feed.OriginConfig, Position: i + 1})
	}
	if err := r.store.SyncSources(r.t.Context(), feed.OriginConfig, sources, r.clock()); err != nil {
		r.t.Fatal(err)
	}
}

// ingest runs everything by force, a minute after the last time.
func (r *rig) ingest() feed.Report {
	r.t.Helper()
	r.later(time.Minute)
	id, err := r.sched.Trigger(r.t.Context(), feed.RunRequest{Trigger: "command", Force: true})
	if err != nil {
		r.t.Fatal(err)
	}
	report, err := r.sched.Wait(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return report
}

// items are the live items, newest place first.
func (r *rig) items() []feed.Item {
	r.t.Helper()
	items, err := r.store.Items(r.t.Context(), store.Query{Limit: 1000, WithContent: true})
	if err != nil {
		r.t.Fatal(err)
	}
	return items
}

// titles are the live items' titles, oldest place first.
func (r *rig) titles() []string {
	var out []string
	for _, i := range r.items() {
		out = append([]string{i.Entry.Title}, out...)
	}
	return out
}

// item is the live item with a title.
func (r *rig) item(title string) feed.Item {
	r.t.Helper()
	for _, i := range r.items() {
		if i.Entry.Title == title {
			return i
		}
	}
	r.t.Fatalf("there is no item %q among %q", title, r.titles())
	return feed.Item{}
}

// write puts a file into the seeds folder, at rest for a while.
func (r *rig) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.seeds, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
	then := r.clock().Add(-time.Hour)
	if err := os.Chtimes(path, then, then); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) rename(from, to string) {
	r.t.Helper()
	if err := os.Rename(filepath.Join(r.seeds, from), filepath.Join(r.seeds, to)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) remove(name string) {
	r.t.Helper()
	if err := os.Remove(filepath.Join(r.seeds, name)); err != nil {
		r.t.Fatal(err)
	}
}

// post is an entry of a feed.
type post struct {
	guid, link, title, text, date string
}

// rss is a feed document.
func rss(posts ...post) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?><rss version="2.0"><channel><title>Test</title><link>https://test.example/</link><description>d</description>`)
	for _, p := range posts {
		b.WriteString("<item>")
		for _, e := range [][2]string{{"guid", p.guid}, {"link", p.link}, {"title", p.title}, {"description", p.text}, {"pubDate", p.date}} {
			if e[1] != "" {
				fmt.Fprintf(&b, "<%s>%s</%s>", e[0], e[1], e[0])
			}
		}
		b.WriteString("</item>")
	}
	return b.String() + "</channel></rss>"
}

// prose is a text of its own, long enough to be compared.
func prose(about string) string {
	dice := rand.New(rand.NewPCG(uint64(len(about)), uint64(clean.Key(about))))
	words := strings.Fields("ministers harbour treaty winter budget engine orchard committee border vaccine garden railway " +
		"drought festival museum satellite teacher union verdict weather pension island")
	var b strings.Builder
	b.WriteString("About " + about + ":")
	for range 80 {
		b.WriteString(" " + words[dice.IntN(len(words))])
	}
	return b.String() + "."
}
