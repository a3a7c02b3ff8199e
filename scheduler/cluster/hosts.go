package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tributary/ingest/fetch"
)

const (
	// linger is how long we keep a host that nobody here speaks to: its next
	// source needs no journey to the database then.
	linger = 300 * time.Millisecond
	// reserved is how long we keep a host that was taken ahead of its sources.
	reserved = 5 * time.Second
	// tenure is how long we have a host on end where others may want it too.
	// Then it is left to them for as long as they may take to notice.
	tenure = 5 * time.Second
	rest   = waitMost + 100*time.Millisecond

	// How long to wait before asking again for a host that another has.
	waitFirst = 50 * time.Millisecond
	waitMost  = 500 * time.Millisecond

	tidyEvery    = 100 * time.Millisecond // while there is anything to give back
	tidyAgain    = time.Second            // after a failure
	answerWithin = 4 * time.Second
	hostsAtOnce  = 1000 // in a statement

	sweepEvery = 10 * time.Minute
	sweepAfter = time.Hour // that nothing was to be remembered of a host
)

// membership is what holding hosts needs to know of this process: see Member.
type membership interface {
	ID() string  // of its present life; "": it has none
	Valid() bool // that life goes on for sure
}

// Hosts are the rights to speak to hosts, one process's at a time, and what all
// remember of each: see fetch.Hosts. Its leases stand in table host, and need no
// renewal: they end with the worker that has them.
type Hosts struct {
	db     *pgxpool.Pool
	member membership
	wake   chan struct{} // something is to be given back or told

	mu     sync.Mutex
	life   string // that the leases belong to
	leases map[string]*lease
	pauses map[string]pause // to be told to the others
}

// lease is a host that may be ours. Its fields are under Hosts.mu.
type lease struct {
	state    state
	since    time.Time // it was taken
	until    time.Time // idle: then it is given back; resting: then it may be taken again
	standing fetch.Standing
	hangUp   func() // closes our connections to it
	forget   bool   // there is nothing to remember of it
}

type state int

const (
	taking  state = iota // the database is being asked
	idle                 // ours
	busy                 // ours, and somebody here speaks to it
	giving               // perhaps ours, perhaps not any more
	resting              // not ours: left to the others
)

type pause struct {
	until   time.Time
	limited int
}

var _ fetch.Hosts = (*Hosts)(nil)

var errTaken = errors.New("another process has it")

// NewHosts makes the Hosts of a member. Leases are given back while Run runs.
func NewHosts(db *pgxpool.Pool, member membership) *Hosts {
	return &Hosts{db: db, member: member, wake: make(chan struct{}, 1), leases: map[string]*lease{}, pauses: map[string]pause{}}
}

// Enter waits for the right to speak to a host: see fetch.Hosts.
func (h *Hosts) Enter(ctx context.Context, host string, patience time.Duration, hangUp func()) (fetch.Standing, error) {
	giveUp := time.Now().Add(patience)
	for wait := waitFirst; ; wait = min(wait*3/2, waitMost) {
		if s, ok := h.occupy(host, hangUp); ok {
			return s, nil
		}
		_, err := h.take(ctx, []string{host}, linger)
		if s, ok := h.occupy(host, hangUp); ok {
			return s, nil
		}
		if err == nil {
			err = errTaken
		}
		if !time.Now().Before(giveUp) {
			return fetch.Standing{}, err
		}
		sleep(ctx, wait/2+rand.N(wait/2)) // jitter: so that they don't march in step
		if ctx.Err() != nil {
			return fetch.Standing{}, ctx.Err()
		}
	}
}

// occupy makes a host busy that is ours and idle.
func (h *Hosts) occupy(host string, hangUp func()) (fetch.Standing, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.awake()
	l := h.leases[host]
	if l == nil || l.state != idle || !h.member.Valid() {
		return fetch.Standing{}, false
	}
	l.state, l.hangUp = busy, hangUp
	return l.standing, true
}

// Check is an error if another process may have the host by now.
func (h *Hosts) Check(host string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.awake()
	l := h.leases[host]
	if l == nil || l.state != idle && l.state != busy || !h.member.Valid() {
		return errLost
	}
	return nil
}

var errLost = errors.New("this process was out of touch with the database, and others may have taken it over")

// Leave says that nobody here speaks to a host any more.
func (h *Hosts) Leave(host string, s fetch.Standing) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.awake()
	l := h.leases[host]
	if l == nil || l.state != busy {
		return // it was of another life
	}
	now := time.Now()
	l.state, l.standing, l.until = idle, s, now.Add(linger)
	if now.Sub(l.since) > tenure {
		l.state = giving
	}
	h.stir()
}

// Pause keeps all processes from a host until a time.
func (h *Hosts) Pause(host string, until time.Time, limited int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.pauses[host]
	if until.After(p.until) {
		p.until = until
	}
	p.limited = max(p.limited, limited)
	h.pauses[host] = p
	if l := h.leases[host]; l != nil && p.until.After(l.standing.Until) {
		l.standing.Until = p.until
	}
	h.stir()
}

// TryTake takes the hosts of sources that are about to be asked, as far as
// nobody else has them, and tells which those are. Those that nobody enters are
// given back after a while.
func (h *Hosts) TryTake(ctx context.Context, hosts []string) (free map[string]bool, err error) {
	free = map[string]bool{}
	for part := range slices.Chunk(hosts, hostsAtOnce) {
		refused, err := h.take(ctx, part, reserved)
		if err != nil {
			return nil, err
		}
		for _, name := range part {
			free[name] = true
		}
		for _, name := range refused {
			delete(free, name)
		}
	}
	return free, nil
}

// take asks the database for the hosts that are not ours already, and gives
// those that are for others. The rest is kept for a time.
func (h *Hosts) take(ctx context.Context, names []string, keep time.Duration) (refused []string, err error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	id, wanted, refused := h.want(names, keep)
	if id == "" {
		return nil, errLost
	}
	if len(wanted) == 0 {
		return refused, nil
	}
	got, err := h.claim(ctx, id, slices.Collect(maps.Keys(wanted)))
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.awake() != id {
		return nil, errLost
	}
	now := time.Now()
	for name, l := range wanted {
		s, ok := got[name]
		switch {
		case err != nil:
			l.state = giving // who knows whether it was done
		case ok:
			l.state, l.since, l.until, l.standing = idle, now, now.Add(keep), s
		default:
			delete(h.leases, name)
			refused = append(refused, name)
		}
	}
	h.stir()
	return refused, err
}

// want notes that hosts are going to be taken, and keeps those that we have.
func (h *Hosts) want(names []string, keep time.Duration) (id string, wanted map[string]*lease, refused []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if id = h.awake(); id == "" {
		return "", nil, nil
	}
	until := time.Now().Add(keep)
	wanted = map[string]*lease{}
	for _, name := range names {
		switch l := h.leases[name]; {
		case l == nil:
			l = &lease{state: taking}
			h.leases[name], wanted[name] = l, l
		case l.state == idle && l.until.Before(until):
			l.until = until
		case l.state == resting:
			refused = append(refused, name)
		}
	}
	return id, wanted, refused
}

// claiming takes hosts ($2) for a worker ($1), in the order of their names, as
// all do who lock several. Who lives is judged by the workers and holders of one and
// the same snapshot, and by the time at which it was taken: by the time that a row is
// locked, somebody may have it whose birth or renewal the snapshot does not show.
const claiming = `WITH held AS MATERIALIZED (
	SELECT h.name, h.holder, EXISTS (SELECT 1 FROM worker w WHERE w.id = h.holder) AS living
	FROM host h WHERE h.name = ANY($2::text[]) AND h.holder <> '' AND h.holder <> $1)
INSERT INTO host AS h (name, holder, next, until, limited)
SELECT a.name, $1, 0, 0, 0 FROM unnest($2::text[]) AS a (name)
WHERE NOT EXISTS (SELECT 1 FROM held WHERE held.name = a.name AND held.living)
ORDER BY a.name COLLATE "C"
ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder
WHERE h.holder = '' OR h.holder = EXCLUDED.holder OR EXISTS (SELECT 1 FROM held WHERE held.name = h.name AND held.holder = h.holder)
RETURNING h.name, h.next, h.until, h.limited, ` + clock

// claim asks the database for hosts. Its caller's end does not break it off: that
// would leave open what was done.
func (h *Hosts) claim(ctx context.Context, id string, names []string) (map[string]fetch.Standing, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
	defer cancel()
	rows, err := h.db.Query(ctx, claiming, id, names)
	if err != nil {
		return nil, fmt.Errorf("take hosts: %w", err)
	}
	got := map[string]fetch.Standing{}
	var name string
	var next, until, limited, now int64
	_, err = pgx.ForEachRow(rows, []any{&name, &next, &until, &limited, &now}, func() error {
		here := time.Now()
		got[name] = fetch.Standing{Next: onOurClock(next, now, here), Until: onOurClock(until, now, here), Limited: int(limited)}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("take hosts: %w", err)
	}
	return got, nil
}

// onOurClock is a moment of the database's clock on our own, which showed here
// after that showed now; zero if it is over.
func onOurClock(at, now int64, here time.Time) time.Time {
	if at <= now {
		return time.Time{}
	}
	return here.Add(time.Duration(at-now) * time.Millisecond)
}

// ahead is how far ahead of now a moment is, in milliseconds, rounded up.
func ahead(at, now time.Time) int64 {
	if !at.After(now) {
		return 0
	}
	return int64(at.Sub(now)/time.Millisecond) + 1
}

// awake names our present life; what was held in another is dropped. h.mu is held.
func (h *Hosts) awake() string {
	id := h.member.ID()
	if id != h.life {
		for _, l := range h.leases {
			l.disconnect()
		}
		clear(h.leases)
		h.life = id
	}
	return id
}

func (l *lease) disconnect() {
	if l.hangUp != nil {
		l.hangUp()
		l.hangUp = nil
	}
}

func (h *Hosts) stir() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Run gives back hosts that nobody here speaks to, and tells the others of
// pauses, until ctx ends; then it gives back what is left. It has to outlast the
// work, and the member has to outlast it: of one that is gone nobody knows when it
// spoke to a host last.
func (h *Hosts) Run(ctx context.Context) {
	sweep := time.NewTimer(rand.N(sweepEvery))
	defer sweep.Stop()
	for ctx.Err() == nil {
		var again <-chan time.Time
		wake := h.wake
		// Of a database that is away the member tells, for both.
		if more, err := h.tidy(ctx, time.Now()); err != nil {
			again, wake = time.After(tidyAgain), nil
		} else if more {
			again, wake = time.After(tidyEvery), nil // not for each: many are given back at once
		}
		select {
		case <-ctx.Done():
		case <-again:
		case <-wake:
		case <-sweep.C:
			_ = h.sweep(ctx) // it is tried again
			sweep.Reset(sweepEvery/2 + rand.N(sweepEvery))
		}
	}
	_, _ = h.tidy(context.WithoutCancel(ctx), time.Now().Add(reserved)) // what is not given back runs out with our lease
}

// tidy tells the others of pauses, then gives back what was idle until now; the
// other way round somebody could miss a pause. more says whether anything is left.
func (h *Hosts) tidy(ctx context.Context, now time.Time) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := h.tell(ctx); err != nil {
		return true, err
	}
	if err := h.give(ctx, now); err != nil {
		return true, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.leases {
		if l.state != busy {
			return true, nil // who is busy wakes us
		}
	}
	return len(h.pauses) > 0, nil
}

// tell writes the pauses down that the others do not know of.
func (h *Hosts) tell(ctx context.Context) error {
	h.mu.Lock()
	told := maps.Clone(h.pauses)
	h.mu.Unlock()
	for names := range slices.Chunk(slices.Collect(maps.Keys(told)), hostsAtOnce) {
		now := time.Now()
		until, limited := make([]int64, len(names)), make([]int64, len(names))
		for i, name := range names {
			until[i], limited[i] = ahead(told[name].until, now), int64(told[name].limited)
		}
		if _, err := h.db.Exec(ctx, `INSERT INTO host AS h (name, holder, next, until, limited)
			SELECT p.name, '', 0, `+clock+` + p.until, p.limited FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS p (name, until, limited)
			ORDER BY p.name COLLATE "C"
			ON CONFLICT (name) DO UPDATE SET until = GREATEST(h.until, EXCLUDED.until), limited = GREATEST(h.limited, EXCLUDED.limited)`,
			names, until, limited); err != nil {
			return fmt.Errorf("tell of pauses: %w", err)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, p := range told {
		if h.pauses[name] == p {
			delete(h.pauses, name)
		}
	}
	return nil
}

// give gives back what was idle until now, in the order of names. What cannot be
// given back for sure stays unused, and is tried again.
func (h *Hosts) give(ctx context.Context, now time.Time) error {
	id, back := h.giveable(now)
	for names := range slices.Chunk(slices.Sorted(maps.Keys(back)), hostsAtOnce) {
		here := time.Now()
		next, limited, forget := make([]int64, len(names)), make([]int64, len(names)), make([]bool, len(names))
		for i, name := range names {
			l := back[name]
			next[i], limited[i], forget[i] = ahead(l.standing.Next, here), int64(l.standing.Limited), l.forget
		}
		if _, err := h.db.Exec(ctx, `WITH back AS MATERIALIZED (
				SELECT h.name, b.next, b.limited, b.forget
				FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::boolean[]) AS b (name, next, limited, forget) JOIN host h ON h.name = b.name
				WHERE h.holder = $1 ORDER BY h.name FOR UPDATE OF h),
			forgotten AS (DELETE FROM host h USING back WHERE h.name = back.name AND back.forget)
			UPDATE host h SET holder = '', next = GREATEST(h.next, `+clock+` + back.next), limited = back.limited
			FROM back WHERE h.name = back.name AND NOT back.forget`, id, names, next, limited, forget); err != nil {
			return fmt.Errorf("give hosts back: %w", err)
		}
		h.given(id, names)
	}
	return nil
}

// giveable are the hosts to give back, with our connections to them closed.
func (h *Hosts) giveable(now time.Time) (id string, back map[string]lease) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id, back = h.awake(), map[string]lease{}
	for name, l := range h.leases {
		switch {
		case l.state == resting && !now.Before(l.until):
			delete(h.leases, name)
		case l.state == idle && !now.Before(l.until), l.state == giving:
			l.state = giving
			l.disconnect()
			back[name] = *l
		}
	}
	return id, back
}

// given notes that hosts are not ours any more. What we had for long is left to
// others for a moment.
func (h *Hosts) given(id string, names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.awake() != id {
		return
	}
	now := time.Now()
	for _, name := range names {
		if l := h.leases[name]; !l.since.IsZero() && now.Sub(l.since) > tenure {
			*l = lease{state: resting, until: now.Add(rest)}
		} else {
			delete(h.leases, name)
		}
	}
}

// sweep forgets hosts of which there is nothing to remember. They are taken for
// it, so that nobody has one whose row goes.
func (h *Hosts) sweep(ctx context.Context) error {
	for ctx.Err() == nil {
		rows, err := h.db.Query(ctx, `SELECT name FROM host h WHERE limited = 0 AND GREATEST(next, until) < `+clock+` - $1
			AND (holder = '' OR NOT `+living("h.holder")+`) LIMIT $2`, sweepAfter.Milliseconds(), hostsAtOnce)
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(names) == 0 {
			return err
		}
		if _, err := h.take(ctx, names, 0); err != nil {
			return err
		}
		if !h.forget(names) {
			return nil // others are at it
		}
		if _, err := h.tidy(ctx, time.Now()); err != nil {
			return err
		}
	}
	return nil
}

// forget marks those hosts that are ours and idle.
func (h *Hosts) forget(names []string) (any bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.awake()
	for _, name := range names {
		l := h.leases[name]
		if l == nil || l.state != idle || l.standing != (fetch.Standing{}) || h.pauses[name] != (pause{}) {
			continue
		}
		l.state, l.forget, any = giving, true, true
	}
	return any
}
