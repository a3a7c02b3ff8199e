package main

import (
	"errors"
	"net/http"

	"tributary/scheduler/cluster"
)

// parseRole reads what this process does where several share a database.
func parseRole(v string) (cluster.Role, error) {
	switch role := cluster.Role(v); role {
	case cluster.RoleAll, cluster.RoleWeb, cluster.RoleWorker:
		return role, nil
	}
	return "", errors.New("this is neither all, nor web, nor worker")
}

// ours tells whether what one process at a time does is this one's to do now.
func (s *server) ours(duty string) func() bool {
	if s.cluster == nil {
		return func() bool { return true }
	}
	return func() bool { return s.cluster.Member().Ours(duty) }
}

// workerPaths are what a process that only works answers: it is alive, how it
// is, and its figures.
func (s *server) workerPaths(front http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", front)
	mux.Handle("GET /metrics", front)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if err := s.cluster.Member().Ready(); err != nil {
			http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "this process only works: feeds and pages are served by those of the role web", http.StatusNotFound)
	})
	return mux
}
