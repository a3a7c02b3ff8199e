package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tributary/feed"
	"tributary/ingest/fetch"
	"tributary/scheduler/cluster"
	"tributary/store"
)

const (
	opsEvery    = 10 * time.Minute
	opsPause    = 2 * time.Second    // between two looks: where hubs push, runs end all the time
	brokenSince = 7 * 24 * time.Hour // how far back runs are looked at
	brokenMost  = 20                 // runs looked at
	checkWithin = 30 * time.Minute
	// The database is checked when it is quiet, after texts were pruned.
	checkHour, checkMinute = 4, 37
)

// watcher looks after the installation, and notes what a person should look at.
type watcher struct {
	store     *store.Store
	ours      func() bool // it is this process that looks
	fetcher   *fetcher
	rendering func() string   // why it fails; "": it does not
	data      string          // folder of the database; "": it is elsewhere
	runs      <-chan struct{} // one has ended
	location  *time.Location
	now       func() time.Time
	log       *slog.Logger

	database atomic.Pointer[feed.Finding] // of the last check; nil: there was none yet
	checked  chan struct{}
}

// newWatcher makes the watcher of a program that serves.
func (s *server) newWatcher() *watcher {
	w := &watcher{
		store: s.store, ours: s.ours(cluster.DutyWatch), fetcher: s.fetcher, runs: s.scheduler.Ended(), location: s.cfg.TimeZone, now: time.Now, log: s.log,
		rendering: func() string { return s.front.Load().RenderingFault() },
		checked:   make(chan struct{}, 1),
	}
	if s.cfg.DatabaseURL == "" {
		w.data = s.cfg.Data
	}
	return w
}

// run looks now, after each run and every ten minutes, until ctx ends.
func (w *watcher) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { w.checkDaily(ctx); return nil })
	g.Go(func() error {
		tick := time.NewTicker(opsEvery)
		defer tick.Stop()
		for ctx.Err() == nil {
			if err := w.lookIfOurs(ctx); err != nil && ctx.Err() == nil {
				w.log.Error("cannot look for what needs a person; it is tried again", "error", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(opsPause):
			}
			select {
			case <-ctx.Done():
			case <-tick.C:
			case <-w.runs:
			case <-w.checked:
			}
		}
		return nil
	})
	return g.Wait()
}

// lookIfOurs looks, unless another process does.
func (w *watcher) lookIfOurs(ctx context.Context) error {
	if !w.ours() {
		return nil
	}
	return w.look(ctx)
}

// look stores what has begun, changed and ended, and logs what is new.
func (w *watcher) look(ctx context.Context) error {
	now := w.now()
	facts, err := w.facts(ctx, now)
	if err != nil {
		return err
	}
	saved, err := w.store.UpdateIncidents(ctx, now, func(known []feed.Incident) feed.Incidents { return feed.Decide(now, facts, known) })
	for _, i := range saved {
		w.log.Info("for a person to look at: "+i.Heading(), "kind", i.Kind, "id", i.ID)
	}
	return err
}

// facts are what can be seen now.
func (w *watcher) facts(ctx context.Context, now time.Time) (f feed.Facts, err error) {
	if f.Sources, err = w.store.Sources(ctx); err != nil {
		return f, err
	}
	if f.Broken, err = w.store.BrokenRuns(ctx, now.Add(-brokenSince), brokenMost); err != nil {
		return f, err
	}
	f.Certificates = w.fetcher.certificates(f.Sources)
	f.Rendering = &feed.Finding{Fault: w.rendering()}
	f.Database = w.database.Load()
	if w.data != "" {
		f.Disk = diskOf(w.data)
	}
	return f, nil
}

// checkDaily checks the database's file now, and the whole database every night,
// until ctx ends.
func (w *watcher) checkDaily(ctx context.Context) {
	w.check(ctx, w.store.CheckFile)
	for {
		wait := time.NewTimer(quietHour(w.now(), w.location).Sub(w.now()))
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
			if w.ours() {
				w.check(ctx, w.store.Check)
			}
		}
	}
}

// quietHour is when the database is next checked.
func quietHour(now time.Time, where *time.Location) time.Time {
	now = now.In(where)
	at := time.Date(now.Year(), now.Month(), now.Day(), checkHour, checkMinute, 0, 0, where)
	if at.After(now) {
		return at
	}
	return time.Date(now.Year(), now.Month(), now.Day()+1, checkHour, checkMinute, 0, 0, where)
}

// check notes what a check found. One that was broken off, or did not reach the
// database, found nothing.
func (w *watcher) check(ctx context.Context, check func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	err := check(ctx)
	switch {
	case ctx.Err() != nil:
		return
	case err == nil:
		w.database.Store(&feed.Finding{})
	case w.store.Engine() != "sqlite" && feed.CodeOf(err) == feed.CodeUnavailable:
		w.log.Warn("the database could not be checked; it is tried again tomorrow", "error", err)
		return
	default:
		w.log.Error("the check of the database failed", "error", err)
		w.database.Store(&feed.Finding{Fault: err.Error()})
	}
	select {
	case w.checked <- struct{}{}:
	default: // the next look sees it
	}
}

// certificates are what the hosts of sources have shown, each host once.
func (f *fetcher) certificates(sources []feed.Source) (all []feed.Certificate) {
	f.mu.Lock()
	client := f.client
	f.mu.Unlock()
	seen := map[string]bool{"": true}
	for _, src := range sources {
		if src.Kind != feed.KindFeed || !src.Enabled {
			continue
		}
		for _, address := range []string{src.URL, src.State.FetchURL} {
			if host := fetch.HostOf(address); !seen[host] {
				seen[host] = true
				all = append(all, client.Certificate(host))
			}
		}
	}
	return all
}
