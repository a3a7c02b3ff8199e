package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // database/sql driver "pgx"
)

// postgres is a PostgreSQL of our own, from the programs that are installed, with
// the settings that it has by itself: what is committed is on disk.
type postgres struct {
	dir, bin string
	attr     *syscall.SysProcAttr
	cmd      *exec.Cmd
	ended    chan struct{}
}

const superuser = "tributary"

// newPostgres makes one in a folder that is its own, and starts it.
func newPostgres(dir string) (*postgres, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is right
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		return nil, errors.New("PostgreSQL is not installed (Debian: apt-get install postgresql)")
	}
	p := &postgres{dir: dir, bin: filepath.Dir(found[0]), attr: &syscall.SysProcAttr{}}
	if err := p.disown(); err != nil {
		return nil, err
	}
	initdb := p.command("initdb", "-D", p.data(), "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return p, p.start()
}

func (p *postgres) data() string { return filepath.Join(p.dir, "data") }

// disown has it run as somebody else where we are root, which it refuses to be.
func (p *postgres) disown() error {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, _ := strconv.Atoi(u.Uid) // numbers on Unix
	gid, _ := strconv.Atoi(u.Gid)
	p.attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(p.dir, uid, gid)
}

func (p *postgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	cmd.Dir, cmd.SysProcAttr = p.dir, p.attr
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PG") })
	return cmd
}

// start starts it and waits until it answers. Beside its own settings it has more
// connections, and the memory for pages that its manual advises for a small machine.
func (p *postgres) start() error {
	log, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // it has its own
	args := []string{"-D", p.data(), "-k", p.dir, "-c", "listen_addresses=", "-c", "max_connections=200", "-c", "shared_buffers=256MB"}
	if p.counts() {
		args = append(args, "-c", "shared_preload_libraries=pg_stat_statements")
	}
	p.cmd = p.command("postgres", args...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return err
	}
	cmd, ended := p.cmd, make(chan struct{})
	p.ended = ended
	go func() {
		_ = cmd.Wait() // how it ends is up to us
		close(ended)
	}()
	for range 600 {
		if err = p.do("postgres", "SELECT 1"); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	said, _ := os.ReadFile(log.Name()) // shown as far as it is there
	return fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, said)
}

// counts tells whether it can count what statements take.
func (p *postgres) counts() bool {
	_, err := os.Stat(filepath.Join(p.bin, "..", "lib", "pg_stat_statements.so"))
	return err == nil
}

// statements are those that have taken longest since the last call, with their share of the
// time of all; nil where they are not counted.
func (p *postgres) statements() (longest []string, err error) {
	if !p.counts() {
		return nil, nil
	}
	db, err := sql.Open("pgx", p.dsn("postgres"))
	if err != nil {
		return nil, err
	}
	defer db.Close() // nothing is pending
	if _, err := db.Exec(`CREATE EXTENSION IF NOT EXISTS pg_stat_statements`); err != nil {
		return nil, err
	}
	rows, err := db.Query(`SELECT ROUND(100 * total_exec_time / SUM(total_exec_time) OVER ()), calls, total_exec_time / calls,
		LEFT(REGEXP_REPLACE(query, '\s+', ' ', 'g'), 100) FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 8`)
	if err != nil {
		return nil, err
	}
	defer rows.Close() // read to its end
	for rows.Next() {
		var share, each float64
		var calls int
		var text string
		if err := rows.Scan(&share, &calls, &each, &text); err != nil {
			return nil, err
		}
		longest = append(longest, fmt.Sprintf("%2.0f %% in %d calls of %.2f ms: %s", share, calls, each, text))
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	_, err = db.Exec(`SELECT pg_stat_statements_reset()`)
	return longest, err
}

// stop is a fast shutdown: all connections are ended.
func (p *postgres) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGINT) // it may have ended by itself
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// dsn is the URL of a database in it.
func (p *postgres) dsn(database string) string {
	return (&url.URL{Scheme: "postgres", User: url.User(superuser), Path: "/" + database,
		RawQuery: url.Values{"host": {p.dir}, "sslmode": {"disable"}}.Encode()}).String()
}

// do runs a statement in a database.
func (p *postgres) do(database, statement string) error {
	db, err := sql.Open("pgx", p.dsn(database))
	if err != nil {
		return err
	}
	defer db.Close() // nothing is pending
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// cpu is what it has used since it was started, with all of its processes.
func (p *postgres) cpu() time.Duration {
	total := cpuOf(p.cmd.Process.Pid, true)
	for _, pid := range childrenOf(p.cmd.Process.Pid) {
		total += cpuOf(pid, false)
	}
	return total
}
