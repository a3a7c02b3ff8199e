package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"tributary/feed"
	"tributary/ingest"
)

// previewEntries is how many entries a preview shows.
const previewEntries = 20

// sourceForm is what a person says of a source.
type sourceForm struct {
	URL            string
	Name, Tags     string
	Every          string
	Private, AllIn bool // AllIn: it is not filtered
	FullText       bool // its articles' pages are read
	On             bool // it is fetched
}

// sourceFormOf reads a form.
func sourceFormOf(form url.Values) sourceForm {
	return sourceForm{
		URL: completed(form.Get("url")), Name: strings.TrimSpace(form.Get("name")), Tags: form.Get("tags"),
		Every: strings.TrimSpace(form.Get("every")), Private: form.Get("private") == "1", AllIn: form.Get("allin") == "1", FullText: form.Get("fulltext") == "1", On: form.Get("on") == "1",
	}
}

// formOfSource is the form as a source is now.
func formOfSource(src feed.Source) sourceForm {
	return sourceForm{URL: feed.Redacted(src.URL), Name: src.Name, Tags: strings.Join(src.Tags, ", "), Every: src.Every,
		Private: src.Private, AllIn: src.Topic == ingest.FilterOff, FullText: src.FullText, On: src.Enabled}
}

// source is what the form says.
func (f sourceForm) source(slug string) feed.Source {
	src := feed.Source{Slug: slug, Kind: feed.KindFeed, URL: f.URL, Name: f.Name, Every: f.Every, Private: f.Private, FullText: f.FullText, Enabled: f.On}
	for tag := range strings.SplitSeq(f.Tags, ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			src.Tags = append(src.Tags, tag)
		}
	}
	if f.AllIn {
		src.Topic = ingest.FilterOff
	}
	return src
}

// hostFirst is how people write an address: without the scheme.
var hostFirst = regexp.MustCompile(`^[^/:@?#\s]+\.[^/:@?#\s]+(:\d+)?([/?#]\S*)?$`)

// completed completes an address that was typed.
func completed(typed string) string {
	typed = strings.TrimSpace(typed)
	if hostFirst.MatchString(typed) {
		return "https://" + typed
	}
	return typed
}

// newSourceView is the body of /sources/new.
type newSourceView struct {
	Form    sourceForm
	Problem string
	Preview *previewView
}

// previewView is what a source would bring.
type previewView struct {
	Title, Site string
	URL         string      // the feed's
	Others      []namedFeed // other feeds that the page names
	Choices     []string    // all of them, for the next form
	Counts      string
	Entries     []previewEntry
	More        int // entries beyond those shown
}

// namedFeed is a feed that a page names.
type namedFeed struct{ URL, Title string }

// previewEntry is what would become of an entry.
type previewEntry struct {
	Title, URL, Language string
	When                 moment
	Tone, Verdict        string // "Published", "Held: off topic", "Copy of River Post"
	Reason               string
}

func (s *Server) newSourcePage(w http.ResponseWriter, r *http.Request) {
	s.showNewSource(w, r, http.StatusOK, newSourceView{Form: sourceForm{URL: r.URL.Query().Get("url")}})
}

func (s *Server) showNewSource(w http.ResponseWriter, r *http.Request, status int, v newSourceView) {
	s.freshPage(w, r, status, "sourcenew", page{Title: "Add a source", NoIndex: true, Section: "sources", Body: v})
}

// newSource takes the forms on /sources/new: one looks at an address, the other
// adds what was found there.
func (s *Server) newSource(w http.ResponseWriter, r *http.Request, form url.Values) {
	patient(w) // the site may be slow; fetching has a limit of its own
	v := newSourceView{Form: sourceFormOf(form)}
	if v.Form.URL == "" {
		s.newSourceProblem(w, r, v, feed.Errorf(feed.CodeInvalid, "There is no address yet: give that of a site, or of its feed."))
		return
	}
	if form.Get("do") != "add" {
		preview, err := s.preview(r.Context(), v.Form, form["choice"])
		if err != nil {
			s.newSourceProblem(w, r, v, err)
			return
		}
		v.Preview = preview
		s.showNewSource(w, r, http.StatusOK, v)
		return
	}
	src := v.Form.source("")
	src.Enabled, src.Origin = true, feed.OriginAdded
	added, _, run, err := s.sources.Add(r.Context(), src)
	switch {
	case err != nil && added.ID == 0:
		v.Preview, _ = s.preview(r.Context(), v.Form, form["choice"]) // without one there is still the problem
		s.newSourceProblem(w, r, v, err)
	case err != nil || run == "":
		s.goOn(w, r, s.root+"/sources/"+added.Slug+"?done=added")
	default:
		s.goOn(w, r, s.root+"/runs/"+run)
	}
}

// newSourceProblem shows the form again with what was typed and what is wrong.
func (s *Server) newSourceProblem(w http.ResponseWriter, r *http.Request, v newSourceView, problem error) {
	v.Problem = message(problem)
	s.showNewSource(w, r, s.problemStatus(w, r, problem), v)
}

// preview looks at what a source would bring. choices are the feeds of the page
// that led to it, if it was looked at before.
func (s *Server) preview(ctx context.Context, form sourceForm, choices []string) (*previewView, error) {
	p, err := s.sources.Preview(ctx, form.source(""))
	if err != nil {
		return nil, err
	}
	names, err := s.sourceNames(ctx)
	if err != nil {
		return nil, err
	}
	v := &previewView{
		Title: p.Source.Title(), Site: publicURL(p.Source.About.Link), URL: p.Source.URL,
		Counts: countsInWords(p.Would.Counts), More: max(0, len(p.Would.Entries)-previewEntries),
	}
	if len(p.Feeds) > 0 {
		choices = nil
	}
	for _, c := range p.Feeds {
		choices = append(choices, c.URL+" "+c.Title)
	}
	choices = fitting(choices)
	v.Choices = choices
	for _, c := range choices {
		if address, title, _ := strings.Cut(c, " "); address != v.URL {
			v.Others = append(v.Others, namedFeed{address, title})
		}
	}
	for _, f := range p.Would.Entries[:min(len(p.Would.Entries), previewEntries)] {
		v.Entries = append(v.Entries, s.previewEntry(f, names))
	}
	return v, nil
}

// fitting are the first of the choices, as many as leave room in the form that
// sends them back.
func fitting(choices []string) []string {
	size := 0
	for i, c := range choices {
		if size += len("&choice=") + len(url.QueryEscape(c)); size > formBytes/2 {
			return choices[:i]
		}
	}
	return choices
}

// sourceNames are the names of the sources by their row ids.
func (s *Server) sourceNames(ctx context.Context) (map[int64]string, error) {
	all, err := s.store.Sources(ctx)
	names := make(map[int64]string, len(all))
	for _, src := range all {
		names[src.ID] = src.Title()
	}
	return names, err
}

func (s *Server) previewEntry(f ingest.Foreseen, names map[int64]string) previewEntry {
	item := feed.Item{Entry: f.Entry, Published: f.Entry.Published}
	v := previewEntry{Title: titleOf(item), URL: publicURL(f.Entry.URL), Language: f.Entry.Language, When: s.published(item), Reason: f.Entry.Decision.Reason}
	switch d := f.Entry.Decision; d.Kind {
	case feed.Published:
		v.Tone, v.Verdict = "good", "published"
	case feed.Held:
		v.Tone, v.Verdict = "wait", "held: "+d.Grounds()
	case feed.CopyOf:
		v.Tone, v.Verdict = "off", "copy of what "+copiedFrom(f.Of, names)+" has"
	default:
		v.Tone, v.Verdict = "off", string(d.Kind)
	}
	return v
}

// copiedFrom names the source whose item a copy would join.
func copiedFrom(of *feed.Known, names map[int64]string) string {
	switch {
	case of == nil:
		return "another source"
	case of.EntryID <= 0:
		return "this feed itself"
	case names[of.SourceID] == "":
		return "a source that was removed"
	}
	return names[of.SourceID]
}

// editSourceView is the body of /sources/{slug}/edit and /sources/{slug}/remove.
type editSourceView struct {
	Slug, Name string
	Form       sourceForm
	Elsewhere  string // where it is declared, if it can be changed only there
	Env        bool   // that is TRIBUTARY_SOURCES
	Seeds      bool
	Secret     bool // it is private in any case
	Problem    string
}

func editView(src feed.Source) editSourceView {
	return editSourceView{Slug: src.Slug, Name: src.Title(), Form: formOfSource(src), Secret: src.HasSecrets(),
		Elsewhere: declaredIn(src), Seeds: src.Slug == feed.SeedsSlug, Env: src.Origin == feed.OriginEnv}
}

// changeSourcePage shows one of the forms about a source.
func (s *Server) changeSourcePage(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		src, err := s.sourceNamed(r.Context(), viewer{Admin: true}, r.PathValue("slug"))
		if err != nil {
			s.failPage(w, r, err)
			return
		}
		s.showChange(w, r, http.StatusOK, name, editView(src))
	}
}

func (s *Server) showChange(w http.ResponseWriter, r *http.Request, status int, name string, v editSourceView) {
	title := "Change "
	if name == "sourceremove" {
		title = "Remove "
	}
	s.freshPage(w, r, status, name, page{Title: title + v.Name, NoIndex: true, Section: "sources", Body: v})
}

// editSource takes the form on /sources/{slug}/edit.
func (s *Server) editSource(w http.ResponseWriter, r *http.Request, form url.Values) {
	src, err := s.sourceNamed(r.Context(), viewer{Admin: true}, r.PathValue("slug"))
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	said := sourceFormOf(form)
	changed := said.source(src.Slug)
	changed.ID, changed.URL, changed.Priority = src.ID, src.URL, src.Priority
	if err := s.sources.Update(r.Context(), changed); err != nil {
		v := editView(src)
		v.Form, v.Problem = said, message(err)
		s.showChange(w, r, s.problemStatus(w, r, err), "sourceedit", v)
		return
	}
	s.goOn(w, r, s.root+"/sources/"+src.Slug+"?done=saved")
}

// removeSource takes the form on /sources/{slug}/remove.
func (s *Server) removeSource(w http.ResponseWriter, r *http.Request, form url.Values) {
	src, err := s.sourceNamed(r.Context(), viewer{Admin: true}, r.PathValue("slug"))
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	purge := form.Get("purge") == "1"
	if err := s.sources.Remove(r.Context(), src.Slug, purge); err != nil {
		v := editView(src)
		v.Problem = message(err)
		s.showChange(w, r, s.problemStatus(w, r, err), "sourceremove", v)
		return
	}
	done := "removed"
	if purge {
		done = "purged"
	}
	s.goOn(w, r, s.root+"/sources?done="+done)
}
