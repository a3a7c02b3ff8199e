package web

import (
	"time"

	"tributary/feed"
)

// itemJSON is an item in the API.
type itemJSON struct {
	ID            string     `json:"id"`
	URN           string     `json:"urn"`
	Title         string     `json:"title"`
	Page          string     `json:"page"`          // our page about it
	URL           string     `json:"url,omitempty"` // the original
	Source        string     `json:"source,omitempty"`
	SourceName    string     `json:"source_name,omitempty"`
	Published     time.Time  `json:"published"`
	PublishedFrom string     `json:"published_from,omitempty"` // "feed", "front matter", "date line", "caption", "file time"; none: first seen
	Updated       time.Time  `json:"updated"`
	Language      string     `json:"language,omitempty"`
	Summary       string     `json:"summary,omitempty"`
	Content       string     `json:"content_html,omitempty"`
	AlsoAt        []copyJSON `json:"also_at,omitempty"`

	Story    *storyJSON  `json:"story,omitempty"`
	Coverage []coverJSON `json:"coverage,omitempty"` // the story's other items, newest first; in lists five at most
	Covered  int         `json:"covered"`            // how many other items there are
	Entries  []entryJSON `json:"entries,omitempty"`  // what it stands on, oldest first; not in lists
}

// storyJSON is the story that an item belongs to.
type storyJSON struct {
	ID         string `json:"id"`
	URN        string `json:"urn"`
	Publishers int    `json:"publishers"`    // different ones that carry it
	Why        string `json:"why,omitempty"` // why the item is in it, with others before it
}

// coverJSON is another item of the same story.
type coverJSON struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	Source    string    `json:"source"`
	Page      string    `json:"page"`
	URL       string    `json:"url,omitempty"`
	Published time.Time `json:"published"`
}

// entryJSON is one entry of an item: where it was found, and what was decided
// about it and why.
type entryJSON struct {
	ID         int64             `json:"id"`
	Source     string            `json:"source"` // slug; "": the source was removed
	SourceName string            `json:"source_name"`
	URL        string            `json:"url,omitempty"`
	Title      string            `json:"title,omitempty"`
	Decision   feed.DecisionKind `json:"decision"`
	Rule       string            `json:"rule"`
	Reason     string            `json:"reason"`
	FirstSeen  time.Time         `json:"first_seen"`
	Topic      *scoreJSON        `json:"topic,omitempty"` // none: it was not scored
}

// copyJSON is another place where an item was found.
type copyJSON struct {
	Source string `json:"source"`
	URL    string `json:"url,omitempty"`
	Title  string `json:"title,omitempty"`
}

func (s *Server) itemJSON(item feed.Item) itemJSON {
	e := item.Entry
	out := itemJSON{
		ID: item.ID, URN: item.URN(), Title: titleOf(item),
		Page: s.opt.Site.BaseURL + "/items/" + item.ID, URL: publicURL(e.URL),
		Published: item.Published.UTC(), PublishedFrom: e.PublishedFrom, Updated: item.Updated.UTC(),
		Language: e.Language, Summary: e.Summary, Content: e.Content,
	}
	if isPublic(item.Source) {
		out.Source, out.SourceName = item.Source.Slug, item.Source.Title()
	}
	for _, c := range item.Copies {
		if !c.Private {
			out.AlsoAt = append(out.AlsoAt, copyJSON{c.Source, publicURL(c.URL), c.Title})
		}
	}
	if item.Founder != "" {
		story := feed.Story{Founder: item.Founder}
		out.Story = &storyJSON{story.ID(), story.URN(), item.Publishers, item.StoryWhy}
	}
	out.Covered = max(item.Covered, len(item.Coverage))
	for _, c := range item.Coverage {
		if c.Private {
			out.Covered--
			continue
		}
		out.Coverage = append(out.Coverage, coverJSON{c.ID, c.Title, c.Source, s.opt.Site.ItemURL(c.ID), publicURL(c.URL), c.Published.UTC()})
	}
	return out
}

// sourceJSON is a source in the API.
type sourceJSON struct {
	Slug        string          `json:"slug"`
	Kind        feed.SourceKind `json:"kind"`
	Name        string          `json:"name"`
	URL         string          `json:"url,omitempty"`  // without password; a folder's path is told with the token only
	Site        string          `json:"site,omitempty"` // the page that the feed belongs to
	Every       string          `json:"every,omitempty"`
	Tags        []string        `json:"tags,omitempty"`
	Enabled     bool            `json:"enabled"`
	FullText    bool            `json:"full_text,omitempty"` // its articles' pages are read
	Private     bool            `json:"private"`
	Origin      feed.Origin     `json:"origin"`
	Status      feed.Status     `json:"status"`
	Condition   string          `json:"condition"` // in words
	Error       string          `json:"error,omitempty"`
	Failures    int             `json:"failures"`
	LastFetch   time.Time       `json:"last_fetch,omitzero"`
	LastSuccess time.Time       `json:"last_success,omitzero"`
	LastChange  time.Time       `json:"last_change,omitzero"`
	NextDue     time.Time       `json:"next_due,omitzero"`
	DueReason   string          `json:"due_reason,omitempty"`
	Fetches     int64           `json:"fetches"`
	NotModified int64           `json:"not_modified"`
	BytesIn     int64           `json:"bytes_in"`
	BytesSaved  int64           `json:"bytes_saved"`
}

// addedJSON is the answer to adding a source.
type addedJSON struct {
	sourceJSON
	Found string `json:"found,omitempty"` // what was found at the address, in words
}

func newSourceJSON(src feed.Source, trusted bool) sourceJSON {
	st := src.State
	out := sourceJSON{
		Slug: src.Slug, Kind: src.Kind, Name: src.Title(), URL: feed.Redacted(src.URL), Site: src.About.Link,
		Every: src.Every, Tags: src.Tags, Enabled: src.Enabled, FullText: src.FullText, Private: src.Private, Origin: src.Origin,
		Status: status(src), Condition: src.Condition(), Error: st.Error, Failures: st.Failures,
		LastFetch: st.LastFetch, LastSuccess: st.LastSuccess, LastChange: st.LastChange,
		NextDue: st.NextDue, DueReason: st.DueReason,
		Fetches: st.Fetches, NotModified: st.NotModified, BytesIn: st.BytesIn, BytesSaved: st.BytesSaved,
	}
	if !trusted {
		out.URL, out.Site, out.Error = publicURL(src.URL), publicURL(src.About.Link), publicError(st.Error, src)
	}
	return out
}
