package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tributary/feed"
	"tributary/ingest"
	"tributary/scheduler"
	"tributary/store"
)

// itemHideCommand is hide, or unhide.
func (p *program) itemHideCommand(hide bool) *cobra.Command {
	word, short, done, already := "hide", "Take an item out of the feed", "is hidden; tributary item unhide %s brings it back", "is hidden already"
	if !hide {
		word, short, done, already = "unhide", "Put a hidden item back", "is back in its place", "is not hidden"
	}
	return &cobra.Command{
		Use:   word + " ITEM",
		Short: short,
		Args:  arguments(1, 1, "item"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withItem(cmd.Context(), args[0], func(_ Config, st *store.Store, item feed.Item) error {
				if item.Hidden == hide {
					p.say("%s %s; nothing has changed", item.Entry.Title, already)
					return nil
				}
				if err := st.Hide(cmd.Context(), item.ID, hide, time.Now()); err != nil {
					return err
				}
				p.say("%s %s", item.Entry.Title, strings.ReplaceAll(done, "%s", shortID(item.ID)))
				return nil
			})
		},
	}
}

// editor puts right by hand what was decided about items.
func editor(st *store.Store) *ingest.Editor {
	return &ingest.Editor{Store: scheduler.ForEditor(st), Now: time.Now}
}

func (p *program) itemSplitCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "split ITEM ENTRY",
		Short: "Take an entry out of an item: it was no copy of it",
		Long:  "Take an entry out of an item and make an item of it. `tributary item why ITEM` shows the entries with their numbers. It stays so; `tributary item merge` undoes it.",
		Args:  arguments(2, 2, "item and which entry of it"),
		RunE: func(cmd *cobra.Command, args []string) error {
			entry, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil {
				return usage(cmd, feed.Errorf(feed.CodeInvalid, "%q is no number of an entry: `tributary item why %s` shows them", args[1], args[0]))
			}
			return p.withItem(cmd.Context(), args[0], func(_ Config, st *store.Store, item feed.Item) error {
				id, err := editor(st).Split(cmd.Context(), item.ID, entry)
				if err == nil {
					p.say("entry %d is an item of its own now, %s; tributary item merge %s %s undoes it", entry, id, shortID(item.ID), shortID(id))
				}
				return err
			})
		},
	}
}

func (p *program) itemMergeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "merge ITEM ITEM",
		Short: "Make one item of two: they are copies of one article",
		Long:  "Make one item of two. The older one keeps its id, dates and text; the other's page leads to it. `tributary item split` undoes it.",
		Args:  arguments(2, 2, "items"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withItem(cmd.Context(), args[0], func(_ Config, st *store.Store, a feed.Item) error {
				b, err := st.Item(cmd.Context(), itemNamed(args[1]))
				if err != nil {
					return err
				}
				kept, err := editor(st).Merge(cmd.Context(), a.ID, b.ID)
				if err == nil {
					p.say("both are item %s now; tributary item why %s lists its entries, tributary item split takes one out again", kept, shortID(kept))
				}
				return err
			})
		},
	}
}

// correctionView is a correction as --json prints it.
type correctionView struct {
	Kind  string    `json:"kind"`
	Item  string    `json:"item"`
	Other string    `json:"other"`
	Entry int64     `json:"entry,omitempty"`
	At    time.Time `json:"at"`
}

func (p *program) itemCorrectionsCommand() *cobra.Command {
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "corrections",
		Short: "List what was split and merged by hand, newest first",
		Args:  arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withStore(cmd.Context(), func(cfg Config, st *store.Store) error {
				return p.corrections(cmd.Context(), cfg, st, limit, asJSON)
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 100, "how many at most")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func (p *program) corrections(ctx context.Context, cfg Config, st *store.Store, limit int, asJSON bool) error {
	all, err := st.Corrections(ctx, limit)
	if err != nil {
		return err
	}
	views, rows := []correctionView{}, [][]string{}
	for _, c := range all {
		views = append(views, correctionView{c.Kind, c.Item, c.Other, c.Entry, c.At})
		what := "took entry " + strconv.FormatInt(c.Entry, 10) + " out of " + shortID(c.Item) + " into " + shortID(c.Other)
		if c.Kind == "merge" {
			what = "put " + shortID(c.Other) + " into " + shortID(c.Item)
		}
		rows = append(rows, []string{when(c.At, cfg.TimeZone), strings.ToLower(c.Kind), what})
	}
	if asJSON {
		return p.json(views)
	}
	return p.table([]string{"WHEN", "KIND", "WHAT"}, rows)
}
