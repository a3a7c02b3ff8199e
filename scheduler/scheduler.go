package scheduler

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/folder"
	"tributary/store"
)

// Options are what a Scheduler goes by. Reload changes them while it runs.
type Options struct {
	Schedule string         // the main run: a five-field cron line
	Location *time.Location // in which Schedule is read; nil: UTC
	Rescan   time.Duration  // between complete scans of the seeds folder
	Seeds    string         // the seeds folder, "" for none
	Prune    store.PrunePolicy
}

// WakeEvery is how often sources that have come due between the schedule's
// ticks are looked for.
const WakeEvery = time.Minute

// PruneAt is when texts past their keep are dropped: once a day, at a quiet hour.
const PruneAt = "17 3 * * *"

// Scheduler decides when to ingest, and sees to it that runs, however they
// are asked for, do not get in each other's way.
type Scheduler struct {
	store    *store.Store
	pipeline *ingest.Pipeline
	log      *slog.Logger
	lock     processLock

	ctx  context.Context // of all runs; ends when Stop loses patience
	stop context.CancelFunc

	mu   sync.Mutex
	opts Options
	cron *cron.Cron
	main cron.EntryID
	runs map[string]*activeRun
	due  map[string]time.Time // by slug
	// folderFault is what was wrong when the folder was last looked at; it is
	// told when it changes, not with each look.
	folderFault string
	ending      bool
	reload      chan struct{}
	active      sync.WaitGroup // runs
	ended       chan struct{}

	periodic sync.WaitGroup // what else was started for the present options
}

// New makes a Scheduler; its runs can be triggered at once, the clock and the
// folder are watched only while Run is running. Stop ends its runs.
func New(opts Options, st *store.Store, p *ingest.Pipeline, log *slog.Logger) *Scheduler {
	ctx, stop := context.WithCancel(context.Background())
	return &Scheduler{
		store: st, pipeline: p, log: log, lock: processLock{store: st},
		ctx: ctx, stop: stop,
		opts: opts, runs: map[string]*activeRun{}, due: map[string]time.Time{}, reload: make(chan struct{}, 1),
		ended: make(chan struct{}, 1),
	}
}

// Run ingests what is due, then drives everything periodic until ctx ends.
// It returns an error only for options that cannot be carried out.
func (s *Scheduler) Run(ctx context.Context) error {
	trigger := "start"
	for {
		period, cancel := context.WithCancel(ctx)
		clock, err := s.start(period, trigger)
		if err != nil {
			cancel()
			return err
		}
		select {
		case <-ctx.Done():
		case <-s.reload:
		}
		cancel()
		<-clock.Stop().Done() // its jobs end with their period
		s.periodic.Wait()
		if ctx.Err() != nil {
			return nil //nolint:nilerr // its end is what Run waits for
		}
		trigger = "signal"
	}
}

// Reload changes the options of a running Scheduler and ingests what is due.
func (s *Scheduler) Reload(opts Options) {
	s.mu.Lock()
	s.opts = opts
	s.mu.Unlock()
	select {
	case s.reload <- struct{}{}:
	default: // one is waiting already, and will see these options
	}
}

// start sets the clock and the folder's watch going, and asks for a first run.
func (s *Scheduler) start(ctx context.Context, trigger string) (*cron.Cron, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	location := s.opts.Location
	if location == nil {
		location = time.UTC
	}
	// Skip outside, Recover inside: the other way round one panic would leave
	// the job marked as running for ever.
	logger := cronLog{s.log}
	clock := cron.New(cron.WithLocation(location), cron.WithLogger(logger),
		cron.WithChain(cron.SkipIfStillRunning(logger), cron.Recover(logger)))
	main, err := clock.AddFunc(s.opts.Schedule, func() { s.finish(ctx, feed.RunRequest{Trigger: "schedule"}) })
	if err != nil {
		return nil, feed.Errorf(feed.CodeInvalid, "schedule %q is not a cron line: %w", s.opts.Schedule, err)
	}
	clock.Schedule(cron.Every(WakeEvery), cron.FuncJob(func() { s.wake(ctx) }))
	if _, err := clock.AddFunc(PruneAt, func() { s.prune(ctx) }); err != nil {
		return nil, err
	}
	if s.opts.Seeds != "" {
		root, seeds := s.opts.Seeds, feed.RunRequest{Trigger: "folder", Sources: []string{feed.SeedsSlug}}
		clock.Schedule(cron.Every(s.opts.Rescan), cron.FuncJob(func() { s.finish(ctx, seeds) }))
		s.periodic.Go(func() { s.watch(ctx, root, seeds) })
	}
	clock.Start()
	s.cron, s.main = clock, main
	s.periodic.Go(func() { s.finish(ctx, feed.RunRequest{Trigger: trigger}) })
	return clock, nil
}

// watch asks for a scan of the folder whenever something in it changes. It is
// a convenience: the periodic scan finds everything too.
func (s *Scheduler) watch(ctx context.Context, root string, seeds feed.RunRequest) {
	err := folder.Watch(ctx, root, func() { s.finish(ctx, seeds) })
	if err != nil && ctx.Err() == nil {
		s.log.Warn("changes in the seeds folder are seen at the next rescan only", "folder", root, "error", err)
	}
}

// finish is a run that nobody waits for but the clock; its report is logged.
func (s *Scheduler) finish(ctx context.Context, req feed.RunRequest) {
	run, err := s.begin(req)
	if err != nil {
		return // the program is stopping
	}
	_, _ = run.wait(ctx) // its report is logged as it ends
}

func (s *Scheduler) prune(ctx context.Context) {
	if err := Prune(ctx, s.store, s.opts.Prune, s.pipeline.Now(), s.log); err != nil {
		s.log.Error("dropping what is old failed", "error", err)
	}
}

// Prune drops texts past their keep, and marks that nothing is compared with any more.
func Prune(ctx context.Context, st *store.Store, policy store.PrunePolicy, now time.Time, log *slog.Logger) error {
	n, err := st.Prune(ctx, policy, now)
	if err != nil {
		return fmt.Errorf("prune old texts: %w", err)
	}
	log.Info("pruned old texts", "entries", n)
	if err := forgetMarks(ctx, st, now); err != nil {
		return fmt.Errorf("drop old marks: %w", err)
	}
	return nil
}

// marksKept is how long it can be seen that an entry is like another: longer
// than the window of copies, and of stories, so that what comes late is compared too.
const marksKept = 60 * 24 * time.Hour

// forgetMarks drops old marks, some at a time, so that others can write in between.
func forgetMarks(ctx context.Context, st *store.Store, now time.Time) error {
	day := int(now.Add(-marksKept).Unix() / (24 * 60 * 60))
	for n := 1; n > 0; {
		err := st.Write(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.ForgetMarks(ctx, day)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// NextRun is when the schedule asks for the next run; zero before Run.
func (s *Scheduler) NextRun() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cron == nil {
		return time.Time{}
	}
	return s.cron.Entry(s.main).Next
}

// Ended tells one listener that runs have ended since it last looked.
func (s *Scheduler) Ended() <-chan struct{} { return s.ended }

// Stop lets running work finish until ctx ends, then breaks it off; what was
// not committed by then is rolled back. No run starts any more.
func (s *Scheduler) Stop(ctx context.Context) {
	s.mu.Lock()
	s.ending = true
	s.mu.Unlock()
	finished := make(chan struct{})
	go func() { s.active.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-ctx.Done():
	}
	s.stop()
	<-finished
}

// cronLog passes what cron says to slog: its panics as errors, the rest as
// details.
type cronLog struct{ log *slog.Logger }

func (l cronLog) Info(msg string, kv ...any) { l.log.Debug("cron: "+msg, kv...) }

func (l cronLog) Error(err error, msg string, kv ...any) {
	l.log.Error("cron: "+msg, append(kv, "error", err)...)
}
