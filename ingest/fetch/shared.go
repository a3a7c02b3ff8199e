package fetch

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"tributary/feed"
)

// Hosts is what processes that share the work know of hosts together. The
// right to speak to a host is one process's at a time.
type Hosts interface {
	// Enter waits for the right to speak to a host and says how things stand
	// there. It tries once at least, and gives up when patience is over. hangUp
	// is called before anybody else gets the right.
	Enter(ctx context.Context, host string, patience time.Duration, hangUp func()) (Standing, error)
	// Check is an error if the right may not stand any more.
	Check(host string) error
	// Leave says that nobody here speaks to the host now, and how things stand.
	Leave(host string, s Standing)
	// Pause keeps all from a host until a time, after so many 429 answers in a
	// row. It needs no right, and shortens no pause.
	Pause(host string, until time.Time, limited int)
}

// Standing is how things stand with a host.
type Standing struct {
	Next    time.Time // no request starts before
	Until   time.Time // paused until then
	Limited int       // 429 answers in a row
}

// patience is how long a fetch waits, its wait for those before it included,
// while another process speaks to its host.
const patience = 30 * time.Second

// errNotOurs tells that another process may be speaking to a host. It says
// nothing about the host.
type errNotOurs struct {
	host string
	err  error
}

func (e *errNotOurs) Error() string {
	return "nothing is asked of " + e.host + " from here at the moment: " + e.err.Error()
}

func (e *errNotOurs) Unwrap() error { return e.err }

// share gets the right to speak to a host whose turn the caller has, for which
// it has been waiting since a time, and learns what the other processes know.
func (t *hosts) share(ctx context.Context, h *host, since time.Time) error {
	if t.shared == nil {
		return nil
	}
	if until := t.pausedUntil(h); !until.IsZero() {
		return &errPaused{h.name, until}
	}
	s, err := t.shared.Enter(ctx, h.name, patience-time.Since(since), func() { t.calls.hangUp(h.name) })
	switch {
	case ctx.Err() != nil && err != nil:
		return ctx.Err()
	case err != nil:
		return &errNotOurs{h.name, err}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	h.entered, h.limited = true, s.Limited
	if s.Next.After(h.next) {
		h.next = s.Next
	}
	if s.Until.After(h.until) {
		h.until = s.Until
	}
	return nil
}

// unshare tells the others how the host was left.
func (t *hosts) unshare(h *host) {
	t.mu.Lock()
	entered, s := h.entered, Standing{Next: h.next, Until: h.until, Limited: h.limited}
	h.entered = false
	t.mu.Unlock()
	if entered {
		t.shared.Leave(h.name, s)
	}
}

// pausedUntil is when a host's pause ends, zero if it has none.
func (t *hosts) pausedUntil(h *host) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h.until.After(t.now()) {
		return h.until
	}
	return time.Time{}
}

// check is an error if another process may be speaking to a host by now.
func (t *hosts) check(name string) error {
	if t.shared == nil {
		return nil
	}
	if err := t.shared.Check(name); err != nil {
		return &errNotOurs{name, err}
	}
	return nil
}

// blame is err, unless we have lost the right to speak to the host meanwhile:
// then that is why, whatever it looks like.
func (t *hosts) blame(name string, err error) error {
	var lost *errNotOurs
	if err == nil || errors.As(err, &lost) {
		return err
	}
	if lost := t.check(name); lost != nil {
		return lost
	}
	return err
}

// putOff is the error for people where a host was not ours.
func putOff(e *errNotOurs) error {
	return &feed.Error{Code: feed.CodeUnavailable, Message: e.Error(), Err: e}
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// dialHeld makes connections on which nothing is sent while another process may
// be speaking to the host. A process that was stopped goes on where it was, just
// before it sends a request perhaps, and net/http may send one again by itself:
// only here does everything pass.
func (t *hosts) dialHeld(dial dialFunc) dialFunc {
	if t.shared == nil {
		return dial
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host := hostKeyOf(address)
		if err := t.check(host); err != nil {
			return nil, err
		}
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return t.calls.add(&heldConn{Conn: conn, hosts: t, host: host}), nil
	}
}

// heldConn is a connection to a host that processes share.
type heldConn struct {
	net.Conn
	hosts *hosts
	host  string
}

func (c *heldConn) Write(b []byte) (int, error) {
	if err := c.hosts.check(c.host); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *heldConn) Close() error {
	c.hosts.calls.drop(c)
	return c.Conn.Close()
}

// calls are the connections that are open, by host: so that we have none where
// another process makes one.
type calls struct {
	mu     sync.Mutex
	byHost map[string]map[*heldConn]bool
}

func (k *calls) add(c *heldConn) *heldConn {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byHost == nil {
		k.byHost = map[string]map[*heldConn]bool{}
	}
	if k.byHost[c.host] == nil {
		k.byHost[c.host] = map[*heldConn]bool{}
	}
	k.byHost[c.host][c] = true
	return c
}

func (k *calls) drop(c *heldConn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.byHost[c.host], c)
	if len(k.byHost[c.host]) == 0 {
		delete(k.byHost, c.host)
	}
}

// hangUp closes the connections to a host.
func (k *calls) hangUp(host string) {
	k.mu.Lock()
	open := k.byHost[host]
	delete(k.byHost, host)
	k.mu.Unlock()
	for c := range open {
		_ = c.Conn.Close() // nobody is left to tell
	}
}
