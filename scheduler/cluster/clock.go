package cluster

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/folder"
	"tributary/scheduler"
)

// What the clock asks for. Each can be done by several processes at a time, or twice.

const (
	// wokenAtOnce bounds how many sources one run is about.
	wokenAtOnce = 10_000
	// queuedAgain is when a source that is due gets another job although it had one.
	queuedAgain = 10 * time.Minute
	// abandoned is how old a run is, at least, whose process may have died between two steps.
	abandoned = time.Minute
)

// wake makes jobs for the sources that are due and have none, and mends what processes
// that died between two steps have left.
func (c *Cluster) wake(ctx context.Context) error {
	for _, do := range []func(context.Context) error{c.finishAbandoned, c.askForgotten, c.seeSeeds} {
		if err := do(ctx); err != nil {
			return err
		}
	}
	for {
		ids, at, err := c.overdue(ctx)
		if err != nil || len(ids) == 0 {
			return err
		}
		sources, err := c.store.SourcesByID(ctx, ids)
		if err != nil {
			return err
		}
		id, err := c.begin(ctx, feed.RunRequest{Trigger: "schedule"}, sources, at)
		if err != nil || id == "" || len(ids) < wokenAtOnce {
			return err
		}
	}
}

// overdue are feeds that are due at a moment, by the clocks of all, that nobody has and for
// which there is no job, nor a part of a run that waits for one.
func (c *Cluster) overdue(ctx context.Context) (ids []int64, at time.Time, err error) {
	var now int64
	if err := c.db.QueryRow(ctx, `SELECT `+clock).Scan(&now); err != nil {
		return nil, at, err
	}
	ids, err = idsOf(c.db.Query(ctx, `SELECT s.id FROM source s LEFT JOIN claim c ON c.source_id = s.id
		WHERE s.removed IS NULL AND s.enabled = 1 AND s.kind <> 'folder' AND (s.next_due <= $5 OR s.next_due IS NULL AND s.status <> $3)
		AND COALESCE(s.retry_after, 0) <= $5
		AND (c.source_id IS NULL OR NOT `+living("c.holder")+` AND (c.queued < COALESCE(s.next_due, 0) OR c.queued < $4::bigint - $2::bigint))
		AND NOT EXISTS (SELECT 1 FROM run_part p WHERE p.source_id = s.id AND p.report IS NULL)
		ORDER BY s.next_due NULLS FIRST LIMIT $1`, wokenAtOnce, queuedAgain.Milliseconds(), string(feed.StatusGone), now, now-skewMost.Milliseconds()))
	return ids, time.UnixMilli(now), err
}

// askForgotten makes jobs for parts of runs that nobody has taken although they had one
// long ago, and drops those of sources that were purged.
func (c *Cluster) askForgotten(ctx context.Context) error {
	if _, err := c.db.Exec(ctx, `DELETE FROM run_part p WHERE NOT EXISTS (SELECT 1 FROM source s WHERE s.id = p.source_id)`); err != nil {
		return err
	}
	return inTx(ctx, c.db, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT s.id, s.kind, `+clock+` FROM source s LEFT JOIN claim c ON c.source_id = s.id
			WHERE s.id IN (SELECT p.source_id FROM run_part p WHERE p.report IS NULL)
			AND (c.source_id IS NULL OR NOT `+living("c.holder")+` AND c.queued < `+clock+` - $1) ORDER BY s.url LIMIT $2`, queuedAgain.Milliseconds(), wokenAtOnce)
		if err != nil {
			return err
		}
		jobs, err := pgx.CollectRows(rows, scanDue)
		if err != nil || len(jobs) == 0 {
			return err
		}
		return c.queue(ctx, tx, jobs, takenOver)
	})
}

func scanDue(row pgx.CollectableRow) (d due, err error) { return d, row.Scan(&d.id, &d.kind, &d.at) }

// finishAbandoned ends runs whose parts are all done.
func (c *Cluster) finishAbandoned(ctx context.Context) error {
	rows, err := c.db.Query(ctx, `SELECT r.id FROM run r WHERE r.running = 1 AND r.started < $1
		AND NOT EXISTS (SELECT 1 FROM run_part p WHERE p.run_id = r.id AND p.report IS NULL)`, c.pipeline.Now().Add(-abandoned).UnixMilli())
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := c.finish(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// inherit makes jobs for what dead processes had: the sources that they worked on,
// and those whose jobs they had got.
func (c *Cluster) inherit(ctx context.Context, tx pgx.Tx, gone []dead) error {
	var lives, names []string
	for _, d := range gone {
		lives = append(lives, d.id)
		if d.name != c.member.name { // else its jobs are answered here
			names = append(names, d.name)
		}
	}
	handed, err := c.handed(ctx, tx, names)
	if err != nil {
		return err
	}
	// All are locked at once, in the order in which everybody does.
	claimed, err := idsOf(tx.Query(ctx, `SELECT source_id FROM claim WHERE holder = ANY($1) OR source_id = ANY($2) ORDER BY source_id FOR UPDATE`, lives, handed))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE claim SET holder = '' WHERE holder = ANY($1)`, lives); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE run_part SET worker = '' WHERE worker = ANY($1) AND report IS NULL`, lives); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT id, kind, `+clock+` FROM source WHERE removed IS NULL AND id = ANY($1) ORDER BY url`, append(claimed, handed...))
	if err != nil {
		return err
	}
	jobs, err := pgx.CollectRows(rows, scanDue)
	if err != nil || len(jobs) == 0 {
		return err
	}
	return c.queue(ctx, tx, jobs, takenOver)
}

func idsOf(rows pgx.Rows, err error) ([]int64, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// handed are the sources whose jobs River has handed to processes.
func (c *Cluster) handed(ctx context.Context, tx pgx.Tx, names []string) (sources []int64, err error) {
	list := river.NewJobListParams().Kinds(pollJob{}.Kind()).States(rivertype.JobStateRunning).First(jobsAtOnce).
		Where("attempted_by[array_upper(attempted_by, 1)] = ANY(@names)", river.NamedArgs{"names": names})
	result, err := c.river.JobListTx(ctx, tx, list)
	if err != nil {
		return nil, err
	}
	for _, row := range result.Jobs {
		var job pollJob
		if err := json.Unmarshal(row.EncodedArgs, &job); err != nil {
			return nil, err
		}
		sources = append(sources, job.Source)
	}
	return sources, nil
}

// askSeeds makes a job for the seeds folder, if a process sees it.
func (c *Cluster) askSeeds(ctx context.Context) error {
	return c.jobForSeeds(ctx, c.pipeline.Now().UnixMilli())
}

// wantSeeds is askSeeds, unless a job that it has made waits still.
func (c *Cluster) wantSeeds(ctx context.Context) error {
	if err := c.jobForSeeds(ctx, 0); err != nil {
		return err
	}
	return c.seeSeeds(ctx)
}

func (c *Cluster) jobForSeeds(ctx context.Context, at int64) error {
	src, seen, err := c.seeds(ctx)
	if err != nil || !seen {
		return err
	}
	return inTx(ctx, c.db, func(tx pgx.Tx) error {
		return c.queue(ctx, tx, []due{{src.ID, string(src.Kind), at}}, takenOver)
	})
}

// seeSeeds notes with the source of the seeds if no worker sees their folder.
func (c *Cluster) seeSeeds(ctx context.Context) error {
	src, seen, err := c.seeds(ctx)
	if err != nil || seen || src.ID == 0 {
		return err
	}
	return c.blind(ctx, src)
}

// seeds is the source of the seeds, if there is one that is on; seen tells whether a
// process sees the folder.
func (c *Cluster) seeds(ctx context.Context) (src feed.Source, seen bool, err error) {
	src, err = c.store.Source(ctx, feed.SeedsSlug)
	if feed.CodeOf(err) == feed.CodeNotFound || err == nil && !src.Enabled {
		return feed.Source{}, false, nil
	}
	if err != nil {
		return src, false, err
	}
	err = c.db.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM worker WHERE seeds = 1 AND until > `+clock+`)`).Scan(&seen)
	return src, seen, err
}

// blind notes that no worker sees the seeds folder, and says so to who waits for it.
func (c *Cluster) blind(ctx context.Context, src feed.Source) error {
	l, err := c.claimWaiting(ctx, src.ID)
	if err != nil {
		return err
	}
	defer c.unclaim(l, []int64{src.ID})
	if src, err = c.store.Source(ctx, src.Slug); err != nil { // as it is now
		return err
	}
	st := src.State
	st.Status, st.Error = feed.StatusFailing, "no worker sees "+src.URL+": mount it in one worker at least, at that path"
	if st.Error != src.State.Error {
		c.log.Warn("the seeds folder is seen by no worker", "folder", src.URL)
		st.LastFetch, st.Failures = c.pipeline.Now(), st.Failures+1
		if err := c.pipeline.Store.Write(withLife(l), func(tx ingest.Tx) error { return tx.SaveSource(ctx, src.ID, src.About, st) }); err != nil {
			return err
		}
	}
	if _, err := c.takeParts(ctx, l, []feed.Source{src}, []int64{src.ID}); err != nil {
		return err
	}
	return c.conclude([]outcome{{life: l, source: src.ID, report: feed.SourceReport{
		Source: src.Slug, Name: src.Title(), Outcome: feed.OutcomeFailed, Status: st.Status, Error: st.Error}}})
}

// watchSeeds asks for a look at the folder whenever something in it changes.
func (c *Cluster) watchSeeds(ctx context.Context, root string) {
	for !c.seesSeeds() { // it may come
		sleep(ctx, beatEvery)
		if ctx.Err() != nil {
			return
		}
	}
	err := folder.Watch(ctx, root, func() {
		if err := c.askSeeds(ctx); err != nil && ctx.Err() == nil {
			c.log.Warn("a change in the seeds folder is seen at the next rescan only", "error", err)
		}
	})
	if err != nil && ctx.Err() == nil {
		c.log.Warn("changes in the seeds folder are seen at the next rescan only", "folder", root, "error", err)
	}
}

// prune drops texts past their keep.
func (c *Cluster) prune(ctx context.Context) error {
	c.mu.Lock()
	policy := c.opts.Prune
	c.mu.Unlock()
	if _, err := c.db.Exec(ctx, `DELETE FROM claim c WHERE NOT EXISTS (SELECT 1 FROM source s WHERE s.id = c.source_id)`); err != nil {
		return err
	}
	return scheduler.Prune(ctx, c.store, policy, c.pipeline.Now(), c.log)
}
