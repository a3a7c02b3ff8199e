package web

import (
	"context"

	"tributary/feed"
	"tributary/ingest"
)

// whyView says what an item stands on, and why.
type whyView struct {
	Entries []whyEntryView
	Others  int    // entries that strangers are not told of
	Story   string // why it is with the other items of its story; "": there are none, or it came first
	Decide  int64  // the entry that a person may say is off topic; 0: none, or nobody may
	Split   bool   // a person may take an entry out
}

// whyEntryView is one entry, as a page shows it.
type whyEntryView struct {
	ID        int64
	Source    link
	Title     string // "" where it is the item's
	Verdict   string
	Reason    string
	Rule      string
	Topic     string // how near to the topic, and why; "": it was not scored
	FirstSeen moment
}

// whyEntry is an entry of an item with its source; that is empty if it was
// removed.
type whyEntry struct {
	feed.Entry
	source feed.Source
	score  feed.Score // Profile 0: it was not scored
}

// entriesOf are the entries that an item stands on, oldest first.
func (s *Server) entriesOf(ctx context.Context, item feed.Item) ([]whyEntry, error) {
	entries, err := s.store.Entries(ctx, item.RowID)
	if err != nil {
		return nil, err
	}
	sources := map[int64]feed.Source{item.Source.ID: item.Source}
	if len(entries) > 1 { // most items have one, whose source is at hand
		all, err := s.store.Sources(ctx)
		if err != nil {
			return nil, err
		}
		for _, src := range all {
			sources[src.ID] = src
		}
	}
	scores, err := s.scoresOf(ctx, entries)
	why := make([]whyEntry, len(entries))
	for i, e := range entries {
		why[i] = whyEntry{e, sources[e.SourceID], scores[e.ID]}
	}
	return why, err
}

// scoresOf are the scores of those entries that have one, by entry.
func (s *Server) scoresOf(ctx context.Context, entries []feed.Entry) (map[int64]feed.Score, error) {
	ids := make([]int64, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	all, err := s.store.Scores(ctx, ids)
	scores := make(map[int64]feed.Score, len(all))
	for _, score := range all {
		scores[score.EntryID] = score
	}
	return scores, err
}

// public tells whether strangers may know of the entry.
func (e whyEntry) public() bool {
	return e.source.ID != 0 && isPublic(e.source) && (e.URL == "" || publicURL(e.URL) != "")
}

// reason is why it was decided so, for strangers.
func (e whyEntry) reason() string { return publicError(e.Decision.Reason, e.source) }

func (s *Server) whyView(ctx context.Context, who viewer, item feed.Item) (whyView, error) {
	entries, err := s.entriesOf(ctx, item)
	if err != nil {
		return whyView{}, err
	}
	v := whyView{Story: item.StoryWhy, Split: who.Admin && s.opt.Corrector != nil && len(entries) > 1}
	for _, e := range entries {
		if !who.Admin && !e.public() {
			v.Others++
			continue
		}
		entry := whyEntryView{
			ID: e.ID, Source: link{e.source.Title(), publicURL(e.URL)}, Title: e.Title,
			Verdict: verdict(e.Decision.Kind), Reason: e.reason(), Rule: e.Decision.Rule, Topic: e.score.Why, FirstSeen: s.brief(e.FirstSeen),
		}
		if full := e.Details.FullText; full.Note != "" && (who.Admin || full.Said != 0) { // why a page could not be had is nobody else's business
			entry.Reason += " Full text: " + full.Note + "."
		}
		if e.ID == item.Entry.ID && e.source.Kind != feed.KindFolder && s.mayKeepOut() {
			v.Decide = e.ID
		}
		if e.Title == item.Entry.Title {
			entry.Title = ""
		}
		v.Entries = append(v.Entries, entry)
	}
	return v, nil
}

// mayKeepOut tells whether a person can say here that an item is off topic.
func (s *Server) mayKeepOut() bool {
	return s.opt.Moderator != nil && s.opt.Filter() != ingest.FilterOff
}

// verdict says a decision about an entry of an item.
func verdict(kind feed.DecisionKind) string {
	switch kind {
	case feed.Published:
		return "It is published."
	case feed.CopyOf:
		return "It is a copy."
	}
	return "It is " + string(kind) + "."
}

// entriesJSON are entries for the API; for strangers without those that are
// none of their business.
func entriesJSON(entries []whyEntry, trusted bool) []entryJSON {
	var out []entryJSON
	for _, e := range entries {
		if !trusted && !e.public() {
			continue
		}
		j := entryJSON{
			ID: e.ID, Source: e.source.Slug, URL: feed.Redacted(e.URL), Title: e.Title,
			Decision: e.Decision.Kind, Rule: e.Decision.Rule, Reason: e.Decision.Reason, FirstSeen: e.FirstSeen.UTC(),
		}
		if j.SourceName = "(removed)"; e.source.ID != 0 {
			j.SourceName = e.source.Title()
		}
		if !trusted {
			j.Reason = e.reason()
		}
		j.Topic = scoreOf(e.score)
		out = append(out, j)
	}
	return out
}
