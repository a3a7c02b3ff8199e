package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tributary/feed"
)

// sourcesShown is how many sources one page of the table has.
const sourcesShown = 100

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
	Sources        []sourceRow
	Filters        []sourceFilter
	Total, Failing int
	Private        int    // not listed
	Show           string // "": all
	Done           string // what was just done, in words
	Older, Newer   string // neighbouring pages; "": none
}

// sourceFilter is a part of the sources that can be shown alone.
type sourceFilter struct {
	Show, Words string
	N           int
	has         func(feed.Source) bool
}

// sourceFilters are the parts of the sources.
func sourceFilters() []sourceFilter {
	return []sourceFilter{
		{"", "All", 0, func(feed.Source) bool { return true }},
		{"failing", "Failing", 0, func(src feed.Source) bool { return src.Enabled && failing(src) }},
		{"off", "Switched off", 0, func(src feed.Source) bool { return !src.Enabled }},
	}
}

// sourceRow is a row of the table.
type sourceRow struct {
	Slug, Name string
	Address    string // the feed's; "" of a folder
	Kind       feed.SourceKind
	Private    bool
	Condition  conditionView
	LastFetch  moment
	LastChange moment
	Spark      *spark // of the last 30 days; nil: there was nothing
}

// conditionView is how a source is doing.
type conditionView struct {
	Tone     string // "good", "wait", "bad", "off"
	Status   string // in words
	Error    string
	Failures int
	Next     moment
	Due      string // when next, if that is not a moment
	Reason   string // why then
	Worker   string // who works on it now
}

// sourcesRequest is what the list of sources is asked for.
type sourcesRequest struct {
	show string // a filter; "": all
	page int    // from 1
	done string // a word for what was just done
}

func sourcesRequestOf(r *http.Request) (sourcesRequest, error) {
	v := r.URL.Query()
	q := sourcesRequest{show: v.Get("show"), page: 1, done: v.Get("done")}
	if !slices.ContainsFunc(sourceFilters(), func(f sourceFilter) bool { return f.Show == q.show }) {
		return q, feed.Errorf(feed.CodeInvalid, "“show” is failing, off or nothing.")
	}
	if text := v.Get("page"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return q, feed.Errorf(feed.CodeInvalid, "“page” must be a whole number above 0.")
		}
		q.page = n
	}
	return q, nil
}

// path is the address of a page of the list.
func (q sourcesRequest) path(page int) string {
	v := url.Values{}
	if q.show != "" {
		v.Set("show", q.show)
	}
	if page > 1 {
		v.Set("page", strconv.Itoa(page))
	}
	if len(v) == 0 {
		return "/sources"
	}
	return "/sources?" + v.Encode()
}

func (s *Server) sourcesPage(w http.ResponseWriter, r *http.Request) {
	q, err := sourcesRequestOf(r)
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	s.servePage(w, r, q.path(q.page), s.thisSecond(), "sources", func(ctx context.Context, v viewer) (page, error) {
		return s.sourcesList(ctx, v, q)
	})
}

func (s *Server) sourcesList(ctx context.Context, who viewer, q sourcesRequest) (page, error) {
	all, err := s.store.Sources(ctx)
	if err != nil {
		return page{}, err
	}
	seen := all
	if !who.Admin {
		seen = public(all)
	}
	v := sourcesView{Total: len(seen), Private: len(all) - len(seen), Show: q.show, Filters: sourceFilters()}
	if who.Admin {
		v.Done = sourceDone[q.done]
	}
	working, err := s.working(ctx, who)
	if err != nil {
		return page{}, err
	}
	var shown []feed.Source
	for i, f := range v.Filters {
		part := slices.DeleteFunc(slices.Clone(seen), func(src feed.Source) bool { return !f.has(src) })
		v.Filters[i].N = len(part)
		if f.Show == q.show {
			shown = part
		}
		if f.Show == "failing" {
			v.Failing = len(part)
		}
	}
	from := (q.page - 1) * sourcesShown
	if from > 0 && from >= len(shown) {
		return page{}, feed.Errorf(feed.CodeNotFound, "there is no page %d", q.page)
	}
	to := min(from+sourcesShown, len(shown))
	for _, src := range shown[from:to] {
		row, err := s.sourceRow(ctx, who, src)
		if err != nil {
			return page{}, err
		}
		row.Condition.Worker = working[src.ID]
		v.Sources = append(v.Sources, row)
	}
	if q.page > 1 {
		v.Newer = s.root + q.path(q.page-1)
	}
	if to < len(shown) {
		v.Older = s.root + q.path(q.page+1)
	}
	return page{
		Title:       "Sources",
		Description: "Where the items come from, and how each source is doing.",
		Canonical:   s.opt.Site.BaseURL + "/sources",
		NoIndex:     q.page > 1 || q.show != "",
		Section:     "sources",
		Wide:        true,
		Alternates:  []alternate{{"OPML", s.opt.Site.Title + ": sources (OPML)", typeAttr("text/x-opml"), s.root + "/sources.opml"}},
		Body:        v,
	}, nil
}

func (s *Server) sourceRow(ctx context.Context, who viewer, src feed.Source) (sourceRow, error) {
	days, err := s.store.SourceDays(ctx, src.ID, s.chartFrom())
	if err != nil {
		return sourceRow{}, err
	}
	row := sourceRow{
		Slug: src.Slug, Name: src.Title(), Kind: src.Kind, Private: src.Private, Condition: s.condition(who, src),
		LastFetch: s.brief(src.State.LastFetch), LastChange: s.brief(src.State.LastChange),
		Spark: sparkOf(s.everyDay(days), itemSeries),
	}
	if src.Kind == feed.KindFeed {
		row.Address = feed.Redacted(src.URL)
	}
	return row, nil
}

func (s *Server) condition(who viewer, src feed.Source) conditionView {
	v := conditionView{Tone: toneOf(src), Status: src.Condition(), Error: src.State.Error, Failures: src.State.Failures}
	if !who.Admin {
		v.Error = publicError(v.Error, src)
	}
	v.Next, v.Due, v.Reason = s.due(src)
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

// opml is the list of sources for other readers (OPML 2.0): of the public ones,
// for an administrator of all but those that are fetched with secrets.
func (s *Server) opml(w http.ResponseWriter, r *http.Request) {
	if s.viewer(r).Admin {
		s.wholeOPML(w, r)
		return
	}
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

const opmlType = "text/x-opml; charset=utf-8"

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
		mediaType:    opmlType,
		cacheControl: s.shared(fmt.Sprintf("max-age=%d", int(s.opt.MaxAge.Seconds()))),
		vary:         varyCookie,
	})
}

// wholeOPML answers with the list as an administrator takes it along.
func (s *Server) wholeOPML(w http.ResponseWriter, r *http.Request) {
	all, err := s.store.Sources(r.Context())
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	body, err := feed.WholeOPML(s.opt.Site.Title, all, s.opt.Now())
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", opmlType)
	h.Set("Content-Disposition", `attachment; filename="sources.opml"`)
	h.Set("Cache-Control", "no-store")
	h["X-Content-Type-Options"] = noSniff
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}
