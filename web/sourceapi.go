package web

import (
	"net/http"

	"tributary/feed"
	"tributary/ingest"
)

// sourceChange is the body of PATCH /api/sources/{slug}. What it does not name
// stays as it is.
type sourceChange struct {
	Name     *string   `json:"name"`
	Every    *string   `json:"every"`
	Tags     *[]string `json:"tags"`
	Private  *bool     `json:"private"`
	Enabled  *bool     `json:"enabled"`
	FullText *bool     `json:"full_text"` // its articles' pages are read
	Topic    *string   `json:"topic"`     // "off": not filtered; "": as all
}

// on is src with the change made.
func (c sourceChange) on(src feed.Source) feed.Source {
	set(&src.Name, c.Name)
	set(&src.Every, c.Every)
	set(&src.Tags, c.Tags)
	set(&src.Private, c.Private)
	set(&src.Enabled, c.Enabled)
	set(&src.FullText, c.FullText)
	set(&src.Topic, c.Topic)
	return src
}

func set[T any](field, to *T) {
	if to != nil {
		*field = *to
	}
}

// apiChangeSource changes an added source.
func (s *Server) apiChangeSource(w http.ResponseWriter, r *http.Request) {
	if !s.authorised(w, r) {
		return
	}
	var change sourceChange
	err := readBody(w, r, &change, `{"name": "Example", "every": "2h", "tags": ["news"], "private": false, "enabled": true, "topic": "`+ingest.FilterOff+`"}`)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	src, err := s.sourceNamed(r.Context(), viewer{Admin: true}, r.PathValue("slug"))
	if err == nil {
		err = s.sources.Update(r.Context(), change.on(src))
	}
	if err == nil {
		src, err = s.store.Source(r.Context(), src.Slug)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, newSourceJSON(src, true))
}

// importedJSON is what became of a feed in an imported list.
type importedJSON struct {
	Outcome string `json:"outcome"` // "added", "there already", "left out"
	Slug    string `json:"slug,omitempty"`
	Name    string `json:"name,omitempty"`
	URL     string `json:"url"`
	Problem string `json:"problem,omitempty"`
}

// apiImportSources takes an OPML file as the body and tells of each of its feeds
// what became of it.
func (s *Server) apiImportSources(w http.ResponseWriter, r *http.Request) {
	if !s.authorised(w, r) {
		return
	}
	patient(w) // some thousand sources take a while
	report, err := s.sources.Import(r.Context(), http.MaxBytesReader(w, r.Body, importBytes))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := make([]importedJSON, len(report))
	for i, one := range report {
		row := importRowOf(one)
		out[i] = importedJSON{Outcome: row.Outcome, Slug: row.Slug, Name: row.Name, URL: row.Address, Problem: row.Problem}
	}
	writeJSON(w, http.StatusOK, out)
}
