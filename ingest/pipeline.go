package ingest

import (
	"context"
	"errors"
	"sync"
	"time"

	"tributary/feed"
	"tributary/ingest/clean"
	"tributary/ingest/dedupe"
	"tributary/ingest/fetch"
	"tributary/ingest/parse"
	"tributary/ingest/push"
)

// Pipeline is the way from a due source to the store.
type Pipeline struct {
	Store   Store
	Fetcher Fetcher
	Policy  Policy
	Now     func() time.Time
	// Filter says what is on topic, at present; nil: everything is.
	Filter func() Filter

	judging sync.Mutex
	learned Judge // the last one, for its profile; guarded by judging
	claims  claims
	stamps  stamps
	silence silence

	// Articles reads the pages of sources with the option FullText; nil: it has
	// no effect.
	Articles ArticleReader

	// Named, unless it is nil, is told when a source names another hub than before.
	Named func()
}

// Run is one ingest.
type Run struct {
	ID    string
	Now   time.Time // the run's one clock reading; what it stores is dated by it
	Force bool      // fetch also what is not due by our own interval
	// Others are the other runs under way when it is called: what they found
	// is theirs to admit.
	Others func() []string
	// Pushed is what a hub has sent, which is taken as the document of the run's
	// one source in place of asking for it; nil: it is asked for.
	Pushed *feed.Document

	judge Judge
}

func (r Run) others() []string {
	if r.Others == nil {
		return nil
	}
	return r.Others()
}

// finder names the run in the items that it finds. What is in a folder has a
// name of its own: it is admitted at once, and does not wait for slow servers.
func (r Run) finder(src feed.Source) string {
	if src.Kind == feed.KindFolder {
		return r.ID + " folder"
	}
	return r.ID
}

const (
	// firstImport is how many entries a new source brings at most, so that
	// it does not flood the window; older ones are held.
	firstImport = 50
	// hostsAtOnce bounds the hosts that are spoken to at the same time; each
	// has one connection.
	hostsAtOnce = 32
)

// Run takes sources through the line and calls done once for each, from one
// goroutine at a time. A source that fails is a report, not an error; an error
// means that the store failed or ctx ended, and what was committed stays.
//
// Folders go first: their documents define the topic. The line is: due source
// → fetch → parse → known by raw hash? → clean → score and read →
// [one transaction: look up → decide → apply, cursor with it] → admission, where
// each item finds its story.
func (p *Pipeline) Run(ctx context.Context, run Run, sources []feed.Source, done func(feed.SourceReport)) error {
	due, rest := p.due(run, sources)
	for _, r := range rest {
		done(r)
	}
	var folders, feeds []feed.Source
	for _, src := range due {
		if src.Kind == feed.KindFolder {
			folders = append(folders, src)
		} else {
			feeds = append(feeds, src)
		}
	}
	var err error
	if len(folders) > 0 {
		if err = p.line(ctx, run, folders, done); err != nil {
			return err
		}
	}
	if run.judge, err = p.judge(ctx, run); err != nil {
		return err
	}
	if err = p.line(ctx, run, feeds, done); err != nil {
		return err
	}
	return p.secondLook(ctx, run, done)
}

// line takes sources of one kind through.
func (p *Pipeline) line(ctx context.Context, run Run, due []feed.Source, done func(feed.SourceReport)) error {
	ctx, cancel := context.WithCancel(ctx)
	ready := newBatches(len(due))
	var workers sync.WaitGroup
	workers.Go(func() { p.prepareAll(ctx, run, due, ready) })
	defer func() { // whether the writer is done, has given up or has panicked
		cancel()
		p.release(ready.close())
		workers.Wait()
	}()
	w := writer{p: p, run: run, in: ready, done: done}
	return w.writeAll(ctx)
}

// due parts the sources into those to take now and reports on the others.
func (p *Pipeline) due(run Run, sources []feed.Source) (due []feed.Source, rest []feed.SourceReport) {
	for _, src := range sources {
		ok, why := p.Policy.Due(src, run.Force, run.Now)
		if run.Pushed != nil {
			ok, why = src.Enabled, "it was switched off meanwhile"
		}
		if !ok {
			rest = append(rest, NotDue(src, why))
			continue
		}
		due = append(due, src)
	}
	return due, rest
}

// NotDue is the report on a source that is left alone, and why.
func NotDue(src feed.Source, why string) feed.SourceReport {
	r := newReport(src)
	r.Outcome, r.DueReason = feed.OutcomeNotDue, why
	if !src.Enabled {
		r.Outcome = feed.OutcomeDisabled
	}
	return r
}

// prepare is the parallel part of the line for a fetched feed: all that can
// be done without knowing what other sources say.
func (p *Pipeline) prepare(ctx context.Context, run Run, src feed.Source, res fetch.Result) (prepared, error) {
	out := prepared{source: src, about: src.About, result: res, report: newReport(src)}
	out.report.Bytes, out.pushed = res.Bytes, run.Pushed != nil
	if res.Kind == fetch.Fetched && !src.HasSecrets() { // what is for its readers only, a hub need not know
		out.hub = push.Discover(res.Links, res.Document)
	}
	switch {
	case res.Kind == fetch.Failed:
		return out, nil
	case res.Kind == fetch.NotModified:
		out.report.Outcome = feed.OutcomeNotModified
		return out, nil
	case sameBody(src, res):
		return out, nil
	}
	doc, err := parse.Parse(res.Document, parse.Limits{})
	if err != nil {
		out.result = unreadable(res, err)
		return out, nil
	}
	out.about = doc.Channel
	if doc.Truncated {
		out.result.Failure = feed.StatusTruncated
	}
	news, err := recognise(ctx, p.Store, src, doc, &out)
	if err != nil {
		return out, err
	}
	if out.pushed {
		out.unlisted = nil // a hub may leave out what it has sent before (WebSub, 7)
	}
	for _, n := range news {
		out.sightings = append(out.sightings, sighting{known: n.known, entry: cleaned(n, doc, res, run)})
	}
	full := p.fullTexts(run, src, &out, news, func(r raw) feed.Entry { return cleaned(r, doc, res, run) })
	out.weigh()
	if err := full.keep(ctx); err != nil {
		return out, err
	}
	out.judge(run.judge)
	out.capFirstImport()
	if err := full.take(ctx); err != nil {
		return out, err
	}
	out.read()
	return out, nil
}

// unreadable turns an answer that is no feed into a failed fetch, so that it
// backs off as one.
func unreadable(res fetch.Result, err error) fetch.Result {
	res.Document.Body = nil
	if errors.Is(err, parse.ErrHTML) {
		return res.Fail(feed.StatusNotFeed, err)
	}
	return res.Fail(feed.StatusFailing, err)
}

// raw is an entry of a document that is new or has changed.
type raw struct {
	entry    feed.RawEntry
	identity string
	keys     feed.Keys // Identity and Raw
	shared   bool      // its link is other entries' link too
	known    *feed.Known
}

// recognise names the document's entries and sets aside those that are known
// and unchanged, before any is cleaned. It also notes which known entries the
// document has ceased to list.
func recognise(ctx context.Context, memory memory, src feed.Source, doc parse.Feed, out *prepared) ([]raw, error) {
	named := name(doc.Entries)
	known, err := recall(ctx, memory, src, named)
	if err != nil {
		return nil, err
	}
	var news []raw
	seen := make(map[int64]bool, len(named))
	for _, r := range named {
		if seen[r.keys.Identity] {
			continue // said twice in one document: the first, usually newest, counts
		}
		seen[r.keys.Identity] = true
		k, ok := known[r.keys.Identity]
		switch {
		case !ok:
			news = append(news, r)
		case k.Keys.Raw != r.keys.Raw:
			r.known = &k
			news = append(news, r)
		default:
			out.report.Counts.Unchanged++
			if !k.Listed {
				out.relisted = append(out.relisted, k)
			}
		}
	}
	if !doc.Truncated && doc.Cut == 0 { // else absence from it says nothing
		out.unlisted = absent(known, seen)
	}
	return news, nil
}

// name gives each entry its identity within the source.
func name(entries []feed.RawEntry) []raw {
	shared := dedupe.SharedIn(entries)
	named := make([]raw, len(entries))
	for i, e := range entries {
		guid := e.GUID
		if shared.GUIDs[guid] {
			guid = ""
		}
		r := raw{entry: e, shared: shared.Links[e.Link]}
		r.keys.Raw = clean.RawKey(e)
		canonical := ""
		if guid == "" && !r.shared {
			canonical = clean.Canonical(e.Link)
		}
		r.identity = dedupe.Identity(guid, canonical, clean.Key(e.Title.Value+"\n"+e.Link+"\n"+e.Summary.Value+e.Content.Value))
		r.keys.Identity = clean.Key(r.identity)
		named[i] = r
	}
	return named
}

// memory is what is known of a source's entries.
type memory interface {
	Listed(ctx context.Context, sourceID int64) ([]feed.Known, error)
	ByIdentity(ctx context.Context, sourceID int64, identities []int64) ([]feed.Known, error)
}

// recall maps identity keys to what is known of the source's entries: all that
// its last document listed, and of the others those that this one has.
func recall(ctx context.Context, memory memory, src feed.Source, named []raw) (map[int64]feed.Known, error) {
	known := map[int64]feed.Known{}
	if src.State.Fetches == 0 {
		return known, nil // never read before; one that was removed and added again may well have entries
	}
	listed, err := memory.Listed(ctx, src.ID)
	if err != nil {
		return nil, err
	}
	add(known, listed)
	var missing []int64
	for _, r := range named {
		if _, ok := known[r.keys.Identity]; !ok {
			missing = append(missing, r.keys.Identity)
		}
	}
	if len(missing) == 0 {
		return known, nil
	}
	earlier, err := memory.ByIdentity(ctx, src.ID, missing)
	add(known, earlier)
	return known, err
}

func add(known map[int64]feed.Known, more []feed.Known) {
	for _, k := range more {
		known[k.Keys.Identity] = k
	}
}

// absent are the listed entries that were not seen.
func absent(known map[int64]feed.Known, seen map[int64]bool) []feed.Known {
	var out []feed.Known
	for id, k := range known {
		if k.Listed && !seen[id] {
			out = append(out, k)
		}
	}
	return out
}

// cleaned makes an entry of what the source said.
func cleaned(r raw, doc parse.Feed, res fetch.Result, run Run) feed.Entry {
	e := clean.Entry(r.entry, clean.Context{
		DocumentURL: res.Document.URL,
		SiteURL:     doc.Channel.Link,
		Base:        doc.Base,
		Now:         run.Now,
		Date:        parse.Date,
	})
	e.Identity = r.identity
	e.Keys.Identity, e.Keys.Raw = r.keys.Identity, r.keys.Raw
	if r.shared {
		e.Keys.URL = 0
	}
	e.FirstSeen = run.Now
	return e
}
