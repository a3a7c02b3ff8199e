package web

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"tributary/feed"
)

const (
	runsShown    = 20  // on /runs
	runRowsShown = 500 // sources on one run's page
	formBytes    = 16 << 10
	// refreshSeconds is how often a page about a run in progress asks again.
	refreshSeconds = 2
)

// runsView is the body of /runs.
type runsView struct {
	Runs    []runView
	Next    moment
	Running bool
	Problem string // why the form did not start a run
}

// runView is a run, as the list and its own page show it.
type runView struct {
	ID       string
	Started  moment
	Trigger  string
	State    string // "running", "done", "failed"
	Took     string
	Counts   feed.Counts
	Done     int
	Total    int
	NotDue   int
	Failures int
	Failed   []string // names
	Error    string
	Rows     []runRow
	Hidden   int // rows beyond those shown
}

// runRow is what a run did with one source.
type runRow struct {
	Name    string
	Tone    string
	Outcome string
	Items   string // what became of them; "": none were read
	Error   string
	NextDue moment
	Why     string
}

func (s *Server) runsPage(w http.ResponseWriter, r *http.Request) {
	s.servePage(w, r, "runs", s.thisSecond(), "runs", func(ctx context.Context) (page, error) { return s.runsList(ctx, "") })
}

func (s *Server) runsList(ctx context.Context, problem string) (page, error) {
	reports, sources, err := s.reports(ctx, runsShown)
	if err != nil {
		return page{}, err
	}
	v := runsView{Next: s.moment(s.runner.NextRun()), Running: s.runner.Running(), Problem: problem}
	for _, r := range reports {
		v.Runs = append(v.Runs, s.runView(publicReport(r, sources)))
	}
	return page{
		Title: "Runs", Description: "What the last runs brought.",
		Canonical: s.opt.Site.BaseURL + "/runs", NoIndex: true, Section: "runs", Body: v,
	}, nil
}

// reports reads the newest runs, and the sources to tell which names are public.
func (s *Server) reports(ctx context.Context, limit int) ([]feed.Report, []feed.Source, error) {
	reports, err := s.store.Runs(ctx, limit)
	if err != nil {
		return nil, nil, err
	}
	sources, err := s.store.Sources(ctx)
	return reports, sources, err
}

// publicReport is a run's report without what is not public: sources that are
// private, or that are no longer there to tell, keep their numbers only; so
// does why a run broke off, which may name them.
func publicReport(r feed.Report, sources []feed.Source) feed.Report {
	bySlug := map[string]feed.Source{}
	for _, src := range public(sources) {
		bySlug[src.Slug] = src
	}
	rows := make([]feed.SourceReport, len(r.Sources))
	for i, row := range r.Sources {
		if src, ok := bySlug[row.Source]; ok {
			row.Error = publicError(row.Error, src)
		} else {
			row.Source, row.Name, row.DueReason, row.Error = "", "(private or removed)", "", ""
		}
		rows[i] = row
	}
	r.Sources = rows
	if r.Error != "" {
		r.Error = "It did not finish; the log says why. What it had stored stays."
	}
	return r
}

func (s *Server) runView(r feed.Report) runView {
	v := runView{
		ID: r.ID, Started: s.moment(r.Started), Trigger: triggerInWords(r.Trigger), State: r.State, Took: took(r),
		Counts: r.Counts, Done: r.Done, Total: r.Total, Failures: r.Failed(), Error: r.Error,
	}
	rows := slices.Clone(r.Sources)
	slices.SortStableFunc(rows, func(a, b feed.SourceReport) int { return interest(a) - interest(b) })
	for i, row := range rows {
		if row.Outcome == feed.OutcomeFailed && len(v.Failed) < 5 {
			v.Failed = append(v.Failed, row.Name)
		}
		if row.Outcome == feed.OutcomeNotDue {
			v.NotDue++
		}
		if i < runRowsShown {
			v.Rows = append(v.Rows, s.runRow(row))
		}
	}
	v.Hidden = len(rows) - len(v.Rows)
	return v
}

// interest orders the rows of a report: failures, then news, then the rest.
func interest(r feed.SourceReport) int {
	news := r.Counts
	news.Unchanged = 0
	switch {
	case r.Outcome == feed.OutcomeFailed:
		return 0
	case news != feed.Counts{}:
		return 1
	case r.Outcome == feed.OutcomeOK, r.Outcome == feed.OutcomeNotModified:
		return 2
	}
	return 3
}

func (s *Server) runRow(r feed.SourceReport) runRow {
	row := runRow{Name: r.Name, Error: r.Error, NextDue: s.brief(r.NextDue), Why: r.DueReason}
	if r.Outcome == feed.OutcomeOK || r.Outcome == feed.OutcomeNotModified {
		row.Items = countsInWords(r.Counts)
	}
	switch r.Outcome {
	case feed.OutcomeOK:
		row.Tone, row.Outcome = "good", "fetched"
	case feed.OutcomeNotModified:
		row.Tone, row.Outcome = "good", "not modified"
	case feed.OutcomeNotDue:
		row.Tone, row.Outcome = "off", "not due"
	case feed.OutcomeDisabled:
		row.Tone, row.Outcome = "off", "switched off"
	case feed.OutcomeFailed:
		row.Tone, row.Outcome = "bad", "failed"
	default:
		row.Tone, row.Outcome = "wait", string(r.Outcome)
	}
	return row
}

// runPage shows one run; while it is in progress the page asks again by itself.
func (s *Server) runPage(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	report, err := s.runner.Report(r.Context(), id)
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	sources, err := s.store.Sources(r.Context())
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	p := page{Title: "Run", NoIndex: true, Section: "runs", Wide: true, Body: s.runView(publicReport(report, sources))}
	if report.State == "running" {
		p.Refresh = refreshSeconds
	}
	s.freshPage(w, r, http.StatusOK, "run", p)
}

// startRun takes the form on /runs: it starts a run and leads to its page.
func (s *Server) startRun(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, formBytes)
	if err := s.crossOrigin.Check(r); err != nil {
		s.errorPage(w, r, http.StatusForbidden, "This cannot be done", "The form was sent from another site. Open this site's own page of runs and start it there.")
		return
	}
	if err := r.ParseForm(); err != nil {
		s.errorPage(w, r, http.StatusBadRequest, "This cannot be done", "The form could not be read. Open the page of runs again and start it there.")
		return
	}
	if err := s.guard.check(r, strings.TrimSpace(r.PostForm.Get("token"))); err != nil {
		s.runsProblem(w, r, err)
		return
	}
	id, err := s.runner.Trigger(r.Context(), feed.RunRequest{Trigger: "api", Force: r.PostForm.Get("force") == "1"})
	if err != nil {
		s.runsProblem(w, r, err)
		return
	}
	http.Redirect(w, r, s.root+"/runs/"+id, http.StatusSeeOther)
}

// runsProblem shows the list again with what was wrong above the form.
func (s *Server) runsProblem(w http.ResponseWriter, r *http.Request, problem error) {
	status := s.problemStatus(w, r, problem)
	p, err := s.runsList(r.Context(), message(problem))
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	s.freshPage(w, r, status, "runs", p)
}

// problemStatus is the status of a form's page that says what was wrong. A
// wrong token is 403 here: 401 would need a challenge that a browser can answer.
func (s *Server) problemStatus(w http.ResponseWriter, r *http.Request, problem error) int {
	if retry := retryAfter(problem); retry != "" {
		w.Header().Set("Retry-After", retry)
		return http.StatusTooManyRequests
	}
	status := statusOf(feed.CodeOf(problem))
	if status == http.StatusInternalServerError {
		s.logFailure(r, problem)
	}
	return status
}
