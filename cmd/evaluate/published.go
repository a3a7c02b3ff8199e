package main

import (
	"strings"
	"time"

	"tributary/feed"
	"tributary/ingest/clean"
	"tributary/ingest/parse"
)

// published is an entry with the title, link and date that we publish, but for
// what the reference reader cannot know of, so that like is compared with
// like:
//
//   - its documents have no address, so a relative link that no xml:base and
//     no link of the feed makes absolute stays as it is;
//   - an entry without a link has its id for one (we give it a page of our
//     own);
//   - feedburner:origLink, a link's percent-encoding, our distrust of dates
//     that cannot be true and a title for an entry that has none are our
//     choices behind the parser, and left out.
func published(raw feed.RawEntry, f parse.Feed, doc feed.Document) entry {
	out := entry{ID: raw.GUID, Title: clean.Plain(raw.Title), Link: strings.TrimSpace(raw.Link)}
	if !strings.Contains(out.Link, ":") && out.Link != "" {
		bases := clean.Context{DocumentURL: doc.URL, SiteURL: f.Channel.Link, Base: f.Base}
		if e := clean.Entry(feed.RawEntry{Link: out.Link, Base: raw.Base}, bases); e.URL != "" {
			out.Link = e.URL
		}
	}
	if out.Link == "" {
		out.Link = raw.GUID
	}
	for _, s := range []string{raw.Published, raw.Updated} {
		if t, ok := parse.Date(s); ok && out.Date == nil {
			out.Date = dateOf(t)
		}
	}
	return out
}

func dateOf(t time.Time) []int {
	t = t.UTC()
	return []int{t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second()}
}
