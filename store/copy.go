package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"tributary/feed"
)

// CopyOptions say which store to copy where.
type CopyOptions struct {
	From     string         // SQLite file
	To       string         // postgres://user:password@host/database, empty or half copied
	Progress func(CopyStep) // called often, by one goroutine at a time; nil: nobody looks
}

// CopyStep is how far a copy is.
type CopyStep struct {
	Doing       string // "copying", "verifying" or "indexing"
	Done, Total int64  // rows
}

// CopiedTable is a table that is the same in both stores.
type CopiedTable struct {
	Name string
	digest
}

// Copy copies a whole store from SQLite to PostgreSQL: every row of every table but
// those of the search, which it indexes anew. Nothing else may use either meanwhile. A copy
// that was broken off is gone on with by the next call; until it is whole and
// verified, [Open] refuses the target.
func Copy(ctx context.Context, o CopyOptions) ([]CopiedTable, error) {
	from, err := openAlone(ctx, o.From)
	if err != nil {
		return nil, err
	}
	defer from.Close() // nothing was written
	release, err := from.TryLock(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s is in use: %w", o.From, err)
	}
	defer release()
	to, err := connect(ctx, Options{DSN: o.To})
	if err != nil {
		return nil, err
	}
	c := &copying{from: from, to: to, where: from.engine.(sqliteEngine).path, tell: o.Progress}
	done, err := c.run(ctx)
	return done, errors.Join(err, to.Close())
}

// openAlone opens an SQLite store on one connection that keeps every other
// process out, also one that does nothing with it just now, and brings its schema up to date.
func openAlone(ctx context.Context, path string) (*Store, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, feed.Errorf(feed.CodeNotFound, "there is no database %s: name the SQLite file to copy", path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	e := sqliteEngine{path}
	db, err := sql.Open("sqlite", e.dsn("_txlock=exclusive&_pragma=busy_timeout(1000)&_pragma=locking_mode(EXCLUSIVE)&_pragma=cache_size(-8000)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	s := &Store{engine: e, writer: newPool(db, e), reader: newPool(db, e)}
	if err := s.keepOut(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// keepOut takes the lock on the file that the connection then keeps. Every program
// that has the store open stands in its way.
func (s *Store) keepOut(ctx context.Context) error {
	tx, err := s.writer.db.BeginTx(ctx, nil)
	if err == nil {
		return tx.Commit()
	}
	var busy *sqlite.Error
	if errors.As(err, &busy) && busy.Code()&0xff == sqlite3.SQLITE_BUSY {
		return feed.Errorf(feed.CodeConflict, "another program has %s open: stop it (tributary serve, most likely), so that nothing is written while it is copied",
			s.engine.(sqliteEngine).path)
	}
	return s.engine.mend(ctx, err)
}

// copying is a copy under way.
type copying struct {
	from, to *Store
	where    string // the file
	tables   []table
	tell     func(CopyStep)
	step     CopyStep
}

func (c *copying) run(ctx context.Context) ([]CopiedTable, error) {
	if err := c.to.migrate(ctx); err != nil {
		return nil, err
	}
	release, err := c.to.TryLock(ctx)
	if err != nil {
		return nil, fmt.Errorf("the database to copy to is in use: %w", err)
	}
	defer release()
	if c.tables, err = tablesToCopy(ctx, c.from, c.to); err != nil {
		return nil, err
	}
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	if err := c.copyTables(ctx); err != nil {
		return nil, err
	}
	done, err := c.verify(ctx)
	if err != nil {
		return done, err
	}
	if err := c.end(ctx); err != nil {
		return done, err
	}
	if err := c.index(ctx); err != nil && ctx.Err() == nil { // broken off, it is gone on with by whoever opens the store
		return done, err
	}
	return done, nil
}

// The table copying is there while a copy is unfinished. Its one row names what is copied.
const (
	findMark = `SELECT COALESCE(to_regclass('copying')::text, '')`
	setMark  = `CREATE TABLE copying AS SELECT %s::text AS source`
	readMark = `SELECT source FROM copying`
	dropMark = `DROP TABLE copying`
)

// unfinished is the file that the store is a half-done copy of, "" if it is none.
func (s *Store) unfinished(ctx context.Context) (file string, err error) {
	if s.engine.name() != "postgres" {
		return "", nil
	}
	var there string
	if err := s.writer.db.QueryRowContext(ctx, findMark).Scan(&there); err != nil || there == "" {
		return "", s.engine.mend(ctx, err)
	}
	err = s.writer.db.QueryRowContext(ctx, readMark).Scan(&file)
	return file, s.engine.mend(ctx, err)
}

// refuseUnfinished is an error for a store that is a half-done copy.
func (s *Store) refuseUnfinished(ctx context.Context) error {
	file, err := s.unfinished(ctx)
	if err == nil && file != "" {
		err = feed.Errorf(feed.CodeConflict, "the database is a half-done copy of %s: finish it by the same tributary migrate as before, or use an empty database", file)
	}
	return err
}

// begin sees to it that the target is empty, or a half-done copy of the same
// file, and marks it as one.
func (c *copying) begin(ctx context.Context) error {
	if err := c.refuseUsed(ctx); err != nil {
		return err
	}
	switch file, err := c.to.unfinished(ctx); {
	case err != nil:
		return err
	case file == c.where:
		return nil
	case file != "":
		return feed.Errorf(feed.CodeConflict, "the database to copy to is a half-done copy of another one, %s: finish that, or name an empty database", file)
	}
	if err := c.refuseFull(ctx); err != nil {
		return err
	}
	// The row of counts that migrations make is the only one there is.
	return c.change(ctx, `DELETE FROM meta`, fmt.Sprintf(setMark, quoteText(c.where)))
}

// refuseUsed is an error if a program is at work on the target.
func (c *copying) refuseUsed(ctx context.Context) error {
	var name string
	err := c.to.writer.db.QueryRowContext(ctx, `SELECT COALESCE(MIN(name), '') FROM worker
		WHERE until > (extract(epoch FROM clock_timestamp()) * 1000)::bigint`).Scan(&name)
	if err == nil && name != "" {
		err = feed.Errorf(feed.CodeConflict, "a program (%s) uses the database to copy to: stop it, and try again half a minute later", name)
	}
	return c.to.engine.mend(ctx, err)
}

// refuseFull is an error if the target has anything.
func (c *copying) refuseFull(ctx context.Context) error {
	for _, t := range c.tables {
		query := `SELECT EXISTS (SELECT 1 FROM ` + quote(t.name) + `)`
		if t.name == "meta" {
			query = `SELECT EXISTS (SELECT 1 FROM meta WHERE feed_id <> '' OR last_source > 0)`
		}
		var full bool
		if err := c.to.writer.db.QueryRowContext(ctx, query).Scan(&full); err != nil {
			return c.to.engine.mend(ctx, err)
		}
		if full {
			return feed.Errorf(feed.CodeConflict, "the database to copy to is not empty (table %s): name an empty one, made with createdb for instance; "+
				"if it is a finished copy, there is nothing left to do but to start the program with it", t.name)
		}
	}
	return nil
}

// change carries out statements on the target, all or none.
func (c *copying) change(ctx context.Context, statements ...string) error {
	tx, err := c.to.writer.db.BeginTx(ctx, nil)
	if err != nil {
		return c.to.engine.mend(ctx, err)
	}
	defer tx.Rollback() // does nothing after the commit
	for _, text := range statements {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return c.to.engine.mend(ctx, err)
		}
	}
	return c.to.engine.mend(ctx, tx.Commit())
}

// copyTables copies what is not there yet, and lets the server get to know it.
func (c *copying) copyTables(ctx context.Context) error {
	c.step = CopyStep{Doing: "copying"}
	var err error
	for i := range c.tables {
		if c.tables[i].rows, err = count(ctx, c.from, c.tables[i]); err != nil {
			return err
		}
		c.step.Total += c.tables[i].rows
	}
	for _, t := range c.tables {
		if err := c.copyTable(ctx, t); err != nil {
			return fmt.Errorf("copy table %s: %w", t.name, err)
		}
		if _, err := c.to.writer.db.ExecContext(ctx, `ANALYZE `+quote(t.name)); err != nil {
			return c.to.engine.mend(ctx, err)
		}
	}
	return nil
}

// advance counts rows and tells of it.
func (c *copying) advance(rows int64) {
	c.step.Done += rows
	if c.tell != nil {
		c.tell(c.step)
	}
}

// verify reads both stores and compares all that they have.
func (c *copying) verify(ctx context.Context) ([]CopiedTable, error) {
	c.step = CopyStep{Doing: "verifying", Total: c.step.Total}
	var done []CopiedTable
	var wrong []error
	for _, t := range c.tables {
		a, b, err := c.digests(ctx, t, nil)
		if err != nil {
			return done, fmt.Errorf("verify table %s: %w", t.name, err)
		}
		if done = append(done, CopiedTable{t.name, a}); !a.equal(b) {
			wrong = append(wrong, feed.Errorf(feed.CodeInternal, "table %s differs: %d rows with hash %s in %s, %d rows with hash %s in the copy",
				t.name, a.Rows, a.Hash, c.where, b.Rows, b.Hash))
		}
		c.advance(t.rows)
	}
	if wrong != nil {
		wrong = append(wrong, feed.Errorf(feed.CodeInternal, "the copy cannot be used: the same command makes these tables anew; if they differ again, please report it"))
	}
	return done, errors.Join(wrong...)
}

// digests are those of a table on both sides; of the source's rows up to a key
// only, if one is given.
func (c *copying) digests(ctx context.Context, t table, upTo []any) (from, to digest, err error) {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		from, err = digestOf(ctx, c.from, t, upTo)
		return err
	})
	g.Go(func() (err error) {
		to, err = digestOf(ctx, c.to, t, nil)
		return err
	})
	return from, to, g.Wait()
}

// end makes the copy a store that can be used: what the server counts goes on
// after what was copied, and all items are still to be indexed for the search.
func (c *copying) end(ctx context.Context) error {
	statements := []string{dropMark, `UPDATE meta SET search_below = CASE WHEN last_place > 0 THEN last_place + 1 ELSE 0 END`}
	for _, t := range c.tables {
		if t.counted == "" {
			continue
		}
		last, err := lastGiven(ctx, c.from, t)
		if err != nil {
			return err
		}
		if last > 0 {
			statements = append(statements, fmt.Sprintf(`SELECT setval(pg_get_serial_sequence(%s, %s), %d)`, quoteText(quote(t.name)), quoteText(t.counted), last))
		}
	}
	return c.change(ctx, statements...)
}

// lastGiven is the last id that SQLite gave in a table, perhaps to a row that is gone.
func lastGiven(ctx context.Context, s *Store, t table) (last int64, err error) {
	query := fmt.Sprintf(`SELECT MAX(COALESCE((SELECT MAX(%s) FROM %s), 0), COALESCE((SELECT MAX(seq) FROM sqlite_sequence WHERE name = $1), 0))`, quote(t.counted), quote(t.name))
	err = s.writer.db.QueryRowContext(ctx, query, t.name).Scan(&last)
	return last, s.engine.mend(ctx, err)
}

// index indexes all items for the search.
func (c *copying) index(ctx context.Context) error {
	items, err := count(ctx, c.to, table{name: "item"})
	if err != nil {
		return err
	}
	c.step = CopyStep{Doing: "indexing", Total: items}
	for left := true; left; {
		if left, err = c.to.indexOld(ctx); err != nil {
			return err
		}
		c.advance(min(indexedAtOnce, items-c.step.Done))
	}
	_, err = c.to.writer.db.ExecContext(ctx, `ANALYZE search`)
	return c.to.engine.mend(ctx, err)
}
