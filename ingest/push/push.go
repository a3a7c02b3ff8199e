// Package push subscribes to sources at the hubs that they name (WebSub, W3C
// Recommendation of 23 January 2018), so that their news arrive when there are
// some. Polling stays: what is pushed is taken when it comes, and what is not is
// found by the next poll.
//
// What there should be follows from the sources, and what there is from the store:
// the Subscriber compares the two, and asks hubs for the difference. So
// nothing is lost by a restart, a hub that is down, or a source that is
// switched off and on.
package push

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tributary/feed"
)

// Store is where subscriptions are kept. Package store documents the methods.
type Store interface {
	PushWants(ctx context.Context) (map[int64]feed.Hub, error)
	Pushes(ctx context.Context) ([]feed.Push, error)
	Push(ctx context.Context, id string) (p feed.Push, found bool, err error)
	AddPush(ctx context.Context, p feed.Push) (added bool, err error)
	TakePush(ctx context.Context, id string, now, next time.Time) (taken bool, err error)
	FailPush(ctx context.Context, id, why string, next time.Time) error
	ConfirmPush(ctx context.Context, id string, until, next time.Time) (confirmed bool, err error)
	EndPush(ctx context.Context, id string, state feed.PushState, why string, next time.Time) error
	DropPush(ctx context.Context, id string) error
	SourceByID(ctx context.Context, id int64) (feed.Source, error)
}

// Options of a Subscriber. The zero value of those with a default means that.
type Options struct {
	// Base is what the addresses of callbacks begin with; "": hubs cannot reach
	// us, and what there is of subscriptions is given up.
	Base  string
	Store Store
	// Take takes a document that came for a source, and returns when it is done with.
	Take      func(ctx context.Context, src feed.Source, doc feed.Document) error
	Transport http.RoundTripper // to hubs, whose addresses strangers name
	UserAgent string
	Logger    *slog.Logger
	Count     func(result string) // told of each document: "taken", "failed", "forged", "refused"; nil: nobody is
	Named     <-chan struct{}     // tells that sources may name other hubs than before; nil: that is seen at the next look
	Now       func() time.Time

	Every    time.Duration   // between looks at what there is to do; default 1 min
	Timeout  time.Duration   // of a request; default 15 s
	Spacing  time.Duration   // between requests to one hub; default 1 s, negative: none
	Lease    time.Duration   // asked for; default 10 days
	Shortest time.Duration   // until a renewal, however short a lease is given; default 10 min
	Backoff  []time.Duration // until a hub is asked again, by failures; default 1 min to a week
	MaxBytes int64           // of a document; default 10 MB

	// Ours tells whether it is this process that looks after the subscriptions, where
	// there are several; nil: it is. All take in what comes.
	Ours func() bool
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Every, time.Minute)
	def(&o.Timeout, 15*time.Second)
	def(&o.Spacing, time.Second)
	def(&o.Lease, 10*24*time.Hour)
	def(&o.Shortest, 10*time.Minute)
	if o.Backoff == nil {
		o.Backoff = []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 10 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Count == nil {
		o.Count = func(string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Ours == nil {
		o.Ours = func() bool { return true }
	}
	return o
}

const (
	oursEvery    = 5 * time.Second // to see whether it has become ours
	hubsAtOnce   = 8
	perLook      = 30 // requests to one hub, so that others need not wait long for theirs
	leavesAsked  = 3  // times that a hub is told that we leave
	againRefused = 30 * 24 * time.Hour
)

// Subscriber keeps the subscriptions. It answers hubs at their callbacks as
// an http.Handler, with the part of the address that names one as the path value "id".
type Subscriber struct {
	o   Options
	log *slog.Logger

	reading chan struct{} // one for each body that is being read
	queue   chan arrival
	mu      sync.Mutex // guards closed, and that nothing is queued after it
	closed  bool
	waiting sync.WaitGroup // what was queued
}

// New makes a Subscriber; it works while Run does.
func New(o Options) *Subscriber {
	o = o.withDefaults()
	return &Subscriber{o: o, log: o.Logger, reading: make(chan struct{}, readAtOnce), queue: make(chan arrival, queued)}
}

// Run keeps subscriptions until ctx ends, and takes in what came until then.
func (s *Subscriber) Run(ctx context.Context) {
	var taking sync.WaitGroup
	taking.Go(func() { s.takes(context.WithoutCancel(ctx)) })
	for ctx.Err() == nil {
		if err := s.lookIfOurs(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("subscriptions cannot be looked after, which is tried again", "error", err)
		}
		wait := s.o.Every
		if !s.o.Ours() {
			wait = min(wait, oursEvery)
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-s.o.Named:
		}
		t.Stop()
	}
	s.close()
	taking.Wait()
}

// Drain takes nothing any more, and waits until what came is taken in, or ctx ends.
func (s *Subscriber) Drain(ctx context.Context) {
	s.close()
	done := make(chan struct{})
	go func() { s.waiting.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// lookIfOurs looks, unless another process does.
func (s *Subscriber) lookIfOurs(ctx context.Context) error {
	if !s.o.Ours() {
		return nil
	}
	return s.look(ctx)
}

// look compares what there is with what there should be, and asks hubs for what is due.
func (s *Subscriber) look(ctx context.Context) error {
	var wants map[int64]feed.Hub
	var err error
	if s.o.Base != "" {
		if wants, err = s.o.Store.PushWants(ctx); err != nil {
			return err
		}
	}
	have, err := s.o.Store.Pushes(ctx)
	if err != nil {
		return err
	}
	if have, err = s.settle(ctx, wants, have); err != nil {
		return err
	}
	return s.ask(ctx, have)
}

// settle makes what there is what there should be, and gives it.
func (s *Subscriber) settle(ctx context.Context, wants map[int64]feed.Hub, have []feed.Push) (now []feed.Push, err error) {
	for _, p := range have {
		hub, wanted := wants[p.SourceID]
		wanted = wanted && hub == p.Hub && p.Base == s.o.Base
		switch at := s.o.Now(); {
		case p.State == feed.PushLeaving:
		case !wanted && (p.State == feed.PushRefused || !p.Until.After(at)): // it is none, or never was one
			if err := s.o.Store.DropPush(ctx, p.ID); err != nil {
				return nil, err
			}
			continue
		case !wanted:
			err = s.o.Store.EndPush(ctx, p.ID, feed.PushLeaving, "", at)
			p.State, p.Next, p.Attempts = feed.PushLeaving, at, 0
		case p.State == feed.PushActive && !p.Until.After(at):
			s.log.Warn("a subscription ran out", "hub", p.Hub.URL, "topic", p.Hub.Topic, "error", p.Error)
			err = s.o.Store.EndPush(ctx, p.ID, feed.PushAsked, p.Error, p.Next)
			p.State = feed.PushAsked
		}
		if err != nil {
			return nil, err
		}
		if p.State != feed.PushLeaving {
			delete(wants, p.SourceID)
		}
		now = append(now, p)
	}
	for source, hub := range wants {
		p := feed.Push{ID: unguessable(), Base: s.o.Base, SourceID: source, Hub: hub, Secret: unguessable(), State: feed.PushAsked, Next: s.o.Now()}
		added, err := s.o.Store.AddPush(ctx, p)
		if err != nil {
			return nil, err
		}
		if added {
			now = append(now, p)
		}
	}
	return now, nil
}

// unguessable is 256 random bits.
func unguessable() string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// ask asks hubs for what is due, each one request after the other.
func (s *Subscriber) ask(ctx context.Context, all []feed.Push) error {
	byHub := map[string][]feed.Push{}
	for _, p := range all {
		if !p.Next.After(s.o.Now()) {
			host := hostOf(p.Hub.URL)
			byHub[host] = append(byHub[host], p)
		}
	}
	hubs, ctx := errgroup.WithContext(ctx)
	hubs.SetLimit(hubsAtOnce)
	for _, due := range byHub {
		hubs.Go(func() error {
			for i, p := range due[:min(len(due), perLook)] {
				if i > 0 && !s.pause(ctx) {
					return nil
				}
				if err := s.askFor(ctx, p); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return hubs.Wait()
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}

// pause waits between two requests to a hub; it tells whether there is another one.
func (s *Subscriber) pause(ctx context.Context) bool {
	t := time.NewTimer(max(s.o.Spacing, 0))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// askFor asks a hub for a subscription, its renewal or its end. The hub
// confirms at the callback, maybe before it answers: so what is noted before is
// what holds if it never does.
func (s *Subscriber) askFor(ctx context.Context, p feed.Push) error {
	if p.State == feed.PushLeaving && p.Attempts >= leavesAsked {
		return s.o.Store.DropPush(ctx, p.ID) // its lease ends in any case
	}
	if p.State == feed.PushRefused { // that was long ago
		if err := s.o.Store.EndPush(ctx, p.ID, feed.PushAsked, "", p.Next); err != nil {
			return err
		}
		p.Attempts = 0
	}
	now := s.o.Now()
	next := now.Add(s.backoff(p.Attempts))
	if taken, err := s.o.Store.TakePush(ctx, p.ID, now, next); err != nil || !taken {
		return err
	}
	wait, err := s.request(ctx, p)
	switch {
	case ctx.Err() != nil:
		return nil
	case err == nil:
		s.log.Debug("a hub was asked", "hub", p.Hub.URL, "topic", p.Hub.Topic, "leaving", p.State == feed.PushLeaving)
		return nil
	}
	if wait := now.Add(wait); wait.After(next) {
		next = wait
	}
	s.log.Warn("a hub does not take a subscription", "hub", p.Hub.URL, "topic", p.Hub.Topic, "error", err, "again", next)
	return s.o.Store.FailPush(ctx, p.ID, err.Error(), next)
}

// backoff is the pause after a request that is not confirmed, with jitter.
func (s *Subscriber) backoff(before int) time.Duration {
	d := s.o.Backoff[min(before, len(s.o.Backoff)-1)]
	return d + mathrand.N(d/5+1)
}

// renewal is when a lease is renewed: with a quarter of it left.
func (s *Subscriber) renewal(lease time.Duration) time.Duration {
	lease -= lease / 4
	return max(lease-mathrand.N(lease/20+1), s.o.Shortest)
}
