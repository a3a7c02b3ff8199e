package ingest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tributary/feed"
)

// letIn publishes an entry that was held or refused: as the item that it once
// was, as a copy of one that is there, or as a new one, which waits for its
// admission as what the run brought.
func letIn(ctx context.Context, tx Tx, src feed.Source, e feed.Entry, d feed.Decision, run string, now time.Time) error {
	if e.ItemID != 0 {
		supporters, err := tx.Supporters(ctx, e.ItemID)
		if err != nil {
			return err
		}
		if led(supporters) {
			d.Kind = feed.CopyOf
		}
		if err := tx.Decide(ctx, e.ID, e.ItemID, d); err != nil {
			return err
		}
		return tx.Restore(ctx, e.ItemID)
	}
	s := &sighting{entry: e}
	title, body := split(e)
	s.reading = read(title, body, e.When(), cmp.Or(e.Language, src.About.Language))
	near, err := lookUp(ctx, tx, []sighting{*s})
	if err != nil {
		return err
	}
	near.forget(e.ID)
	verdict, err := near.judge(ctx, s)
	if err != nil {
		return err
	}
	a := applying{tx: tx, run: Run{Now: now}, p: &prepared{source: src}, near: near}
	if verdict.Copy != nil {
		s.entry.ItemID = verdict.Copy.ItemID
		if err := tx.Decide(ctx, e.ID, s.entry.ItemID, verdict.Decision); err != nil {
			return err
		}
		if err := a.remember(ctx, []*sighting{s}); err != nil {
			return err
		}
		supporters, err := tx.Supporters(ctx, s.entry.ItemID)
		if err != nil {
			return err
		}
		if !standing(slices.DeleteFunc(supporters, func(k feed.Known) bool { return k.EntryID == e.ID })) {
			return takeOver(ctx, tx, supporters, e.ID, s.entry.ItemID)
		}
		return tx.RecountItem(ctx, s.entry.ItemID, now)
	}
	item := newItem(src, s, e.FirstSeen)
	if err := tx.InsertItems(ctx, []*feed.Item{&item}, run); err != nil {
		return err
	}
	if err := tx.Decide(ctx, e.ID, item.RowID, d); err != nil {
		return err
	}
	s.entry.ItemID = item.RowID
	return a.remember(ctx, []*sighting{s})
}

// forget takes an entry out of the neighbours: it is no copy of itself.
func (n *neighbours) forget(entryID int64) {
	for _, m := range []map[int64][]feed.Known{n.byURL, n.byContent} {
		for key, all := range m {
			m[key] = slices.DeleteFunc(all, func(k feed.Known) bool { return k.EntryID == entryID || k.ItemID == 0 })
		}
	}
}

// keepOut takes an entry out of the feed, and with it its item: copies of it are as
// far off topic. The item keeps its id, and the entry its place in it, should it come back.
func keepOut(ctx context.Context, tx Tx, e feed.Entry, d feed.Decision, now time.Time) error {
	if err := tx.Decide(ctx, e.ID, e.ItemID, d); err != nil {
		return err
	}
	if e.ItemID == 0 {
		return nil
	}
	supporters, err := tx.Supporters(ctx, e.ItemID)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(supporters, func(k feed.Known) bool { return k.File && k.Listed }); i >= 0 {
		return takeOver(ctx, tx, supporters, supporters[i].EntryID, e.ItemID) // a seed is always published
	}
	return tx.Withdraw(ctx, e.ItemID, now)
}

// led tells whether one of the entries gives its item the text.
func led(supporters []feed.Known) bool {
	return slices.ContainsFunc(supporters, func(k feed.Known) bool { return k.Decision == feed.Published && !k.Gone() })
}
