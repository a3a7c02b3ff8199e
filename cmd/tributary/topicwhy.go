package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"tributary/feed"
	"tributary/ingest"
	"tributary/store"
)

// scoreView is a score as --json prints it.
type scoreView struct {
	Value   float64 `json:"value"`   // 0 to 1
	Profile int64   `json:"profile"` // version that it is of
	Why     string  `json:"why"`
}

// scoreJSON is a score's view, nil if there is none.
func scoreJSON(s feed.Score) *scoreView {
	if s.Profile == 0 {
		return nil
	}
	return &scoreView{s.Value, s.Profile, s.Why}
}

// short is a score for a table, "–" for none. It is cut off, not rounded: 0.496
// is under 0.50, and shall not read as if it were not.
func (s *scoreView) short() string {
	if s == nil {
		return "–"
	}
	thousandths := int(math.Round(s.Value * 1000)) // as it is stored
	return fmt.Sprintf("%d.%02d", thousandths/1000, thousandths%1000/10)
}

// topicWhy is what was decided on the topic of one of an item's entries.
type topicWhy struct {
	Entry  int64      `json:"entry"`
	Source string     `json:"source"` // slug; "" if the source is removed
	Score  *scoreView `json:"score,omitempty"`
	Why    string     `json:"why"`
}

// topicsOf are the topic decisions of entries, in their order.
func topicsOf(ctx context.Context, st *store.Store, entries []feed.Entry) ([]topicWhy, error) {
	ids := make([]int64, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	scores, err := st.Scores(ctx, ids)
	if err != nil {
		return nil, err
	}
	sources, err := st.Sources(ctx)
	all := make([]topicWhy, len(entries))
	for i, e := range entries {
		all[i].Entry = e.ID
		if k := slices.IndexFunc(scores, func(s feed.Score) bool { return s.EntryID == e.ID }); k >= 0 {
			all[i].Score = scoreJSON(scores[k])
		}
		var src feed.Source
		if k := slices.IndexFunc(sources, func(s feed.Source) bool { return s.ID == e.SourceID }); k >= 0 {
			src = sources[k]
		}
		all[i].Source, all[i].Why = src.Slug, whyOnTopic(src, all[i].Score, e.Decision)
	}
	return all, err
}

// whyOnTopic says what was decided on an entry's topic. src is its source as it is now.
func whyOnTopic(src feed.Source, score *scoreView, d feed.Decision) string {
	switch {
	case src.Kind == feed.KindFolder:
		return "It is a seed: it says what the topic is, and is always published."
	case d.Rule == ingest.RuleRule || d.Rule == ingest.RulePerson:
		return d.Reason
	case score != nil:
		return score.Why
	case src.Topic == ingest.FilterOff:
		return "It was not scored: its source is on topic by itself (topic: off)."
	}
	return "It was not scored: a rule let it in, or there was nothing to score it by when it came."
}

// words says the decision in a line, with whose entry it is of where there are several.
func (t topicWhy) words(several bool) string {
	text := t.Why
	if t.Score != nil {
		text = fmt.Sprintf("%s (version %d of the profile)", text, t.Score.Profile)
	}
	if several {
		text = cmp.Or(t.Source, "a removed source") + ": " + text
	}
	return text
}
