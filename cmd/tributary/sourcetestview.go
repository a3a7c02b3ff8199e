package main

import (
	"context"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/clean"
	"tributary/ingest/fetch"
	"tributary/ingest/parse"
)

// trialView is what a test of a source came to, as --json prints it.
type trialView struct {
	Source    string         `json:"source,omitempty"` // slug; none: not a source yet
	URL       string         `json:"url"`
	Exchanges []exchangeView `json:"exchanges"`
	Feed      *feedView      `json:"feed,omitempty"`  // what was read
	Feeds     []linkView     `json:"feeds,omitempty"` // of a page: that it names
	Entries   []entryView    `json:"entries"`
	Counts    feed.Counts    `json:"counts"`       // of the entries' decisions
	First     bool           `json:"first_import"` // nothing of it was taken before
	Enabled   bool           `json:"enabled"`
	Status    feed.Status    `json:"status"` // the source's, after such a fetch
	NextDue   time.Time      `json:"next_due,omitzero"`
	DueReason string         `json:"due_reason,omitempty"`
	Error     string         `json:"error,omitempty"`
}

// exchangeView is a request and its answer. Secrets are left out.
type exchangeView struct {
	URL      string      `json:"url"`
	Host     string      `json:"host"`
	Sent     http.Header `json:"sent"`
	Protocol string      `json:"protocol,omitempty"`
	Status   int         `json:"status,omitempty"` // none: there was no answer
	Received http.Header `json:"received,omitempty"`
	Bytes    int64       `json:"bytes"`              // of the body, as received
	Unpacked int         `json:"unpacked,omitempty"` // of the document
}

// feedView is what a document says of itself.
type feedView struct {
	Format    string    `json:"format"`
	Charset   string    `json:"charset"`
	Title     string    `json:"title"`
	Site      string    `json:"site,omitempty"`
	Updated   time.Time `json:"updated,omitzero"`
	Entries   int       `json:"entries"`
	LeftOut   int       `json:"left_out,omitempty"` // over the limit of a document
	Truncated bool      `json:"truncated"`
	Interval  int64     `json:"interval_seconds,omitempty"` // that it asks its pollers to keep
	SkipHours []int     `json:"skip_hours,omitempty"`       // UTC
	SkipDays  []string  `json:"skip_days,omitempty"`        // UTC
	FreshFor  int64     `json:"fresh_seconds,omitempty"`    // as its server says
}

type linkView struct {
	URL   string `json:"url"`
	Title string `json:"title,omitempty"`
	Type  string `json:"type"`
}

// entryView is an entry as it would be kept.
type entryView struct {
	Title      string            `json:"title"`
	URL        string            `json:"url,omitempty"`
	Published  time.Time         `json:"published,omitzero"`
	From       string            `json:"published_from,omitempty"`
	DateSaid   string            `json:"date_said,omitempty"` // as the feed wrote it
	Characters int               `json:"characters"`          // of its text
	Decision   feed.DecisionKind `json:"decision"`
	Rule       string            `json:"rule"`
	Reason     string            `json:"reason"`
	CopyOf     string            `json:"copy_of,omitempty"` // name of the source whose item it joins
}

// view says what came of the test.
func (t *trial) view(ctx context.Context) (trialView, error) {
	res := t.preview.Result
	v := trialView{
		Source: t.source.Slug, URL: feed.Redacted(t.source.URL), Exchanges: []exchangeView{}, Entries: []entryView{},
		Counts: t.preview.Counts, First: t.preview.First, Enabled: t.source.Enabled,
		Status: t.state.Status, NextDue: t.state.NextDue, DueReason: t.state.DueReason,
	}
	for _, s := range t.steps[:min(len(t.steps), res.Requests)] { // what was refused before it was sent is none
		v.Exchanges = append(v.Exchanges, exchangeView{URL: s.URL, Host: fetch.HostOf(s.URL), Sent: s.Sent, Protocol: s.Proto,
			Status: s.Status, Received: s.Received, Bytes: s.Bytes})
	}
	if n := len(res.Document.Body); n > 0 && len(v.Exchanges) > 0 {
		v.Exchanges[len(v.Exchanges)-1].Unpacked = n
	}
	for _, f := range t.feeds {
		v.Feeds = append(v.Feeds, linkView{f.URL, f.Title, f.MediaType})
	}
	if res.Kind == fetch.Failed {
		v.Error = t.err.Error()
		return v, nil
	}
	v.Feed = readOf(t.preview.Feed, len(t.preview.Entries), res.FreshFor)
	for _, f := range t.preview.Entries {
		e, err := t.entry(ctx, f)
		if err != nil {
			return v, err
		}
		v.Entries = append(v.Entries, e)
	}
	return v, nil
}

func readOf(f parse.Feed, entries int, fresh time.Duration) *feedView {
	c := f.Channel
	v := &feedView{Format: f.Format, Charset: f.Charset, Title: c.Title, Site: c.Link, Updated: c.Updated, Entries: entries, LeftOut: f.Cut,
		Truncated: f.Truncated, Interval: int64(c.MinInterval / time.Second), SkipHours: c.SkipHours, FreshFor: int64(fresh / time.Second)}
	for _, d := range c.SkipDays {
		v.SkipDays = append(v.SkipDays, d.String())
	}
	return v
}

func (t *trial) entry(ctx context.Context, f ingest.Foreseen) (entryView, error) {
	e := f.Entry
	v := entryView{Title: e.Title, URL: e.URL, Published: e.Published, From: e.PublishedFrom, DateSaid: strings.TrimSpace(f.Raw.Published),
		Characters: utf8.RuneCountInString(clean.Plain(feed.Text{Value: e.Content, HTML: true})),
		Decision:   e.Decision.Kind, Rule: e.Decision.Rule, Reason: e.Decision.Reason}
	if v.DateSaid == "" {
		v.DateSaid = strings.TrimSpace(f.Raw.Updated)
	}
	switch {
	case f.Of == nil:
	case f.Of.EntryID == 0:
		v.CopyOf = "this document itself"
	default:
		of, err := t.store.SourceByID(ctx, f.Of.SourceID)
		if err != nil {
			return v, err
		}
		v.CopyOf = of.Title()
	}
	return v, nil
}
