package ingest

import (
	"context"
	"time"

	"tributary/feed"
)

// Accept says that an entry is on topic: one that was held or refused is
// published. What the profile learns next, it learns from this too. It gives the
// entry as it was.
func (c *Editor) Accept(ctx context.Context, entryID int64) (feed.HeldEntry, error) {
	return c.verdict(ctx, entryID, feed.Accepted, func(tx Tx, h feed.HeldEntry, now time.Time) error {
		if published(h.Entry) { // its item may have gone with another entry of it
			return tx.Restore(ctx, h.Entry.ItemID)
		}
		d := feed.Decision{Kind: feed.Published, Rule: RulePerson, Reason: "A person let it in."}
		if err := letIn(ctx, tx, h.Source, h.Entry, d, byHand, now); err != nil {
			return err
		}
		return admitByHand(ctx, tx, now)
	})
}

// Refuse says that an entry is off topic: its item is withdrawn, if it is
// published. It gives the entry as it was.
func (c *Editor) Refuse(ctx context.Context, entryID int64) (feed.HeldEntry, error) {
	return c.verdict(ctx, entryID, feed.Refused, func(tx Tx, h feed.HeldEntry, now time.Time) error {
		tx.CountDay(feed.SourceDay{SourceID: h.Entry.SourceID, Day: now, Rejected: 1})
		return keepOut(ctx, tx, h.Entry, feed.Decision{Kind: feed.Rejected, Rule: RulePerson, Reason: "A person kept it out."}, now)
	})
}

// Undo takes a person's verdict back: what was let in by it is held again, and
// what was kept out of the feed is back.
func (c *Editor) Undo(ctx context.Context, entryID int64) (feed.HeldEntry, error) {
	var was feed.HeldEntry
	err := c.Store.Write(ctx, func(tx Tx) (err error) {
		if was, err = tx.EntryByID(ctx, entryID); err != nil {
			return err
		}
		had, err := tx.Unjudge(ctx, entryID)
		switch {
		case err != nil:
			return err
		case !had:
			return feed.Errorf(feed.CodeInvalid, "no person has decided about entry %d: there is nothing to undo", entryID)
		case was.Entry.Decision.Rule != RulePerson: // it was so already, or became a copy
			return nil
		}
		held := feed.Decision{Kind: feed.Held, Rule: RuleDoubtful, Reason: "A person's verdict was taken back. " + was.Score.Why}
		if published(was.Entry) || was.Entry.ItemID == 0 {
			return keepOut(ctx, tx, was.Entry, held, c.Now())
		}
		back := feed.Decision{Kind: feed.Published, Rule: "new", Reason: "A person's verdict was taken back."}
		return letIn(ctx, tx, was.Source, was.Entry, back, byHand, c.Now())
	})
	return was, err
}

func (c *Editor) verdict(ctx context.Context, entryID int64, v feed.Verdict,
	apply func(tx Tx, h feed.HeldEntry, now time.Time) error) (was feed.HeldEntry, err error) {
	now := c.Now()
	err = c.Store.Write(ctx, func(tx Tx) error {
		if was, err = tx.EntryByID(ctx, entryID); err != nil {
			return err
		}
		if was.Source.Kind == feed.KindFolder {
			return feed.Errorf(feed.CodeInvalid, "entry %d is a document of the folder %s: seeds are always published; take the file out of the folder", entryID, was.Source.URL)
		}
		if err := tx.Judge(ctx, feed.Judgement{EntryID: entryID, Verdict: v, At: now}); err != nil {
			return err
		}
		return apply(tx, was, now)
	})
	return was, err
}

// published tells whether an entry is part of what is shown.
func published(e feed.Entry) bool {
	return e.Decision.Kind == feed.Published || e.Decision.Kind == feed.CopyOf
}
