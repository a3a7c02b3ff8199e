package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"tributary/feed"
)

// Feeds beside the main one: of stories, archives, and views. Few of them are
// read anywhere, so each is rendered when it is first asked for at a change
// number, and then kept like the main one.
const (
	variantsKept  = 2000     // most of them small
	variantsBytes = 64 << 20 // 40 documents of the default budget with their compressed form
	archivesBytes = 16 << 20
	pushedBytes   = 16 << 20
	keyedBytes    = 16 << 20
	// noStamp is one that no document is good for.
	noStamp = -1
	// variantsWait bounds how many wait for feeds of a kind to be rendered.
	variantsWait = 16
)

// variants are the feeds beside the main one that were asked for last. The
// stories have a place of their own, so that no number of other requests drives them
// out; archives too, for who reads one reads them all. Of each kind one is rendered
// at a time: views, of which there is no end, take one processor at most, and the
// others do not wait for them. What our hub asks for to push it has a place of its
// own too: it asks for all that somebody subscribes to, at once.
type variants struct {
	stories, archives, others shelf
	pushed                    shelf
	keyed                     *cache // those with a reader's key in their links
	held                      *queue // of the feed of what is held
}

func newVariants() variants {
	turns := func() *queue { return newQueue(1, variantsWait) }
	return variants{
		stories:  shelf{newCache(len(docMedia), variantsBytes), turns()},
		archives: shelf{newCache(variantsKept, archivesBytes), turns()},
		others:   shelf{newCache(variantsKept, variantsBytes), turns()},
		pushed:   shelf{newCache(variantsKept, pushedBytes), turns()},
		keyed:    newCache(variantsKept, keyedBytes),
		held:     turns(),
	}
}

// of is where a feed is kept.
func (v variants) of(k variantKey, pushed bool) shelf {
	switch {
	case k.archive > 0:
		return v.archives
	case k == variantKey{format: k.format, stories: true}:
		return v.stories
	case pushed:
		return v.pushed
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
	_, pushed := w.(*taker)
	kept, name := s.variants.of(k, pushed), k.path()
	change := s.seen.Load()
	doc, err := s.inTurn(r, kept, name, change, func(ctx context.Context) (*document, error) {
		doc, err := s.variantDocument(ctx, k, kept)
		if !askedWrongly(err) {
			s.metrics.rendered(err)
		}
		return doc, err
	})
	if askedWrongly(err) {
		s.noSuchFeed(w, r, err)
		return
	}
	if err != nil {
		if doc = kept.last(name); doc == nil {
			s.unavailable(w, r, err)
			return
		}
		if !errors.Is(err, errBusy) {
			s.logFailure(r, err)
		}
	}
	if err != nil || s.away() {
		doc = s.passing(doc)
		kept.put(name, noStamp, doc) // for the next one to know
	}
	s.serveFeed(w, r, doc)
}

// variantDocument renders a feed for a shelf. A panic of a renderer is an error like others.
func (s *Server) variantDocument(ctx context.Context, k variantKey, kept shelf) (doc *document, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("document %s: panic: %v", k.path(), p)
		}
	}()
	site, page, err := s.viewPage(ctx, k)
	switch {
	case askedWrongly(err):
		return nil, err // whose words are for who asked
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", k.path(), err)
	}
	modified, err := s.lastModified(ctx)
	if err != nil {
		return nil, err
	}
	o := docOptions{modified: modified}
	if kept == s.variants.pushed {
		o.level = noLevel
	}
	return s.feedDoc(k, site, page, o, kept.last(k.path()))
}

// askedWrongly tells whether the fault is with what was asked for.
func askedWrongly(err error) bool {
	code := feed.CodeOf(err)
	return code == feed.CodeNotFound || code == feed.CodeInvalid
}
