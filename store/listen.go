package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// changeChannel is the channel on which transactions tell that they have moved the
// change number: one in each schema, since a channel reaches the whole database.
const changeChannel = `'tributary_' || md5(current_schema())`

const (
	// quietFor is how long nothing is heard before the server is asked whether it is
	// still there: one that vanished, or hangs, says nothing either.
	quietFor = 5 * time.Second
	// answersWithin is how long the server may take to answer what costs it nothing.
	answersWithin = 5 * time.Second
	// Between two attempts to reach it.
	listenSoon = 50 * time.Millisecond
	listenSlow = time.Second
)

// Listen tells when the change number may have moved, by this process or another,
// until ctx ends; then it closes the channel. Moves that follow one another closely
// are told of once, and after a time without a connection that there may have been
// some. It is a hint, beside which one goes on asking: on SQLite there is none, and the
// channel nil.
func (s *Store) Listen(ctx context.Context) <-chan struct{} {
	e, ok := s.engine.(postgresEngine)
	if !ok {
		return nil
	}
	moved := make(chan struct{}, 1)
	go func() {
		defer close(moved)
		e.listen(ctx, func() {
			select {
			case moved <- struct{}{}:
			default:
			}
		})
	}()
	return moved
}

// listen calls moved, on one connection after the other, until ctx ends. Why there is
// none shows to all who ask the database.
func (e postgresEngine) listen(ctx context.Context, moved func()) {
	for pause := listenSoon; ctx.Err() == nil; pause = min(2*pause, listenSlow) {
		if e.hear(ctx, moved) {
			pause = listenSoon
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// hear calls moved on one connection for as long as that lasts. It tells whether
// there was one.
func (e postgresEngine) hear(ctx context.Context, moved func()) (connected bool) {
	conn, err := e.subscribe(ctx)
	if err != nil {
		return false
	}
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		conn.Close(last) // it may be dead
	}()
	for {
		moved() // the first time for what was missed
		if err := e.awaitMove(ctx, conn); err != nil {
			return true
		}
	}
}

// subscribe makes a connection that is told of moves.
func (e postgresEngine) subscribe(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*answersWithin)
	defer cancel()
	config, err := e.config()
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	var channel string
	if err = conn.QueryRow(ctx, `SELECT `+changeChannel).Scan(&channel); err == nil {
		_, err = conn.Exec(ctx, `LISTEN `+pgx.Identifier{channel}.Sanitize())
	}
	if err != nil {
		conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

// awaitMove returns when a move is told, or with an error when the connection, or
// ctx, has ended.
func (postgresEngine) awaitMove(ctx context.Context, conn *pgx.Conn) error {
	for {
		quiet, cancel := context.WithTimeout(ctx, quietFor)
		_, err := conn.WaitForNotification(quiet)
		silent := quiet.Err() != nil
		cancel()
		if err == nil || ctx.Err() != nil || !silent || conn.IsClosed() {
			return err
		}
		asked, cancel := context.WithTimeout(ctx, answersWithin)
		err = conn.Ping(asked)
		cancel()
		if err != nil {
			return err
		}
	}
}

// notifies: a statement that tells, once its transaction is committed, that the change
// number has moved.
func (postgresEngine) notifies() string { return `SELECT pg_notify(` + changeChannel + `, '')` }

// notifies: processes on one file look for themselves.
func (sqliteEngine) notifies() string { return "" }

// tellMove has the commit tell that the change number has moved.
func (t *Tx) tellMove(ctx context.Context) error {
	if text := t.pool.engine.notifies(); text != "" {
		_, err := t.exec(ctx, text)
		return err
	}
	return nil
}
