package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tributary/feed"
	"tributary/store"
)

// Moderator carries out what a person says about an entry. Each method gives
// the entry as it was.
type Moderator interface {
	// Accept says that an entry is on topic: it is published.
	Accept(ctx context.Context, entryID int64) (feed.HeldEntry, error)
	// Refuse says that it is not: it is kept out, or taken out.
	Refuse(ctx context.Context, entryID int64) (feed.HeldEntry, error)
	// Undo takes back what was said.
	Undo(ctx context.Context, entryID int64) (feed.HeldEntry, error)
}

// verbs are what can be said about an entry, as forms and the API name it.
var verbs = []string{"accept", "refuse", "undo"}

// decide has one of the verbs carried out.
func (s *Server) decide(ctx context.Context, verb string, entryID int64) error {
	var err error
	switch verb {
	case "accept":
		_, err = s.opt.Moderator.Accept(ctx, entryID)
	case "refuse":
		_, err = s.opt.Moderator.Refuse(ctx, entryID)
	default:
		_, err = s.opt.Moderator.Undo(ctx, entryID)
	}
	s.decided.Add(1)
	s.forgetCounts()
	s.Poke()
	return err
}

func noModerator() error {
	return feed.Errorf(feed.CodeUnavailable, "Nothing can be let in or kept out here; use the command `tributary topic review`.")
}

// decideByForm takes the form on a page of entries, and leads back to it, with
// the entry above the list. htmx gets the entry alone, as it is then.
func (s *Server) decideByForm(list listing) func(w http.ResponseWriter, r *http.Request, form url.Values) {
	return func(w http.ResponseWriter, r *http.Request, form url.Values) {
		if s.opt.Moderator == nil {
			s.errorPage(w, r, http.StatusServiceUnavailable, "This cannot be done here", noModerator().Error())
			return
		}
		q, err := heldRequestOf(r, list)
		if err != nil {
			s.failPage(w, r, err)
			return
		}
		verb, entry, err := wishOf(form)
		if err == nil {
			err = s.decide(r.Context(), verb, entry)
		}
		if feed.CodeOf(err) == feed.CodeNotFound {
			err = feed.Errorf(feed.CodeNotFound, "There is no such entry any more. Load this page again to see those that there are.")
		}
		switch {
		case wantsFragment(r):
			s.decidedFragment(w, r, q, entry, err)
			return
		case err != nil:
			s.heldProblem(w, r, q, err)
			return
		}
		if q.find == "" { // else it is among what was found
			q.entry = entry
		}
		http.Redirect(w, r, s.root+q.path(), http.StatusSeeOther)
	}
}

// wishOf reads which of the form's buttons was pressed.
func wishOf(form url.Values) (verb string, entry int64, err error) {
	for _, verb := range verbs {
		if form.Has(verb) {
			entry, err := numberOf(form, verb)
			if err == nil && entry > 0 {
				return verb, entry, nil
			}
		}
	}
	return "", 0, feed.Errorf(feed.CodeInvalid, "The form does not say what to do; use one of its buttons.")
}

// decidedFragment answers htmx with an entry about which was decided, or with why
// it was not: it takes what is no error only.
func (s *Server) decidedFragment(w http.ResponseWriter, r *http.Request, q heldRequest, entry int64, problem error) {
	var v heldEntryView
	if h, err := s.store.EntryByID(r.Context(), entry); err == nil {
		v = s.heldEntryView(viewer{Admin: true}, h).at(s.root + q.path())
	} else if problem == nil {
		problem = err
	}
	if problem != nil {
		s.problemStatus(w, r, problem) // for the log
		v.Problem = message(problem)
	}
	s.serveFragment(w, r, "held", "decided", v)
}

// heldProblem shows the page again with what was wrong above the form.
func (s *Server) heldProblem(w http.ResponseWriter, r *http.Request, q heldRequest, problem error) {
	status := s.problemStatus(w, r, problem)
	p, err := s.heldBody(r.Context(), viewer{Admin: true}, q, message(problem))
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	s.freshPage(w, r, status, "held", p)
}

// heldJSON is an entry in the API that is held, or that somebody decided about.
type heldJSON struct {
	entryJSON
	Published time.Time `json:"published,omitzero"`
	Language  string    `json:"language,omitempty"`
	Summary   string    `json:"summary,omitempty"`
}

// scoreJSON is how near an entry is to the topic.
type scoreJSON struct {
	Score   float64 `json:"score"`   // 0 to 1
	Profile int64   `json:"profile"` // the version of the profile that it was scored by
	Why     string  `json:"why"`
}

func scoreOf(score feed.Score) *scoreJSON {
	if score.Profile == 0 {
		return nil
	}
	return &scoreJSON{score.Value, score.Profile, score.Why}
}

func heldJSONOf(h feed.HeldEntry) heldJSON {
	out := heldJSON{
		entryJSON: entriesJSON([]whyEntry{{h.Entry, h.Source, h.Score}}, true)[0],
		Language:  h.Entry.Language, Summary: h.Entry.Summary,
	}
	if !h.Entry.Published.IsZero() {
		out.Published = h.Entry.Published.UTC()
	}
	return out
}

// apiHeld lists what is held, newest first: GET
// /api/held?rule=topic&limit=50&before=ENTRY.
func (s *Server) apiHeld(w http.ResponseWriter, r *http.Request) {
	trusted, ok := s.visitor(w, r)
	if !ok {
		return
	}
	q, err := heldRequestOf(r, heldList)
	limit := 0
	if err == nil {
		limit, err = limitOf(r, 50, 500)
	}
	var entries []feed.HeldEntry
	if err == nil {
		entries, err = s.heldEntries(r.Context(), store.HeldQuery{Rules: q.rules(), Before: q.before, Limit: limit}, trusted)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := make([]heldJSON, len(entries))
	for i, h := range entries {
		out[i] = heldJSONOf(h)
	}
	writeJSON(w, http.StatusOK, out)
}

// apiDecide lets an entry in, keeps it out, or takes that back: POST
// /api/entries/{id}/accept. It answers with the entry as it is then.
func (s *Server) apiDecide(verb string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.authorised(w, r) {
			return
		}
		if s.opt.Moderator == nil {
			s.fail(w, r, noModerator())
			return
		}
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil || id < 1 {
			s.fail(w, r, feed.Errorf(feed.CodeInvalid, "“%s” is not the number of an entry; GET /api/held lists them.", r.PathValue("id")))
			return
		}
		var now feed.HeldEntry
		if err = s.decide(r.Context(), verb, id); err == nil {
			now, err = s.store.EntryByID(r.Context(), id)
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, heldJSONOf(now))
	}
}
