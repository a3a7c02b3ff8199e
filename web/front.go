package web

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"unicode/utf8"

	"tributary/feed"
	"tributary/ingest"
)

// frontItems is how many items the front page shows at once.
const frontItems = 50

// frontView is the body of the front page.
type frontView struct {
	Topic     topicLine
	Subscribe subscribeView
	Flow      flow // zero where nothing is filtered
	Filter    filterView
	Items     []itemView
	Older     string // address of the page with older items; "": there are none
	Newest    string // address of the first page, if this is not it
	Zone      string // that times are said in
	Empty     *emptyView
	Incidents int // that go on; told to who is logged in
}

// topicLine says what the feed is about, in the words that say it best.
type topicLine struct {
	Terms []string
	Seeds int
}

// surroundings are what the front page shows beside the items, and the day that
// it calls today.
type surroundings struct {
	day       string // "": not all of them could be read
	flow      flow
	topic     topicLine
	choices   choices
	incidents int // that go on; for who is logged in
}

// surroundings reads what the front page shows beside the items.
func (s *Server) surroundings(ctx context.Context, who viewer) (around surroundings, err error) {
	if around.flow, err = s.flow(ctx); err != nil {
		return around, err
	}
	if around.topic, err = s.topicLine(ctx); err != nil {
		return around, err
	}
	if around.choices, err = s.choices(ctx, who); err != nil {
		return around, err
	}
	if who.Admin {
		if around.incidents, err = s.store.OpenIncidents(ctx); err != nil {
			return around, err
		}
	}
	around.day = s.today()
	return around, nil
}

const (
	termsTold   = 8  // terms that the front page says of the topic
	longestTold = 40 // characters of one; feeds may call themselves and their tags anything
)

// topicLine reads what the feed is about; of a topic that decides nothing, none.
func (s *Server) topicLine(ctx context.Context) (topicLine, error) {
	if s.opt.Filter() != ingest.FilterLearned {
		return topicLine{}, nil
	}
	stored, profile, err := s.profile(ctx)
	if err != nil || stored.Version == 0 {
		return topicLine{}, err
	}
	line := topicLine{Seeds: len(profile.Seeds)}
	for _, t := range profile.Terms { // the strongest first
		if len(line.Terms) == termsTold {
			break
		}
		if t.Weight > 0 && utf8.RuneCountInString(t.Shown) <= longestTold {
			line.Terms = append(line.Terms, t.Shown)
		}
	}
	return line, nil
}

// emptyView says what to do while there are no items.
type emptyView struct {
	Running bool
	Next    moment
	Sources int
	Failing int
}

// itemView is an item as lists show it.
type itemView struct {
	ID, Title, Summary string
	Marked             markedView
	Language           string // "": as the page
	Via                link   // its source and the original; Name "": a private one
	When               moment
	Copies             []link
	Coverage           coverageView
}

// markedView is what an item says of itself, with the words that were searched for.
type markedView struct{ Title, Summary []piece }

func (s *Server) itemView(who viewer, item feed.Item) itemView {
	v := itemView{
		ID: item.ID, Title: titleOf(item), Summary: item.Entry.Summary,
		Language: cmp.Or(item.Entry.Language, item.Source.About.Language),
		Via:      via(who, item),
		When:     s.published(item),
	}
	for _, c := range item.Copies {
		if who.Admin || !c.Private {
			v.Copies = append(v.Copies, link{c.Source, publicURL(c.URL)})
		}
	}
	return v
}

// titleOf is an item's title; one without is named by how it begins, else by its day.
func titleOf(item feed.Item) string {
	const most = 80
	if item.Entry.Title != "" {
		return item.Entry.Title
	}
	start := item.Entry.Summary
	if len(start) > most {
		start = strings.ToValidUTF8(start[:most], "")
		if space := strings.LastIndexByte(start, ' '); space > 0 {
			start = start[:space]
		}
		start += " …"
	}
	return cmp.Or(start, "Untitled, "+item.Published.UTC().Format("2 January 2006"))
}

// via is the visible credit: the source's name and the original's address. To
// strangers a source that is private, or whose address holds a password, is not named.
func via(who viewer, item feed.Item) link {
	l := link{URL: publicURL(item.Entry.URL)}
	if who.Admin || isPublic(item.Source) {
		l.Name = item.Source.Title()
	}
	if l.Name == "" && l.URL != "" {
		l.Name = hostOf(l.URL)
	}
	return l
}

// frontDocument renders the front page of the newest items; nil without any,
// because then it tells of things that change by themselves.
func (s *Server) frontDocument(items []feed.Item, around surroundings) (*document, error) {
	if len(items) == 0 {
		return nil, nil
	}
	return s.pageDocument("front", s.frontPage(viewer{}, finding{}, items, around))
}

// frontPage shows the first of the items that were asked for. More of them mean
// that there is a page of older ones.
func (s *Server) frontPage(who viewer, f finding, items []feed.Item, around surroundings) page {
	v := frontView{Filter: s.filterView(f, around.choices), Zone: s.zone()}
	marks := newMarker(f.text)
	for _, group := range byStory(items[:min(len(items), frontItems)]) {
		item := s.groupView(who, group)
		if !isPublic(group[0].Source) {
			item.Coverage = coverageView{} // the others may be on this page
		}
		item.Marked = markedView{marks.pieces(item.Title), marks.pieces(item.Summary)}
		v.Items = append(v.Items, item)
	}
	if len(items) > frontItems {
		older := f
		older.before = items[frontItems-1].Place
		v.Older = s.root + older.path()
	}
	if f.before > 0 {
		newest := f
		newest.before = 0
		v.Newest = s.root + newest.path()
	}
	v.Incidents = around.incidents
	p := page{Section: "items", Query: f.text, NoIndex: true}
	switch {
	case f.filters():
		p.Title, p.Alternates = v.Filter.title(), s.feeds(f, around.choices)
	case f.before > 0:
		p.Title = "Older items"
	default:
		v.Topic, v.Subscribe, v.Flow = around.topic, s.subscribeView(), around.flow
		p.Home, p.NoIndex, p.Canonical, p.Description = true, false, s.opt.Site.BaseURL+"/", s.opt.Site.Description
	}
	p.Body = v
	return p
}

func (s *Server) front(w http.ResponseWriter, r *http.Request) {
	f, err := s.findingOf(r.URL.Query())
	if err != nil {
		s.errorPage(w, r, http.StatusBadRequest, "No such page", message(err))
		return
	}
	latest, err := s.latest(r.Context())
	switch {
	case err != nil:
		s.unavailable(w, r, err)
	case !f.plain():
		s.find(w, r, f, latest)
	case latest.items == 0:
		s.servePage(w, r, "empty front", s.thisSecond(), "front", s.emptyFront)
	case s.viewer(r).Admin:
		s.find(w, r, f, latest)
	case latest.docs[frontDoc] == nil:
		s.unavailable(w, r, latest.err)
	default:
		latest.docs[frontDoc].serve(w, r)
	}
}

// emptyFront is the front page while there are no items.
func (s *Server) emptyFront(ctx context.Context, who viewer) (page, error) {
	around, err := s.surroundings(ctx, who)
	if err != nil {
		return page{}, err
	}
	sources, err := s.store.Sources(ctx)
	if err != nil {
		return page{}, err
	}
	empty := emptyView{Running: s.runner.Running(), Next: s.moment(s.runner.NextRun())}
	for _, src := range sources {
		if src.Enabled {
			empty.Sources++
			if failing(src) {
				empty.Failing++
			}
		}
	}
	p := s.frontPage(who, finding{}, nil, around)
	v := p.Body.(frontView)
	v.Empty = &empty
	p.Body = v
	return p, nil
}
