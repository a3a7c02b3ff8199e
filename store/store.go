// Package store keeps sources, entries, items and runs: in one SQLite file by
// default, in PostgreSQL when a DSN is given. The queries are the same for both.
//
// Reading never waits for writing. All writing goes through [Store.Write], one
// transaction at a time; each commits whole or not at all, so that a source's
// entries and the validators of the document they came from cannot part.
//
// Times are kept to the millisecond, in UTC.
package store

import (
	"context"
	"database/sql"
	"errors"

	"tributary/feed"
)

// Options say where the data is.
type Options struct {
	Path string // SQLite file; its folder must exist
	DSN  string // postgres://user:password@host/database; wins over Path
}

// Store is the whole of what is kept. Its methods may be used from many goroutines.
type Store struct {
	engine engine
	writer *pool // one connection
	reader *pool
	writes writes

	stop    context.CancelFunc // ends what indexes old items; nil: there are none
	stopped chan error
}

// Open opens the store, makes it if there is none, and brings its schema up to
// date. A schema that a newer program made is refused with [feed.CodeConflict].
func Open(ctx context.Context, o Options) (*Store, error) {
	s, err := connect(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := s.refuseUnfinished(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.catchUp(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// connect gives the store as it is, whatever its schema.
func connect(ctx context.Context, o Options) (*Store, error) {
	e, err := engineFor(o)
	if err != nil {
		return nil, err
	}
	w, r, err := e.open(ctx)
	if err != nil {
		return nil, err
	}
	return &Store{engine: e, writer: newPool(w, e), reader: newPool(r, e)}, nil
}

// Close gives everything back. Transactions must have ended.
func (s *Store) Close() error {
	return errors.Join(s.stopIndexing(), s.reader.close(), s.writer.close())
}

// Engine is "sqlite" or "postgres".
func (s *Store) Engine() string { return s.engine.name() }

// Change is the change number: it moves when something that output shows may
// have changed, by this process or another, and only then.
func (s *Store) Change(ctx context.Context) (int64, error) {
	var n int64
	_, err := s.reader.one(ctx, `SELECT change FROM meta WHERE one = 1`, nil, &n)
	return n, err
}

// FeedID is the combined feed's UUID. The first call stores mint, every later
// one gives what was stored.
func (s *Store) FeedID(ctx context.Context, mint string) (string, error) {
	id, err := s.feedID(ctx)
	if err != nil || id != "" {
		return id, err
	}
	err = s.Write(ctx, func(t *Tx) error {
		_, err := t.exec(ctx, `UPDATE meta SET feed_id = $1 WHERE one = 1 AND feed_id = ''`, mint)
		return err
	})
	if err != nil {
		return "", err
	}
	return s.feedID(ctx)
}

func (s *Store) feedID(ctx context.Context) (string, error) {
	var id string
	_, err := s.reader.one(ctx, `SELECT feed_id FROM meta WHERE one = 1`, nil, &id)
	return id, err
}

// Totals counts what there is.
type Totals struct {
	Sources int // not removed
	Items   int // live
	Entries int
	Held    int // entries
}

// Totals counts by reading whole indexes, which takes about 0.1 s for a million
// held entries, much less for others: do not ask for each request.
func (s *Store) Totals(ctx context.Context) (Totals, error) {
	var n Totals
	_, err := s.reader.one(ctx, `SELECT
		(SELECT COUNT(*) FROM source WHERE removed IS NULL),
		(SELECT COUNT(*) FROM item) - (SELECT COUNT(*) FROM item WHERE withdrawn IS NOT NULL) -
		(SELECT COUNT(*) FROM item WHERE place IS NULL AND withdrawn IS NULL) -
		(SELECT COUNT(*) FROM item WHERE place IS NOT NULL AND withdrawn IS NULL AND hidden IS NOT NULL),
		(SELECT COUNT(*) FROM entry),
		(SELECT COUNT(*) FROM entry WHERE decision = 'held')`,
		nil, &n.Sources, &n.Items, &n.Entries, &n.Held)
	return n, err
}

// TryLock takes the run lock, which one run of all processes can hold. It ends
// with release, or with the process, however that ends. When it is held
// elsewhere the error is a [feed.CodeConflict]. On PostgreSQL it ends with the
// connection, too.
func (s *Store) TryLock(ctx context.Context) (release func(), err error) {
	return s.engine.tryLock(ctx, s.reader.db)
}

// Check verifies that the database is sound: its files, and that every
// reference in it leads somewhere. It reads everything.
func (s *Store) Check(ctx context.Context) error {
	if err := s.engine.check(ctx, s.reader); err != nil {
		return err
	}
	for _, c := range []struct{ what, query string }{
		{"entries of no source", `SELECT COUNT(*) FROM entry e WHERE NOT EXISTS (SELECT 1 FROM source s WHERE s.id = e.source_id)`},
		{"entries of no item", `SELECT COUNT(*) FROM entry e WHERE e.item_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM item i WHERE i.id = e.item_id)`},
		{"items led by no entry of theirs", `SELECT COUNT(*) FROM item i WHERE i.lead_id IS NOT NULL AND NOT EXISTS
			(SELECT 1 FROM entry e WHERE e.id = i.lead_id AND e.item_id = i.id)`},
		{"items without an entry", `SELECT COUNT(*) FROM item i WHERE i.merged_into IS NULL AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.item_id = i.id)`},
		{"items merged into none", `SELECT COUNT(*) FROM item i WHERE i.merged_into IS NOT NULL AND NOT EXISTS (SELECT 1 FROM item m WHERE m.id = i.merged_into)`},
		{"items of no story", `SELECT COUNT(*) FROM item i WHERE i.story_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM story s WHERE s.id = i.story_id)`},
		{"stories without an item", `SELECT COUNT(*) FROM story s WHERE NOT EXISTS (SELECT 1 FROM item i WHERE i.story_id = s.id)`},
		{"items that count other publishers than their story", `SELECT COUNT(*) FROM item i JOIN story s ON s.id = i.story_id WHERE i.publishers <> s.publishers`},
		{"items that no search finds", `SELECT COUNT(*) FROM item i WHERE i.place >= (SELECT m.search_below FROM meta m WHERE m.one = 1)
			AND NOT EXISTS (SELECT 1 FROM search f WHERE f.rowid = i.place)`},
		{"verdicts on no entry", `SELECT COUNT(*) FROM judgement j WHERE NOT EXISTS (SELECT 1 FROM entry e WHERE e.id = j.entry_id)`},
		{"places beyond the last one given", `SELECT COUNT(*) FROM item WHERE place > (SELECT last_place FROM meta WHERE one = 1)`},
	} {
		var n int
		if _, err := s.reader.one(ctx, c.query, nil, &n); err != nil {
			return err
		}
		if n > 0 {
			return feed.Errorf(feed.CodeInternal, "the database has %d %s: restore a backup, and please report it", n, c.what)
		}
	}
	return nil
}

// Backup makes a consistent copy in the file path while the program runs. The
// copy is complete when the file appears. An existing file is never overwritten.
func (s *Store) Backup(ctx context.Context, path string) error {
	return s.engine.backup(ctx, path)
}

// snapshot runs do on a view of the store that stays as it is while others write.
func (s *Store) snapshot(ctx context.Context, do func(session) error) error {
	v, err := s.reader.begin(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return err
	}
	defer v.tx.Rollback() // nothing was written
	return do(v)
}
