package scheduler

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"tributary/feed"
	"tributary/ingest"
)

// activeRun is a run under way.
type activeRun struct {
	request feed.RunRequest
	pushed  *feed.Document // see ingest.Run
	done    chan struct{}

	// Under the scheduler's mu.
	wanted bool // somebody waits for it, or may look for its report
	over   bool // too late to join it

	mu      sync.Mutex
	report  feed.Report
	pending map[string]bool // slugs that it has yet to report on
	err     error
}

// snapshot is the report as far as it goes.
func (r *activeRun) snapshot() feed.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	report := r.report
	report.Sources = slices.Clone(report.Sources)
	return report
}

// add notes how a source fared.
func (r *activeRun) add(s feed.SourceReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Counts.Add(s.Counts)
	if s.Amends {
		if i := slices.IndexFunc(r.report.Sources, func(before feed.SourceReport) bool { return before.Source == s.Source }); i >= 0 {
			r.report.Sources[i].Counts.Add(s.Counts)
		}
		return
	}
	r.report.Sources = append(r.report.Sources, s)
	r.report.Done++
	delete(r.pending, s.Source)
}

// expect notes the sources that the run will take.
func (r *activeRun) expect(sources []feed.Source) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Total = len(sources)
	r.pending = make(map[string]bool, len(sources))
	for _, src := range sources {
		r.pending[src.Slug] = true
	}
}

// expects tells whether the run has yet to come to a source.
func (r *activeRun) expects(slug string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pending[slug]
}

// Trigger starts a run, or joins one under way that was asked for the same,
// and returns its id. A source that is not known is an error (CodeNotFound).
// A folder's event and a new configuration always get a run of their own: one
// under way may have looked just before the change.
func (s *Scheduler) Trigger(ctx context.Context, req feed.RunRequest) (string, error) {
	if err := s.resolve(ctx, &req); err != nil {
		return "", err
	}
	run, err := s.begin(req)
	if err != nil {
		return "", err
	}
	return run.report.ID, nil // which never changes
}

// Push takes a document that a hub has sent for a source through the line, and
// returns when that is done.
func (s *Scheduler) Push(ctx context.Context, src feed.Source, doc feed.Document) error {
	run, err := s.beginWith(feed.RunRequest{Trigger: "push", Sources: []string{src.Slug}}, &doc)
	if err != nil {
		return err
	}
	report, err := run.wait(ctx)
	if err != nil {
		return err
	}
	return Pushed(src, report)
}

// Pushed is why a run has not taken in what was pushed for a source; nil: it has.
func Pushed(src feed.Source, report feed.Report) error {
	switch {
	case len(report.Sources) == 0:
		return feed.Errorf(feed.CodeNotFound, "%s was removed meanwhile", src.Slug)
	case report.Sources[0].Outcome == feed.OutcomeDisabled:
		return feed.Errorf(feed.CodeConflict, "%s was switched off meanwhile", src.Slug)
	case report.Sources[0].Outcome == feed.OutcomeFailed:
		return feed.Errorf(feed.CodeInvalid, "%s", report.Sources[0].Error)
	}
	return nil
}

// begin is Trigger for slugs.
func (s *Scheduler) begin(req feed.RunRequest) (*activeRun, error) { return s.beginWith(req, nil) }

func (s *Scheduler) beginWith(req feed.RunRequest, pushed *feed.Document) (*activeRun, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return nil, feed.Errorf(feed.CodeUnavailable, "the program is stopping; ask again when it is back")
	}
	wanted := req.Trigger != "folder" && req.Trigger != "schedule" && pushed == nil
	joins := req.Trigger != "folder" && req.Trigger != "signal" && pushed == nil
	for _, r := range s.runs {
		if joins && !r.over && r.pushed == nil && r.request.Force == req.Force && slices.Equal(r.request.Sources, req.Sources) {
			r.wanted = r.wanted || wanted
			return r, nil
		}
	}
	run := &activeRun{request: req, pushed: pushed, done: make(chan struct{}), wanted: wanted, report: feed.Report{
		ID: uuid.NewString(), Trigger: req.Trigger, State: "running", Started: s.pipeline.Now(),
	}}
	s.runs[run.report.ID] = run
	s.active.Go(func() { s.carryOut(run) })
	return run, nil
}

// resolve replaces the names that a person gave by slugs.
func (s *Scheduler) resolve(ctx context.Context, req *feed.RunRequest) error {
	var slugs []string
	for _, name := range req.Sources {
		src, err := s.store.Source(ctx, name)
		if err != nil {
			return err
		}
		slugs = append(slugs, src.Slug)
	}
	slices.Sort(slugs)
	req.Sources = slices.Compact(slugs)
	return nil
}

// Wait waits for a run to end and returns its report.
func (s *Scheduler) Wait(ctx context.Context, id string) (feed.Report, error) {
	s.mu.Lock()
	run, ok := s.runs[id]
	s.mu.Unlock()
	if !ok {
		return s.store.Run(ctx, id)
	}
	return run.wait(ctx)
}

func (r *activeRun) wait(ctx context.Context) (feed.Report, error) {
	select {
	case <-r.done:
		return r.snapshot(), r.err
	case <-ctx.Done():
		return r.snapshot(), ctx.Err()
	}
}

// Report is a run's report, as far as it goes if the run is under way.
func (s *Scheduler) Report(ctx context.Context, id string) (feed.Report, error) {
	s.mu.Lock()
	run, ok := s.runs[id]
	s.mu.Unlock()
	if !ok {
		return s.store.Run(ctx, id)
	}
	return run.snapshot(), nil
}

// Running tells whether a run is under way.
func (s *Scheduler) Running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.runs) > 0
}

// carryOut does a run from its lock to its stored report.
func (s *Scheduler) carryOut(run *activeRun) {
	err := Safely(func() error { return s.ingest(run) })
	busy := errors.Is(err, errBusy)
	if err != nil && s.ctx.Err() != nil && !busy {
		err = feed.Errorf(feed.CodeUnavailable, "the program was told to stop before it was done; "+
			"what was not stored by then is looked for again at the next start (%w)", context.Cause(s.ctx))
	}
	run.mu.Lock()
	run.report.State, run.report.Finished = "done", s.pipeline.Now()
	if err != nil && !busy {
		run.report.State, run.report.Error, run.err = "failed", err.Error(), err
	}
	run.mu.Unlock()

	s.mu.Lock()
	run.over = true
	quiet := !run.wanted && s.idle(run)
	s.mu.Unlock()
	switch {
	case busy:
		s.log.Debug("another process is ingesting: this run is left to it", "trigger", run.request.Trigger)
	case !quiet:
		s.record(run)
	}
	s.mu.Lock()
	delete(s.runs, run.report.ID)
	s.mu.Unlock()
	close(run.done)
	select {
	case s.ended <- struct{}{}:
	default: // the one before has not been noticed yet
	}
}

// Safely makes an error of a panic.
func Safely(do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = feed.Errorf(feed.CodeInternal, "a defect broke it off: %v; please report it with this trace: %s", r, debug.Stack())
		}
	}()
	return do()
}

// ingest holds the run lock while it takes the run's sources down the line.
func (s *Scheduler) ingest(run *activeRun) error {
	release, err := s.acquire(run)
	if err != nil {
		return err
	}
	defer release()
	if err := s.settle(); err != nil {
		return err
	}
	sources, err := s.sources(run.request)
	if err != nil {
		return err
	}
	run.expect(sources)
	if run.request.Trigger != "folder" && run.pushed == nil { // those are many, and seldom bring anything
		if err := s.store.SaveRun(s.ctx, run.snapshot()); err != nil {
			return err
		}
	}
	return s.pipeline.Run(s.ctx, ingest.Run{
		ID:     run.report.ID,
		Now:    s.pipeline.Now(), // not when it was asked for: it may have waited for the lock
		Force:  run.request.Force,
		Others: func() []string { return s.others(run) },
		Pushed: run.pushed,
	}, sources, func(r feed.SourceReport) { run.add(r); s.noteDue(r) })
}

// acquire takes the run lock. If another process has it, the clock's runs are
// let go with errBusy, unless somebody has joined them; the others wait.
func (s *Scheduler) acquire(run *activeRun) (func(), error) {
	release, err := s.lock.acquire(s.ctx, false)
	if !errors.Is(err, errBusy) {
		return release, err
	}
	s.mu.Lock()
	run.over = run.request.Trigger == "schedule" && !run.wanted
	over := run.over
	s.mu.Unlock()
	if over {
		return nil, err // another process is at it: the clock comes again
	}
	return s.lock.acquire(s.ctx, true)
}

// settle closes the reports of runs whose process died. It is called with the
// run lock held, so no other process is at any.
func (s *Scheduler) settle() error {
	reports, err := s.store.RunningRuns(s.ctx)
	if err != nil {
		return err
	}
	for _, r := range reports {
		if s.isActive(r.ID) {
			continue
		}
		r.State, r.Finished = "failed", s.pipeline.Now()
		r.Error = "its program ended before it was done; what it had not stored by then is looked for again"
		if err := s.store.SaveRun(s.ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scheduler) isActive(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs[id] != nil
}

// noteDue remembers when a source is due, for wake.
func (s *Scheduler) noteDue(r feed.SourceReport) {
	if r.Amends {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.due, r.Source)
	if !r.NextDue.IsZero() && r.Outcome != feed.OutcomeDisabled {
		s.due[r.Source] = r.NextDue
	}
}

// wake polls the sources that have come due since the last tick of the
// schedule: their own intervals, servers' wishes and backing off end when they
// end. What a run under way has yet to come to is left to it. A source stays
// due until a run has reported on it, so that none is lost where that fails.
func (s *Scheduler) wake(ctx context.Context) {
	now := s.pipeline.Now()
	req := feed.RunRequest{Trigger: "schedule"}
	s.mu.Lock()
	for slug, due := range s.due {
		if !due.After(now) && !s.expected(slug) {
			req.Sources = append(req.Sources, slug)
		}
	}
	s.mu.Unlock()
	if len(req.Sources) > 0 {
		slices.Sort(req.Sources)
		s.finish(ctx, req)
	}
}

// expected tells whether a run under way has yet to come to a source; s.mu is held.
func (s *Scheduler) expected(slug string) bool {
	for _, r := range s.runs {
		if r.expects(slug) {
			return true
		}
	}
	return false
}

// fewSources is how many sources are read one by one rather than with all others.
const fewSources = 32

// sources are those the request names, as far as they are there, else all.
func (s *Scheduler) sources(req feed.RunRequest) ([]feed.Source, error) {
	if n := len(req.Sources); n > 0 && n <= fewSources {
		return s.few(req.Sources)
	}
	all, err := s.store.Sources(s.ctx)
	if err != nil || len(req.Sources) == 0 {
		return all, err
	}
	return slices.DeleteFunc(all, func(src feed.Source) bool {
		_, named := slices.BinarySearch(req.Sources, src.Slug)
		return !named
	}), nil
}

// few reads sources by their slugs.
func (s *Scheduler) few(slugs []string) ([]feed.Source, error) {
	var found []feed.Source
	for _, slug := range slugs {
		src, err := s.store.Source(s.ctx, slug)
		switch {
		case feed.CodeOf(err) == feed.CodeNotFound, err == nil && src.Slug != slug:
			s.noteDue(feed.SourceReport{Source: slug}) // it was removed: never again
		case err != nil:
			return nil, err
		default:
			found = append(found, src)
		}
	}
	slices.SortFunc(found, func(a, b feed.Source) int { return a.Position - b.Position })
	return found, nil
}

// others are the ids of the other runs under way.
func (s *Scheduler) others(run *activeRun) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for id, r := range s.runs {
		if r != run {
			ids = append(ids, id)
		}
	}
	return ids
}

// idle tells whether it was a push that brought nothing, or a look at the folder that found nothing, and no
// other fault than the look before: that leaves no trace. s.mu is held.
func (s *Scheduler) idle(run *activeRun) bool {
	report := run.snapshot()
	if run.pushed != nil {
		return report.Error == "" && report.Failed() == 0 && !report.Counts.Changed()
	}
	if report.Trigger != "folder" {
		return false
	}
	faults := []string{report.Error}
	for _, src := range report.Sources {
		faults = append(faults, src.Error)
	}
	fault := strings.Join(faults, "\n")
	known := fault == s.folderFault
	s.folderFault = fault
	return known && !report.Counts.Changed()
}

// when is a time for the log; a folder is looked at again at the next rescan.
func when(t time.Time) string {
	if t.IsZero() {
		return "the next run"
	}
	return t.UTC().Format(time.RFC3339)
}

// record stores and logs the report.
func (s *Scheduler) record(run *activeRun) {
	report := run.snapshot()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), 5*time.Second)
	defer cancel()
	if err := s.store.SaveRun(ctx, report); err != nil {
		s.log.Error("the report of a run could not be stored", "run", report.ID, "error", err)
	}
	for _, src := range report.Sources {
		if src.Error != "" {
			s.log.Warn("source", "name", src.Name, "error", src.Error, "next", when(src.NextDue))
		}
	}
	if report.Error != "" {
		s.log.Error("run failed", "trigger", report.Trigger, "run", report.ID, "error", report.Error)
		return
	}
	s.log.Info("run "+report.State, "trigger", report.Trigger, "sources", report.Total, "failed", report.Failed(),
		"published", report.Counts.Published, "updated", report.Counts.Updated, "copies", report.Counts.Copies,
		"withdrawn", report.Counts.Withdrawn, "took", report.Finished.Sub(report.Started).Round(time.Millisecond).String())
}
