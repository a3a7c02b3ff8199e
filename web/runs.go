package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tributary/feed"
	"tributary/store"
)

const (
	runsShown    = 20  // on /runs
	runRowsShown = 500 // sources on one run's page
	runRowsLive  = 60  // likewise while it is in progress: they are sent again with each change
	runNewsShown = 30  // new items on one run's page
	failedShown  = 5   // sources that failed, of a run on /runs
	// refreshSeconds is how often a page about a run in progress asks again where
	// no script can follow it.
	refreshSeconds = 2
)

// runsView is the body of /runs.
type runsView struct {
	Runs    []runView
	Next    moment
	Running bool   // one that is not listed yet
	Problem string // why the form did not start a run
	Workers []workerRow
}

// workerRow is a process that shares the work.
type workerRow struct {
	Name, Role string
	Since      moment
	Seeds      bool
	Sources    int
}

// runView is a run, as the list and its own page show it.
type runView struct {
	ID       string
	Started  moment
	Trigger  string
	State    string // "running", "done", "failed"
	Live     bool   // it is in progress, and the page follows it
	Took     string
	Counts   feed.Counts
	Done     int
	Total    int
	NotDue   int
	Failures int
	Failed   []link // the first of them
	Error    string
	Rows     []runRow
	Shared   bool // the rows name the processes that had the sources
	Hidden   int  // rows beyond those shown
	News     []newsView
	MoreNews int
}

// runRow is what a run did with one source.
type runRow struct {
	Source  link // URL "": it is no longer there, or not for strangers
	Tone    string
	Outcome string
	Items   string // what became of them; "": none were read
	Error   string
	NextDue moment
	Why     string
	Worker  string
}

// newsView is an item that a run brought.
type newsView struct {
	Title, Language string
	Page            string
	Via             link
}

func (s *Server) runsPage(w http.ResponseWriter, r *http.Request) {
	s.servePage(w, r, "runs", s.thisSecond(), "runs", func(ctx context.Context, v viewer) (page, error) { return s.runsList(ctx, v, "") })
}

func (s *Server) runsList(ctx context.Context, who viewer, problem string) (page, error) {
	reports, sources, err := s.reports(ctx, runsShown)
	if err != nil {
		return page{}, err
	}
	v := runsView{Next: s.moment(s.runner.NextRun()), Running: s.runner.Running(), Problem: problem}
	followed := false
	for _, r := range reports {
		run := s.runView(who, r, sources)
		run.Live = run.Live && !followed // a browser keeps few connections open
		followed = followed || run.Live
		v.Runs = append(v.Runs, run)
	}
	v.Running = v.Running && !followed
	if v.Workers, err = s.workerRows(ctx, who); err != nil {
		return page{}, err
	}
	return page{
		Title: "Runs", Description: "What the last runs brought.",
		Canonical: s.opt.Site.BaseURL + "/runs", NoIndex: true, Section: "runs", Body: v,
	}, nil
}

// crew is a Runner that shares the work with other processes.
type crew interface {
	Workers(ctx context.Context) ([]feed.Worker, error)
	// Working names who works on each source, by the source's id.
	Working(ctx context.Context) (map[int64]string, error)
}

// workerRows are the processes that share the work, for an administrator.
func (s *Server) workerRows(ctx context.Context, who viewer) ([]workerRow, error) {
	c, ok := s.runner.(crew)
	if !ok || !who.Admin {
		return nil, nil
	}
	workers, err := c.Workers(ctx)
	if err != nil {
		return nil, err
	}
	var rows []workerRow
	for _, w := range workers {
		rows = append(rows, workerRow{w.Name, w.Role, s.brief(w.Since), w.Seeds, w.Sources})
	}
	return rows, nil
}

// working names who works on each source, for an administrator.
func (s *Server) working(ctx context.Context, who viewer) (map[int64]string, error) {
	c, ok := s.runner.(crew)
	if !ok || !who.Admin {
		return nil, nil
	}
	return c.Working(ctx)
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

// reportFor is a run's report as far as one may see it.
func reportFor(who viewer, r feed.Report, sources []feed.Source) feed.Report {
	if who.Admin {
		return r
	}
	return publicReport(r, sources)
}

// publicReport is a run's report without what is not public: sources that are
// private, or that are no longer there to tell, keep their numbers only; so
// does why a run broke off, which may name them. The names of processes are those of
// machines, which is nobody's business.
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
		row.Worker = ""
		rows[i] = row
	}
	r.Sources = rows
	if r.Error != "" {
		r.Error = "It did not finish; the log says why. What it had stored stays."
	}
	return r
}

func (s *Server) runView(who viewer, report feed.Report, sources []feed.Source) runView {
	r := reportFor(who, report, sources)
	v := runView{
		ID: r.ID, Started: s.moment(r.Started), Trigger: triggerInWords(r.Trigger), State: r.State, Live: r.State == "running", Took: took(r),
		Counts: r.Counts, Done: r.Done, Total: r.Total, Failures: r.Failed(), Error: r.Error, Shared: r.Shared(),
	}
	known := map[string]bool{}
	for _, src := range sources {
		known[src.Slug] = true
	}
	rows := slices.Clone(r.Sources)
	slices.SortStableFunc(rows, func(a, b feed.SourceReport) int { return interest(a) - interest(b) })
	shown := runRowsShown
	if v.Live {
		shown = runRowsLive
	}
	for i, row := range rows {
		if row.Outcome == feed.OutcomeNotDue {
			v.NotDue++
		}
		if i >= shown {
			continue
		}
		line := s.runRow(row)
		if known[row.Source] {
			line.Source.URL = s.root + "/sources/" + row.Source
		}
		if row.Outcome == feed.OutcomeFailed && len(v.Failed) < failedShown {
			v.Failed = append(v.Failed, line.Source)
		}
		v.Rows = append(v.Rows, line)
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
	row := runRow{Source: link{Name: r.Name}, Error: r.Error, NextDue: s.brief(r.NextDue), Why: r.DueReason, Worker: r.Worker}
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

// runPage shows one run. While it is in progress the page follows it.
func (s *Server) runPage(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	s.servePage(w, r, "run "+id, s.thisSecond(), "run", func(ctx context.Context, who viewer) (page, error) {
		report, err := s.runner.Report(ctx, id)
		if err != nil {
			return page{}, err
		}
		return s.runBody(ctx, who, report)
	})
}

func (s *Server) runBody(ctx context.Context, who viewer, report feed.Report) (page, error) {
	sources, err := s.store.Sources(ctx)
	if err != nil {
		return page{}, err
	}
	v := s.runView(who, report, sources)
	p := page{Title: "Run", NoIndex: true, Section: "runs", Wide: true}
	if v.Live {
		p.Refresh = refreshSeconds
	} else if v.News, err = s.newsOf(ctx, who, report); err != nil {
		return page{}, err
	}
	v.MoreNews = max(0, report.Counts.Published-len(v.News))
	p.Body = v
	return p, nil
}

// newsOf are the items that were admitted while a run lasted, which is when its
// own are: at its end.
func (s *Server) newsOf(ctx context.Context, who viewer, r feed.Report) ([]newsView, error) {
	if r.Counts.Published == 0 || r.Finished.IsZero() {
		return nil, nil
	}
	newest, err := s.newestBefore(ctx, 0)
	if err != nil {
		return nil, err
	}
	since, err := s.publishedSince(ctx, r.Finished.Add(time.Millisecond))
	if err != nil {
		return nil, err
	}
	items, err := s.store.Items(ctx, store.Query{Limit: min(runNewsShown, r.Counts.Published), Before: newest.Place - int64(since) + 1})
	if err != nil {
		return nil, err
	}
	var news []newsView
	for _, item := range items {
		if item.Admitted.Before(r.Started) {
			break
		}
		news = append(news, newsView{
			Title: titleOf(item), Language: cmp.Or(item.Entry.Language, item.Source.About.Language), Page: s.root + "/items/" + item.ID, Via: via(who, item),
		})
	}
	return news, nil
}

// startRun takes the form on /runs: it starts a run and leads to its page.
func (s *Server) startRun(w http.ResponseWriter, r *http.Request, form url.Values) {
	id, err := s.runner.Trigger(r.Context(), feed.RunRequest{Trigger: "api", Force: form.Get("force") == "1"})
	if err != nil {
		s.runsProblem(w, r, err)
		return
	}
	http.Redirect(w, r, s.root+"/runs/"+id, http.StatusSeeOther)
}

// runsProblem shows the list again with what was wrong above the form.
func (s *Server) runsProblem(w http.ResponseWriter, r *http.Request, problem error) {
	status := s.problemStatus(w, r, problem)
	p, err := s.runsList(r.Context(), viewer{Admin: true}, message(problem))
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	s.freshPage(w, r, status, "runs", p)
}

// problemStatus is the status of a form's page that says what was wrong. A
// wrong token is 403 here: 401 would need a challenge that a browser can answer.
// What does not answer is mostly another site, and we do: at a 503 proxies would
// show a page of their own, or send the form once more.
func (s *Server) problemStatus(w http.ResponseWriter, r *http.Request, problem error) int {
	if retry := retryAfter(problem); retry != "" {
		w.Header().Set("Retry-After", retry)
		return http.StatusTooManyRequests
	}
	status := statusOf(feed.CodeOf(problem))
	switch status {
	case http.StatusInternalServerError:
		s.logFailure(r, problem)
	case http.StatusServiceUnavailable:
		status = http.StatusUnprocessableEntity
	}
	return status
}
