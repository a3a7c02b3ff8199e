package cluster

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	"github.com/robfig/cron/v3"

	"tributary/feed"
	"tributary/scheduler"
)

// Queues. Jobs about the seeds folder go to those only who see it.
const (
	queuePolls = river.QueueDefault
	queueTimes = "times"
	queueSeeds = "seeds"
)

// Priorities: the lower, the sooner.
const (
	byHand     = 1 // a person waits for it
	takenOver  = 2 // from a worker that died
	bySchedule = 3
)

const (
	atOnce = 400 // sources that a process has taken, most of which wait for their host
	// cooldown is how soon the queue is asked again: its default of 100 ms holds a
	// worker to a few thousand jobs a second.
	cooldown = 20 * time.Millisecond
	// patience is how long River waits for a job before it hands it out again, which
	// does no harm, as the source is still claimed.
	patience      = 2 * time.Minute
	attempts      = 1000 // a job that cannot be done now is about a database that is away
	keepCompleted = 10 * time.Minute
)

// pollJob is a source that is to be looked at. Due tells one wish from the
// next: when it came due, or was asked for.
type pollJob struct {
	Source int64 `json:"source"`
	Due    int64 `json:"due"` // milliseconds
}

func (pollJob) Kind() string { return "poll" }

// InsertOpts has one job for a source and the time it is due.
func (pollJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: attempts, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}}
}

type pollWorker struct {
	river.WorkerDefaults[pollJob]
	dispatcher *dispatcher
}

func (pollWorker) Timeout(*river.Job[pollJob]) time.Duration { return patience }

func (w pollWorker) Work(ctx context.Context, job *river.Job[pollJob]) error {
	return w.dispatcher.do(ctx, job.Args.Source)
}

// What the elected leader asks for by the clock.
type (
	wakeJob  struct{} // look for sources that are due
	seedsJob struct{} // look at the seeds folder
	pruneJob struct{} // drop texts past their keep
)

func (wakeJob) Kind() string  { return "wake" }
func (seedsJob) Kind() string { return "seeds" }
func (pruneJob) Kind() string { return "prune" }

// clockWorker does what the clock asks for. What fails comes again by the clock.
type clockWorker[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	do func(context.Context) error
}

func (clockWorker[T]) Timeout(*river.Job[T]) time.Duration { return patience }

func (w clockWorker[T]) Work(ctx context.Context, _ *river.Job[T]) error {
	err := w.do(ctx)
	switch {
	case ctx.Err() != nil:
		return river.JobSnooze(0) // it is for another
	case err != nil:
		return river.JobCancel(err)
	}
	return nil
}

// promptly tries again what failed: our own back-off is in the sources' next_due.
type promptly struct{}

func (promptly) NextRetry(*rivertype.JobRow) time.Time { return time.Now().Add(time.Second) }

// riverConfig is how a process works jobs, or, for the role web, only makes them.
func (c *Cluster) riverConfig() *river.Config {
	conf := &river.Config{
		ID: c.member.name, Logger: slog.New(quietly(c.log)), RetryPolicy: promptly{},
		JobTimeout: patience, RescueStuckJobsAfter: patience,
		CompletedJobRetentionPeriod: keepCompleted, CancelledJobRetentionPeriod: keepCompleted,
		FetchCooldown: cooldown, LeaderElectionDisabled: c.role == RoleHand,
	}
	if c.role == RoleWeb {
		return conf
	}
	conf.Workers = river.NewWorkers()
	river.AddWorker(conf.Workers, pollWorker{dispatcher: c.dispatcher})
	river.AddWorker(conf.Workers, clockWorker[wakeJob]{do: c.wake})
	river.AddWorker(conf.Workers, clockWorker[seedsJob]{do: c.askSeeds})
	river.AddWorker(conf.Workers, clockWorker[pruneJob]{do: c.prune})
	conf.Queues = map[string]river.QueueConfig{queuePolls: {MaxWorkers: atOnce}}
	if c.works() {
		conf.Queues[queueTimes] = river.QueueConfig{MaxWorkers: 2}
	}
	return conf
}

// periodic is what the leader asks for, whoever that is: all register the same.
func (c *Cluster) periodic(o scheduler.Options) ([]*river.PeriodicJob, error) {
	nightly, err := cron.ParseStandard(scheduler.PruneAt)
	if err != nil {
		return nil, err
	}
	times := &river.InsertOpts{Queue: queueTimes}
	jobs := []*river.PeriodicJob{
		river.NewPeriodicJob(cron.Every(scheduler.WakeEvery), func() (river.JobArgs, *river.InsertOpts) { return wakeJob{}, times },
			&river.PeriodicJobOpts{ID: "wake", RunOnStart: true}),
		river.NewPeriodicJob(nightly, func() (river.JobArgs, *river.InsertOpts) { return pruneJob{}, times }, &river.PeriodicJobOpts{ID: "prune"}),
	}
	if o.Seeds != "" {
		jobs = append(jobs, river.NewPeriodicJob(cron.Every(o.Rescan), func() (river.JobArgs, *river.InsertOpts) { return seedsJob{}, times },
			&river.PeriodicJobOpts{ID: "seeds", RunOnStart: true}))
	}
	return jobs, nil
}

// migrateRiver brings River's own tables up to date, one process at a time.
func migrateRiver(ctx context.Context, db *pgxpool.Pool, log *slog.Logger) error {
	conn, err := db.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	const key = `hashtext('tributary river tables'), hashtext(current_schema())`
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(`+key+`)`); err != nil {
		return err
	}
	defer conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock(`+key+`)`)
	m, err := rivermigrate.New(riverpgxv5.New(db), &rivermigrate.Config{Logger: slog.New(quietly(log))})
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// polls are jobs for sources, which have to be queued in an order in which those of one
// host follow each other: so that mostly one process gets them.
func polls(sources []due, priority int) []river.InsertManyParams {
	jobs := make([]river.InsertManyParams, len(sources))
	for i, s := range sources {
		queue := queuePolls
		if s.kind == string(feed.KindFolder) {
			queue = queueSeeds
		}
		jobs[i] = river.InsertManyParams{Args: pollJob{s.id, s.at}, InsertOpts: &river.InsertOpts{Priority: priority, Queue: queue}}
	}
	return jobs
}

// due is a source to make a job for.
type due struct {
	id   int64
	kind string
	at   int64
}

// jobsAtOnce is how many jobs one statement makes.
const jobsAtOnce = 2000

// queue makes jobs for sources, in a transaction, and notes that they have one.
func (c *Cluster) queue(ctx context.Context, tx pgx.Tx, sources []due, priority int) error {
	jobs := polls(sources, priority)
	for len(jobs) > 0 {
		n := min(len(jobs), jobsAtOnce)
		if _, err := c.river.InsertManyTx(ctx, tx, jobs[:n]); err != nil {
			return err
		}
		jobs = jobs[n:]
	}
	ids := make([]int64, len(sources))
	for i, s := range sources {
		ids[i] = s.id
	}
	_, err := tx.Exec(ctx, `INSERT INTO claim (source_id, holder, queued) SELECT id, '', `+clock+` FROM unnest($1::bigint[]) id ORDER BY id
		ON CONFLICT (source_id) DO UPDATE SET queued = EXCLUDED.queued`, ids)
	return err
}
