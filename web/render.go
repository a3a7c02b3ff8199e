package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"tributary/feed"
	"tributary/ingest"
)

// How soon news show: the store tells of a change where it can, and is asked for
// its change number every pollEvery (other processes write to it too). Renderings
// start at least that far apart, so that a run that commits often does not cost more
// in rendering than in ingest.
const pollEvery = 500 * time.Millisecond

// The documents that are rendered when something changes.
const (
	atomDoc = iota
	rssDoc
	jsonDoc
	frontDoc // nil while there are no items
	docCount
)

// docMedia are the extensions and media types of the feed documents (RFC 4287, 7;
// JSON Feed 1.1). The charset is named for readers that otherwise guess.
var docMedia = [...]struct{ ext, mediaType string }{
	atomDoc: {"atom", "application/atom+xml; charset=utf-8"},
	rssDoc:  {"rss", "application/rss+xml; charset=utf-8"},
	jsonDoc: {"json", "application/feed+json; charset=utf-8"},
}

// documents holds the last good rendering.
type documents struct {
	mu       sync.Mutex // one rendering at a time
	current  atomic.Pointer[rendering]
	failure  atomic.Pointer[string]    // why the newest attempt failed; nil: it did not
	reported string                    // the failure that was logged last; Watch's own
	away     atomic.Pointer[time.Time] // since when the database is; nil: it is not
	unread   atomic.Bool               // the store could not be read for the newest attempt
	missed   atomic.Pointer[missed]    // a request to log, unless that was why it failed
}

// rendering is a set of documents made at one change number.
type rendering struct {
	change   int64
	err      error     // of the documents that could not be rendered
	modified time.Time // newest change of an item
	items    int
	around   surroundings // of the front page
	counted  time.Time    // when it was counted what was held
	made     time.Time
	docs     [docCount]*document
}

// Poke tells Watch that the store has changed, so that it need not wait for
// its next look. It never blocks.
func (s *Server) Poke() {
	select {
	case s.poke <- struct{}{}:
	default:
	}
}

// Watch renders the documents now and whenever the store's change number
// moves, until ctx ends. When rendering fails it says so in the log, once, and
// the last good documents stay. Streams end with it: nobody sees to them any more.
func (s *Server) Watch(ctx context.Context) {
	defer s.end()
	moved := s.store.Listen(ctx)
	if moved != nil {
		defer func() {
			for range moved { // until its connection is closed
			}
		}()
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		rendered, err := s.refresh(ctx)
		s.report(ctx, err)
		wake, told := s.poke, moved
		if rendered {
			wake, told = nil, nil // the next one not before the next tick
			tick.Reset(pollEvery)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-wake:
		case <-told:
		}
	}
}

// report logs a failure when it is new, and its end.
func (s *Server) report(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err == nil:
		s.reportGood()
	case isAway(err):
		s.reportAway(err)
	case err.Error() != s.docs.reported:
		s.docs.reported = err.Error()
		s.log.Error("cannot render the feed; the last good one is served", "error", err)
	}
}

// refresh renders if the change number has moved since the last rendering,
// and tells whether it did.
func (s *Server) refresh(ctx context.Context) (rendered bool, err error) {
	s.docs.mu.Lock()
	defer s.docs.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	change, err := s.change(ctx)
	if err != nil {
		return false, s.unread(err)
	}
	s.seen.Store(change)
	last := s.docs.current.Load()
	if last != nil && last.change == change {
		s.docs.unread.Store(false)
		return false, s.note(errors.Join(last.err, s.recount(ctx, last)))
	}
	items, older, err := s.store.Window(ctx)
	if err != nil {
		return false, s.unread(fmt.Errorf("read the newest items: %w", err))
	}
	around, err := s.surroundings(ctx, viewer{})
	if isAway(err) {
		return false, s.unread(err) // and all of it when the database is back
	}
	modified, undated := s.lastModified(ctx)
	if undated != nil {
		return false, s.unread(undated)
	}
	next := &rendering{change: change, modified: modified, items: len(items), around: around, counted: s.countedAt(), made: s.opt.Now()}
	s.render(next, window{items, older}, last)
	next.err = errors.Join(next.err, err) // without the surroundings there is a feed all the same
	s.docs.current.Store(next)
	s.docs.unread.Store(false)
	s.metrics.rendered(next.err)
	if s.opt.Changed != nil {
		s.opt.Changed()
	}
	return true, s.note(next.err)
}

// change asks the store for its change number.
func (s *Server) change(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	change, err := s.store.Change(ctx)
	if err != nil {
		err = fmt.Errorf("ask the store for its change number: %w", err)
	}
	return change, err
}

// recountAfter is how old the front page's counts may get: what is held shows
// nowhere else in the documents, and does not move the change number. Counts
// from before the last change are soon made anew.
const recountAfter = time.Minute

// recount renders the front page anew if what it says was held is no longer so,
// or what it calls today.
func (s *Server) recount(ctx context.Context, last *rendering) error {
	if last.around.day == s.today() && !s.stale(last) {
		return nil
	}
	next := *last
	around, err := s.surroundings(ctx, viewer{})
	next.counted, next.made = s.countedAt(), s.opt.Now()
	if err == nil && !reflect.DeepEqual(around, last.around) {
		var items []feed.Item
		if items, _, err = s.store.Window(ctx); err == nil {
			next.around = around
			next.docs[frontDoc], err = s.renderOne(frontDoc, window{items: items}, &next, nil)
		}
	}
	if err != nil {
		return fmt.Errorf("read what the front page shows beside the items: %w", err)
	}
	s.docs.current.Store(&next)
	return nil
}

// stale tells whether it is time to count anew what was held, if that is told at all.
func (s *Server) stale(last *rendering) bool {
	age := s.opt.Now().Sub(last.counted)
	return s.opt.Filter() != ingest.FilterOff && age >= countedFor && (age >= recountAfter || last.counted.Before(last.made))
}

// note keeps why there is nothing newer than what is served, for /readyz; nil
// when all is well.
func (s *Server) note(err error) error {
	s.lost(err)
	if err == nil {
		s.docs.failure.Store(nil)
		return nil
	}
	text := err.Error()
	s.docs.failure.Store(&text)
	return err
}

// unread is note where there are no newer documents, for want of what to make them of.
func (s *Server) unread(err error) error {
	s.docs.unread.Store(true)
	return s.note(err)
}

// window is what the main documents list, and the newest archive of what they don't.
type window struct {
	items []feed.Item
	older int64 // 0: they list everything
}

// render makes next's documents. One that fails does not stop the others and
// leaves its predecessor in place.
func (s *Server) render(next *rendering, shown window, last *rendering) {
	if last == nil {
		last = new(rendering)
	}
	var failures []error
	for i, before := range last.docs {
		doc, err := s.renderOne(i, shown, next, before)
		if err != nil {
			failures = append(failures, err)
			if doc = before; before != nil && i != frontDoc {
				doc = s.passing(before)
			}
		}
		next.docs[i] = doc
	}
	next.err = errors.Join(failures...)
}

// showsWithin is how long after its commit a change shows at the latest.
const showsWithin = 2 * time.Second

// lastModified dates what was just read: when it had certainly replaced what was
// there before, in whole seconds. Clients drop what is not dated later than what they
// have, or than when they asked (libcurl's time condition). Until then it is not sent.
//
// It goes by the change number alone, which is the time of its commit in milliseconds and
// never moves back, so that all replicas say the same. It is asked for once
// everything is read: that may be newer than the change for which it was, and must not have the
// date under which others serve what was before.
func (s *Server) lastModified(ctx context.Context) (time.Time, error) {
	change, err := s.change(ctx)
	switch {
	case err != nil:
		return time.Time{}, err
	case change == 0:
		return s.opt.Site.Started, nil
	}
	return shownBy(time.UnixMilli(change)), nil
}

// shownBy is when what changed at a time certainly shows.
func shownBy(at time.Time) time.Time {
	return at.Add(showsWithin + time.Second - time.Millisecond).Truncate(time.Second)
}

// lateOr is the date of a document that takes the place of another one: if that went
// out beyond the date, for rendering failed or had to wait, what came so late is dated anew.
func lateOr(modified time.Time, k variantKey, before *document) time.Time {
	now := time.Now()
	if before != nil && (k.main() || before.passes) && now.After(modified) {
		return shownBy(now)
	}
	return modified
}

// renderOne makes one document. If its bytes are what they were, the one from
// before is kept and nothing is compressed again. A panic of a renderer is an
// error like others: it must not end the program, nor the feed.
func (s *Server) renderOne(which int, shown window, next *rendering, before *document) (doc *document, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("document %d: panic: %v", which, p)
		}
	}()
	if which == frontDoc {
		return s.frontDocument(shown.items, next.around)
	}
	page := feed.Page{Items: shown.items, Older: s.archiveURL(which, shown.older)}
	return s.feedDoc(variantKey{format: which}, s.opt.Site, page, docOptions{modified: next.modified, level: feedLevel}, before)
}

// feedDoc makes a feed document of a page; the one from before if its bytes are
// what they were. Of the options it is given date and compression.
func (s *Server) feedDoc(k variantKey, site feed.Site, page feed.Page, o docOptions, before *document) (*document, error) {
	page.Self = s.opt.Site.BaseURL + k.path()
	age := s.opt.MaxAge
	if page.Archived {
		age = archivedFor
	} else {
		page.Hub = s.hubOf(page.Self)
	}
	body, slots, err := s.writeSlotted(k.format, site, page)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", k.path(), err)
	}
	if before != nil && !before.passes && string(before.plain.body) == string(body) {
		return before, nil
	}
	o.mediaType = docMedia[k.format].mediaType
	o.cacheControl = s.shared(fmt.Sprintf("max-age=%d", int(age.Seconds())))
	o.modified = lateOr(o.modified, k, before)
	if s.opt.Private {
		o.vary = varyReader
	}
	doc, err := newDocument(body, o)
	if err != nil {
		return nil, err
	}
	doc.slots = slots
	doc.offer(page, k.room())
	return doc, nil
}

func write(format int, site feed.Site, page feed.Page) ([]byte, error) {
	switch format {
	case atomDoc:
		return site.Atom(page)
	case rssDoc:
		return site.RSS(page)
	}
	return site.JSON(page)
}

// passingFor is how long a document stands that was to be replaced.
const passingFor = time.Minute

// passing is a document that goes out in place of one that cannot be made now. It
// has no date, since it is not known to be what there was then.
func (s *Server) passing(doc *document) *document {
	if doc.passes {
		return doc
	}
	old := *doc
	old.cacheControl = []string{s.shared(fmt.Sprintf("max-age=%d", int(min(passingFor, s.opt.MaxAge).Seconds())))}
	old.date, old.passes = nil, true
	return &old
}

// latest is the last good rendering. Before the first one it makes it, in the
// request's time.
func (s *Server) latest(ctx context.Context) (*rendering, error) {
	if r := s.docs.current.Load(); r != nil {
		return r, nil
	}
	_, err := s.refresh(ctx)
	if r := s.docs.current.Load(); r != nil {
		return r, nil
	}
	return nil, err
}

// feedDocument serves one of the feed documents.
func (s *Server) feedDocument(which int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" { // most have none, and pay nothing for it
			k, err := viewOf(r, variantKey{format: which})
			if err != nil || !k.main() {
				s.serveView(w, r, k, err)
				return
			}
		}
		latest, err := s.latest(r.Context())
		switch {
		case err != nil:
			s.unavailable(w, r, err)
		case latest.docs[which] == nil:
			s.unavailable(w, r, latest.err)
		case s.behind():
			s.serveFeed(w, r, s.passing(latest.docs[which]))
		default:
			s.serveFeed(w, r, latest.docs[which])
		}
	}
}
