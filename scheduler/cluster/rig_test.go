package cluster

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/fetch"
	"tributary/scheduler"
	"tributary/store"
	"tributary/store/pgtest"
)

// behaviours are what processes do together on one database. Each gets an empty one.
var behaviours = map[string]func(*rig){}

// behaviour adds to them; files of tests call it for what they hold.
func behaviour(name string, test func(*rig)) bool {
	if behaviours[name] != nil {
		panic("two behaviours are called " + name)
	}
	behaviours[name] = test
	return true
}

func TestTogether(t *testing.T) {
	dsn := pgtest.Start(t)
	for name, test := range behaviours {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they wait more than they work
			test(&rig{T: t, dsn: pgtest.New(t, dsn), seeds: t.TempDir()})
		})
	}
}

// rig is a database for processes, which are all in this one.
type rig struct {
	*testing.T
	dsn   string
	seeds string
	sites []*site
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// peer is a process among others.
type peer struct {
	*Cluster
	r *rig
}

// join starts a process. It sees the seeds folder as far as that is there.
func (r *rig) join(role Role) *peer { return r.joinSeeing(role, r.seeds) }

func (r *rig) joinSeeing(role Role, seeds string) *peer {
	r.Helper()
	st, err := store.Open(r.Context(), store.Options{DSN: r.dsn})
	r.must(err)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	pipeline := &ingest.Pipeline{Policy: scheduler.Policy{}, Now: time.Now}
	c, err := New(r.Context(), role, r.dsn, scheduler.Options{Schedule: "0 0 1 1 *", Rescan: time.Hour, Seeds: seeds}, st, pipeline, log)
	r.must(err)
	client := fetch.New(fetch.Options{AllowPrivate: true, HostSpacing: -1, Hosts: c.Hosts()})
	pipeline.Fetcher = client
	r.Cleanup(func() {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		c.Stop(now)
		client.Close()
		st.Close()
	})
	r.must(c.Join(r.Context()))
	return &peer{c, r}
}

// declare makes the sites, and the seeds folder, the sources.
func (p *peer) declare() {
	p.r.Helper()
	all := []feed.Source{{Slug: feed.SeedsSlug, Kind: feed.KindFolder, URL: p.r.seeds, Name: "Seeds", Enabled: true, Origin: feed.OriginConfig}}
	for _, s := range p.r.sites {
		all = append(all, feed.Source{Slug: s.slug, Kind: feed.KindFeed, URL: s.server.URL + "/feed", Enabled: true, Origin: feed.OriginConfig})
	}
	p.r.must(p.store.SyncSources(p.r.Context(), feed.OriginConfig, all, time.Now()))
}

// ask asks for a run of sources, all if none is named, whether they are due or not.
func (p *peer) ask(slugs ...string) (run string) {
	p.r.Helper()
	run, err := p.Trigger(p.r.Context(), feed.RunRequest{Trigger: "api", Sources: slugs, Force: true})
	p.r.must(err)
	return run
}

// report waits for a run to end.
func (p *peer) report(run string) feed.Report {
	p.r.Helper()
	ctx, cancel := context.WithTimeout(p.r.Context(), soon)
	defer cancel()
	report, err := p.Wait(ctx, run)
	p.r.must(err)
	return report
}

// row is a source's line in a report.
func (r *rig) row(report feed.Report, slug string) feed.SourceReport {
	r.Helper()
	for _, s := range report.Sources {
		if s.Source == slug {
			return s
		}
	}
	r.Fatalf("the report says nothing of %s: %+v", slug, report)
	return feed.SourceReport{}
}

// titles are those of all items, in order of place.
func (p *peer) titles() (all []string) {
	p.r.Helper()
	items, err := p.store.Items(p.r.Context(), store.Query{Limit: 100})
	p.r.must(err)
	for _, it := range items {
		all = append(all, it.Entry.Title)
	}
	return all
}

// die has the others take a process for dead: its row has run out.
func (p *peer) die() {
	p.r.Helper()
	p.r.exec(`UPDATE worker SET until = 0 WHERE id = $1`, p.member.ID())
}

// beatNow renews a lease and takes over from the dead, as it is done every few seconds.
func (p *peer) beatNow() {
	p.r.Helper()
	p.r.must(p.member.beat(p.r.Context()))
}

func (r *rig) exec(query string, args ...any) {
	r.Helper()
	conn, err := pgx.Connect(r.Context(), r.dsn)
	r.must(err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(r.Context(), query, args...)
	r.must(err)
}

// until waits for what must happen.
func (r *rig) until(what string, happened func() bool) {
	r.Helper()
	for end := time.Now().Add(soon); !happened(); {
		if time.Now().After(end) {
			r.Fatalf("not within %v: %s", soon, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// seed puts a document into the seeds folder.
func (r *rig) seed(name, text string) {
	r.Helper()
	r.must(os.WriteFile(filepath.Join(r.seeds, name), []byte(text), 0o600))
}

// site is a feed on a host of its own, which counts how it is asked.
type site struct {
	slug   string
	server *httptest.Server

	mu     sync.Mutex
	titles []string
	asked  int
	now    int // requests under way
	most   int
	gate   chan struct{} // answers wait until it is closed; nil: they don't
}

// site makes a site whose feed is a source from the next declare on.
func (r *rig) site(slug string, titles ...string) *site {
	s := &site{slug: slug, titles: titles}
	s.server = httptest.NewServer(s)
	r.sites = append(r.sites, s)
	r.Cleanup(func() {
		s.open()
		s.server.Close()
	})
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	s.asked++
	s.now++
	s.most = max(s.most, s.now)
	gate := s.gate
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.now--
		s.mu.Unlock()
	}()
	if gate != nil {
		select {
		case <-gate:
		case <-req.Context().Done():
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0"?><rss version="2.0"><channel><title>%s</title><link>http://%s.example/</link><description>d</description>`, s.slug, s.slug)
	for i, title := range s.titles {
		fmt.Fprintf(&b, `<item><guid isPermaLink="false">%d</guid><link>http://%s.example/%d</link><title>%s</title></item>`, i, s.slug, i, title)
	}
	_, _ = io.WriteString(w, b.String()+`</channel></rss>`)
}

// hold makes answers wait.
func (s *site) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = make(chan struct{})
}

// open lets them go.
func (s *site) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate != nil {
		close(s.gate)
		s.gate = nil
	}
}

func (s *site) times() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *site) mostAtOnce() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}
