package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/topic"
)

// Replayer asks anew about entries that are stored.
type Replayer interface {
	// Replay tells which of the entries that came since a time would change sides,
	// newest first, with this threshold (0: the one that is in force).
	Replay(ctx context.Context, since time.Time, threshold float64) ([]ingest.Change, error)
	// Apply makes changes, and tells how many entries it let in and took out, and
	// how many have to wait for another time.
	Apply(ctx context.Context, changes []ingest.Change) (in, out, waiting int, err error)
}

const (
	changesShown = 100
	// replayWithin bounds how long one may wait for a preview.
	replayWithin = 30 * time.Second
)

// replaySpans are the times that one may choose from, in days.
var replaySpans = []int{1, 7, 14, 30}

// replayRequest is what a preview is asked for.
type replayRequest struct {
	days      int
	threshold float64 // 0: the one that is in force
}

func replayRequestOf(v url.Values) (q replayRequest, err error) {
	q.days, err = strconv.Atoi(strings.TrimSuffix(cmp.Or(v.Get("since"), "14d"), "d"))
	if err != nil || !slices.Contains(replaySpans, q.days) {
		return q, feed.Errorf(feed.CodeInvalid, "“since” is 1d, 7d, 14d or 30d.")
	}
	if text := strings.TrimSpace(v.Get("threshold")); text != "" {
		q.threshold, err = strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64)
		if err != nil || !(q.threshold > 0 && q.threshold < 1) {
			return q, feed.Errorf(feed.CodeInvalid, "“%s” is no threshold; write a number between 0 and 1, such as 0.45.", text)
		}
	}
	return q, nil
}

// path is the preview's address below the base URL.
func (q replayRequest) path() string {
	v := url.Values{"since": {strconv.Itoa(q.days) + "d"}}
	if q.threshold > 0 {
		v.Set("threshold", plainNumber(q.threshold))
	}
	return "/topic/replay?" + v.Encode()
}

// plainNumber writes a number without zeros at its end.
func plainNumber(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// replayForm is the form that asks for a preview.
type replayForm struct {
	Spans     []spanView
	Threshold string // as it was given
	Usual     string // if none is given
}

type spanView struct {
	Days   int
	Chosen bool
}

func newReplayForm(q replayRequest) replayForm {
	f := replayForm{Usual: plainNumber(topic.Threshold)}
	if q.threshold > 0 && q.threshold < 1 {
		f.Threshold = plainNumber(q.threshold)
	}
	for _, days := range replaySpans {
		f.Spans = append(f.Spans, spanView{days, days == q.days})
	}
	return f
}

// replayView is the body of a preview.
type replayView struct {
	Form    replayForm
	Tried   bool // else only the form is shown, with the problem
	Since   string
	Seen    string // what was shown, to be sent back
	In, Out int
	Changes []sideView
	Hidden  int
	AtOnce  int // entries that are let in at a time
	Done    string
	Problem string
}

// sideView is an entry that would change sides.
type sideView struct {
	In              bool
	Title, Language string
	Page            string // where it can be decided about
	Via             link
	When            moment
	Was, Is         string // scores; "": there is none
	Reason          string
}

// replayPage shows which stored entries would change sides: GET /topic/replay.
func (s *Server) replayPage(w http.ResponseWriter, r *http.Request) {
	q, err := replayRequestOf(r.URL.Query())
	var changes []ingest.Change
	if err == nil {
		changes, err = s.tryReplay(w, r, q)
	}
	if err != nil {
		s.replayProblem(w, r, q, err)
		return
	}
	v := s.replayView(q, changes)
	v.Done = replayed(r.URL.Query())
	s.showReplay(w, r, http.StatusOK, v)
}

// applyReplay takes the form on a preview: POST /topic/replay. What is done must
// be what was shown, of two forms at once too: nobody else replays until it is done.
func (s *Server) applyReplay(w http.ResponseWriter, r *http.Request, form url.Values) {
	q, err := replayRequestOf(form)
	if err == nil {
		err = s.beginReplay()
	}
	if err != nil {
		s.replayProblem(w, r, q, err)
		return
	}
	defer s.replaying.Unlock()
	changes, err := s.replay(w, r, q)
	if err != nil {
		s.replayProblem(w, r, q, err)
		return
	}
	if form.Get("seen") != fingerprint(changes) {
		v := s.replayView(q, changes)
		v.Problem = "Something else would change by now, so nothing was done. Look it over once more."
		s.showReplay(w, r, http.StatusConflict, v)
		return
	}
	in, out, waiting, err := s.opt.Replayer.Apply(r.Context(), changes)
	if err != nil {
		s.replayProblem(w, r, q, err)
		return
	}
	s.decided.Add(1)
	s.forgetCounts()
	s.Poke()
	s.goOn(w, r, s.root+q.path()+fmt.Sprintf("&in=%d&out=%d&waiting=%d", in, out, waiting))
}

// beginReplay lets one at a time replay, who unlocks s.replaying in the end.
func (s *Server) beginReplay() error {
	if s.opt.Replayer == nil {
		return feed.Errorf(feed.CodeUnavailable, "Nothing can be tried here; use the command `tributary topic replay`.")
	}
	if !s.replaying.TryLock() {
		return feed.Errorf(feed.CodeUnavailable, "Another preview is being made. Ask again in a moment.")
	}
	return nil
}

// tryReplay is replay for who wants to see what would change.
func (s *Server) tryReplay(w http.ResponseWriter, r *http.Request, q replayRequest) ([]ingest.Change, error) {
	if err := s.beginReplay(); err != nil {
		return nil, err
	}
	defer s.replaying.Unlock()
	return s.replay(w, r, q)
}

// replay asks about what is stored, and not for ever.
func (s *Server) replay(w http.ResponseWriter, r *http.Request, q replayRequest) ([]ingest.Change, error) {
	patient(w)
	ctx, cancel := context.WithTimeout(r.Context(), replayWithin)
	defer cancel()
	changes, err := s.opt.Replayer.Replay(ctx, s.opt.Now().AddDate(0, 0, -q.days), q.threshold)
	if errors.Is(err, context.DeadlineExceeded) {
		err = feed.Errorf(feed.CodeUnavailable, "There is too much to look through within %d seconds. Choose a shorter time, or use the command `tributary topic replay --since %dd`.",
			int(replayWithin.Seconds()), q.days)
	}
	return changes, err
}

// fingerprint tells one set of changes from another.
func fingerprint(changes []ingest.Change) string {
	h := fnv.New64a()
	for _, c := range changes {
		fmt.Fprintln(h, c.Entry.Entry.ID, c.In)
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

func (s *Server) replayView(q replayRequest, changes []ingest.Change) replayView {
	v := replayView{Form: newReplayForm(q), Tried: true, Since: strconv.Itoa(q.days) + "d", Seen: fingerprint(changes), AtOnce: ingest.AtOnce}
	for i, c := range changes {
		if c.In {
			v.In++
		} else {
			v.Out++
		}
		if i < changesShown {
			v.Changes = append(v.Changes, s.sideView(c))
		}
	}
	v.Hidden = len(changes) - len(v.Changes)
	return v
}

func (s *Server) sideView(c ingest.Change) sideView {
	e := s.heldEntryView(viewer{Admin: true}, c.Entry)
	v := sideView{
		In: c.In, Title: e.Title, Language: e.Language, Page: s.root + heldRequest{entry: e.ID}.path(), Via: e.Via, When: e.When, Was: e.Score,
		Reason: "A rule lets it in, or none keeps it out.",
	}
	if c.Opinion.Score != nil {
		v.Is, v.Reason = twoDigits(c.Opinion.Score.Value), c.Opinion.Score.Why
	}
	if c.Opinion.Held != nil {
		v.Reason = c.Opinion.Held.Reason
	}
	return v
}

// replayed says what was done, "" if nothing was.
func replayed(v url.Values) string {
	in, err1 := strconv.Atoi(v.Get("in"))
	out, err2 := strconv.Atoi(v.Get("out"))
	waiting, err3 := strconv.Atoi(v.Get("waiting"))
	if err1 != nil || err2 != nil || err3 != nil {
		return ""
	}
	said := fmt.Sprintf("%s let in, %d taken out.", count(in, "entry", "entries"), out)
	if waiting > 0 {
		said += fmt.Sprintf(" At most %d are let in at once, so that they do not push what is new out of readers’ sight; the rest is below, for another time.", ingest.AtOnce)
	}
	return said
}

func (s *Server) replayProblem(w http.ResponseWriter, r *http.Request, q replayRequest, problem error) {
	status := s.problemStatus(w, r, problem)
	s.showReplay(w, r, status, replayView{Form: newReplayForm(q), Problem: message(problem)})
}

func (s *Server) showReplay(w http.ResponseWriter, r *http.Request, status int, v replayView) {
	s.freshPage(w, r, status, "replay", page{Title: "What if", NoIndex: true, Section: "topic", Wide: len(v.Changes) > 0, Body: v})
}
