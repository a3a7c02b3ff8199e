package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
)

func TestExitCodesFollowTheKindOfError(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{feed.Errorf(feed.CodeInvalid, "x"), 2},
		{feed.Errorf(feed.CodeNotFound, "x"), 2},
		{fmt.Errorf("wrapped: %w", feed.Errorf(feed.CodeInvalid, "x")), 2},
		{feed.Errorf(feed.CodeUnavailable, "x"), 1},
		{feed.Errorf(feed.CodeConflict, "x"), 1},
		{errors.New("unknown"), 1},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}

func TestSlugsAreShortUniqueAndPlain(t *testing.T) {
	names := newSlugs(feed.Source{Slug: "taken"})
	for _, c := range []struct{ name, url, want string }{
		{"BBC News – Europe", "", "bbc-news-europe"},
		{"bbc news europe", "", "bbc-news-europe-2"},
		{"Taken", "", "taken-2"},
		{"Seeds", "", "seeds-2"},
		{"Żółć & Œuvre", "", "zo-c-uvre"},
		{"", "https://www.example.org/world/rss.xml", "example-org-world-rss"},
		{"日本語", "https://例え.jp/", "jp"},
		{"", "", "source"},
		{"A very long name that no person would want to type on a command line", "", "a-very-long-name-that-no-person-would"},
		{strings.Repeat("x", 60), "", strings.Repeat("x", 40)},
	} {
		if got := names.take(c.name, c.url); got != c.want {
			t.Errorf("%q %q: %s, want %s", c.name, c.url, got, c.want)
		}
	}
}

func TestTheTokenIsMadeOnceAndReadAgain(t *testing.T) {
	cfg := Config{Data: t.TempDir()}
	first, file, err := cfg.apiToken()
	if err != nil || len(first) < 26 || file != filepath.Join(cfg.Data, "token") {
		t.Fatalf("%q in %q: %v", first, file, err)
	}
	again, _, err := cfg.apiToken()
	if err != nil || again != first {
		t.Errorf("the second start has %q, want %q (%v)", again, first, err)
	}
	cfg.Token = "configured"
	if token, file, err := cfg.apiToken(); token != "configured" || file != "" || err != nil {
		t.Errorf("%q in %q: %v", token, file, err)
	}
}

func TestAFileWithoutATokenIsNotTakenForNone(t *testing.T) {
	for _, text := range []string{"", "\n", "two words\n", "short\n"} {
		cfg := Config{Data: t.TempDir()}
		if err := os.WriteFile(cfg.tokenFile(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := cfg.apiToken(); feed.CodeOf(err) != feed.CodeInvalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTheFeedsIDComesFromTheConfigurationAlone(t *testing.T) {
	a := Config{Title: "T", Description: "D"}
	b := a
	b.BaseURL, b.Data, b.Seeds, b.Listen = "https://x.example", "/elsewhere", "/other", "0.0.0.0:1"
	if mintFeedID(a) != mintFeedID(b) {
		t.Error("an address or a folder is in the feed's id")
	}
	b.Title = "U"
	if mintFeedID(a) == mintFeedID(b) {
		t.Error("two feeds have one id")
	}
}

func TestRefreshIsTheTimeBetweenRunsWithinReason(t *testing.T) {
	now := time.Date(2025, 12, 30, 10, 7, 0, 0, time.UTC)
	for schedule, want := range map[string]time.Duration{
		"*/15 * * * *": 15 * time.Minute, "* * * * *": time.Minute, "0 6 * * *": time.Hour, "@every 2m": 2 * time.Minute,
	} {
		cfg := Config{Schedule: schedule, TimeZone: time.UTC}
		if got := cfg.refresh(now); got != want {
			t.Errorf("%s: %v, want %v", schedule, got, want)
		}
	}
}

func TestTheProgressBarShowsHowFarARunIsAndGoes(t *testing.T) {
	var out bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	looks := 0
	drawProgress(ctx, &out, func() (feed.Report, error) {
		if looks++; looks == 3 {
			cancel()
		}
		return feed.Report{Total: 7, Done: looks}, nil
	})
	if !strings.Contains(out.String(), "(2/7)") {
		t.Errorf("no progress in %q", out.String())
	}
	last := out.String()[strings.LastIndexByte(strings.TrimRight(out.String(), "\r"), '\r')+1:]
	if strings.TrimSpace(last) != "" {
		t.Errorf("the bar is left behind: %q", last)
	}
}

func TestATablesColumnsLineUpWhateverIsInItsCells(t *testing.T) {
	var out bytes.Buffer
	p := program{stdout: &out}
	err := p.table([]string{"ITEM", "TITLE", "ALSO AT", "STATE"}, [][]string{
		{"1", "short", "", ""}, {"2", "a title that is longer", "+3", "hidden"}, {"3", "two\nlines\tand a tab", "", ""}, {"4", "", "", "waiting"},
	})
	want := `ITEM  TITLE                   ALSO AT  STATE
1     short
2     a title that is longer  +3       hidden
3     two; lines and a tab
4                                      waiting
`
	if diff := cmp.Diff(want, out.String()); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestPrivateAddressesAreKnownByTheirLooks(t *testing.T) {
	for url, want := range map[string]bool{
		"http://localhost/feed": true, "http://127.0.0.1:8080/": true, "http://[::1]/": true, "http://10.1.2.3/x": true,
		"http://169.254.169.254/": true, "https://example.org/": false, "https://8.8.8.8/": false, "http://nas.localhost/": true,
	} {
		if got := isPrivateAddress(url); got != want {
			t.Errorf("%s: %v", url, got)
		}
	}
}
