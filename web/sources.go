package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tributary/feed"
)

// sourcesShown is how many sources one page of the table has.
const sourcesShown = 200

// isPublic tells whether a source may appear in public output: it is not
// marked private, and fetching it takes no secrets.
func isPublic(src feed.Source) bool {
	if src.Private || src.HasSecrets() {
		return false
	}
	return src.Kind == feed.KindFolder || publicURL(src.URL) != ""
}

// public are the sources that may be shown to everybody.
func public(sources []feed.Source) []feed.Source {
	var out []feed.Source
	for _, src := range sources {
		if isPublic(src) {
			out = append(out, src)
		}
	}
	return out
}

// failing tells whether the last fetch of a source gave nothing.
func failing(src feed.Source) bool {
	switch status(src) {
	case feed.StatusFailing, feed.StatusBlocked, feed.StatusNotFeed, feed.StatusGone:
		return true
	}
	return false
}

// sourcesView is the body of /sources.
type sourcesView struct {
	Sources        []sourceView
	Total, Failing int
	Private        int // not listed
	Older, Newer   int // numbers of neighbouring pages; 0: none
}

// sourceView is a row of the table.
type sourceView struct {
	Name       string
	Site       string // "": not known
	Address    string // the feed's; "" of a folder
	Kind       feed.SourceKind
	Tone       string // "good", "wait", "bad", "off"
	Status     string // in words
	Error      string
	LastFetch  moment
	LastChange moment
	NextDue    moment
	Due        string // when next, if that is not a moment
	DueReason  string
	Failures   int
	Received   string // bytes, in how many requests; "" of a folder
	Saved      string // by requests answered 304
}

func (s *Server) sourcesPage(w http.ResponseWriter, r *http.Request) {
	number := 1
	if q := r.URL.Query().Get("page"); q != "" {
		n, err := strconv.Atoi(q)
		if err != nil || n < 1 {
			s.errorPage(w, r, http.StatusBadRequest, "No such page", "“page” must be a whole number above 0.")
			return
		}
		number = n
	}
	s.servePage(w, r, fmt.Sprint("sources ", number), s.thisSecond(), "sources", func(ctx context.Context) (page, error) {
		return s.sourcesList(ctx, number)
	})
}

func (s *Server) sourcesList(ctx context.Context, number int) (page, error) {
	all, err := s.store.Sources(ctx)
	if err != nil {
		return page{}, err
	}
	shown := public(all)
	v := sourcesView{Total: len(shown), Private: len(all) - len(shown)}
	for _, src := range shown {
		if src.Enabled && failing(src) {
			v.Failing++
		}
	}
	from := (number - 1) * sourcesShown
	if from > 0 && from >= len(shown) {
		return page{}, feed.Errorf(feed.CodeNotFound, "there is no page %d", number)
	}
	to := min(from+sourcesShown, len(shown))
	for _, src := range shown[from:to] {
		v.Sources = append(v.Sources, s.sourceView(src))
	}
	v.Newer = number - 1
	if to < len(shown) {
		v.Older = number + 1
	}
	return page{
		Title:       "Sources",
		Description: "Where the items come from, and how each source is doing.",
		Canonical:   s.opt.Site.BaseURL + "/sources",
		NoIndex:     number > 1,
		Section:     "sources",
		Wide:        true,
		Body:        v,
	}, nil
}

func (s *Server) sourceView(src feed.Source) sourceView {
	st := src.State
	v := sourceView{
		Name: src.Title(), Kind: src.Kind, Site: publicURL(src.About.Link),
		Error:     publicError(st.Error, src),
		LastFetch: s.brief(st.LastFetch), LastChange: s.brief(st.LastChange),
		Failures: st.Failures,
	}
	v.Tone, v.Status = toneOf(src), src.Condition()
	v.NextDue, v.Due, v.DueReason = s.due(src)
	if src.Kind == feed.KindFeed {
		v.Address = publicURL(src.URL)
		if st.Fetches > 0 {
			v.Received = bytesInWords(st.BytesIn) + " in " + count(int(st.Fetches), "request", "requests")
		}
		v.Saved = saved(st)
	}
	return v
}

// saved says how many requests were answered 304, and what that saved.
func saved(st feed.SourceState) string {
	if st.NotModified == 0 {
		return "none yet"
	}
	words := grouped(st.NotModified) + " of " + grouped(st.Fetches)
	if st.BytesSaved > 0 {
		words += ", about " + bytesInWords(st.BytesSaved)
	}
	return words
}

// due says when a source is fetched next: at a moment, or in words.
func (s *Server) due(src feed.Source) (at moment, words, why string) {
	switch {
	case !src.Enabled:
		return moment{}, "not while it is switched off", ""
	case src.State.Status == feed.StatusGone:
		return moment{}, "never, unless asked for", src.State.DueReason
	case src.Kind == feed.KindFolder:
		return moment{}, "whenever it changes", ""
	case src.State.NextDue.IsZero() || !src.State.NextDue.After(s.opt.Now()):
		return moment{}, "at the next run", src.State.DueReason
	}
	return s.brief(src.State.NextDue), "", src.State.DueReason
}

// toneOf is how a source's condition is to look.
func toneOf(src feed.Source) string {
	switch {
	case !src.Enabled:
		return "off"
	case failing(src):
		return "bad"
	case status(src) == feed.StatusOK:
		return "good"
	}
	return "wait"
}

// publicError is a source's failure without the path of a folder, which is
// nobody's business.
func publicError(text string, src feed.Source) string {
	if src.Kind == feed.KindFolder && src.URL != "" {
		return strings.ReplaceAll(text, src.URL, "the folder")
	}
	return text
}

// opml is the list of public sources for other readers (OPML 2.0).
func (s *Server) opml(w http.ResponseWriter, r *http.Request) {
	doc, err := s.cache.document("opml", s.thisSecond(), func() (*document, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), renderTimeout)
		defer cancel()
		return s.opmlDocument(ctx)
	})
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	doc.serve(w, r)
}

func (s *Server) opmlDocument(ctx context.Context) (*document, error) {
	all, err := s.store.Sources(ctx)
	if err != nil {
		return nil, err
	}
	body, err := feed.OPML(s.opt.Site.Title, public(all), time.Time{})
	if err != nil {
		return nil, err
	}
	return newDocument(body, docOptions{
		mediaType:    "text/x-opml; charset=utf-8",
		cacheControl: fmt.Sprintf("public, max-age=%d", int(s.opt.MaxAge.Seconds())),
	})
}
