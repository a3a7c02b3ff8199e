package ingest

import (
	"context"
	"time"

	"tributary/feed"
	"tributary/ingest/fetch"
	"tributary/ingest/parse"
)

// Reader is what a preview looks into: a store, which it does not change.
type Reader interface {
	memory
	neighbourhood
}

// Preview is what a fetched document would come to if it were ingested now.
type Preview struct {
	// Result is the fetch as Policy.After is to be told of it: failed, if its
	// document is not a feed.
	Result  fetch.Result
	Feed    parse.Feed
	Entries []Foreseen  // in the document's order
	Counts  feed.Counts // of the decisions
	First   bool        // it would be the source's first import
}

// Foreseen is an entry as it would be kept.
type Foreseen struct {
	Entry feed.Entry    // with its decision
	Raw   feed.RawEntry // as the source said it
	Of    *feed.Known   // of a copy: the entry whose item it would join
}

// Foresee tells what the document of a fetch would come to. It takes the steps
// of a run up to the decisions, and stores nothing. src may be one that is not
// in the store, and st nil: then nothing is known. A document that is no feed is no error, but a failed Result.
func Foresee(ctx context.Context, st Reader, src feed.Source, res fetch.Result, judge Judge, now time.Time) (Preview, error) {
	doc, err := parse.Parse(res.Document, parse.Limits{})
	if err != nil {
		failed := unreadable(res, err)
		failed.Document = res.Document // a page names its feeds
		return Preview{Result: failed}, nil
	}
	if st == nil {
		st = blank{}
	}
	v := Preview{Result: res, Feed: doc, First: !src.State.Imported}
	if doc.Truncated {
		v.Result.Failure = feed.StatusTruncated
	}
	p := prepared{source: src}
	run := Run{Now: now}
	news, err := recognise(ctx, st, src, doc, &p)
	if err != nil {
		return v, err
	}
	for _, n := range news {
		p.sightings = append(p.sightings, sighting{known: n.known, entry: cleaned(n, doc, res, run)})
	}
	p.weigh()
	p.judge(judge)
	p.capFirstImport()
	p.read()
	near, err := lookUp(ctx, st, p.sightings)
	if err != nil {
		return v, err
	}
	return v, v.decide(ctx, src, doc, p.sightings, near, run)
}

// decide fills in the entries. Those that are not among the sightings are
// known, and unchanged.
func (v *Preview) decide(ctx context.Context, src feed.Source, doc parse.Feed, news []sighting, near *neighbours, run Run) error {
	at := make(map[int64]int, len(news))
	for i, s := range news {
		at[s.entry.Keys.Identity] = i
	}
	seen := make(map[int64]bool, len(doc.Entries))
	for _, r := range name(doc.Entries) {
		if seen[r.keys.Identity] {
			continue
		}
		seen[r.keys.Identity] = true
		f := Foreseen{Raw: r.entry}
		if i, ok := at[r.keys.Identity]; ok {
			var err error
			if f.Entry, f.Of, err = foresee(ctx, src, &news[i], near); err != nil {
				return err
			}
		} else {
			f.Entry = cleaned(r, doc, v.Result, run)
			f.Entry.Decision = unchanged
		}
		v.count(f.Entry.Decision.Kind)
		v.Entries = append(v.Entries, f)
	}
	return nil
}

// The decisions about entries that the source has shown before.
var (
	unchanged = feed.Decision{Kind: feed.Unchanged, Rule: "identity", Reason: "It is known, and reads as before."}
	updated   = feed.Decision{Kind: feed.Updated, Rule: "identity", Reason: "It is known; what readers see of it has changed."}
)

// foresee decides about one entry that is new or has changed.
func foresee(ctx context.Context, src feed.Source, s *sighting, near *neighbours) (e feed.Entry, of *feed.Known, err error) {
	s.entry.SourceID = src.ID
	e = s.entry
	switch {
	case s.known != nil:
		e.Decision = change(e, *s.known)
		return e, nil, nil
	case s.hold != nil:
		e.Decision = *s.hold
		return e, nil, nil
	}
	verdict, err := near.judge(ctx, s)
	if err != nil {
		return e, nil, err
	}
	if verdict.Same == nil && verdict.Copy == nil && s.opinion.Held != nil {
		verdict.Decision = *s.opinion.Held
	}
	e.Decision = verdict.Decision
	switch {
	case verdict.Same != nil:
		e.Decision = change(e, *verdict.Same)
	case verdict.Copy == nil && s.opinion.Held == nil:
		near.add(knownOf(e, src, -1), s)
	}
	return e, verdict.Copy, nil
}

func change(e feed.Entry, k feed.Known) feed.Decision {
	if e.Keys.Shown == k.Keys.Shown || k.Decision != feed.Published {
		return unchanged
	}
	return updated
}

func (v *Preview) count(kind feed.DecisionKind) {
	switch kind {
	case feed.Published:
		v.Counts.Published++
	case feed.Updated:
		v.Counts.Updated++
	case feed.CopyOf:
		v.Counts.Copies++
	case feed.Held:
		v.Counts.Held++
	case feed.Unchanged:
		v.Counts.Unchanged++
	}
}

// blank is a store in which there is nothing.
type blank struct{}

func (blank) Listed(context.Context, int64) ([]feed.Known, error)              { return nil, nil }
func (blank) ByIdentity(context.Context, int64, []int64) ([]feed.Known, error) { return nil, nil }
func (blank) Copies(context.Context, []int64, []int64) ([]feed.Known, error)   { return nil, nil }
func (blank) Marked(context.Context, []int64) ([]feed.Mark, error)             { return nil, nil }
func (blank) Candidates(context.Context, []int64) ([]feed.Candidate, error)    { return nil, nil }
