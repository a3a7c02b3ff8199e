package store

import (
	"context"

	"tributary/feed"
)

// Fence fails the transaction of a process that the others take for dead by now, and
// otherwise keeps them from doing so until it has ended. It is for PostgreSQL, where there are
// several; id names the process's row in worker.
func (t *Tx) Fence(ctx context.Context, id string) error {
	var alive int64
	found, err := t.one(ctx, `SELECT 1 FROM worker WHERE id = $1 AND until > (extract(epoch FROM clock_timestamp()) * 1000)::bigint FOR KEY SHARE`, []any{id}, &alive)
	if err == nil && !found {
		err = feed.Errorf(feed.CodeUnavailable, "this process has lost its lease: others do its work")
	}
	return err
}
