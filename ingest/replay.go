package ingest

import (
	"context"
	"time"

	"tributary/feed"
)

// Change is a stored entry that would change sides.
type Change struct {
	Entry   feed.HeldEntry // as it is
	In      bool           // it would be published; else held
	Opinion Opinion
}

// Replay asks a judge anew about the entries that came since a time, and tells
// which would change sides: newest first. What a person has decided stands, and so
// does what no filter has decided: copies, seeds, the backlog of a new source.
func (c *Editor) Replay(ctx context.Context, j Judge, since time.Time) ([]Change, error) {
	const page = 200
	var changes []Change
	for before := int64(0); ; {
		entries, err := c.Store.ScoredSince(ctx, since, before, page)
		if err != nil {
			return nil, err
		}
		for _, h := range entries {
			before = h.Entry.ID
			if change, ok := j.again(h); ok {
				changes = append(changes, change)
			}
		}
		if len(entries) < page {
			return changes, nil
		}
	}
}

// again asks about a stored entry, and tells whether it would change sides.
func (j Judge) again(h feed.HeldEntry) (Change, bool) {
	d := h.Entry.Decision
	isIn, isOut := d.Kind == feed.Published && d.Rule != RulePerson, d.Kind == feed.Held && HeldByTopic(d.Rule)
	if !isIn && !isOut {
		return Change{}, false
	}
	title, body := split(h.Entry)
	o := j.ask(h.Source, h.Entry, title, body, h.Source.About.Language)
	h.Entry.Content = "" // not needed any more, and there may be many
	return Change{Entry: h, In: o.Held == nil, Opinion: o}, isIn != (o.Held == nil)
}

// AtOnce is how many late entries are let in at once: more would push
// what is new out of readers' windows.
const AtOnce = 50

// Apply makes changes: at most AtOnce entries are let in, the newest, in their places by
// date; those that are to go are withdrawn. It tells how many of each, and how
// many have to wait for another time.
func (c *Editor) Apply(ctx context.Context, changes []Change) (in, out, waiting int, err error) {
	now := c.Now()
	err = c.Store.Write(ctx, func(tx Tx) error {
		for _, ch := range changes {
			switch {
			case !ch.In:
				out++
				err = keepOut(ctx, tx, ch.Entry.Entry, *ch.Opinion.Held, now)
			case in == AtOnce:
				waiting++
				continue
			default:
				in++
				err = c.late(ctx, tx, ch, now)
			}
			if err == nil && ch.Opinion.Score != nil {
				score := *ch.Opinion.Score
				score.EntryID = ch.Entry.Entry.ID
				err = tx.SaveScores(ctx, []feed.Score{score})
			}
			if err != nil {
				return err
			}
		}
		return admitByHand(ctx, tx, now)
	})
	return in, out, waiting, err
}

// late lets an entry in. Its text is read again: a list of changes goes without.
func (c *Editor) late(ctx context.Context, tx Tx, ch Change, now time.Time) error {
	h, err := tx.EntryByID(ctx, ch.Entry.Entry.ID)
	if err != nil {
		return err
	}
	d := feed.Decision{Kind: feed.Published, Rule: "replay", Reason: "It was held, and let in when the topic had changed."}
	return letIn(ctx, tx, h.Source, h.Entry, d, byHand, now)
}
