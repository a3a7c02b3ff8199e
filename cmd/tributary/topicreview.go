package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/clean"
	"tributary/store"
)

func (p *program) topicReviewCommand() *cobra.Command {
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "review",
		Short: "Look over the doubtful entries and decide about each",
		Long: "Shows the entries that were held because they may or may not be on topic, newest first. On a terminal\n" +
			"each is asked about, and one key decides; elsewhere it is a table, with the numbers that\n" +
			"`tributary topic accept` and `tributary topic refuse` take. What is decided stays, and\n" +
			"the profile learns from it when feeds are asked next.",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > 100_000 {
				return usage(cmd, feed.Errorf(feed.CodeInvalid, "--limit: %d is not from 1 to 100000", limit))
			}
			return p.withStore(cmd.Context(), func(cfg Config, st *store.Store) error {
				return p.topicReview(cmd.Context(), cfg, st, limit, asJSON)
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "how many at most")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func (p *program) topicReview(ctx context.Context, cfg Config, st *store.Store, limit int, asJSON bool) error {
	asked := !asJSON && isTerminal(p.stdin) && isTerminal(p.stdout)
	entries, err := st.HeldEntries(ctx, store.HeldQuery{Rules: []string{ingest.RuleDoubtful}, Limit: limit, WithContent: asked})
	switch {
	case err != nil:
		return err
	case !asked:
		return p.heldTable(cfg, entries, asJSON)
	case len(entries) == 0:
		p.say("There is nothing doubtful.")
		return nil
	}
	r := review{keys: keysFrom(p.stdin), out: p.stdout, moderator: editor(st), zone: cfg.TimeZone, entries: entries, said: map[int]string{}}
	return r.run(ctx)
}

// review asks a person about one entry after the other.
type review struct {
	keys      keys
	out       io.Writer
	moderator moderator
	zone      *time.Location
	entries   []feed.HeldEntry

	at    int            // the entry that is asked about
	said  map[int]string // accepted or refused, by place in entries
	order []int          // places, in the order in which they were decided
}

// reviewKeys are the answers that there are.
const reviewKeys = "[a]ccept  [r]efuse  [s]kip  [u]ndo the last  [o]pen the text  [q]uit: "

// run asks until all is decided or skipped, or the person has had enough.
func (r *review) run(ctx context.Context) error {
	for told := -1; r.at < len(r.entries); {
		if told != r.at {
			r.show()
			told = r.at
		}
		fmt.Fprint(r.out, reviewKeys)
		key, err := r.keys.next(ctx)
		fmt.Fprintln(r.out, oneLine(key)) // no terminal has shown it
		if key = strings.ToLower(strings.TrimSpace(key)); err != nil || key == "q" {
			r.sum()
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		switch err := r.answer(ctx, key); feed.CodeOf(err) {
		case "":
		case feed.CodeInvalid, feed.CodeNotFound: // of this entry, say because it was decided elsewhere meanwhile
			fmt.Fprintln(r.out, err)
		default:
			r.sum()
			return err
		}
	}
	r.sum()
	return nil
}

// answer carries out one key. A wrong one is answered with what there is.
func (r *review) answer(ctx context.Context, key string) error {
	switch key {
	case "a":
		return r.decide(ctx, accepting, "accepted")
	case "r":
		return r.decide(ctx, refusing, "refused")
	case "s":
		r.at++
	case "u":
		return r.undo(ctx)
	case "o":
		r.open()
	default:
		fmt.Fprintln(r.out, "Press one of the letters a, r, s, u, o and q.")
	}
	return nil
}

func (r *review) decide(ctx context.Context, v verdict, said string) error {
	if _, err := v.give(r.moderator, ctx, r.entries[r.at].Entry.ID); err != nil {
		return err
	}
	r.said[r.at], r.order = said, append(r.order, r.at)
	r.at++
	return nil
}

// undo takes the last verdict back, and asks about that entry again.
func (r *review) undo(ctx context.Context) error {
	if len(r.order) == 0 {
		fmt.Fprintln(r.out, "Nothing was decided yet.")
		return nil
	}
	last := r.order[len(r.order)-1]
	if _, err := r.moderator.Undo(ctx, r.entries[last].Entry.ID); err != nil {
		return err
	}
	delete(r.said, last)
	r.at, r.order = last, r.order[:len(r.order)-1]
	return nil
}

// show tells what the present entry is.
func (r *review) show() {
	h := r.entries[r.at]
	fmt.Fprintf(r.out, "\n%d of %d: %s\n", r.at+1, len(r.entries), titleOf(h))
	fmt.Fprintf(r.out, "  %s, %s, entry %d\n", h.Source.Title(), when(h.Entry.When(), r.zone), h.Entry.ID)
	fmt.Fprintf(r.out, "  %s\n", oneLine(h.Entry.Decision.Reason))
	if summary := clip(oneLine(h.Entry.Summary), 300); summary != "" {
		fmt.Fprintf(r.out, "  %s\n", summary)
	}
}

// open shows the present entry's whole text.
func (r *review) open() {
	e := r.entries[r.at].Entry
	text := clean.Plain(feed.Text{Value: e.Content, HTML: true})
	for _, part := range []string{e.Title, cmp.Or(text, e.Summary), e.URL} {
		if part = oneLine(part); part != "" {
			fmt.Fprintf(r.out, "\n%s\n", part)
		}
	}
}

// sum tells what was done.
func (r *review) sum() {
	accepted, refused := 0, 0
	for _, said := range r.said {
		if said == "accepted" {
			accepted++
		} else {
			refused++
		}
	}
	fmt.Fprintf(r.out, "%d accepted, %d refused, %d left\n", accepted, refused, len(r.entries)-accepted-refused)
}
