package cluster

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"tributary/feed"
)

// outcome is what has become of a source.
type outcome struct {
	life    life
	source  int64
	report  feed.SourceReport
	tickets []*ticket
}

const (
	settleEvery = 50 * time.Millisecond
	settleMost  = 256
)

// settle frees sources and notes what became of them, many at a time, until no more come.
func (d *dispatcher) settle() {
	for {
		batch := d.collect()
		if batch == nil {
			return
		}
		err := d.c.conclude(batch)
		if err != nil {
			d.c.log.Debug("what became of sources could not be noted", "sources", len(batch), "error", err)
			for _, o := range batch {
				d.c.member.giveUp(o.life) // with it goes the claim
			}
		}
		for _, o := range batch {
			for _, t := range o.tickets {
				if err != nil {
					t.answer <- river.JobSnooze(laterDB) // it is not due any more then, which is noted
				} else {
					t.answer <- nil
				}
			}
		}
	}
}

// collect waits for an outcome, and a moment for others.
func (d *dispatcher) collect() (batch []outcome) {
	o, more := <-d.settled
	if !more {
		return nil
	}
	batch = append(batch, o)
	patience := time.NewTimer(settleEvery)
	defer patience.Stop()
	for len(batch) < settleMost {
		select {
		case o, more := <-d.settled:
			if !more {
				return batch
			}
			batch = append(batch, o)
		case <-patience.C:
			return batch
		}
	}
	return batch
}

// conclude frees sources, reports on them to the runs that wait for them, and
// ends runs that were waiting for nothing else.
func (c *Cluster) conclude(batch []outcome) error {
	ctx, cancel := context.WithTimeout(context.Background(), c.patience())
	defer cancel()
	slices.SortFunc(batch, func(a, b outcome) int { return int(a.source - b.source) })
	ids, reports, lives := make([]int64, len(batch)), make([][]byte, len(batch)), make([]string, len(batch))
	for i, o := range batch {
		o.report.Worker = c.member.name
		report, err := json.Marshal(o.report)
		if err != nil {
			return err
		}
		ids[i], reports[i], lives[i] = o.source, report, o.life.id
	}
	var runs []string
	asked := map[int64]bool{}
	err := inTx(ctx, c.db, func(tx pgx.Tx) error {
		if err := free(ctx, tx, lives, ids); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `UPDATE run_part p SET report = r.report FROM unnest($1::bigint[], $2::bytea[]) AS r (source_id, report)
			WHERE p.source_id = r.source_id AND p.report IS NULL AND p.worker = ANY($3) RETURNING p.run_id, p.source_id`, ids, reports, lives)
		if err != nil {
			return err
		}
		var run string
		var source int64
		_, err = pgx.ForEachRow(rows, []any{&run, &source}, func() error {
			runs, asked[source] = append(runs, run), true
			return nil
		})
		return err
	})
	if err != nil {
		return err
	}
	slices.Sort(runs)
	for _, id := range slices.Compact(runs) {
		if err := c.finish(ctx, id); err != nil {
			c.log.Debug("a run could not be ended; the clock does it", "run", id, "error", err)
		}
	}
	for _, o := range batch {
		if !asked[o.source] && c.news(o) {
			c.recordAlone(ctx, o.report)
		}
	}
	c.noteEnded()
	return nil
}

// news tells whether something became of a source for which nobody asked that a
// person may want to know, other than the fault it had when it was last looked at here.
func (c *Cluster) news(o outcome) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.faults[o.source] == o.report.Error
	c.faults[o.source] = o.report.Error
	return !known || o.report.Counts.Changed()
}

// recordAlone stores the report on a source as that of a run of its own.
func (c *Cluster) recordAlone(ctx context.Context, r feed.SourceReport) {
	at := c.pipeline.Now()
	r.Worker = c.member.name
	report := feed.Report{ID: uuid.NewString(), Trigger: "schedule", State: "done", Started: at.Add(-time.Duration(r.Millis) * time.Millisecond), Finished: at, Total: 1}
	if r.Source == feed.SeedsSlug {
		report.Trigger = "folder"
	}
	addTo(&report, r)
	if err := c.record(ctx, report); err != nil {
		c.log.Error("the report of a run could not be stored", "run", report.ID, "error", err)
	}
}
