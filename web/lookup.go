package web

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"tributary/feed"
	"tributary/ingest/clean"
	"tributary/store"
)

const (
	longestAddress = 2000 // characters of what is looked for
	titlesLooked   = 2000 // held entries whose titles are looked at
	foundShown     = 20
	seenShown      = 10 // sources of a site
)

// foundView is what became of an article.
type foundView struct {
	Address bool // it was looked for by its address
	Shown   []publishedView
	Kept    []heldEntryView // held, or kept out by a person
	Sources []seenView      // of its site, where nothing was found by an address
}

// Nothing tells whether it is not known at all.
func (v foundView) Nothing() bool { return len(v.Shown)+len(v.Kept) == 0 }

// publishedView is an entry that is part of an item, or was.
type publishedView struct {
	Words    string // "Published", "Published as a copy of"
	Tone     string
	Item     link // URL "": it has no page, at present
	Language string
	Via      link
}

// seenView is a source where an article might come from.
type seenView struct {
	Source    link
	Condition string
	Fetched   moment
}

// lookUp tells what became of an article, by its address or by words of its title.
func (s *Server) lookUp(ctx context.Context, who viewer, text, action string) (foundView, error) {
	if address := articleAddress(text); address != "" {
		return s.lookUpAddress(ctx, who, address, action)
	}
	return s.lookUpTitle(ctx, who, text, action)
}

// articleAddress is the canonical form of an address, as people write them; "" if the
// text is none.
func articleAddress(text string) string {
	host, _, path := strings.Cut(text, "/")
	switch {
	case strings.Contains(text, " "):
		return ""
	case strings.Contains(text, "://"):
		return clean.Canonical(text)
	case strings.HasPrefix(text, "www."), path && strings.Contains(host, "."):
		return clean.Canonical("https://" + text)
	}
	return ""
}

func (s *Server) lookUpAddress(ctx context.Context, who viewer, canonical, action string) (foundView, error) {
	v := foundView{Address: true}
	known, err := s.store.Copies(ctx, []int64{clean.Key(canonical)}, nil)
	if err != nil {
		return v, err
	}
	known = slices.DeleteFunc(known, func(k feed.Known) bool { return k.Canonical != canonical })
	for _, k := range known[:min(len(known), foundShown)] {
		h, err := s.store.EntryByID(ctx, k.EntryID)
		if err != nil {
			return v, err
		}
		if who.Admin || mayShow(h) {
			if err := s.addFound(ctx, who, &v, h, action); err != nil {
				return v, err
			}
		}
	}
	if v.Nothing() {
		v.Sources, err = s.sourcesOf(ctx, who, canonical)
	}
	return v, err
}

// addFound adds an entry to what was found, by where it stands.
func (s *Server) addFound(ctx context.Context, who viewer, v *foundView, h feed.HeldEntry, action string) error {
	if kind := h.Entry.Decision.Kind; kind != feed.Published && kind != feed.CopyOf {
		v.Kept = append(v.Kept, s.heldEntryView(who, h).at(action))
		return nil
	}
	item, err := s.store.ItemByRow(ctx, h.Entry.ItemID)
	if err != nil {
		return err
	}
	p := publishedView{
		Tone: "good", Words: "Published", Item: link{titleOf(item), s.root + "/items/" + item.ID},
		Language: cmp.Or(item.Entry.Language, item.Source.About.Language),
		Via:      via(who, feed.Item{Entry: h.Entry, Source: h.Source}),
	}
	switch {
	case item.MergedID != "":
		p.Words, p.Item.URL = "Published, as part of another item", s.root+"/items/"+item.MergedID
	case item.Place == 0:
		p.Tone, p.Words, p.Item.URL = "wait", "New: it is published at the end of the run", ""
	case !item.Live():
		p.Tone, p.Words, p.Item.URL = "off", "Withdrawn", ""
	case h.Entry.Decision.Kind == feed.CopyOf:
		p.Words = "Published, as a copy of"
	}
	v.Shown = append(v.Shown, p)
	return nil
}

// sourcesOf are the sources of an address's site, with when they were last fetched.
func (s *Server) sourcesOf(ctx context.Context, who viewer, address string) ([]seenView, error) {
	sources, err := s.store.Sources(ctx)
	if err != nil {
		return nil, err
	}
	if !who.Admin {
		sources = public(sources)
	}
	var seen []seenView
	for _, src := range sources {
		if len(seen) < seenShown && src.Kind == feed.KindFeed && (sameSite(address, src.URL) || sameSite(address, src.About.Link)) {
			seen = append(seen, seenView{link{src.Title(), s.root + "/sources/" + src.Slug}, src.Condition(), s.brief(src.State.LastFetch)})
		}
	}
	return seen, nil
}

// sameSite tells whether two addresses are of one host, or the one of a host
// below the other's.
func sameSite(a, b string) bool {
	x, y := hostOf(a), hostOf(b)
	return x != "" && y != "" && (x == y || strings.HasSuffix(x, "."+y) || strings.HasSuffix(y, "."+x))
}

// lookUpTitle looks among the items, and the newest entries that are held.
func (s *Server) lookUpTitle(ctx context.Context, who viewer, text, action string) (foundView, error) {
	var v foundView
	items, err := s.store.Items(ctx, store.Query{Text: text, Limit: foundShown})
	if err != nil {
		return v, err
	}
	for _, item := range items {
		v.Shown = append(v.Shown, publishedView{
			Tone: "good", Words: "Published", Item: link{titleOf(item), s.root + "/items/" + item.ID},
			Language: cmp.Or(item.Entry.Language, item.Source.About.Language), Via: via(who, item),
		})
	}
	held, err := s.store.HeldEntries(ctx, store.HeldQuery{Limit: titlesLooked})
	if err != nil {
		return v, err
	}
	words := strings.Fields(strings.ToLower(text))
	for _, h := range held {
		if len(v.Kept) < foundShown && hasWords(h.Entry.Title, words) && (who.Admin || mayShow(h)) {
			v.Kept = append(v.Kept, s.heldEntryView(who, h).at(action))
		}
	}
	return v, nil
}

// hasWords tells whether a title has all of these, in lower case.
func hasWords(title string, words []string) bool {
	title = strings.ToLower(title)
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(title, word) })
}
