//go:build unix

package cluster

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"tributary/feed"
	"tributary/ingest/fetch"
	"tributary/store/pgtest"
)

const (
	childDSN  = "TRIBUTARY_TEST_HOSTS_DSN"
	childPort = "TRIBUTARY_TEST_HOSTS_PORT"

	quickLease = 2 * time.Second
	quickTrust = 1500 * time.Millisecond
)

// TestAskHosts is one of the processes of the test below.
func TestAskHosts(t *testing.T) {
	dsn, port := os.Getenv(childDSN), os.Getenv(childPort)
	if dsn == "" {
		t.Skip("another test runs it")
	}
	db, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	member := &quick{db: db}
	hosts := NewHosts(db, member)
	go hosts.Run(t.Context())
	client := fetch.New(fetch.Options{AllowPrivate: true, Hosts: hosts})
	for range 8 {
		go func() {
			for {
				url := fmt.Sprintf("http://127.0.8.%d:%s/", 1+rand.N(10), port)
				client.Get(t.Context(), feed.Source{Kind: feed.KindFeed, URL: url}, false)
			}
		}()
	}
	for {
		member.beat(t.Context())
		time.Sleep(quickLease / 8)
	}
}

// quick is a member with a short lease.
type quick struct {
	db    *pgxpool.Pool
	mu    sync.Mutex
	id    string
	trust time.Time
}

func (q *quick) ID() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !time.Now().Before(q.trust) {
		return ""
	}
	return q.id
}

func (q *quick) Valid() bool { return q.ID() != "" }

func (q *quick) beat(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, quickLease)
	defer cancel()
	begun, id := time.Now(), q.ID()
	query := `UPDATE worker SET until = ` + clock + ` + $2 WHERE id = $1 AND until > ` + clock
	if id == "" {
		id, query = uuid.NewString(), `INSERT INTO worker (id, name, role, seeds, started, until) VALUES ($1, '', '', 0, 0, `+clock+` + $2)`
	}
	if tag, err := q.db.Exec(ctx, query, id, quickLease.Milliseconds()); err != nil || tag.RowsAffected() == 0 {
		return
	}
	if _, err := q.db.Exec(ctx, `DELETE FROM worker WHERE until < `+clock); err != nil { // the dead are buried
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.id, q.trust = id, begun.Add(quickTrust)
}

func TestProcessesAreKilledAndStoppedAndNoHostIsAskedTwiceAtATime(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	cluster := pgtest.StartCluster(t)
	dsn := hostsDatabase(t, cluster.DSN())
	seen, port := newCrowd(t, func(w http.ResponseWriter, _ string) { w.Write([]byte(aFeed)) })
	children := make([]*exec.Cmd, 4)
	for i := range children {
		children[i] = startChild(t, dsn, port)
	}
	for round := range 3 {
		time.Sleep(time.Second)
		stopped := children[round%4]
		stopped.Process.Signal(syscall.SIGSTOP)
		i := (round + 1) % 4
		children[i].Process.Kill()
		children[i].Wait()
		children[i] = startChild(t, dsn, port)
		if round == 1 {
			cluster.Stop()
			cluster.Start()
		}
		time.Sleep(quickLease + time.Second) // others have what it had by now
		stopped.Process.Signal(syscall.SIGCONT)
	}
	before := seen.count()
	eventually(t, "work goes on", func() bool { return seen.count() > before+100 })
	for _, c := range children {
		c.Process.Kill()
		c.Wait()
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	t.Logf("%d requests", seen.requests)
	if len(seen.broken) > 0 {
		t.Errorf("%d times: %s", len(seen.broken), seen.broken[0])
	}
}

func (c *crowd) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests
}

func startChild(t *testing.T, dsn, port string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAskHosts$", "-test.timeout=5m")
	c.Env = append(os.Environ(), childDSN+"="+dsn, childPort+"="+port)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	return c
}
