package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/fetch"
	"tributary/ingest/topic"
	"tributary/scheduler"
	"tributary/scheduler/cluster"
	"tributary/store"
	"tributary/web"
)

// app is the program put together: what the commands that ingest work with.
type app struct {
	cfg       Config
	log       *slog.Logger
	store     *store.Store
	scheduler runner
	cluster   *cluster.Cluster // nil: this process is alone, on SQLite
	sources   *sources
	policy    *policy
	fetcher   *fetcher
	named     chan struct{} // tells that sources may name other hubs than before
}

// runner decides when to ingest, and carries it out: alone, or with others.
type runner interface {
	web.Runner
	Push(ctx context.Context, src feed.Source, doc feed.Document) error
	Run(ctx context.Context) error
	Reload(o scheduler.Options)
	Ended() <-chan struct{}
	Stop(ctx context.Context)
}

// open reads the configuration, makes the data folder and opens the store.
// The caller closes the store.
func (p *program) open(ctx context.Context) (Config, *store.Store, error) {
	cfg, err := p.config()
	if err != nil {
		return cfg, nil, err
	}
	if err := cfg.makeData(); err != nil {
		return cfg, nil, err
	}
	st, err := store.Open(ctx, store.Options{Path: cfg.databaseFile(), DSN: cfg.DatabaseURL})
	return cfg, st, err
}

// withStore opens the store for the time of do.
func (p *program) withStore(ctx context.Context, do func(cfg Config, st *store.Store) error) error {
	cfg, st, err := p.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(cfg, st), st.Close())
}

// withApp puts the program together for the time of do. What runs when do
// returns is broken off, and rolls back what it has not committed.
func (p *program) withApp(ctx context.Context, log *slog.Logger, do func(a *app) error) error {
	return p.withStore(ctx, func(cfg Config, st *store.Store) error {
		if err := syncSources(ctx, cfg, st); err != nil {
			return err
		}
		a, err := newApp(ctx, cfg, st, log, cluster.RoleHand)
		if err != nil {
			return err
		}
		if err = a.join(ctx); err == nil {
			err = do(a)
		}
		now, cancel := context.WithCancel(ctx)
		cancel()
		a.scheduler.Stop(now)
		return err
	})
}

// syncSources makes the store's declared sources those of the configuration.
func syncSources(ctx context.Context, cfg Config, st *store.Store) error {
	for _, origin := range []feed.Origin{feed.OriginConfig, feed.OriginEnv} {
		if err := st.SyncSources(ctx, origin, cfg.declared(origin), time.Now()); err != nil {
			return err
		}
	}
	return nil
}

// newApp wires the parts. The role is this process's where there are several.
func newApp(ctx context.Context, cfg Config, st *store.Store, log *slog.Logger, role cluster.Role) (_ *app, err error) {
	a := &app{cfg: cfg, log: log, store: st, policy: &policy{}, fetcher: &fetcher{}, named: make(chan struct{}, 1)}
	a.policy.use(cfg)
	pipeline := &ingest.Pipeline{
		Store: scheduler.ForPipeline(st), Fetcher: a.fetcher, Articles: a.fetcher, Policy: a.policy, Now: time.Now, Filter: a.policy.Filter,
		Named: func() {
			select {
			case a.named <- struct{}{}:
			default: // it was told, and has not looked yet
			}
		},
	}
	if cfg.DatabaseURL == "" {
		a.scheduler = scheduler.New(cfg.scheduling(), st, pipeline, log)
	} else if a.cluster, err = cluster.New(ctx, role, cfg.DatabaseURL, cfg.scheduling(), st, pipeline, log); err != nil {
		return nil, err
	} else {
		a.scheduler = a.cluster
	}
	a.sources = &sources{store: st, fetcher: a.fetcher, filter: a.policy.Filter, runner: a.scheduler, trigger: "api", now: time.Now}
	return a, a.fetchAnew(ctx)
}

// fetchAnew fetches by the present configuration from now on. A new client is
// told of the hosts that asked for a pause.
func (a *app) fetchAnew(ctx context.Context) error {
	limited, err := a.store.Limited(ctx)
	if err != nil {
		return err
	}
	o := a.cfg.fetching()
	if a.cluster != nil {
		o.Hosts = a.cluster.Hosts()
	}
	a.fetcher.use(newClient(o, limited))
	return nil
}

// join has this process live among the others, if there may be some.
func (a *app) join(ctx context.Context) error {
	if a.cluster == nil {
		return nil
	}
	return a.cluster.Join(ctx)
}

// newClient makes a client that keeps the pauses that hosts asked for.
func newClient(o fetch.Options, limited []feed.Source) *fetch.Client {
	client := fetch.New(o)
	for host, until := range scheduler.HostPauses(limited, time.Now()) {
		client.PauseHost(host, until)
	}
	return client
}

// filter says what is on topic. The rules were read once before, without an error.
func (c Config) filter() ingest.Filter {
	rules, _ := topic.ParseRules(c.Rules.include, c.Rules.exclude, c.Rules.require)
	return ingest.Filter{Mode: c.Filter, Rules: rules, Seeds: c.givesSeeds(), Threshold: c.Threshold}
}

// fetchesLike tells whether two configurations fetch alike.
func (c Config) fetchesLike(d Config) bool {
	a, b := c.fetching(), d.fetching()
	return a.UserAgent == b.UserAgent && a.AllowPrivate == b.AllowPrivate && a.HostSpacing == b.HostSpacing
}

// fetching are the options of fetching.
func (c Config) fetching() fetch.Options {
	o := fetch.Options{
		UserAgent:    fetch.UserAgent(version, c.Contact, c.withBaseURL(c.Listen).BaseURL),
		AllowPrivate: c.Private, HostSpacing: c.HostSpacing, Getenv: c.getenv,
	}
	if o.HostSpacing == 0 {
		o.HostSpacing = -1 // its zero value means the default
	}
	return o
}

// scheduling are the options of the scheduler.
func (c Config) scheduling() scheduler.Options {
	return scheduler.Options{
		Schedule: c.Schedule, Location: c.TimeZone, Rescan: c.Rescan, Seeds: c.Seeds,
		Prune: store.PrunePolicy{Keep: c.Keep, KeepHeld: keepHeld},
	}
}

// keepHeld is how long after their source dropped them held entries keep their text.
const keepHeld = 30 * 24 * time.Hour

// makeData makes the data folder where it is missing and sees to it that the
// program may write there.
func (c Config) makeData() error {
	if c.DatabaseURL != "" && c.Token != "" {
		return nil // nothing is kept there
	}
	err := os.MkdirAll(c.Data, 0o700)
	if err == nil {
		err = probeWrite(c.Data)
	}
	if err == nil {
		return nil
	}
	return feed.Errorf(feed.CodeInvalid, "%s: %s cannot be written by user %s (%w); make it that user's with: chown -R %s:%s %s "+
		"(of a mounted volume: on the host), or name another folder",
		c.whereIs("data"), c.Data, userOf(), cause(err), userOf(), strconv.Itoa(os.Getegid()), c.Data)
}

// probeWrite tells whether files can be made in a folder.
func probeWrite(dir string) error {
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(filepath.Join(dir, filepath.Base(f.Name()))))
}

// cause is a file error without the path, which the message names already.
func cause(err error) error {
	var e *os.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
