// Package hub is a WebSub hub (W3C Recommendation of 23 January 2018) for the
// feed documents of one site. Subscribers ask for a topic by POST, are asked
// back whether they meant it, and are then sent the topic's document whenever
// it has news, until their lease ends.
//
// What there is to send lies in the store's queue, and is removed when it was
// taken in, so that a program that is killed in the middle sends it again.
// What is sent is always the document as it is then, signed with the secret as
// it is then: nothing that waits can be old.
//
// With Options.Notify it is no hub but tells one elsewhere which topics have
// news, through the same queue.
package hub

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tributary/ingest/fetch"
	"tributary/store"
)

// Document is a topic's document as it is now.
type Document struct {
	Body      []byte // shared by all who are sent it: not to be changed
	MediaType string
	Change    int64 // the store's change number that it is at least as new as
	Listed    store.Listing
}

// Topics are the documents that can be subscribed to.
type Topics interface {
	// Topic is the document whose own address this is. For another address the
	// error is a feed.CodeNotFound that says what would be one.
	Topic(ctx context.Context, address string) (Document, error)
}

// Store is where subscriptions and deliveries are kept. Package store documents
// the methods.
type Store interface {
	Subscription(ctx context.Context, id int64) (sub store.Subscription, found bool, err error)
	Subscribed(ctx context.Context, topic, callback string) (bool, error)
	CountSubscriptions(ctx context.Context, host, topic string) (store.SubscriptionCounts, error)
	Wish(ctx context.Context, w store.SubscriptionWish, state store.TopicState, now time.Time) error
	TakeWishes(ctx context.Context, n int, busy []string, now, until time.Time) ([]store.SubscriptionWish, error)
	Grant(ctx context.Context, w store.SubscriptionWish, at time.Time) (granted bool, err error)
	DropWish(ctx context.Context, id int64) error
	DelayWish(ctx context.Context, id int64, next time.Time) error
	SyncPings(ctx context.Context, hub, host string, topics []store.TopicState) error
	SubscribedTopics(ctx context.Context, now time.Time) ([]store.TopicState, error)
	NoteTopic(ctx context.Context, state store.TopicState) error
	Announce(ctx context.Context, state store.TopicState, now time.Time) (int, error)
	TakeDeliveries(ctx context.Context, n int, busy []string, now, until time.Time) ([]store.Delivery, error)
	NextDelivery(ctx context.Context) (time.Time, error)
	Settle(ctx context.Context, all []store.Settled, now time.Time) error
	SweepSubscriptions(ctx context.Context, now time.Time) error
	HubTotals(ctx context.Context, now time.Time) (store.HubTotals, error)
}

// Options of a Hub. Zero values mean the defaults that are named.
type Options struct {
	URL          string   // of the hub, as documents name it
	Notify       string   // a hub elsewhere that is told instead; "": this is the hub
	Main         []string // topics that always have room and wait for nothing; with Notify those that it is told of
	Store        Store
	Topics       Topics
	UserAgent    string
	AllowPrivate bool // callbacks may be on this machine and on private networks
	// Ours tells whether it is this process that sends, where there are several; nil: it
	// is. What is kept to with hosts is kept by one.
	Ours func() bool
	// From is the address that a request comes from; nil: that of the connection.
	From   func(*http.Request) netip.Addr
	Logger *slog.Logger
	Now    func() time.Time

	Timeout      time.Duration   // of a request to a callback; 10 s
	PerHost      int             // subscriptions of callbacks at one host, see limitedBy; 1,000
	Most         int             // subscriptions; 20,000
	MostTopics   int             // topics that somebody has; 500
	TopicsHost   int             // of them of callbacks at one host; 20
	ViewPause    time.Duration   // between two looks at a topic that is none of Main, which is rendered for each; 1 min
	PerMinute    int             // requests of one client, and for callbacks at one public host; 60
	Backoff      []time.Duration // pauses after failures, the last one again and again
	GiveUpAfter  time.Duration   // that a document is tried; 24 h
	Parallel     int             // requests at a time, slow ones apart; 64
	ParallelHost int             // requests at a time to one public host; 2
	SlowAfter    time.Duration   // from when on a request counts as slow; 1 s
	ParallelSlow int             // requests at a time with the slow ones; 512
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Ours == nil {
		o.Ours = func() bool { return true }
	}
	if o.From == nil {
		o.From = connection
	}
	if len(o.Backoff) == 0 {
		o.Backoff = []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour}
	}
	o.Timeout = cmp.Or(o.Timeout, 10*time.Second)
	o.PerHost = cmp.Or(o.PerHost, 1_000)
	o.Most = cmp.Or(o.Most, 20_000)
	o.MostTopics = cmp.Or(o.MostTopics, 500)
	o.TopicsHost = cmp.Or(o.TopicsHost, 20)
	o.ViewPause = cmp.Or(o.ViewPause, time.Minute)
	o.PerMinute = cmp.Or(o.PerMinute, 60)
	o.GiveUpAfter = cmp.Or(o.GiveUpAfter, 24*time.Hour)
	o.Parallel = cmp.Or(o.Parallel, 64)
	o.ParallelHost = cmp.Or(o.ParallelHost, 2)
	o.SlowAfter = cmp.Or(o.SlowAfter, time.Second)
	o.ParallelSlow = cmp.Or(o.ParallelSlow, 512)
	return o
}

func connection(r *http.Request) netip.Addr {
	ap, _ := netip.ParseAddrPort(r.RemoteAddr)
	return ap.Addr().Unmap().WithZone("")
}

// Leases. A subscriber that names none gets the usual one, and one that names
// another gets that within these bounds.
const (
	leaseLeast = 24 * time.Hour
	leaseUsual = 10 * 24 * time.Hour
	leaseMost  = 30 * 24 * time.Hour
)

// Hub answers subscribers and, while Run runs, sends them what they are to get.
type Hub struct {
	o         Options
	log       *slog.Logger
	transport *http.Transport
	lanes     *lanes
	clients   *pace // by network
	hosts     *pace // of callbacks
	results   chan store.Settled
	changed   chan struct{}        // documents may have news
	views     chan struct{}        // likewise, for who looks at those that are none of Main
	looked    map[string]time.Time // at views, of late
	due       chan struct{}        // the queue may have something that is due, or there is room again
	sent      *prometheus.CounterVec
}

// New makes a hub.
func New(o Options) *Hub {
	o = o.withDefaults()
	h := &Hub{
		o: o, log: o.Logger, clients: newPace(o.PerMinute, o.Now), hosts: newPace(o.PerMinute, o.Now),
		results: make(chan store.Settled, settledAtOnce), looked: map[string]time.Time{},
		changed: make(chan struct{}, 1), views: make(chan struct{}, 1), due: make(chan struct{}, 1), sent: newSent(),
	}
	h.lanes = newLanes(o, func() { poke(h.due) })
	h.transport = fetch.Guarded(o.AllowPrivate, func(host string, near bool) { h.lanes.setNear(limitedBy(host), near) })
	return h
}

// Changed tells that documents may have news. It never blocks.
func (h *Hub) Changed() {
	poke(h.changed)
	poke(h.views)
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

const (
	lookEvery     = 5 * time.Second // for what other processes queued, and failures to look
	sweepEvery    = time.Hour
	stopWithin    = 3 * time.Second // that requests under way may take when the program stops
	settleWithin  = 3 * time.Second
	settledAtOnce = 256
)

// Run sends what is due until ctx ends. Then requests under way may finish for
// a moment, and what was not sent is left to the next who runs.
func (h *Hub) Run(ctx context.Context) {
	working, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer h.transport.CloseIdleConnections()
	h.lanes.open(working)
	var loops, settling sync.WaitGroup
	loops.Go(func() { h.publishes(ctx) })
	loops.Go(func() { h.publishesViews(ctx) })
	loops.Go(func() { h.sends(ctx) })
	loops.Go(func() { h.sweeps(ctx) })
	settling.Go(h.settles)
	<-ctx.Done()
	loops.Wait()
	stop := time.AfterFunc(stopWithin, cut)
	for _, j := range h.lanes.close() {
		j.leave()
	}
	h.lanes.wait()
	stop.Stop()
	close(h.results)
	settling.Wait()
}

// again does something until it succeeds, or ctx ends.
func (h *Hub) again(ctx context.Context, what string, do func(context.Context) error) {
	said := ""
	for ctx.Err() == nil {
		err := do(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		if err.Error() != said {
			said = err.Error()
			h.log.Error("the hub cannot "+what+", and tries again", "error", err)
		}
		pause(ctx, lookEvery)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func (h *Hub) sweeps(ctx context.Context) {
	for ctx.Err() == nil {
		if err := h.o.Store.SweepSubscriptions(ctx, h.o.Now()); err != nil && ctx.Err() == nil {
			h.log.Error("the hub cannot forget subscriptions that ended", "error", err)
		}
		pause(ctx, sweepEvery)
	}
}
