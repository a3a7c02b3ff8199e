package store_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tributary/feed"
	"tributary/store"
	"tributary/store/pgtest"
)

// listening listens until the test ends, past the first signal.
func listening(t *testing.T, s *store.Store) <-chan struct{} {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	moved := s.Listen(ctx)
	t.Cleanup(func() {
		cancel()
		for range moved { // it is closed when all has ended
		}
	})
	told(t, moved, 10*time.Second)
	return moved
}

// told fails unless a signal comes in time, and gives the time that it took.
func told(t *testing.T, moved <-chan struct{}, within time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	select {
	case _, ok := <-moved:
		if !ok {
			t.Fatal("the listening has ended")
		}
	case <-time.After(within):
		t.Fatalf("nothing was told within %v", within)
	}
	return time.Since(began)
}

// silent fails if a signal comes.
func silent(t *testing.T, moved <-chan struct{}) {
	t.Helper()
	select {
	case <-moved:
		t.Error("a move was told where there was none")
	case <-time.After(200 * time.Millisecond):
	}
}

func move(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Write(t.Context(), func(tx *store.Tx) error { return tx.Changed(t.Context()) }); err != nil {
		t.Fatal(err)
	}
}

func TestAMoveIsToldToAllWhoListenOnTheSchema(t *testing.T) {
	dsn := pgtest.Start(t)
	a, b := open(t, store.Options{DSN: dsn}), open(t, store.Options{DSN: dsn})
	elsewhere := open(t, store.Options{DSN: pgtest.New(t, dsn)})
	own, other, strange := listening(t, a), listening(t, b), listening(t, elsewhere)
	move(t, a)
	for _, moved := range []<-chan struct{}{own, other} {
		t.Logf("it took %v", told(t, moved, time.Second))
	}
	silent(t, strange)
	if _, err := b.FeedID(t.Context(), "id"); err != nil { // writes, and moves nothing
		t.Fatal(err)
	}
	silent(t, other)
	for range 100 {
		move(t, b)
	}
	told(t, other, time.Second)
	time.Sleep(100 * time.Millisecond)
	n := 0
	for len(other) > 0 {
		<-other
		n++
	}
	if n > 1 {
		t.Errorf("%d signals lie there for who comes late", n)
	}
}

func TestOnSQLiteNobodyTells(t *testing.T) {
	if moved := sqliteRig(t).Listen(t.Context()); moved != nil {
		t.Error("there is a channel")
	}
}

func TestListeningGoesOnWhenTheServerIsBack(t *testing.T) {
	cluster := pgtest.StartCluster(t)
	a, b := open(t, store.Options{DSN: cluster.DSN()}), open(t, store.Options{DSN: cluster.DSN()})
	moved := listening(t, b)
	cluster.Stop()
	if _, err := a.Change(t.Context()); !store.Away(err) || feed.CodeOf(err) != feed.CodeUnavailable {
		t.Errorf("without a server: %v", err)
	}
	silent(t, moved)
	cluster.Start()
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if _, err := a.Change(t.Context()); err == nil {
			break
		} else if !store.Away(err) || time.Since(began) > time.Minute {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
	}
	told(t, moved, 2*time.Second) // of what was missed
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		err := a.Write(t.Context(), func(tx *store.Tx) error { return tx.Changed(t.Context()) })
		if err == nil {
			break
		} else if !store.Away(err) || time.Since(began) > 2*time.Second {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
	}
	told(t, moved, time.Second)
}

// frozen passes connections to PostgreSQL on, until they freeze: then what is sent
// goes nowhere, and nobody hears that it does. Later connections pass again.
type frozen struct {
	t       *testing.T
	dir, to string
	mu      sync.Mutex
	conns   []net.Conn
	freeze  chan struct{}
}

// inFront gives what connects to a database through it.
func inFront(t *testing.T, cluster *pgtest.Cluster) (*frozen, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	f := &frozen{t: t, dir: dir, to: cluster.Socket(), freeze: make(chan struct{})}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	var working sync.WaitGroup
	working.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.pass(&working, c)
		}
	})
	t.Cleanup(func() {
		l.Close()
		f.mu.Lock()
		for _, c := range f.conns {
			c.Close()
		}
		f.mu.Unlock()
		working.Wait()
		os.RemoveAll(dir)
	})
	u, err := url.Parse(cluster.DSN())
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("host", dir)
	u.RawQuery = q.Encode()
	return f, u.String()
}

func (f *frozen) pass(working *sync.WaitGroup, c net.Conn) {
	to, err := (&net.Dialer{}).DialContext(f.t.Context(), "unix", f.to)
	if err != nil {
		c.Close()
		return
	}
	f.mu.Lock()
	f.conns = append(f.conns, c, to)
	stop := f.freeze
	f.mu.Unlock()
	for _, way := range [][2]net.Conn{{c, to}, {to, c}} {
		working.Go(func() {
			b := make([]byte, 32<<10)
			for {
				n, err := way[0].Read(b)
				select {
				case <-stop:
					io.Copy(io.Discard, way[0]) // until the test ends
					return
				default:
				}
				if err == nil {
					_, err = way[1].Write(b[:n])
				}
				if err != nil {
					c.Close()
					to.Close()
					return
				}
			}
		})
	}
}

// freezeAll freezes the connections that there are.
func (f *frozen) freezeAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.freeze)
	f.freeze = make(chan struct{})
}

func TestAServerThatVanishedWithoutAWordIsNoticed(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	t.Parallel()
	cluster := pgtest.StartCluster(t)
	direct := open(t, store.Options{DSN: cluster.DSN()})
	way, dsn := inFront(t, cluster)
	moved := listening(t, open(t, store.Options{DSN: dsn}))
	way.freezeAll()
	move(t, direct) // it is not told
	if took := told(t, moved, 20*time.Second); took < time.Second {
		t.Errorf("it was told after %v, by a connection that should have been frozen", took)
	}
	move(t, direct)
	told(t, moved, time.Second)
}
