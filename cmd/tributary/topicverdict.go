package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"tributary/feed"
	"tributary/ingest"
	"tributary/store"
)

// moderator decides for a person what is on topic. It gives each entry as it was.
type moderator interface {
	Accept(ctx context.Context, entryID int64) (feed.HeldEntry, error)
	Refuse(ctx context.Context, entryID int64) (feed.HeldEntry, error)
	Undo(ctx context.Context, entryID int64) (feed.HeldEntry, error)
}

// verdict is one of what a person can say about an entry.
type verdict struct {
	word, short string
	give        func(m moderator, ctx context.Context, entryID int64) (feed.HeldEntry, error)
	done        func(was feed.HeldEntry) string // what has become of the entry
}

var (
	accepting = verdict{"accept", "Say that entries are on topic: they are published", moderator.Accept, func(was feed.HeldEntry) string {
		if shown(was.Entry) {
			return "was published already, and counts for the topic"
		}
		return "is published"
	}}
	refusing = verdict{"refuse", "Say that entries are off topic: they are taken out, or stay out", moderator.Refuse, func(was feed.HeldEntry) string {
		if shown(was.Entry) {
			return "is taken out"
		}
		return "stays out"
	}}
	undoing = verdict{"undo", "Take back what was said about entries", moderator.Undo, func(was feed.HeldEntry) string {
		if was.Entry.Decision.Rule != ingest.RulePerson {
			return "stays as it is, for it was so already"
		}
		if shown(was.Entry) || was.Entry.ItemID == 0 {
			return "is held again, for review"
		}
		return "is back"
	}}
)

// shown tells whether an entry is part of what is published.
func shown(e feed.Entry) bool {
	return e.Decision.Kind == feed.Published || e.Decision.Kind == feed.CopyOf
}

func (p *program) topicVerdictCommand(v verdict) *cobra.Command {
	return &cobra.Command{
		Use:   v.word + " ENTRY…",
		Short: v.short,
		Long: v.short + ".\n`tributary topic review` and `tributary item list --state held` show the numbers of entries that are held, " +
			"`tributary item why` those of an item.\nThe profile learns from it when feeds are asked next.",
		Args: arguments(1, -1, "entry"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := entryNumbers(args)
			if err != nil {
				return usage(cmd, err)
			}
			return p.withStore(cmd.Context(), func(_ Config, st *store.Store) error {
				return p.giveVerdicts(cmd.Context(), editor(st), v, ids)
			})
		},
	}
}

// entryNumbers reads the numbers of entries.
func entryNumbers(args []string) ([]int64, error) {
	ids := make([]int64, len(args))
	for i, a := range args {
		n, err := strconv.ParseInt(a, 10, 64)
		if err != nil || n < 1 {
			return nil, feed.Errorf(feed.CodeInvalid, "%q is no number of an entry: `tributary topic review` shows them", a)
		}
		ids[i] = n
	}
	return ids, nil
}

// giveVerdicts says the same about each entry. One that it cannot be said of does
// not keep it from being said of the others.
func (p *program) giveVerdicts(ctx context.Context, m moderator, v verdict, ids []int64) error {
	var failed []error
	for _, id := range ids {
		was, err := v.give(m, ctx, id)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		p.say("entry %d %s: %s", id, v.done(was), titleOf(was))
	}
	return errors.Join(failed...)
}

// titleOf names an entry in a line.
func titleOf(h feed.HeldEntry) string {
	if title := oneLine(h.Entry.Title); title != "" {
		return clip(title, 100)
	}
	return fmt.Sprintf("(an entry of %s without a title)", h.Source.Slug)
}

var _ moderator = (*ingest.Editor)(nil)
