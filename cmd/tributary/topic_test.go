package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/ingest"
)

// spoken is a moderator that notes what it is told.
type spoken struct {
	told   []string
	broken bool
	gone   int64 // an entry that is no more
}

func (s *spoken) note(what string, id int64) (feed.HeldEntry, error) {
	if s.broken {
		return feed.HeldEntry{}, errors.New("the disk is full")
	}
	if id == s.gone {
		return feed.HeldEntry{}, feed.Errorf(feed.CodeNotFound, "there is no entry %d", id)
	}
	s.told = append(s.told, fmt.Sprint(what, " ", id))
	return feed.HeldEntry{}, nil
}

func (s *spoken) Accept(_ context.Context, id int64) (feed.HeldEntry, error) {
	return s.note("accept", id)
}

func (s *spoken) Refuse(_ context.Context, id int64) (feed.HeldEntry, error) {
	return s.note("refuse", id)
}

func (s *spoken) Undo(_ context.Context, id int64) (feed.HeldEntry, error) { return s.note("undo", id) }

// reviewOf is a review of three entries, 11 to 13, in which a person types this.
func reviewOf(typed string, m moderator) (*review, *bytes.Buffer) {
	var out bytes.Buffer
	r := &review{keys: keysFrom(strings.NewReader(typed)), out: &out, moderator: m, zone: time.UTC, said: map[int]string{}}
	for i, title := range []string{"One", "Two", "Three"} {
		r.entries = append(r.entries, feed.HeldEntry{
			Entry: feed.Entry{ID: int64(11 + i), Title: title, Summary: "About " + title, Content: "<p>All of it,</p><p>to the end.</p>",
				URL: "https://a.example/" + title, Published: time.Date(2026, 1, 9, 8, 0, 0, 0, time.UTC),
				Decision: feed.Decision{Kind: feed.Held, Rule: ingest.RuleDoubtful, Reason: "It names Skarn: 0.41, under 0.50."}},
			Source: feed.Source{Slug: "strait", Name: "The Strait"},
		})
	}
	return r, &out
}

func TestOneKeyDecidesAboutADoubtfulEntry(t *testing.T) {
	for _, c := range []struct {
		typed string
		want  []string // what the moderator is told
		sum   string
	}{
		{"a\nr\ns\n", []string{"accept 11", "refuse 12"}, "1 accepted, 1 refused, 1 left"},
		{"A\n  r  \na\n", []string{"accept 11", "refuse 12", "accept 13"}, "2 accepted, 1 refused, 0 left"},
		{"q\na\n", nil, "0 accepted, 0 refused, 3 left"},
		{"", nil, "0 accepted, 0 refused, 3 left"},
		{"a", []string{"accept 11"}, "1 accepted, 0 refused, 2 left"},
		{"u\nq\n", nil, "0 accepted, 0 refused, 3 left"},
		{"a\nu\nr\nq\n", []string{"accept 11", "undo 11", "refuse 11"}, "0 accepted, 1 refused, 2 left"},
		{"a\nr\nu\nu\nq\n", []string{"accept 11", "refuse 12", "undo 12", "undo 11"}, "0 accepted, 0 refused, 3 left"},
		{"a\ns\nu\na\ns\na\n", []string{"accept 11", "undo 11", "accept 11", "accept 13"}, "2 accepted, 0 refused, 1 left"},
		{"x\n\no\na\nq\n", []string{"accept 11"}, "1 accepted, 0 refused, 2 left"},
	} {
		m := &spoken{}
		r, out := reviewOf(c.typed, m)
		if err := r.run(t.Context()); err != nil {
			t.Errorf("%q: %v", c.typed, err)
		}
		if diff := cmp.Diff(c.want, m.told); diff != "" {
			t.Errorf("%q says other things (-want +got):\n%s", c.typed, diff)
		}
		if !strings.HasSuffix(out.String(), c.sum+"\n") {
			t.Errorf("%q: want %s at the end of\n%s", c.typed, c.sum, out)
		}
	}
}

func TestAReviewShowsWhatThereIsToDecideBy(t *testing.T) {
	r, out := reviewOf("?\no\nu\ns\nq\n", &spoken{})
	if err := r.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := `
1 of 3: One
  The Strait, 2026-01-09 08:00 UTC, entry 11
  It names Skarn: 0.41, under 0.50.
  About One
` + reviewKeys + `?
Press one of the letters a, r, s, u, o and q.
` + reviewKeys + `o

One

All of it, to the end.

https://a.example/One
` + reviewKeys + `u
Nothing was decided yet.
` + reviewKeys + `s

2 of 3: Two
  The Strait, 2026-01-09 08:00 UTC, entry 12
  It names Skarn: 0.41, under 0.50.
  About Two
` + reviewKeys + `q
0 accepted, 0 refused, 3 left
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestAReviewEndsWhereAVerdictCannotBeStored(t *testing.T) {
	r, out := reviewOf("a\na\n", &spoken{broken: true})
	if err := r.run(t.Context()); err == nil || err.Error() != "the disk is full" {
		t.Errorf("it ended with %v", err)
	}
	if !strings.HasSuffix(out.String(), "0 accepted, 0 refused, 3 left\n") {
		t.Errorf("no sum in\n%s", out)
	}
}

func TestAReviewGoesOnWhereOneEntryIsGone(t *testing.T) {
	m := &spoken{gone: 11}
	r, out := reviewOf("a\ns\nr\nq\n", m)
	if err := r.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"refuse 12"}, m.told); diff != "" || !strings.Contains(out.String(), "there is no entry 11\n") {
		t.Errorf("%s%s", diff, out)
	}
}

func TestForeignTextDoesNotMoveTheTerminal(t *testing.T) {
	r, out := reviewOf("o\nq\n", &spoken{})
	r.entries[0].Entry.Title, r.entries[0].Entry.Summary = "A\x1b[2Jtitle", "Wiped\x1b]0;x\x07 \u009b2J"
	r.entries[0].Entry.Content, r.entries[0].Entry.URL = "<p>\x1b[31mred</p>", "https://a.example/\x1b[1m"
	if err := r.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\x07\u009b") {
		t.Errorf("%q", out)
	}
}

func TestAReaderKeyIsLongAndOnlyItsHashIsStored(t *testing.T) {
	key, hash := newReaderKey()
	again, _ := newReaderKey()
	if len(key) != 43 || len(hash) != 64 || key == again {
		t.Errorf("%q %q %q", key, hash, again)
	}
}

func TestWhatWasHeldIsCountedByWhatHeldIt(t *testing.T) {
	for _, c := range []struct {
		counts map[string]int
		want   string
	}{
		{nil, "nothing in the last 7 days"},
		{map[string]int{"backlog": 3}, "nothing in the last 7 days"},
		{map[string]int{ingest.RuleOffTopic: 812, ingest.RuleDoubtful: 2, ingest.RuleRule: 1, "backlog": 3},
			"in the last 7 days 812 off topic, 2 doubtful (tributary topic review), 1 by a rule"},
	} {
		if got := heldWords(c.counts); got != c.want {
			t.Errorf("%v: %s", c.counts, got)
		}
	}
}

func TestAScoreUnderTheThresholdDoesNotReadAsIfItReachedIt(t *testing.T) {
	for value, want := range map[float64]string{0.496: "0.49", 0.499: "0.49", 0.5: "0.50", 0.29: "0.29", 0.07: "0.07", 0.003: "0.00", 1: "1.00"} {
		if got := scoreJSON(feed.Score{Value: value, Profile: 1}).short(); got != want {
			t.Errorf("%v is %s, want %s", value, got, want)
		}
	}
	if got := scoreJSON(feed.Score{}).short(); got != "–" {
		t.Errorf("no score is %s", got)
	}
}
