package fetch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"
)

// HostOf names the host of a URL as the client's rules about hosts see it:
// lower case, IDN in punycode, the port only if it is neither 80 nor 443.
// It is "" for what is not an http or https URL.
func HostOf(rawURL string) string {
	u, err := parseURL(rawURL)
	if err != nil {
		return ""
	}
	return hostKey(u)
}

func hostKey(u *url.URL) string { return joinKey(u.Hostname(), u.Port()) }

// hostKeyOf is the key of an address that is being dialled.
func hostKeyOf(address string) string {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return joinKey(name, port)
}

func joinKey(name, port string) string {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if port == "" || port == "80" || port == "443" {
		return name
	}
	return net.JoinHostPort(name, port)
}

// errPaused tells that a host is not to be asked before a time.
type errPaused struct {
	host  string
	until time.Time
}

func (e *errPaused) Error() string {
	return fmt.Sprintf("%s asked to be left alone until %s", e.host, clock(e.until))
}

// hosts is the gate before every request: one at a time to a host, starts
// spaced, none while the host is paused.
type hosts struct {
	spacing time.Duration
	now     func() time.Time
	shared  Hosts // nil: no other process counts
	calls   calls // where shared is not nil

	mu      sync.Mutex
	byName  map[string]*host
	sweepAt int // size at which idle hosts are forgotten
}

// host is what is known of one. Its fields are under hosts.mu, but for turn.
type host struct {
	name    string
	turn    chan struct{} // full while somebody has the turn
	users   int           // have the turn or wait for it
	next    time.Time     // no start before
	until   time.Time     // paused until
	limited int           // 429 answers in a row
	near    bool          // only AllowPrivate opens it: no spacing
	entered bool          // the right to speak to it is ours, among all processes
}

// sweepSize is the number of hosts from which on idle ones are forgotten.
const sweepSize = 1024

func newHosts(spacing time.Duration, now func() time.Time) *hosts {
	return &hosts{spacing: spacing, now: now, byName: map[string]*host{}, sweepAt: sweepSize}
}

// enter waits for a host's turn. It returns an *errPaused if the host is
// paused by then, an *errNotOurs if another process has it for too long, or
// ctx's error. Who entered must leave.
func (t *hosts) enter(ctx context.Context, name string) (*host, error) {
	since := time.Now()
	h := t.join(name)
	select {
	case h.turn <- struct{}{}:
	case <-ctx.Done():
		t.part(h)
		return nil, ctx.Err()
	}
	err := t.share(ctx, h, since)
	if err == nil {
		err = t.start(ctx, h)
	}
	if err != nil {
		t.leave(h)
		return nil, err
	}
	return h, nil
}

// leave gives the turn to the next.
func (t *hosts) leave(h *host) {
	t.unshare(h)
	<-h.turn
	t.part(h)
}

func (t *hosts) join(name string) *host {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.get(name)
	h.users++
	return h
}

func (t *hosts) part(h *host) {
	t.mu.Lock()
	h.users--
	t.mu.Unlock()
}

// start waits until a request may start.
func (t *hosts) start(ctx context.Context, h *host) error {
	wait, err := t.book(h)
	if err != nil {
		return err
	}
	return sleep(ctx, wait)
}

// book books the start of a request: how long to wait for it, or the pause
// that forbids it.
func (t *hosts) book(h *host) (time.Duration, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if h.until.After(now) {
		return 0, &errPaused{h.name, h.until}
	}
	if h.near || t.spacing == 0 {
		return 0, nil
	}
	gap := t.spacing + rand.N(t.spacing/2+1) // jitter: so that they don't march in step
	wait := min(max(h.next.Sub(now), 0), 2*t.spacing)
	h.next = now.Add(wait + gap)
	return wait, nil
}

// pause keeps everybody from a host until a time. It never shortens a pause.
func (t *hosts) pause(name string, until time.Time) {
	t.mu.Lock()
	if h := t.get(name); until.After(h.until) {
		h.until = until
	}
	t.mu.Unlock()
	if t.shared != nil {
		t.shared.Pause(name, until, 0)
	}
}

// limit notes a 429 of a host that has the turn, and pauses it: until the
// time that the server named, else for a while that grows with each. failures
// is what is remembered from before this client.
func (t *hosts) limit(h *host, until time.Time, failures int) time.Time {
	t.mu.Lock()
	if until.IsZero() {
		until = t.now().Add(limitPause(max(h.limited, failures)))
	}
	h.limited++
	limited := h.limited
	if until.After(h.until) {
		h.until = until
	}
	t.mu.Unlock()
	if t.shared != nil {
		t.shared.Pause(h.name, until, limited)
	}
	return until
}

// welcome notes an answer of a host that was not a 429.
func (t *hosts) welcome(h *host) {
	t.mu.Lock()
	h.limited = 0
	t.mu.Unlock()
}

// limitPause is the pause after a 429 that names none, by the number of 429s
// before it: an hour, doubled each time, a day at most.
func limitPause(before int) time.Duration {
	return min(time.Hour<<min(before, 5), 24*time.Hour)
}

func (t *hosts) setNear(name string, near bool) {
	t.mu.Lock()
	t.get(name).near = near
	t.mu.Unlock()
}

// get is the host of a name, made if need be; t.mu is held.
func (t *hosts) get(name string) *host {
	h, ok := t.byName[name]
	if !ok {
		t.sweep()
		h = &host{name: name, turn: make(chan struct{}, 1)}
		t.byName[name] = h
	}
	return h
}

// sweep forgets hosts about which there is nothing to remember, now and then,
// so that redirects to ever new names do not fill the memory.
func (t *hosts) sweep() {
	if len(t.byName) < t.sweepAt {
		return
	}
	now := t.now()
	for name, h := range t.byName {
		if h.users == 0 && h.limited == 0 && !h.near && !h.until.After(now) && !h.next.After(now) {
			delete(t.byName, name)
		}
	}
	t.sweepAt = 2*len(t.byName) + sweepSize
}

// sleep waits, or returns ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
