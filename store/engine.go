package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"tributary/feed"
)

// engine is what differs between SQLite and PostgreSQL.
type engine interface {
	name() string
	dialect() goose.Dialect
	open(ctx context.Context) (writer, reader *sql.DB, err error)
	text(query string) string                  // as the driver likes it best
	updates() int                              // how many rows to update in one statement
	notifies() string                          // the statement of a transaction that moves the change number; "": none
	skipTaken() string                         // of a choice of rows to take: but for those that others are taking
	mend(ctx context.Context, err error) error // gives an error its code and advice
	tryLock(ctx context.Context, db *sql.DB) (release func(), err error)
	check(ctx context.Context, p *pool) error

	document(words string, place int64) string // as it is indexed
	indexing(rows int) string                  // the statement to index so many places, each with its document
	match(m match) []string                    // conditions, as it is looked for
	// windows are where to look for what was published until then, one after the other.
	windows(ctx context.Context, s session, before, until int64) ([]window, error)
	// finding is the query for rows of items that meet so many conditions: before and from of a
	// window, published from and until, publishers, the conditions. What it ends with is about i.
	finding(conditions int) string
	backup(ctx context.Context, path string) error
}

func engineFor(o Options) (engine, error) {
	switch {
	case o.DSN != "":
		u, err := url.Parse(o.DSN)
		if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
			return nil, feed.Errorf(feed.CodeInvalid, "the database URL must be like postgres://user:password@host/database")
		}
		return postgresEngine{dsn: o.DSN, where: u.Redacted()}, nil
	case o.Path == "":
		return nil, feed.Errorf(feed.CodeInvalid, "the store needs the path of a file or a postgres:// URL")
	}
	path, err := filepath.Abs(o.Path)
	return sqliteEngine{path}, err
}

//go:embed migrations
var migrations embed.FS

// migrate brings the schema up to date. It waits for the run lock, since
// another program may be in the middle of a run on the schema of before.
func (s *Store) migrate(ctx context.Context) error {
	dir, err := fs.Sub(migrations, "migrations/"+s.engine.name())
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(s.engine.dialect(), s.writer.db, dir, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	all := p.ListSources()
	latest := all[len(all)-1].Version
	if there := s.schema(ctx); there == latest || there > latest && s.compatible(ctx) <= latest {
		return nil
	} else if there > latest {
		return feed.Errorf(feed.CodeConflict, "the database has schema %d, made by a newer program; this one knows schema %d: "+
			"use the newer program, or a backup from before the upgrade", there, latest)
	}
	release, err := s.waitLock(ctx)
	if err != nil {
		return err
	}
	defer release()
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring the database to schema %d: %w", latest, s.engine.mend(ctx, err))
	}
	return nil
}

// schema is the version that the database has, 0 if it has none yet.
func (s *Store) schema(ctx context.Context) (v int64) {
	if err := s.writer.db.QueryRowContext(ctx, `SELECT MAX(version_id) FROM goose_db_version`).Scan(&v); err != nil {
		return 0 // what is really wrong shows when the migration is tried
	}
	return v
}

// compatible is the oldest schema whose programs still do right on the one that the
// database has: so that old and new programs can run side by side during an upgrade.
func (s *Store) compatible(ctx context.Context) (v int64) {
	if err := s.writer.db.QueryRowContext(ctx, `SELECT compatible FROM meta`).Scan(&v); err != nil {
		return math.MaxInt64
	}
	return v
}

// waitLock waits for the run lock.
func (s *Store) waitLock(ctx context.Context) (func(), error) {
	for {
		release, err := s.TryLock(ctx)
		if feed.CodeOf(err) != feed.CodeConflict {
			return release, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// ended is the error of a context that has ended, which explains any other.
func ended(ctx context.Context, err error) (error, bool) {
	if err == nil {
		return nil, true
	}
	if cause := ctx.Err(); cause != nil {
		return cause, true
	}
	var ours *feed.Error
	return err, errors.As(err, &ours)
}

// sqliteEngine is one file, with its -wal and -shm beside it.
type sqliteEngine struct{ path string }

func (sqliteEngine) name() string           { return "sqlite" }
func (sqliteEngine) dialect() goose.Dialect { return goose.DialectSQLite3 }

// busyTimeout is how long a statement waits for another process that writes.
const busyTimeout = 60 * time.Second

// Readers are few: a query takes less than a millisecond, a connection up to
// 2 MB of page cache.
const sqliteReaders = 8

func (e sqliteEngine) open(ctx context.Context) (writer, reader *sql.DB, err error) {
	if err := e.create(); err != nil {
		return nil, nil, err
	}
	if writer, err = sql.Open("sqlite", e.dsn("_txlock=immediate&_journal_mode=WAL"+
		"&_pragma=cache_size(-8000)&_pragma=wal_autocheckpoint(2000)&_pragma=journal_size_limit(33554432)")); err != nil {
		return nil, nil, err
	}
	writer.SetMaxOpenConns(1)
	if reader, err = sql.Open("sqlite", e.dsn("_query_only=1&_pragma=cache_size(-2000)")); err != nil {
		return nil, nil, errors.Join(err, writer.Close())
	}
	reader.SetMaxOpenConns(sqliteReaders)
	reader.SetMaxIdleConns(sqliteReaders)
	reader.SetConnMaxIdleTime(5 * time.Minute)
	if err := e.firstContact(ctx, writer); err != nil {
		return nil, nil, errors.Join(e.mend(ctx, err), writer.Close(), reader.Close())
	}
	return writer, reader, nil
}

// create makes the file if there is none: it will hold addresses with passwords,
// so nobody else may read it. One that is there must not be touched, for closing it
// would give up the locks that this process has on it (fcntl(2)).
func (e sqliteEngine) create() error {
	f, err := os.OpenFile(e.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return feed.Errorf(feed.CodeUnavailable, "the database cannot be made: %w; the folder must exist and user id %d "+
			"must be able to write in it", err, os.Getuid())
	}
	return f.Close()
}

// dsn keeps temporary tables in memory: they are small, and a container may have
// no folder for temporary files.
func (e sqliteEngine) dsn(options string) string {
	return "file:" + (&url.URL{Path: e.path}).EscapedPath() + fmt.Sprintf("?_busy_timeout=%d", busyTimeout.Milliseconds()) +
		"&_synchronous=NORMAL&_dqs=0&_error_rc=1&_pragma=temp_store(MEMORY)&" + options
}

// firstContact makes the first connection. To turn a new file to WAL, SQLite
// needs it alone and does not wait for it: another process may be at it too.
func (e sqliteEngine) firstContact(ctx context.Context, db *sql.DB) error {
	for try := time.Duration(1); ; try++ {
		err := db.PingContext(ctx)
		var busy *sqlite.Error
		if !errors.As(err, &busy) || busy.Code()&0xff != sqlite3.SQLITE_BUSY || try > 100 {
			return err
		}
		time.Sleep(try * time.Millisecond)
	}
}

// skipTaken: there is one writer at a time.
func (sqliteEngine) skipTaken() string { return "" }

// text turns $1 into a plain ?, where placeholders come in their order. To SQLite
// $1 is a name, and a long list of names is searched from its start for each.
func (sqliteEngine) text(query string) string {
	parts := strings.Split(query, "$")
	for i, part := range parts[1:] {
		rest, found := strings.CutPrefix(part, strconv.Itoa(i+1))
		if !found || rest != "" && rest[0] >= '0' && rest[0] <= '9' {
			return query
		}
		parts[i+1] = rest
	}
	return strings.Join(parts, "?")
}

// updates: one by one, for updating several copies each page first (see the first
// migration), and a statement costs 2 µs.
func (sqliteEngine) updates() int { return 1 }

func (e sqliteEngine) mend(ctx context.Context, err error) error {
	if err, done := ended(ctx, err); done {
		return err
	}
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return err
	}
	switch se.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return feed.Errorf(feed.CodeConflict, "it is in the database already: %w", err)
	}
	switch se.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return feed.Errorf(feed.CodeUnavailable, "another program has been writing to %s for %v: find and stop it (%w)", e.path, busyTimeout, err)
	case sqlite3.SQLITE_FULL:
		return feed.Errorf(feed.CodeUnavailable, "no room left for %s: free some space (%w)", e.path, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return feed.Errorf(feed.CodeUnavailable, "%s is damaged, or no database: put a backup in its place (%w)", e.path, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR:
		return feed.Errorf(feed.CodeUnavailable, "%s cannot be read or written: user id %d needs to write the file and its folder (%w)",
			e.path, os.Getuid(), err)
	}
	return err
}

func (e sqliteEngine) tryLock(context.Context, *sql.DB) (func(), error) {
	return lockFile(e.path + ".lock")
}

// check reads every page. Whether each index has just what its table has is left
// out: that jumps about in the file for every row and index. It takes a connection of
// its own: to check the index of the search, one that has used it before goes by what it
// remembers, even if another process has written since.
func (e sqliteEngine) check(ctx context.Context, _ *pool) error {
	db, err := sql.Open("sqlite", e.dsn("_query_only=1&_pragma=cache_size(-2000)"))
	if err != nil {
		return err
	}
	p := newPool(db, e)
	defer p.close()
	var found []string
	err = p.each(ctx, `PRAGMA quick_check(10)`, nil, func(scan scanner) error {
		var line string
		err := scan(&line)
		found = append(found, line)
		return err
	})
	if err == nil && (len(found) != 1 || found[0] != "ok") {
		err = feed.Errorf(feed.CodeUnavailable, "%s is damaged (%s): put a backup in its place", e.path, strings.Join(found, "; "))
	}
	return err
}

// backup copies by VACUUM INTO, which reads one snapshot. The name is claimed
// first, and the copy takes it when it is whole and on disk.
func (e sqliteEngine) backup(ctx context.Context, path string) (err error) {
	claim, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return feed.Errorf(feed.CodeConflict, "%s is there already: give the backup another name", path)
	} else if err != nil {
		return feed.Errorf(feed.CodeUnavailable, "the backup cannot be written: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(path)
		}
	}()
	part := fmt.Sprintf("%s.part-%d", path, os.Getpid())
	defer os.Remove(part)
	if err := errors.Join(claim.Close(), e.vacuumInto(ctx, part)); err != nil {
		return err
	}
	return os.Rename(part, path)
}

func (e sqliteEngine) vacuumInto(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", e.dsn("_pragma=cache_size(-2000)"))
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, `VACUUM INTO $1`, path); err != nil {
		return e.mend(ctx, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Sync(), f.Close())
}

// postgresEngine is a database on a server.
type postgresEngine struct{ dsn, where string }

func (postgresEngine) name() string           { return "postgres" }
func (postgresEngine) dialect() goose.Dialect { return goose.DialectPostgres }

// lookUps are settings for who looks up some rows at a time in large tables: by
// index. For some hundreds the server would rather read all items, if they are some
// ten thousand, and do for each of them what is to be done for the hundreds.
var lookUps = map[string]string{"enable_hashjoin": "off", "enable_mergejoin": "off"}

func (e postgresEngine) open(ctx context.Context) (writer, reader *sql.DB, err error) {
	if writer, err = e.connect(lookUps); err != nil {
		return nil, nil, err
	}
	writer.SetMaxOpenConns(1)
	if reader, err = e.connect(nil); err != nil {
		return nil, nil, err
	}
	reader.SetMaxOpenConns(16)
	reader.SetMaxIdleConns(8)
	reader.SetConnMaxIdleTime(5 * time.Minute)
	if err := writer.PingContext(ctx); err != nil {
		return nil, nil, errors.Join(e.mend(ctx, err), writer.Close(), reader.Close())
	}
	return writer, reader, nil
}

func (postgresEngine) text(query string) string { return query }

func (postgresEngine) skipTaken() string { return ` FOR UPDATE SKIP LOCKED` }

// updates: many, for each statement is a journey to the server and back.
func (postgresEngine) updates() int { return maxRows }

func (e postgresEngine) mend(ctx context.Context, err error) error {
	if err, done := ended(ctx, err); done {
		return err
	}
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		return feed.Errorf(feed.CodeUnavailable, "the database %s does not answer: %w", e.where, awayError{err})
	}
	switch {
	case pe.Code == "23505": // unique_violation
		return feed.Errorf(feed.CodeConflict, "it is in the database already: %w", err)
	case strings.HasPrefix(pe.Code, "08"), strings.HasPrefix(pe.Code, "28"), strings.HasPrefix(pe.Code, "3D"),
		strings.HasPrefix(pe.Code, "53"), strings.HasPrefix(pe.Code, "57P"):
		// no connection, not let in, no such database, no room, shutting down
		return feed.Errorf(feed.CodeUnavailable, "the database %s cannot be used now: %w", e.where, awayError{err})
	}
	return err
}

// runLock is the key of the advisory lock, one in each schema.
const runLock = `hashtext('tributary run lock'), hashtext(current_schema())`

func (e postgresEngine) tryLock(ctx context.Context, db *sql.DB) (func(), error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, e.mend(ctx, err)
	}
	var got bool
	if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock(`+runLock+`)`).Scan(&got); err != nil {
		return nil, e.mend(ctx, errors.Join(err, conn.Close()))
	}
	if !got {
		return nil, errors.Join(errLocked(""), conn.Close())
	}
	return func() {
		// The lock belongs to the session: if it cannot be given back, end that.
		if _, err := conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock(`+runLock+`)`); err != nil {
			conn.Raw(func(any) error { return driver.ErrBadConn })
		}
		conn.Close()
	}, nil
}

// check: the server looks after its own files.
func (postgresEngine) check(context.Context, *pool) error { return nil }

func (e postgresEngine) backup(context.Context, string) error {
	return feed.Errorf(feed.CodeInvalid, "a PostgreSQL database is backed up by its own tools: pg_dump --format=custom --file=FILE %s", e.where)
}
