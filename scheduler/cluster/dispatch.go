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
)

const (
	gatherFor  = 50 * time.Millisecond // for jobs that come together to be done together
	gatherMost = 256
	// hostMost is how many sources of one host a process has taken at a time, so
	// that no host, which is asked for one after the other, fills all places.
	hostMost = 32

	laterHost  = 2 * time.Second // when another process speaks to the host
	laterClaim = time.Second     // when another one has the source
	laterDB    = 2 * time.Second // when the database fails
)

// dispatcher takes the sources that jobs are about through the pipeline, many
// at a time.
type dispatcher struct {
	c       *Cluster
	tickets chan *ticket
	settled chan outcome
	active  sync.WaitGroup

	mu    sync.Mutex
	hosts map[string]int // sources that are taken, by host
}

// ticket is a job that waits for its source.
type ticket struct {
	source int64
	answer chan error // buffered
}

func newDispatcher(c *Cluster) *dispatcher {
	return &dispatcher{c: c, tickets: make(chan *ticket), settled: make(chan outcome, gatherMost), hosts: map[string]int{}}
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
	sources []feed.Source       // that are claimed
	forced  map[int64]bool
}

// answer answers who waits for a source.
func (w *work) answer(source int64, err error) {
	for _, t := range w.tickets[source] {
		t.answer <- err
	}
	delete(w.tickets, source)
}

// take claims the sources of a batch and takes them through the pipeline.
func (d *dispatcher) take(batch []*ticket) {
	w := &work{tickets: map[int64][]*ticket{}, forced: map[int64]bool{}}
	for _, t := range batch {
		w.tickets[t.source] = append(w.tickets[t.source], t)
	}
	err := d.prepare(w)
	if err != nil {
		d.c.log.Debug("jobs are put off", "jobs", len(batch), "error", err)
	} else {
		d.ingest(w)
	}
	for source := range w.tickets {
		w.answer(source, river.JobSnooze(laterDB))
	}
}

// prepare claims the sources, reads them, and takes the leases of their hosts.
// What is claimed when it fails is free again.
func (d *dispatcher) prepare(w *work) (err error) {
	var alive bool
	if w.life, alive = d.c.member.life(); !alive {
		return errNoLease
	}
	ctx := w.life.ctx
	ids := slices.Sorted(maps.Keys(w.tickets))
	mine, err := d.c.claim(ctx, w.life, ids)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			d.c.unclaim(w.life, mine)
		}
	}()
	if w.sources, err = d.c.store.SourcesByID(ctx, mine); err != nil {
		return err
	}
	if err = d.leaveRemoved(ctx, w, mine); err != nil {
		return err
	}
	if err = d.leaveTaken(ctx, w, ids, mine); err != nil {
		return err
	}
	if w.forced, err = d.c.takeParts(ctx, w.sources); err != nil {
		return err
	}
	return d.leaveHosts(ctx, w)
}

// leaveRemoved settles sources that are there no more.
func (d *dispatcher) leaveRemoved(ctx context.Context, w *work, mine []int64) error {
	var removed []feed.Source
	for _, id := range mine {
		if !slices.ContainsFunc(w.sources, func(src feed.Source) bool { return src.ID == id }) {
			removed = append(removed, feed.Source{ID: id})
		}
	}
	if len(removed) == 0 {
		return nil
	}
	if _, err := d.c.takeParts(ctx, removed); err != nil {
		return err
	}
	for _, src := range removed {
		d.settled <- outcome{life: w.life, source: src.ID, tickets: w.tickets[src.ID],
			report: feed.SourceReport{Outcome: feed.OutcomeNotDue, DueReason: "it was removed meanwhile"}}
		delete(w.tickets, src.ID)
	}
	return nil
}

// leaveTaken answers for sources that another process has taken, or that are
// there no more. A job that somebody waits for comes again.
func (d *dispatcher) leaveTaken(ctx context.Context, w *work, all, mine []int64) error {
	var others []int64
	for _, id := range all {
		if _, ok := slices.BinarySearch(mine, id); !ok {
			others = append(others, id)
		}
	}
	if len(others) > 0 {
		wanted, err := d.c.wanted(ctx, others)
		if err != nil {
			return err
		}
		for _, id := range others {
			if wanted[id] {
				w.answer(id, river.JobSnooze(laterClaim))
			} else {
				w.answer(id, nil)
			}
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
	var later []int64
	d.mu.Lock()
	w.sources = slices.DeleteFunc(w.sources, func(src feed.Source) bool {
		host := hostOf(src)
		if host == "" {
			return false
		}
		if !free[host] || d.hosts[host] >= hostMost {
			later = append(later, src.ID)
			return true
		}
		d.hosts[host]++
		return false
	})
	d.mu.Unlock()
	if len(later) > 0 {
		d.c.unclaim(w.life, later)
	}
	for _, id := range later {
		w.answer(id, river.JobSnooze(laterHost))
	}
	return nil
}

func (d *dispatcher) freeHosts(sources []feed.Source) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, src := range sources {
		host := hostOf(src)
		if d.hosts[host]--; d.hosts[host] <= 0 {
			delete(d.hosts, host)
		}
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
	ids := map[string]int64{}
	for _, src := range sources {
		ids[src.Slug] = src.ID
	}
	left := maps.Clone(ids)
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
		d.settled <- outcome{life: w.life, source: id, report: r, tickets: tickets}
	})
	if err != nil && w.life.ctx.Err() == nil {
		d.c.log.Error("sources could not be taken in; they are tried again", "sources", len(left), "error", err)
	}
	if len(left) > 0 {
		d.c.unclaim(w.life, slices.Collect(maps.Values(left)))
	}
	d.freeHosts(sources)
}

// pipe takes sources through the pipeline under a life, until that or the program ends.
func (c *Cluster) pipe(l life, run ingest.Run, sources []feed.Source, done func(feed.SourceReport)) error {
	ctx, cancel := context.WithCancel(withLife(l))
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	run.ID, run.Now, run.Others = l.id, c.pipeline.Now(), c.member.Others
	return safely(func() error { return c.pipeline.Run(ctx, run, sources, done) })
}

// claim takes those of the sources that nobody living has; they are sorted.
func (c *Cluster) claim(ctx context.Context, l life, ids []int64) ([]int64, error) {
	rows, err := c.db.Query(ctx, `WITH gone AS MATERIALIZED (SELECT c.source_id, c.holder FROM claim c
			WHERE c.source_id = ANY($1) AND c.holder <> '' AND NOT `+living("c.holder")+`)
		INSERT INTO claim AS c (source_id, holder, queued) SELECT id, $2, 0 FROM unnest($1::bigint[]) id ORDER BY id
		ON CONFLICT (source_id) DO UPDATE SET holder = EXCLUDED.holder
		WHERE c.holder = '' OR (c.source_id, c.holder) IN (SELECT source_id, holder FROM gone)
		RETURNING source_id`, ids, l.id)
	if err != nil {
		return nil, err
	}
	mine, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	slices.Sort(mine)
	return mine, err
}

// unclaim gives sources back that were not done. If that fails, they are free when the
// life ends under which we have them: at once.
func (c *Cluster) unclaim(l life, ids []int64) {
	ctx, cancel := context.WithTimeout(context.Background(), beatWithin)
	defer cancel()
	err := inTx(ctx, c.db, func(tx pgx.Tx) error {
		if err := free(ctx, tx, []string{l.id}, ids); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE run_part SET worker = '' WHERE source_id = ANY($1) AND report IS NULL`, ids)
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
func (c *Cluster) takeParts(ctx context.Context, sources []feed.Source) (forced map[int64]bool, err error) {
	fetched := make(map[int64]int64, len(sources))
	ids := make([]int64, len(sources))
	for i, src := range sources {
		ids[i], fetched[src.ID] = src.ID, src.State.LastFetch.UnixMilli()
	}
	rows, err := c.db.Query(ctx, `UPDATE run_part SET worker = $2 WHERE source_id = ANY($1) AND report IS NULL RETURNING source_id, forced, asked`, ids, c.member.name)
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
	rows, err := c.db.Query(ctx, `SELECT DISTINCT source_id FROM run_part WHERE source_id = ANY($1) AND report IS NULL AND worker = ''
		UNION SELECT id FROM source WHERE id = ANY($1) AND kind = 'folder'`, ids)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	wanted := map[int64]bool{}
	for _, id := range found {
		wanted[id] = true
	}
	return wanted, err
}
