package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/fetch"
	"tributary/ingest/parse"
	"tributary/store"
	"tributary/web"
)

// sources adds, changes and removes sources for the command line, the page and
// the API.
type sources struct {
	store   *store.Store
	fetcher *fetcher
	filter  func() ingest.Filter // what is on topic at present
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
// asked once, even if it was looked at before. A page's feeds are discovered.
// found says in words what was. It is for the page and the API: the address may
// name no environment variables.
func (s *sources) Add(ctx context.Context, src feed.Source) (added feed.Source, found, run string, err error) {
	if _, err := parseStrangersURL(src.URL); err != nil {
		return src, "", "", feed.Errorf(feed.CodeInvalid, "%w", err)
	}
	if err := checkDetails(&src, detailNames); err != nil {
		return src, "", "", err
	}
	return s.add(ctx, src)
}

// add is Add, with what the command line may say besides.
func (s *sources) add(ctx context.Context, src feed.Source) (added feed.Source, found, run string, err error) {
	at, err := s.find(ctx, src)
	if err != nil {
		return src, "", "", err
	}
	added, run, err = s.take(ctx, at.source)
	if err != nil {
		s.fetcher.forget(at.source.URL)
	}
	return added, at.found, run, err
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

// Preview tells what a source would bring, and stores nothing. Adding it, or
// looking again, takes the document that was fetched.
func (s *sources) Preview(ctx context.Context, src feed.Source) (web.SourcePreview, error) {
	if _, err := parseStrangersURL(src.URL); err != nil {
		return web.SourcePreview{}, feed.Errorf(feed.CodeInvalid, "%w", err)
	}
	at, err := s.find(ctx, src)
	if err != nil {
		return web.SourcePreview{}, err
	}
	judge, err := ingest.Learned(ctx, s.store, s.filter())
	if err != nil {
		return web.SourcePreview{}, err
	}
	would, err := ingest.Foresee(ctx, s.store, at.source, at.result, judge, s.now())
	return web.SourcePreview{Source: at.source, Feeds: at.feeds, Would: would}, err
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

// located is a feed that was found at or behind an address.
type located struct {
	source feed.Source       // with the feed's address, and what it says of itself
	result fetch.Result      // its document
	feeds  []fetch.Candidate // that the page names; none: the address is the feed's own
	found  string            // in words
}

// find finds the feed at or behind src.URL, which is no source yet. Its document
// is kept for the first run.
func (s *sources) find(ctx context.Context, src feed.Source) (located, error) {
	var err error
	if src.URL, err = parseFeedURL(src.URL); err != nil {
		return located{}, feed.Errorf(feed.CodeInvalid, "%w", err)
	}
	if err := s.vacant(ctx, src.URL); err != nil {
		return located{}, err
	}
	res, channel, err := s.fetcher.validate(ctx, src.URL)
	if err == nil {
		src.About = channel
		return located{source: src, result: res, found: feed.Redacted(src.URL) + " is a feed"}, nil
	}
	candidates := fetch.Discover(res.Document)
	switch {
	case len(candidates) > 0:
		return s.choose(ctx, src, candidates)
	case errors.Is(err, parse.ErrHTML):
		err = feed.Errorf(feed.CodeInvalid, "%s is a page that names no feed; look for its feed's address and add that", feed.Redacted(src.URL))
	}
	return located{}, err
}

// choose takes the first of a page's feeds that can be read.
func (s *sources) choose(ctx context.Context, src feed.Source, candidates []fetch.Candidate) (located, error) {
	page, failures := feed.Redacted(src.URL), []error{}
	for _, c := range candidates[:min(len(candidates), candidatesTried)] {
		src.URL = c.URL
		if err := s.vacant(ctx, c.URL); err != nil {
			failures = append(failures, err)
			continue
		}
		res, channel, err := s.fetcher.validate(ctx, src.URL)
		if err == nil {
			src.About = channel
			return located{source: src, result: res, feeds: candidates, found: foundOn(page, candidates, c)}, nil
		}
		failures = append(failures, err)
	}
	return located{}, feed.Errorf(feed.CodeOf(failures[0]), "%s names %s, but none can be taken: %w",
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

// Update changes an added source: its name, interval, tags, and whether it is
// private, filtered and switched on, and whether its pages are read.
func (s *sources) Update(ctx context.Context, src feed.Source) error {
	was, err := s.store.Source(ctx, src.Slug)
	if err != nil {
		return err
	}
	if err := declaredElsewhere(was, "change"); err != nil {
		return err
	}
	if err := checkDetails(&src, detailNames); err != nil {
		return err
	}
	was.Name, was.Every, was.Tags, was.Topic, was.Enabled, was.FullText = src.Name, src.Every, src.Tags, src.Topic, src.Enabled, src.FullText
	was.Private = src.Private || was.HasSecrets()
	return s.store.UpdateSource(ctx, was)
}

// Remove removes an added source; its items stay unless purge says otherwise.
func (s *sources) Remove(ctx context.Context, slug string, purge bool) error {
	src, err := s.store.Source(ctx, slug)
	if err != nil {
		return err
	}
	if err := declaredElsewhere(src, "remove"); err != nil {
		return err
	}
	return s.store.RemoveSource(ctx, src.Slug, purge, s.now())
}

// declaredElsewhere says where one has to do what cannot be done here: to a
// source that was not added, but declared.
func declaredElsewhere(src feed.Source, do string) error {
	switch {
	case src.Slug == feed.SeedsSlug && do == "remove":
		return feed.Errorf(feed.CodeConflict, "the seeds folder defines the topic and cannot be removed; name another one with the key seeds")
	case src.Slug == feed.SeedsSlug:
		return feed.Errorf(feed.CodeConflict, "the seeds folder is named by the key seeds of the configuration; %s it there", do)
	case src.Origin == feed.OriginConfig:
		return feed.Errorf(feed.CodeConflict, "%s is declared in the configuration file; %s it there", src.Slug, do)
	case src.Origin == feed.OriginEnv:
		return feed.Errorf(feed.CodeConflict, "%s is declared in TRIBUTARY_SOURCES; %s it there", src.Slug, do)
	}
	return nil
}

// Import adds the feeds of an OPML file that are no sources yet, and tells of
// each what became of it. They are first fetched by the next run.
func (s *sources) Import(ctx context.Context, file io.Reader) ([]web.ImportedSource, error) {
	list, others, err := feed.ParseOPML(file)
	if err != nil {
		return nil, err
	}
	have, err := s.store.Sources(ctx)
	if err != nil {
		return nil, err
	}
	return s.addAll(ctx, append(list, others...), have) // what is wrong with the others, adding them tells
}

// addAll adds those of the list that are well-formed and that we don't have.
func (s *sources) addAll(ctx context.Context, list, have []feed.Source) ([]web.ImportedSource, error) {
	names, known := newSlugs(have...), map[string]bool{}
	for _, src := range have {
		known[src.URL] = true
	}
	var report []web.ImportedSource
	for _, src := range list {
		one := web.ImportedSource{Source: src}
		url, err := parseStrangersURL(src.URL)
		switch {
		case err != nil:
			one.Problem = err.Error()
		case !known[url]:
			known[url], one.Added = true, true
			src.URL, src.Kind, src.Origin, src.Enabled = url, feed.KindFeed, feed.OriginAdded, true
			src.Private = src.Private || src.HasSecrets()
			src.Slug = names.take(src.Name, url)
			if one.Source, err = s.store.AddSource(ctx, src, s.now()); err != nil {
				return report, err
			}
		}
		report = append(report, one)
	}
	return report, nil
}
