package web

import (
	"context"

	"tributary/feed"
)

// whyView says what an item stands on, and why.
type whyView struct {
	Entries []whyEntryView
	Others  int    // entries that strangers are not told of
	Story   string // why it is with the other items of its story; "": there are none, or it came first
}

// whyEntryView is one entry, as a page shows it.
type whyEntryView struct {
	ID        int64
	Source    link
	Title     string // "" where it is the item's
	Verdict   string
	Reason    string
	Rule      string
	FirstSeen moment
}

// whyEntry is an entry of an item with its source; that is empty if it was
// removed.
type whyEntry struct {
	feed.Entry
	source feed.Source
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
	why := make([]whyEntry, len(entries))
	for i, e := range entries {
		why[i] = whyEntry{e, sources[e.SourceID]}
	}
	return why, nil
}

// public tells whether strangers may know of the entry.
func (e whyEntry) public() bool {
	return e.source.ID != 0 && isPublic(e.source) && (e.URL == "" || publicURL(e.URL) != "")
}

// reason is why it was decided so, for strangers.
func (e whyEntry) reason() string { return publicError(e.Decision.Reason, e.source) }

func (s *Server) whyView(ctx context.Context, item feed.Item) (whyView, error) {
	entries, err := s.entriesOf(ctx, item)
	if err != nil {
		return whyView{}, err
	}
	v := whyView{Story: item.StoryWhy}
	for _, e := range entries {
		if !e.public() {
			v.Others++
			continue
		}
		entry := whyEntryView{
			ID: e.ID, Source: link{e.source.Title(), publicURL(e.URL)}, Title: e.Title,
			Verdict: verdict(e.Decision.Kind), Reason: e.reason(), Rule: e.Decision.Rule, FirstSeen: s.brief(e.FirstSeen),
		}
		if e.Title == item.Entry.Title {
			entry.Title = ""
		}
		v.Entries = append(v.Entries, entry)
	}
	return v, nil
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
		out = append(out, j)
	}
	return out
}
