package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"tributary/feed"
	"tributary/store"
)

// A database on a server may be away for a while: it is started again, or the
// network is down. Meanwhile everybody gets what was served last, as far as it is
// kept, and of the rest the answer is 503 without asking the database. Watch
// notices when it goes and when it is back, and it alone says so in the log.

const (
	// answersWithin is how long the store may take to say its change number.
	answersWithin = 5 * time.Second
	// refreshTimeout bounds a rendering, of which the reading takes some milliseconds.
	refreshTimeout = time.Minute
)

// errAway is the answer while the database is known to be away.
var errAway = feed.Errorf(feed.CodeUnavailable, "The database does not answer right now, so this cannot be shown. "+
	"The feeds are served as they were last. Please try again in half a minute.")

// isAway tells of an error whether it says that the database is away.
func isAway(err error) bool {
	return store.Away(err) || errors.Is(err, errAway) || errors.Is(err, context.DeadlineExceeded)
}

// away tells whether the database was away when it was last looked at.
func (s *Server) away() bool { return s.docs.away.Load() != nil }

// behind tells whether the main documents may be older than what is in the store,
// which could not be read when it was last tried.
func (s *Server) behind() bool { return s.away() || s.docs.unread.Load() }

// lost notes by the newest look at the store whether the database is away.
func (s *Server) lost(err error) {
	if !isAway(err) {
		s.docs.away.Store(nil)
		return
	}
	now := s.opt.Now()
	s.docs.away.CompareAndSwap(nil, &now)
}

// missed is a request that could not be answered since the database is away.
type missed struct {
	path string
	err  error
}

// miss notes such a request. Watch looks at once whether the database is away for
// all; else it logs the request.
func (s *Server) miss(r *http.Request, err error) {
	s.log.LogAttrs(r.Context(), slog.LevelDebug, "cannot answer", slog.String("path", r.URL.Path), slog.Any("error", err))
	if !s.away() {
		s.docs.missed.Store(&missed{r.URL.Path, err})
		s.Poke()
	}
}

// reportAway logs that the database has gone.
func (s *Server) reportAway(err error) {
	if s.docs.reported != awayReported {
		s.docs.reported = awayReported
		s.log.Error("the database does not answer; what was served last is served until it does", "error", err)
	}
}

// awayReported stands in documents.reported for any way in which the database can
// be away: while it is started again there are several.
const awayReported = "away"

// reportGood logs that what was wrong is over, or a request that failed although
// nothing is.
func (s *Server) reportGood() {
	missed := s.docs.missed.Swap(nil)
	switch {
	case s.docs.reported == awayReported:
		s.log.Info("the database answers again; the feeds follow it")
	case s.docs.reported != "":
		s.log.Info("the feed is rendered again")
	case missed != nil:
		s.log.Error("cannot answer", "path", missed.path, "error", missed.err)
	}
	s.docs.reported = ""
}

// inTurn is the shelf's, without asking a database that is known to be away.
func (s *Server) inTurn(r *http.Request, f shelf, key string, stamp int64, render func(context.Context) (*document, error)) (*document, error) {
	if s.away() {
		if doc := f.get(key, stamp); doc != nil {
			return doc, nil
		}
		return nil, errAway
	}
	return f.inTurn(r, key, stamp, render)
}

// pageInTurn is inTurn for a page; while the database is away, as the page was before.
func (s *Server) pageInTurn(r *http.Request, key string, stamp int64, render func(context.Context) (*document, error)) (*document, error) {
	f := s.shelfOf(key)
	doc, err := s.inTurn(r, f, key, stamp, render)
	if isAway(err) {
		if last := f.last(key); last != nil {
			return last, nil
		}
	}
	return doc, err
}

const (
	// knownFor is how long a reader key is known from when the database last knew it.
	knownFor = 24 * time.Hour
	// knownKeys bounds how many are.
	knownKeys = 4096
)

// readers are the hashes of the reader keys that the database knew lately: their readers get
// what is kept while it is away.
type readers struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

// note notes whether the database knows a key.
func (k *readers) note(hash string, known bool, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !known {
		delete(k.seen, hash)
		return
	}
	if k.seen == nil || len(k.seen) >= knownKeys {
		k.seen = map[string]time.Time{}
	}
	k.seen[hash] = now
}

// known tells whether the database knew a key lately.
func (k *readers) known(hash string, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	at, ok := k.seen[hash]
	return ok && now.Sub(at) < knownFor
}

// knowsKey tells whether a reader key is known, by its hash.
func (s *Server) knowsKey(ctx context.Context, hash string) (bool, error) {
	found, err := false, error(errAway)
	if !s.away() {
		_, found, err = s.store.ReaderKeyName(ctx, hash)
	}
	if isAway(err) && s.readers.known(hash, s.opt.Now()) {
		return true, nil
	}
	if err == nil {
		s.readers.note(hash, found, s.opt.Now())
	}
	return found, err
}
