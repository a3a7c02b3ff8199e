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
	"unicode/utf8"

	"tributary/feed"
	"tributary/store"
)

const (
	longestFind   = 200 // characters of a search
	sourcesListed = 100 // to choose from on the front page; others lead there from their own pages
	tagsListed    = 30
)

// finding is what the front page is asked for. What is "" or zero is not asked.
type finding struct {
	text, source, tag string
	day               time.Time // midnight in the site's time zone
	before            int64     // the place to continue before
}

// findingOf reads what is asked for. Parameters that are empty or unknown say nothing.
func (s *Server) findingOf(v url.Values) (f finding, err error) {
	f = finding{text: spaced(v.Get("q")), source: spaced(v.Get("source")), tag: spaced(v.Get("tag"))}
	if err := findable(f.text, f.source, f.tag); err != nil {
		return f, err
	}
	if day := v.Get("day"); day != "" {
		if f.day, err = time.ParseInLocation(time.DateOnly, day, s.opt.Location); err != nil {
			return f, feed.Errorf(feed.CodeInvalid, "“day” must be a date such as 2026-01-31.")
		}
	}
	if before := v.Get("before"); before != "" {
		if f.before, err = strconv.ParseInt(before, 10, 64); err != nil || f.before < 1 {
			return f, feed.Errorf(feed.CodeInvalid, "“before” must be a whole number above 0. Start again from the newest items.")
		}
	}
	return f, nil
}

// findable tells what no search can be for.
func findable(texts ...string) error {
	for _, text := range texts {
		switch {
		case utf8.RuneCountInString(text) > longestFind:
			return feed.Errorf(feed.CodeInvalid, "That is too long to search for: give %d characters at most.", longestFind)
		case strings.ContainsRune(text, 0): // neither database has any
			return feed.Errorf(feed.CodeInvalid, "No text has the character NUL in it: leave it out (%%00).")
		}
	}
	return nil
}

// spaced is a text with single spaces between its words.
func spaced(text string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
}

// plain tells whether the newest items are asked for, all of them.
func (f finding) plain() bool { return !f.filters() && f.before == 0 }

// filters tells whether some items only are asked for.
func (f finding) filters() bool {
	return f.text != "" || f.source != "" || f.tag != "" || !f.day.IsZero()
}

// path is the page's address below the base URL.
func (f finding) path() string {
	v := url.Values{}
	for name, value := range map[string]string{"q": f.text, "source": f.source, "tag": f.tag, "day": f.date()} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if f.before > 0 {
		v.Set("before", strconv.FormatInt(f.before, 10))
	}
	if len(v) == 0 {
		return "/"
	}
	return "/?" + v.Encode()
}

// date is the day as a form gives it.
func (f finding) date() string {
	if f.day.IsZero() {
		return ""
	}
	return f.day.Format(time.DateOnly)
}

// query asks the store for a page of items, and one more if there is another.
func (f finding) query() store.Query {
	q := store.Query{Limit: frontItems + 1, Before: f.before, Text: f.text, Source: f.source, Tag: f.tag}
	if !f.day.IsZero() {
		q.From, q.Until = f.day, f.day.AddDate(0, 0, 1)
	}
	return q
}

// choice is one of the values that a filter may have.
type choice struct {
	Value, Name string
	Chosen      bool
	private     bool // of a source: strangers may not know of it
}

// choices are what items can be chosen by.
type choices struct {
	sources, tags []choice
}

// choices reads what one may choose by: the sources that one may know of, and
// the tags that are used most.
func (s *Server) choices(ctx context.Context, who viewer) (c choices, err error) {
	sources, err := s.store.Sources(ctx)
	if err != nil {
		return c, err
	}
	if !who.Admin {
		sources = public(sources)
	}
	for _, src := range sources {
		c.sources = append(c.sources, choice{Value: src.Slug, Name: src.Title(), private: !isPublic(src)})
	}
	slices.SortStableFunc(c.sources, func(a, b choice) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	tags, err := s.store.Tags(ctx, tagsListed)
	for _, t := range tags {
		c.tags = append(c.tags, choice{Value: t.Tag, Name: t.Tag})
	}
	return c, err
}

// sourceName is the name of a source that one may choose; "" if it is not among them.
func (c choices) sourceName(slug string) string {
	for _, src := range c.sources {
		if src.Value == slug {
			return src.Name
		}
	}
	return ""
}

// feeds are the formats of the feed of what is asked for. One day has none, for it
// would end; nor has what strangers may not know of.
func (s *Server) feeds(f finding, c choices) []alternate {
	secret := slices.ContainsFunc(c.sources, func(src choice) bool { return src.Value == f.source && src.private })
	if !f.filters() || !f.day.IsZero() || secret {
		return nil
	}
	return s.alternates(variantKey{text: f.text, source: f.source, tag: store.TagKey(f.tag)}, c.sourceName(f.source))
}

// check tells what is wrong with a request by these choices. Sources that one may
// not know of are like those that there are not. Tags are more than are listed.
func (c choices) check(f finding) error {
	if f.source != "" && c.sourceName(f.source) == "" {
		return feed.Errorf(feed.CodeInvalid, "There is no source “%s” here; choose one from the list on the front page.", f.source)
	}
	return nil
}

// filterView is what items are, and can be, chosen by.
type filterView struct {
	Sources, Tags []choice
	Day           string
	Chips         []chip
}

// chip is a filter that is on, with the address of the page without it.
type chip struct{ Kind, Name, Without string }

func (s *Server) filterView(f finding, c choices) filterView {
	v := filterView{Sources: chosen(c.sources, f.source, sourcesListed), Tags: chosen(c.tags, f.tag, tagsListed), Day: f.date()}
	f.before = 0
	add := func(on bool, kind, name string, takeAway func(*finding)) {
		if on {
			without := f
			takeAway(&without)
			v.Chips = append(v.Chips, chip{kind, name, s.root + without.path()})
		}
	}
	add(f.text != "", "Words", f.text, func(f *finding) { f.text = "" })
	add(f.source != "", "Source", c.sourceName(f.source), func(f *finding) { f.source = "" })
	add(f.tag != "", "Tag", f.tag, func(f *finding) { f.tag = "" })
	add(!f.day.IsZero(), "Day", f.day.Format("2 January 2006"), func(f *finding) { f.day = time.Time{} })
	return v
}

// chosen are the first of the choices, and the present one wherever it stands.
func chosen(all []choice, value string, most int) []choice {
	var out []choice
	found := value == ""
	for i, c := range all {
		if c.Chosen = c.Value == value && value != ""; c.Chosen {
			found = true
		}
		if i < most || c.Chosen {
			out = append(out, c)
		}
	}
	if !found {
		out = append(out, choice{Value: value, Name: value, Chosen: true})
	}
	return out
}

// title says what was searched for.
func (v filterView) title() string {
	names := make([]string, len(v.Chips))
	for i, c := range v.Chips {
		names[i] = c.Name
	}
	return "Search: " + strings.Join(names, ", ")
}

// find serves what of the front page is not kept ready: items that were searched
// for, older ones, and all of it for an administrator.
func (s *Server) find(w http.ResponseWriter, r *http.Request, f finding, latest *rendering) {
	key := fmt.Sprint("find ", s.today(), " ", f.path())
	s.servePage(w, r, key, s.seen.Load(), "front", func(ctx context.Context, who viewer) (page, error) {
		around := latest.around
		if who.Admin { // who may choose among more
			var err error
			if around, err = s.surroundings(ctx, who); err != nil {
				return page{}, err
			}
		}
		if err := around.choices.check(f); err != nil {
			return page{}, err
		}
		items, err := s.store.Items(ctx, f.query())
		if err != nil {
			return page{}, err
		}
		if len(items) == 0 && f.before > 0 {
			return page{}, feed.Errorf(feed.CodeNotFound, "there are no items before %d", f.before)
		}
		return s.frontPage(who, f, items, around), nil
	})
}
