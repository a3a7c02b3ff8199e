package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestPagesAreAsDrawn(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for name, target := range map[string]string{
		"front.html":           "/",
		"item.html":            "/items/3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004",
		"item-file.html":       "/items/0b9f8a52-7c1d-5e0a-8f6b-1d2c3b4a5001",
		"item-private.html":    "/items/1c0f9b63-8d2e-5f1b-9a7c-2e3d4c5b6002",
		"sources.html":         "/sources",
		"sources.opml":         "/sources.opml",
		"runs.html":            "/runs",
		"run.html":             "/runs/run-2",
		"run-in-progress.html": "/runs/run-3",
		"fetching.html":        "/fetching",
	} {
		t.Run(name, func(t *testing.T) {
			a := get(t, srv, target)
			wantStatus(t, a, http.StatusOK)
			golden(t, name, a.body)
		})
	}
	missing := get(t, srv, "/nowhere")
	wantStatus(t, missing, http.StatusNotFound)
	golden(t, "not-found.html", missing.body)
}

func TestNothingPrivateIsShownToStrangers(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for _, target := range []string{
		"/", "/items/1c0f9b63-8d2e-5f1b-9a7c-2e3d4c5b6002", "/items/3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004", "/sources", "/sources.opml", "/runs", "/runs/run-1", "/runs/run-2", "/fetching",
		"/feed.atom", "/feed.rss", "/feed.json", "/metrics",
		"/api/runs", "/api/runs/run-1", "/api/runs/run-2", "/api/items", "/api/items/1c0f9b63-8d2e-5f1b-9a7c-2e3d4c5b6002", "/api/sources",
	} {
		a := get(t, srv, target)
		wantStatus(t, a, http.StatusOK)
		for _, secret := range []string{"Secret Letter", "letter.example/members/feed", "letter.example/members/57", "Paid Paper", "hunter2", "/srv/tributary", sampleToken} {
			if strings.Contains(a.body, secret) {
				t.Errorf("%s shows %q", target, secret)
			}
		}
	}
	for _, target := range []string{"/api/sources/letter", "/api/sources/paid"} {
		wantStatus(t, get(t, srv, target), http.StatusNotFound)
	}
}
