package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"tributary/feed"
)

// lockFile takes a lock that ends with the process, even by kill -9: flock(2),
// never a lease that could run out or stay behind. The file names the holder, for
// people; it is never deleted, since another process may be waiting on it.
func lockFile(path string) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, feed.Errorf(feed.CodeUnavailable, "the lock cannot be made: %w; user id %d must be able to write there", err, os.Getuid())
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder, _ := io.ReadAll(io.LimitReader(f, 32)) // only to say more
		return nil, errors.Join(errLocked(strings.TrimSpace(string(holder))), f.Close())
	} else if err != nil {
		return nil, errors.Join(feed.Errorf(feed.CodeUnavailable, "lock %s: %w", path, err), f.Close())
	}
	if err := f.Truncate(0); err == nil {
		fmt.Fprintln(f, os.Getpid())
	}
	return func() { f.Close() }, nil
}

func errLocked(holder string) error {
	if holder != "" {
		holder = " (process " + holder + ")"
	}
	return feed.Errorf(feed.CodeConflict, "another ingest is running%s: wait until it is done", holder)
}
