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

	answered bool       // some host has answered: our network works
	silent   []prepared // no answer, and none of another host yet: whose fault that is shows later
}

// writeAll commits all that comes in, then judges the hosts' silence and
// admits what was found.
func (w *writer) writeAll(ctx context.Context) error {
	defer func() { w.p.release(w.silent) }()
	var lull <-chan time.Time // nil: nothing waits for admission
	for {
		batch, quiet := w.in.take(lull)
		lull = nil
		switch {
		case quiet:
			if err := w.admit(ctx); err != nil {
				return err
			}
			continue
		case len(batch) == 0:
			return w.finish(ctx)
		}
		if err := w.commit(ctx, batch); err != nil {
			return err
		}
		lull = time.After(admitWait)
	}
}

// admitWait is how long what was committed waits for slow sources, so that the
// run's items come in by their dates, and the source declared first leads.
const admitWait = time.Second

// admit gives what has come so far its places: a server that takes long holds
// nobody else up.
func (w *writer) admit(ctx context.Context) error {
	return w.p.Store.Write(ctx, func(tx Tx) error {
		return admit(ctx, tx, w.run.others(), w.p.Now())
	})
}

// commit applies a batch in one transaction and reports on it.
func (w *writer) commit(ctx context.Context, batch []prepared) error {
	defer func() { w.p.release(batch) }()
	for _, b := range batch {
		if b.fatal != nil {
			return b.fatal
		}
		w.listen(b)
	}
	if w.answered {
		batch, w.silent = append(batch, w.silent...), nil
	}
	slices.SortStableFunc(batch, func(a, b prepared) int { return a.source.Position - b.source.Position })
	settled := w.part(batch)
	err := w.write(ctx, settled)
	if blamesSource(ctx, err) {
		err = w.writeEach(ctx, settled)
	}
	if err != nil {
		return err
	}
	for _, b := range settled {
		w.report(b)
	}
	w.tellHubs(settled)
	return nil
}

// tellHubs tells who subscribes that there may be something to do.
func (w *writer) tellHubs(batch []*prepared) {
	if w.p.Named != nil && slices.ContainsFunc(batch, func(b *prepared) bool {
		return b.result.Kind == fetch.Fetched && !b.pushed && b.hub != b.source.State.Hub
	}) {
		w.p.Named()
	}
}

// listen notes whether a feed's host has answered.
func (w *writer) listen(b prepared) {
	switch {
	case b.source.Kind != feed.KindFeed || b.skipped:
	case b.result.Status != 0:
		w.answered = true
		w.p.silence.end()
	case b.result.Network && !w.answered && b.source.State.Failures == 0:
		w.p.silence.add(b.result)
	}
}

// part sets aside the sources whose hosts were silent, and gives the others.
func (w *writer) part(batch []prepared) []*prepared {
	settled := make([]*prepared, 0, len(batch))
	for i := range batch {
		switch b := &batch[i]; {
		case b.skipped:
			w.done(b.report)
		case b.result.Network && !w.answered:
			w.silent = append(w.silent, *b)
			b.claimed = false // w.silent's now
		default:
			settled = append(settled, b)
		}
	}
	return settled
}

// write commits sources in one transaction.
func (w *writer) write(ctx context.Context, batch []*prepared) error {
	if len(batch) == 0 {
		return nil
	}
	before := make([]feed.SourceReport, len(batch))
	for i, b := range batch {
		before[i] = b.report
	}
	err := w.p.Store.Write(ctx, func(tx Tx) error {
		for _, b := range batch {
			if err := w.take(ctx, tx, b); err != nil {
				return err
			}
		}
		return w.admitFolders(ctx, tx, batch)
	})
	if err != nil { // nothing that was counted has come to be
		for i, b := range batch {
			b.report = before[i]
		}
	}
	return err
}

// admitFolders gives what folders brought its places.
func (w *writer) admitFolders(ctx context.Context, tx Tx, batch []*prepared) error {
	if !slices.ContainsFunc(batch, func(b *prepared) bool {
		return b.source.Kind == feed.KindFolder && b.report.Counts.Published > 0
	}) {
		return nil
	}
	return admit(ctx, tx, append(w.run.others(), w.run.ID), w.run.Now)
}

// writeEach commits each source alone, after one of them has spoilt their
// common transaction. That one has failed; it does not stop the others.
func (w *writer) writeEach(ctx context.Context, batch []*prepared) error {
	for _, b := range batch {
		err := w.write(ctx, []*prepared{b})
		if blamesSource(ctx, err) && !b.failed() {
			b.fail(err)
			err = w.write(ctx, []*prepared{b})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// blamesSource tells whether an error may come from what one source brought,
// rather than from a store that cannot write at all.
func blamesSource(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && feed.CodeOf(err) != feed.CodeUnavailable
}

// take applies a source, and saves what its fetch means in the same
// transaction. A panic is an error of that source.
func (w *writer) take(ctx context.Context, tx Tx, b *prepared) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = defect(r)
		}
	}()
	if b.failed() {
		return w.saveFailure(ctx, tx, b)
	}
	if err := apply(ctx, tx, w.run, b); err != nil {
		return err
	}
	if err := w.save(ctx, tx, b, w.state(b)); err != nil {
		return err
	}
	w.count(tx, b)
	return nil
}

// count adds what the source has brought, and how it was fetched, to its day.
func (w *writer) count(tx Tx, b *prepared) {
	n := b.report.Counts
	day := feed.SourceDay{SourceID: b.source.ID, Day: w.run.Now, Published: n.Published, Updated: n.Updated, Copies: n.Copies, Held: n.Held}
	switch outcome := b.report.Outcome; {
	case b.pushed: // nothing was asked of its server
	case outcome == feed.OutcomeFailed:
		day.Failed = 1
	case outcome == feed.OutcomeNotModified:
		day.NotModified = 1
	case outcome == feed.OutcomeOK:
		day.Fetched = 1
	}
	tx.CountDay(day)
}

// state is what the fetch or scan means for the source.
func (w *writer) state(b *prepared) feed.SourceState {
	if b.source.Kind == feed.KindFolder {
		return folderState(b.source.State, b, w.run.Now)
	}
	if b.pushed {
		if b.failed() {
			return b.source.State // that its hub sends what cannot be read is not its fault
		}
		return remembered(w.p.Policy.Pushed(b.source, len(b.sightings) > 0, w.run.Now), b.scored, b.onTopic)
	}
	state := w.p.Policy.After(b.source, b.result, b.about, b.report.Counts.Changed(), w.run.Now)
	if b.rest.After(state.NextDue) {
		state.NextDue, state.DueReason = b.rest, "the host of its pages asked us to wait"
	}
	if b.result.Kind == fetch.Fetched {
		state.Imported = true
		state.Hub = b.hub
		if b.hub == (feed.Hub{}) {
			state.Pushed = time.Time{}
		}
	}
	return remembered(state, b.scored, b.onTopic)
}

func (w *writer) save(ctx context.Context, tx Tx, b *prepared, state feed.SourceState) error {
	b.report.Status, b.report.NextDue, b.report.DueReason = state.Status, state.NextDue, state.DueReason
	return tx.SaveSource(ctx, b.source.ID, b.about, state)
}

func (w *writer) saveFailure(ctx context.Context, tx Tx, b *prepared) error {
	return w.noteFailure(ctx, tx, b, w.state(b))
}

// noteFailure saves and reports a failure. Of a source that was removed for
// good meanwhile there is nothing to save.
func (w *writer) noteFailure(ctx context.Context, tx Tx, b *prepared, state feed.SourceState) error {
	err := w.save(ctx, tx, b, state)
	gone := feed.CodeOf(err) == feed.CodeNotFound
	if gone {
		state.Error, err = "it was removed meanwhile", nil
	}
	b.report.Outcome, b.report.Error = feed.OutcomeFailed, state.Error
	if b.pushed && b.result.Err != nil {
		b.report.Error = b.result.Err.Error()
	}
	if b.source.Kind == feed.KindFeed && b.result.Cancelled() {
		b.report.Outcome, b.report.Error, b.report.DueReason = feed.OutcomeNotDue, "", b.result.Err.Error()
	} else if b.result.Requests == 0 && b.result.Failure == feed.StatusLimited {
		b.report.Outcome, b.report.Error = feed.OutcomeNotDue, "" // its host is paused: it was not asked
	} else if err == nil && !gone {
		w.count(tx, b)
	}
	return err
}

// finish stores the failures of silent hosts, now that it is known whether
// they are the sources' or our own, and gives the run's items their places.
func (w *writer) finish(ctx context.Context) error {
	ours := !w.answered && w.p.Policy.OurNetwork(w.p.silence.results())
	err := w.p.Store.Write(ctx, func(tx Tx) error {
		for i := range w.silent {
			b := &w.silent[i]
			state := w.state(b)
			if ours {
				state = excused(b.source.State, b.result, w.run.Now)
			}
			if err := w.noteFailure(ctx, tx, b, state); err != nil {
				return err
			}
		}
		return admit(ctx, tx, w.run.others(), w.run.Now)
	})
	if err != nil {
		return err
	}
	for i := range w.silent {
		w.report(&w.silent[i])
	}
	return nil
}

func (w *writer) report(b *prepared) {
	b.report.Millis = w.p.Now().Sub(b.began).Milliseconds()
	w.done(b.report)
}

// release gives the sources of a batch back, as far as they are the run's.
func (p *Pipeline) release(batch []prepared) {
	for _, b := range batch {
		at := p.Now()
		if b.skipped || b.fatal != nil {
			at = time.Time{}
		}
		if b.claimed {
			p.claims.release(b.source.ID, at)
		}
	}
}
