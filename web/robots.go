package web

import (
	"net/http"
	"strings"
	"time"
)

// closedToRobots are paths that hold nothing for a search engine, or without end:
// what is found depends on who asks, and each search leads to others.
var closedToRobots = []string{"/api/", "/held", "/hub", "/keys", "/login", "/metrics", "/ops", "/search/", "/topic/", "/?", "/?before=*&"}

// robots tells crawlers what to leave alone (RFC 9309).
func (s *Server) robots(w http.ResponseWriter, r *http.Request) {
	var b strings.Builder
	b.WriteString("User-agent: *\n")
	if s.opt.Private {
		b.WriteString("Disallow: /\n")
	} else {
		b.WriteString("Allow: " + s.root + "/?before=\n") // older items
		for _, path := range closedToRobots {
			b.WriteString("Disallow: " + s.root + path + "\n")
		}
	}
	s.serveText(w, r, b.String())
}

// securityText tells whom to write to of a weakness (RFC 9116), if a contact is
// configured that has an address. What it must say of its own end moves with the month.
func (s *Server) securityText(w http.ResponseWriter, r *http.Request) {
	contact := contactLink(s.opt.Site.Contact).URL
	if !strings.HasPrefix(contact, "https://") && !strings.HasPrefix(contact, "mailto:") {
		s.notFound(w, r)
		return
	}
	now := s.opt.Now().UTC()
	expires := time.Date(now.Year(), now.Month()+6, 1, 0, 0, 0, 0, time.UTC)
	s.serveText(w, r, "Contact: "+contact+"\nExpires: "+expires.Format(time.RFC3339)+"\n")
}

// serveText answers with a text of a few lines that seldom changes.
func (s *Server) serveText(w http.ResponseWriter, r *http.Request, text string) {
	doc, err := newDocument([]byte(text), docOptions{mediaType: "text/plain; charset=utf-8", cacheControl: "public, max-age=86400"})
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	doc.serve(w, r)
}
