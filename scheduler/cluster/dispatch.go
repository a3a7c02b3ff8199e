package cluster

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/fetch"
	"tributary/scheduler"
)

const (
	gatherFor  = 50 * time.Millisecond // for jobs that come together to be done together
	gatherMost = 256
	// hostMost is how many sources of one host a process has taken at a time, so
	// that no host, which is asked for one after the other, fills all places.
	hostMost = 32

	laterHost  = 2 * time.Second // when another process speaks to the host
	laterMost  = time.Minute
	hostTakes  = 100 * time.Millisecond // for a source, about
	laterClaim = time.Second            // when another one has the source
	laterDB    = 2 * time.Second        // when the database fails
)

// dispatcher takes the sources that jobs are about through the pipeline, many
// at a time.
type dispatcher struct {
	c       *Cluster
	tickets chan *ticket
	settled chan outcome
	active  sync.WaitGroup

	mu    sync.Mutex
	hosts map[string]*places
}

// ticket is a job that waits for its source.
type ticket struct {
	source int64
	answer chan error // buffered
}

func newDispatcher(c *Cluster) *dispatcher {
	return &dispatcher{c: c, tickets: make(chan *ticket), settled: make(chan outcome, gatherMost), hosts: map[string]*places{}}
}

// do returns when the source of a job has been dealt with.
func (d *dispatcher) do(ctx context.Context, source int64) error {
	t := &ticket{source: source, answer: make(chan error, 1)}
	select {
	case d.tickets <- t:
	case <-ctx.Done():
		return river.JobSnooze(0)
	}
	select {
	case err := <-t.answer:
		return err
	case <-ctx.Done():
		return river.JobSnooze(0) // it is claimed as long as it takes
	}
}

// run dispatches until ctx ends and all that was taken is settled.
func (d *dispatcher) run(ctx context.Context) {
	var settling sync.WaitGroup
	settling.Go(d.settle)
	for batch := d.gather(ctx); batch != nil; batch = d.gather(ctx) {
		d.active.Go(func() { d.take(batch) })
	}
	d.active.Wait()
	close(d.settled)
	settling.Wait()
}

// gather waits for a job, and a moment for others.
func (d *dispatcher) gather(ctx context.Context) (batch []*ticket) {
	select {
	case t := <-d.tickets:
		batch = append(batch, t)
	case <-ctx.Done():
		return nil
	}
	patience := time.NewTimer(gatherFor)
	defer patience.Stop()
	for len(batch) < gatherMost {
		select {
		case t := <-d.tickets:
			batch = append(batch, t)
		case <-patience.C:
			return batch
		case <-ctx.Done():
			return batch
		}
	}
	return batch
}

// work is what of a batch is ours to do.
type work struct {
	life    life
	tickets map[int64][]*ticket // that wait for an answer, by source
	sources []feed.Source
	forced  map[int64]bool
	places  map[int64]string // hosts at which sources have a place; under dispatcher.mu
}

// answer answers who waits for a source.
func (w *work) answer(source int64, err error) {
	for _, t := range w.tickets[source] {
		t.answer <- err
	}
	delete(w.tickets, source)
}

// ids are the sources that somebody waits for, sorted.
func (w *work) ids() []int64 { return slices.Sorted(maps.Keys(w.tickets)) }

// take claims the sources of a batch and takes them through the pipeline.
func (d *dispatcher) take(batch []*ticket) {
	w := &work{tickets: map[int64][]*ticket{}, forced: map[int64]bool{}, places: map[int64]string{}}
	for _, t := range batch {
		w.tickets[t.source] = append(w.tickets[t.source], t)
	}
	err := d.prepare(w)
	if err != nil {
		d.c.log.Debug("jobs are put off", "jobs", len(batch), "error", err)
	} else {
		d.ingest(w)
	}
	d.mu.Lock()
	for id := range w.places {
		d.leavePlace(w, id)
	}
	d.mu.Unlock()
	for _, source := range w.ids() {
		w.answer(source, river.JobSnooze(laterDB))
	}
}

// prepare takes the leases of the hosts, then claims the sources and reads them as they
// are then. What is claimed when it fails is free again.
func (d *dispatcher) prepare(w *work) (err error) {
	var alive bool
	if w.life, alive = d.c.member.life(); !alive {
		return errNoLease
	}
	ctx := w.life.ctx
	if w.sources, err = d.c.store.SourcesByID(ctx, w.ids()); err != nil {
		return err
	}
	if err := d.leaveHosts(ctx, w); err != nil {
		return err
	}
	mine, err := d.c.claim(w.life, w.ids())
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			d.c.unclaim(w.life, mine)
		}
	}()
	if err = d.leaveTaken(ctx, w, mine); err != nil {
		return err
	}
	if w.sources, err = d.c.store.SourcesByID(ctx, mine); err != nil {
		return err
	}
	if w.forced, err = d.c.takeParts(ctx, w.life, w.sources, mine); err != nil {
		return err
	}
	d.leaveRemoved(w, mine)
	return nil
}

// leaveRemoved settles sources that are there no more.
func (d *dispatcher) leaveRemoved(w *work, mine []int64) {
	there := map[int64]bool{}
	for _, src := range w.sources {
		there[src.ID] = true
	}
	for _, id := range mine {
		if !there[id] {
			d.settled <- outcome{life: w.life, source: id, tickets: w.tickets[id],
				report: feed.SourceReport{Outcome: feed.OutcomeNotDue, DueReason: "it was removed meanwhile"}}
			delete(w.tickets, id)
		}
	}
}

// leaveTaken answers for sources that somebody else has. A job that somebody waits
// for comes again.
func (d *dispatcher) leaveTaken(ctx context.Context, w *work, mine []int64) error {
	var others []int64
	for _, id := range w.ids() {
		if _, ok := slices.BinarySearch(mine, id); !ok {
			others = append(others, id)
		}
	}
	if len(others) == 0 {
		return nil
	}
	wanted, err := d.c.wanted(ctx, others)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range others {
		d.leavePlace(w, id)
		if wanted[id] {
			w.answer(id, river.JobSnooze(laterClaim))
		} else {
			w.answer(id, nil)
		}
	}
	return nil
}

// leaveHosts puts off the sources whose hosts another process speaks to, or
// that we have enough of; feeds, too, as long as the seeds have not been read once.
func (d *dispatcher) leaveHosts(ctx context.Context, w *work) error {
	ready, err := d.c.topicReady(ctx)
	if err != nil {
		return err
	}
	free := map[string]bool{}
	if ready {
		free, err = d.c.hosts.TryTake(ctx, hostsOf(w.sources))
	} else {
		err = d.c.wantSeeds(ctx)
	}
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, src := range w.sources {
		switch host := hostOf(src); {
		case host == "":
		case !free[host]:
			w.answer(src.ID, river.JobSnooze(laterHost))
		case d.hosts[host] != nil && d.hosts[host].taken >= hostMost:
			w.answer(src.ID, river.JobSnooze(d.hosts[host].later()))
		default:
			if d.hosts[host] == nil {
				d.hosts[host] = &places{}
			}
			d.hosts[host].taken++
			w.places[src.ID] = host
		}
	}
	return nil
}

// places are what we have taken of a host, and what waits for it.
type places struct {
	taken int
	next  time.Time // when what waits longest comes again
}

// later is when to come again to a host that has no place: one after the other, so
// that thousands that wait do not all ask at once, again and again.
func (p *places) later() time.Duration {
	now := time.Now()
	p.next = p.next.Add(hostTakes)
	if first := now.Add(laterHost); p.next.Before(first) {
		p.next = first
	}
	if last := now.Add(laterMost); p.next.After(last) {
		p.next = last
	}
	return p.next.Sub(now)
}

// leavePlace gives a source's place at its host to others; d.mu is held.
func (d *dispatcher) leavePlace(w *work, source int64) {
	host, ok := w.places[source]
	if !ok {
		return
	}
	delete(w.places, source)
	p := d.hosts[host]
	if p.taken--; p.taken == 0 {
		delete(d.hosts, host)
	}
}

// hostOf is the host that a source is fetched from; "" for a folder.
func hostOf(src feed.Source) string {
	switch {
	case src.Kind == feed.KindFolder:
		return ""
	case src.State.FetchURL != "":
		return fetch.HostOf(src.State.FetchURL)
	}
	return fetch.HostOf(src.URL)
}

func hostsOf(sources []feed.Source) []string {
	seen := map[string]bool{}
	for _, src := range sources {
		if host := hostOf(src); host != "" {
			seen[host] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// ingest takes what was claimed through the pipeline, what is forced apart.
func (d *dispatcher) ingest(w *work) {
	var mu sync.Mutex
	var both sync.WaitGroup
	for _, force := range []bool{false, true} {
		var sources []feed.Source
		for _, src := range w.sources {
			if w.forced[src.ID] == force {
				sources = append(sources, src)
			}
		}
		if len(sources) > 0 {
			both.Go(func() { d.pass(w, &mu, sources, force) })
		}
	}
	both.Wait()
}

// pass takes sources through the pipeline and has each settled as it is done.
func (d *dispatcher) pass(w *work, mu *sync.Mutex, sources []feed.Source, force bool) {
	left := map[string]int64{}
	for _, src := range sources {
		left[src.Slug] = src.ID
	}
	err := d.c.pipe(w.life, ingest.Run{Force: force}, sources, func(r feed.SourceReport) {
		id, known := left[r.Source]
		if !known {
			return // what a second look changes is in no report
		}
		delete(left, r.Source)
		mu.Lock()
		tickets := w.tickets[id]
		delete(w.tickets, id)
		mu.Unlock()
		d.mu.Lock()
		d.leavePlace(w, id)
		d.mu.Unlock()
		d.settled <- outcome{life: w.life, source: id, report: r, tickets: tickets}
	})
	if err != nil && w.life.ctx.Err() == nil {
		d.c.log.Error("sources could not be taken in; they are tried again", "sources", len(left), "error", err)
	}
	if len(left) > 0 {
		d.c.unclaim(w.life, slices.Collect(maps.Values(left)))
	}
}

// pipe takes sources through the pipeline under a life, until that or the program ends.
func (c *Cluster) pipe(l life, run ingest.Run, sources []feed.Source, done func(feed.SourceReport)) error {
	ctx, cancel := context.WithCancel(withLife(l))
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	run.ID, run.Now, run.Others = l.id, c.pipeline.Now(), c.member.Others
	return scheduler.Safely(func() error { return c.pipeline.Run(ctx, run, sources, done) })
}

// claim takes those of the sources that nobody has; they are sorted. Where it is not known
// what was claimed the life ends, and with it all that may have been.
func (c *Cluster) claim(l life, ids []int64) ([]int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.patience())
	defer cancel()
	mine, err := idsOf(c.db.Query(ctx, `WITH gone AS MATERIALIZED (SELECT c.source_id, c.holder FROM claim c
			WHERE c.source_id = ANY($1) AND c.holder <> '' AND NOT `+living("c.holder")+`)
		INSERT INTO claim AS c (source_id, holder, queued) SELECT id, $2, 0 FROM unnest($1::bigint[]) id ORDER BY id
		ON CONFLICT (source_id) DO UPDATE SET holder = EXCLUDED.holder
		WHERE c.holder = '' OR (c.source_id, c.holder) IN (SELECT source_id, holder FROM gone)
		RETURNING source_id`, ids, l.id))
	if err != nil {
		c.member.giveUp(l)
	}
	slices.Sort(mine)
	return mine, err
}

// unclaim gives sources back that were not done. If that fails, they are free when the
// life ends under which we have them: at once.
func (c *Cluster) unclaim(l life, ids []int64) {
	ctx, cancel := context.WithTimeout(context.Background(), c.patience())
	defer cancel()
	err := inTx(ctx, c.db, func(tx pgx.Tx) error {
		if err := free(ctx, tx, []string{l.id}, ids); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE run_part SET worker = '' WHERE source_id = ANY($1) AND worker = $2 AND report IS NULL`, ids, l.id)
		return err
	})
	if err != nil {
		c.member.giveUp(l)
	}
}

// free frees sources in a transaction. It locks them in the order in which all do.
func free(ctx context.Context, tx pgx.Tx, lives []string, ids []int64) error {
	_, err := tx.Exec(ctx, `UPDATE claim SET holder = '' WHERE holder = ANY($2) AND source_id IN
		(SELECT source_id FROM claim WHERE source_id = ANY($1) ORDER BY source_id FOR UPDATE)`, ids, lives)
	return err
}

// takeParts notes that the open parts of sources are ours, and tells which sources
// somebody wants to have asked whether they are due or not. Who asked before the source was
// last fetched has got that.
func (c *Cluster) takeParts(ctx context.Context, l life, sources []feed.Source, ids []int64) (forced map[int64]bool, err error) {
	fetched := make(map[int64]int64, len(sources))
	for _, src := range sources {
		fetched[src.ID] = src.State.LastFetch.UnixMilli()
	}
	rows, err := c.db.Query(ctx, `UPDATE run_part SET worker = $2 WHERE source_id = ANY($1) AND report IS NULL RETURNING source_id, forced, asked`, ids, l.id)
	if err != nil {
		return nil, err
	}
	forced = map[int64]bool{}
	var id, force, asked int64
	_, err = pgx.ForEachRow(rows, []any{&id, &force, &asked}, func() error {
		if force == 1 && asked >= fetched[id] {
			forced[id] = true
		}
		return nil
	})
	return forced, err
}

// wanted tells for which sources there are parts of runs that nobody has taken.
func (c *Cluster) wanted(ctx context.Context, ids []int64) (map[int64]bool, error) {
	found, err := idsOf(c.db.Query(ctx, `SELECT DISTINCT source_id FROM run_part WHERE source_id = ANY($1) AND report IS NULL AND worker = ''
		UNION SELECT id FROM source WHERE id = ANY($1) AND kind = 'folder'`, ids))
	wanted := map[int64]bool{}
	for _, id := range found {
		wanted[id] = true
	}
	return wanted, err
}
