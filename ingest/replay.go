package ingest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tributary/feed"
)

// Change is a stored entry that would change sides.
type Change struct {
	Entry   feed.HeldEntry // as it is
	In      bool           // it would be published; else held
	Opinion Opinion
}

// counts are what the change makes of what was counted before.
func (c Change) counts() feed.Counts {
	if c.In {
		return feed.Counts{Published: 1, Held: -1}
	}
	return feed.Counts{Published: -1, Held: 1}
}

// Replay asks a judge anew about the entries that came since a time, and tells
// which would change sides: newest first. What a person has decided stands, and so
// does what no filter has decided: copies, seeds, the backlog of a new source.
func (c *Editor) Replay(ctx context.Context, j Judge, since time.Time) ([]Change, error) {
	return replay(ctx, c.Store, j, since)
}

// scored is where entries are found with their scores.
type scored interface {
	ScoredSince(ctx context.Context, since time.Time, before int64, limit int) ([]feed.HeldEntry, error)
}

func replay(ctx context.Context, st scored, j Judge, since time.Time) ([]Change, error) {
	const page = 200
	var changes []Change
	for before := int64(0); ; {
		entries, err := st.ScoredSince(ctx, since, before, page)
		if err != nil {
			return nil, err
		}
		for _, h := range entries {
			before = h.Entry.ID
			if change, ok := j.Again(h); ok {
				changes = append(changes, change)
			}
		}
		if len(entries) < page {
			return changes, nil
		}
	}
}

// Again asks about a stored entry, and tells whether it would change sides.
func (j Judge) Again(h feed.HeldEntry) (Change, bool) {
	d := h.Entry.Decision
	isIn, isOut := d.Kind == feed.Published && d.Rule != RulePerson, d.Kind == feed.Held && HeldByTopic(d.Rule)
	if !isIn && !isOut || h.Verdict != "" {
		return Change{}, false
	}
	c := j.anew(h)
	return c, isIn != c.In
}

func (j Judge) anew(h feed.HeldEntry) Change {
	title, body := split(h.Entry)
	o := j.ask(h.Source, h.Entry, title, body, cmp.Or(h.Entry.Language, h.Source.About.Language))
	h.Entry.Content = "" // not needed any more, and there may be many
	return Change{Entry: h, In: o.Held == nil, Opinion: o}
}

// withoutSeeds decides what was held because no seed could be read: the only
// doubtful entries without a score. It gives them oldest first.
func (j Judge) withoutSeeds(ctx context.Context, st Store) ([]Change, error) {
	const page = 200
	var changes []Change
	for before := int64(0); ; {
		entries, err := st.Doubtful(ctx, before, page)
		if err != nil {
			return nil, err
		}
		for _, h := range entries {
			before = h.Entry.ID
			if h.Score.Profile == 0 && h.Verdict == "" {
				changes = append(changes, j.anew(h))
			}
		}
		if len(entries) < page {
			slices.Reverse(changes)
			return changes, nil
		}
	}
}

// AtOnce is how many late entries are let in at once: more would push
// what is new out of readers' windows.
const AtOnce = 50

// Apply makes changes: at most AtOnce entries are let in, the newest, in their places by
// date; those that are to go are withdrawn. It tells how many of each, and how
// many have to wait for another time.
func (c *Editor) Apply(ctx context.Context, changes []Change) (in, out, waiting int, err error) {
	now := c.Now()
	var made []Change
	err = c.Store.Write(ctx, func(tx Tx) (err error) {
		made, waiting, err = carryOutAll(ctx, tx, changes, now)
		return err
	})
	for _, ch := range made {
		if ch.In {
			in++
		} else {
			out++
		}
	}
	return in, out, waiting, err
}

// carryOutAll makes changes in one transaction, and tells which: one that somebody
// has decided about meanwhile is left alone, and only so many are let in.
func carryOutAll(ctx context.Context, tx Tx, changes []Change, now time.Time) (made []Change, waiting int, err error) {
	in := 0
	for _, ch := range changes {
		h, err := tx.EntryByID(ctx, ch.Entry.Entry.ID) // whole, and as it is now
		if err != nil {
			return nil, 0, err
		}
		switch {
		case h.Verdict != "" || h.Entry.Decision != ch.Entry.Entry.Decision:
			continue // somebody has decided meanwhile
		case ch.In && in == AtOnce:
			waiting++
			continue
		case ch.In:
			in++
		}
		if err := carryOut(ctx, tx, ch, h, now); err != nil {
			return nil, 0, err
		}
		made = append(made, ch)
	}
	return made, waiting, admitByHand(ctx, tx, now)
}

// carryOut lets an entry in or takes it out.
func carryOut(ctx context.Context, tx Tx, ch Change, h feed.HeldEntry, now time.Time) error {
	if ch.Opinion.Score != nil {
		score := *ch.Opinion.Score
		score.EntryID = h.Entry.ID
		if err := tx.SaveScores(ctx, []feed.Score{score}); err != nil {
			return err
		}
	}
	n := ch.counts()
	tx.CountDay(feed.SourceDay{SourceID: h.Entry.SourceID, Day: h.Entry.FirstSeen, Published: n.Published, Held: n.Held})
	if !ch.In {
		return keepOut(ctx, tx, h.Entry, *ch.Opinion.Held, now)
	}
	d := feed.Decision{Kind: feed.Published, Rule: "replay", Reason: "It was held, and let in when the topic had changed."}
	return letIn(ctx, tx, h.Source, h.Entry, d, byHand, now)
}
