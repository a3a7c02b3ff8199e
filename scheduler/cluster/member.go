package cluster

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tributary/feed"
)

// A process that dies is noticed when its lease has run out; one that was cut off from the
// database, or stopped, believes in its lease for less long than the others do.
const (
	beatEvery  = 5 * time.Second
	leaseFor   = 20 * time.Second
	leaseTrust = 15 * time.Second // from when its renewal was begun
	beatAgain  = time.Second      // after a failure
	beatWithin = 4 * time.Second
	lastWords  = time.Second // when the program ends
)

// clock is that of the database, in milliseconds since 1970.
const clock = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`

// living is a condition: the holder lives, which it does until it is buried: its lease may
// have run out, but while it writes nobody takes what it has. It holds of the moment at which
// the statement began; for a row that is locked later, and has another holder by then, it
// says nothing: who asks compares the holder too.
func living(holder string) string {
	return `EXISTS (SELECT 1 FROM worker living WHERE living.id = ` + holder + `)`
}

// Member is this process among those that share a database.
type Member struct {
	db    *pgxpool.Pool
	log   *slog.Logger
	name  string
	role  Role
	seeds func() bool // we see the seeds folder

	// inherit is told who has died, in the transaction that buries them.
	inherit func(ctx context.Context, tx pgx.Tx, gone []dead) error
	// farewell tells the others what they have to know before what a life held is free.
	farewell func(ctx context.Context) error

	mu     sync.Mutex
	now    life
	cut    context.CancelFunc
	until  time.Time // how long we trust in the lease
	trust  *time.Timer
	others []string
	held   map[string]bool // duties
}

// dead is a worker that lives no more.
type dead struct{ id, name string }

// life is the time from when a process has a lease until it has lost it. What
// was begun in one has no right to anything in the next.
type life struct {
	id  string
	ctx context.Context // ends with it
}

// ID names our present life; "": we have none.
func (m *Member) ID() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.alive() {
		return ""
	}
	return m.now.id
}

// alive tells whether our lease stands for sure; m.mu is held. The timer that cuts a life
// off may come late in a process that was stopped, so time is looked at, by both clocks:
// one stands still while a machine sleeps, the other can be set.
func (m *Member) alive() bool {
	now := time.Now()
	return m.now.ctx != nil && m.now.ctx.Err() == nil && now.Before(m.until) && now.Round(0).Before(m.until.Round(0))
}

// Valid tells whether our lease stands for sure.
func (m *Member) Valid() bool { return m.ID() != "" }

// life is the present one; ok is false if there is none.
func (m *Member) life() (l life, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now, m.alive()
}

// Others are the other processes that live, as of a moment ago.
func (m *Member) Others() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.others)
}

// Duties are what one process at a time does, of those that serve.
const (
	DutyHub   = "hub"   // sends news to who subscribed
	DutyPush  = "push"  // subscribes where sources push
	DutyWatch = "watch" // notes what a person should look at
)

// duties are those of a role, in the order of their names.
func duties(r Role) []string {
	if r != RoleAll && r != RoleWeb {
		return nil
	}
	return []string{DutyHub, DutyPush, DutyWatch}
}

// Ours tells whether a duty is this process's at present.
func (m *Member) Ours(duty string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.held[duty] && m.alive()
}

// run keeps the lease until ctx ends, then gives it back.
func (m *Member) run(ctx context.Context) {
	said := ""
	for ctx.Err() == nil {
		pause := beatEvery
		switch err := m.beat(ctx); {
		case err == nil && said != "":
			said = ""
			m.log.Info("the database answers again")
		case err != nil && ctx.Err() == nil:
			pause = beatAgain
			if said == "" {
				m.log.Error("the lease from the database cannot be renewed, or others be looked after; when it has run out, work stops until it can", "error", err)
			}
			said = err.Error()
		}
		sleep(ctx, pause)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	if err := m.leave(last); err != nil {
		m.log.Warn("the lease could not be given back; it runs out by itself", "error", err)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// beat renews the lease, or gets a new one, takes over from the dead, and looks
// who else is there.
func (m *Member) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beatWithin)
	defer cancel()
	begin := time.Now()
	renewed, err := m.renew(ctx, begin)
	if err == nil && !renewed {
		err = m.enter(ctx, begin)
	}
	if err != nil {
		return err
	}
	if err := m.bury(ctx, `until < `+clock); err != nil {
		return err
	}
	if err := m.look(ctx); err != nil {
		return err
	}
	return m.takeDuties(ctx)
}

// renew renews the lease, if we have one still when the answer comes.
func (m *Member) renew(ctx context.Context, begin time.Time) (bool, error) {
	l, alive := m.life()
	if !alive {
		return false, nil
	}
	tag, err := m.db.Exec(ctx, `UPDATE worker SET until = `+clock+` + $2, seeds = $3 WHERE id = $1 AND until > `+clock,
		l.id, leaseFor.Milliseconds(), bit(m.seeds()))
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.alive() || !m.trust.Stop() {
		return false, nil // our trust in it had run out meanwhile
	}
	m.until = begin.Add(leaseTrust)
	m.trust.Reset(time.Until(m.until))
	return true, nil
}

// enter begins a new life, and buries the one before.
func (m *Member) enter(ctx context.Context, begin time.Time) error {
	before := m.end()
	if err := m.farewell(ctx); err != nil {
		return err
	}
	if err := m.bury(ctx, `id = $1`, before.id); err != nil {
		return err
	}
	if err := m.compareClocks(ctx); err != nil {
		return err
	}
	l := life{id: uuid.NewString()}
	if _, err := m.db.Exec(ctx, `INSERT INTO worker (id, name, role, seeds, started, until) VALUES ($1, $2, $3, $4, `+clock+`, `+clock+` + $5)`,
		l.id, m.name, string(m.role), bit(m.seeds()), leaseFor.Milliseconds()); err != nil {
		return err
	}
	m.mu.Lock()
	l.ctx, m.cut = context.WithCancel(context.Background())
	m.now, m.until = l, begin.Add(leaseTrust)
	m.trust = time.AfterFunc(time.Until(m.until), m.cut)
	m.mu.Unlock()
	return nil
}

// skewMost is by how much our clock may differ from the database's. What is due is said
// by the one and judged by the other, and jobs are put off by ours.
const skewMost = 10 * time.Second

// compareClocks is an error if our clock or the database's is wrong.
func (m *Member) compareClocks(ctx context.Context) error {
	var there int64
	if err := m.db.QueryRow(ctx, `SELECT `+clock).Scan(&there); err != nil {
		return err
	}
	if skew := time.Since(time.UnixMilli(there)); skew.Abs() > skewMost {
		return feed.Errorf(feed.CodeConflict, "the clock of this machine and that of the database's differ by %v: set both right (NTP)", skew.Round(time.Second))
	}
	return nil
}

// end ends our life, if we have one.
func (m *Member) end() life {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cut != nil {
		m.trust.Stop()
		m.cut()
	}
	m.held = nil
	return m.now
}

// giveUp ends a life, if it is the present one, because what was taken in it could
// not be given back. The next one follows with the next beat.
func (m *Member) giveUp(l life) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now.id == l.id {
		m.cut()
	}
}

// leave gives the lease back.
func (m *Member) leave(ctx context.Context) error { return m.bury(ctx, `id = $1`, m.end().id) }

// bury takes out of the list those that meet a condition, and takes over what they had.
func (m *Member) bury(ctx context.Context, condition string, args ...any) error {
	return inTx(ctx, m.db, func(tx pgx.Tx) error {
		// Whose row is locked is just writing: the next look is soon enough.
		rows, err := tx.Query(ctx, `DELETE FROM worker WHERE id IN (SELECT id FROM worker WHERE `+condition+` FOR UPDATE SKIP LOCKED) RETURNING id, name`, args...)
		if err != nil {
			return err
		}
		gone, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d dead, err error) { return d, row.Scan(&d.id, &d.name) })
		if err != nil || len(gone) == 0 {
			return err
		}
		for _, d := range gone {
			if d.name != m.name {
				m.log.Warn("a process has not been heard of: others take over what it had", "worker", d.name)
			}
		}
		return m.inherit(ctx, tx, gone)
	})
}

// look notes who else lives.
func (m *Member) look(ctx context.Context) error {
	rows, err := m.db.Query(ctx, `SELECT id FROM worker WHERE until > `+clock+` ORDER BY id`)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.others = slices.DeleteFunc(all, func(id string) bool { return id == m.now.id })
	return nil
}

// takeDuties takes the duties that we would do and nobody living does.
func (m *Member) takeDuties(ctx context.Context) error {
	l, alive := m.life()
	wanted := duties(m.role)
	if len(wanted) == 0 || !alive {
		return nil
	}
	rows, err := m.db.Query(ctx, `WITH vacant AS MATERIALIZED (SELECT d.name, d.holder FROM duty d WHERE d.holder = $2 OR NOT `+living("d.holder")+`)
		INSERT INTO duty AS d (name, holder) SELECT name, $2 FROM unnest($1::text[]) name ORDER BY name
		ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder WHERE (d.name, d.holder) IN (SELECT name, holder FROM vacant)
		RETURNING name`, wanted, l.id)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held = map[string]bool{}
	for _, name := range names {
		m.held[name] = true
	}
	return nil
}

// Ready is an error while this process has no lease.
func (m *Member) Ready() error {
	if !m.Valid() {
		return errNoLease
	}
	return nil
}

var errNoLease = errors.New("this process has no lease from the database: nothing is ingested here until it answers")

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
