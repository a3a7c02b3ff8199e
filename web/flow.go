package web

import (
	"context"
	"sort"
	"sync"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/store"
)

const (
	// lately is the time that pages tell what was held in.
	lately     = 7 * 24 * time.Hour
	latelyDays = int(lately / (24 * time.Hour))
	// countedFor is how long counts stand: they take some milliseconds, and anybody may ask.
	countedFor = 5 * time.Second
)

// counted are the counts that were made last.
type counted struct {
	mu     sync.Mutex
	at     time.Time
	counts counts
}

// counts tell what became of what came in lately.
type counts struct {
	published int
	held      map[string]int // by rule
}

// flow is what the front page says of the filter's work. The zero value: there
// is no filter.
type flow struct {
	On                            bool
	Published, OffTopic, Doubtful int
}

// countedAt is when the present counts were made.
func (s *Server) countedAt() time.Time {
	s.counted.mu.Lock()
	defer s.counted.mu.Unlock()
	return s.counted.at
}

// flow counts what came in lately, if there is a filter.
func (s *Server) flow(ctx context.Context) (flow, error) {
	if s.opt.Filter() == ingest.FilterOff {
		return flow{}, nil
	}
	c, err := s.counts(ctx)
	if err != nil {
		return flow{}, err
	}
	f := flow{On: true, Published: c.published, Doubtful: c.held[ingest.RuleDoubtful]}
	for _, rule := range heldByTopic {
		f.OffTopic += c.held[rule]
	}
	f.OffTopic -= f.Doubtful
	return f, nil
}

// counts are at most countedFor old, and no older than what was last decided here.
func (s *Server) counts(ctx context.Context) (counts, error) {
	s.counted.mu.Lock()
	defer s.counted.mu.Unlock()
	now := s.opt.Now()
	if age := now.Sub(s.counted.at); !s.counted.at.IsZero() && age >= 0 && age < countedFor {
		return s.counted.counts, nil
	}
	held, err := s.store.HeldCounts(ctx, now.Add(-lately))
	if err != nil {
		return counts{}, err
	}
	published, err := s.publishedSince(ctx, now.Add(-lately))
	if err != nil {
		return counts{}, err
	}
	s.counted.at, s.counted.counts = now, counts{published, held}
	return s.counted.counts, nil
}

// forgetCounts has the next who asks count anew.
func (s *Server) forgetCounts() {
	s.counted.mu.Lock()
	defer s.counted.mu.Unlock()
	s.counted.at = time.Time{}
}

// publishedSince counts the live items that were admitted since a time. Places are given in the order of admission,
// without gaps: a few looks tell where the time lies among them.
func (s *Server) publishedSince(ctx context.Context, since time.Time) (n int, err error) {
	newest, err := s.newestBefore(ctx, 0)
	if err != nil {
		return 0, err
	}
	n = sort.Search(int(newest.Place), func(back int) bool {
		item, failed := s.newestBefore(ctx, newest.Place-int64(back)+1)
		if failed != nil {
			err = failed
		}
		return item.Admitted.Before(since)
	})
	if err != nil {
		return 0, err
	}
	gone, err := s.store.Gone(ctx, newest.Place-int64(n), newest.Place)
	return n - gone, err
}

// newestBefore is the newest live item before a place (0: of all); the zero
// value if there is none.
func (s *Server) newestBefore(ctx context.Context, place int64) (feed.Item, error) {
	items, err := s.store.Items(ctx, store.Query{Limit: 1, Before: place})
	if err != nil || len(items) == 0 {
		return feed.Item{}, err
	}
	return items[0], nil
}
