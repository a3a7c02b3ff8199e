package web

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"tributary/feed"
	"tributary/store"
)

// Told are the feeds of a site that a hub elsewhere is told of. Our own has every
// view of them too: it knows who wants which.
func Told(base string) (all []string) {
	for _, name := range []string{"/feed.", "/stories."} {
		for _, m := range docMedia {
			all = append(all, base+name+m.ext)
		}
	}
	return all
}

// hubOf is the hub that a feed names; "": none, for it would not take the feed.
func (s *Server) hubOf(self string) string {
	if s.opt.Hub == nil && !slices.Contains(Told(s.opt.Site.BaseURL), self) || len(self) > store.LongestTopic {
		return ""
	}
	return s.opt.HubURL
}

// hub passes what subscribers ask for to our hub.
func (s *Server) hub(w http.ResponseWriter, r *http.Request) {
	if s.opt.Hub == nil {
		s.notFound(w, r)
		return
	}
	s.opt.Hub.ServeHTTP(w, r)
}

// Client is the address that a request comes from, past the proxies that are trusted.
func (s *Server) Client(r *http.Request) netip.Addr { return s.client(r) }

// Topic is a feed document that can be subscribed to.
type Topic struct {
	Body      []byte // shared: not to be changed
	MediaType string
	Change    int64 // change number that it is at least as new as
	Listed    store.Listing
}

// Topic is the feed document whose own address this is, as it is now. For
// another address the error is a feed.CodeNotFound that says what to do; where readers
// get what was there before, as it cannot be made anew, it is a feed.CodeUnavailable.
func (s *Server) Topic(ctx context.Context, address string) (Topic, error) {
	path, ours := strings.CutPrefix(address, s.opt.Site.BaseURL+"/")
	if !ours {
		return Topic{}, feed.Errorf(feed.CodeNotFound, "%s is not of this site: give an address below %s/", address, s.opt.Site.BaseURL)
	}
	latest, err := s.latest(ctx)
	if err != nil {
		return Topic{}, err
	}
	doc, err := s.taken(ctx, s.root+"/"+path)
	switch {
	case err != nil:
		return Topic{}, err
	case doc == nil || doc.topic == "":
		return Topic{}, feed.Errorf(feed.CodeNotFound, "%s is no feed that can be subscribed to: give the address that a feed of this site names as its own (rel=self)", address)
	case doc.topic != address:
		return Topic{}, feed.Errorf(feed.CodeNotFound, "%s is not that feed's own address: subscribe to %s", address, doc.topic)
	}
	if doc.passes {
		return Topic{}, feed.Errorf(feed.CodeUnavailable, "%s cannot be made now", address)
	}
	return Topic{Body: doc.plain.body, MediaType: doc.fields[0].value[0], Change: latest.change, Listed: doc.listed}, nil
}

// taken is the document that a reader would get at a path; nil if it is none.
func (s *Server) taken(ctx context.Context, path string) (*document, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, nil // it is no address
	}
	t := taker{header: http.Header{}}
	s.mux.ServeHTTP(&t, r)
	if t.status >= 500 {
		return nil, feed.Errorf(feed.CodeUnavailable, "%s cannot be made now", path)
	}
	return t.doc, nil
}

// taker takes a document where others are sent its bytes.
type taker struct {
	header http.Header
	status int
	doc    *document
}

func (t *taker) Header() http.Header         { return t.header }
func (t *taker) WriteHeader(status int)      { t.status = status }
func (t *taker) Write(p []byte) (int, error) { return len(p), nil }

// offer makes a document one that can be subscribed to, if its page names a hub;
// where, it says to those too who don't read it (WebSub, 4). What does not change any more
// is not for that.
func (d *document) offer(page feed.Page, most int) {
	if page.Hub == "" || page.Archived {
		return
	}
	d.topic, d.listed = page.Self, listingOf(page, most)
	d.fields = append(d.fields, field{"Link", []string{`<` + page.Hub + `>; rel="hub", <` + page.Self + `>; rel="self"`}})
}

// listingOf is what a page lists, of what has room for most; 0: all has. What else
// a document says of an item is no news.
func listingOf(page feed.Page, most int) (l store.Listing) {
	for _, it := range page.Items {
		l.Marks = append(l.Marks, store.Mark{Order: it.Place, Updated: it.Updated.UnixMilli()})
	}
	for _, st := range page.Stories {
		at := st.Updated.UnixMilli()
		l.Marks = append(l.Marks, store.Mark{Order: at, Updated: at})
	}
	if n := len(l.Marks); most > 0 && n >= most {
		l.Floor = l.Marks[n-1].Order
	}
	return l
}
