package ingest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tributary/feed"
	"tributary/ingest/dedupe"
	"tributary/ingest/fetch"
	"tributary/ingest/words"
)

// Fetcher gets a feed's document. See fetch.Client.
type Fetcher interface {
	Get(ctx context.Context, src feed.Source, force bool) fetch.Result
}

// Policy says when a source is due and what a fetch means for it. It is pure.
// See scheduler.Policy.
type Policy interface {
	Due(src feed.Source, force bool, now time.Time) (ok bool, why string)
	After(src feed.Source, r fetch.Result, about feed.Channel, changed bool, now time.Time) feed.SourceState
	// Pushed is the state of src after its hub has sent a document; brought tells
	// whether that held anything we did not know.
	Pushed(src feed.Source, brought bool, now time.Time) feed.SourceState
	// OurNetwork tells whether the failures of a run look like our own
	// network's, so that no source is to blame.
	OurNetwork(results []fetch.Result) bool
}

// Store is what the pipeline asks of a store. Its reading methods do not wait
// for a writer.
type Store interface {
	TopicStore
	neighbourhood
	EntryByID(ctx context.Context, id int64) (feed.HeldEntry, error)
	scored
	// Doubtful are entries that RuleDoubtful holds, whole, newest first, from
	// the one with the ID before on; 0: from the newest.
	Doubtful(ctx context.Context, before int64, limit int) ([]feed.HeldEntry, error)
	Listed(ctx context.Context, sourceID int64) ([]feed.Known, error)
	ByIdentity(ctx context.Context, sourceID int64, identities []int64) ([]feed.Known, error)
	ByRaw(ctx context.Context, sourceID int64, raws []int64) ([]feed.Known, error)
	Write(ctx context.Context, do func(Tx) error) error
}

// Tx is the one transaction in which entries are decided and applied.
type Tx interface {
	neighbourhood
	EntryByID(ctx context.Context, id int64) (feed.HeldEntry, error)
	SaveScores(ctx context.Context, scores []feed.Score) error
	SaveProfile(ctx context.Context, p feed.Profile) (feed.Profile, error)
	Judge(ctx context.Context, j feed.Judgement) error
	Unjudge(ctx context.Context, entryID int64) (had bool, err error)
	Mark(ctx context.Context, marks []feed.Mark) error
	SaveSketches(ctx context.Context, sketches []feed.Sketch) error
	Sketches(ctx context.Context, entryIDs []int64) ([]feed.Sketch, error)
	FoundStories(ctx context.Context, items []feed.Sketch) error
	JoinStory(ctx context.Context, itemRow, storyRow int64, why string, now time.Time) error
	// RecountItem counts the publishers of the item's story anew, if it is in one.
	RecountItem(ctx context.Context, itemRow int64, now time.Time) error
	Merge(ctx context.Context, from, into int64, now time.Time) error
	Unmerge(ctx context.Context, itemRow int64) error
	NoteCorrection(ctx context.Context, c feed.Correction) error
	Supporters(ctx context.Context, itemRow int64) ([]feed.Known, error)
	InsertItems(ctx context.Context, items []*feed.Item, run string) error
	InsertEntries(ctx context.Context, entries []*feed.Entry) error
	InsertEntry(ctx context.Context, e *feed.Entry) error
	UpdateEntry(ctx context.Context, e feed.Entry) error
	SetLead(ctx context.Context, itemRow, entryID int64) error
	// Refound gives a waiting item the id and dates of item, and the entry as
	// its lead; it tells whether the item was waiting.
	Refound(ctx context.Context, item feed.Item, entryID int64) (waiting bool, err error)
	TouchItem(ctx context.Context, itemRow int64, updated time.Time) error
	Decide(ctx context.Context, entryID, itemRow int64, d feed.Decision) error
	Unname(ctx context.Context, sourceID int64, identities []int64) error
	Unlist(ctx context.Context, entryIDs []int64, at time.Time) error
	Relist(ctx context.Context, entryIDs []int64) error
	Withdraw(ctx context.Context, itemRow int64, at time.Time) error
	Restore(ctx context.Context, itemRow int64) error
	Changed(ctx context.Context) error
	SaveSource(ctx context.Context, id int64, about feed.Channel, state feed.SourceState) error
	CountDay(d feed.SourceDay)
	Admit(ctx context.Context, skipRuns []string, now time.Time) ([]feed.Sketch, error)
	AdmitRun(ctx context.Context, run string, now time.Time) ([]feed.Sketch, error)
	Waiting(ctx context.Context, itemRow int64) (bool, error)
}

// prepared is a source's part of a run when it reaches the transaction.
type prepared struct {
	source    feed.Source
	about     feed.Channel
	result    fetch.Result
	sightings []sighting   // new and changed entries
	unlisted  []feed.Known // no longer in the document
	relisted  []feed.Known // unchanged, and back in it
	began     time.Time
	report    feed.SourceReport
	problems  []string  // of a folder: files that could not be read, and why
	scored    int       // entries that have a score
	onTopic   int       // and of these, those on topic
	claimed   bool      // to be released when it is done with
	skipped   bool      // it was left alone after all
	pushed    bool      // its document came from its hub
	hub       feed.Hub  // that a Fetched document names
	rest      time.Time // until then a host of its pages asked to be left alone
	fatal     error
}

// fail makes it a failure that was found after it was fetched or scanned.
func (p *prepared) fail(err error) {
	p.sightings, p.unlisted, p.relisted, p.about = nil, nil, nil, p.source.About
	p.report.Outcome, p.report.Counts = feed.OutcomeFailed, feed.Counts{}
	p.problems = []string{err.Error()}
	if p.source.Kind == feed.KindFeed {
		p.result = unreadable(p.result, err)
	}
}

// failed tells whether there is nothing to apply.
func (p *prepared) failed() bool {
	if p.source.Kind == feed.KindFolder {
		return p.report.Outcome == feed.OutcomeFailed
	}
	return p.result.Kind == fetch.Failed
}

// sighting is one entry of a document, with what is known of it.
type sighting struct {
	entry   feed.Entry
	words   [2]words.Text // title and body, until it is read
	opinion Opinion       // of the topic's judge
	reading reading
	known   *feed.Known // nil: new to its source
	seed    string      // what a new item's id is minted from; "": source and identity
	hold    *feed.Decision
}

// sketch is what decides about the story of its item.
func (s *sighting) sketch() feed.Sketch {
	return feed.Sketch{EntryID: s.entry.ID, When: s.entry.When(), Terms: s.reading.terms}
}

// text is the entry's text for comparing. It is read again for the few that are
// compared: the words of all that wait for the transaction would fill the memory.
func (s *sighting) text() dedupe.Text {
	if s.entry.Text == "" { // it comes from the store
		return dedupe.Read(split(s.entry))
	}
	return dedupe.Read(words.Split(s.entry.Title), words.Split(s.entry.Text))
}

func newReport(src feed.Source) feed.SourceReport {
	return feed.SourceReport{
		Source: src.Slug, Name: src.Title(), Outcome: feed.OutcomeOK, Status: src.State.Status,
		NextDue: src.State.NextDue, DueReason: src.State.DueReason,
	}
}

// weigh drops keys that are no evidence within this document.
func (p *prepared) weigh() {
	entries := make([]feed.Entry, len(p.sightings))
	for i, s := range p.sightings {
		entries[i] = s.entry
	}
	dedupe.Weigh(entries)
	for i := range entries {
		p.sightings[i].entry.Keys = entries[i].Keys
	}
}

// capFirstImport holds all but the newest entries of a source's first
// document that are on topic. Undated ones count as old; among equals the document's order stands.
func (p *prepared) capFirstImport() {
	if p.source.State.Imported || len(p.sightings) <= firstImport {
		return
	}
	var order []int
	for i, s := range p.sightings {
		if s.opinion.Held == nil {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return p.sightings[b].entry.Published.Compare(p.sightings[a].entry.Published)
	})
	for _, i := range order[min(firstImport, len(order)):] {
		p.sightings[i].hold = &feed.Decision{Kind: feed.Held, Rule: "backlog",
			Reason: "It was older than the newest 50 when its source was first read."}
	}
}

// judge asks whether the entries that are new, or read otherwise, are on topic.
func (p *prepared) judge(j Judge) {
	for i := range p.sightings {
		s := &p.sightings[i]
		if s.known == nil || s.known.Keys.Shown != s.entry.Keys.Shown {
			s.words = [2]words.Text{words.Split(s.entry.Title), words.Split(s.entry.Text)}
			s.opinion = j.ask(p.source, s.entry, s.words[0], s.words[1], p.language(s))
			p.count(s.opinion)
		}
	}
}

// count notes how often the source is on topic.
func (p *prepared) count(o Opinion) {
	if o.Score == nil {
		return
	}
	p.scored++
	if o.Held == nil {
		p.onTopic++
	}
}

func (p *prepared) language(s *sighting) string { return cmp.Or(s.entry.Language, p.about.Language) }

// read reads the entries that may be published or compared.
func (p *prepared) read() {
	for i := range p.sightings {
		s := &p.sightings[i]
		shown := s.known != nil && s.known.ItemID != 0
		if s.hold == nil && (shown || !s.opinion.off()) && len(s.words[0].Words)+len(s.words[1].Words) > 0 {
			s.reading = read(s.words[0], s.words[1], s.entry.When(), p.language(s))
		}
		s.words = [2]words.Text{}
	}
}

// size estimates the bytes that the prepared source keeps in memory.
func (p *prepared) size() int {
	n := 1 << 10
	for _, s := range p.sightings {
		n += len(s.entry.Content) + len(s.entry.Summary) + len(s.entry.Text) + len(s.reading.terms) + 1024
	}
	return n
}

// sameBody tells whether the body is, byte for byte, that of the last answer.
func sameBody(src feed.Source, res fetch.Result) bool {
	return src.State.BodyHash != 0 && src.State.BodyHash == res.BodyHash && src.State.Status != feed.StatusTruncated
}
