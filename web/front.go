package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"tributary/feed"
	"tributary/store"
)

// frontItems is how many items the front page shows at once.
const frontItems = 50

// frontView is the body of the front page.
type frontView struct {
	Flow    flow // zero where nothing is filtered
	Items   []itemView
	Older   int64 // the place to continue before; 0: nothing older
	Earlier bool  // this is not the newest page
	Empty   emptyView
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
	Language           string // "": as the page
	Via                link   // its source and the original; Name "": a private one
	When               moment
	Copies             []link
	Coverage           coverageView
}

func (s *Server) itemView(item feed.Item) itemView {
	v := itemView{
		ID: item.ID, Title: titleOf(item), Summary: item.Entry.Summary,
		Language: cmp.Or(item.Entry.Language, item.Source.About.Language),
		Via:      via(item),
		When:     s.published(item),
	}
	for _, c := range item.Copies {
		if !c.Private {
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

// via is the visible credit: the source's name and the original's address.
// A source that is private, or whose address holds a password, is not named.
func via(item feed.Item) link {
	l := link{URL: publicURL(item.Entry.URL)}
	if isPublic(item.Source) {
		l.Name = item.Source.Title()
	} else if l.URL != "" {
		l.Name = hostOf(l.URL)
	}
	return l
}

// frontDocument renders the front page of the newest items; nil without any,
// because then it tells of things that change by themselves.
func (s *Server) frontDocument(items []feed.Item, f flow) (*document, error) {
	if len(items) == 0 {
		return nil, nil
	}
	return s.pageDocument("front", s.frontPage(items, false, f))
}

// frontPage shows the first of the items. More of them mean that there is a
// page of older ones.
func (s *Server) frontPage(items []feed.Item, earlier bool, f flow) page {
	v := frontView{Earlier: earlier, Flow: f}
	for _, group := range byStory(items[:min(len(items), frontItems)]) {
		item := s.groupView(group)
		if !isPublic(group[0].Source) {
			item.Coverage = coverageView{} // the others may be on this page
		}
		v.Items = append(v.Items, item)
	}
	if len(items) > frontItems {
		v.Older = items[frontItems-1].Place
	}
	p := page{Section: "items", Home: !earlier, Description: s.opt.Site.Description, Canonical: s.opt.Site.BaseURL + "/", Body: v}
	if earlier {
		p.Title, p.Canonical, p.NoIndex = "Older items", "", true
	}
	return p
}

func (s *Server) front(w http.ResponseWriter, r *http.Request) {
	if before := r.URL.Query().Get("before"); before != "" {
		s.olderPage(w, r, before)
		return
	}
	latest, err := s.latest(r.Context())
	switch {
	case err != nil:
		s.unavailable(w, r, err)
	case latest.docs[frontDoc] != nil:
		latest.docs[frontDoc].serve(w, r)
	case latest.items > 0:
		s.unavailable(w, r, latest.err)
	default:
		s.servePage(w, r, "empty front", s.thisSecond(), "front", s.emptyFront)
	}
}

// emptyFront is the front page while there are no items.
func (s *Server) emptyFront(ctx context.Context) (page, error) {
	sources, err := s.store.Sources(ctx)
	if err != nil {
		return page{}, err
	}
	f, err := s.flow(ctx)
	if err != nil {
		return page{}, err
	}
	p := s.frontPage(nil, false, f)
	v := p.Body.(frontView)
	v.Empty = emptyView{Running: s.runner.Running(), Next: s.moment(s.runner.NextRun())}
	for _, src := range sources {
		if src.Enabled {
			v.Empty.Sources++
			if failing(src) {
				v.Empty.Failing++
			}
		}
	}
	p.Body = v
	return p, nil
}

// olderPage shows the items before a place.
func (s *Server) olderPage(w http.ResponseWriter, r *http.Request, before string) {
	place, err := strconv.ParseInt(before, 10, 64)
	if err != nil || place < 1 {
		s.errorPage(w, r, http.StatusBadRequest, "No such page", "“before” must be a whole number above 0. Start again from the newest items.")
		return
	}
	if _, err := s.latest(r.Context()); err != nil {
		s.unavailable(w, r, err)
		return
	}
	s.servePage(w, r, fmt.Sprint("before ", place), s.seen.Load(), "front", func(ctx context.Context) (page, error) {
		items, err := s.store.Items(ctx, store.Query{Limit: frontItems + 1, Before: place})
		if err != nil {
			return page{}, err
		}
		if len(items) == 0 {
			return page{}, feed.Errorf(feed.CodeNotFound, "there are no items before %d", place)
		}
		return s.frontPage(items, true, flow{}), nil
	})
}
