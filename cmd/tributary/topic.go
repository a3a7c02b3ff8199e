package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tributary/ingest"
	"tributary/ingest/folder"
	"tributary/ingest/topic"
	"tributary/store"
)

func (p *program) topicCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "topic",
		Short: "Show what is learned of the topic, look over what was held, and put it right",
	}, p.topicShowCommand(), p.topicReviewCommand(), p.topicVerdictCommand(accepting), p.topicVerdictCommand(refusing),
		p.topicVerdictCommand(undoing), p.topicReplayCommand())
}

func (p *program) topicShowCommand() *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show the filter, its rules, and the terms and names that it has learned from the seeds",
		Args:  arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withStore(cmd.Context(), func(cfg Config, st *store.Store) error {
				v, err := topicOf(cmd.Context(), cfg, st)
				if err != nil {
					return err
				}
				if asJSON {
					return p.json(v)
				}
				return p.topicShow(cfg, v, all)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, fmt.Sprintf("list every term, not just the strongest %d", termsTold))
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with every term")
	return cmd
}

// termsTold is how many terms are told to who does not ask for all.
const termsTold = 40

// heldOfLate is how far back what was held is counted.
const heldOfLate = 7 * 24 * time.Hour

// topicView is what is known of the topic, as --json prints it.
type topicView struct {
	Filter     string         `json:"filter"`
	Says       string         `json:"says"` // who decides, in a sentence
	Threshold  float64        `json:"threshold"`
	Rules      rulesView      `json:"rules"`
	Version    int64          `json:"version"` // of the profile; 0: there is none
	Made       time.Time      `json:"made,omitzero"`
	Background int            `json:"background"` // entries of late that it knows what is common by
	Held       map[string]int `json:"held"`       // by rule, of the last seven days
	Seeds      []string       `json:"seeds"`      // titles
	Terms      []termView     `json:"terms"`      // strongest first
}

// rulesView are the rules of the configuration.
type rulesView struct {
	Include []string `json:"include"`
	Exclude []string `json:"exclude"`
	Require []string `json:"require"`
}

// termView is a term of the profile. One below zero speaks against the topic.
type termView struct {
	Term   string  `json:"term"`
	Kind   string  `json:"kind"` // name or word
	Weight float64 `json:"weight"`
	Seeds  []int   `json:"seeds"` // numbers of the seeds that have it, from 1; none: learned from the news
}

// topicOf reads the newest profile and what was held by it.
func topicOf(ctx context.Context, cfg Config, st *store.Store) (topicView, error) {
	stored, err := st.Profile(ctx)
	if err != nil {
		return topicView{}, err
	}
	v := topicView{
		Filter: cfg.Filter, Says: cfg.whoDecides(ctx, stored.Version), Threshold: topic.Threshold, Version: stored.Version, Made: stored.Made,
		Rules: rulesView{append([]string{}, cfg.Rules.include...), append([]string{}, cfg.Rules.exclude...), append([]string{}, cfg.Rules.require...)},
		Seeds: []string{}, Terms: []termView{},
	}
	if v.Held, err = st.HeldCounts(ctx, time.Now().Add(-heldOfLate)); err != nil || stored.Version == 0 {
		return v, err
	}
	var profile topic.Profile
	if err := json.Unmarshal(stored.Data, &profile); err != nil {
		return v, fmt.Errorf("read version %d of the topic's profile: %w", stored.Version, err)
	}
	v.Seeds, v.Background = append(v.Seeds, profile.Seeds...), profile.Background.Entries
	for _, t := range profile.Terms {
		v.Terms = append(v.Terms, termOf(t))
	}
	return v, nil
}

func termOf(t topic.Weight) termView {
	v := termView{Term: t.Shown, Kind: "word", Weight: t.Weight, Seeds: []int{}}
	if t.Name {
		v.Kind = "name"
	}
	for _, i := range t.Seeds {
		v.Seeds = append(v.Seeds, i+1)
	}
	return v
}

// whoDecides says in a sentence what decides about the topic. version is that of
// the profile, 0 if there is none.
func (c Config) whoDecides(ctx context.Context, version int64) string {
	ruled := !c.filter().Rules.Empty()
	switch {
	case c.Filter == ingest.FilterOff:
		return "The filter is off (" + c.whereIs("topic.filter") + "): everything is published."
	case c.Filter == ingest.FilterRules && ruled:
		return "The rules alone decide (" + c.whereIs("topic.filter") + ")."
	case c.Filter == ingest.FilterRules:
		return "Everything is published, since the rules alone decide (" + c.whereIs("topic.filter") + ") and there is none."
	case version != 0 && ruled:
		return fmt.Sprintf("What the seeds taught decides (version %d of the profile), and the rules before it.", version)
	case version != 0:
		return fmt.Sprintf("What the seeds taught decides (version %d of the profile).", version)
	}
	switch seeds, err := seedFiles(ctx, c); {
	case err != nil && c.givesSeeds():
		return fmt.Sprintf("What feeds bring is held until the seeds can be read: %v.", err)
	case seeds > 0:
		return fmt.Sprintf("There is no profile yet: the next ingest learns it from the %s in %s.", plural(seeds, "document"), c.Seeds)
	case ruled:
		return "The rules alone decide, since there is no seed in " + c.Seeds + " to learn from."
	}
	return "Everything is published, since there is no seed and no rule: put a document on the topic into " + c.Seeds + "."
}

// seedFiles is how many documents the seeds folder has.
func seedFiles(ctx context.Context, cfg Config) (int, error) {
	scan, err := folder.Scan(ctx, cfg.Seeds, nil, time.Now())
	return len(scan.Files), err
}

// givesSeeds tells whether a person has named the seeds folder, or made the one
// that is meant where none is named.
func (c Config) givesSeeds() bool {
	_, err := os.Stat(c.Seeds)
	return c.from["seeds"] != "" || !errors.Is(err, fs.ErrNotExist)
}

// topicShow prints what is known of the topic for a person.
func (p *program) topicShow(cfg Config, v topicView, all bool) error {
	p.say("%s", v.Says)
	if v.Filter != ingest.FilterOff {
		p.rule("include", v.Rules.Include)
		p.rule("exclude", v.Rules.Exclude)
		p.rule("require", v.Rules.Require)
		p.detail("held", heldWords(v.Held))
	}
	if v.Version == 0 {
		return nil
	}
	p.say("\nThe profile")
	p.detail("version", fmt.Sprintf("%d, of %s", v.Version, when(v.Made, cfg.TimeZone)))
	p.detail("threshold", fmt.Sprintf("%.2f", v.Threshold))
	p.detail("background", entriesOf(v.Background)+" that came of late, and general English")
	for i, title := range v.Seeds {
		p.detail("seed "+strconv.Itoa(i+1), clip(oneLine(title), 100))
	}
	p.say("")
	return p.terms(v.Terms, all)
}

// rule prints the rules of one kind.
func (p *program) rule(kind string, rules []string) {
	for _, r := range rules {
		p.detail(kind, r)
	}
}

// terms prints the table of the terms.
func (p *program) terms(list []termView, all bool) error {
	told := list
	if !all {
		told = list[:min(len(list), termsTold)]
	}
	rows := make([][]string, len(told))
	for i, t := range told {
		rows[i] = []string{fmt.Sprintf("%7.3f", t.Weight), t.Term, t.Kind, seedWords(t.Seeds)}
	}
	if err := p.table([]string{" WEIGHT", "TERM", "KIND", "SEEDS"}, rows); err != nil {
		return err
	}
	if len(told) < len(list) {
		p.say("\n%d more, the last of which speak against the topic: tributary topic show --all", len(list)-len(told))
	}
	return nil
}

// seedWords names the seeds that have a term.
func seedWords(seeds []int) string {
	if len(seeds) == 0 {
		return "none: it was learned from the news"
	}
	words := make([]string, len(seeds))
	for i, n := range seeds {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ", ")
}

// heldWords says how much was held of late, and by what.
func heldWords(counts map[string]int) string {
	var parts []string
	for _, k := range []struct{ rule, what string }{
		{ingest.RuleOffTopic, "%d off topic"},
		{ingest.RuleDoubtful, "%d doubtful (tributary topic review)"},
		{ingest.RuleRule, "%d by a rule"},
		{"language", "%d in another language"},
	} {
		if n := counts[k.rule]; n > 0 {
			parts = append(parts, fmt.Sprintf(k.what, n))
		}
	}
	if parts == nil {
		return "nothing in the last 7 days"
	}
	return "in the last 7 days " + strings.Join(parts, ", ")
}
