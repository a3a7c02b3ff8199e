package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tributary/feed"
	"tributary/store"
)

func (p *program) itemCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "item",
		Short: "List, show and explain items, and put them right",
	}, p.itemListCommand(), p.itemShowCommand(), p.itemWhyCommand(), p.itemHideCommand(true), p.itemHideCommand(false),
		p.itemSplitCommand(), p.itemMergeCommand(), p.itemCorrectionsCommand())
}

// itemStates are the words that --state knows.
var itemStates = []string{"live", "withdrawn", "hidden", "held", "all"}

func (p *program) itemListCommand() *cobra.Command {
	q := store.Query{}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List items, newest first",
		Args:  arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkQuery(q); err != nil {
				return usage(cmd, err)
			}
			return p.withStore(cmd.Context(), func(cfg Config, st *store.Store) error {
				return p.itemList(cmd.Context(), cfg, st, q, asJSON)
			})
		},
	}
	cmd.Flags().IntVar(&q.Limit, "limit", 20, "how many at most")
	cmd.Flags().StringVar(&q.Source, "source", "", "only those whose text is from this `source`")
	cmd.Flags().StringVar(&q.State, "state", "live", "one of "+strings.Join(itemStates, ", ")+"; held are entries that were kept but not shown")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func checkQuery(q store.Query) error {
	if q.Limit < 1 || q.Limit > 100_000 {
		return feed.Errorf(feed.CodeInvalid, "--limit: %d is not from 1 to 100000", q.Limit)
	}
	for _, s := range itemStates {
		if q.State == s {
			return nil
		}
	}
	return feed.Errorf(feed.CodeInvalid, "--state: %q is not one of %s", q.State, strings.Join(itemStates, ", "))
}

// itemList prints items, or with --state held the entries that are none.
func (p *program) itemList(ctx context.Context, cfg Config, st *store.Store, q store.Query, asJSON bool) error {
	if q.Source != "" {
		src, err := st.Source(ctx, q.Source)
		if err != nil {
			return err
		}
		q.Source = src.Slug
	}
	if q.State == "held" {
		held, err := st.HeldEntries(ctx, store.HeldQuery{Limit: q.Limit, Source: q.Source})
		if err != nil {
			return err
		}
		return p.heldTable(cfg, held, asJSON)
	}
	items, err := st.Items(ctx, q)
	if err != nil {
		return err
	}
	if asJSON {
		views := make([]itemView, len(items))
		for i, item := range items {
			views[i] = itemJSON(cfg, item)
		}
		return p.json(views)
	}
	rows := make([][]string, len(items))
	for i, item := range items {
		rows[i] = []string{shortID(item.ID), when(item.Published, cfg.TimeZone), clip(item.Source.Title(), 28),
			clip(item.Entry.Title, 80), alsoAt(len(item.Copies)), unlessLive(item)}
	}
	return p.table([]string{"ITEM", "PUBLISHED", "SOURCE", "TITLE", "ALSO AT", "STATE"}, rows)
}

// shortID is enough of an item's id to name it in a command.
func shortID(id string) string { return id[:min(len(id), 8)] }

func alsoAt(n int) string {
	if n == 0 {
		return ""
	}
	return "+" + strconv.Itoa(n)
}

// stateOf is an item's state in a word.
func stateOf(item feed.Item) string {
	switch {
	case item.Hidden:
		return "hidden"
	case !item.Withdrawn.IsZero():
		return "withdrawn"
	case item.Place == 0:
		return "waiting"
	}
	return "live"
}

func unlessLive(item feed.Item) string {
	if s := stateOf(item); s != "live" {
		return s
	}
	return ""
}

// itemView is an item as --json prints it.
type itemView struct {
	ID            string     `json:"id"` // a UUID
	Title         string     `json:"title"`
	URL           string     `json:"url,omitempty"` // of the article; a file has none
	Page          string     `json:"page"`          // of the item itself
	Source        string     `json:"source"`        // slug
	SourceName    string     `json:"source_name"`
	Published     time.Time  `json:"published"`
	PublishedFrom string     `json:"published_from,omitempty"`
	Updated       time.Time  `json:"updated"`
	Admitted      time.Time  `json:"admitted,omitzero"`
	Withdrawn     time.Time  `json:"withdrawn,omitzero"`
	State         string     `json:"state"`
	Summary       string     `json:"summary,omitempty"`
	AlsoAt        []copyView `json:"also_at"`
	Content       string     `json:"content_html,omitempty"` // item show only
	Topic         []topicWhy `json:"topic,omitempty"`        // likewise: of each entry
}

// copyView is another place where an item was found.
type copyView struct {
	Source string `json:"source"`
	URL    string `json:"url,omitempty"`
	Title  string `json:"title,omitempty"`
}

func itemJSON(cfg Config, item feed.Item) itemView {
	v := itemView{
		ID: item.ID, Title: item.Entry.Title, URL: item.Entry.URL,
		Page:   cfg.withBaseURL(cfg.Listen).BaseURL + "/items/" + item.ID,
		Source: item.Source.Slug, SourceName: item.Source.Title(),
		Published: item.Published, PublishedFrom: item.Entry.PublishedFrom, Updated: item.Updated,
		Admitted: item.Admitted, Withdrawn: item.Withdrawn, State: stateOf(item),
		Summary: item.Entry.Summary, AlsoAt: []copyView{},
	}
	for _, c := range item.Copies {
		v.AlsoAt = append(v.AlsoAt, copyView{c.Source, c.URL, c.Title})
	}
	return v
}

// heldView is a held entry as --json prints it.
type heldView struct {
	Entry     int64      `json:"entry"`
	Title     string     `json:"title"`
	URL       string     `json:"url,omitempty"`
	Source    string     `json:"source"`
	Published time.Time  `json:"published,omitzero"`
	FirstSeen time.Time  `json:"first_seen"`
	Rule      string     `json:"rule"`
	Reason    string     `json:"reason"`
	Score     *scoreView `json:"score,omitempty"` // none: it was not scored
}

// heldTable prints entries that were kept but not shown, and why.
func (p *program) heldTable(cfg Config, entries []feed.HeldEntry, asJSON bool) error {
	views, rows := []heldView{}, [][]string{}
	for _, h := range entries {
		e := h.Entry
		views = append(views, heldView{e.ID, e.Title, e.URL, h.Source.Slug, e.Published, e.FirstSeen, e.Decision.Rule, e.Decision.Reason, scoreJSON(h.Score)})
		rows = append(rows, []string{strconv.FormatInt(e.ID, 10), when(e.FirstSeen, cfg.TimeZone), h.Source.Slug, scoreJSON(h.Score).short(),
			clip(e.Title, 70), e.Decision.Reason})
	}
	if asJSON {
		return p.json(views)
	}
	return p.table([]string{"ENTRY", "FIRST SEEN", "SOURCE", "SCORE", "TITLE", "WHY HELD"}, rows)
}

// withItem finds the item that a person named: by its id, eight or so first
// characters of it, its URN, or the address of its page.
func (p *program) withItem(ctx context.Context, name string, do func(cfg Config, st *store.Store, item feed.Item) error) error {
	return p.withStore(ctx, func(cfg Config, st *store.Store) error {
		item, err := st.Item(ctx, itemNamed(name))
		if err != nil {
			return err
		}
		return do(cfg, st, item)
	})
}

func itemNamed(name string) string {
	return strings.ToLower(strings.TrimPrefix(name[strings.LastIndexByte(name, '/')+1:], "urn:uuid:"))
}

func (p *program) itemShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show ITEM",
		Short: "Show an item whole",
		Args:  arguments(1, 1, "item"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withItem(cmd.Context(), args[0], func(cfg Config, st *store.Store, item feed.Item) error {
				v := itemJSON(cfg, item)
				v.Content = item.Entry.Content
				entries, err := st.Entries(cmd.Context(), item.RowID)
				if err != nil {
					return err
				}
				if v.Topic, err = topicsOf(cmd.Context(), st, entries); err != nil {
					return err
				}
				if asJSON {
					return p.json(v)
				}
				p.itemShow(cfg, v)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// itemShow prints an item for a person.
func (p *program) itemShow(cfg Config, v itemView) {
	p.say("%s\n", v.Title)
	p.field("item", v.ID+" ("+v.State+")")
	p.field("page", v.Page)
	p.field("article", v.URL)
	p.field("source", v.SourceName+" ("+v.Source+")")
	p.field("published", dated(v.Published, v.PublishedFrom, cfg.TimeZone))
	p.field("updated", when(v.Updated, cfg.TimeZone))
	p.field("admitted", when(v.Admitted, cfg.TimeZone))
	for _, c := range v.AlsoAt {
		p.field("also at", strings.TrimSpace(c.Source+" "+c.URL))
	}
	for _, t := range v.Topic {
		p.field("topic", t.words(len(v.Topic) > 1))
	}
	p.field("summary", v.Summary)
	if v.Content != "" {
		p.say("\n%s", v.Content)
	}
}

// field prints a name and a value, if there is one.
func (p *program) field(name, value string) {
	if value != "" {
		p.say("%-10s %s", name, value)
	}
}

// dated writes a date with where it came from.
func dated(t time.Time, from string, zone *time.Location) string {
	if from == "" {
		return when(t, zone) + " (when it was first seen)"
	}
	return when(t, zone) + " (" + from + ")"
}
