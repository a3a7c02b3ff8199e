package web

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"

	"tributary/feed"
	"tributary/ingest"
	"tributary/store"
)

const (
	heldShown    = 30 // entries on a page
	decidedShown = 20 // of what people have decided
	longestRule  = 60 // characters of a rule's name
)

// heldByTopic are the rules that the filter holds entries by.
var heldByTopic = []string{ingest.RuleOffTopic, ingest.RuleDoubtful, ingest.RuleRule, "language"}

// heldOrder is how the rules are listed; others follow.
var heldOrder = append(slices.Clone(heldByTopic), "backlog")

// listing is one of the pages of entries: the doubtful ones to look over, or
// whatever is held.
type listing int

const (
	heldList listing = iota
	reviewList
)

func (l listing) path() string {
	if l == reviewList {
		return "/topic/review"
	}
	return "/held"
}

// heldRequest is what a page of entries is asked for.
type heldRequest struct {
	list   listing
	rule   string // "": any
	before int64  // 0: from the newest
	entry  int64  // to show above the list; 0: none
	find   string // what became of an article with this address or title; "": not asked
}

// path is the page's address below the base URL.
func (q heldRequest) path() string {
	v := url.Values{}
	if q.rule != "" && q.list == heldList {
		v.Set("rule", q.rule)
	}
	if q.before > 0 {
		v.Set("before", strconv.FormatInt(q.before, 10))
	}
	if q.entry > 0 {
		v.Set("entry", strconv.FormatInt(q.entry, 10))
	}
	if q.find != "" {
		v.Set("find", q.find)
	}
	if len(v) == 0 {
		return q.list.path()
	}
	return q.list.path() + "?" + v.Encode()
}

// rules are those that the store is to look for.
func (q heldRequest) rules() []string {
	if q.rule == "" {
		return nil
	}
	return []string{q.rule}
}

// heldView is the body of a page of entries.
type heldView struct {
	Review  bool
	Rule    string
	Tabs    []tabView
	Total   int // held lately
	Action  string
	Problem string // why nothing was decided
	Find    string
	Found   *foundView
	One     *heldEntryView
	Entries []heldEntryView
	Decided []heldEntryView // what people have decided, the newest first
	Older   string          // address of the next page; "": none
	Newest  string          // address of the first one, if this is not it
}

// tabView leads to the entries that one rule holds.
type tabView struct {
	Name, Path string
	Count      int
	Current    bool
}

// heldEntryView is an entry that is held, or that somebody decided about.
type heldEntryView struct {
	ID                       int64
	Title, Summary, Language string
	Via                      link // its source and the original
	When                     moment
	Grounds                  string // "Off topic"
	Tone                     string
	Score                    string // "0.41"; "": it was not scored
	Reason                   string
	Action                   string // where to decide; "": one may not
	Accept, Refuse, Undo     bool   // what can be done
	Problem                  string // why it was not done
}

func (s *Server) heldEntryView(who viewer, h feed.HeldEntry) heldEntryView {
	e := h.Entry
	item := feed.Item{Entry: e, Source: h.Source, Published: e.When()}
	v := heldEntryView{
		ID: e.ID, Title: titleOf(item), Summary: e.Summary, Language: cmp.Or(e.Language, h.Source.About.Language),
		Via: via(who, item), When: s.published(item), Reason: publicError(e.Decision.Reason, h.Source),
	}
	v.Tone, v.Grounds = standing(e.Decision)
	if h.Score.Profile != 0 {
		v.Score = twoDigits(h.Score.Value)
	}
	judged, free := h.Verdict != "", h.Source.Kind != feed.KindFolder && h.Source.ID != 0
	v.Undo = free && judged
	v.Accept = free && !judged && e.Decision.Kind == feed.Held
	v.Refuse = free && !judged && (e.Decision.Kind == feed.Held || e.Decision.Kind == feed.Published)
	return v
}

// at is the entry with where one decides about it.
func (v heldEntryView) at(action string) heldEntryView {
	v.Action = action
	return v
}

// twoDigits writes a score. What is cut off would not lift it over a threshold,
// as rounding up might seem to.
func twoDigits(score float64) string {
	const tiny = 1e-9 // 0.29 is a bit less in binary
	return strconv.FormatFloat(math.Floor(score*100+tiny)/100, 'f', 2, 64)
}

// standing says where an entry stands.
func standing(d feed.Decision) (tone, words string) {
	switch {
	case d.Kind == feed.Held && d.Rule == ingest.RuleDoubtful:
		return "wait", "Doubtful"
	case d.Kind == feed.Held:
		return "off", capital(d.Grounds())
	case d.Kind == feed.Rejected:
		return "bad", "Kept out"
	case d.Rule == ingest.RulePerson:
		return "good", "Let in"
	}
	return "good", "Published"
}

// heldPage serves a page of entries.
func (s *Server) heldPage(list listing) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := heldRequestOf(r, list)
		if err != nil {
			s.failPage(w, r, err)
			return
		}
		s.servePage(w, r, fmt.Sprint(q.path(), " ", s.decided.Load()), s.thisSecond(), "held", func(ctx context.Context, v viewer) (page, error) {
			return s.heldBody(ctx, v, q, "")
		})
	}
}

// heldRequestOf reads what a page of entries is asked for.
func heldRequestOf(r *http.Request, list listing) (q heldRequest, err error) {
	v := r.URL.Query()
	q = heldRequest{list: list, rule: v.Get("rule")}
	if list == reviewList {
		q.rule = ingest.RuleDoubtful
	}
	if utf8.RuneCountInString(q.rule) > longestRule {
		return q, feed.Errorf(feed.CodeInvalid, "“rule” is one of those that the page of what is held lists.")
	}
	if q.before, err = numberOf(v, "before"); err != nil {
		return q, err
	}
	if q.find = spaced(v.Get("find")); utf8.RuneCountInString(q.find) > longestAddress {
		return q, feed.Errorf(feed.CodeInvalid, "That is too long for an address or a title: give %d characters at most.", longestAddress)
	}
	q.entry, err = numberOf(v, "entry")
	return q, err
}

// numberOf reads the number of an entry; 0 if there is none.
func numberOf(v url.Values, name string) (int64, error) {
	text := v.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, feed.Errorf(feed.CodeInvalid, "“%s” is the number of an entry, a whole number above 0.", name)
	}
	return n, nil
}

// heldBody makes a page of entries, with what went wrong above the form.
func (s *Server) heldBody(ctx context.Context, who viewer, q heldRequest, problem string) (page, error) {
	v := heldView{Review: q.list == reviewList, Rule: q.rule, Problem: problem, Find: q.find}
	if who.Admin && s.opt.Moderator != nil {
		v.Action = s.root + q.path()
	}
	if q.before > 0 {
		v.Newest = s.root + heldRequest{list: q.list, rule: q.rule}.path()
	}
	if q.entry > 0 {
		h, err := s.store.EntryByID(ctx, q.entry)
		if err != nil {
			return page{}, err
		}
		if !who.Admin && !mayShow(h) {
			return page{}, feed.Errorf(feed.CodeNotFound, "there is no public entry %d", q.entry)
		}
		one := s.heldEntryView(who, h).at(v.Action)
		v.One = &one
	}
	if q.find != "" {
		found, err := s.lookUp(ctx, who, q.find, v.Action)
		if err != nil {
			return page{}, err
		}
		v.Found = &found
		return page{Title: "Found", NoIndex: true, Section: "held", Body: v}, nil
	}
	if err := s.fillHeld(ctx, who, q, &v); err != nil {
		return page{}, err
	}
	if err := s.fillDecided(ctx, who, &v); err != nil {
		return page{}, err
	}
	p := page{Title: "Held", Description: "What was kept out of the feed, and why.", NoIndex: true, Section: "held", Body: v}
	if v.Review {
		p.Title, p.Description, p.Section = "To look over", "What may be on the topic or not.", "topic"
	}
	return p, nil
}

// fillHeld reads the list of a page of entries, and what leads to others.
func (s *Server) fillHeld(ctx context.Context, who viewer, q heldRequest, v *heldView) error {
	entries, err := s.heldEntries(ctx, store.HeldQuery{Rules: q.rules(), Before: q.before, Limit: heldShown + 1}, who.Admin)
	if err != nil {
		return err
	}
	if len(entries) > heldShown {
		entries = entries[:heldShown]
		v.Older = s.root + heldRequest{list: q.list, rule: q.rule, before: entries[heldShown-1].Entry.ID}.path()
	}
	for _, h := range entries {
		if h.Entry.ID != q.entry {
			v.Entries = append(v.Entries, s.heldEntryView(who, h).at(v.Action))
		}
	}
	if !v.Review {
		v.Tabs, v.Total, err = s.tabs(ctx, q.rule)
	}
	return err
}

// fillDecided reads what people have decided of late, for the list to look over.
func (s *Server) fillDecided(ctx context.Context, who viewer, v *heldView) error {
	if !v.Review {
		return nil
	}
	judged, err := s.store.Judged(ctx, decidedShown)
	if err != nil {
		return err
	}
	for _, j := range judged {
		h, err := s.store.EntryByID(ctx, j.Judgement.EntryID)
		if err != nil {
			return err
		}
		if (who.Admin || mayShow(h)) && (v.One == nil || v.One.ID != h.Entry.ID) {
			v.Decided = append(v.Decided, s.heldEntryView(who, h).at(v.Action))
		}
	}
	return nil
}

// tabs are the rules that hold something, with how much they held lately.
func (s *Server) tabs(ctx context.Context, current string) (tabs []tabView, total int, err error) {
	c, err := s.counts(ctx)
	if err != nil {
		return nil, 0, err
	}
	tabs = []tabView{{Name: "All", Path: s.root + heldRequest{}.path(), Current: current == ""}}
	for _, rule := range rulesOf(c.held, current) {
		total += c.held[rule]
		tabs = append(tabs, tabView{
			Name: capital(feed.Decision{Rule: rule}.Grounds()), Path: s.root + heldRequest{rule: rule}.path(), Count: c.held[rule], Current: rule == current,
		})
	}
	return tabs, total, nil
}

// rulesOf are the rules of the counts, and the one that is asked for, in order.
func rulesOf(held map[string]int, current string) []string {
	var rules []string
	for rule := range held {
		rules = append(rules, rule)
	}
	if current != "" && held[current] == 0 && slices.Contains(heldOrder, current) {
		rules = append(rules, current)
	}
	place := func(rule string) int {
		if i := slices.Index(heldOrder, rule); i >= 0 {
			return i
		}
		return len(heldOrder)
	}
	slices.SortFunc(rules, func(a, b string) int { return cmp.Or(place(a)-place(b), cmp.Compare(a, b)) })
	return slices.Compact(rules)
}

// mayShow tells whether strangers may know of an entry.
func mayShow(h feed.HeldEntry) bool {
	return whyEntry{Entry: h.Entry, source: h.Source}.public()
}

// heldEntries are held entries, newest first; for strangers without those that
// are none of their business.
func (s *Server) heldEntries(ctx context.Context, q store.HeldQuery, trusted bool) ([]feed.HeldEntry, error) {
	if trusted {
		return s.store.HeldEntries(ctx, q)
	}
	const rounds = 10 // of a store that holds nothing public there would be no end
	var shown []feed.HeldEntry
	for range rounds {
		all, err := s.store.HeldEntries(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, h := range all {
			q.Before = h.Entry.ID
			if mayShow(h) {
				shown = append(shown, h)
			}
		}
		if len(shown) >= q.Limit || len(all) < q.Limit {
			break
		}
	}
	return shown[:min(len(shown), q.Limit)], nil
}
