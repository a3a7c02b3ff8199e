package web

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// healthz says that the process lives and answers, nothing more: a database
// that is away is no reason to be restarted.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeText(w, http.StatusOK, "ok\n")
}

// readyz says whether readers get what they should: the store answers and the
// last change is rendered. If not, it says what is wrong.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if wrong := s.wrong(ctx, r); len(wrong) > 0 {
		writeText(w, http.StatusServiceUnavailable, "not ready: "+strings.Join(wrong, "; ")+"\n")
		return
	}
	writeText(w, http.StatusOK, "ready\n")
}

// wrong is what readers would notice. A database that was away a moment ago is not
// asked: who balances load asks often, and wants to hear soon.
func (s *Server) wrong(ctx context.Context, r *http.Request) (all []string) {
	err := error(errAway)
	if !s.away() {
		_, err = s.store.Change(ctx)
	}
	switch {
	case isAway(err):
		s.logFailure(r, err)
		all = append(all, "the database does not answer"+s.awaySince())
		if s.docs.current.Load() != nil {
			return append(all, "the last good feed is served")
		}
		return append(all, "no feed document has been rendered yet")
	case err != nil:
		s.logFailure(r, err)
		all = append(all, "the store does not answer; the log says why")
	}
	if _, err := s.latest(ctx); err != nil {
		all = append(all, "no feed document has been rendered yet")
	} else if s.docs.failure.Load() != nil {
		all = append(all, "the newest change could not be rendered, an older feed is served; the log says why")
	}
	return all
}

// awaySince says since when the database has not answered, if that is known.
func (s *Server) awaySince() string {
	since := s.docs.away.Load()
	if since == nil {
		return ""
	}
	return " since " + since.UTC().Format("15:04:05 UTC")
}

func writeText(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h["X-Content-Type-Options"] = noSniff
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}
