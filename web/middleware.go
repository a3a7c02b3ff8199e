package web

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// observe wraps everything: it measures each request, logs it, and turns a
// panic into a 500. It is one layer rather than three, because the cheapest
// answers take a few microseconds and each layer would show.
func (s *Server) observe(next http.Handler) http.Handler {
	level := slog.LevelDebug
	if s.opt.AccessLog {
		level = slog.LevelInfo
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := recorders.Get().(*recorder)
		*rec = recorder{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				s.recovered(rec, r, p)
			}
			if rec.status == 0 {
				rec.WriteHeader(http.StatusOK) // net/http would, without our fields
			}
			took := time.Since(start)
			s.metrics.observe(r.Pattern, rec.status, took)
			if s.log.Enabled(context.Background(), level) {
				s.logRequest(level, r, rec, took)
			}
			*rec = recorder{}
			recorders.Put(rec)
		}()
		next.ServeHTTP(rec, r)
	})
}

// recovered answers 500 if nothing was sent yet. http.ErrAbortHandler is a
// deliberate end of the connection and goes on up.
func (s *Server) recovered(rec *recorder, r *http.Request, p any) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	id := rand.Text()[:8]
	s.log.Error("panic while answering", "incident", id, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
	if rec.status != 0 {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
	s.errorPage(rec, r, http.StatusInternalServerError, "Something broke on our side",
		"It has been logged as incident "+id+". Please try again later.")
}

// logRequest writes the access log line; without the query, which may hold
// what is nobody's business.
func (s *Server) logRequest(level slog.Level, r *http.Request, rec *recorder, took time.Duration) {
	path := r.URL.Path
	if strings.HasSuffix(r.Pattern, "/push/{id}") {
		path = r.Pattern // who knows the rest may send us documents
	}
	s.log.LogAttrs(context.Background(), level, "request",
		slog.String("method", r.Method),
		slog.String("path", path),
		slog.Int("status", rec.status),
		slog.Int64("bytes", rec.bytes),
		slog.Duration("took", took),
		slog.String("from", s.client(r).String()),
	)
}

// recorder notes what passes through a ResponseWriter. It is used again by
// later requests, so nothing may keep it.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

var recorders = sync.Pool{New: func() any { return new(recorder) }}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
		strict(w.Header(), status)
	}
	w.ResponseWriter.WriteHeader(status)
}

// Of what says nothing else: it is what it says it is, it loads nothing, nobody
// frames it, and other sites don't learn its address.
var (
	strictPolicy   = []string{"default-src 'none'; frame-ancestors 'none'"}
	strictReferrer = []string{sameOrigin}
)

// strict fills in the fields that protect visitors. A 304 has none: those that
// came with what the browser keeps stay (RFC 9111, 3.2).
func strict(h http.Header, status int) {
	if status == http.StatusNotModified {
		return
	}
	for _, f := range [...]field{{"X-Content-Type-Options", noSniff}, {"Content-Security-Policy", strictPolicy}, {"Referrer-Policy", strictReferrer}} {
		if h[f.name] == nil {
			h[f.name] = f.value
		}
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach deadlines and flushing.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
