package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/clean"
	"tributary/ingest/dedupe"
	"tributary/ingest/fetch"
	"tributary/scheduler"
	"tributary/store"
)

// trial takes documents through the real pipeline into a real store, one
// after the other, with a clock that follows their dates.
type trial struct {
	dir      string
	store    *store.Store
	leave    func() error // takes away what the store kept elsewhere
	pipeline *ingest.Pipeline
	now      time.Time
	document []byte // what the next fetch brings
	filter   ingest.Filter
	seeds    string // folder; "": none
}

// outcome is what became of a document.
type outcome struct {
	ID    string `json:"id"`
	Item  string `json:"item"`
	Story string `json:"story"`
}

// newTrial keeps what it makes in a temporary folder, but for the store if a
// database is named.
func newTrial(ctx context.Context, databaseURL string) (*trial, error) {
	dir, err := os.MkdirTemp("", "evaluate")
	if err != nil {
		return nil, err
	}
	t := &trial{dir: dir, filter: ingest.Filter{Mode: ingest.FilterOff}}
	place, leave, err := placeFor(ctx, dir, databaseURL)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if t.store, err = store.Open(ctx, place); err != nil {
		return nil, errors.Join(err, leave(), os.RemoveAll(dir))
	}
	t.leave = leave
	t.pipeline = &ingest.Pipeline{
		Store: scheduler.ForPipeline(t.store), Fetcher: t, Policy: scheduler.Policy{},
		Now: func() time.Time { return t.now }, Filter: func() ingest.Filter { return t.filter },
	}
	return t, nil
}

func (t *trial) close() error {
	return errors.Join(t.store.Close(), t.leave(), os.RemoveAll(t.dir))
}

// Get is what the pipeline takes for the network.
func (t *trial) Get(_ context.Context, src feed.Source, _ bool) fetch.Result {
	return fetch.Result{Kind: fetch.Fetched, Status: 200, At: t.now, Requests: 1, Bytes: int64(len(t.document)),
		Document: feed.Document{URL: src.URL, MediaType: "application/feed+json", Body: t.document}}
}

// sourceOf names the source of a document: a source of its own, unless it says one.
func sourceOf(d labelled, n int) string {
	if d.Source != "" {
		return "s-" + slug(d.Source)
	}
	return "d-" + strconv.Itoa(n)
}

func slug(name string) string { return strconv.FormatUint(uint64(clean.Key(name)), 36) }

// declare makes the sources of the documents.
func (t *trial) declare(ctx context.Context, docs []labelled) error {
	var sources []feed.Source
	seen := map[string]bool{}
	for i, d := range docs {
		name := sourceOf(d, i)
		if seen[name] {
			continue
		}
		seen[name] = true
		sources = append(sources, feed.Source{Slug: name, Kind: feed.KindFeed, URL: "https://" + name + ".example/feed",
			Enabled: true, Origin: feed.OriginConfig, Position: len(sources) + 1})
	}
	if t.seeds != "" {
		sources = append(sources, feed.Source{Slug: feed.SeedsSlug, Kind: feed.KindFolder, URL: t.seeds, Enabled: true, Origin: feed.OriginConfig})
	}
	return t.store.SyncSources(ctx, feed.OriginConfig, sources, t.now)
}

// feedAll takes all documents in, in order.
func (t *trial) feedAll(ctx context.Context, docs []labelled) error {
	t.now = docs[0].at.Add(-time.Hour)
	if err := t.declare(ctx, docs); err != nil {
		return err
	}
	if t.seeds != "" {
		if err := t.run(ctx, "seeds", feed.SeedsSlug); err != nil {
			return fmt.Errorf("the seeds: %w", err)
		}
	}
	for i, d := range docs {
		if err := t.feedOne(ctx, d, sourceOf(d, i)); err != nil {
			return fmt.Errorf("document %s: %w", d.ID, err)
		}
	}
	return nil
}

func (t *trial) feedOne(ctx context.Context, d labelled, name string) error {
	t.now = t.now.Add(time.Second)
	if d.at.After(t.now) {
		t.now = d.at
	}
	item := map[string]any{"id": d.ID, "title": d.Title, "content_text": d.Text, "date_published": d.at.Format(time.RFC3339)}
	if d.URL != "" {
		item["url"] = d.URL
	}
	var err error
	t.document, err = json.Marshal(map[string]any{"version": "https://jsonfeed.org/version/1.1", "title": name, "items": []any{item}})
	if err != nil {
		return err
	}
	return t.run(ctx, d.ID, name)
}

// run takes one source through the pipeline.
func (t *trial) run(ctx context.Context, id, name string) error {
	src, err := t.store.Source(ctx, name)
	if err != nil {
		return err
	}
	var failed error
	err = t.pipeline.Run(ctx, ingest.Run{ID: id, Now: t.now, Force: true}, []feed.Source{src}, func(r feed.SourceReport) {
		if r.Outcome != feed.OutcomeOK {
			failed = fmt.Errorf("%s: %s", r.Outcome, r.Error)
		}
	})
	if err != nil {
		return err
	}
	return failed
}

// outcomes tells what became of each document.
func (t *trial) outcomes(ctx context.Context, docs []labelled) ([]outcome, error) {
	items, err := t.store.Items(ctx, store.Query{Limit: 1 << 30, State: "all"})
	if err != nil {
		return nil, err
	}
	byRow := make(map[int64]feed.Item, len(items))
	for _, it := range items {
		byRow[it.RowID] = it
	}
	out := make([]outcome, len(docs))
	for i, d := range docs {
		src, err := t.store.Source(ctx, sourceOf(d, i))
		if err != nil {
			return nil, err
		}
		entries, err := t.known(ctx, src, d)
		if err != nil {
			return nil, err
		}
		out[i].ID = d.ID
		if len(entries) == 1 {
			it := byRow[entries[0].ItemID]
			out[i].Item, out[i].Story = it.ID, strconv.FormatInt(it.StoryRow, 10)
		}
	}
	return out, nil
}

// known is what the store knows of a document: one entry.
func (t *trial) known(ctx context.Context, src feed.Source, d labelled) ([]feed.Known, error) {
	return t.store.ByIdentity(ctx, src.ID, []int64{clean.Key(dedupe.Identity(d.ID, "", 0))})
}
