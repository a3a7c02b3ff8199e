package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tributary/feed"
	"tributary/store"
)

// A test binary that finds this variable is another process for a test. Its
// value is what to do and the database's path.
const childVariable = "TRIBUTARY_TEST_CHILD"

func TestMain(m *testing.M) {
	what, path, isChild := strings.Cut(os.Getenv(childVariable), " ")
	if !isChild {
		goleak.VerifyTestMain(m)
		return
	}
	if err := map[string]func(string) error{"write": writeForEver, "share": writeInTurn, "lock": lockForEver}[what](path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// lockForEver takes the run lock, and says so.
func lockForEver(path string) error {
	s, err := store.Open(context.Background(), store.Options{Path: path})
	if err != nil {
		return err
	}
	if _, err := s.TryLock(context.Background()); err != nil {
		return err
	}
	fmt.Println("locked")
	select {}
}

// writeForEver commits batches without a pause.
func writeForEver(path string) error { return write(path, func(time.Duration) {}) }

// writeInTurn leaves as much time between batches as they take: SQLite looks
// for a free moment only every 100 ms, and a writer without a pause has none.
func writeInTurn(path string) error { return write(path, time.Sleep) }

// write commits batches of 20 entries that found items, says the number of
// each once it is committed, and pauses by how long it took.
func write(path string, pause func(time.Duration)) error {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{Path: path})
	if err != nil {
		return err
	}
	src, err := s.Source(ctx, "a")
	if err != nil {
		return err
	}
	n, err := s.Totals(ctx)
	if err != nil {
		return err
	}
	for batch := n.Entries / 20; ; batch++ {
		began := time.Now()
		if err := s.Write(ctx, func(t *store.Tx) error { return writeBatch(ctx, t, src, batch) }); err != nil {
			return err
		}
		fmt.Println(batch)
		pause(time.Since(began))
	}
}

func writeBatch(ctx context.Context, t *store.Tx, src feed.Source, batch int) error {
	for i := range 20 {
		n := int64(batch*20 + i + 1)
		item := feed.Item{ID: fmt.Sprintf("%08x-0000-5000-8000-000000000000", n), Published: day, Updated: day}
		if err := t.InsertItem(ctx, &item, "run"); err != nil {
			return err
		}
		e := entry(src, n)
		e.ItemID = item.RowID
		if err := t.InsertEntry(ctx, e); err != nil {
			return err
		}
	}
	if err := t.SaveSource(ctx, src.ID, feed.Channel{}, feed.SourceState{Status: feed.StatusOK, Fetches: int64(batch + 1)}); err != nil {
		return err
	}
	_, err := t.Admit(ctx, nil, day)
	return err
}

// child starts another process.
func child(t *testing.T, what, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+what+" "+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		io.Copy(io.Discard, out)
		cmd.Wait() // it was killed
	})
	return cmd, bufio.NewScanner(out)
}

func sqliteRig(t *testing.T) *rig {
	o := store.Options{Path: filepath.Join(t.TempDir(), "tributary.db")}
	return &rig{T: t, Store: open(t, o), options: o, ctx: t.Context()}
}

func TestKillAnywhereLosesNothingThatWasCommitted(t *testing.T) {
	r := sqliteRig(t)
	src := r.source("a")
	for range 12 {
		cmd, lines := child(t, "write", r.options.Path)
		said := -1
		for range 1 + rand.IntN(30) {
			if !lines.Scan() {
				t.Fatal("the other process ended")
			}
			fmt.Sscan(lines.Text(), &said)
		}
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond) // any moment will do
		cmd.Process.Kill()
		for lines.Scan() {
			fmt.Sscan(lines.Text(), &said)
		}
		cmd.Wait() // it was killed
		r.must(r.Check(r.ctx))
		n, err := r.Totals(r.ctx)
		r.must(err)
		batches := int(r.named("a").State.Fetches)
		if batches < said+1 || n.Entries != 20*batches || n.Items != n.Entries {
			t.Fatalf("batch %d was said to be committed; there are %d, with %d entries and %d items", said, batches, n.Entries, n.Items)
		}
	}
	listed, err := r.Listed(r.ctx, src.ID)
	if r.must(err); len(listed) != 20*int(r.named("a").State.Fetches) {
		t.Errorf("%d entries are listed", len(listed))
	}
}

func TestNoReaderOfAnyProcessEverFindsTheDatabaseLocked(t *testing.T) {
	r := sqliteRig(t)
	src := r.source("a")
	_, lines := child(t, "share", r.options.Path)
	other := open(t, r.options) // as a process of its own would
	ctx, cancel := context.WithCancel(r.ctx)
	var all sync.WaitGroup
	for i := range 32 {
		s := []*store.Store{r.Store, other}[i%2]
		all.Go(func() {
			for last := int64(0); ctx.Err() == nil; {
				window, _, err := s.Window(r.ctx)
				if err != nil {
					t.Error(err)
					return
				}
				if len(window) > 0 && window[0].Place < last {
					t.Errorf("place %d after %d", window[0].Place, last)
				} else if len(window) > 0 {
					last = window[0].Place
				}
				if _, err := s.Listed(r.ctx, src.ID); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Go(func() { // we write too, now and then
		for i := 0; ctx.Err() == nil; i++ {
			if err := r.SaveRun(r.ctx, feed.Report{ID: fmt.Sprint(i), Started: day}); err != nil {
				t.Error(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	for range 30 {
		if !lines.Scan() {
			t.Error("the other process ended")
			break
		}
	}
	cancel()
	all.Wait()
}

func TestTheRunLockDiesWithItsProcess(t *testing.T) {
	r := sqliteRig(t)
	cmd, lines := child(t, "lock", r.options.Path)
	if !lines.Scan() {
		t.Fatal("the other process ended")
	}
	_, err := r.TryLock(r.ctx)
	r.wantCode(err, feed.CodeConflict)
	if want := fmt.Sprint("process ", cmd.Process.Pid); !strings.Contains(err.Error(), want) {
		t.Errorf("%v: does not name the %s", err, want)
	}
	cmd.Process.Kill()
	cmd.Wait() // it was killed
	release, err := r.TryLock(r.ctx)
	r.must(err)
	release()
}
