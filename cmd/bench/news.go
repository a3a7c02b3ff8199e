package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/fetch"
	"tributary/scheduler"
	"tributary/store"
)

const (
	newsDays  = 14  // all entries are of so many days: within the window of copies, the worst case
	newsWords = 100 // of an entry
	newsSites = 1000
	copied    = 0.3 // of the reports that follow another say the same with a few other words
)

// newsNow is when the first news are read.
var newsNow = time.Date(2026, 5, 15, 12, 0, 0, 0, time.UTC)

// news are short entries, without end, on events that many report.
type news struct{ language *language }

// item is an entry as JSON Feed 1.1 has it.
type item struct {
	ID        string    `json:"id"`
	URL       string    `json:"url"`
	Title     string    `json:"title"`
	Text      string    `json:"content_text"`
	Published time.Time `json:"date_published"`
}

// item makes entry n, which follows another one; of is that other one if it is a copy of it, or -1.
func (w news) item(n, follows int) (it item, of int) {
	l := w.language
	r := l.dice("item", n)
	by := l.report(n, follows)
	of = -1
	it = item{ID: fmt.Sprint(n), URL: fmt.Sprintf("https://site%d.example/%d", n%newsSites, n), Title: by.sentence(8)}
	if follows >= 0 && r.Float64() < copied {
		original, _ := w.item(follows, l.before(follows))
		it.Text, of = edited(by, original.Text), follows
	} else {
		it.Text = by.text(newsWords)
	}
	const all, reported = newsDays * 24 * 60 * 60, 36 * 60 * 60 // seconds
	ago := all - l.dice("when", l.event(n, follows)).IntN(all) - r.IntN(reported)
	it.Published = newsNow.Add(-time.Duration(max(ago, -ago)) * time.Second)
	return it, of
}

// edited puts two other words into a text.
func edited(by speaker, text string) string {
	said := strings.Fields(text)
	for range 2 {
		said[by.r.IntN(len(said))] = by.word()
	}
	return strings.Join(said, " ")
}

// document is a feed of items.
func document(items []item) []byte {
	b, err := json.Marshal(map[string]any{"version": "https://jsonfeed.org/version/1.1", "title": "News", "items": items})
	if err != nil {
		panic(err) // they are strings and times of our own
	}
	return b
}

// reader takes news through the real pipeline into a store.
type reader struct {
	pipeline *ingest.Pipeline
	document func(src feed.Source) []byte // what a source says
	now      time.Time
	writing  time.Duration // spent in transactions
	copies   int
}

func newReader(st *store.Store, document func(feed.Source) []byte) *reader {
	r := &reader{document: document, now: newsNow}
	r.pipeline = &ingest.Pipeline{Store: timedStore{scheduler.ForPipeline(st), &r.writing}, Fetcher: r,
		Policy: scheduler.Policy{}, Now: func() time.Time { return r.now }}
	return r
}

// Get is what the pipeline takes for the network.
func (r *reader) Get(_ context.Context, src feed.Source, _ bool) fetch.Result {
	body := r.document(src)
	return fetch.Result{Kind: fetch.Fetched, Status: 200, At: r.now, Requests: 1, Bytes: int64(len(body)),
		Document: feed.Document{URL: src.URL, MediaType: "application/feed+json", Body: body}}
}

// run reads sources once, and moves the clock.
func (r *reader) run(ctx context.Context, id string, sources []feed.Source) error {
	r.now = r.now.Add(time.Minute)
	var failed error
	err := r.pipeline.Run(ctx, ingest.Run{ID: id, Now: r.now, Force: true}, sources, func(s feed.SourceReport) {
		r.copies += s.Counts.Copies
		if s.Outcome != feed.OutcomeOK {
			failed = fmt.Errorf("%s: %s: %s", s.Source, s.Outcome, s.Error)
		}
	})
	return errors.Join(err, failed)
}

// timedStore adds up the time that transactions take, from begin to commit.
type timedStore struct {
	ingest.Store
	total *time.Duration
}

func (s timedStore) Write(ctx context.Context, do func(ingest.Tx) error) error {
	began := time.Now()
	defer func() { *s.total += time.Since(began) }()
	return s.Store.Write(ctx, do)
}
