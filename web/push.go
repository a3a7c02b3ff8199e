package web

import (
	"context"
	"net/http"
	"time"

	"tributary/feed"
)

// pushed passes what hubs ask and send to who subscribed there. The address of
// a callback is known to its hub only, so it is open on a private site too.
func (s *Server) pushed(w http.ResponseWriter, r *http.Request) {
	if s.opt.Pushed == nil {
		s.notFound(w, r)
		return
	}
	s.opt.Pushed.ServeHTTP(w, r)
}

// CountPush counts a document that a hub has sent, by what became of it.
func (s *Server) CountPush(result string) { s.metrics.pushes.WithLabelValues(result).Inc() }

// pushFact says whether and until when a source's news are pushed; "" if it names no hub.
func (s *Server) pushFact(ctx context.Context, src feed.Source) (string, error) {
	p, found, err := s.store.PushOf(ctx, src.ID)
	if err != nil || !found {
		return "", err
	}
	return p.Words(func(t time.Time) string { return s.moment(t).Human }), nil
}
