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
	var wrong []string
	if _, err := s.store.Change(ctx); err != nil {
		s.logFailure(r, err)
		wrong = append(wrong, "the store does not answer; the log says why")
	}
	if _, err := s.latest(ctx); err != nil {
		wrong = append(wrong, "no feed document has been rendered yet")
	} else if s.docs.failure.Load() != nil {
		wrong = append(wrong, "the newest change could not be rendered, an older feed is served; the log says why")
	}
	if len(wrong) > 0 {
		writeText(w, http.StatusServiceUnavailable, "not ready: "+strings.Join(wrong, "; ")+"\n")
		return
	}
	writeText(w, http.StatusOK, "ready\n")
}

func writeText(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h["X-Content-Type-Options"] = noSniff
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}
