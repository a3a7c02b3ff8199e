package cluster

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// quiet passes River's warnings and errors on, each at most once in a while, since
// while the database is away it has many, and makes the rest details.
type quiet struct {
	slog.Handler
	said *said
}

type said struct {
	mu sync.Mutex
	at map[string]time.Time
}

const sayAgain = 5 * time.Minute

func quietly(log *slog.Logger) quiet {
	return quiet{log.Handler(), &said{at: map[string]time.Time{}}}
}

func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return q.Handler.Enabled(ctx, lowered(l))
}

func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn && !q.said.first(r.Message, r.Time) {
		r.Level = slog.LevelDebug
	}
	r.Level, r.Message = lowered(r.Level), "jobs: "+r.Message
	if !q.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return q.Handler.Handle(ctx, r)
}

func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a), q.said} }
func (q quiet) WithGroup(g string) slog.Handler      { return quiet{q.Handler.WithGroup(g), q.said} }

// first tells whether a message has not been said for a while. River has some dozens.
func (s *said) first(message string, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.Sub(s.at[message]) < sayAgain {
		return false
	}
	s.at[message] = at
	return true
}

func lowered(l slog.Level) slog.Level {
	if l < slog.LevelWarn {
		return slog.LevelDebug
	}
	return l
}
