package main

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/topic"
	"tributary/scheduler"
	"tributary/store"
)

// replaying is what topic replay is asked for.
type replaying struct {
	since, threshold string
	apply, asJSON    bool

	from  time.Time // since
	limit float64   // threshold; 0: the default
}

func (p *program) topicReplayCommand() *cobra.Command {
	var r replaying
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Show which stored entries would change sides with other rules or another threshold",
		Long: "Asks anew about the entries that came since a time, with the present rules and the newest profile, and shows\n" +
			"which would change sides. With --config, the rules of that file are tried; with --threshold, another threshold.\n" +
			"Nothing changes but with --apply. What a person has decided stands. What comes later is decided by the\n" +
			"configuration, whatever was tried: topic.threshold keeps a threshold.",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := r.check(time.Now()); err != nil {
				return usage(cmd, err)
			}
			return p.withStore(cmd.Context(), func(cfg Config, st *store.Store) error {
				return p.topicReplay(cmd.Context(), cfg, st, r)
			})
		},
	}
	cmd.Flags().StringVar(&r.since, "since", "14d", "entries that came within this `time`")
	cmd.Flags().StringVar(&r.threshold, "threshold", "", "`score` from which an entry is on topic, such as 0.45 (default "+trimmed(topic.Threshold)+")")
	cmd.Flags().BoolVar(&r.apply, "apply", false, "carry the changes out; at most "+strconv.Itoa(ingest.AtOnce)+" entries are let in at once")
	cmd.Flags().BoolVar(&r.asJSON, "json", false, "print JSON")
	return cmd
}

// check reads the flags.
func (r *replaying) check(now time.Time) error {
	var wrong problems
	since, err := parseDuration(r.since)
	if err == nil && since == 0 {
		err = feed.Errorf(feed.CodeInvalid, "%q is no time at all; 14d is usual", r.since)
	}
	if err != nil {
		wrong.add(problem{"--since", "", err.Error()})
	}
	r.from = now.Add(-since)
	if r.threshold != "" {
		if r.limit, err = parseThreshold(r.threshold); err != nil {
			wrong.add(problem{"--threshold", "", err.Error()})
		}
	}
	return wrong.err()
}

// trimmed writes a number without zeros at its end.
func trimmed(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// replayView is what a replay came to, as --json prints it.
type replayView struct {
	Since     time.Time    `json:"since"`
	Threshold float64      `json:"threshold"`
	Profile   int64        `json:"profile"` // version; 0: there is none
	In        int          `json:"in"`      // entries that would be published
	Out       int          `json:"out"`     // entries that would be held
	Changes   []changeView `json:"changes"`
	Applied   *appliedView `json:"applied,omitempty"`
}

// changeView is an entry that would change sides.
type changeView struct {
	Entry  int64      `json:"entry"`
	Side   string     `json:"side"` // in or out
	Was    *scoreView `json:"was"`
	Is     *scoreView `json:"is"`
	Source string     `json:"source"`
	Title  string     `json:"title"`
	URL    string     `json:"url,omitempty"`
	Reason string     `json:"reason"`
}

// appliedView is what was carried out.
type appliedView struct {
	In      int `json:"in"`
	Out     int `json:"out"`
	Waiting int `json:"waiting"`
}

func (p *program) topicReplay(ctx context.Context, cfg Config, st *store.Store, r replaying) error {
	filter := cfg.filter()
	filter.Threshold = cmp.Or(r.limit, filter.Threshold)
	if r.limit != 0 && filter.Mode != ingest.FilterLearned {
		return feed.Errorf(feed.CodeInvalid, "--threshold: nothing is scored, since the filter is %s; %s says so", filter.Mode, cfg.whereIs("topic.filter"))
	}
	judge, err := ingest.Learned(ctx, st, filter)
	if err != nil {
		return err
	}
	edit := ingest.Editor{Store: trying{scheduler.ForEditor(st), declaredTopics(cfg)}, Now: time.Now}
	changes, err := edit.Replay(ctx, judge, r.from)
	if err != nil {
		return err
	}
	v := replayView{Since: r.from, Threshold: cmp.Or(filter.Threshold, topic.Threshold), Profile: judge.Version, Changes: []changeView{}}
	for _, c := range changes {
		v.add(judge, c)
	}
	if r.apply {
		v.Applied = &appliedView{}
		if v.Applied.In, v.Applied.Out, v.Applied.Waiting, err = edit.Apply(ctx, changes); err != nil {
			return err
		}
	}
	if r.asJSON {
		return p.json(v)
	}
	return p.replayed(cfg, v)
}

// trying shows the sources of entries as a configuration declares them: it may
// be one that no run has seen.
type trying struct {
	ingest.EditorStore
	topics map[string]string // by URL
}

func (t trying) ScoredSince(ctx context.Context, since time.Time, before int64, limit int) ([]feed.HeldEntry, error) {
	all, err := t.EditorStore.ScoredSince(ctx, since, before, limit)
	for i := range all {
		if topic, declared := t.topics[all[i].Source.URL]; declared {
			all[i].Source.Topic = topic
		}
	}
	return all, err
}

func declaredTopics(cfg Config) map[string]string {
	topics := map[string]string{}
	for _, s := range cfg.Sources {
		topics[s.URL] = s.Topic
	}
	return topics
}

func (v *replayView) add(j ingest.Judge, c ingest.Change) {
	e := c.Entry.Entry
	change := changeView{Entry: e.ID, Side: "out", Was: scoreJSON(c.Entry.Score), Source: c.Entry.Source.Slug, Title: e.Title, URL: e.URL}
	switch {
	case c.Opinion.Held != nil:
		change.Reason = c.Opinion.Held.Reason
	case c.Opinion.Score != nil:
		change.Reason = c.Opinion.Score.Why
	case j.Filter.Mode == ingest.FilterOff:
		change.Reason = "The filter is off."
	case c.Entry.Source.Topic == ingest.FilterOff:
		change.Reason = "Its source is on topic by itself (topic: off)."
	default:
		change.Reason = "A rule lets it in, or none keeps it out."
	}
	if c.Opinion.Score != nil {
		change.Is = scoreJSON(*c.Opinion.Score)
	}
	if c.In {
		change.Side = "in"
		v.In++
	} else {
		v.Out++
	}
	v.Changes = append(v.Changes, change)
}

// replayed prints the changes for a person.
func (p *program) replayed(cfg Config, v replayView) error {
	since := when(v.Since, cfg.TimeZone)
	if len(v.Changes) == 0 {
		p.say("Nothing that came since %s would change sides.", since)
		return nil
	}
	rows := make([][]string, len(v.Changes))
	for i, c := range v.Changes {
		rows[i] = []string{c.Side, strconv.FormatInt(c.Entry, 10), c.Was.short() + " → " + c.Is.short(), c.Source, clip(oneLine(c.Title), 70), c.Reason}
	}
	if err := p.table([]string{"SIDE", "ENTRY", "SCORE", "SOURCE", "TITLE", "WHY"}, rows); err != nil {
		return err
	}
	if v.Applied == nil {
		p.say("\nOf what came since %s, %d would come in and %d go out; --apply does it", since, v.In, v.Out)
		return nil
	}
	p.say("\n%d let in, %d taken out", v.Applied.In, v.Applied.Out)
	if v.Applied.Waiting > 0 {
		p.say("%s to wait: at most %d are let in at once, so that they do not push what is new out of readers' sight; the same command lets more in later",
			map[bool]string{true: "1 has", false: strconv.Itoa(v.Applied.Waiting) + " have"}[v.Applied.Waiting == 1], ingest.AtOnce)
	}
	return nil
}
