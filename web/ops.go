package web

import (
	"context"
	"fmt"
	"net/http"

	"tributary/feed"
)

const (
	incidentsInFeed = 100
	// opsSeconds is how long a document of incidents stands.
	opsSeconds = 10
)

// RenderingFault is why the newest rendering failed; "" if it did not.
func (s *Server) RenderingFault() string {
	if text := s.docs.failure.Load(); text != nil {
		return *text
	}
	return ""
}

// opsDocument serves the feed of incidents, to those who have a reader key. It
// names private sources: it is for who runs this.
func (s *Server) opsDocument(format int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.hasKey(w, r) {
			return
		}
		doc, err := s.cache.document("ops."+docMedia[format].ext, s.thisSecond()/opsSeconds, func() (*document, error) {
			return s.opsFeed(context.WithoutCancel(r.Context()), format)
		})
		if err != nil {
			s.unavailable(w, r, err)
			return
		}
		doc.serve(w, r)
	}
}

// opsFeed renders the feed of incidents. The address in it is without the key.
func (s *Server) opsFeed(ctx context.Context, format int) (*document, error) {
	ctx, cancel := context.WithTimeout(ctx, renderTimeout)
	defer cancel()
	incidents, err := s.store.Incidents(ctx, incidentsInFeed)
	if err != nil {
		return nil, err
	}
	page := feed.Page{Self: s.opt.Site.BaseURL + "/ops." + docMedia[format].ext, Incidents: incidents}
	body, err := write(format, s.opt.Site.Ops(), page)
	if err != nil {
		return nil, err
	}
	return newDocument(body, docOptions{
		mediaType:    docMedia[format].mediaType,
		cacheControl: fmt.Sprintf("private, max-age=%d", opsSeconds),
		referrer:     "no-referrer",
	})
}

// opsView is the body of /ops.
type opsView struct {
	Open []incidentView // the one that changed last first
	Over []incidentView
}

// incidentView is an incident as /ops shows it.
type incidentView struct {
	ID, Title string
	Began     moment
	Text      []string
	Page      string // about what it is about; "": there is none
}

// opsPage shows what needs a look, and what did of late.
func (s *Server) opsPage(w http.ResponseWriter, r *http.Request) {
	incidents, err := s.store.Incidents(r.Context(), incidentsInFeed)
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	var v opsView
	for _, i := range incidents {
		shown := incidentView{ID: i.ID, Title: i.Heading(), Began: s.moment(i.Began), Text: i.Paragraphs()}
		if path := i.Path(); path != "/ops#"+i.ID {
			shown.Page = s.root + path
		}
		if i.Open() {
			v.Open = append(v.Open, shown)
		} else {
			v.Over = append(v.Over, shown)
		}
	}
	s.freshPage(w, r, http.StatusOK, "ops", page{Title: "What needs a look", NoIndex: true, Body: v})
}
