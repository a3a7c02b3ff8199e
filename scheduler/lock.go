package scheduler

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tributary/feed"
	"tributary/store"
)

// processLock holds the store's run lock while any run of this process is
// under way.
type processLock struct {
	store *store.Store

	mu      sync.Mutex
	holders int
	release func()
}

// errBusy says that another process ingests.
var errBusy = errors.New("another process is ingesting")

// lockRetry is how often a held lock is tried again.
const lockRetry = 200 * time.Millisecond

// acquire takes the lock, waiting for another process if wait says so.
func (l *processLock) acquire(ctx context.Context, wait bool) (func(), error) {
	for {
		ok, err := l.try(ctx)
		switch {
		case ok:
			return l.drop, nil
		case err != nil:
			return nil, fmt.Errorf("run lock: %w", err)
		case !wait:
			return nil, errBusy
		}
		select {
		case <-time.After(lockRetry):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *processLock) try(ctx context.Context) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holders == 0 {
		release, err := l.store.TryLock(ctx)
		if feed.CodeOf(err) == feed.CodeConflict {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		l.release = release
	}
	l.holders++
	return true, nil
}

func (l *processLock) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holders--; l.holders == 0 {
		l.release()
	}
}
