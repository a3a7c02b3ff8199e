package web

import (
	"bytes"
	"context"
	"net/http"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tributary/feed"
	"tributary/store"
	"tributary/store/pgtest"
)

// lines is a log that several may write and read.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

// loud are the lines that say more than who asked what.
func (l *lines) loud() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.all.String()) {
		if !strings.Contains(line, "level=DEBUG") {
			all = append(all, line)
		}
	}
	return all
}

// replica is a server on a store of its own that follows the database, until the
// test ends.
func replica(t *testing.T, dsn string, change ...func(*Options)) (*Server, *lines) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{DSN: dsn})
	must(t, err)
	said := &lines{}
	srv := newServer(t, st, append(change, func(o *Options) { o.Logger = textLogger(said) })...)
	ctx, stop := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() { srv.Watch(ctx) })
	t.Cleanup(func() {
		stop()
		watching.Wait()
		must(t, st.Close())
	})
	within(t, 10*time.Second, "the feed is rendered", func() bool { return srv.docs.current.Load() != nil })
	return srv, said
}

// newestID is of the newest item of sampled.
const newestID = "000000c8-0000-5000-8000-000000000000"

// sampled fills a database with the sample and more items, for archives.
func sampled(t *testing.T, dsn string) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{DSN: dsn})
	must(t, err)
	t.Cleanup(func() { must(t, st.Close()) })
	addItems(t, st, addSources(t, st, sampleSources()), sampleItems())
	addReports(t, st, 0, 200)
	for _, r := range sampleReports() {
		must(t, st.SaveRun(t.Context(), r))
	}
	return st
}

// within fails unless it comes to something in time, which it looks for closely.
func within(t *testing.T, limit time.Duration, what string, is func() bool) {
	t.Helper()
	for began := time.Now(); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Since(began) > limit {
			t.Fatalf("within %v it never came to this: %s", limit, what)
		}
	}
}

// byReaders are documents that readers ask for, and pages of strangers that tell no time.
var byReaders = []string{
	"/feed.atom", "/feed.rss", "/feed.json", "/stories.atom", "/stories.rss", "/stories.json", "/archive/1.atom", "/archive/2.rss", "/archive/3.json",
	"/feed.rss?limit=5", "/feed.atom?content=summary", "/tags/reports/feed.json", "/search/feed.atom?q=border", "/stories.rss?min_sources=2",
	"/sources.opml", "/", "/?q=border", "/items/" + parisID, "/fetching", "/sources", "/runs", "/runs/run-2", "/topic", "/login", "/robots.txt",
}

func TestReplicasAnswerAlikeAndKnowEachOthersTags(t *testing.T) {
	dsn := pgtest.Start(t)
	st := sampled(t, dsn)
	one, _ := replica(t, dsn)
	get(t, one, "/archive/1.atom") // kept by one of them from before the change
	must(t, st.Hide(t.Context(), newestID, true, noon))
	other, _ := replica(t, dsn) // from after it
	change, err := st.Change(t.Context())
	must(t, err)
	within(t, 10*time.Second, "both have seen the change", func() bool {
		return one.docs.current.Load().change == change && other.docs.current.Load().change == change
	})
	for _, path := range byReaders {
		for _, encoding := range []string{"identity", "gzip"} {
			a, b := get(t, one, path, "Accept-Encoding", encoding), get(t, other, path, "Accept-Encoding", encoding)
			wantStatus(t, a, http.StatusOK)
			wantStatus(t, b, http.StatusOK)
			if a.body != b.body {
				t.Errorf("%s (%s): other bytes", path, encoding)
			}
			for _, name := range []string{"ETag", "Cache-Control", "Content-Type", "Content-Encoding", "Vary", "Link", "Content-Security-Policy"} {
				wantField(t, b, name, a.Header.Get(name))
			}
			tag := a.Header.Get("ETag")
			if tag == "" {
				continue // what is made for each request
			}
			wantStatus(t, get(t, other, path, "Accept-Encoding", encoding, "If-None-Match", tag), http.StatusNotModified)
			wantStatus(t, get(t, one, path, "Accept-Encoding", encoding, "If-None-Match", b.Header.Get("ETag")), http.StatusNotModified)
		}
	}
}

func TestEveryReplicaServesAChangeSoon(t *testing.T) {
	dsn := pgtest.Start(t)
	st := sampled(t, dsn)
	var all []*Server
	for range 3 {
		srv, _ := replica(t, dsn)
		all = append(all, srv)
	}
	for i := range 4 {
		time.Sleep(pollEvery + 150*time.Millisecond) // not close to a rendering, nor always as far from a look
		before := get(t, all[0], "/feed.atom").Header.Get("ETag")
		must(t, st.Hide(t.Context(), newestID, i%2 == 0, noon))
		began, after := time.Now(), map[string]bool{}
		for _, srv := range all {
			within(t, 20*time.Second, "the change is served", func() bool { return get(t, srv, "/feed.atom").Header.Get("ETag") != before })
			after[get(t, srv, "/feed.atom").Header.Get("ETag")] = true
		}
		t.Logf("a change took %v", time.Since(began))
		if len(after) != 1 {
			t.Errorf("the replicas have the tags %v", after)
		}
	}
}

// tellingStore tells of changes.
type tellingStore struct {
	*store.Store
	moved chan struct{}
	asked atomic.Int64 // for the change number
}

func (s *tellingStore) Listen(ctx context.Context) <-chan struct{} {
	context.AfterFunc(ctx, func() { close(s.moved) })
	return s.moved
}

func (s *tellingStore) Change(ctx context.Context) (int64, error) {
	s.asked.Add(1)
	return s.Store.Change(ctx)
}

func TestWhatTheStoreTellsIsRenderedAtOnceButNoMoreThanOnceATick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &tellingStore{Store: openStore(t), moved: make(chan struct{}, 1)}
		addItems(t, st.Store, addSources(t, st.Store, sampleSources()), sampleItems())
		srv := New(sampleOptions(), st, &scheduler{st: st}, catalogue{})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { srv.Watch(ctx); close(ended) }()
		time.Sleep(10*time.Second + pollEvery/5) // between two looks
		synctest.Wait()
		hide := func(hidden bool) (before *rendering) {
			before = srv.docs.current.Load()
			must(t, st.Hide(ctx, parisID, hidden, noon))
			st.moved <- struct{}{}
			synctest.Wait()
			return before
		}
		if before := hide(true); srv.docs.current.Load() == before {
			t.Error("it was not rendered when the store told so")
		}
		if before := hide(false); srv.docs.current.Load() != before {
			t.Error("it was rendered twice within a tick")
		}
		time.Sleep(pollEvery)
		synctest.Wait()
		if change, err := st.Change(ctx); err != nil || srv.docs.current.Load().change != change {
			t.Errorf("the second change was not rendered at the next tick (%v)", err)
		}
		time.Sleep(pollEvery)
		synctest.Wait()
		before, asked := srv.docs.current.Load(), st.asked.Load()
		st.moved <- struct{}{} // of nothing
		synctest.Wait()
		if srv.docs.current.Load() != before || st.asked.Load() != asked+1 {
			t.Error("a move of nothing was rendered, or nobody looked")
		}
		stop()
		<-ended
	})
}

func TestWhileTheDatabaseIsAwayTheLastGoodDocumentsAreServed(t *testing.T) {
	cluster := pgtest.StartCluster(t)
	st := sampled(t, cluster.DSN())
	srv, said := replica(t, cluster.DSN(), withHub)
	kept := map[string]answer{}
	for _, path := range byReaders {
		kept[path] = get(t, srv, path)
		wantStatus(t, kept[path], http.StatusOK)
	}
	wantStatus(t, get(t, srv, "/readyz"), http.StatusOK)

	cluster.Stop()
	for began := time.Now(); time.Since(began) < 2*time.Second; {
		for _, path := range byReaders {
			if a := get(t, srv, path); a.StatusCode != http.StatusOK || a.body != kept[path].body {
				t.Fatalf("%s: after %v without a database it has status %d, or other bytes", path, time.Since(began), a.StatusCode)
			}
		}
		a := get(t, srv, "/feed.atom?limit=7")
		wantStatus(t, a, http.StatusServiceUnavailable)
		wantField(t, a, "Retry-After", "30")
		if !strings.Contains(a.body, "The database does not answer right now") || strings.Contains(a.body, "postgres:") {
			t.Fatalf("a feed that is not kept says:\n%s", a.body)
		}
		a = get(t, srv, "/api/items")
		wantStatus(t, a, http.StatusServiceUnavailable)
		wantField(t, a, "Retry-After", "30")
		wantStatus(t, get(t, srv, "/healthz"), http.StatusOK)
		a = get(t, srv, "/readyz")
		wantStatus(t, a, http.StatusServiceUnavailable)
		if !strings.HasPrefix(a.body, "not ready: the database does not answer") || !strings.HasSuffix(a.body, "; the last good feed is served\n") {
			t.Fatalf("/readyz says %q", a.body)
		}
	}

	for _, path := range byReaders { // it has been noticed by now
		if !strings.Contains(kept[path].Header.Get("Content-Type"), "application/") || path == "/sources.opml" {
			continue
		}
		a := get(t, srv, path)
		wantField(t, a, "Cache-Control", "public, max-age=60")
		wantField(t, a, "Last-Modified", "")
		wantField(t, a, "ETag", kept[path].Header.Get("ETag"))
		wantStatus(t, get(t, srv, path, "If-None-Match", a.Header.Get("ETag")), http.StatusNotModified)
	}
	topic := srv.opt.Site.BaseURL + "/feed.atom"
	if _, err := srv.Topic(t.Context(), topic); feed.CodeOf(err) != feed.CodeUnavailable {
		t.Errorf("what may be old is something to send: %v", err)
	}

	cluster.Start()
	within(t, 10*time.Second, "the database answers", func() bool { _, err := st.Change(t.Context()); return err == nil })
	back := time.Now()
	within(t, 10*time.Second, "the replica is ready", func() bool { return get(t, srv, "/readyz").StatusCode == http.StatusOK })
	wantStatus(t, get(t, srv, "/feed.atom?limit=7"), http.StatusOK)
	for path, lasts := range map[string]string{"/feed.atom": "max-age=900", "/stories.json": "max-age=900", "/archive/1.atom": "max-age=86400", "/feed.rss?limit=5": "max-age=900"} {
		wantField(t, get(t, srv, path), "Cache-Control", "public, "+lasts)
	}
	if _, err := srv.Topic(t.Context(), topic); err != nil {
		t.Error(err)
	}
	if took := time.Since(back); took > 5*time.Second { // half a second, where nothing else works
		t.Errorf("it took %v to be back", took)
	}
	time.Sleep(time.Second) // connections that nobody asked are found dead by then
	must(t, st.Hide(t.Context(), newestID, true, noon))
	within(t, 10*time.Second, "the next change is served", func() bool { return get(t, srv, "/feed.atom").body != kept["/feed.atom"].body })
	if loud := said.loud(); len(loud) != 2 || !strings.Contains(loud[0], "level=ERROR") || !strings.Contains(loud[1], "the database answers again") {
		t.Errorf("the log says:\n%s", strings.Join(loud, ""))
	}
}

func TestADatabaseThatHangsHoldsNobodyUp(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	cluster := pgtest.StartCluster(t)
	sampled(t, cluster.DSN())
	srv, said := replica(t, cluster.DSN())
	cluster.Suspend()
	within(t, 10*time.Second, "it is noticed", func() bool {
		wantStatus(t, get(t, srv, "/feed.atom"), http.StatusOK)
		return srv.away()
	})
	for _, path := range []string{"/feed.atom?limit=7", "/readyz", "/sources"} {
		began := time.Now()
		wantStatus(t, get(t, srv, path), http.StatusServiceUnavailable)
		if took := time.Since(began); took > time.Second {
			t.Errorf("%s took %v", path, took)
		}
	}
	cluster.Resume()
	within(t, 10*time.Second, "it is ready again", func() bool { return get(t, srv, "/readyz").StatusCode == http.StatusOK })
	if loud := said.loud(); len(loud) != 2 {
		t.Errorf("the log says:\n%s", strings.Join(loud, ""))
	}
}

func TestReadersWithAKeyAreServedWhileTheDatabaseIsAway(t *testing.T) {
	cluster := pgtest.StartCluster(t)
	st := sampled(t, cluster.DSN())
	keys := map[string]string{}
	for _, name := range []string{"known", "removed", "new"} {
		key, err := keyring{st}.Make(t.Context(), name)
		must(t, err)
		keys[name] = key
	}
	srv, _ := replica(t, cluster.DSN(), func(o *Options) { o.Private = true })
	for _, name := range []string{"known", "removed"} {
		wantStatus(t, get(t, srv, "/feed.atom?key="+keys[name]), http.StatusOK)
	}
	must(t, st.DropReaderKey(t.Context(), "removed"))
	wantStatus(t, get(t, srv, "/feed.atom?key="+keys["removed"]), http.StatusUnauthorized)
	cluster.Stop()
	within(t, 10*time.Second, "it is noticed", srv.away)
	for name, status := range map[string]int{"known": http.StatusOK, "removed": http.StatusServiceUnavailable, "new": http.StatusServiceUnavailable} {
		a := get(t, srv, "/feed.atom?key="+keys[name])
		if a.StatusCode != status {
			t.Errorf("who has the key %q gets %d, want %d", name, a.StatusCode, status)
		}
		if status == http.StatusOK {
			wantField(t, a, "Cache-Control", "private, max-age=60")
			wantField(t, a, "Last-Modified", "")
			if !strings.Contains(a.body, keyParam+keys[name]) {
				t.Error("its links have no key any more")
			}
		}
	}
}

func TestAFileOfAnotherVersionIsServedAsItIsHere(t *testing.T) {
	srv := New(sampleOptions(), nil, nil, nil)
	for name, hashed := range srv.assets.hashed {
		ext := path.Ext(name)
		other := strings.TrimSuffix(name, ext) + ".0123456789ab" + ext
		a, b := get(t, srv, "/assets/"+hashed), get(t, srv, "/assets/"+other)
		wantStatus(t, b, http.StatusOK)
		wantField(t, a, "Cache-Control", "public, max-age=31536000, immutable")
		wantField(t, b, "Cache-Control", "public, no-cache")
		if a.body != b.body {
			t.Errorf("%s: other bytes", other)
		}
	}
	for _, name := range []string{"style.css", "style.0123456789.css", "other.0123456789ab.css", "style.0123456789ab.js"} {
		wantStatus(t, get(t, srv, "/assets/"+name), http.StatusNotFound)
	}
}

func TestALogInIsGoodAtEveryReplica(t *testing.T) {
	dsn := pgtest.Start(t)
	sampled(t, dsn)
	one, _ := replica(t, dsn)
	other, _ := replica(t, dsn)
	in := login(t, one)
	wantStatus(t, get(t, other, "/keys", in...), http.StatusOK)
	stranger, _ := replica(t, dsn, func(o *Options) { o.Token = "another token of ours" })
	wantStatus(t, get(t, stranger, "/keys", in...), http.StatusSeeOther)
}
