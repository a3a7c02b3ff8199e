package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"tributary/feed"
	"tributary/ingest"
	"tributary/store"
)

func (p *program) sourceCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "source",
		Short: "Add, list, test, remove, import and export sources",
	}, p.sourceAddCommand(), p.sourceListCommand(), p.sourceTestCommand(), p.sourceRemoveCommand(), p.sourceImportCommand(), p.sourceExportCommand())
}

func (p *program) sourceAddCommand() *cobra.Command {
	var src feed.Source
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "add URL",
		Short: "Add a feed, or the feed that a page names, and take its newest items",
		Long: "Fetches the URL to see that it is a feed. Of a page, the feeds that it names\n" +
			"(<link rel=alternate>) are tried, best first. Then the feed's newest items are taken.",
		Args: arguments(1, 1, "URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkDetails(&src, detailFlags); err != nil {
				return err
			}
			src.URL = args[0]
			return p.sourceAdd(cmd.Context(), src, asJSON)
		},
	}
	cmd.Flags().StringVar(&src.Name, "name", "", "`name` to show (default: the feed's own title)")
	cmd.Flags().StringVar(&src.Every, "every", "", "ask it this often: an `interval` such as 2h, or five cron fields")
	cmd.Flags().StringSliceVar(&src.Tags, "tag", nil, "`tag` for the source; may be given several times")
	cmd.Flags().BoolVar(&src.Private, "private", false, "name it in no public output")
	cmd.Flags().IntVar(&src.Priority, "priority", 0, "of its copies of an article, from -100 to 100: the largest is shown")
	cmd.Flags().StringVar(&src.Topic, "topic", "", "`off`: it is on topic by itself, and all that it brings is let in")
	cmd.Flags().BoolVar(&src.FullText, "full-text", false, "take its articles' texts from their pages: may you publish them?")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// What a person says of a source, as the command line and the page call it.
type details struct{ name, every, tag, priority, topic string }

var (
	detailFlags = details{"--name", "--every", "--tag", "--priority", "--topic"}
	detailNames = details{"name", "every", "tags", "priority", "topic"}
)

// What a person says of a source stands in lists and feeds.
const (
	longestName = 200 // characters; of a tag, too
	mostTags    = 50
)

// checkDetails checks what a person says of a source, as the file's keys are.
func checkDetails(src *feed.Source, called details) (err error) {
	var wrong problems
	if src.Name, err = parseLine(src.Name); err != nil {
		wrong.add(problem{called.name, "", err.Error()})
	}
	if src.Every != "" {
		if _, err := parseEvery(src.Every); err != nil {
			wrong.add(problem{called.every, "", err.Error()})
		}
	}
	if utf8.RuneCountInString(src.Name) > longestName {
		wrong.add(problem{called.name, "", fmt.Sprintf("a name of %d characters is too long; write at most %d", utf8.RuneCountInString(src.Name), longestName)})
	}
	if len(src.Tags) > mostTags {
		wrong.add(problem{called.tag, "", fmt.Sprintf("%d tags are too many; give at most %d", len(src.Tags), mostTags)})
	}
	for _, tag := range src.Tags[:min(len(src.Tags), mostTags)] {
		if _, err := parseTag(tag); err != nil {
			wrong.add(problem{called.tag, "", err.Error()})
		}
	}
	if _, err := parsePriority(strconv.Itoa(src.Priority)); err != nil {
		wrong.add(problem{called.priority, "", err.Error()})
	}
	if src.Topic != "" {
		if src.Topic, err = parseSourceTopic(src.Topic); err != nil {
			wrong.add(problem{called.topic, "", err.Error()})
		}
	}
	return wrong.err()
}

// sourceAdd adds a source and waits for its first run.
func (p *program) sourceAdd(ctx context.Context, src feed.Source, asJSON bool) error {
	return p.withApp(ctx, slog.New(slog.DiscardHandler), func(a *app) error {
		a.sources.trigger = "command"
		added, found, run, err := a.sources.add(ctx, src)
		if err != nil {
			return err
		}
		report, err := a.scheduler.Wait(ctx, run)
		if err != nil {
			return err
		}
		if asJSON {
			if added, err = a.store.Source(ctx, added.Slug); err != nil {
				return err
			}
			return errors.Join(p.json(sourceJSON(added)), failures(report))
		}
		p.say("%s", found)
		p.say("added as %s (%s): %s new, %s, %d held", added.Slug, added.Title(),
			plural(report.Counts.Published, "item"), copies(report.Counts.Copies), report.Counts.Held)
		return failures(report)
	})
}

func (p *program) sourceListCommand() *cobra.Command {
	var asJSON, long bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the sources, how they fare, and when each is asked next and why then",
		Args:  arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withStore(cmd.Context(), func(cfg Config, st *store.Store) error {
				return p.sourceList(cmd.Context(), cfg, st, long, asJSON)
			})
		},
	}
	cmd.Flags().BoolVarP(&long, "long", "l", false, "print all that is known of each, over several lines")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// sourceList prints the store's sources, and those that the configuration
// declares but no run has seen yet. It changes nothing.
func (p *program) sourceList(ctx context.Context, cfg Config, st *store.Store, long, asJSON bool) error {
	list, err := st.Sources(ctx)
	if err != nil {
		return err
	}
	list = append(list, unseen(cfg, list)...)
	working, err := workingNow(ctx, cfg)
	if err != nil {
		return err
	}
	switch {
	case asJSON:
		views := make([]sourceView, len(list))
		for i, s := range list {
			views[i] = sourceJSON(s)
			views[i].Worker = working[s.ID]
		}
		return p.json(views)
	case long:
		pushes, err := st.Pushes(ctx)
		for _, s := range list {
			p.sourceDetails(cfg, s, pushes, working[s.ID])
		}
		return err
	}
	return p.sourceTable(cfg, list, working)
}

// sourceTable prints a line for each source, with who works on it if anybody does on
// one, and below them what is wrong with those that fail.
func (p *program) sourceTable(cfg Config, list []feed.Source, working map[int64]string) error {
	head := []string{"SOURCE", "STATUS", "LAST FETCH", "LAST CHANGE", "NEXT DUE"}
	if len(working) > 0 {
		head = append(head, "WORKER NOW")
	}
	rows, failed := make([][]string, len(list)), []string{}
	for i, s := range list {
		rows[i] = []string{s.Slug, conditionOf(s), when(s.State.LastFetch, cfg.TimeZone), when(s.State.LastChange, cfg.TimeZone),
			dueOf(s, cfg.TimeZone)}
		if len(working) > 0 {
			rows[i] = append(rows[i], cmp.Or(working[s.ID], "–"))
		}
		rows[i] = append(rows[i], reasonOf(s))
		if s.State.Error != "" {
			failed = append(failed, s.Slug+": "+s.State.Error)
		}
	}
	if err := p.table(append(head, "WHY THEN"), rows); err != nil {
		return err
	}
	if len(failed) > 0 {
		p.say("\n%s", strings.Join(failed, "\n"))
	}
	return nil
}

// sourceDetails prints all that is known of a source. Its secrets are left out.
func (p *program) sourceDetails(cfg Config, s feed.Source, pushes []feed.Push, worker string) {
	st := s.State
	p.say("%s (%s)", s.Slug, s.Title())
	p.detail("status", conditionOf(s))
	p.detail("error", st.Error)
	p.detail("worker now", worker)
	p.detail("address", feed.Redacted(s.URL))
	p.detail("moved to", st.FetchURL)
	p.detail("headers", strings.Join(slices.Sorted(maps.Keys(s.Headers)), ", "))
	p.detail("declared", declaredIn[s.Origin])
	p.detail("tags", strings.Join(s.Tags, ", "))
	if s.Private {
		p.detail("private", "it appears in no public output")
	}
	if s.FullText {
		p.detail("full text", "its articles' texts are taken from their pages")
	}
	p.detail("topic", topicOfSource(s))
	p.detail("last fetch", when(st.LastFetch, cfg.TimeZone))
	p.detail("last change", when(st.LastChange, cfg.TimeZone))
	p.detail("next due", strings.TrimSuffix(dueOf(s, cfg.TimeZone)+": "+reasonOf(s), ": "))
	for _, push := range pushes {
		if push.SourceID == s.ID && s.ID != 0 && push.State != feed.PushLeaving {
			p.detail("push", push.Words(func(t time.Time) string { return when(t, cfg.TimeZone) }))
			p.detail("push error", push.Error)
		}
	}
	if s.Kind == feed.KindFeed {
		p.detail("received", size(st.BytesIn)+" in "+plural(int(st.Fetches), "request"))
		p.detail("saved", saved(st))
	}
}

// topicOfSource says how a source fares with the filter, "" where nothing is known.
func topicOfSource(s feed.Source) string {
	switch scored := s.State.Scored; {
	case s.Topic == ingest.FilterOff:
		return "off: it is on topic by itself, and all that it brings is let in"
	case scored > 0:
		return fmt.Sprintf("%d on topic of %s scored of late", s.State.OnTopic, entriesOf(scored))
	}
	return ""
}

// declaredIn says where a source comes from.
var declaredIn = map[feed.Origin]string{
	feed.OriginConfig: "in the configuration",
	feed.OriginEnv:    "in TRIBUTARY_SOURCES",
	feed.OriginAdded:  "by command, import or the API",
}

// saved says what conditional requests have saved.
func saved(st feed.SourceState) string {
	if st.NotModified == 0 {
		return "nothing yet: no request was answered 304 (not modified)"
	}
	return fmt.Sprintf("about %s by %s that %s answered 304 (not modified)", size(st.BytesSaved), plural(int(st.NotModified), "request"),
		map[bool]string{true: "was", false: "were"}[st.NotModified == 1])
}

// conditionOf is a source's condition in words, with its failures in a row.
func conditionOf(s feed.Source) string {
	if n := s.State.Failures; n > 1 && s.Enabled {
		return fmt.Sprintf("%s, %d times in a row", s.Condition(), n)
	}
	return s.Condition()
}

// unseen are the declared sources that are not in the store yet. The seeds are
// known by their slug, feeds by their URL.
func unseen(cfg Config, stored []feed.Source) []feed.Source {
	have := map[string]bool{}
	for _, s := range stored {
		have[s.URL], have[s.Slug] = true, true
	}
	var missing []feed.Source
	if !have[feed.SeedsSlug] {
		missing = append(missing, cfg.seedsSource())
	}
	for _, s := range cfg.Sources {
		if !have[s.URL] {
			missing = append(missing, s)
		}
	}
	return missing
}

// statusOf is a source's condition, as far as it is asked at all.
func statusOf(s feed.Source) string {
	switch {
	case !s.Enabled:
		return "disabled"
	case s.State.Status == "":
		return string(feed.StatusNew)
	}
	return string(s.State.Status)
}

// dueOf is when a source is asked next.
func dueOf(s feed.Source, zone *time.Location) string {
	switch {
	case !s.Enabled || s.State.Status == feed.StatusGone:
		return "never"
	case s.Kind == feed.KindFolder:
		return "at each run"
	case !s.State.NextDue.After(time.Now()):
		return "at the next run"
	}
	return when(s.State.NextDue, zone)
}

// reasonOf says why a source is asked then.
func reasonOf(s feed.Source) string {
	switch {
	case !s.Enabled:
		return "it is switched off"
	case s.Kind == feed.KindFolder:
		return "folders are read every time"
	case s.State.LastFetch.IsZero() && s.State.DueReason == "":
		return "it was not fetched before"
	}
	return strings.TrimPrefix(s.State.DueReason, "never: ")
}

// sourceView is a source as --json prints it. Its URL has no password.
type sourceView struct {
	Slug        string      `json:"slug"`
	Kind        string      `json:"kind"`
	URL         string      `json:"url"`
	Name        string      `json:"name"`
	Every       string      `json:"every,omitempty"`
	Tags        []string    `json:"tags"`
	Enabled     bool        `json:"enabled"`
	Private     bool        `json:"private"`
	Origin      feed.Origin `json:"origin"`
	Headers     []string    `json:"headers,omitempty"` // names only
	Status      string      `json:"status"`
	Condition   string      `json:"condition"` // in words
	Error       string      `json:"error,omitempty"`
	Worker      string      `json:"worker,omitempty"` // who works on it now, where several processes share the work
	Failures    int         `json:"failures"`
	LastFetch   time.Time   `json:"last_fetch,omitzero"`
	LastSuccess time.Time   `json:"last_success,omitzero"`
	LastChange  time.Time   `json:"last_change,omitzero"`
	NextDue     time.Time   `json:"next_due,omitzero"`
	DueReason   string      `json:"due_reason,omitempty"`
	Fetches     int64       `json:"fetches"`
	NotModified int64       `json:"not_modified"`
	BytesIn     int64       `json:"bytes_in"`
	BytesSaved  int64       `json:"bytes_saved"`
	FullText    bool        `json:"full_text"`       // its articles' pages are read
	Topic       string      `json:"topic,omitempty"` // off: it is not filtered
	Scored      int         `json:"scored"`          // of its entries of late, how many were scored
	OnTopic     int         `json:"on_topic"`        // and how many of these were on topic
}

func sourceJSON(s feed.Source) sourceView {
	return sourceView{
		Slug: s.Slug, Kind: string(s.Kind), URL: feed.Redacted(s.URL), Name: s.Title(), Every: s.Every,
		Tags: append([]string{}, s.Tags...), Enabled: s.Enabled, Private: s.Private, Origin: s.Origin,
		Headers: slices.Sorted(maps.Keys(s.Headers)),
		Status:  statusOf(s), Condition: s.Condition(), Error: s.State.Error, Failures: s.State.Failures,
		LastFetch: s.State.LastFetch, LastSuccess: s.State.LastSuccess, LastChange: s.State.LastChange,
		NextDue: s.State.NextDue, DueReason: s.State.DueReason,
		Fetches: s.State.Fetches, NotModified: s.State.NotModified, BytesIn: s.State.BytesIn, BytesSaved: s.State.BytesSaved,
		FullText: s.FullText, Topic: s.Topic, Scored: s.State.Scored, OnTopic: s.State.OnTopic,
	}
}

func (p *program) sourceRemoveCommand() *cobra.Command {
	var purge bool
	cmd := &cobra.Command{
		Use:   "remove SOURCE",
		Short: "Remove an added source; its items stay",
		Args:  arguments(1, 1, "source"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withStore(cmd.Context(), func(_ Config, st *store.Store) error {
				src, err := st.Source(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				s := sources{store: st, now: time.Now}
				if err := s.Remove(cmd.Context(), src.Slug, purge); err != nil {
					return err
				}
				p.say("removed %s (%s); its items %s", src.Slug, feed.Redacted(src.URL), map[bool]string{true: "are gone", false: "stay"}[purge])
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&purge, "purge", false, "remove its items too")
	return cmd
}

func (p *program) sourceImportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: "Add the feeds of an OPML file; - reads standard input",
		Long:  "Adds the feeds of an OPML file that are no sources yet. They are first fetched by the next run.",
		Args:  arguments(1, 1, "OPML file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := p.readOPML(args[0])
			if err != nil {
				return err
			}
			return p.withStore(cmd.Context(), func(cfg Config, st *store.Store) error {
				return p.sourceImport(cmd.Context(), cfg, st, list)
			})
		},
	}
}

// readOPML reads the feeds of a file, or of standard input for "-".
func (p *program) readOPML(name string) ([]feed.Source, error) {
	in := p.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, feed.Errorf(feed.CodeInvalid, "the OPML file cannot be read: %w", err)
		}
		defer f.Close()
		in = f
	}
	list, others, err := feed.ParseOPML(in)
	return append(list, others...), err // what is wrong with the others, adding them tells
}

// sourceImport adds those of the list that are new and well-formed, and names
// the others.
func (p *program) sourceImport(ctx context.Context, cfg Config, st *store.Store, list []feed.Source) error {
	have, err := st.Sources(ctx)
	if err != nil {
		return err
	}
	importer := sources{store: st, now: time.Now}
	report, err := importer.addAll(ctx, list, append(have, unseen(cfg, have)...))
	if err != nil {
		return err
	}
	added, already, wrong := 0, 0, []string{}
	for _, one := range report {
		switch {
		case one.Added:
			added++
		case one.Problem != "":
			wrong = append(wrong, fmt.Sprintf("%s was left out: %s", cmp.Or(one.Source.Name, "a feed without a name"), one.Problem))
		default:
			already++
		}
	}
	if len(wrong) == 0 {
		p.say("%s added, %d known already", plural(added, "source"), already)
		return nil
	}
	p.say("%s added, %d known already, %d left out", plural(added, "source"), already, len(wrong))
	return feed.Errorf(feed.CodeUnavailable, "%s", strings.Join(wrong, "\n"))
}

func (p *program) sourceExportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export [FILE]",
		Short: "Write the sources as OPML, to a file or standard output",
		Long:  "Writes the feeds among the sources as OPML 2.0. Private ones are left out.",
		Args:  arguments(0, 1, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withStore(cmd.Context(), func(cfg Config, st *store.Store) error {
				list, err := st.Sources(cmd.Context())
				if err != nil {
					return err
				}
				return p.sourceExport(cfg.Title, append(list, unseen(cfg, list)...), args)
			})
		},
	}
}

// sourceExport writes the list to the file that args names, if any, and says
// how many it may not tell of.
func (p *program) sourceExport(title string, list []feed.Source, args []string) error {
	text, err := feed.OPML(title, list, time.Now())
	if err != nil {
		return err
	}
	if len(args) == 0 {
		_, err = p.stdout.Write(text)
	} else if err = os.WriteFile(args[0], text, 0o644); err != nil { //nolint:gosec // made to be passed on; it names no private source
		err = feed.Errorf(feed.CodeInvalid, "the OPML file cannot be written: %w", err)
	}
	private := 0
	for _, s := range list {
		if s.Kind == feed.KindFeed && (s.Private || s.HasSecrets()) {
			private++
		}
	}
	if err == nil && private > 0 {
		fmt.Fprintf(p.stderr, "tributary: %s left out\n", map[bool]string{true: "1 private source was", false: fmt.Sprintf("%d private sources were", private)}[private == 1])
	}
	return err
}
