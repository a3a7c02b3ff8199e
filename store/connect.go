package store

import (
	"database/sql"
	"errors"
	"maps"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"tributary/feed"
)

// awayError marks that the database does not answer, or not now: nothing is wrong
// with what it was asked.
type awayError struct{ error }

func (e awayError) Unwrap() error { return e.error }

// Away tells of an error whether it says that the database on a server is away.
// It may be back at any moment.
func Away(err error) bool {
	var away awayError
	return errors.As(err, &away)
}

// deadAfter is how long a server that was there may be silent on a connection before
// that is given up. By the system's own limits it would take a quarter of an hour.
const deadAfter = 15 * time.Second

// IdleAtMost is how long a transaction may wait for its program to say more. One that
// was stopped, or cut off, must not keep its locks, which all others wait for. It is
// the value of idle_in_transaction_session_timeout.
const IdleAtMost = "10s"

// connect makes a pool of connections with settings of the server's; none is opened yet.
func (e postgresEngine) connect(settings map[string]string) (*sql.DB, error) {
	config, err := e.config()
	if err != nil {
		return nil, err
	}
	maps.Copy(config.RuntimeParams, settings)
	return stdlib.OpenDB(*config), nil
}

// ConnConfig says how connections are made to a database on a server, for who makes
// some besides a Store's.
func ConnConfig(dsn string) (*pgx.ConnConfig, error) { return postgresEngine{dsn: dsn}.config() }

// config says how a connection is made: so that it notices when the server has
// vanished.
func (e postgresEngine) config() (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(e.dsn)
	if err != nil {
		return nil, feed.Errorf(feed.CodeInvalid, "the database URL: %w", err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = answersWithin
	}
	config.RuntimeParams["idle_in_transaction_session_timeout"] = IdleAtMost
	dialer := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: deadAfter / 3, Interval: deadAfter / 3, Count: 2},
		Control: func(network, _ string, c syscall.RawConn) error {
			if !strings.HasPrefix(network, "tcp") {
				return nil // a socket file
			}
			var set error
			return errors.Join(c.Control(func(fd uintptr) { set = giveUpAfter(fd, deadAfter) }), set)
		},
	}
	config.DialFunc = dialer.DialContext
	return config, nil
}
