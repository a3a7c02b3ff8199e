package ingest

import (
	"sync"
	"time"
)

const (
	batchSources = 64                     // sources a transaction
	batchBytes   = 4 << 20                // text a transaction
	batchWait    = 250 * time.Millisecond // patience with the rest of a batch
)

// batches gather prepared sources for the writer. Whoever puts one in waits
// while a batch is full, which bounds memory; the writer is woken twice a
// batch, not by each source.
type batches struct {
	mu      sync.Mutex
	room    sync.Cond
	batch   []prepared
	bytes   int
	pending int // sources that have not come yet
	closed  bool

	some, ready chan struct{} // the batch has its first source; it is full, or nothing more will come
}

func newBatches(sources int) *batches {
	b := &batches{pending: sources, some: make(chan struct{}, 1), ready: make(chan struct{}, 1)}
	b.room.L = &b.mu
	return b
}

// put adds a source; false says that the writer has given up.
func (b *batches) put(p prepared) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.full() && !b.closed {
		b.room.Wait()
	}
	if b.closed {
		return false
	}
	b.batch = append(b.batch, p)
	b.bytes += p.size()
	b.pending--
	signal(b.some)
	if b.full() || b.pending == 0 || p.fatal != nil {
		signal(b.ready)
	}
	return true
}

func (b *batches) full() bool { return len(b.batch) >= batchSources || b.bytes >= batchBytes }

// take waits for a batch: full, or no more to come, or patience at an end. It
// is empty when all sources have come and gone.
func (b *batches) take(lull <-chan time.Time) (batch []prepared, quiet bool) {
	b.mu.Lock()
	over := b.pending == 0 && len(b.batch) == 0
	b.mu.Unlock()
	if over {
		return nil, false
	}
	select {
	case <-b.some:
	case <-lull:
		return nil, true
	}
	select {
	case <-b.ready:
	case <-time.After(batchWait):
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	batch = b.batch
	b.batch, b.bytes = nil, 0
	drain(b.some)
	drain(b.ready)
	b.room.Broadcast()
	return batch, false
}

// close lets everybody who waits to put something in go, and gives back what
// nobody has taken.
func (b *batches) close() []prepared {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.room.Broadcast()
	rest := b.batch
	b.batch = nil
	return rest
}

// signal leaves a word for a receiver that need not be there yet.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func drain(c chan struct{}) {
	select {
	case <-c:
	default:
	}
}
