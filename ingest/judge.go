package ingest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"tributary/feed"
	"tributary/ingest/topic"
	"tributary/ingest/words"
)

// Filter says how entries are told to be on topic.
type Filter struct {
	Mode  string // FilterLearned, FilterRules or FilterOff
	Rules topic.Rules
	// Seeds says that a person gives seeds: while they cannot be read, entries wait.
	Seeds bool
	// Threshold is the score from which an entry is on topic; 0: the
	// profile's own, topic.Threshold.
	Threshold float64
}

// The modes of a [Filter].
const (
	FilterLearned = "learned" // by what the seeds taught, and the rules
	FilterRules   = "rules"   // by the rules alone
	FilterOff     = "off"     // everything is on topic
)

// The rules of decisions about the topic, as [feed.Decision] names them.
const (
	RuleOffTopic = "topic"
	RuleDoubtful = "topic doubtful"
	RuleRule     = "rule"
	RulePerson   = "person"
)

// HeldByTopic tells whether a decision's rule is one of the topic's.
func HeldByTopic(rule string) bool {
	return rule == RuleOffTopic || rule == RuleDoubtful || rule == RuleRule
}

// Judge decides whether entries are on topic. It does not change while a run lasts.
type Judge struct {
	Filter  Filter
	Profile *topic.Profile // nil: there never was a seed
	Version int64          // of the profile
	Unread  string         // why there is none, where there are seeds: a sentence
}

// Opinion is what a [Judge] thinks of an entry.
type Opinion struct {
	Score *feed.Score    // nil: it was not scored
	Held  *feed.Decision // nil: it is on topic
}

// off tells whether the entry is off topic beyond doubt.
func (o Opinion) off() bool { return o.Held != nil && o.Held.Rule != RuleDoubtful }

// ask gives the opinion on an entry of a source.
func (j Judge) ask(src feed.Source, e feed.Entry, title, body words.Text, language string) Opinion {
	if src.Kind == feed.KindFolder || src.Topic == FilterOff || j.Filter.Mode == FilterOff {
		return Opinion{}
	}
	alone := j.Filter.Mode == FilterRules || j.Profile == nil && j.Unread == ""
	ruled := j.Filter.Rules.Check(topic.Subject{Entry: e, Title: title, Text: body, Source: src.Slug, SourceName: src.Title()}, alone)
	if ruled.Out {
		return Opinion{Held: &feed.Decision{Kind: feed.Held, Rule: RuleRule, Reason: ruled.Reason}}
	}
	if ruled.In || alone {
		return Opinion{}
	}
	if j.Profile == nil {
		return Opinion{Held: &feed.Decision{Kind: feed.Held, Rule: RuleDoubtful, Reason: j.Unread}}
	}
	return j.score(src, topic.Read(title, body, language))
}

func (j Judge) score(src feed.Source, bag topic.Bag) Opinion {
	s := j.Profile.Score(bag)
	d := s.Decide(cmp.Or(j.Filter.Threshold, topic.Threshold), topic.Leniency(src.State.Scored, src.State.OnTopic))
	value := math.Floor(s.Value*1000) / 1000 // as it is stored; rounded up, it might reach the threshold
	o := Opinion{Score: &feed.Score{Value: value, Profile: j.Version, Why: d.Reason}}
	switch d.Side {
	case topic.Off:
		o.Held = &feed.Decision{Kind: feed.Held, Rule: RuleOffTopic, Reason: d.Reason}
	case topic.Doubtful:
		o.Held = &feed.Decision{Kind: feed.Held, Rule: RuleDoubtful, Reason: d.Reason}
	}
	return o
}

// scoredKept is how many scored entries a source is remembered by, about.
const scoredKept = 200

// remembered adds to what a source is known by.
func remembered(st feed.SourceState, scored, onTopic int) feed.SourceState {
	st.Scored, st.OnTopic = st.Scored+scored, st.OnTopic+onTopic
	for st.Scored > scoredKept {
		st.Scored, st.OnTopic = st.Scored/2, st.OnTopic/2
	}
	return st
}

// TopicStore is what learning a topic asks of a store.
type TopicStore interface {
	Source(ctx context.Context, name string) (feed.Source, error)
	ProfileHead(ctx context.Context) (feed.Profile, error)
	Profile(ctx context.Context) (feed.Profile, error)
	SeedEntries(ctx context.Context) ([]feed.Entry, error)
	Judged(ctx context.Context, limit int) ([]feed.JudgedEntry, error)
	JudgedHead(ctx context.Context) (n int, newest time.Time, err error)
	Recent(ctx context.Context, limit int) ([]feed.Entry, error)
}

const (
	// renewAfter is how long a profile's background stands: what is common in
	// the news changes from day to day, not from hour to hour.
	renewAfter = 24 * time.Hour
	// A background of fewer entries is made anew when there are half as many
	// again: until then it says too little of what is common.
	backgroundEnough = 1000
	backgroundLeast  = 50
	recentKept       = 3000
	judgedKept       = 1000
)

// Learned gives the newest profile as it is stored, and does not learn.
func Learned(ctx context.Context, st TopicStore, f Filter) (Judge, error) {
	p, err := st.Profile(ctx)
	if err != nil {
		return Judge{Filter: f}, err
	}
	if p.Version == 0 {
		why, err := unread(ctx, st, f)
		return Judge{Filter: f, Unread: why}, err
	}
	return judgeOf(f, p)
}

// unread says why the seeds could not be read, "" if they could or there are none.
func unread(ctx context.Context, st TopicStore, f Filter) (string, error) {
	if f.Mode != FilterLearned || !f.Seeds {
		return "", nil
	}
	src, err := st.Source(ctx, feed.SeedsSlug)
	if feed.CodeOf(err) == feed.CodeNotFound {
		return "", nil
	}
	if err != nil || !src.Enabled || src.State.Status != feed.StatusFailing {
		return "", err
	}
	return fmt.Sprintf("The seeds in %s could not be read: %s; held until they can.", src.URL, src.State.Error), nil
}

func judgeOf(f Filter, p feed.Profile) (Judge, error) {
	var profile topic.Profile
	if err := json.Unmarshal(p.Data, &profile); err != nil {
		return Judge{}, fmt.Errorf("read version %d of the topic's profile: %w", p.Version, err)
	}
	return Judge{Filter: f, Profile: &profile, Version: p.Version}, nil
}

// judge gives who decides in a run: by the newest profile, or, where seeds, a
// person's verdicts or the day call for it, by one that is learned anew and stored. A
// folder that has vanished has not changed: the last profile stays.
func (p *Pipeline) judge(ctx context.Context, run Run) (Judge, error) {
	f := p.filter()
	if f.Mode != FilterLearned {
		return Judge{Filter: f}, nil
	}
	p.judging.Lock()
	defer p.judging.Unlock()
	head, err := p.Store.ProfileHead(ctx)
	if err != nil {
		return Judge{}, err
	}
	if p.learned.Version != head.Version || head.Version == 0 {
		if p.learned, err = Learned(ctx, p.Store, f); err != nil {
			return Judge{}, err
		}
	}
	p.learned.Filter = f
	material, from, err := seedsOf(ctx, p.Store)
	if err != nil || len(material.Seeds) == 0 {
		return p.learned, err
	}
	if from == head.From && run.Now.Sub(head.Made) < renewAfter {
		if thin, err := p.thin(ctx); !thin || err != nil {
			return p.learned, err
		}
	}
	if err := p.learn(ctx, run, material, from); err != nil {
		return Judge{}, err
	}
	return p.learned, nil
}

// secondLook judges once more what the first run of all has brought: when it came,
// nothing was known of what is common in the news, and now there is enough to count.
// Before, it decides what has waited for the seeds.
// What has changed is told to done.
func (p *Pipeline) secondLook(ctx context.Context, run Run, done func(feed.SourceReport)) error {
	first := run.judge
	if first.Version == 1 {
		// However much it is, all comes in: there is nothing newer that it might push out.
		waiting, err := first.withoutSeeds(ctx, p.Store)
		if err == nil {
			err = p.carryOut(ctx, waiting, done)
		}
		if err != nil {
			return err
		}
	}
	if first.Profile == nil || first.Profile.Background.Entries > 0 {
		return nil
	}
	again, err := p.judge(ctx, run)
	if err != nil || again.Version == first.Version {
		return err
	}
	changes, err := replay(ctx, p.Store, again, run.Now)
	if err != nil {
		return err
	}
	return p.carryOut(ctx, changes, done)
}

// carryOut makes all the changes, some in each transaction, and tells what they make
// of what was reported of their sources.
func (p *Pipeline) carryOut(ctx context.Context, changes []Change, done func(feed.SourceReport)) error {
	for some := range slices.Chunk(changes, AtOnce) {
		var made []Change
		err := p.Store.Write(ctx, func(tx Tx) (err error) {
			made, _, err = carryOutAll(ctx, tx, some, p.Now())
			return err
		})
		if err != nil {
			return err
		}
		for _, ch := range made {
			done(feed.SourceReport{Source: ch.Entry.Source.Slug, Name: ch.Entry.Source.Title(), Counts: ch.counts(), Amends: true})
		}
	}
	return nil
}

func (p *Pipeline) filter() Filter {
	if p.Filter == nil {
		return Filter{Mode: FilterOff}
	}
	return p.Filter()
}

// thin tells whether the profile's background is of too few entries, and half as
// many again are there now.
func (p *Pipeline) thin(ctx context.Context) (bool, error) {
	has := p.learned.Profile.Background.Entries
	if has >= backgroundEnough {
		return false, nil
	}
	want := max(has*3/2, backgroundLeast)
	recent, err := p.Store.Recent(ctx, want)
	return len(recent) >= want, err
}

// seedsOf gives the seeds, and what a person has said, and a name for their
// present state.
func seedsOf(ctx context.Context, st TopicStore) (m topic.Material, from string, err error) {
	seeds, err := st.SeedEntries(ctx)
	if err != nil {
		return m, "", err
	}
	n, newest, err := st.JudgedHead(ctx)
	if err != nil {
		return m, "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, topic.Version, n, newest.UnixMilli())
	for _, e := range seeds {
		fmt.Fprintln(h, e.ID, e.Keys.Shown)
		title, body := split(e)
		m.Seeds = append(m.Seeds, topic.Seed(id(e), title, body, e.Language))
	}
	return m, hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// learn learns a profile and stores it as the next version.
func (p *Pipeline) learn(ctx context.Context, run Run, m topic.Material, from string) error {
	judged, err := p.Store.Judged(ctx, judgedKept)
	if err != nil {
		return err
	}
	for _, j := range judged {
		if j.Judgement.Verdict == feed.Accepted {
			m.Accepted = append(m.Accepted, document(j.Entry))
		} else {
			m.Rejected = append(m.Rejected, document(j.Entry))
		}
	}
	recent, err := p.Store.Recent(ctx, recentKept)
	if err != nil {
		return err
	}
	for _, e := range recent {
		m.Recent = append(m.Recent, document(e))
	}
	profile := topic.Learn(m)
	data, err := json.Marshal(profile)
	if err != nil {
		return err
	}
	var saved feed.Profile
	err = p.Store.Write(ctx, func(tx Tx) (err error) {
		saved, err = tx.SaveProfile(ctx, feed.Profile{Made: run.Now, From: from, Data: data})
		return err
	})
	if err != nil {
		return err
	}
	p.learned, err = judgeOf(p.learned.Filter, saved)
	return err
}

// document is an entry as a profile learns from it.
func document(e feed.Entry) topic.Document {
	title, body := split(e)
	return topic.Document{ID: id(e), Title: e.Title, Bag: topic.Read(title, body, e.Language)}
}

func id(e feed.Entry) string { return fmt.Sprint(e.ID) }
