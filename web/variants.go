package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"tributary/feed"
	"tributary/store"
)

// Feeds beside the main one: of stories, and of what several publishers carry.
// Few of them are read anywhere, so each is rendered when it is first asked
// for at a change number, and then kept like the main one.
const (
	storiesShown  = 100 // stories in a document
	mostSources   = 50  // that ?min_sources= may ask for
	variantsKept  = 16
	variantsBytes = 64 << 20 // 16 documents of the default budget and their compressed form are a third of it
)

// variants are the feeds beside the main one that were asked for last. The
// stories have a place of their own: no number of other requests drives them out.
type variants struct {
	stories, others *cache
	turn            *sync.Mutex // one rendering at a time, so that strangers' wishes take one processor at most
}

func newVariants() variants {
	return variants{newCache(len(docMedia), variantsBytes), newCache(variantsKept, variantsBytes), new(sync.Mutex)}
}

// variantKey names one of the feeds in one format.
type variantKey struct {
	format  int  // atomDoc, rssDoc or jsonDoc
	stories bool // else items
	min     int  // publishers that must carry it, 2 or more; 0: any
}

// path is the document's address below the base URL.
func (k variantKey) path() string {
	name := "/feed."
	if k.stories {
		name = "/stories."
	}
	name += docMedia[k.format].ext
	if k.min > 0 {
		name += "?min_sources=" + strconv.Itoa(k.min)
	}
	return name
}

// site is what the feed says of itself.
func (k variantKey) site(s feed.Site) feed.Site {
	if k.stories {
		s = s.Stories()
	}
	if k.min > 0 {
		s = s.CarriedBy(k.min)
	}
	return s
}

// variantKey reads what a request for items asks for. It answers 400 itself,
// and returns false, where that is not understood.
func (s *Server) variantKey(w http.ResponseWriter, r *http.Request, format int) (k variantKey, ok bool) {
	k.format = format
	v := r.URL.Query().Get("min_sources")
	if v == "" {
		return k, true
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > mostSources {
		s.errorPage(w, r, http.StatusBadRequest, "No such feed",
			fmt.Sprintf("“min_sources=%s” is not understood: it is a whole number from 1 to %d.", v, mostSources))
		return k, false
	}
	if n > 1 {
		k.min = n
	}
	return k, true
}

// storiesDocument serves the feed of stories.
func (s *Server) storiesDocument(format int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if k, ok := s.variantKey(w, r, format); ok {
			k.stories = true
			s.serveVariant(w, r, k)
		}
	}
}

// serveVariant serves a feed beside the main one; if it cannot be rendered
// now, as it was before.
func (s *Server) serveVariant(w http.ResponseWriter, r *http.Request, k variantKey) {
	if _, err := s.latest(r.Context()); err != nil {
		s.unavailable(w, r, err)
		return
	}
	kept, name := s.variants.others, k.path()
	if k.stories && k.min == 0 {
		kept = s.variants.stories
	}
	change := s.seen.Load()
	doc, err := kept.document(name, change, func() (*document, error) {
		doc, err := s.variantDocument(context.WithoutCancel(r.Context()), k, change, kept.last(name))
		s.metrics.rendered(err)
		return doc, err
	})
	if err != nil {
		if doc = kept.last(name); doc == nil {
			s.unavailable(w, r, err)
			return
		}
		s.logFailure(r, err)
	}
	doc.serve(w, r)
}

// variantDocument renders a feed at a change number. A panic of a renderer is
// an error like others.
func (s *Server) variantDocument(ctx context.Context, k variantKey, change int64, before *document) (doc *document, err error) {
	s.variants.turn.Lock()
	defer s.variants.turn.Unlock()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("document %s: panic: %v", k.path(), p)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, renderTimeout)
	defer cancel()
	var page feed.Page
	if k.stories {
		page.Stories, err = s.store.Stories(ctx, store.StoryQuery{Limit: storiesShown, MinPublishers: k.min, WithContent: true})
	} else {
		page.Items, err = s.store.WindowOf(ctx, k.min)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", k.path(), err)
	}
	return s.feedDoc(k, page, s.lastModified(change), before)
}
