package store

import (
	"sync/atomic"
	"time"
)

// Writes is what this process has spent on write transactions since it began.
// There is one at a time in all processes: what they hold together, of the time that
// passes, is how near they are to the most that one database takes.
type Writes struct {
	Transactions int64
	Waited       time.Duration // for those before them
	Held         time.Duration // while all others waited
}

// Writes tells what this process has spent on write transactions.
func (s *Store) Writes() Writes {
	return Writes{s.writes.n.Load(), time.Duration(s.writes.waited.Load()), time.Duration(s.writes.held.Load())}
}

type writes struct{ n, waited, held atomic.Int64 }

// writeTiming is when a transaction was begun, and when its turn came; zero if
// that never did.
type writeTiming struct{ began, locked time.Time }

// add adds a transaction that is over now.
func (w *writes) add(t *writeTiming) {
	w.n.Add(1)
	if t.locked.IsZero() {
		w.waited.Add(int64(time.Since(t.began)))
		return
	}
	w.waited.Add(int64(t.locked.Sub(t.began)))
	w.held.Add(int64(time.Since(t.locked)))
}
