package hub

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"tributary/ingest/fetch"
	"tributary/store"
)

// lanes run requests, a lane for each host and a bound on all. Only the first
// second of a request takes one of the few places: the slow ones go on beside
// them, so that they don't hold up the others.
type lanes struct {
	young, old, perHost int
	slowAfter           time.Duration
	room                func() // is told when there may be room again

	mu      sync.Mutex
	ctx     context.Context // of the requests; nil: none is run
	hosts   map[string]*lane
	ready   []*lane // that have somebody waiting, in turn
	waiting int
	running int // in all
	fresh   int // of them young
	group   sync.WaitGroup
}

// lane is what is known of a host. Its fields are under lanes.mu.
type lane struct {
	host    string
	waiting []job
	running int
	near    bool // only AllowPrivate opens it: it is ours, and needs no sparing
}

// job is a request to be made.
type job struct {
	host  string
	run   func(context.Context)
	leave func()    // in place of run: it is not made here
	until time.Time // run before then, or not at all
}

// waitingMost is how many requests wait here at a time; the others stay in the store.
const waitingMost = 1024

// backlog is how many requests to one host wait here until it counts as busy.
const backlog = 64

func newLanes(o Options, room func()) *lanes {
	return &lanes{young: o.Parallel, old: max(o.ParallelSlow, o.Parallel), perHost: o.ParallelHost, slowAfter: o.SlowAfter,
		room: room, hosts: map[string]*lane{}}
}

// open has requests run, each with ctx.
func (l *lanes) open(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ctx = ctx
	l.fill()
}

// close has no more requests run, and gives back those that waited.
func (l *lanes) close() (left []job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ctx = nil
	for _, n := range l.ready {
		left = append(left, n.waiting...)
		n.waiting = nil
	}
	l.ready, l.waiting = nil, 0
	return left
}

// wait waits for the requests that run.
func (l *lanes) wait() { l.group.Wait() }

// free is how many more requests may wait, and busy are hosts that should get none.
func (l *lanes) free() (n int, busy []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, lane := range l.ready {
		if len(lane.waiting) >= backlog && !lane.near && len(busy) < store.BusyHosts {
			busy = append(busy, lane.host)
		}
	}
	return waitingMost - l.waiting, busy
}

// add has a request made as soon as there is room.
func (l *lanes) add(j job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.get(j.host)
	if len(n.waiting) == 0 {
		l.ready = append(l.ready, n)
	}
	n.waiting = append(n.waiting, j)
	l.waiting++
	l.fill()
}

// setNear notes whether a host is near.
func (l *lanes) setNear(host string, near bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.hosts[host]; n != nil && n.near != near {
		n.near = near
		l.fill()
	}
}

// get is the lane of a host, made if need be; l.mu is held.
func (l *lanes) get(host string) *lane {
	n := l.hosts[host]
	if n == nil {
		n = &lane{host: host, near: literallyNear(host)}
		l.hosts[host] = n
	}
	return n
}

// literallyNear tells whether a host is an address that is not public. Of one
// that is a name it is learned when it is first connected to.
func literallyNear(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	_, err = netip.ParseAddr(name)
	return err == nil && fetch.Reachable("http://"+net.JoinHostPort(name, "80"), false) != nil
}

// fill starts what may start, hosts in turn; l.mu is held.
func (l *lanes) fill() {
	for i := 0; i < len(l.ready) && l.ctx != nil && l.fresh < l.young && l.running < l.old; {
		n := l.ready[i]
		if n.running >= l.perHost && !n.near {
			i++
			continue
		}
		j := n.waiting[0]
		n.waiting = n.waiting[1:]
		l.ready = slices.Delete(l.ready, i, i+1)
		if len(n.waiting) > 0 {
			l.ready = append(l.ready, n)
		}
		l.start(n, j)
	}
}

// start runs a request; l.mu is held.
func (l *lanes) start(n *lane, j job) {
	ctx, young := l.ctx, true
	l.waiting--
	l.running++
	l.fresh++
	n.running++
	grown := func() { // l.mu is held
		if young {
			young = false
			l.fresh--
		}
	}
	l.group.Go(func() {
		age := time.AfterFunc(l.slowAfter, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			grown()
			l.fill()
		})
		if time.Now().Before(j.until) {
			j.run(ctx)
		} else {
			j.leave()
		}
		age.Stop()
		l.mu.Lock()
		defer l.mu.Unlock()
		grown()
		l.end(n)
	})
}

// end notes that a request is over; l.mu is held.
func (l *lanes) end(n *lane) {
	l.running--
	n.running--
	if n.running == 0 && len(n.waiting) == 0 && !n.near {
		delete(l.hosts, n.host)
	}
	l.fill()
	if l.waiting <= waitingMost/2 {
		l.room()
	}
}
