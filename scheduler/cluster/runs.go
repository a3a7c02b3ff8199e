package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tributary/feed"
	"tributary/ingest"
	"tributary/scheduler"
	"tributary/store"
)

// Trigger asks for a run and returns its id. What it asks for is queued, and
// whichever process has room does it; a source that somebody works on already is done for
// this run, too. A source that is not known is an error (CodeNotFound).
func (c *Cluster) Trigger(ctx context.Context, req feed.RunRequest) (string, error) {
	sources, err := c.asked(ctx, req)
	if err != nil {
		return "", err
	}
	return c.begin(ctx, req, sources, c.pipeline.Now())
}

// joined is a run under way that was asked for the same; "": there is none.
func (c *Cluster) joined(ctx context.Context, tx pgx.Tx, sources []int64, forced bool) (id string, err error) {
	err = tx.QueryRow(ctx, `SELECT p.run_id FROM run_part p JOIN run r ON r.id = p.run_id WHERE r.running = 1
		GROUP BY p.run_id HAVING COUNT(*) = $1 AND bool_and(p.source_id = ANY($2) AND p.forced = $3) AND bool_or(p.report IS NULL) LIMIT 1`,
		len(sources), sources, bit(forced)).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return id, err
}

// asked are the sources that a request names, or all.
func (c *Cluster) asked(ctx context.Context, req feed.RunRequest) ([]feed.Source, error) {
	if len(req.Sources) == 0 {
		return c.store.Sources(ctx)
	}
	byID := map[int64]feed.Source{}
	for _, name := range req.Sources {
		src, err := c.store.Source(ctx, name)
		if err != nil {
			return nil, err
		}
		byID[src.ID] = src
	}
	var sources []feed.Source
	for _, src := range byID {
		sources = append(sources, src)
	}
	return sources, nil
}

// begin stores a run, with a part for each source that is due at a time, and their jobs, all
// in one transaction. Of a source that is not due the run knows that at once. A run of the clock
// that would have nothing to do is none.
func (c *Cluster) begin(ctx context.Context, req feed.RunRequest, sources []feed.Source, at time.Time) (string, error) {
	report := feed.Report{ID: uuid.NewString(), Trigger: req.Trigger, State: "running", Started: at, Total: len(sources), Sources: []feed.SourceReport{}}
	slices.SortFunc(sources, byHost)
	var jobs []due
	var ids []int64
	for _, src := range sources {
		if ok, why := c.pipeline.Policy.Due(src, req.Force, at); !ok {
			report.Sources = append(report.Sources, ingest.NotDue(src, why))
			continue
		}
		jobs, ids = append(jobs, due{src.ID, string(src.Kind), dueAt(src, req, at)}), append(ids, src.ID)
	}
	if len(jobs) == 0 && req.Trigger == "schedule" {
		return "", nil
	}
	report.Done = len(report.Sources)
	first, err := json.Marshal(report)
	if err != nil {
		return "", err
	}
	id := report.ID
	err = inTx(ctx, c.db, func(tx pgx.Tx) error {
		if req.Trigger != "signal" && req.Trigger != "schedule" { // a new configuration; jobs may have been lost
			other, err := c.joined(ctx, tx, ids, req.Force)
			if err != nil || other != "" {
				id = other
				return err
			}
		}
		if _, err := tx.Exec(ctx, `INSERT INTO run (id, started, running, report) VALUES ($1, $2, 1, $3)`, report.ID, at.UnixMilli(), first); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO run_part (run_id, source_id, forced, asked, worker) SELECT $1, id, $3, $4, '' FROM unnest($2::bigint[]) id`,
			report.ID, ids, bit(req.Force), at.UnixMilli()); err != nil {
			return err
		}
		return c.queue(ctx, tx, jobs, priorityOf(req))
	})
	switch {
	case err != nil:
		return "", c.mend(err)
	case len(jobs) == 0:
		return id, c.finish(ctx, id)
	case slices.ContainsFunc(jobs, func(j due) bool { return j.kind == string(feed.KindFolder) }):
		return id, c.seeSeeds(ctx) // or it would wait for a process that sees them
	}
	return id, nil
}

// byHost orders sources so that those of a host follow each other, and is otherwise the
// order of declaration.
func byHost(a, b feed.Source) int {
	if x, y := hostOf(a), hostOf(b); x != y {
		if x < y {
			return -1
		}
		return 1
	}
	return a.Position - b.Position
}

// dueAt is what a job's uniqueness goes by: the clock makes one for each time that a
// source comes due, a person one each time.
func dueAt(src feed.Source, req feed.RunRequest, at time.Time) int64 {
	if req.Trigger == "schedule" && !src.State.NextDue.IsZero() {
		return src.State.NextDue.UnixMilli()
	}
	return at.UnixMilli()
}

func priorityOf(req feed.RunRequest) int {
	if req.Trigger == "schedule" {
		return bySchedule
	}
	return byHand
}

// Push takes a document that a hub has sent for a source through the line, here,
// and returns when that is done.
func (c *Cluster) Push(ctx context.Context, src feed.Source, doc feed.Document) error {
	report, err := c.alone(ctx, src, ingest.Run{Pushed: &doc}, "push")
	if err != nil {
		return err
	}
	return scheduler.Pushed(src, report)
}

// alone takes one source through the pipeline in this process, when nobody else
// works on it. Its report is kept if it brought something or went wrong.
func (c *Cluster) alone(ctx context.Context, src feed.Source, run ingest.Run, trigger string) (feed.Report, error) {
	if err := c.beginAlone(); err != nil {
		return feed.Report{}, err
	}
	defer c.alones.Done()
	l, err := c.claimWaiting(ctx, src.ID)
	if err != nil {
		return feed.Report{}, err
	}
	defer c.unclaim(l, []int64{src.ID})
	report := feed.Report{ID: uuid.NewString(), Trigger: trigger, State: "done", Started: c.pipeline.Now()}
	sources, err := c.store.SourcesByID(ctx, []int64{src.ID})
	if err != nil {
		return report, err
	}
	err = c.pipe(l, run, sources, func(r feed.SourceReport) {
		r.Worker = c.member.name
		addTo(&report, r)
	})
	report.Finished, report.Total = c.pipeline.Now(), len(sources)
	if err != nil {
		report.State, report.Error = "failed", err.Error()
	}
	if err != nil || report.Failed() > 0 || report.Counts.Changed() {
		err = errors.Join(err, c.record(context.WithoutCancel(ctx), report))
	}
	return report, err
}

// beginAlone has Stop wait for what begins, unless it has been called.
func (c *Cluster) beginAlone() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending {
		return feed.Errorf(feed.CodeUnavailable, "the program is stopping; ask again when it is back")
	}
	c.alones.Add(1)
	return nil
}

// claimWaiting claims a source, waiting for who has it.
func (c *Cluster) claimWaiting(ctx context.Context, id int64) (life, error) {
	for {
		l, alive := c.member.life()
		if alive {
			mine, err := c.claim(l, []int64{id})
			if err != nil {
				return l, c.mend(err)
			}
			if len(mine) == 1 {
				return l, nil
			}
		}
		sleep(ctx, 100*time.Millisecond)
		if ctx.Err() != nil {
			return l, ctx.Err()
		}
	}
}

// addTo notes how a source fared.
func addTo(report *feed.Report, r feed.SourceReport) {
	report.Counts.Add(r.Counts)
	if r.Amends {
		return
	}
	report.Sources = append(report.Sources, r)
	report.Done++
}

// waitEvery is how often a run is looked at that somebody waits for.
const waitEvery = 200 * time.Millisecond

// Wait waits for a run to end and returns its report.
func (c *Cluster) Wait(ctx context.Context, id string) (feed.Report, error) {
	for {
		report, err := c.store.Run(ctx, id) // without its parts: there are many, and we look often
		if err != nil || report.State != "running" {
			return report, err
		}
		sleep(ctx, waitEvery)
		if ctx.Err() != nil {
			return report, ctx.Err()
		}
	}
}

// Report is a run's report, as far as it goes if the run is under way, whichever
// processes have part in it.
func (c *Cluster) Report(ctx context.Context, id string) (feed.Report, error) {
	report, err := c.store.Run(ctx, id)
	if err != nil || report.State != "running" {
		return report, err
	}
	_, err = addParts(ctx, c.db, &report)
	return report, c.mend(err)
}

// addParts adds what has become of a run's sources so far, and tells how many are left.
func addParts(ctx context.Context, db asker, report *feed.Report) (open int, err error) {
	rows, err := db.Query(ctx, `SELECT p.report FROM run_part p LEFT JOIN source s ON s.id = p.source_id WHERE p.run_id = $1 ORDER BY s.position, p.source_id`, report.ID)
	if err != nil {
		return 0, err
	}
	var packed []byte
	_, err = pgx.ForEachRow(rows, []any{&packed}, func() error {
		if packed == nil {
			open++
			return nil
		}
		var r feed.SourceReport
		if err := json.Unmarshal(packed, &r); err != nil {
			return fmt.Errorf("decode a part of run %s: %w", report.ID, err)
		}
		addTo(report, r)
		return nil
	})
	return open, err
}

// Running tells whether a run is under way.
func (c *Cluster) Running() bool {
	ctx, cancel := context.WithTimeout(c.ctx, beatWithin)
	defer cancel()
	var running bool
	err := c.db.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM run WHERE running = 1)`).Scan(&running)
	return err == nil && running
}

// finish ends a run of which nothing is left to do. One does, whoever else tries.
func (c *Cluster) finish(ctx context.Context, id string) error {
	var report feed.Report
	ended := false
	err := inTx(ctx, c.db, func(tx pgx.Tx) error {
		var packed []byte
		err := tx.QueryRow(ctx, `SELECT report FROM run WHERE id = $1 AND running = 1 FOR UPDATE`, id).Scan(&packed)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err == nil {
			report, err = store.UnpackReport(packed)
		}
		if err != nil {
			return err
		}
		open, err := addParts(ctx, tx, &report)
		if err != nil || open > 0 {
			return err
		}
		report.State, report.Finished = "done", c.pipeline.Now()
		ended = true
		if err := saveReport(ctx, tx, report); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM run_part WHERE run_id = $1`, id)
		return err
	})
	if err == nil && ended {
		c.tell(report)
	}
	return err
}

// saveReport stores the report of a run that is over. Reports don't wait for who decides
// about items, as they do with SaveRun.
func saveReport(ctx context.Context, tx pgx.Tx, report feed.Report) error {
	packed, err := store.PackReport(report)
	if err != nil {
		return err
	}
	if _, err = tx.Exec(ctx, `INSERT INTO run (id, started, running, report) VALUES ($1, $2, 0, $3)
		ON CONFLICT (id) DO UPDATE SET running = 0, report = EXCLUDED.report`, report.ID, report.Started.UnixMilli(), packed); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM run WHERE running = 0 AND started <
		(SELECT MIN(kept.started) FROM (SELECT started FROM run ORDER BY started DESC LIMIT $1) kept)`, store.RunsKept)
	return err
}

// record stores and logs a report of a run that only this process had part in.
func (c *Cluster) record(ctx context.Context, report feed.Report) error {
	c.tell(report)
	c.noteEnded()
	return inTx(ctx, c.db, func(tx pgx.Tx) error { return saveReport(ctx, tx, report) })
}

// tell logs a report.
func (c *Cluster) tell(report feed.Report) {
	for _, src := range report.Sources {
		if src.Error != "" {
			c.log.Warn("source", "name", src.Name, "error", src.Error)
		}
	}
	c.log.Info("run "+report.State, "trigger", report.Trigger, "sources", report.Total, "failed", report.Failed(),
		"published", report.Counts.Published, "updated", report.Counts.Updated, "copies", report.Counts.Copies,
		"withdrawn", report.Counts.Withdrawn, "took", report.Finished.Sub(report.Started).Round(time.Millisecond).String())
}
