package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tributary/feed"
	"tributary/ingest/fetch"
	"tributary/ingest/parse"
	"tributary/store"
)

// sources adds and removes sources for the command line and the API.
type sources struct {
	store   *store.Store
	fetcher *fetcher
	runner  interface {
		Trigger(ctx context.Context, req feed.RunRequest) (string, error)
	}
	trigger string // what the run that follows an addition says started it
	now     func() time.Time
}

// candidatesTried bounds how many of the feeds that a page names are fetched
// to find one that works.
const candidatesTried = 3

// Add validates a source by fetching it, stores it and starts its first run,
// which takes the document that was just fetched: a source that is added is
// asked once. A page's feeds are discovered. found says in words what was. It
// is for the API: the address may name no environment variables.
func (s *sources) Add(ctx context.Context, src feed.Source) (added feed.Source, found string, err error) {
	if _, err := parseStrangersURL(src.URL); err != nil {
		return src, "", feed.Errorf(feed.CodeInvalid, "%w", err)
	}
	added, found, _, err = s.add(ctx, src)
	return added, found, err
}

// add is Add, and names the run too.
func (s *sources) add(ctx context.Context, src feed.Source) (added feed.Source, found, run string, err error) {
	if src.URL, err = parseFeedURL(src.URL); err != nil {
		return src, "", "", feed.Errorf(feed.CodeInvalid, "%w", err)
	}
	if err := s.vacant(ctx, src.URL); err != nil {
		return src, "", "", err
	}
	src, channel, found, err := s.locate(ctx, src)
	if err != nil {
		return src, "", "", err
	}
	src.About = channel
	added, run, err = s.take(ctx, src)
	if err != nil {
		s.fetcher.forget(src.URL)
	}
	return added, found, run, err
}

// take stores a source that was found good and starts its first run.
func (s *sources) take(ctx context.Context, src feed.Source) (feed.Source, string, error) {
	all, err := s.store.Sources(ctx)
	if err != nil {
		return src, "", err
	}
	src.Kind, src.Origin, src.Enabled = feed.KindFeed, feed.OriginAdded, true
	src.Private = src.Private || src.HasSecrets()
	src.Slug = newSlugs(all...).take(cmp.Or(src.Name, src.About.Title), src.URL)
	if src, err = s.store.AddSource(ctx, src, s.now()); err != nil {
		return src, "", err
	}
	// Forced: one that was removed and is back may not be due.
	run, err := s.runner.Trigger(ctx, feed.RunRequest{Trigger: s.trigger, Sources: []string{src.Slug}, Force: true})
	return src, run, err
}

// vacant checks that no source has the URL yet.
func (s *sources) vacant(ctx context.Context, url string) error {
	all, err := s.store.Sources(ctx)
	if err != nil {
		return err
	}
	for _, src := range all {
		if src.URL == url {
			return feed.Errorf(feed.CodeConflict, "%s is source %s already", feed.Redacted(url), src.Slug)
		}
	}
	return nil
}

// locate finds the feed at or behind src.URL and keeps its document for the
// first run.
func (s *sources) locate(ctx context.Context, src feed.Source) (feed.Source, feed.Channel, string, error) {
	page, channel, err := s.fetcher.validate(ctx, src.URL)
	if err == nil {
		return src, channel, feed.Redacted(src.URL) + " is a feed", nil
	}
	candidates := fetch.Discover(page)
	switch {
	case len(candidates) > 0:
		return s.choose(ctx, src, candidates)
	case errors.Is(err, parse.ErrHTML):
		err = feed.Errorf(feed.CodeInvalid, "%s is a page that names no feed; look for its feed's address and add that", feed.Redacted(src.URL))
	}
	return src, channel, "", err
}

// choose takes the first of a page's feeds that can be read.
func (s *sources) choose(ctx context.Context, src feed.Source, candidates []fetch.Candidate) (feed.Source, feed.Channel, string, error) {
	page, failures := feed.Redacted(src.URL), []error{}
	for _, c := range candidates[:min(len(candidates), candidatesTried)] {
		src.URL = c.URL
		if err := s.vacant(ctx, c.URL); err != nil {
			failures = append(failures, err)
			continue
		}
		_, channel, err := s.fetcher.validate(ctx, src.URL)
		if err == nil {
			return src, channel, foundOn(page, candidates, c), nil
		}
		failures = append(failures, err)
	}
	return src, feed.Channel{}, "", feed.Errorf(feed.CodeOf(failures[0]), "%s names %s, but none can be taken: %w",
		page, plural(len(candidates), "feed"), errors.Join(failures...))
}

// foundOn says which of a page's feeds was taken and which are there besides.
func foundOn(page string, candidates []fetch.Candidate, taken fetch.Candidate) string {
	var others []string
	for _, c := range candidates {
		if c.URL != taken.URL {
			others = append(others, c.URL)
		}
	}
	text := fmt.Sprintf("%s is a page that names %s; taken: %s", page, plural(len(candidates), "feed"), taken.URL)
	if len(others) > 0 {
		text += "; also there: " + strings.Join(others, ", ")
	}
	return text
}

// Remove removes an added source; its items stay unless purge says otherwise.
func (s *sources) Remove(ctx context.Context, slug string, purge bool) error {
	src, err := s.store.Source(ctx, slug)
	if err != nil {
		return err
	}
	switch {
	case src.Slug == feed.SeedsSlug:
		return feed.Errorf(feed.CodeConflict, "the seeds folder defines the topic and cannot be removed; name another one with the key seeds")
	case src.Origin == feed.OriginConfig:
		return feed.Errorf(feed.CodeConflict, "%s is declared in the configuration file; remove it there", src.Slug)
	case src.Origin == feed.OriginEnv:
		return feed.Errorf(feed.CodeConflict, "%s is declared in TRIBUTARY_SOURCES; remove it there", src.Slug)
	}
	return s.store.RemoveSource(ctx, src.Slug, purge, s.now())
}
