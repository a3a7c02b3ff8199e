package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tributary/feed"
	"tributary/store"
	"tributary/store/pgtest"
)

// behaviours are what a store does, whatever its engine. Each gets an empty one.
var behaviours = map[string]func(*rig){}

// behaviour adds to the suite; files of tests call it for what they hold.
func behaviour(name string, test func(*rig)) bool {
	if behaviours[name] != nil {
		panic("two behaviours are called " + name)
	}
	behaviours[name] = test
	return true
}

func TestSQLite(t *testing.T) {
	suite(t, func(t *testing.T) store.Options {
		return store.Options{Path: filepath.Join(t.TempDir(), "tributary.db")}
	})
}

func TestPostgreSQL(t *testing.T) {
	dsn := pgtest.Start(t)
	suite(t, func(t *testing.T) store.Options { return store.Options{DSN: pgtest.New(t, dsn)} })
}

func suite(t *testing.T, fresh func(*testing.T) store.Options) {
	var seen sync.Map // statements
	t.Run("behaviour", func(t *testing.T) {
		for name, test := range behaviours {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				o := fresh(t)
				s := open(t, o)
				test(&rig{T: t, Store: s, options: o, ctx: t.Context()})
				for _, text := range s.Statements() {
					seen.Store(text, true)
				}
			})
		}
	})
	t.Run("no statement reads a whole table", func(t *testing.T) {
		var statements []string
		seen.Range(func(text, _ any) bool {
			statements = append(statements, text.(string))
			return true
		})
		explain(t, open(t, fresh(t)), statements)
	})
}

func open(tb testing.TB, o store.Options) *store.Store {
	tb.Helper()
	s, err := store.Open(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// rig is a store under test, with shorthands that fail the test.
type rig struct {
	*testing.T
	*store.Store
	options store.Options
	ctx     context.Context
	items   int // minted
}

var day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) wantCode(err error, code feed.Code) {
	r.Helper()
	if feed.CodeOf(err) != code {
		r.Fatalf("error %v has code %q, want %q", err, feed.CodeOf(err), code)
	}
}

func (r *rig) write(do func(t *store.Tx) error) {
	r.Helper()
	r.must(r.Write(r.ctx, do))
}

// source adds a feed by its slug.
func (r *rig) source(slug string) feed.Source {
	r.Helper()
	src, err := r.AddSource(r.ctx, feed.Source{Slug: slug, Kind: feed.KindFeed, URL: "https://" + slug + ".example/feed", Enabled: true}, day)
	r.must(err)
	return src
}

// folder adds a folder by its slug.
func (r *rig) folder(slug string) feed.Source {
	r.Helper()
	src, err := r.AddSource(r.ctx, feed.Source{Slug: slug, Kind: feed.KindFolder, URL: "/folders/" + slug, Enabled: true}, day)
	r.must(err)
	return src
}

// entry is a new entry of a source, with all keys made from n.
func entry(src feed.Source, n int64) *feed.Entry {
	url := fmt.Sprintf("https://%s.example/%d", src.Slug, n)
	return &feed.Entry{SourceID: src.ID, Identity: "id:" + url, URL: url, Canonical: url, Title: fmt.Sprint("Title ", n),
		Content: "<p>Text</p>", Keys: feed.Keys{Identity: n, Raw: n + 1000, URL: n + 2000, Content: n + 3000, Shown: n + 4000},
		Decision: feed.Decision{Kind: feed.Published, Rule: "new", Reason: "nothing like it was known"}, FirstSeen: day}
}

// mint makes an item id; the next one sorts after it.
func (r *rig) mint() string {
	r.items++
	return fmt.Sprintf("%08x-0000-5000-8000-000000000000", r.items)
}

// publish stores entries that found an item each. They wait for admission.
func (r *rig) publish(entries ...*feed.Entry) []feed.Item {
	r.Helper()
	items := make([]feed.Item, len(entries))
	r.write(func(t *store.Tx) error {
		for i, e := range entries {
			at := e.Published
			if at.IsZero() {
				at = day
			}
			items[i] = feed.Item{ID: r.mint(), Published: at, Updated: at}
			if err := t.InsertItem(r.ctx, &items[i], "run"); err != nil {
				return err
			}
			e.ItemID = items[i].RowID
			if err := t.InsertEntry(r.ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
	return items
}

// copyOf stores an entry as a further one of an item.
func (r *rig) copyOf(item feed.Item, e *feed.Entry) {
	r.Helper()
	e.ItemID, e.Decision.Kind = item.RowID, feed.CopyOf
	r.write(func(t *store.Tx) error { return t.InsertEntry(r.ctx, e) })
}

// hold stores an entry as held.
func (r *rig) hold(e *feed.Entry) {
	r.Helper()
	e.Decision.Kind = feed.Held
	r.write(func(t *store.Tx) error { return t.InsertEntry(r.ctx, e) })
}

func (r *rig) admit() int {
	r.Helper()
	n := 0
	r.write(func(t *store.Tx) error {
		admitted, err := t.Admit(r.ctx, nil, day)
		n = len(admitted)
		return err
	})
	return n
}

// item reads an item anew.
func (r *rig) item(id string) feed.Item {
	r.Helper()
	it, err := r.Item(r.ctx, id)
	r.must(err)
	return it
}

func (r *rig) change() int64 {
	r.Helper()
	n, err := r.Change(r.ctx)
	r.must(err)
	return n
}

// moves fails unless do moves the change number, or leaves it, as said.
func (r *rig) moves(what string, want bool, do func()) {
	r.Helper()
	before := r.change()
	do()
	if moved := r.change() != before; moved != want {
		r.Errorf("%s: the change number moved: %v, want %v", what, moved, want)
	}
}

func slugsOf(sources []feed.Source) (slugs []string) {
	for _, s := range sources {
		slugs = append(slugs, s.Slug)
	}
	return slugs
}

func (r *rig) sources() []feed.Source {
	r.Helper()
	all, err := r.Sources(r.ctx)
	r.must(err)
	return all
}

func (r *rig) named(slug string) feed.Source {
	r.Helper()
	src, err := r.Source(r.ctx, slug)
	r.must(err)
	return src
}

// newDatabase is another empty database beside the rig's.
func newDatabase(r *rig) string { return pgtest.New(r, r.options.DSN) }
