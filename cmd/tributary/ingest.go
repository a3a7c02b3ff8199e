package main

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"tributary/feed"
)

func (p *program) ingestCommand() *cobra.Command {
	req := feed.RunRequest{Trigger: "command"}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ingest [SOURCE…]",
		Short: "Look for new items now, in all sources or the named ones",
		Long: "Looks at all sources that are due, or at the named ones (by slug, URL or name).\n" +
			"A source that is not due yet is left alone, and the table says when it is;\n" +
			"--force asks it all the same, unless its server told us to wait.\n\n" +
			"Exit code 0 if all went well, 1 if a source failed, 2 if the command or the configuration is wrong.",
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Sources = args
			return p.ingest(cmd.Context(), req, asJSON)
		},
	}
	cmd.Flags().BoolVar(&req.Force, "force", false, "also sources that are not due")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return cmd
}

// ingest carries out one run and prints its report.
func (p *program) ingest(ctx context.Context, req feed.RunRequest, asJSON bool) error {
	return p.withApp(ctx, slog.New(slog.DiscardHandler), func(a *app) error { // the table says it all
		id, err := a.scheduler.Trigger(ctx, req)
		if err != nil {
			return err
		}
		stop := p.showProgress(ctx, a.scheduler, id)
		report, err := a.scheduler.Wait(ctx, id)
		stop()
		if err != nil {
			return err
		}
		return p.report(report, a.cfg.TimeZone, asJSON)
	})
}

// report prints what a run did; an error says how many sources failed.
func (p *program) report(r feed.Report, zone *time.Location, asJSON bool) error {
	if asJSON {
		if err := p.json(r); err != nil {
			return err
		}
		return failures(r)
	}
	head, shared := []string{"SOURCE", "RESULT", "NEW", "UPDATED", "COPIES", "HELD", "NEXT DUE"}, r.Shared()
	if shared {
		head = append(head, "WORKER")
	}
	rows := make([][]string, len(r.Sources))
	for i, s := range r.Sources {
		rows[i] = reportRow(s, shared, zone)
	}
	if err := p.table(append(head, "WHY"), rows); err != nil {
		return err
	}
	c := r.Counts
	p.say("%s new, %d updated, %s, %d held, %d withdrawn; took %s",
		plural(c.Published, "item"), c.Updated, copies(c.Copies), c.Held, c.Withdrawn, r.Finished.Sub(r.Started).Round(time.Millisecond))
	return failures(r)
}

// reportRow is a source's line in the table, with the process that had it if several share the work.
func reportRow(s feed.SourceReport, shared bool, zone *time.Location) []string {
	row := []string{s.Source, string(s.Outcome)}
	for _, n := range []int{s.Counts.Published, s.Counts.Updated, s.Counts.Copies, s.Counts.Held} {
		row = append(row, number(n))
	}
	row = append(row, when(s.NextDue, zone))
	if shared {
		row = append(row, cmp.Or(s.Worker, "–"))
	}
	return append(row, cmp.Or(s.Error, s.DueReason))
}

// number leaves zeros out, so that the others stand out.
func number(n int) string {
	if n == 0 {
		return "–"
	}
	return strconv.Itoa(n)
}

func copies(n int) string {
	if n == 1 {
		return "1 copy"
	}
	return strconv.Itoa(n) + " copies"
}

// failures is an error if any source failed.
func failures(r feed.Report) error {
	if n := r.Failed(); n > 0 {
		return feed.Errorf(feed.CodeUnavailable, "%d of %s failed", n, plural(len(r.Sources), "source"))
	}
	return nil
}

// progressEvery is how often the progress bar looks at the run.
const progressEvery = 100 * time.Millisecond

// showProgress draws a bar on a terminal until the returned function is called.
func (p *program) showProgress(ctx context.Context, s runner, run string) (stop func()) {
	if !isTerminal(p.stderr) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		drawProgress(ctx, p.stderr, func() (feed.Report, error) { return s.Report(ctx, run) })
	}()
	return func() {
		cancel()
		<-gone
	}
}

// drawProgress draws how far a run is until ctx ends, and then wipes it out.
func drawProgress(ctx context.Context, w io.Writer, progress func() (feed.Report, error)) {
	var bar *progressbar.ProgressBar
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if bar != nil {
				_ = bar.Finish() // a bar that cannot be wiped harms nobody
			}
			return
		case <-tick.C:
		}
		r, err := progress()
		if err != nil || r.Total == 0 {
			continue // it waits for its turn
		}
		if bar == nil {
			bar = newBar(w, r.Total)
		}
		_ = bar.Set(r.Done) // likewise
	}
}

// newBar is made once the length is known: one without a length draws from a
// goroutine of its own, unguarded.
func newBar(w io.Writer, total int) *progressbar.ProgressBar {
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription("ingesting"),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(),
	)
}
