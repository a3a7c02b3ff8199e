package web

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"tributary/feed"
	"tributary/store"
)

// apiBytes bounds the body of a request to the API.
const apiBytes = 64 << 10

// apiError is the body of every answer that is an error.
type apiError struct {
	Error struct {
		Code    feed.Code `json:"code"`
		Message string    `json:"message"`
	} `json:"error"`
}

// writeJSON answers with v, indented because people read it too.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // our own types can always be encoded
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h["X-Content-Type-Options"] = noSniff
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

func writeError(w http.ResponseWriter, status int, code feed.Code, text string) {
	var e apiError
	e.Error.Code, e.Error.Message = code, text
	writeJSON(w, status, e)
}

// fail answers with an error, by its code.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		err = feed.Errorf(feed.CodeTooLarge, "The request's body is over %d bytes; send less.", tooLarge.Limit)
	}
	code := feed.CodeOf(err)
	status, text := statusOf(code), message(err)
	if status >= 500 && (code == feed.CodeInternal || !s.trusts(r)) {
		s.logFailure(r, err)
		text = ourFault
	}
	if isAway(err) {
		status, code, text = http.StatusServiceUnavailable, feed.CodeUnavailable, errAway.Error()
		w.Header().Set("Retry-After", "30")
	}
	writeError(w, status, code, text)
}

// trusts tells whether the request has the right token: then it may hear what
// goes wrong inside.
func (s *Server) trusts(r *http.Request) bool {
	token, ok := bearer(r)
	return ok && s.guard.check(s.client(r), token) == nil
}

// patient lifts the time limit of an answer that has to wait for something.
func patient(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // where it cannot be lifted it stays
}

// authorised answers 401 or 429 itself and returns false if the request has
// not the right token (RFC 6750, 3).
func (s *Server) authorised(w http.ResponseWriter, r *http.Request) bool {
	token, ok := bearer(r)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Bearer realm="tributary"`)
		writeError(w, http.StatusUnauthorized, feed.CodeDenied, "This needs the token: send the header “Authorization: Bearer TOKEN”. The token is in the file “token” of the data folder, or what TRIBUTARY_TOKEN says.")
		return false
	}
	err := s.guard.check(s.client(r), token)
	if err == nil {
		return true
	}
	if retry := retryAfter(err); retry != "" {
		w.Header().Set("Retry-After", retry)
		writeError(w, http.StatusTooManyRequests, feed.CodeDenied, err.Error())
		return false
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="tributary", error="invalid_token"`)
	writeError(w, http.StatusUnauthorized, feed.CodeDenied, err.Error())
	return false
}

// visitor tells what the one who asks may see. Without a token that is what
// is public; a wrong one is answered as an error, not as none.
func (s *Server) visitor(w http.ResponseWriter, r *http.Request) (trusted, ok bool) {
	if r.Header.Get("Authorization") == "" {
		return false, true
	}
	ok = s.authorised(w, r)
	return ok, ok
}

// apiIngest starts a run: POST /api/ingest?source=NAME&force=1&wait=1.
// It answers 202 with the run's id, or with wait=1 the report once it is done.
func (s *Server) apiIngest(w http.ResponseWriter, r *http.Request) {
	if !s.authorised(w, r) {
		return
	}
	req, wait, err := s.runRequest(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	id, err := s.runner.Trigger(r.Context(), req)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Location", s.root+"/api/runs/"+id)
	if !wait {
		writeJSON(w, http.StatusAccepted, map[string]string{"id": id})
		return
	}
	patient(w)
	report, err := s.runner.Wait(r.Context(), id)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, report)
}

// runRequest reads what to ingest from the query or a form, naming sources by
// slug, URL or name.
func (s *Server) runRequest(w http.ResponseWriter, r *http.Request) (req feed.RunRequest, wait bool, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, apiBytes)
	if err := r.ParseForm(); err != nil {
		return req, false, feed.Errorf(feed.CodeInvalid, "The parameters cannot be read: %w", err)
	}
	req = feed.RunRequest{Trigger: "api"}
	if req.Force, err = isSet(r, "force"); err != nil {
		return req, false, err
	}
	if wait, err = isSet(r, "wait"); err != nil {
		return req, false, err
	}
	for _, name := range r.Form["source"] {
		src, err := s.store.Source(r.Context(), name)
		if err != nil {
			return req, false, err
		}
		req.Sources = append(req.Sources, src.Slug)
	}
	return req, wait, nil
}

// isSet reads a parameter that is 1 or 0.
func isSet(r *http.Request, name string) (bool, error) {
	switch v := r.FormValue(name); v {
	case "1", "true":
		return true, nil
	case "", "0", "false":
		return false, nil
	default:
		return false, feed.Errorf(feed.CodeInvalid, "“%s=%s” is not understood: it is 1 or 0.", name, v)
	}
}

func (s *Server) apiRuns(w http.ResponseWriter, r *http.Request) {
	trusted, ok := s.visitor(w, r)
	if !ok {
		return
	}
	limit, err := limitOf(r, runsShown, 500)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	reports, sources, err := s.reports(r.Context(), limit)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := make([]feed.Report, len(reports))
	for i, report := range reports {
		if !trusted {
			report = publicReport(report, sources)
		}
		out[i] = report
	}
	writeJSON(w, http.StatusOK, out)
}

func (s *Server) apiRun(w http.ResponseWriter, r *http.Request) {
	trusted, ok := s.visitor(w, r)
	if !ok {
		return
	}
	report, err := s.runner.Report(r.Context(), r.PathValue("id"))
	if err == nil && !trusted {
		var sources []feed.Source
		sources, err = s.store.Sources(r.Context())
		report = publicReport(report, sources)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, report)
}

// limitOf reads ?limit=.
func limitOf(r *http.Request, preset, most int) (int, error) {
	v := r.URL.Query().Get("limit")
	if v == "" {
		return preset, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > most {
		return 0, feed.Errorf(feed.CodeInvalid, "“limit=%s” is not understood: it is a whole number from 1 to %d.", v, most)
	}
	return n, nil
}

// apiItems lists the newest items, without their content.
func (s *Server) apiItems(w http.ResponseWriter, r *http.Request) {
	limit, err := limitOf(r, 50, 500)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	items, err := s.store.Items(r.Context(), store.Query{Limit: limit})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := make([]itemJSON, len(items))
	for i, item := range items {
		item.Entry.Content = ""
		out[i] = s.itemJSON(item)
	}
	writeJSON(w, http.StatusOK, out)
}

// apiItem gives one item with its content and its entries; by its UUID, or the
// start of it. Of one that was merged into another it sends on to that.
func (s *Server) apiItem(w http.ResponseWriter, r *http.Request) {
	trusted, ok := s.visitor(w, r)
	if !ok {
		return
	}
	item, err := s.store.Item(r.Context(), r.PathValue("id"))
	var entries []whyEntry
	if err == nil && item.Live() {
		entries, err = s.entriesOf(r.Context(), item)
	}
	switch {
	case err != nil:
		s.fail(w, r, err)
	case item.MergedID != "":
		s.sendOn(w, r, "/api/items/"+item.MergedID)
	case item.Place == 0:
		s.fail(w, r, feed.Errorf(feed.CodeNotFound, "This item is not published yet; ask again after the run."))
	case !item.Live():
		writeError(w, http.StatusGone, feed.CodeNotFound, "This item was withdrawn or hidden.")
	default:
		out := s.itemJSON(item)
		out.Entries = entriesJSON(entries, trusted)
		writeJSON(w, http.StatusOK, out)
	}
}

func (s *Server) apiSources(w http.ResponseWriter, r *http.Request) {
	trusted, ok := s.visitor(w, r)
	if !ok {
		return
	}
	sources, err := s.store.Sources(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if !trusted {
		sources = public(sources)
	}
	out := make([]sourceJSON, len(sources))
	for i, src := range sources {
		out[i] = newSourceJSON(src, trusted)
	}
	writeJSON(w, http.StatusOK, out)
}

func (s *Server) apiSource(w http.ResponseWriter, r *http.Request) {
	trusted, ok := s.visitor(w, r)
	if !ok {
		return
	}
	slug := r.PathValue("slug")
	src, err := s.sourceNamed(r.Context(), viewer{Admin: trusted}, slug)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, newSourceJSON(src, trusted))
}

// sourceRequest is the body of POST /api/sources.
type sourceRequest struct {
	URL     string   `json:"url"`
	Name    string   `json:"name"`
	Every   string   `json:"every"`
	Tags    []string `json:"tags"`
	Private bool     `json:"private"`
}

// apiAddSource adds a source, having fetched it: 201 with the source and what
// was found at its address.
func (s *Server) apiAddSource(w http.ResponseWriter, r *http.Request) {
	if !s.authorised(w, r) {
		return
	}
	req, err := readSource(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	patient(w) // the site may be slow; fetching has a limit of its own
	src, found, _, err := s.sources.Add(r.Context(), feed.Source{
		Kind: feed.KindFeed, URL: req.URL, Name: req.Name, Every: req.Every, Tags: req.Tags, Private: req.Private,
		Enabled: true, Origin: feed.OriginAdded,
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Location", s.root+"/api/sources/"+src.Slug)
	writeJSON(w, http.StatusCreated, addedJSON{sourceJSON: newSourceJSON(src, true), Found: found})
}

// readSource reads what source to add.
func readSource(w http.ResponseWriter, r *http.Request) (sourceRequest, error) {
	var req sourceRequest
	err := readBody(w, r, &req, `{"url": "https://example.org/feed", "name": "Example", "every": "2h", "tags": ["news"], "private": false}`)
	if err == nil && req.URL == "" {
		err = feed.Errorf(feed.CodeInvalid, "The source has no “url”; give the address of a feed or of a page that names one.")
	}
	return req, err
}

// readBody reads a JSON object like the example. Keys that we don't know are
// errors: a misspelt one would be lost in silence.
func readBody(w http.ResponseWriter, r *http.Request, into any, example string) error {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, apiBytes))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, more := dec.Token(); more != io.EOF {
			err = errors.New("something follows the object")
		}
	}
	var tooLarge *http.MaxBytesError
	if err == nil || errors.As(err, &tooLarge) {
		return err
	}
	return feed.Errorf(feed.CodeInvalid, `The body is not understood: %w. It is a JSON object like %s.`, err, example)
}

// apiRemoveSource removes a source; with purge=1 its items too.
func (s *Server) apiRemoveSource(w http.ResponseWriter, r *http.Request) {
	if !s.authorised(w, r) {
		return
	}
	purge, err := isSet(r, "purge")
	if err == nil {
		err = s.sources.Remove(r.Context(), r.PathValue("slug"), purge)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
