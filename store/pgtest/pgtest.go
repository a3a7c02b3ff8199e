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
	bin := programs()
	if bin == "" {
		tb.Skip("PostgreSQL is not installed (Debian: apt-get install postgresql): not tested with it")
	}
	dir, err := os.MkdirTemp("", "pg") // short: a socket's path has 107 characters at most
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	attr := ownTo(tb, dir)
	data := filepath.Join(dir, "data")
	run(tb, attr, dir, filepath.Join(bin, "initdb"), "-D", data, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	serve(tb, attr, dir, filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=",
		"-c", "log_min_messages=log", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=100", "-c", "shared_buffers=32MB")
	dsn = (&url.URL{Scheme: "postgres", User: url.User(superuser), Path: "/postgres",
		RawQuery: url.Values{"host": {dir}, "sslmode": {"disable"}}.Encode()}).String()
	await(tb, dsn)
	return New(tb, dsn)
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

// serve runs the server until the test ends.
func serve(tb testing.TB, attr *syscall.SysProcAttr, dir, program string, args ...string) {
	tb.Helper()
	var out bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.SysProcAttr, cmd.Env, cmd.Stdout, cmd.Stderr = dir, attr, environment(), &out, &out
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
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGINT) // fast shutdown; it may be gone already
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
		if tb.Failed() {
			tb.Logf("PostgreSQL said:\n%s", out.Bytes())
		}
	})
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
