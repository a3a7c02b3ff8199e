package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/store"
)

var _ = behaviour("the feed has one id for ever", func(r *rig) {
	first, err := r.FeedID(r.ctx, "one")
	r.must(err)
	second, err := r.FeedID(r.ctx, "two")
	r.must(err)
	if first != "one" || second != "one" {
		r.Errorf("feed id %q, then %q", first, second)
	}
})

var _ = behaviour("what was committed is there when the store is opened again", func(r *rig) {
	items := r.many("a", 3)
	before, _, err := r.Window(r.ctx)
	r.must(err)
	again := open(r, r.options)
	after, _, err := again.Window(r.ctx)
	r.must(err)
	if diff := cmp.Diff(before, after); diff != "" || len(after) != len(items) {
		r.Errorf("another look (-before +after):\n%s", diff)
	}
	change, err := again.Change(r.ctx)
	r.must(err)
	if change != r.change() {
		r.Errorf("the change number is %d and %d", r.change(), change)
	}
})

var _ = behaviour("a transaction that fails, panics or is cancelled leaves nothing", func(r *rig) {
	src := r.source("a")
	before := r.change()
	insert := func(t *store.Tx) {
		item := feed.Item{ID: r.mint(), Published: day, Updated: day}
		r.must(t.InsertItem(r.ctx, &item, "run"))
		e := entry(src, 1)
		e.ItemID = item.RowID
		r.must(t.InsertEntry(r.ctx, e))
		r.must(t.Changed(r.ctx))
	}
	wrong := errors.New("wrong")
	if err := r.Write(r.ctx, func(t *store.Tx) error { insert(t); return wrong }); !errors.Is(err, wrong) {
		r.Errorf("error %v", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				r.Error("the panic was swallowed")
			}
		}()
		r.Write(r.ctx, func(t *store.Tx) error { insert(t); panic("odd") })
	}()
	ctx, cancel := context.WithCancel(r.ctx)
	err := r.Write(ctx, func(t *store.Tx) error {
		insert(t)
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		r.Errorf("error %v after a cancellation", err)
	}
	if err := r.Write(ctx, func(*store.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		r.Errorf("error %v for an ended context", err)
	}
	n, err := r.Totals(r.ctx)
	r.must(err)
	if n.Entries != 0 || r.change() != before {
		r.Errorf("%d entries, change %d → %d", n.Entries, before, r.change())
	}
	r.publish(entry(src, 1)) // and all goes on
})

var _ = behaviour("writers wait for one another, readers for nobody", func(r *rig) {
	src := r.source("a")
	other := open(r, r.options)
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for i := range 8 {
		writers.Go(func() {
			s := []*store.Store{r.Store, other}[i%2]
			for j := range 20 {
				err := s.Write(r.ctx, func(t *store.Tx) error {
					known, err := t.Copies(r.ctx, []int64{2001}, nil) // before anything is written
					if err != nil {
						return err
					}
					e := entry(src, int64(1000*i+j+1))
					e.Keys.URL, e.Decision.Kind = 2001, feed.Held
					e.Decision.Reason = fmt.Sprint(len(known))
					return t.InsertEntry(r.ctx, e)
				})
				if err != nil {
					r.Error(err)
				}
			}
		})
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					if _, err := r.Held(r.ctx, 10); err != nil {
						r.Error(err)
						return
					}
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	if n, err := r.Totals(r.ctx); err != nil || n.Held != 160 {
		r.Errorf("%d entries, want 160 (%v)", n.Held, err)
	}
})

var _ = behaviour("reading goes on while a transaction is open", func(r *rig) {
	r.many("a", 2)
	r.write(func(t *store.Tx) error {
		r.must(t.Withdraw(r.ctx, 1, day))
		window, _, err := r.Window(r.ctx)
		if len(window) != 2 {
			r.Errorf("the window has %d items before the commit", len(window))
		}
		return err
	})
})

var _ = behaviour("one holds the run lock, others are told", func(r *rig) {
	other := open(r, r.options)
	release, err := r.TryLock(r.ctx)
	r.must(err)
	for _, s := range []*store.Store{r.Store, other} {
		_, err := s.TryLock(r.ctx)
		r.wantCode(err, feed.CodeConflict)
	}
	release()
	release, err = other.TryLock(r.ctx)
	r.must(err)
	release()
})

var _ = behaviour("a run's report comes back, the newest first, 500 of them", func(r *rig) {
	report := feed.Report{ID: "one", Trigger: "command", State: "running", Started: day, Total: 2, Done: 1, Counts: feed.Counts{Published: 1, Held: 2},
		Sources: []feed.SourceReport{{Source: "a", Name: "A", Outcome: feed.OutcomeOK, Status: feed.StatusOK, Bytes: 5, NextDue: day, DueReason: "hourly"}}}
	r.must(r.SaveRun(r.ctx, report))
	report.State, report.Finished, report.Error = "failed", day.Add(time.Second), "no"
	r.must(r.SaveRun(r.ctx, report))
	got, err := r.Store.Run(r.ctx, "one")
	r.must(err)
	if diff := cmp.Diff(report, got); diff != "" {
		r.Errorf("report (-want +got):\n%s", diff)
	}
	for range 1000 {
		report.Sources = append(report.Sources, feed.SourceReport{Source: "a", Name: "One of many", Outcome: feed.OutcomeNotModified})
	}
	r.must(r.SaveRun(r.ctx, report))
	got, err = r.Store.Run(r.ctx, "one")
	r.must(err)
	if diff := cmp.Diff(report, got); diff != "" {
		r.Errorf("long report (-want +got):\n%s", diff)
	}
	for i := range 510 {
		r.must(r.SaveRun(r.ctx, feed.Report{ID: fmt.Sprintf("%03d", i), Started: day.Add(time.Duration(i+1) * time.Minute)}))
	}
	all, err := r.Runs(r.ctx, 1000)
	r.must(err)
	if len(all) != 500 || all[0].ID != "509" || all[499].ID != "010" {
		r.Errorf("%d runs, from %s to %s", len(all), all[0].ID, all[len(all)-1].ID)
	}
	some, err := r.Runs(r.ctx, 2)
	r.must(err)
	if len(some) != 2 {
		r.Errorf("%d runs, want 2", len(some))
	}
	_, err = r.Store.Run(r.ctx, "one")
	r.wantCode(err, feed.CodeNotFound)
})

var _ = behaviour("a sound store passes its check", func(r *rig) {
	items := r.many("a", 3)
	r.copyOf(items[0], entry(r.source("b"), 9))
	r.must(r.Check(r.ctx))
})

var _ = behaviour("totals count what there is", func(r *rig) {
	items := r.many("a", 3)
	r.copyOf(items[0], entry(r.source("b"), 9))
	r.hold(entry(r.named("b"), 10))
	r.publish(entry(r.named("b"), 11)) // waits
	r.must(r.RemoveSource(r.ctx, "b", false, day))
	n, err := r.Totals(r.ctx)
	r.must(err)
	if diff := cmp.Diff(store.Totals{Sources: 1, Items: 3, Entries: 6, Held: 1}, n); diff != "" {
		r.Errorf("totals (-want +got):\n%s", diff)
	}
})

var _ = behaviour("several programs may open a new store at once", func(r *rig) {
	fresh := r.options
	if fresh.Path != "" {
		fresh.Path = filepath.Join(r.TempDir(), "new.db")
	} else {
		fresh = store.Options{DSN: newDatabase(r)}
	}
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			s, err := store.Open(r.ctx, fresh)
			if err != nil {
				r.Error(err)
				return
			}
			defer s.Close()
			if _, err := s.FeedID(r.ctx, "x"); err != nil {
				r.Error(err)
			}
		})
	}
	all.Wait()
})

func TestOptionsThatCannotBe(t *testing.T) {
	for _, o := range []store.Options{{}, {DSN: "mysql://x/y"}, {DSN: "::"}} {
		if _, err := store.Open(t.Context(), o); feed.CodeOf(err) != feed.CodeInvalid {
			t.Errorf("Open(%+v): %v", o, err)
		}
	}
}

func TestADatabaseThatDoesNotAnswerIsSaidWithoutItsPassword(t *testing.T) {
	_, err := store.Open(t.Context(), store.Options{DSN: "postgres://me:secret@127.0.0.1:1/x?connect_timeout=2"})
	if feed.CodeOf(err) != feed.CodeUnavailable || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}

func TestAFolderThatIsNotThereIsSaid(t *testing.T) {
	_, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "no", "x.db")})
	if feed.CodeOf(err) != feed.CodeUnavailable || !strings.Contains(err.Error(), fmt.Sprint("user id ", os.Getuid())) {
		t.Errorf("error %v", err)
	}
}
