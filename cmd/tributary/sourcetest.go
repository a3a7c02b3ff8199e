package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/fetch"
	"tributary/scheduler"
	"tributary/store"
)

func (p *program) sourceTestCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test URL|SOURCE",
		Short: "Fetch a feed once and show, step by step, what comes of it",
		Long: "Fetches a feed once and shows what was sent, what came back, what was read in it, what would be kept,\n" +
			"and when it would be asked again. Passwords and headers of its own are not shown. Nothing is stored.",
		Args: arguments(1, 1, "URL or source"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.sourceTest(cmd.Context(), args[0], asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// sourceTest tests one source and shows what came of it, failure or not.
func (p *program) sourceTest(ctx context.Context, name string, asJSON bool) error {
	cfg, err := p.config()
	if err != nil {
		return err
	}
	return withExisting(ctx, cfg, func(st *store.Store) error {
		t, err := newTrial(ctx, cfg, st, name)
		if err != nil {
			return err
		}
		if err := t.run(ctx); err != nil {
			return err
		}
		view, err := t.view(ctx)
		if err != nil {
			return err
		}
		if asJSON {
			return errors.Join(p.json(view), t.err)
		}
		p.printTrial(cfg, view)
		return t.err
	})
}

// withExisting opens the store for the time of do if there is one: else do
// gets nil, and none is made.
func withExisting(ctx context.Context, cfg Config, do func(st *store.Store) error) error {
	if _, err := os.Stat(cfg.databaseFile()); cfg.DatabaseURL == "" && errors.Is(err, fs.ErrNotExist) {
		return do(nil)
	}
	st, err := store.Open(ctx, store.Options{Path: cfg.databaseFile(), DSN: cfg.DatabaseURL})
	if err != nil {
		return err
	}
	return errors.Join(do(st), st.Close())
}

// trial is one test of a source.
type trial struct {
	cfg    Config
	store  *store.Store // nil: there is none
	source feed.Source
	now    time.Time

	steps   []fetch.Step
	preview ingest.Preview
	feeds   []fetch.Candidate // that a page names
	state   feed.SourceState  // what a run would leave
	err     error             // why it failed, and what to do
}

// newTrial finds the source that a person named: one that is declared or in
// the store, by its slug, URL or name, else any URL.
func newTrial(ctx context.Context, cfg Config, st *store.Store, name string) (*trial, error) {
	t := &trial{cfg: cfg, store: st, now: time.Now()}
	var stored []feed.Source
	var err error
	if st != nil {
		if stored, err = st.Sources(ctx); err != nil {
			return nil, err
		}
	}
	found, err := named(asDeclared(cfg, stored), name)
	switch {
	case err != nil:
		return nil, err
	case found == nil && !strings.Contains(name, "://"):
		return nil, feed.Errorf(feed.CodeNotFound, "there is no source %q: give its slug, URL or name as `tributary source list` shows them, or the URL of any feed", name)
	case found == nil:
		found = &feed.Source{Kind: feed.KindFeed, Enabled: true}
		if found.URL, err = parseFeedURL(name); err != nil {
			return nil, feed.Errorf(feed.CodeInvalid, "%w", err)
		}
	case found.Kind == feed.KindFolder:
		return nil, feed.Errorf(feed.CodeInvalid, "%s is a folder, and only feeds are fetched: `tributary check` says which of its documents cannot be taken", found.Slug)
	}
	t.source = *found
	return t, nil
}

// asDeclared are the stored sources as the configuration now declares them,
// and those that it declares besides.
func asDeclared(cfg Config, stored []feed.Source) []feed.Source {
	declared := map[string]feed.Source{}
	for _, d := range cfg.Sources {
		declared[d.URL] = d
	}
	var all []feed.Source
	for _, s := range stored {
		if d, ok := declared[s.URL]; ok {
			d.ID, d.Slug, d.Position, d.About, d.State = s.ID, s.Slug, s.Position, s.About, s.State
			s = d
		}
		all = append(all, s)
	}
	return append(all, unseen(cfg, stored)...)
}

// named finds a source by its slug, its URL or the name it shows, nil if there
// is none.
func named(all []feed.Source, name string) (*feed.Source, error) {
	url, err := parseFeedURL(name)
	if err != nil {
		url = name
	}
	for _, is := range []func(feed.Source) bool{
		func(s feed.Source) bool { return s.Slug == name },
		func(s feed.Source) bool { return s.URL == url },
		func(s feed.Source) bool { return strings.EqualFold(s.Title(), name) },
	} {
		var found []feed.Source
		for _, s := range all {
			if is(s) {
				found = append(found, s)
			}
		}
		switch {
		case len(found) == 1:
			return &found[0], nil
		case len(found) > 1:
			return nil, feed.Errorf(feed.CodeInvalid, "several sources are called %q: give the slug of one, such as %s", name, found[0].Slug)
		}
	}
	return nil, nil
}

// run asks once, unconditionally, and works out what a run would make of the
// answer. A failure of the source is t.err.
func (t *trial) run(ctx context.Context) error {
	policy := scheduler.Policy{Default: t.cfg.schedule(), Location: t.cfg.TimeZone, Jitter: scheduler.DefaultJitter}
	asked := t.source
	asked.Enabled = true
	if ok, why := policy.Due(asked, true, t.now); !ok {
		return feed.Errorf(feed.CodeUnavailable, "nothing was asked: %s; try again then", why)
	}
	asked.State.ETag, asked.State.LastModified = "", ""
	limited, err := t.limited(ctx)
	if err != nil {
		return err
	}
	client := newClient(t.cfg.fetching(), limited)
	defer client.Close()
	var res fetch.Result
	res, t.steps = client.Trace(ctx, asked)
	if res.Cancelled() {
		return res.Err
	}
	if err = t.foresee(ctx, res); err != nil {
		return err
	}
	res = t.preview.Result
	t.state = policy.After(t.source, res, t.preview.Feed.Channel, t.preview.Counts.Changed(), t.now)
	if res.Kind == fetch.Failed {
		t.err = t.failure(res)
	}
	return nil
}

// limited are the sources whose hosts asked for a pause.
func (t *trial) limited(ctx context.Context) ([]feed.Source, error) {
	if t.store == nil {
		return nil, nil
	}
	return t.store.Limited(ctx)
}

// foresee reads the document, if there is one.
func (t *trial) foresee(ctx context.Context, res fetch.Result) (err error) {
	t.preview.Result = res
	if res.Kind != fetch.Fetched {
		return nil
	}
	var known ingest.Reader
	if t.store != nil {
		known = t.store
	}
	judge, err := t.judge(ctx)
	if err != nil {
		return err
	}
	t.preview, err = ingest.Foresee(ctx, known, t.source, res, judge, t.now)
	if t.preview.Result.Failure == feed.StatusNotFeed {
		t.feeds = fetch.Discover(res.Document)
	}
	return err
}

// judge is who would decide what is on topic: by what is learned so far.
func (t *trial) judge(ctx context.Context) (ingest.Judge, error) {
	if t.store == nil {
		return ingest.Judge{Filter: t.cfg.filter()}, nil
	}
	return ingest.Learned(ctx, t.store, t.cfg.filter())
}

// failure is a failed fetch as one line: what is wrong, and what to do.
func (t *trial) failure(res fetch.Result) error {
	switch page := feed.Redacted(t.source.URL); {
	case len(t.feeds) > 0:
		return feed.Errorf(feed.CodeInvalid, "%s is a web page, not a feed; test the first one that it names with `tributary source test %s`, or add the page as it is",
			page, t.feeds[0].URL)
	case res.Failure == feed.StatusNotFeed:
		return feed.Errorf(feed.CodeInvalid, "%s is a web page that names no feed; look for its feed's address and test that", page)
	}
	return advised(res)
}

// advised is why a fetch failed, with what to do about it.
func advised(res fetch.Result) error {
	if todo := advice(res); todo != "" {
		return feed.Errorf(feed.CodeOf(res.Err), "%w; %s", res.Err, todo)
	}
	return res.Err
}

// advice is what to do about an answer that is of no use. Of a challenge page,
// and of most that went wrong before there was an answer, the error itself says so.
func advice(res fetch.Result) string {
	switch status := res.Status; {
	case res.Network && errors.Is(res.Err, syscall.ECONNREFUSED):
		return "is the address right? If so, its server is down: try again later"
	case res.Failure == feed.StatusLimited:
		return "it is asked again by itself then"
	case status == 401:
		return "give user and password in its address, or the header that it wants: see Secrets in docs/configuration.md"
	case status == 402, status == 451, status == 403 && feed.CodeOf(res.Err) == feed.CodeDenied:
		return "its owner does not let us in: ask them to, or look for another feed of theirs"
	case res.Failure == feed.StatusBlocked:
		return ""
	case status == 410:
		return "the feed was given up: remove the source, or look on its site for another"
	case status == 404, status >= 300 && status < 400:
		return "look on its site for where the feed is now"
	case status >= 500:
		return "the trouble is the server's: try again later"
	case status >= 400:
		return "is the address right?"
	case status != 0 && feed.CodeOf(res.Err) == feed.CodeInvalid:
		return "is this the address of the feed?"
	}
	return ""
}
