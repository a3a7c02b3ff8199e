package cluster

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tributary/feed"
)

// asker is what can be asked: a pool of connections, or one.
type asker interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Workers are the processes that live, the longest-lived first.
func (c *Cluster) Workers(ctx context.Context) ([]feed.Worker, error) {
	workers, err := workersOf(ctx, c.db)
	return workers, c.mend(err)
}

// Working names the process that works on each source, by the id of the source.
func (c *Cluster) Working(ctx context.Context) (map[int64]string, error) {
	working, err := workingOf(ctx, c.db)
	return working, c.mend(err)
}

func workersOf(ctx context.Context, db asker) ([]feed.Worker, error) {
	rows, err := db.Query(ctx, `SELECT w.name, w.role, w.started, w.seeds, count(c.source_id) FROM worker w LEFT JOIN claim c ON c.holder = w.id
		WHERE w.until > `+clock+` GROUP BY w.id ORDER BY w.started, w.name`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (w feed.Worker, err error) {
		var since, seeds int64
		err = row.Scan(&w.Name, &w.Role, &since, &seeds, &w.Sources)
		w.Since, w.Seeds = time.UnixMilli(since).UTC(), seeds != 0
		return w, err
	})
}

func workingOf(ctx context.Context, db asker) (map[int64]string, error) {
	rows, err := db.Query(ctx, `SELECT c.source_id, w.name FROM claim c JOIN worker w ON w.id = c.holder WHERE w.until > `+clock)
	if err != nil {
		return nil, err
	}
	working := map[int64]string{}
	var id int64
	var name string
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error { working[id] = name; return nil })
	return working, err
}

// Onlooker sees who lives and works on a database, and is none of them.
type Onlooker struct{ db *pgx.Conn }

// LookAt connects an onlooker to a database whose tables are there.
func LookAt(ctx context.Context, dsn string) (*Onlooker, error) {
	db, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, feed.Errorf(feed.CodeUnavailable, "the database cannot be reached: %w", err)
	}
	return &Onlooker{db}, nil
}

// Workers is as of a Cluster.
func (o *Onlooker) Workers(ctx context.Context) ([]feed.Worker, error) { return workersOf(ctx, o.db) }

// Working is as of a Cluster.
func (o *Onlooker) Working(ctx context.Context) (map[int64]string, error) {
	return workingOf(ctx, o.db)
}

// Close ends the connection.
func (o *Onlooker) Close(ctx context.Context) error { return o.db.Close(ctx) }
