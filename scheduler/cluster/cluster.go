package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/robfig/cron/v3"

	"tributary/feed"
	"tributary/ingest"
	"tributary/scheduler"
	"tributary/store"
)

// Role is what a process is there for.
type Role string

const (
	RoleAll    Role = "all"    // both of:
	RoleWeb    Role = "web"    // serving, and asking for work
	RoleWorker Role = "worker" // working
	RoleHand   Role = "hand"   // a command, which works as long as it runs
)

// Cluster ingests with others. It is to one process on PostgreSQL what a
// [scheduler.Scheduler] is to one on SQLite.
type Cluster struct {
	role       Role
	db         *pgxpool.Pool
	lease      *pgxpool.Pool // for the lease alone, which must not wait for others' queries
	store      *store.Store
	pipeline   *ingest.Pipeline
	log        *slog.Logger
	member     *Member
	hosts      *Hosts
	river      *river.Client[pgx.Tx]
	dispatcher *dispatcher

	ctx   context.Context // of all work; ends when Stop loses patience
	cut   context.CancelFunc
	over  context.Context // ends when all work has
	end   context.CancelFunc
	idle  bool // a command that leaves the work to others
	ended chan struct{}
	topic atomic.Bool // the seeds have been looked at

	mu     sync.Mutex
	faults map[int64]string // of sources that were looked at without a run, by id
	opts   scheduler.Options
	sees   bool // jobs about the seeds folder are taken
	reload chan struct{}
	stop   context.CancelFunc // ends the taking of work
	ending bool
	alones sync.WaitGroup // what is done besides jobs
	loops  sync.WaitGroup
}

// connections are for River's queries and ours; jobs wait for their sources without one.
const connections = 12

// New prepares this process to work with others on the database of st. Options are
// as for [scheduler.New]; p gets its store from here. Join begins.
func New(ctx context.Context, role Role, dsn string, opts scheduler.Options, st *store.Store, p *ingest.Pipeline, log *slog.Logger) (*Cluster, error) {
	db, err := connect(ctx, dsn, connections)
	if err != nil {
		return nil, err
	}
	lease, err := connect(ctx, dsn, 1)
	if err != nil {
		db.Close()
		return nil, err
	}
	c := &Cluster{role: role, db: db, lease: lease, store: st, pipeline: p, log: log, opts: opts, faults: map[int64]string{}, ended: make(chan struct{}, 1), reload: make(chan struct{}, 1)}
	c.ctx, c.cut = context.WithCancel(context.Background())
	c.over, c.end = context.WithCancel(context.Background())
	c.dispatcher = newDispatcher(c)
	c.member = &Member{db: lease, log: log, name: processName(), role: role, seeds: c.takesSeeds, inherit: c.inherit}
	c.hosts = NewHosts(db, c.member)
	c.member.farewell = c.hosts.tell // else a host that asked for a pause would be asked by the next
	p.Store = fenced{scheduler.ForPipeline(st), st}
	if err = migrateRiver(ctx, db, log); err != nil {
		err = c.mend(fmt.Errorf("bring the tables of jobs up to date: %w", err))
	} else {
		c.river, err = river.NewClient(riverpgxv5.New(db), c.riverConfig())
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// connect makes a pool of connections, which are made as those of the store are.
func connect(ctx context.Context, dsn string, most int32) (*pgxpool.Pool, error) {
	conf, err := pgxpool.ParseConfig(dsn)
	if err == nil {
		conf.ConnConfig, err = store.ConnConfig(dsn)
	}
	if err != nil {
		return nil, feed.Errorf(feed.CodeInvalid, "the database URL: %w", err)
	}
	conf.MaxConns = most
	return pgxpool.NewWithConfig(ctx, conf)
}

// close closes the pools. They wait for who uses a connection: not for long.
func (c *Cluster) close() {
	closed := make(chan struct{})
	go func() {
		c.db.Close()
		c.lease.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(lastWords):
	}
}

// processName names this process for people, and for River.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), uuid.NewString()[:4])
}

// Hosts are what all processes keep to with hosts.
func (c *Cluster) Hosts() *Hosts { return c.hosts }

// Member is this process among the others.
func (c *Cluster) Member() *Member { return c.member }

// Join has this process live among the others, and work, if that is its role, until
// Stop. It returns when it has a lease.
func (c *Cluster) Join(ctx context.Context) error {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.mu.Lock()
	c.stop = stop
	c.mu.Unlock()
	if c.role == RoleHand {
		others, err := c.othersWork(ctx)
		if err != nil {
			return c.mend(err)
		}
		c.idle = others
	}
	if err := c.member.beat(ctx); err != nil {
		return c.mend(err)
	}
	c.loops.Go(func() {
		living, leave := context.WithCancel(context.Background())
		var lease sync.WaitGroup
		lease.Go(func() { c.member.run(living) })
		c.hosts.Run(c.over)
		leave() // after it is noted when we spoke to hosts last
		lease.Wait()
	})
	if !c.takesJobs() {
		return nil
	}
	c.loops.Go(func() { c.dispatcher.run(working) })
	return c.river.Start(context.WithoutCancel(ctx))
}

// takesJobs tells whether this process works. A command does only if nobody else does: it
// would break off what it has taken from others when it ends.
func (c *Cluster) takesJobs() bool { return c.role != RoleWeb && !c.idle }

// othersWork tells whether there is a process that works for longer than a command.
func (c *Cluster) othersWork(ctx context.Context) (work bool, err error) {
	err = c.db.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM worker WHERE role IN ($1, $2) AND until > `+clock+`)`, string(RoleAll), string(RoleWorker)).Scan(&work)
	return work, err
}

// takesSeeds tells whether this process takes jobs about the seeds folder, which it does
// from when it first sees that.
func (c *Cluster) takesSeeds() bool {
	sees := c.takesJobs() && c.seesSeeds()
	c.mu.Lock()
	defer c.mu.Unlock()
	if sees && !c.sees {
		if err := c.river.Queues().Add(queueSeeds, river.QueueConfig{MaxWorkers: 1}); err != nil {
			c.log.Error("jobs about the seeds folder cannot be taken", "error", err)
			return false
		}
		c.sees = true
	}
	return sees
}

// Run drives everything periodic until ctx ends.
func (c *Cluster) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := c.period(ctx); err != nil {
			return err
		}
	}
	return nil
}

// period drives it with the present options, until ctx ends or there are others.
func (c *Cluster) period(ctx context.Context) error {
	opts := c.options()
	if c.works() {
		jobs, err := c.periodic(opts)
		if err != nil {
			return err
		}
		c.river.PeriodicJobs().Clear()
		if _, err := c.river.PeriodicJobs().AddManySafely(jobs); err != nil {
			return err
		}
	}
	watch, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	if c.works() && opts.Seeds != "" {
		watching.Go(func() { c.watchSeeds(watch, opts.Seeds) })
	}
	select {
	case <-ctx.Done():
	case <-c.reload:
	}
	return nil
}

func (c *Cluster) works() bool { return c.role == RoleAll || c.role == RoleWorker }

func (c *Cluster) options() scheduler.Options {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opts
}

// Reload changes the options and has what is due looked at.
func (c *Cluster) Reload(opts scheduler.Options) {
	c.mu.Lock()
	c.opts = opts
	c.mu.Unlock()
	select {
	case c.reload <- struct{}{}:
	default: // one is waiting already, and will see these options
	}
	if _, err := c.Trigger(c.ctx, feed.RunRequest{Trigger: "signal"}); err != nil {
		c.log.Error("a run could not be asked for", "error", err)
	}
}

// NextRun is when the schedule asks for the next run; zero: never.
func (c *Cluster) NextRun() time.Time {
	opts := c.options()
	schedule, err := cron.ParseStandard(opts.Schedule)
	if err != nil {
		return time.Time{}
	}
	at := c.pipeline.Now()
	if opts.Location != nil {
		at = at.In(opts.Location)
	}
	return schedule.Next(at)
}

// Ended tells one listener that sources have been dealt with since it last looked.
func (c *Cluster) Ended() <-chan struct{} { return c.ended }

func (c *Cluster) noteEnded() {
	select {
	case c.ended <- struct{}{}:
	default: // the one before has not been noticed yet
	}
}

// Stop lets running work finish until shortly before ctx ends, then breaks it off; what was
// not committed by then is rolled back, and others do it.
func (c *Cluster) Stop(ctx context.Context) {
	c.mu.Lock()
	stop := c.stop
	c.ending = true
	c.mu.Unlock()
	soft, cancel := c.soft(ctx)
	defer cancel()
	if stop != nil && c.takesJobs() && c.river.Stop(soft) != nil {
		c.cut()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
		_ = c.river.StopAndCancel(last) // jobs that it does not see end are rescued
		cancel()
	}
	alones := make(chan struct{})
	go func() { c.alones.Wait(); close(alones) }()
	select {
	case <-alones:
	case <-soft.Done():
	}
	c.cut()
	if stop != nil {
		stop()
		c.dispatcher.active.Wait()
	}
	<-alones
	c.end()
	c.loops.Wait()
	c.close()
}

// lastSteps is how long it takes to break work off, and to give back what we hold.
const lastSteps = 3 * time.Second

// soft ends when work is broken off: some time before ctx ends, or at once when
// nothing that is done can be noted.
func (c *Cluster) soft(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ends := ctx.Deadline()
	switch {
	case !c.member.Valid():
		return context.WithDeadline(ctx, time.Now())
	case ends:
		return context.WithDeadline(ctx, end.Add(-lastSteps))
	}
	return context.WithCancel(ctx)
}

// patience is how long to wait for the database.
func (c *Cluster) patience() time.Duration {
	if c.ctx.Err() != nil {
		return lastWords
	}
	return beatWithin
}

// seesSeeds tells whether the seeds folder is there for this process.
func (c *Cluster) seesSeeds() bool {
	root := c.options().Seeds
	if root == "" || !c.works() && c.role != RoleHand {
		return false
	}
	info, err := os.Stat(root)
	return err == nil && info.IsDir()
}

// topicReady tells whether what is on topic is known as far as it can be: the seeds
// have been looked at, or there are none.
func (c *Cluster) topicReady(ctx context.Context) (bool, error) {
	if c.topic.Load() {
		return true, nil
	}
	src, err := c.store.Source(ctx, feed.SeedsSlug)
	ready := feed.CodeOf(err) == feed.CodeNotFound || err == nil && (!src.Enabled || !src.State.LastFetch.IsZero())
	if ready {
		c.topic.Store(true)
		return true, nil
	}
	return false, err
}

// inTx runs do in a transaction, and again if the database breaks that off because
// others wait for it and it for them.
func inTx(ctx context.Context, db *pgxpool.Pool, do func(tx pgx.Tx) error) error {
	for try := 1; ; try++ {
		err := pgx.BeginFunc(ctx, db, do)
		var broken *pgconn.PgError
		if !errors.As(err, &broken) || broken.Code != "40P01" || try == tries {
			return err
		}
	}
}

// tries is how often a transaction is begun that meets others.
const tries = 3

// mend gives an error of the database its code and advice.
func (c *Cluster) mend(err error) error {
	var ours *feed.Error
	if err == nil || errors.As(err, &ours) || errors.Is(err, context.Canceled) {
		return err
	}
	return feed.Errorf(feed.CodeUnavailable, "the database does not do what it should: %w", err)
}

// A life goes with the context of the work that was begun in it.
type lifeKey struct{}

func withLife(l life) context.Context { return context.WithValue(l.ctx, lifeKey{}, l.id) }

// fenced is a store in which only what was begun in the present life of this process is
// written: one that was stopped, and whose sources others have taken over, writes nothing.
type fenced struct {
	ingest.Store
	st *store.Store
}

func (f fenced) Write(ctx context.Context, do func(ingest.Tx) error) error {
	id, ok := ctx.Value(lifeKey{}).(string)
	if !ok {
		return f.Store.Write(ctx, do)
	}
	return f.st.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Fence(ctx, id); err != nil {
			return err
		}
		return do(tx)
	})
}
