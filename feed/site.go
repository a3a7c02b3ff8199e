package feed

import (
	"cmp"
	"strings"
	"time"
)

// Site is what all documents of one installation say of their publisher.
type Site struct {
	ID          string // a UUID, minted once: the feed's id, whatever its address
	Title       string
	Description string
	Language    string        // BCP 47
	Author      string        // "": the title
	Icon        string        // URL, or a path below BaseURL
	Contact     string        // shown only if it is a URL: the author's
	BaseURL     string        // absolute, without the last slash
	Home        string        // path of the page for people, below BaseURL; "": "/"
	Version     string        // of the program
	Budget      int           // bytes that a document may have before long texts give way; 0: 1 MB
	Started     time.Time     // when the feed came to be: the date of a document without items
	Refresh     time.Duration // how often the documents may change (RSS ttl); 0: not said
}

// Page is one document's share of the items, of the stories, of what is held, or
// of the incidents.
type Page struct {
	Self    string // absolute URL of this document
	Items   []Item // newest first
	Stories []Story
	Held    []HeldEntry
	Brief   bool // summaries stand for the texts

	Incidents []Incident // the one that changed last first

	// Where the document stands among others, as absolute URLs; "": there is none.
	Archived bool   // it is closed: what it lists does not change any more (RFC 5005, 4)
	Current  string // of an archive: the document with the newest items
	Older    string // the archive before this document
	Newer    string // of an archive: the one after it
	Hub      string // where to ask for pushes (WebSub)
}

const defaultBudget = 1 << 20

// ItemURL is the address of an item's own page.
func (s Site) ItemURL(id string) string { return s.BaseURL + "/items/" + id }

// urn is the feed's public id.
func (s Site) urn() string { return "urn:uuid:" + s.ID }

// home is the address of the page for people.
func (s Site) home() string { return s.absolute(cmp.Or(s.Home, "/")) }

// absolute is a URL of the configuration, made absolute; "" if it is none.
func (s Site) absolute(ref string) string {
	if strings.HasPrefix(ref, "/") {
		ref = s.BaseURL + ref
	}
	return address(ref)
}

// title is the feed's title, which no format can do without.
func (s Site) title() string { return cmp.Or(line(s.Title), "Tributary") }

// author is who answers for the feed.
func (s Site) author() Person {
	return Person{Name: cmp.Or(personName(s.Author), label(s.Title), "Tributary"), URL: address(s.Contact)}
}

// updated is the newest change among the items. It never depends on when the
// document is made (RFC 4287, 4.2.15; the ETag rests on it).
func (s Site) updated(views []view) time.Time {
	newest := s.Started
	if len(views) > 0 {
		newest = views[0].updated
	}
	for _, v := range views {
		if v.updated.After(newest) {
			newest = v.updated
		}
	}
	if !credible(newest) {
		return earliest
	}
	return newest
}

// earliest is the date of a document that has none.
var earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// render writes the page's items by write, and a second time with texts cut where
// the first outgrew the budget. No item is ever dropped: a
// reader who missed the full text can still read on, one who missed the item
// would never know.
func (s Site) render(p Page, write func([]view) ([]byte, error)) ([]byte, error) {
	views := s.views(p)
	if p.Brief {
		for i := range views {
			views[i].brief()
		}
	}
	out, err := write(views)
	budget := cmp.Or(max(s.Budget, 0), defaultBudget)
	if err != nil || len(out) <= budget {
		return out, err
	}
	shorten(views, len(out)-budget, budget/longestShare)
	return write(views)
}

// longestShare is the part of the budget, one in so many, that a single text may
// take where there is not room for all.
const longestShare = 4

// shorten replaces texts by summary and link until excess bytes are saved: those
// that are longer than most first, then the older ones first, so that each was there whole
// while it was new.
func shorten(views []view, excess, most int) {
	for _, above := range []int{most, 0} {
		for i := len(views) - 1; i >= 0 && excess > 0; i-- {
			if len(views[i].content) > above {
				excess -= views[i].shorten()
			}
		}
	}
}

// Atom dates carry milliseconds: that is what keeps two items' updated apart.
const atomTime = "2006-01-02T15:04:05.000Z07:00"

// rssTime is RFC 822 with a four-digit year.
const rssTime = "Mon, 02 Jan 2006 15:04:05 GMT"

// timestamp is an RFC 3339 date and time, "" for none.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(atomTime)
}

// mailDate is an RFC 822 date and time, "" for none.
func mailDate(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(rssTime)
}

// credible tells whether a feed can say the date: a validator takes one before
// 1990 for a mistake, and in feeds it nearly always is one (the epoch).
func credible(t time.Time) bool { return t.Year() >= 1990 && t.Year() <= 9999 }
