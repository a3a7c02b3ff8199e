package web

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"tributary/feed"
)

// Feeds beside the main one: of stories, archives, and views. Few of them are
// read anywhere, so each is rendered when it is first asked for at a change
// number, and then kept like the main one.
const (
	variantsKept  = 2000     // most of them small
	variantsBytes = 64 << 20 // 40 documents of the default budget with their compressed form
	archivesBytes = 16 << 20
)

// variants are the feeds beside the main one that were asked for last. The
// stories have a place of their own, so that no number of other requests drives them
// out; archives too, for who reads one reads them all.
type variants struct {
	stories, archives, others *cache
	turn                      *sync.Mutex // one rendering at a time, so that strangers' wishes take one processor at most
}

func newVariants() variants {
	return variants{newCache(len(docMedia), variantsBytes), newCache(variantsKept, archivesBytes), newCache(variantsKept, variantsBytes), new(sync.Mutex)}
}

// of is where a feed is kept.
func (v variants) of(k variantKey) *cache {
	switch {
	case k.archive > 0:
		return v.archives
	case k == variantKey{format: k.format, stories: true}:
		return v.stories
	}
	return v.others
}

// serveVariant serves a feed beside the main one; if it cannot be rendered
// now, as it was before.
func (s *Server) serveVariant(w http.ResponseWriter, r *http.Request, k variantKey) {
	if _, err := s.latest(r.Context()); err != nil {
		s.unavailable(w, r, err)
		return
	}
	kept, name := s.variants.of(k), k.path()
	change := s.seen.Load()
	doc, err := kept.document(name, change, func() (*document, error) {
		doc, err := s.variantDocument(context.WithoutCancel(r.Context()), k, change, kept.last(name))
		if statusOf(feed.CodeOf(err)) >= 500 || err == nil {
			s.metrics.rendered(err)
		}
		return doc, err
	})
	if code := feed.CodeOf(err); code == feed.CodeNotFound || code == feed.CodeInvalid {
		s.noSuchFeed(w, r, err)
		return
	}
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
	site, page, err := s.viewPage(ctx, k)
	switch code := feed.CodeOf(err); {
	case code == feed.CodeNotFound, code == feed.CodeInvalid:
		return nil, err // which says it to who asked
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", k.path(), err)
	}
	return s.feedDoc(k, site, page, s.lastModified(change), before)
}
