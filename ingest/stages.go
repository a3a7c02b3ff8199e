package ingest

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tributary/feed"
	"tributary/ingest/fetch"
)

// job is a source between fetching and preparing.
type job struct {
	source  feed.Source
	result  fetch.Result // of a feed
	began   time.Time
	claimed bool   // the source is this run's until it is released
	skip    string // why it is left alone after all
	err     error
}

// prepareAll fetches and prepares the sources. Hosts are spoken to side by
// side, the sources of one host one after the other; what costs CPU and
// memory, a document, is worked on by as many as there are processors.
func (p *Pipeline) prepareAll(ctx context.Context, run Run, sources []feed.Source, out *batches) {
	documents := make(chan job)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for j := range documents {
				p.hand(out, p.prepareOne(ctx, run, j))
			}
		})
	}
	var hosts errgroup.Group
	hosts.SetLimit(hostsAtOnce)
	for _, group := range byHost(sources) {
		hosts.Go(func() error {
			for _, src := range group {
				if j := p.fetchOne(ctx, run, src); j.heavy() {
					documents <- j
				} else if !p.hand(out, p.prepareOne(ctx, run, j)) {
					return nil
				}
			}
			return nil
		})
	}
	_ = hosts.Wait() // its functions return nil; failures travel in the jobs
	close(documents)
	workers.Wait()
}

// heavy tells whether there is a document to work on. That of a source whose
// pages are read waits for its hosts more than for a processor.
func (j job) heavy() bool {
	if j.source.FullText {
		return false
	}
	return j.source.Kind == feed.KindFolder || j.result.Kind == fetch.Fetched
}

// hand gives a source to the writer, or, when that has given up, frees it.
func (p *Pipeline) hand(out *batches, done prepared) bool {
	if !out.put(done) {
		p.release([]prepared{done})
		return false
	}
	return true
}

// fetchOne waits until no other run has the source, then fetches it.
func (p *Pipeline) fetchOne(ctx context.Context, run Run, src feed.Source) job {
	j := job{source: src, began: p.Now()}
	var since bool
	if since, j.err = p.claims.take(ctx, src.ID, run.Now); j.err != nil {
		return j
	}
	j.claimed = true
	if since || run.Pushed != nil { // another run has finished with it since this one was asked for
		p.readAgain(ctx, &j, run.Pushed != nil)
	}
	if run.Pushed != nil {
		j.result = pushed(*run.Pushed, p.Now())
		return j
	}
	if src.Kind == feed.KindFeed && j.skip == "" && j.err == nil {
		j.result = p.get(ctx, j.source, run.Force)
	}
	return j
}

// pushed is what a hub has sent as if it had been fetched. It tells of no
// server, and has no validators.
func pushed(doc feed.Document, now time.Time) fetch.Result {
	return fetch.Result{Kind: fetch.Fetched, Document: doc, BodyHash: fetch.BodyHash(doc.Body), Bytes: int64(len(doc.Body)), At: now, Host: fetch.HostOf(doc.URL)}
}

// readAgain takes over what another run has made of the source. A feed is not
// asked twice, though what was pushed is taken; a folder may have changed since.
func (p *Pipeline) readAgain(ctx context.Context, j *job, pushed bool) {
	src, err := p.Store.Source(ctx, j.source.Slug)
	switch {
	case feed.CodeOf(err) == feed.CodeNotFound, err == nil && src.ID != j.source.ID:
		j.skip = "it was removed meanwhile"
	case err != nil:
		j.err = err
	default:
		j.source = src
		if src.Kind == feed.KindFeed && !pushed {
			j.skip = "another run has just taken it"
		}
	}
}

// get fetches a feed. A panic is that source's failure, here as in prepareOne.
func (p *Pipeline) get(ctx context.Context, src feed.Source, force bool) (res fetch.Result) {
	defer func() {
		if r := recover(); r != nil {
			res = fetch.Result{At: p.Now()}.Fail(feed.StatusFailing, defect(r))
		}
	}()
	return p.Fetcher.Get(ctx, src, force)
}

// defect is the error for a panic.
func defect(r any) error {
	return feed.Errorf(feed.CodeInternal, "a defect stopped the work on it: %v; please report it with this trace: %s", r, debug.Stack())
}

// byHost groups sources by the host they are fetched from, in order of first
// appearance; each folder is a group of its own.
func byHost(sources []feed.Source) [][]feed.Source {
	var groups [][]feed.Source
	at := map[string]int{}
	for _, src := range sources {
		host := hostOf(src)
		i, ok := at[host]
		if !ok {
			i = len(groups)
			at[host] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], src)
	}
	return groups
}

func hostOf(src feed.Source) string {
	switch {
	case src.Kind == feed.KindFolder:
		return "folder " + src.Slug
	case src.State.FetchURL != "":
		return fetch.HostOf(src.State.FetchURL)
	}
	return fetch.HostOf(src.URL)
}

// prepareOne prepares one source. A panic in a step is that source's failure,
// not the program's.
func (p *Pipeline) prepareOne(ctx context.Context, run Run, j job) (out prepared) {
	defer func() {
		if r := recover(); r != nil {
			out = prepared{source: j.source, about: j.source.About, result: j.result, report: newReport(j.source)}
			out.fail(defect(r))
		}
		out.began, out.claimed = j.began, j.claimed
	}()
	var err error
	switch {
	case j.err != nil:
		out, err = prepared{source: j.source}, j.err
	case j.skip != "":
		out = prepared{source: j.source, skipped: true, report: NotDue(j.source, j.skip)}
	case j.source.Kind == feed.KindFolder:
		out, err = p.prepareFolder(ctx, run, j.source)
	default:
		out, err = p.prepare(ctx, run, j.source, j.result)
	}
	if err != nil {
		out.fatal = fmt.Errorf("source %s: %w", j.source.Slug, err)
	}
	return out
}

// claims hold that no two runs work on one source at a time.
type claims struct {
	mu   sync.Mutex
	busy map[int64]chan struct{}
	done map[int64]time.Time
}

// take waits for the source to be free and takes it. since tells whether
// somebody has finished with it after t.
func (c *claims) take(ctx context.Context, id int64, t time.Time) (since bool, err error) {
	for {
		c.mu.Lock()
		busy, taken := c.busy[id]
		if !taken {
			if c.busy == nil {
				c.busy, c.done = map[int64]chan struct{}{}, map[int64]time.Time{}
			}
			c.busy[id] = make(chan struct{})
			since = c.done[id].After(t)
			c.mu.Unlock()
			return since, nil
		}
		c.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// release frees a source; at is when the work on it ended, zero if it was not done.
func (c *claims) release(id int64, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	busy, taken := c.busy[id]
	if !taken {
		return
	}
	close(busy)
	delete(c.busy, id)
	if !at.IsZero() {
		c.done[id] = at
	}
}
