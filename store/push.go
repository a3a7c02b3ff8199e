package store

import (
	"context"
	"time"

	"tributary/feed"
)

const pushColumns = `p.callback, p.base, p.source_id, p.hub, p.topic, p.secret, p.state, p.lease_until, p.next, p.attempts, p.error`

func scanPush(scan scanner, p *feed.Push) error {
	return scan(&p.ID, &p.Base, &p.SourceID, &p.Hub.URL, &p.Hub.Topic, &p.Secret, &p.State, (*instant)(&p.Until), (*instant)(&p.Next), &p.Attempts, &p.Error)
}

// Pushes are all our subscriptions, those too that are being given up.
func (s *Store) Pushes(ctx context.Context) (all []feed.Push, err error) {
	err = s.reader.each(ctx, `SELECT `+pushColumns+` FROM push p ORDER BY p.callback`, nil, func(scan scanner) error {
		all = append(all, feed.Push{})
		return scanPush(scan, &all[len(all)-1])
	})
	return all, err
}

// Push is the subscription with this id.
func (s *Store) Push(ctx context.Context, id string) (p feed.Push, found bool, err error) {
	return s.push(ctx, `p.callback = $1`, text(id))
}

// PushOf is the subscription to a source, unless it is being given up.
func (s *Store) PushOf(ctx context.Context, sourceID int64) (p feed.Push, found bool, err error) {
	return s.push(ctx, `p.source_id = $1 AND p.state <> 'leaving'`, sourceID)
}

func (s *Store) push(ctx context.Context, where string, key any) (p feed.Push, found bool, err error) {
	err = s.reader.each(ctx, `SELECT `+pushColumns+` FROM push p WHERE `+where, []any{key}, func(scan scanner) error {
		found = true
		return scanPush(scan, &p)
	})
	return p, found, err
}

// PushWants are the hubs that sources in use name, by the source's ID.
func (s *Store) PushWants(ctx context.Context) (map[int64]feed.Hub, error) {
	all := map[int64]feed.Hub{}
	err := s.reader.each(ctx, `SELECT s.id, s.hub, s.hub_topic FROM source s
		WHERE s.hub <> '' AND s.removed IS NULL AND s.enabled = 1 AND s.status <> 'gone'`, nil, func(scan scanner) error {
		var id int64
		var h feed.Hub
		err := scan(&id, &h.URL, &h.Topic)
		all[id] = h
		return err
	})
	return all, err
}

// AddPush adds a subscription, unless its source has one.
func (s *Store) AddPush(ctx context.Context, p feed.Push) (added bool, err error) {
	err = s.Write(ctx, func(t *Tx) error {
		n, err := t.exec(ctx, `INSERT INTO push (callback, base, source_id, hub, topic, secret, state, lease_until, next, attempts, error)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
			text(p.ID), text(p.Base), p.SourceID, text(p.Hub.URL), text(p.Hub.Topic), text(p.Secret), string(p.State), ms(p.Until),
			p.Next.UnixMilli(), int64(p.Attempts), text(p.Error))
		added = n == 1
		return err
	})
	return added, err
}

// TakePush notes, before a subscription's hub is asked, when it is to be asked
// again unless the hub confirms. Of several who would ask, one takes it.
func (s *Store) TakePush(ctx context.Context, id string, now, next time.Time) (taken bool, err error) {
	err = s.Write(ctx, func(t *Tx) error {
		n, err := t.exec(ctx, `UPDATE push SET attempts = attempts + 1, next = $1 WHERE callback = $2 AND next <= $3`,
			next.UnixMilli(), text(id), now.UnixMilli())
		taken = n == 1
		return err
	})
	return taken, err
}

// FailPush notes why a hub did not take what it was asked for. It is not asked
// again before next. What it said at the callback meanwhile stands.
func (s *Store) FailPush(ctx context.Context, id, why string, next time.Time) error {
	return s.Write(ctx, func(t *Tx) error {
		_, err := t.exec(ctx, `UPDATE push SET error = $1, next = $2 WHERE callback = $3 AND attempts > 0`, text(why), next.UnixMilli(), text(id))
		return err
	})
}

// ConfirmPush makes a subscription one that holds until then, and is to be
// renewed at next; not one that is refused or being given up.
func (s *Store) ConfirmPush(ctx context.Context, id string, until, next time.Time) (confirmed bool, err error) {
	err = s.Write(ctx, func(t *Tx) error {
		n, err := t.exec(ctx, `UPDATE push SET state = 'active', lease_until = $1, next = $2, attempts = 0, error = ''
			WHERE callback = $3 AND state IN ('asked', 'active')`, until.UnixMilli(), next.UnixMilli(), text(id))
		confirmed = n == 1
		return err
	})
	return confirmed, err
}

// EndPush makes a subscription one that does not bring anything: asked for
// again, refused or leaving, with why. Its source is polled as ever from then on.
func (s *Store) EndPush(ctx context.Context, id string, state feed.PushState, why string, next time.Time) error {
	return s.Write(ctx, func(t *Tx) error {
		if _, err := t.exec(ctx, `UPDATE source SET pushed = NULL WHERE id IN (SELECT p.source_id FROM push p WHERE p.callback = $1)`, text(id)); err != nil {
			return err
		}
		_, err := t.exec(ctx, `UPDATE push SET state = $1, attempts = 0, error = $2, next = $3 WHERE callback = $4 AND state <> 'leaving'`,
			string(state), text(why), next.UnixMilli(), text(id))
		return err
	})
}

// DropPush forgets a subscription.
func (s *Store) DropPush(ctx context.Context, id string) error {
	return s.Write(ctx, func(t *Tx) error {
		_, err := t.exec(ctx, `DELETE FROM push WHERE callback = $1`, text(id))
		return err
	})
}
