package ingest

import (
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"tributary/feed"
	"tributary/ingest/fetch"
)

// silence remembers the hosts that were well and have given no answer since
// any host last did. It goes over runs: sources come due a few at a time, and
// one run seldom asks enough hosts to tell whose network is down.
type silence struct {
	mu     sync.Mutex
	byHost map[string]fetch.Result
}

func (s *silence) add(r fetch.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byHost == nil {
		s.byHost = map[string]fetch.Result{}
	}
	r.Document = feed.Document{}
	s.byHost[r.Host] = r
}

// end notes an answer.
func (s *silence) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.byHost)
}

// results is one failed fetch of each silent host.
func (s *silence) results() []fetch.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.byHost))
}

const (
	// networkRetry is how soon a source is tried again after our own network
	// kept us from its host.
	networkRetry = 5 * time.Minute
	// doubtRetry is how soon if a connection was made: then the host may have
	// heard our request, and it counts as a poll.
	doubtRetry = time.Hour
)

// excused is the state of a source after a failure of our own network: nothing
// is counted against it.
func excused(s feed.SourceState, r fetch.Result, now time.Time) feed.SourceState {
	wait := doubtRetry
	var failure *net.OpError
	if errors.As(r.Err, &failure) && failure.Op == "dial" {
		wait = networkRetry
	}
	if r.At.After(now) {
		now = r.At
	}
	s.Error = r.Err.Error() + " (no host answered: this looks like our own network)"
	s.NextDue, s.DueReason = now.Add(wait), "trying again, since no host answered: our own network seems to have been down"
	return s
}
