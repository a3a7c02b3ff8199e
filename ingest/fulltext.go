package ingest

import (
	"context"
	"errors"
	"slices"
	"time"

	"tributary/feed"
	"tributary/ingest/dedupe"
	"tributary/ingest/fetch"
	"tributary/ingest/words"
)

const (
	// pagesARun is how many pages are asked for, a source and run; further
	// entries go out with what the feed says.
	pagesARun = 10
	// pagesTime is how long they may take.
	pagesTime = time.Minute
	// givingUp is after how many failures in a row the rest is left alone.
	givingUp = 3
	// overlap is the part of the feed's words that must stand in the page, else
	// that is about something else: a page of errors, a front page.
	overlap = 0.3
	// rereadAfter is how long a page that was read is left alone, whatever its feed
	// changes: some count comments in their text.
	rereadAfter = 24 * time.Hour
)

// What is noted of entries with the option.
const (
	fullTaken = "taken from the page"
	fullKept  = "taken from the page before; the source has changed the entry since, and the page's text was not taken anew: "
	fullNot   = "not taken: "
)

// fullTexts is the work on the texts of one source's entries. Of a source
// without the option there is none.
//
// An entry's page is read at most once for each text that its feed gives it:
// when it is new and would be published, and when the feed shows something
// else of one that is, though not twice within a day. What cannot be had then is
// not tried again, and nobody waits for it.
type fullTexts struct {
	p     *Pipeline
	run   Run
	out   *prepared
	news  []raw // as out.sightings
	clean func(raw) feed.Entry
	off   bool

	// By their places among the sightings:
	stored  map[int]feed.Entry // those that are known, as they are stored
	settled map[int]bool       // those whose text is known without asking
}

func (p *Pipeline) fullTexts(run Run, src feed.Source, out *prepared, news []raw, clean func(raw) feed.Entry) *fullTexts {
	return &fullTexts{p: p, run: run, out: out, news: news, clean: clean, stored: map[int]feed.Entry{}, settled: map[int]bool{},
		off: !src.FullText || p.Articles == nil || len(news) == 0}
}

// keep gives known entries of which the feed shows what it showed before, in
// whatever changed words about it, their text back.
func (f *fullTexts) keep(ctx context.Context) error {
	if f.off {
		return nil
	}
	renamed, err := f.renamed(ctx)
	if err != nil {
		return err
	}
	for i := range f.out.sightings {
		known := f.out.sightings[i].known
		if known == nil {
			known = renamed[i]
		}
		if known == nil {
			continue
		}
		h, err := f.p.Store.EntryByID(ctx, known.EntryID)
		switch {
		case feed.CodeOf(err) == feed.CodeNotFound:
			continue
		case err != nil:
			return err
		}
		f.stored[i] = h.Entry
		f.keepOne(i, h.Entry, *known)
	}
	return nil
}

func (f *fullTexts) keepOne(i int, was feed.Entry, known feed.Known) {
	s, had := &f.out.sightings[i], was.Details.FullText
	switch {
	case had.Said != 0 && had.Said == s.entry.Keys.Shown && was.Content != "": // else it was pruned
		s.entry = f.with(i, was.Content)
		s.entry.Keys.Content, s.entry.Keys.Shown = known.Keys.Content, known.Keys.Shown
	case had.Said == 0 && known.Keys.Shown == s.entry.Keys.Shown:
	default:
		return
	}
	s.entry.Details.FullText, f.settled[i] = had, true
}

// renamed are the new entries that are known ones under a new id, by their
// place among the sightings: their pages were read. Copies of what is there
// are set aside with them, for nobody would see their text.
func (f *fullTexts) renamed(ctx context.Context) (map[int]*feed.Known, error) {
	near, err := lookUp(ctx, f.p.Store, f.out.sightings)
	if err != nil {
		return nil, err
	}
	gone := map[int64]bool{}
	for _, k := range f.out.unlisted {
		gone[k.EntryID] = true
	}
	found := map[int]*feed.Known{}
	for i, s := range f.out.sightings {
		if s.known != nil {
			continue
		}
		there := near.of(s.entry)
		for j := range there {
			there[j].Listed = there[j].Listed && !gone[there[j].EntryID]
		}
		s.entry.SourceID = f.out.source.ID
		switch v := dedupe.Decide(s.entry, there); {
		case v.Same != nil:
			found[i] = v.Same
		case v.Copy != nil:
			f.settled[i] = true
		}
	}
	return found, nil
}

// with is an entry with another text. What its address is worth in this
// document is known already.
func (f *fullTexts) with(i int, html string) feed.Entry {
	r := f.news[i]
	r.entry.Content = feed.Text{Value: html, HTML: true}
	e := f.clean(r)
	e.Keys.URL = f.out.sightings[i].entry.Keys.URL
	return e
}

// take asks for the pages of the entries that are to be published, or whose
// published text has changed, and gives these the pages' text where there is more of it.
func (f *fullTexts) take(ctx context.Context) error {
	if f.off {
		return nil
	}
	var found []article
	wanted := f.wanted()
	for _, i := range wanted[min(pagesARun, len(wanted)):] {
		f.leave(i, "more than the 10 newest came at once")
	}
	wanted = wanted[:min(pagesARun, len(wanted))]
	limited, cancel := context.WithTimeout(ctx, pagesTime)
	defer cancel()
	r := reader{articles: f.p.Articles, resting: map[string]bool{}}
	for _, i := range wanted {
		html, err := r.read(limited, f.out.sightings[i].entry.URL)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			f.leave(i, err.Error())
			continue
		}
		found = append(found, article{i, f.with(i, html)})
	}
	if r.until.After(f.out.rest) {
		f.out.rest = r.until
	}
	for _, a := range found {
		f.decide(a, found)
	}
	f.out.weigh()
	return nil
}

// article is an entry with its page's text.
type article struct {
	at    int // among the sightings
	entry feed.Entry
}

// wanted are the entries whose pages are to be read, newest first.
func (f *fullTexts) wanted() []int {
	var list []int
	for i, s := range f.out.sightings {
		if s.hold != nil || f.settled[i] {
			continue
		}
		was, stored := f.stored[i]
		switch {
		case s.entry.Keys.URL == 0:
			f.leave(i, "it has no address of its own")
		case f.run.Now.Sub(was.Details.FullText.Read) < rereadAfter:
			f.leave(i, "it was read less than a day before")
		case stored && was.Decision.Kind == feed.Published:
			list = append(list, i)
		case stored && was.Details.FullText.Said != 0:
			f.leave(i, "it is not published")
		case !stored && s.opinion.Held == nil:
			list = append(list, i)
		}
	}
	slices.SortStableFunc(list, func(a, b int) int {
		return f.out.sightings[b].entry.Published.Compare(f.out.sightings[a].entry.Published)
	})
	return list
}

// decide takes an article's text, if it is one.
func (f *fullTexts) decide(a article, all []article) {
	s := &f.out.sightings[a.at]
	title, said, text := words.Split(s.entry.Title), words.Split(s.entry.Text), words.Split(a.entry.Text)
	switch {
	case slices.ContainsFunc(all, func(b article) bool { return b.at != a.at && b.entry.Text == a.entry.Text }):
		f.leave(a.at, "other pages say the same")
	case len(text.Words) <= len(said.Words):
		f.leave(a.at, "the page has no more text than the feed")
	case !speaksOf(text, title, said):
		f.leave(a.at, "the page does not say what the feed says")
	default:
		a.entry.Details.FullText = feed.FullText{Note: fullTaken, Said: s.entry.Keys.Shown, Read: f.run.Now.UTC()}
		f.replace(s, a.entry)
	}
}

// speaksOf tells whether enough of what the feed says stands in a page.
func speaksOf(page words.Text, said ...words.Text) bool {
	has := map[string]bool{}
	for _, w := range page.Words {
		has[w.Text] = true
	}
	seen := map[string]bool{}
	n, shared := 0, 0
	for _, t := range said {
		for _, w := range t.Words {
			if seen[w.Text] {
				continue
			}
			seen[w.Text] = true
			n++
			if has[w.Text] {
				shared++
			}
		}
	}
	return n == 0 || float64(shared) >= overlap*float64(n)
}

// leave notes why a page's text is not taken. A text that was taken before
// stays, unless the feed's own is as long by now.
func (f *fullTexts) leave(i int, why string) {
	s := &f.out.sightings[i]
	was := f.stored[i]
	if was.Details.FullText.Said != 0 {
		kept := f.with(i, was.Content)
		if len(words.Split(kept.Text).Words) > len(words.Split(s.entry.Text).Words) {
			kept.Details.FullText = feed.FullText{Note: fullKept + why, Said: s.entry.Keys.Shown, Read: was.Details.FullText.Read}
			f.replace(s, kept)
			return
		}
	}
	s.entry.Details.FullText.Note = fullNot + why
}

// replace gives a sighting another text, and the words that go with it. What
// was judged of it stands: the topic is decided by what the feed says.
func (f *fullTexts) replace(s *sighting, e feed.Entry) {
	s.entry = e
	s.words = [2]words.Text{words.Split(e.Title), words.Split(e.Text)}
}

// reader reads one source's pages, one after the other.
type reader struct {
	articles ArticleReader
	failed   int             // in a row
	resting  map[string]bool // hosts that want to be left alone
	until    time.Time       // the longest of them
}

func (r *reader) read(ctx context.Context, address string) (string, error) {
	switch {
	case r.failed >= givingUp:
		return "", errors.New("others before it could not be had")
	case ctx.Err() != nil:
		return "", errors.New("the time for the source's pages was over")
	case r.resting[fetch.HostOf(address)]:
		return "", errors.New("its host wants to be left alone")
	}
	html, err := r.articles.Article(ctx, address)
	r.failed++
	var no *NoArticle
	if !errors.As(err, &no) {
		if err == nil {
			r.failed = 0
		}
		return html, err
	}
	if !no.Failed {
		r.failed = 0
	}
	if no.Host != "" {
		r.resting[no.Host] = true
		if no.Until.After(r.until) {
			r.until = no.Until
		}
	}
	return "", no
}
