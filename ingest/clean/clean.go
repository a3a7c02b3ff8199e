package clean

import (
	"strings"
	"time"

	"tributary/feed"
)

const (
	maxAuthors    = 20
	maxCategories = 50
	maxEnclosures = 100
	maxName       = 200 // characters of an author's name, a category, a file's title
)

// Where Entry.Published came from, beside what a file's reader says.
const (
	FromFeed    = "feed"          // the source's date of publication
	FromUpdated = "feed, updated" // its date of change: it gave no other (Atom asks for that one only)
)

// Context is what an entry's surroundings say.
type Context struct {
	DocumentURL string    // where the feed document came from
	SiteURL     string    // the feed's link: its site's page
	Base        string    // the document's own xml:base, "" if none
	Now         time.Time // of the run; later dates are not believed
	// Date reads a date as feeds write them; nil reads none.
	Date func(string) (time.Time, bool)
}

// Entry cleans an entry. Identity, decision, ids and first sight are not its
// business, and are left zero.
//
// A source that gives one text gives the content: a lone summary becomes it.
// The summary is the source's own, shortened, or the beginning of the content;
// it is "" where it would repeat the content.
//
// Relative addresses are resolved against xml:base, the feed's link, the
// feed's address, in that order.
func Entry(raw feed.RawEntry, c Context) feed.Entry {
	links := c.resolver(raw.Base)
	e := feed.Entry{
		Title:    shorten(Plain(raw.Title), maxTitle),
		URL:      address(raw, &links),
		Language: language(raw.Language),
		Authors:  authors(raw.Authors, &links),
		Details:  details(raw, &links),
	}
	links.page = e.URL
	title := e.Title // as the source gave it
	text := bodies(&e, raw, links)
	if e.Title == "" {
		e.Title = titleFor(e, text, raw)
	}
	e.Published, e.PublishedFrom, e.Updated = dates(raw, c)
	e.Canonical = Canonical(e.URL)
	e.Keys.Raw = RawKey(raw)
	e.Keys.URL = Key(e.Canonical)
	e.Keys.Content = ContentKey(title, text)
	e.Keys.Shown = shownKey(e.Title, text, e.Details.Enclosures)
	e.Text = text
	return e
}

func (c Context) resolver(base string) resolver {
	return resolver{bases: []string{base, c.Base, c.SiteURL, c.DocumentURL}}
}

// bodies sets content and summary, and gives the content's text.
func bodies(e *feed.Entry, raw feed.RawEntry, links resolver) (text string) {
	summary := ""
	e.Content, text = body(raw.Content, links)
	if e.Content == "" {
		e.Content, text = body(raw.Summary, links)
	} else {
		summary = Plain(raw.Summary)
	}
	if summary == "" {
		summary = text
	}
	if summary = shorten(summary, maxSummary); summary != text {
		e.Summary = summary
	}
	return text
}

// body gives a text as clean HTML and as plain text.
func body(t feed.Text, links resolver) (html, text string) {
	if strings.TrimSpace(t.Value) == "" {
		return "", ""
	}
	m := machines.Get().(*machine)
	defer m.release()
	m.links = links
	if !t.HTML {
		m.scratch = appendText(m.scratch[:0], t.Value)
		t.Value = string(m.scratch)
	}
	m.run(t.Value)
	return string(m.out), string(m.text.buf)
}

// address is where the entry is: what feedburner says it stood for, else its
// link.
func address(raw feed.RawEntry, links *resolver) string {
	if raw.OrigLink != "" {
		var none resolver
		if u := none.web(raw.OrigLink); u != "" {
			return u
		}
	}
	if raw.Link == "" {
		return ""
	}
	return links.web(raw.Link)
}

// titleFor makes a title for an entry that came without one.
func titleFor(e feed.Entry, text string, raw feed.RawEntry) string {
	if text == "" {
		text = e.Summary
	}
	if title := headline(text); title != "" {
		return title
	}
	for _, u := range []string{e.URL, raw.Link, raw.GUID} {
		if _, page, found := strings.Cut(u, "://"); found {
			return shorten(fold(page), maxHeadline)
		}
	}
	if len(e.Details.Enclosures) > 0 {
		u := e.Details.Enclosures[0].URL
		return shorten(u[strings.LastIndexByte(u, '/')+1:], maxHeadline)
	}
	return "Untitled"
}

// dates gives what is to be believed of an entry's dates. A file's are found
// by its reader. A date that is later than now, or older than feeds are, is
// none; so is a change that was before the publication. Where only a change is
// dated it stands for the publication too.
func dates(raw feed.RawEntry, c Context) (published time.Time, from string, updated time.Time) {
	believe := func(known time.Time, written string) time.Time {
		if known.IsZero() && c.Date != nil && written != "" {
			known, _ = c.Date(written)
		}
		if known.After(c.Now) || known.Year() < 1990 {
			return time.Time{}
		}
		return known.UTC()
	}
	published, updated = believe(raw.PublishedAt, raw.Published), believe(raw.UpdatedAt, raw.Updated)
	switch {
	case published.IsZero() && updated.IsZero():
		return time.Time{}, "", time.Time{}
	case published.IsZero():
		return updated, FromUpdated, updated
	case updated.Before(published):
		updated = time.Time{}
	}
	if from = raw.PublishedFrom; from == "" || raw.PublishedAt.IsZero() {
		from = FromFeed
	}
	return published, from, updated
}

// language is a language tag in the form of BCP 47, "" if it is none.
func language(s string) string {
	s = strings.ReplaceAll(strings.TrimSpace(s), "_", "-")
	primary, _, _ := strings.Cut(s, "-")
	if len(primary) < 2 || len(primary) > 3 || len(s) > 35 || !all(primary, isLetter) {
		return ""
	}
	if !asLanguage.allowed(s) || strings.HasSuffix(s, "-") || strings.Contains(s, "--") {
		return ""
	}
	return lower(primary) + s[len(primary):]
}
