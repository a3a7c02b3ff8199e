package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"tributary/feed"
	"tributary/ingest"
	"tributary/store"
)

const (
	sourceItems = 10 // newest ones on a source's page
	sourceHeld  = 5
)

// sourceDone says what was just done, by the word in the address.
var sourceDone = map[string]string{
	"added":   "The source was added. Its first run brings its newest items.",
	"saved":   "The changes were saved.",
	"removed": "The source was removed; its items stay.",
	"purged":  "The source was removed, and its items with it.",
}

// sourcePageView is the body of /sources/{slug}.
type sourcePageView struct {
	Slug, Name  string
	Condition   conditionView
	Advice      string // what to do about its failure
	Done        string // what was just done, in words
	Problem     string // why something was not done
	May         bool   // it can be changed here
	CanFetch    bool   // now
	Facts       []fact
	LastFetch   moment
	LastSuccess moment
	LastChange  moment
	Charts      []chart
	Items       []itemView
	Held        []heldEntryView
}

// fact is something that is so about a source: in words, with a link, or as a
// machine reads it.
type fact struct {
	Label string
	link
	Code bool
}

func (s *Server) sourcePage(w http.ResponseWriter, r *http.Request) {
	slug, done := r.PathValue("slug"), r.URL.Query().Get("done")
	s.servePage(w, r, "source "+slug, s.thisSecond(), "source", func(ctx context.Context, who viewer) (page, error) {
		src, err := s.sourceNamed(ctx, who, slug)
		if err != nil {
			return page{}, err
		}
		v, err := s.sourceView(ctx, who, src)
		if who.Admin {
			v.Done = sourceDone[done]
		}
		return s.sourceBody(src, v), err
	})
}

func (s *Server) sourceBody(src feed.Source, v sourcePageView) page {
	p := page{
		Title: v.Name, Description: "How this source is doing, and what it brought of late.",
		Canonical: s.opt.Site.BaseURL + "/sources/" + src.Slug, NoIndex: true, Section: "sources", Wide: true, Body: v,
	}
	if isPublic(src) {
		p.Alternates = s.alternates(variantKey{source: src.Slug}, src.Title())
	}
	return p
}

// sourceNamed is the source with a slug, if one may see it.
func (s *Server) sourceNamed(ctx context.Context, who viewer, slug string) (feed.Source, error) {
	src, err := s.store.Source(ctx, slug)
	if err == nil && (src.Slug != slug || !who.Admin && !isPublic(src)) {
		err = feed.Errorf(feed.CodeNotFound, "There is no source “%s”.", slug)
	}
	return src, err
}

func (s *Server) sourceView(ctx context.Context, who viewer, src feed.Source) (sourcePageView, error) {
	st := src.State
	v := sourcePageView{
		Slug: src.Slug, Name: src.Title(), Condition: s.condition(who, src), Advice: whatToDo(src),
		May: src.Origin == feed.OriginAdded, CanFetch: src.Enabled,
		Facts: factsOf(who, src), LastFetch: s.moment(st.LastFetch), LastSuccess: s.moment(st.LastSuccess), LastChange: s.moment(st.LastChange),
	}
	switch pushed, err := s.pushFact(ctx, src); {
	case err != nil:
		return v, err
	case pushed != "":
		v.Facts = append(v.Facts, fact{Label: "Push", link: link{Name: pushed}})
	}
	days, err := s.store.SourceDays(ctx, src.ID, s.chartFrom())
	if err != nil {
		return v, err
	}
	days = s.everyDay(days)
	v.Charts = []chart{chartOf("items", "Entries by day", days, itemSeries), chartOf("fetches", "Fetches by day", days, fetchSeries)}
	if src.Kind == feed.KindFolder {
		v.Charts = v.Charts[:1]
	}
	items, err := s.store.Items(ctx, store.Query{Source: src.Slug, Limit: sourceItems})
	if err != nil {
		return v, err
	}
	for _, item := range items {
		v.Items = append(v.Items, s.itemView(who, item))
	}
	held, err := s.store.HeldEntries(ctx, store.HeldQuery{Source: src.Slug, Limit: sourceHeld})
	if err != nil {
		return v, err
	}
	for _, h := range held {
		v.Held = append(v.Held, s.heldEntryView(who, h))
	}
	return v, nil
}

// factsOf is what a source is and has said, and what we were told of it.
func factsOf(who viewer, src feed.Source) []fact {
	var all []fact
	add := func(name, text string) {
		if text != "" {
			all = append(all, fact{Label: name, link: link{Name: text}})
		}
	}
	linked := func(name, address string) {
		if shown := publicURL(address); shown != "" {
			all = append(all, fact{Label: name, link: link{withoutScheme(shown), shown}})
		}
	}
	linked("Site", src.About.Link)
	switch {
	case src.Kind == feed.KindFolder:
		add("Kind", "a folder of documents")
		if who.Admin {
			all = append(all, fact{Label: "Folder", link: link{Name: src.URL}, Code: true})
		}
	case publicURL(src.URL) == "":
		add("Feed", feed.Redacted(src.URL))
	default:
		linked("Feed", src.URL)
	}
	linked("Moved to", src.State.FetchURL)
	add("Tags", strings.Join(src.Tags, ", "))
	if src.Every != "" {
		all = append(all, fact{Label: "Every", link: link{Name: src.Every}, Code: true})
	}
	if src.Private {
		add("Private", "it is named in no public output")
	}
	add("Topic", topicOf(src))
	if who.Admin {
		add("Declared", declaredIn(src))
	}
	if src.Kind == feed.KindFeed && src.State.Fetches > 0 {
		add("Received", bytesInWords(src.State.BytesIn)+" in "+count(int(src.State.Fetches), "request", "requests"))
		add("Not modified", saved(src.State))
	}
	return all
}

// topicOf says how a source fares with the filter, "" where nothing is known.
func topicOf(src feed.Source) string {
	switch {
	case src.Topic == ingest.FilterOff:
		return "not filtered: all that it brings is let in"
	case src.State.Scored > 0:
		return grouped(int64(src.State.OnTopic)) + " on topic of " + count(src.State.Scored, "entry", "entries") + " that were scored of late"
	}
	return ""
}

// declaredIn says where a source is declared, and so changed; "" if that is here.
func declaredIn(src feed.Source) string {
	switch {
	case src.Slug == feed.SeedsSlug:
		return "by the key “seeds” of the configuration"
	case src.Origin == feed.OriginConfig:
		return "in the configuration file"
	case src.Origin == feed.OriginEnv:
		return "in TRIBUTARY_SOURCES"
	}
	return ""
}

// whatToDo is what a person may do about a source's condition.
func whatToDo(src feed.Source) string {
	if !src.Enabled {
		return ""
	}
	if src.Kind == feed.KindFolder && failing(src) {
		return "See that the folder is there and that the program may read it. It is read again at each run; nothing is withdrawn meanwhile."
	}
	switch src.State.Status {
	case feed.StatusFailing:
		return "It is asked again by itself, less and less often. If it stays like this, see on its site whether the feed has moved, and add it anew from there."
	case feed.StatusLimited:
		return "There is nothing to do: it is asked again when its server said."
	case feed.StatusBlocked:
		return "Its server turns feed readers away, or wants a password. Ask its owner to let us in, or look for another feed of theirs."
	case feed.StatusNotFeed:
		return "At its address is something else. Look on its site for the feed’s address, add that, and remove this one."
	case feed.StatusGone:
		return "Its server says that the feed was given up, and it is not asked any more. Remove it, or look on its site for another."
	case feed.StatusTruncated:
		return "What came before the break was taken. Tell its owner, if it stays like this."
	}
	return ""
}

// fetchSource takes the button on a source's page: it starts a run of this
// source alone, whether it is due or not, and leads to the run's page. What its
// server has asked of us is kept all the same.
func (s *Server) fetchSource(w http.ResponseWriter, r *http.Request, _ url.Values) {
	src, err := s.sourceNamed(r.Context(), viewer{Admin: true}, r.PathValue("slug"))
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	run, err := s.runner.Trigger(r.Context(), feed.RunRequest{Trigger: "api", Sources: []string{src.Slug}, Force: true})
	if err != nil {
		s.sourceProblem(w, r, src, err)
		return
	}
	s.goOn(w, r, s.root+"/runs/"+run)
}

// sourceProblem shows a source's page again with what was wrong.
func (s *Server) sourceProblem(w http.ResponseWriter, r *http.Request, src feed.Source, problem error) {
	v, err := s.sourceView(r.Context(), viewer{Admin: true}, src)
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	v.Problem = message(problem)
	s.freshPage(w, r, s.problemStatus(w, r, problem), "source", s.sourceBody(src, v))
}
