package ingest

import (
	"context"
	"slices"
	"time"

	"tributary/feed"
	"tributary/ingest/fetch"
)

// writer is the only one that writes in a run. It commits sources in batches,
// in order of declaration within each, so that of racing copies the source
// declared first wins.
type writer struct {
	p    *Pipeline
	run  Run
	in   *batches
	done func(feed.SourceReport)

	failures []prepared     // judged at the end: all hosts at once is our network
	results  []fetch.Result // of all feeds, without bodies
}

// writeAll commits all that comes in, then judges the failures and admits
// what was found.
func (w *writer) writeAll(ctx context.Context) error {
	for {
		batch := w.in.take()
		if len(batch) == 0 {
			return w.finish(ctx)
		}
		if err := w.commit(ctx, batch); err != nil {
			return err
		}
	}
}

// commit applies a batch in one transaction and reports on it. Failures wait
// for the end of the run.
func (w *writer) commit(ctx context.Context, batch []prepared) error {
	defer w.p.release(batch)
	for _, b := range batch {
		if b.fatal != nil {
			return b.fatal
		}
	}
	slices.SortStableFunc(batch, func(a, b prepared) int { return a.source.Position - b.source.Position })
	good := make([]*prepared, 0, len(batch))
	for i := range batch {
		switch b := &batch[i]; {
		case b.skipped:
			w.done(b.report)
		case b.result.Kind == fetch.Failed && b.source.Kind == feed.KindFeed:
			w.failures = append(w.failures, *b)
		default:
			good = append(good, b)
		}
		w.note(batch[i])
	}
	err := w.p.Store.Write(ctx, func(tx Tx) error {
		for _, b := range good {
			if err := apply(ctx, tx, w.run, b); err != nil {
				return err
			}
			if err := w.save(ctx, tx, b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, b := range good {
		w.report(*b)
	}
	return nil
}

func (w *writer) note(b prepared) {
	if b.source.Kind == feed.KindFeed && !b.skipped {
		b.result.Document.Body = nil
		w.results = append(w.results, b.result)
	}
}

// save stores what the fetch means for the source, in the transaction of its
// entries.
func (w *writer) save(ctx context.Context, tx Tx, b *prepared) error {
	state := b.source.State
	if b.source.Kind == feed.KindFolder {
		state = folderState(state, b, w.run.Now)
	} else {
		state = w.p.Policy.After(b.source, b.result, b.about, b.report.Counts.Changed(), w.run.Now)
	}
	if b.result.Kind == fetch.Fetched {
		state.Imported = true
	}
	b.report.Status, b.report.NextDue, b.report.DueReason = state.Status, state.NextDue, state.DueReason
	return tx.SaveSource(ctx, b.source.ID, b.about, state)
}

// finish stores the failures, once it is known whether they are the sources'
// or our own, and gives the run's items their places.
func (w *writer) finish(ctx context.Context) error {
	ours := w.p.Policy.OurNetwork(w.results)
	err := w.p.Store.Write(ctx, func(tx Tx) error {
		for i := range w.failures {
			if err := w.saveFailure(ctx, tx, &w.failures[i], ours); err != nil {
				return err
			}
		}
		_, err := tx.Admit(ctx, w.run.Waiting, w.run.Now)
		return err
	})
	if err != nil {
		return err
	}
	for _, b := range w.failures {
		w.report(b)
	}
	return nil
}

func (w *writer) saveFailure(ctx context.Context, tx Tx, b *prepared, ours bool) error {
	state := b.source.State
	if ours {
		state.Error = b.result.Err.Error() + " (no host answered: this looks like our own network)"
	} else {
		state = w.p.Policy.After(b.source, b.result, b.about, false, w.run.Now)
	}
	b.report.Outcome, b.report.Error = feed.OutcomeFailed, state.Error
	b.report.Status, b.report.NextDue, b.report.DueReason = state.Status, state.NextDue, state.DueReason
	return tx.SaveSource(ctx, b.source.ID, b.about, state)
}

func (w *writer) report(b prepared) {
	b.report.Millis = w.p.Now().Sub(b.began).Milliseconds()
	w.done(b.report)
}

// release gives the sources of a batch back.
func (p *Pipeline) release(batch []prepared) {
	for _, b := range batch {
		at := p.Now()
		if b.skipped {
			at = time.Time{}
		}
		p.claims.release(b.source.ID, at)
	}
}
