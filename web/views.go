package web

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tributary/feed"
	"tributary/store"
)

const (
	viewShows    = 100 // items or stories in a view, unless it is asked for others
	viewShowsAll = 500 // that ?limit= may ask for
	mostSources  = 50  // that ?min_sources= may ask for
)

// variantKey names one of the feeds beside the main one, in one format. Equal
// keys are one document at one address, however it was asked for.
type variantKey struct {
	format            int    // atomDoc, rssDoc or jsonDoc
	stories           bool   // else items
	archive           int64  // number of an archive; 0: none
	text, source, tag string // of what is found so; "": any
	min               int    // publishers that must carry it, 2 or more; 0: any
	limit             int    // 0: as many as usual
	brief             bool   // summaries stand for the texts
}

// main tells whether it is the main feed.
func (k variantKey) main() bool { return k == variantKey{format: k.format} }

// window tells whether it lists what the main feed lists.
func (k variantKey) window() bool {
	k.brief = false
	return k.main()
}

// most is how many items or stories it lists at most.
func (k variantKey) most() int {
	if k.limit == 0 {
		return viewShows
	}
	return k.limit
}

// room is how much it can list, 0 if nothing is left out for want of it: the
// window's items go by their age alone.
func (k variantKey) room() int {
	if k.window() {
		return 0
	}
	return k.most()
}

// path is the document's address below the base URL: parameters in a fixed
// order, without those that change nothing.
func (k variantKey) path() string {
	var query []string
	add := func(given bool, name, value string) {
		if given {
			query = append(query, name+"="+url.QueryEscape(value))
		}
	}
	name := "/feed."
	switch {
	case k.archive > 0:
		name = "/archive/" + strconv.FormatInt(k.archive, 10) + "."
	case k.stories:
		name = "/stories."
	case k.text == "" && k.tag == "" && k.source != "":
		name = "/sources/" + url.PathEscape(k.source) + "/feed."
	case k.text == "" && k.source == "" && strings.Trim(k.tag, ".") != "": // browsers take dots for folders
		name = "/tags/" + url.PathEscape(k.tag) + "/feed."
	case k.text+k.source+k.tag != "":
		name = "/search/feed."
		add(k.text != "", "q", k.text)
		add(k.source != "", "source", k.source)
		add(k.tag != "", "tag", k.tag)
	}
	add(k.min > 0, "min_sources", strconv.Itoa(k.min))
	add(k.limit > 0, "limit", strconv.Itoa(k.limit))
	add(k.brief, "content", "summary")
	name += docMedia[k.format].ext
	if len(query) > 0 {
		name += "?" + strings.Join(query, "&")
	}
	return name
}

// site is what the feed says of itself; title is its source's.
func (k variantKey) site(s feed.Site, title string) feed.Site {
	if k.stories {
		s = s.Stories()
	}
	if k.source != "" {
		s = s.From(k.source, title)
		s.Home = "/sources/" + url.PathEscape(k.source)
	}
	if k.text != "" {
		s = s.Found(k.text)
	}
	if k.tag != "" {
		s = s.Tagged(k.tag)
	}
	if k.text+k.tag != "" {
		s.Home = finding{text: k.text, source: k.source, tag: k.tag}.path()
	}
	if k.min > 0 {
		s = s.CarriedBy(k.min)
	}
	if k.limit > 0 {
		s = s.Newest(k.limit)
	}
	if k.brief {
		s = s.Summaries()
	}
	return s
}

// viewOf reads what a request asks of a feed beyond its path. Parameters that
// are not known say nothing.
func viewOf(r *http.Request, k variantKey) (variantKey, error) {
	v, err := parameters(r)
	if err != nil {
		return k, err
	}
	if k.min, err = numberFrom(v, "min_sources", mostSources); err != nil {
		return k, err
	}
	if k.min == 1 {
		k.min = 0
	}
	if k.limit, err = numberFrom(v, "limit", viewShowsAll); err != nil {
		return k, err
	}
	if k.limit == viewShows && (variantKey{format: k.format, limit: k.limit}) != k {
		k.limit = 0
	}
	switch content := v.Get("content"); content {
	case "", "full":
	case "summary":
		k.brief = true
	default:
		return k, feed.Errorf(feed.CodeInvalid, "“content=%s” is not understood: it is summary or full.", content)
	}
	return k, nil
}

// parameters are those of a request for a feed. If some cannot be read it asks for we
// don't know what.
func parameters(r *http.Request) (url.Values, error) {
	v, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, feed.Errorf(feed.CodeInvalid, "The parameters of this address cannot be read: write name=value, & between them, and %%26, %%3B and %%25 for &, ; and %% in a value.")
	}
	return v, nil
}

// numberFrom reads a parameter that is a number from 1 on; 0: it is not there.
func numberFrom(v url.Values, name string, most int) (int, error) {
	text := v.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, feed.Errorf(feed.CodeInvalid, "“%s=%s” is not understood: it is a whole number from 1 to %d.", name, text, most)
	}
	return n, nil
}

// found reads what a feed is to find: by its path, or by a search.
func found(r *http.Request, k variantKey) (variantKey, error) {
	k.source, k.tag = r.PathValue("slug"), r.PathValue("tag")
	if k.source+k.tag == "" {
		v, err := parameters(r)
		if err != nil {
			return k, err
		}
		k.text, k.source, k.tag = spaced(v.Get("q")), spaced(v.Get("source")), v.Get("tag")
	}
	k.tag = store.TagKey(strings.ToValidUTF8(k.tag, ""))
	if err := findable(k.text, k.source, k.tag); err != nil {
		return k, err
	}
	if k.text+k.source+k.tag == "" {
		return k, feed.Errorf(feed.CodeInvalid, "This feed needs to know what to find: give q=WORDS, source=NAME or tag=TAG.")
	}
	return k, nil
}

// viewDocument serves the feed of what comes by a source, has a tag, or is found.
func (s *Server) viewDocument(format int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		k, err := found(r, variantKey{format: format})
		if err == nil {
			k, err = viewOf(r, k)
		}
		s.serveView(w, r, k, err)
	}
}

// storiesDocument serves the feed of stories.
func (s *Server) storiesDocument(format int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		k, err := viewOf(r, variantKey{format: format, stories: true})
		s.serveView(w, r, k, err)
	}
}

// serveView serves a feed that was asked for, or says why there is no such.
func (s *Server) serveView(w http.ResponseWriter, r *http.Request, k variantKey, problem error) {
	if problem != nil {
		s.noSuchFeed(w, r, problem)
		return
	}
	s.serveVariant(w, r, k)
}

func (s *Server) noSuchFeed(w http.ResponseWriter, r *http.Request, problem error) {
	s.errorPage(w, r, statusOf(feed.CodeOf(problem)), "No such feed", message(problem))
}

// viewPage reads what a feed lists, and what it says of itself.
func (s *Server) viewPage(ctx context.Context, k variantKey) (feed.Site, feed.Page, error) {
	title, err := s.viewSource(ctx, k.source)
	site, page := k.site(s.opt.Site, title), feed.Page{Brief: k.brief}
	switch {
	case err != nil:
	case k.archive > 0:
		page, err = s.archivePage(ctx, k)
	case k.stories:
		page.Stories, err = s.store.Stories(ctx, store.StoryQuery{Limit: k.most(), MinPublishers: k.min, WithContent: true})
	case k.window():
		page.Items, _, err = s.store.Window(ctx)
	default:
		page.Items, err = s.store.Items(ctx, store.Query{
			Limit: k.most(), Text: k.text, Source: k.source, Tag: k.tag, MinPublishers: k.min, WithContent: true,
		})
	}
	return site, page, err
}

// viewSource is the title of a source that may have a feed. Those that strangers may
// not know of have none, of a private site neither: its title would be told on.
func (s *Server) viewSource(ctx context.Context, slug string) (string, error) {
	if slug == "" {
		return "", nil
	}
	src, err := s.sourceNamed(ctx, viewer{}, slug)
	if askedWrongly(err) {
		err = feed.Errorf(feed.CodeNotFound, "There is no source “%s” here: %s lists those that there are.", slug, s.opt.Site.BaseURL+"/sources")
	}
	return src.Title(), err
}

// alternate is a document that a page names as another form of what it shows.
type alternate struct {
	Name, Title string
	Type        template.HTMLAttr // see typeAttr
	Path        string
}

// typeAttr is the attribute that says a media type of ours. As a value of an attribute the
// template would write its + as a reference, which is right but not what all look for.
func typeAttr(mediaType string) template.HTMLAttr {
	name, _, _ := strings.Cut(mediaType, ";")
	return template.HTMLAttr(`type="` + name + `"`) //nolint:gosec // our own words
}

// alternates are the formats of a feed.
func (s *Server) alternates(k variantKey, title string) []alternate {
	site := k.site(s.opt.Site, title)
	var all []alternate
	for format, name := range []string{atomDoc: "Atom", rssDoc: "RSS", jsonDoc: "JSON Feed"} {
		k.format = format
		all = append(all, alternate{name, site.Title + " (" + name + ")", typeAttr(docMedia[format].mediaType), s.root + k.path()})
	}
	return all
}
