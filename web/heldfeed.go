package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"

	"tributary/feed"
	"tributary/store"
)

const (
	heldInFeed = 100 // entries
	// heldSeconds is how long a document of held entries stands: nothing tells
	// that an entry was held.
	heldSeconds = 10
	howToGetKey = "To read this a reader key is needed, as “?key=KEY” in the address or in the header “Authorization: Bearer KEY”. " +
		"Who runs this feed makes one with the command “tributary key add NAME”; the administrator's token is none."
)

// heldDocument serves the feed of what the filter holds, so that a person can
// look over its shoulder: only to who has a reader key.
func (s *Server) heldDocument(format int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.hasKey(w, r) {
			return
		}
		if _, err := s.latest(r.Context()); err != nil {
			s.unavailable(w, r, err)
			return
		}
		key := fmt.Sprintf("held.%s %d %d", docMedia[format].ext, s.seen.Load(), s.decided.Load())
		kept := shelf{s.cache, s.variants.held}
		doc, err := s.inTurn(r, kept, key, s.thisSecond()/heldSeconds, func(ctx context.Context) (*document, error) {
			return s.heldFeed(ctx, format)
		})
		if err != nil {
			s.unavailable(w, r, err)
			return
		}
		doc.serve(w, r)
	}
}

// hasKey answers 401, 429 or 503 itself and returns false if the request has
// no reader key. Only the hash of a key is known here.
func (s *Server) hasKey(w http.ResponseWriter, r *http.Request) bool {
	key, ok := bearer(r)
	if !ok {
		key = r.URL.Query().Get("key")
	}
	text := howToGetKey
	if key != "" {
		sum := sha256.Sum256([]byte(key))
		found, err := s.knowsKey(r.Context(), hex.EncodeToString(sum[:]))
		if err != nil {
			s.unavailable(w, r, err)
			return false
		}
		if found {
			return true
		}
		err = s.guard.wrongly(s.client(r), "The key is wrong. "+howToGetKey)
		if retry := retryAfter(err); retry != "" {
			w.Header().Set("Retry-After", retry)
			s.errorPage(w, r, http.StatusTooManyRequests, "Too many attempts", err.Error())
			return false
		}
		text = err.Error()
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="tributary"`)
	s.errorPage(w, r, http.StatusUnauthorized, "A reader key is needed", text)
	return false
}

// heldFeed renders the feed of what the filter holds. The address in it is
// without the key. Browsers must not tell it to the sites that are linked.
func (s *Server) heldFeed(ctx context.Context, format int) (*document, error) {
	held, err := s.store.HeldEntries(ctx, store.HeldQuery{Rules: heldByTopic, Limit: heldInFeed, WithContent: true})
	if err != nil {
		return nil, err
	}
	page := feed.Page{Self: s.opt.Site.BaseURL + "/held." + docMedia[format].ext, Held: held}
	body, err := write(format, s.opt.Site.Held(), page)
	if err != nil {
		return nil, err
	}
	return newDocument(body, docOptions{
		mediaType:    docMedia[format].mediaType,
		cacheControl: fmt.Sprintf("private, max-age=%d", int(s.opt.MaxAge.Seconds())),
		referrer:     "no-referrer",
	})
}
