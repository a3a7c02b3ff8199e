package web

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"

	"tributary/feed"
)

// itemPageView is the body of an item's page.
type itemPageView struct {
	itemView
	Why        whyView
	Provenance string
	Updated    moment // Machine "": not since it came in
	Authors    []link
	Site       link   // of the source
	Picture    string // shown above a content that has none
	Content    template.HTML
	Cut        bool
	Enclosures []enclosureView
	Comments   string
	Rights     string
	Categories []string
}

// enclosureView is a file that belongs to the item.
type enclosureView struct {
	Name, URL, Type, Size string
}

// errGone marks an item that is not shown any more.
var errGone = errors.New("withdrawn")

// mergedError says that a person has put an item into another one.
type mergedError struct{ into string }

func (e mergedError) Error() string { return "merged into " + e.into }

// itemPage shows one item. One that was withdrawn or hidden is gone (410),
// and the page says so. Of one that was merged into another it sends on to that.
func (s *Server) itemPage(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !isUUID(id) {
		s.itemNotFound(w, r)
		return
	}
	if _, err := s.latest(r.Context()); err != nil {
		s.unavailable(w, r, err)
		return
	}
	doc, err := s.cache.document("item "+id, s.seen.Load(), func() (*document, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), renderTimeout)
		defer cancel()
		return s.itemDocument(ctx, id)
	})
	var merged mergedError
	switch {
	case errors.As(err, &merged):
		s.sendOn(w, r, "/items/"+merged.into)
	case errors.Is(err, errGone):
		s.itemGone(w, r)
	case feed.CodeOf(err) == feed.CodeNotFound:
		s.itemNotFound(w, r)
	case err != nil:
		s.failPage(w, r, err)
	default:
		doc.serve(w, r)
	}
}

func (s *Server) itemDocument(ctx context.Context, id string) (*document, error) {
	item, err := s.store.Item(ctx, id)
	if err != nil {
		return nil, err
	}
	switch {
	case item.MergedID != "":
		return nil, mergedError{item.MergedID}
	case item.Place == 0:
		return nil, feed.Errorf(feed.CodeNotFound, "item %s is not published yet", id)
	case !item.Live():
		return nil, errGone
	}
	v := s.itemPageView(item)
	if v.Why, err = s.whyView(ctx, item); err != nil {
		return nil, err
	}
	p := page{Title: v.Title, Description: v.Summary, Section: "item", Body: v, Canonical: s.opt.Site.BaseURL + "/items/" + item.ID}
	if v.Via.URL != "" {
		p.Canonical, p.NoIndex = v.Via.URL, true // the original is what search engines should show
	}
	return s.pageDocument("item", p)
}

func (s *Server) itemPageView(item feed.Item) itemPageView {
	e := item.Entry
	v := itemPageView{
		itemView:   s.groupView([]feed.Item{item}),
		Provenance: provenance(e),
		Updated:    s.updated(item),
		Content:    template.HTML(playable.Replace(e.Content)), //nolint:gosec // made safe when it was cleaned; the page's policy allows no script either way
		Cut:        e.Details.Cut,
		Comments:   publicURL(e.Details.Comments),
		Rights:     e.Details.Extra.Rights,
		Categories: e.Details.Categories,
	}
	if !strings.Contains(e.Content, "<img") {
		v.Picture = publicURL(e.Details.Image)
	}
	if isPublic(item.Source) {
		v.Site = link{item.Source.Title(), publicURL(item.Source.About.Link)}
	}
	for _, a := range e.Authors {
		if a.Name != "" {
			v.Authors = append(v.Authors, link{a.Name, publicURL(a.URL)})
		}
	}
	for _, f := range e.Details.Enclosures {
		if u := publicURL(f.URL); u != "" {
			v.Enclosures = append(v.Enclosures, newEnclosureView(f, u))
		}
	}
	return v
}

func newEnclosureView(f feed.Enclosure, url string) enclosureView {
	v := enclosureView{Name: f.Title, URL: url, Type: f.Type}
	if v.Name == "" {
		v.Name = "File from " + hostOf(url)
	}
	if f.Length > 0 {
		v.Size = bytesInWords(f.Length)
	}
	return v
}

// updated is when a reader would see a change: only if that was noticeably
// after the item was written and after it came in.
func (s *Server) updated(item feed.Item) moment {
	for _, t := range []time.Time{item.Published, item.Entry.FirstSeen, item.Admitted} {
		if item.Updated.Sub(t) < time.Minute {
			return moment{}
		}
	}
	return s.moment(item.Updated)
}

// sendOn redirects for good; but for what a person may take back, so that
// browsers ask again (RFC 9110, 15.4.9: otherwise they need not).
func (s *Server) sendOn(w http.ResponseWriter, r *http.Request, path string) {
	w.Header().Set("Cache-Control", "public, no-cache")
	http.Redirect(w, r, s.root+path, http.StatusPermanentRedirect)
}

func (s *Server) itemGone(w http.ResponseWriter, r *http.Request) {
	s.errorPage(w, r, http.StatusGone, "No longer here",
		"This item was withdrawn: its source took it back, or we did. It will be at this address again if it returns.")
}

func (s *Server) itemNotFound(w http.ResponseWriter, r *http.Request) {
	s.errorPage(w, r, http.StatusNotFound, "No such item", "There is no item at this address. It may have been mistyped.")
}

// isUUID tells whether s is a UUID in lower case, as item ids are.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')
		if dash != (c == '-') || (!dash && !hex) {
			return false
		}
	}
	return true
}

// playable gives audio and video the controls that feeds leave out, since
// validators take them for something active. In cleaned content a "<" begins a tag.
var playable = strings.NewReplacer("<audio", "<audio controls", "<video", "<video controls")
