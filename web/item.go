package web

import (
	"cmp"
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
	Change     changeView // what an administrator may do
	Provenance string
	FirstSeen  moment // Machine "": that is its date
	Updated    moment // Machine "": not since it came in
	Authors    []link
	Source     link // to the page of its source
	Picture    link // shown above a content that has none, or linked
	Pictures   bool // of other sites are shown
	Content    template.HTML
	Cut        bool
	Enclosures []enclosureView
	Comments   string
	Rights     string
	Categories []string
	Shared     sharedView
}

// sharedView is what other sites show of a link to the page (Open Graph), beside its title.
type sharedView struct{ Text, Picture string }

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
	if v := s.viewer(r); v.Admin {
		s.itemForAdmin(w, r, http.StatusOK, id, changeView{Done: changesDone[r.URL.Query().Get("done")]})
		return
	}
	key := "item " + id
	doc, err := s.pageInTurn(r, key, s.seen.Load(), func(ctx context.Context) (*document, error) {
		p, err := s.itemBody(ctx, viewer{}, id)
		if err != nil {
			return nil, err
		}
		return s.pageDocument("item", p)
	})
	if err != nil {
		s.noItem(w, r, err)
		return
	}
	doc.serve(w, r)
}

// itemForAdmin shows an item as it is at this moment, with what was done to it and can be.
func (s *Server) itemForAdmin(w http.ResponseWriter, r *http.Request, status int, id string, change changeView) {
	p, err := s.itemBody(r.Context(), viewer{Admin: true}, id)
	if err != nil {
		s.noItem(w, r, err)
		return
	}
	v := p.Body.(itemPageView)
	change.Correct = s.opt.Corrector != nil
	v.Change = change
	p.Body = v
	s.freshPage(w, r, status, "item", p)
}

// noItem answers why there is no page of an item.
func (s *Server) noItem(w http.ResponseWriter, r *http.Request, err error) {
	var merged mergedError
	switch {
	case errors.As(err, &merged):
		s.sendOn(w, r, "/items/"+merged.into)
	case errors.Is(err, errGone):
		s.itemGone(w, r)
	case feed.CodeOf(err) == feed.CodeNotFound:
		s.itemNotFound(w, r)
	default:
		s.failPage(w, r, err)
	}
}

func (s *Server) itemBody(ctx context.Context, who viewer, id string) (page, error) {
	item, err := s.store.Item(ctx, id)
	if err != nil {
		return page{}, err
	}
	switch {
	case item.MergedID != "":
		return page{}, mergedError{item.MergedID}
	case item.Place == 0:
		return page{}, feed.Errorf(feed.CodeNotFound, "item %s is not published yet", id)
	case !item.Live():
		return page{}, errGone
	}
	v := s.itemPageView(who, item)
	if v.Why, err = s.whyView(ctx, who, item); err != nil {
		return page{}, err
	}
	p := page{Title: v.Title, Description: v.Summary, Section: "item", Body: v, Canonical: s.opt.Site.BaseURL + "/items/" + item.ID}
	if v.Via.URL != "" {
		p.Canonical, p.NoIndex = v.Via.URL, true // the original is what search engines should show
	}
	return p, nil
}

func (s *Server) itemPageView(who viewer, item feed.Item) itemPageView {
	e := item.Entry
	v := itemPageView{
		itemView:   s.groupView(who, []feed.Item{item}),
		Provenance: provenance(e),
		Updated:    s.updated(item),
		Pictures:   !s.opt.NoPictures,
		Content:    s.content(e),
		Cut:        e.Details.Cut,
		Comments:   publicURL(e.Details.Comments),
		Rights:     e.Details.Extra.Rights,
		Categories: e.Details.Categories,
	}
	if !strings.Contains(e.Content, "<img") {
		v.Picture = link{pictureName("", e.Details.Image), publicURL(e.Details.Image)}
	}
	if !e.Published.IsZero() {
		v.FirstSeen = s.moment(e.FirstSeen)
	}
	if who.Admin || isPublic(item.Source) {
		v.Source = link{item.Source.Title(), s.root + "/sources/" + item.Source.Slug}
	}
	for _, a := range e.Authors {
		if a.Name != "" {
			v.Authors = append(v.Authors, link{a.Name, publicURL(a.URL)})
		}
	}
	v.Shared.Text = cmp.Or(v.Summary, beginning(e.Content))
	if v.Pictures {
		v.Shared.Picture = pictureOf(e)
	}
	for _, f := range e.Details.Enclosures {
		if u := publicURL(f.URL); u != "" {
			v.Enclosures = append(v.Enclosures, newEnclosureView(f, u))
		}
	}
	return v
}

// pictureOf is the address of the picture that stands for an entry: the one that its source
// names, else one that comes with it, else the first in its text; "": there is none.
func pictureOf(e feed.Entry) string {
	if u := publicURL(e.Details.Image); u != "" {
		return u
	}
	for _, f := range e.Details.Enclosures {
		if u := publicURL(f.URL); u != "" && strings.HasPrefix(f.Type, "image/") {
			return u
		}
	}
	return firstPicture(e.Content)
}

// content is an entry's text as its page shows it.
func (s *Server) content(e feed.Entry) template.HTML {
	text := playable.Replace(e.Content)
	if s.opt.NoPictures {
		text = withoutPictures(e.Content)
	}
	return template.HTML(text) //nolint:gosec // made safe when it was cleaned; the page's policy allows no script either way
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
	w.Header().Set("Cache-Control", s.shared("no-cache"))
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
// validators take them for something active; and lets the keyboard scroll what is
// wider than the page. In cleaned content a "<" begins a tag.
var playable = strings.NewReplacer("<audio", "<audio controls", "<video", "<video controls",
	"<pre", `<pre tabindex="0"`, "<table", `<table tabindex="0"`)
