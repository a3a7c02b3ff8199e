package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tributary/feed"
	"tributary/ingest"
	"tributary/scheduler"
	"tributary/store"
)

func (p *program) itemWhyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "why ITEM",
		Short: "Say what was decided about an item's entries and story, and why",
		Args:  arguments(1, 1, "item"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withItem(cmd.Context(), args[0], func(cfg Config, st *store.Store, item feed.Item) error {
				v, err := whyOf(cmd.Context(), cfg, st, item)
				if err != nil {
					return err
				}
				if asJSON {
					return p.json(v)
				}
				p.itemWhy(cfg, v)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// whyView is what is known of an item's making, as --json prints it.
type whyView struct {
	ID         string     `json:"id"`
	Title      string     `json:"title"`
	State      string     `json:"state"`
	MergedInto string     `json:"merged_into,omitempty"`
	Entries    []whyEntry `json:"entries"`
	Story      storyView  `json:"story"`
}

// whyEntry is an entry with its decision.
type whyEntry struct {
	Entry     int64             `json:"entry"`
	Source    string            `json:"source"` // slug; "" if the source is removed
	Decision  feed.DecisionKind `json:"decision"`
	Rule      string            `json:"rule"`
	Reason    string            `json:"reason"`
	Title     string            `json:"title"`
	URL       string            `json:"url,omitempty"`
	Published time.Time         `json:"published,omitzero"` // as the source said
	From      string            `json:"published_from,omitempty"`
	FirstSeen time.Time         `json:"first_seen"`
	Unlisted  time.Time         `json:"unlisted,omitzero"`
	FullText  string            `json:"full_text,omitempty"` // of a source whose pages are read: whether the text is the page's
	Topic     string            `json:"topic"`               // what was decided about its topic
	Score     *scoreView        `json:"score,omitempty"`     // none: it was not scored
	Now       string            `json:"now,omitempty"`       // why it would be held now, though it is published
}

// storyView is the story that an item belongs to.
type storyView struct {
	Publishers int         `json:"publishers"`
	Why        string      `json:"why"`
	Others     []coverView `json:"others"`
}

// coverView is another item of the story.
type coverView struct {
	Item   string `json:"item"`
	Title  string `json:"title"`
	Source string `json:"source"`
	URL    string `json:"url,omitempty"`
}

func whyOf(ctx context.Context, cfg Config, st *store.Store, item feed.Item) (whyView, error) {
	v := whyView{ID: item.ID, Title: item.Entry.Title, State: stateOf(item), MergedInto: item.MergedID, Entries: []whyEntry{},
		Story: storyView{Publishers: item.Publishers, Why: item.StoryWhy, Others: []coverView{}}}
	entries, err := st.Entries(ctx, item.RowID)
	if err != nil {
		return v, err
	}
	topics, err := topicsOf(ctx, st, entries)
	if err != nil {
		return v, err
	}
	judge, err := ingest.Learned(ctx, scheduler.ForPipeline(st), cfg.filter())
	if err != nil {
		return v, err
	}
	for i, e := range entries {
		now := ""
		if e.Decision.Kind == feed.Published && topics[i].Score != nil {
			if now, err = heldNow(ctx, st, judge, e.ID); err != nil {
				return v, err
			}
		}
		v.Entries = append(v.Entries, whyEntry{e.ID, topics[i].Source, e.Decision.Kind, e.Decision.Rule, e.Decision.Reason,
			e.Title, e.URL, e.Published, e.PublishedFrom, e.FirstSeen, e.Unlisted, e.Details.FullText.Note, topics[i].Why, topics[i].Score, now})
	}
	for _, c := range item.Coverage {
		v.Story.Others = append(v.Story.Others, coverView{c.ID, c.Title, c.Source, c.URL})
	}
	return v, nil
}

// heldNow says why a published entry would be held if it came now, as its source
// has it now; "" if it would not. Its score is still that by which it came in.
func heldNow(ctx context.Context, st *store.Store, judge ingest.Judge, entryID int64) (string, error) {
	h, err := st.EntryByID(ctx, entryID)
	if err != nil {
		return "", err
	}
	change, changes := judge.Again(h)
	if !changes || h.Entry.Keys.Raw == 0 { // or its text was pruned: nothing is left to ask about
		return "", nil
	}
	since := fmt.Sprintf("it, the topic or the rules have changed since (version %d of the profile)", judge.Version)
	if now := change.Opinion.Score; now != nil && now.Profile == h.Score.Profile && now.Value != h.Score.Value {
		since = "its source has changed it since" // one profile, one text: one score
	}
	return fmt.Sprintf("It would be held, for %s: %s It stays published; `tributary topic refuse %d` takes it out.",
		since, change.Opinion.Held.Reason, entryID), nil
}

// itemWhy explains an item by the decisions about its entries and its story.
func (p *program) itemWhy(cfg Config, v whyView) {
	if v.MergedInto != "" {
		p.say("%s\nwas merged by a person into item %s, which `tributary item why %s` explains.", v.Title, v.MergedInto, shortID(v.MergedInto))
		return
	}
	p.say("%s\nis %s and rests on %s:", v.Title, v.State, entriesOf(len(v.Entries)))
	for _, e := range v.Entries {
		p.say("\n%s: %s (entry %d)", cmp.Or(e.Source, "a removed source"), e.Decision, e.Entry)
		p.field("  why", e.Reason)
		p.field("  rule", e.Rule)
		if e.FullText != "" {
			p.field("  text", "full text: "+e.FullText)
		}
		p.field("  topic", topicWhy{Score: e.Score, Why: e.Topic}.words(false))
		p.field("  now", e.Now)
		if e.Title != v.Title {
			p.field("  title", e.Title)
		}
		p.field("  url", e.URL)
		p.field("  dated", dated(firstTime(e.Published, e.FirstSeen), e.From, cfg.TimeZone))
		p.field("  seen", when(e.FirstSeen, cfg.TimeZone))
		if !e.Unlisted.IsZero() {
			p.field("  gone", when(e.Unlisted, cfg.TimeZone)+" (its source has not listed it since)")
		}
	}
	p.storyWhy(v.Story)
}

func (p *program) storyWhy(s storyView) {
	if len(s.Others) == 0 {
		p.say("\nNo other item is about the same event.")
		return
	}
	p.say("\nIt belongs to a story that %s:", carriedBy(s.Publishers))
	p.field("  why", cmp.Or(s.Why, "The story began with it."))
	for _, c := range s.Others {
		p.say("  %s  %s (%s)", shortID(c.Item), c.Title, c.Source)
	}
}

func carriedBy(publishers int) string {
	if publishers == 1 {
		return "one publisher carries"
	}
	return fmt.Sprintf("%d publishers carry", publishers)
}

func entriesOf(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

func firstTime(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}
