package web

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"tributary/feed"
	"tributary/store"
	"tributary/store/pgtest"
)

// onBothEngines runs a test with each engine, given what opens a store as another process does.
func onBothEngines(t *testing.T, test func(t *testing.T, open func() *store.Store)) {
	run := func(name string, options func(*testing.T) store.Options) {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			test(t, func() *store.Store {
				t.Helper()
				st, err := store.Open(t.Context(), o)
				must(t, err)
				t.Cleanup(func() { must(t, st.Close()) })
				return st
			})
		})
	}
	run("SQLite", func(t *testing.T) store.Options {
		return store.Options{Path: filepath.Join(t.TempDir(), "tributary.db")}
	})
	run("PostgreSQL", func(t *testing.T) store.Options { return store.Options{DSN: pgtest.Start(t)} })
}

// replicated are the documents that replicas are compared by.
var replicated = []string{
	"/feed.atom", "/feed.rss", "/feed.json", "/stories.atom", "/stories.rss", "/stories.json", "/feed.rss?limit=5", "/tags/reports/feed.json",
	"/archive/1.atom", "/archive/2.rss", "/archive/2.json", "/archive/3.atom",
}

// documentAt is what a server has for a reader who asks for a path.
func documentAt(t *testing.T, srv *Server, path string) *document {
	t.Helper()
	wantStatus(t, get(t, srv, path), http.StatusOK)
	for format, m := range docMedia {
		if path == "/feed."+m.ext {
			return srv.docs.current.Load().docs[format]
		}
	}
	for _, kept := range []shelf{srv.variants.stories, srv.variants.archives, srv.variants.others} {
		if doc := kept.last(path); doc != nil {
			return doc
		}
	}
	t.Fatalf("nothing is kept of %s", path)
	return nil
}

// wantSame compares what two servers serve: bytes, entity tag and date.
func wantSame(t *testing.T, one, other *Server, path string) {
	t.Helper()
	a, b := documentAt(t, one, path), documentAt(t, other, path)
	if string(a.plain.body) != string(b.plain.body) || a.tag != b.tag || string(a.zipped.body) != string(b.zipped.body) {
		t.Errorf("%s: other bytes, or another tag", path)
	}
	if !a.modified.Equal(b.modified) {
		t.Errorf("%s: Last-Modified is %s here and %s there", path, a.modified, b.modified)
	}
}

func TestReplicasOverOneStoreSayTheSame(t *testing.T) {
	onBothEngines(t, func(t *testing.T, open func() *store.Store) {
		st := open()
		addItems(t, st, addSources(t, st, sampleSources()), sampleItems())
		addReports(t, st, 0, 200)
		one, other := newServer(t, st), newServer(t, open())
		for _, path := range replicated {
			wantSame(t, one, other, path)
		}
		before := documentAt(t, one, "/archive/1.atom").modified
		time.Sleep(time.Second) // so that the date shows which change it is of
		must(t, st.Hide(t.Context(), "000000c8-0000-5000-8000-000000000000", true, noon))
		_, err := one.refresh(t.Context())
		must(t, err)
		for _, path := range replicated {
			documentAt(t, one, path)
		}
		time.Sleep(time.Second) // the other one takes its time
		_, err = other.refresh(t.Context())
		must(t, err)
		for _, path := range replicated {
			wantSame(t, one, other, path)
		}
		changed := documentAt(t, one, "/feed.atom").modified
		if !changed.After(before) || !documentAt(t, other, "/archive/1.atom").modified.Equal(before) {
			t.Error("what has changed is not dated later, or what has not is")
		}
		// One that begins now cannot know since when a document has been as it is: it
		// dates all by the last change. That is no earlier than the content and earlier than
		// whatever comes, so nobody takes the one for the other.
		late := newServer(t, open())
		for _, path := range replicated {
			a, b := documentAt(t, one, path), documentAt(t, late, path)
			if a.tag != b.tag || string(a.plain.body) != string(b.plain.body) {
				t.Errorf("%s: one that begins later has other bytes", path)
			}
			if !b.modified.Equal(changed) || b.modified.Before(a.modified) {
				t.Errorf("%s: one that begins later says %s, the others %s", path, b.modified, a.modified)
			}
		}
	})
}

// hastyStore is one in which something happens just before the newest items are read.
type hastyStore struct {
	*store.Store
	meanwhile func()
}

func (s *hastyStore) Window(ctx context.Context) ([]feed.Item, int64, error) {
	s.meanwhile()
	return s.Store.Window(ctx)
}

// Who has the document from before by its date must not be told by another replica
// that it is the one from after.
func TestWhatChangesWhileADocumentIsMadeIsDatedByThatChange(t *testing.T) {
	onBothEngines(t, func(t *testing.T, open func() *store.Store) {
		st := open()
		addItems(t, st, addSources(t, st, sampleSources()), sampleItems())
		before := documentAt(t, newServer(t, open()), "/feed.atom")
		hasty := &hastyStore{st, func() {
			time.Sleep(time.Second)
			must(t, st.Hide(t.Context(), parisID, true, noon))
		}}
		one := New(sampleOptions(), hasty, &scheduler{st: hasty}, catalogue{})
		wantSame(t, one, newServer(t, open()), "/feed.atom")
		if after := documentAt(t, one, "/feed.atom"); after.tag == before.tag || !after.modified.After(before.modified) {
			t.Errorf("after a change it is dated %s, before %s", after.modified, before.modified)
		}
	})
}

// libcurl drops what is dated before it last asked.
func TestWhatComesLateIsDatedWhenItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &failingStore{Store: openStore(t)}
		addItems(t, st.Store, addSources(t, st.Store, sampleSources()), sampleItems())
		srv := New(sampleOptions(), st, &scheduler{st: st}, catalogue{})
		paths := []string{"/feed.atom", "/stories.atom", "/feed.json?limit=5"}
		for _, path := range paths {
			get(t, srv, path)
		}

		time.Sleep(time.Minute)
		st.window = errors.New("the disk is gone")
		must(t, st.Hide(t.Context(), parisID, true, noon))
		if _, err := srv.refresh(t.Context()); err == nil {
			t.Fatal("nothing fails")
		}
		time.Sleep(time.Minute)
		wantLate(t, srv, paths[:1], func() { st.window = nil })

		st.stories = errors.New("the disk is gone")
		fill(t, srv.variants.others.turns)
		must(t, st.Hide(t.Context(), borderID, true, noon))
		_, err := srv.refresh(t.Context())
		must(t, err)
		time.Sleep(time.Minute)
		for _, path := range paths[1:] {
			get(t, srv, path)
		}
		wantLate(t, srv, paths[1:], func() { st.stories = nil; empty(srv.variants.others.turns) })
	})
}

// wantLate wants documents dated after those before them were there for the last
// time: after all is well again.
func wantLate(t *testing.T, srv *Server, paths []string, well func()) {
	t.Helper()
	asked := time.Now()
	well()
	_, err := srv.refresh(t.Context())
	must(t, err)
	for _, path := range paths {
		if a, d := get(t, srv, path), documentAt(t, srv, path); !d.modified.After(asked) || a.Header.Get("Last-Modified") != "" {
			t.Errorf("%s came after %s and is dated %s, too soon", path, asked, d.modified)
		}
	}
	time.Sleep(showsWithin + time.Second)
	for _, path := range paths {
		if get(t, srv, path).Header.Get("Last-Modified") == "" {
			t.Errorf("%s has no date even later", path)
		}
	}
}
