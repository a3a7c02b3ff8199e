package web

import (
	"net/http"
	"slices"
	"strings"
)

// What a private site answers to everybody: whether it lives, who we are to those
// whose servers we ask, how to log in, and what hubs were asked to ask.
var openPaths = []string{"/healthz", "/readyz", "/fetching", "/login", "/logout", "/assets/{name}", "/push/{id}", "/robots.txt", "/.well-known/security.txt"}

// closed lets only those through to a path of a private site who may see it: the
// feeds those who have a reader key, the API and the metrics those who have the
// token, the rest the administrator. A path that is not named here is the rest.
func (s *Server) closed(path string, h http.Handler) http.Handler {
	switch {
	case !s.opt.Private, slices.Contains(openPaths, path), strings.HasPrefix(path, "/held."), strings.HasPrefix(path, "/ops."): // those ask for a key always
		return h
	case isFeed(path):
		return allowed(func(w http.ResponseWriter, r *http.Request) bool { return s.viewer(r).Admin || s.hasKey(w, r) }, h)
	case strings.HasPrefix(path, "/api/"), path == "/metrics":
		return allowed(s.authorised, h)
	}
	return s.adminPage(h.ServeHTTP)
}

// allowed lets through to h those whom may lets; it answers the others itself.
func allowed(may func(http.ResponseWriter, *http.Request) bool, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if may(w, r) {
			h.ServeHTTP(w, r)
		}
	})
}

// isFeed tells whether a path is that of a feed document.
func isFeed(path string) bool {
	return strings.HasPrefix(path, "/stories.") || strings.HasPrefix(path, "/archive/") || strings.Contains(path, "/feed.")
}

// shared is the Cache-Control of what may stand so many seconds: in anybody's
// cache, or of a private site in the asker's own.
func (s *Server) shared(rest string) string {
	if s.opt.Private {
		return "private, " + rest
	}
	return "public, " + rest
}
