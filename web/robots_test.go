package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestRobotsAreToldWhatToLeaveAlone(t *testing.T) {
	st := sampleStore(t)
	prefixed := func(o *Options) { o.Site.BaseURL = "https://example.org/news" }
	for _, c := range []struct {
		srv      *Server
		has, not []string
	}{
		{newServer(t, st), []string{"User-agent: *\n", "Disallow: /login\n", "Disallow: /keys\n", "Disallow: /held\n", "Disallow: /api/\n", "Disallow: /search/\n", "Disallow: /?\n"}, []string{"Disallow: /\n", "/items", "/feed", "/archive"}},
		{newServer(t, st, prefixed), []string{"Disallow: /news/login\n"}, []string{"Disallow: /login", "Disallow: /\n"}},
		{newServer(t, st, prefixed, func(o *Options) { o.Private = true }), []string{"User-agent: *\nDisallow: /\n"}, []string{"Allow: "}},
	} {
		a := get(t, c.srv, "/robots.txt")
		wantStatus(t, a, http.StatusOK)
		wantField(t, a, "Content-Type", "text/plain; charset=utf-8")
		for _, line := range c.has {
			if !strings.Contains(a.body, line) {
				t.Errorf("no %q in\n%s", line, a.body)
			}
		}
		for _, line := range c.not {
			if strings.Contains(a.body, line) {
				t.Errorf("%q is in\n%s", line, a.body)
			}
		}
	}
}

func TestSecurityContactIsTheOneConfigured(t *testing.T) {
	st := sampleStore(t)
	for contact, want := range map[string]string{
		"mailto:desk@guarantees.example":     "Contact: mailto:desk@guarantees.example\nExpires: 2026-07-01T00:00:00Z\n",
		"desk@guarantees.example":            "Contact: mailto:desk@guarantees.example\nExpires: 2026-07-01T00:00:00Z\n",
		"https://guarantees.example/contact": "Contact: https://guarantees.example/contact\nExpires: 2026-07-01T00:00:00Z\n",
		"http://guarantees.example/contact":  "", // RFC 9116, 2.5.3: https only
		"The desk":                           "",
		"":                                   "",
	} {
		a := get(t, newServer(t, st, func(o *Options) { o.Site.Contact = contact }), "/.well-known/security.txt")
		if want == "" {
			wantStatus(t, a, http.StatusNotFound)
		} else if a.body != want {
			t.Errorf("%q gives %q", contact, a.body)
		}
	}
}
