package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"tributary/feed"
	"tributary/ingest"
	"tributary/store"
)

// activeRun is a run under way.
type activeRun struct {
	request feed.RunRequest
	done    chan struct{}

	mu     sync.Mutex
	report feed.Report
	err    error
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
	r.report.Sources = append(r.report.Sources, s)
	r.report.Counts.Add(s.Counts)
	r.report.Done++
}

// Trigger starts a run, or joins one under way that was asked for the same,
// and returns its id. A source that is not known is an error (CodeNotFound).
// A folder's event always gets a run of its own: one under way may have
// looked just before the change.
func (s *Scheduler) Trigger(ctx context.Context, req feed.RunRequest) (string, error) {
	if err := s.resolve(ctx, &req); err != nil {
		return "", err
	}
	return s.begin(req)
}

// begin is Trigger for slugs.
func (s *Scheduler) begin(req feed.RunRequest) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return "", feed.Errorf(feed.CodeUnavailable, "the program is stopping; ask again when it is back")
	}
	for id, r := range s.runs {
		if req.Trigger != "folder" && r.request.Force == req.Force && slices.Equal(r.request.Sources, req.Sources) {
			return id, nil
		}
	}
	now := s.pipeline.Now()
	run := &activeRun{request: req, done: make(chan struct{}), report: feed.Report{
		ID: uuid.NewString(), Trigger: req.Trigger, State: "running", Started: now,
	}}
	s.runs[run.report.ID] = run
	s.active.Go(func() { s.carryOut(run) })
	return run.report.ID, nil
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
	select {
	case <-run.done:
		return run.snapshot(), run.err
	case <-ctx.Done():
		return run.snapshot(), ctx.Err()
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
	err := s.ingest(run)
	run.mu.Lock()
	run.report.State, run.report.Finished = "done", s.pipeline.Now()
	if err != nil {
		run.report.State, run.report.Error, run.err = "failed", err.Error(), err
	}
	run.mu.Unlock()
	s.record(run)

	s.mu.Lock()
	delete(s.runs, run.report.ID)
	s.mu.Unlock()
	close(run.done)
}

// ingest holds the run lock while it takes the run's sources down the line.
func (s *Scheduler) ingest(run *activeRun) error {
	release, err := s.lock.acquire(s.ctx, run.request.Trigger != "schedule")
	if errors.Is(err, errBusy) {
		return nil // another process is at it: the clock comes again
	}
	if err != nil {
		return err
	}
	defer release()
	sources, err := s.sources(run.request)
	if err != nil {
		return err
	}
	run.mu.Lock()
	run.report.Total = len(sources)
	run.mu.Unlock()
	if run.request.Trigger != "folder" { // those are many, and seldom bring anything
		if err := s.store.SaveRun(s.ctx, run.snapshot()); err != nil {
			return err
		}
	}
	return s.pipeline.Run(s.ctx, ingest.Run{
		ID:      run.report.ID,
		Now:     run.report.Started,
		Force:   run.request.Force,
		Waiting: s.others(run),
	}, sources, func(r feed.SourceReport) { run.add(r); s.noteDue(r) })
}

// noteDue remembers when a source is due, for wake.
func (s *Scheduler) noteDue(r feed.SourceReport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.due, r.Source)
	if !r.NextDue.IsZero() && r.Outcome != feed.OutcomeDisabled {
		s.due[r.Source] = r.NextDue
	}
}

// wake polls the sources that have come due since the last tick of the
// schedule: their own intervals, servers' wishes and backing off end when they end.
func (s *Scheduler) wake(ctx context.Context) {
	now := s.pipeline.Now()
	req := feed.RunRequest{Trigger: "schedule"}
	s.mu.Lock()
	for slug, due := range s.due {
		if !due.After(now) {
			req.Sources = append(req.Sources, slug)
			delete(s.due, slug) // the run notes when it is due again
		}
	}
	s.mu.Unlock()
	if len(req.Sources) > 0 {
		slices.Sort(req.Sources)
		s.finish(ctx, req)
	}
}

// sources are those the request names, else all.
func (s *Scheduler) sources(req feed.RunRequest) ([]feed.Source, error) {
	all, err := s.store.Sources(s.ctx)
	if err != nil || len(req.Sources) == 0 {
		return all, err
	}
	return slices.DeleteFunc(all, func(src feed.Source) bool { return !slices.Contains(req.Sources, src.Slug) }), nil
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

// record stores and logs the report. A look at the folder that found nothing
// leaves no trace.
func (s *Scheduler) record(run *activeRun) {
	report := run.snapshot()
	quiet := report.Trigger == "folder" && !report.Counts.Changed() && report.Failed() == 0 && report.Error == ""
	if quiet {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), 5*time.Second)
	defer cancel()
	if err := s.store.SaveRun(ctx, report); err != nil {
		s.log.Error("the report of a run could not be stored", "run", report.ID, "error", err)
	}
	for _, src := range report.Sources {
		if src.Error != "" {
			s.log.Warn("source", "name", src.Name, "error", src.Error, "next", src.NextDue)
		}
	}
	s.log.Info("run "+report.State, "trigger", report.Trigger, "sources", report.Total, "failed", report.Failed(),
		"published", report.Counts.Published, "updated", report.Counts.Updated, "copies", report.Counts.Copies,
		"withdrawn", report.Counts.Withdrawn, "took", report.Finished.Sub(report.Started).Round(time.Millisecond))
}

// processLock holds the store's run lock while any run of this process is
// under way.
type processLock struct {
	store *store.Store

	mu      sync.Mutex
	holders int
	release func()
}

// errBusy says that another process ingests.
var errBusy = errors.New("another process is ingesting")

// lockRetry is how often a held lock is tried again.
const lockRetry = 200 * time.Millisecond

// acquire takes the lock, waiting for another process if wait says so.
func (l *processLock) acquire(ctx context.Context, wait bool) (func(), error) {
	for {
		ok, err := l.try(ctx)
		switch {
		case ok:
			return l.drop, nil
		case err != nil:
			return nil, fmt.Errorf("run lock: %w", err)
		case !wait:
			return nil, errBusy
		}
		select {
		case <-time.After(lockRetry):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *processLock) try(ctx context.Context) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holders == 0 {
		release, err := l.store.TryLock(ctx)
		if feed.CodeOf(err) == feed.CodeConflict {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		l.release = release
	}
	l.holders++
	return true, nil
}

func (l *processLock) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holders--; l.holders == 0 {
		l.release()
	}
}
