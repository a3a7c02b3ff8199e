// Package pgtest gives tests a PostgreSQL of their own: a private cluster from
// the programs that are installed, reached by a socket in a temporary folder, gone
// when the test is.
package pgtest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // database/sql driver "pgx"
)

const superuser = "tributary"

// Start starts a cluster that lives as long as tb, and gives the URL of an empty
// database in it. Where PostgreSQL isn't installed the test is skipped.
func Start(tb testing.TB) (dsn string) {
	tb.Helper()
	return StartCluster(tb).DSN()
}

// Cluster is a PostgreSQL that a test can stop and start again, with what is in it.
type Cluster struct {
	tb        testing.TB
	dir, bin  string
	attr      *syscall.SysProcAttr
	dsn       string
	said      bytes.Buffer
	postgres  *exec.Cmd
	ended     chan struct{} // when postgres has
	suspended bool
}

// StartCluster starts a cluster that lives as long as tb. Where PostgreSQL isn't
// installed the test is skipped.
func StartCluster(tb testing.TB) *Cluster {
	tb.Helper()
	bin := programs()
	if bin == "" {
		tb.Skip("PostgreSQL is not installed (Debian: apt-get install postgresql): not tested with it")
	}
	dir, err := os.MkdirTemp("", "pg") // short: a socket's path has 107 characters at most
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	c := &Cluster{tb: tb, dir: dir, bin: bin, attr: ownTo(tb, dir)}
	run(tb, c.attr, dir, filepath.Join(bin, "initdb"), "-D", c.data(), "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	tb.Cleanup(c.end)
	c.Start()
	first := (&url.URL{Scheme: "postgres", User: url.User(superuser), Path: "/postgres",
		RawQuery: url.Values{"host": {dir}, "sslmode": {"disable"}}.Encode()}).String()
	await(tb, first)
	c.dsn = New(tb, first)
	return c
}

// DSN is the URL of a database in it, which was empty at first. For others there is [New].
func (c *Cluster) DSN() string { return c.dsn }

// Socket is the path of the socket that it listens on.
func (c *Cluster) Socket() string { return filepath.Join(c.dir, ".s.PGSQL.5432") }

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// Start starts it again after Stop, and does not wait until it answers.
func (c *Cluster) Start() {
	c.tb.Helper()
	c.serve(filepath.Join(c.bin, "postgres"), "-D", c.data(), "-k", c.dir, "-c", "listen_addresses=",
		"-c", "log_min_messages=log", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=100", "-c", "shared_buffers=32MB")
}

// Stop stops it at once, as pg_ctl stop -m immediate does: what was committed is
// found again at the next start.
func (c *Cluster) Stop() {
	c.stop(syscall.SIGQUIT)
}

// Suspend has it answer nobody any more, though it keeps all connections, until
// Resume or Stop.
func (c *Cluster) Suspend() {
	c.signalAll(syscall.SIGSTOP)
	c.suspended = true
}

// Resume ends Suspend.
func (c *Cluster) Resume() {
	c.signalAll(syscall.SIGCONT)
	c.suspended = false
}

var databases atomic.Int64

// New makes another empty database in the cluster that dsn, from [Start], belongs
// to. It goes when the cluster does.
func New(tb testing.TB, dsn string) string {
	tb.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	name := fmt.Sprint("test", databases.Add(1))
	if _, err := db.Exec("CREATE DATABASE " + name + " TEMPLATE template0"); err != nil {
		tb.Fatal(err)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		tb.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// programs is the folder of initdb and postgres, of the newest version there is.
func programs() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is right
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	if len(found) > 0 {
		return filepath.Dir(found[0])
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	return ""
}

func version(initdb string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb)))) // 0 for an odd name
	return n
}

// ownTo prepares to run as somebody else when root, as PostgreSQL demands, and
// gives that user the folder.
func ownTo(tb testing.TB, dir string) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{}
	dieWithParent(attr)
	if os.Getuid() != 0 {
		return attr
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		tb.Skip("PostgreSQL does not run as root, and there is no user postgres or nobody: not tested with it")
	}
	uid, _ := strconv.Atoi(u.Uid) // numbers on Unix
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		tb.Fatal(err)
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr
}

func run(tb testing.TB, attr *syscall.SysProcAttr, dir, program string, args ...string) {
	tb.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.SysProcAttr, cmd.Env = dir, attr, environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// environment is ours without what would steer PostgreSQL.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PG") })
}

// serve runs the server.
func (c *Cluster) serve(program string, args ...string) {
	c.tb.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.SysProcAttr, cmd.Env, cmd.Stdout, cmd.Stderr = c.dir, c.attr, environment(), &c.said, &c.said
	started, ended := make(chan error), make(chan struct{})
	go func() {
		// The server dies with the thread that started it, if the test is killed.
		runtime.LockOSThread()
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait() // how it ends is up to us
		}
	}()
	if err := <-started; err != nil {
		c.tb.Fatal(err)
	}
	c.postgres, c.ended = cmd, ended
}

// stop ends the server by a signal. It may be gone already.
func (c *Cluster) stop(signal syscall.Signal) {
	if c.suspended {
		c.Resume()
	}
	c.postgres.Process.Signal(signal)
	select {
	case <-c.ended:
	case <-time.After(20 * time.Second):
		c.postgres.Process.Kill()
		<-c.ended
	}
}

func (c *Cluster) end() {
	c.stop(syscall.SIGINT) // fast shutdown
	if c.tb.Failed() {
		c.tb.Logf("PostgreSQL said:\n%s", c.said.Bytes())
	}
}

// signalAll sends a signal to the server and the processes that it has for its
// connections, the server first, so that it starts no more of them.
func (c *Cluster) signalAll(signal syscall.Signal) {
	c.tb.Helper()
	server := c.postgres.Process.Pid
	all := []int{server}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	if len(stats) == 0 {
		c.tb.Skip("there is no /proc here to find PostgreSQL's processes in")
	}
	syscall.Kill(server, signal)
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// "pid (name) state parent …"
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file))); len(fields) > 1 && fields[1] == strconv.Itoa(server) {
			all = append(all, pid)
		}
	}
	for _, pid := range all[1:] {
		syscall.Kill(pid, signal)
	}
}

// await waits until the server lets us in.
func await(tb testing.TB, dsn string) {
	tb.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	for err = db.PingContext(ctx); err != nil; err = db.PingContext(ctx) {
		if ctx.Err() != nil {
			tb.Fatalf("PostgreSQL did not start: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
