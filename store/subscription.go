package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Subscription is a callback that is sent a topic's document when it changes.
type Subscription struct {
	ID       int64
	Topic    string
	Callback string
	Host     string // of Callback
	Ping     bool   // it is a hub elsewhere, which is only told
	Secret   string
	Until    time.Time // end of the lease
	Failures int       // in a row
}

// SubscriptionWish is what was asked for on behalf of a callback and is not
// confirmed yet.
type SubscriptionWish struct {
	ID       int64
	Topic    string
	Callback string
	Host     string
	Leave    bool // unsubscribe
	Secret   string
	Lease    time.Duration
	Attempts int // to have it confirmed, this one included
}

// LongestTopic is how many bytes a topic's address has at most. A feed with a longer one
// names no hub.
const LongestTopic = 1000

// TopicState is what the subscribers of a topic know: what its document listed
// at a change number.
type TopicState struct {
	Topic  string
	Change int64
	Listed Listing
}

// Delivery is a document that a subscription is to get.
type Delivery struct {
	Subscription int64
	Topic        string
	Host         string
	Change       int64     // an older document is not sent
	Since        time.Time // when that document came
	Attempts     int       // that failed
}

// Settled is what became of a delivery that was taken.
type Settled struct {
	Subscription int64
	Change       int64 // of the document that was sent, or given up
	Outcome      Outcome
	Next         time.Time // of what is to be tried again
}

// Outcome is how a delivery ended.
type Outcome int

const (
	Delivered Outcome = iota
	Postponed         // nothing was tried
	Failed            // tried again at Next
	GivenUp           // the document is not tried again
	Over              // the subscription ends
)

// Subscription is the one with this id.
func (s *Store) Subscription(ctx context.Context, id int64) (sub Subscription, found bool, err error) {
	found, err = s.reader.one(ctx, `SELECT id, topic, callback, host, kind = 'ping', secret, lease_until, failures FROM subscription WHERE id = $1`,
		[]any{id}, &sub.ID, &sub.Topic, &sub.Callback, &sub.Host, (*flag)(&sub.Ping), &sub.Secret, (*instant)(&sub.Until), &sub.Failures)
	return sub, found, err
}

// Subscribed tells whether a callback has a topic, or has asked for it.
func (s *Store) Subscribed(ctx context.Context, topic, callback string) (bool, error) {
	n := 0
	_, err := s.reader.one(ctx, `SELECT (SELECT COUNT(*) FROM subscription WHERE topic = $1 AND callback = $2) +
		(SELECT COUNT(*) FROM subscription_wish WHERE topic = $3 AND callback = $4)`,
		[]any{text(topic), text(callback), text(topic), text(callback)}, &n)
	return n > 0, err
}

// SubscriptionCounts are numbers of subscriptions, with those that were only
// asked for.
type SubscriptionCounts struct {
	AtHost, All  int
	OtherTopics  int // topics that somebody has or has asked for, but one
	TopicsAtHost int // of them those of the host
}

// CountSubscriptions counts those at a host, and all, and the topics but topic.
func (s *Store) CountSubscriptions(ctx context.Context, host, topic string) (n SubscriptionCounts, err error) {
	_, err = s.reader.one(ctx, `SELECT
		(SELECT COUNT(*) FROM subscription WHERE host = $1) + (SELECT COUNT(*) FROM subscription_wish v WHERE v.host = $2
			AND NOT EXISTS (SELECT 1 FROM subscription s WHERE s.topic = v.topic AND s.callback = v.callback)),
		(SELECT COUNT(*) FROM subscription) + (SELECT COUNT(*) FROM subscription_wish v
			WHERE NOT EXISTS (SELECT 1 FROM subscription s WHERE s.topic = v.topic AND s.callback = v.callback)),
		(SELECT COUNT(*) FROM subscription_topic w WHERE w.topic <> $3
			AND (EXISTS (SELECT 1 FROM subscription s WHERE s.topic = w.topic) OR EXISTS (SELECT 1 FROM subscription_wish v WHERE v.topic = w.topic))),
		(SELECT COUNT(*) FROM (SELECT s.topic FROM subscription s WHERE s.host = $4 AND s.topic <> $5
			UNION SELECT v.topic FROM subscription_wish v WHERE v.host = $6 AND v.topic <> $7) theirs)`,
		[]any{text(host), text(host), text(topic), text(host), text(topic), text(host), text(topic)}, &n.AtHost, &n.All, &n.OtherTopics, &n.TopicsAtHost)
	return n, err
}

// Wish notes what a callback is said to want, in place of what it was said to
// want before. What it has stays as it is until that is confirmed. state is the topic
// as it is now: what comes later is news to this callback. Where nobody else has
// the topic or has asked for it, that is what there is to be told of from now on.
func (s *Store) Wish(ctx context.Context, w SubscriptionWish, state TopicState, now time.Time) error {
	return s.Write(ctx, func(t *Tx) error {
		if !w.Leave {
			if err := t.firstState(ctx, state, now); err != nil {
				return err
			}
		}
		known := state.Change
		var before int64
		asked, err := t.one(ctx, `DELETE FROM subscription_wish WHERE topic = $1 AND callback = $2 RETURNING change`,
			[]any{text(w.Topic), text(w.Callback)}, &before)
		if err != nil {
			return err
		}
		if asked && !w.Leave && before > 0 {
			known = min(known, before) // whoever asks again, nothing is missed for that
		}
		_, err = t.exec(ctx, `INSERT INTO subscription_wish (topic, callback, host, leave, secret, lease, next, attempts, change)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8)`,
			text(w.Topic), text(w.Callback), text(w.Host), bit(w.Leave), text(w.Secret), w.Lease.Milliseconds(), now.UnixMilli(), known)
		return err
	})
}

// firstState notes what there is of a topic that nobody has or has asked for. What
// was noted for those who had it before them is past.
func (t *Tx) firstState(ctx context.Context, state TopicState, now time.Time) error {
	_, err := t.exec(ctx, `INSERT INTO subscription_topic (topic, change, marks) VALUES ($1, $2, $3)
		ON CONFLICT (topic) DO UPDATE SET change = EXCLUDED.change, marks = EXCLUDED.marks
		WHERE NOT EXISTS (SELECT 1 FROM subscription s WHERE s.topic = subscription_topic.topic AND s.lease_until > $4)
		AND NOT EXISTS (SELECT 1 FROM subscription_wish v WHERE v.topic = subscription_topic.topic AND v.leave = 0)`,
		text(state.Topic), state.Change, state.Listed.bytes(), now.UnixMilli())
	return err
}

// TakeWishes takes up to n wishes that are due by now, none of the hosts that are
// busy; who took them has until then.
func (s *Store) TakeWishes(ctx context.Context, n int, busy []string, now, until time.Time) (all []SubscriptionWish, err error) {
	err = s.takeDue(ctx, takeWishes, n, busy, now, until, func(scan scanner) error {
		var w SubscriptionWish
		var lease int64
		err := scan(&w.ID, &w.Topic, &w.Callback, &w.Host, (*flag)(&w.Leave), &w.Secret, &lease, &w.Attempts)
		w.Lease = time.Duration(lease) * time.Millisecond
		all = append(all, w)
		return err
	})
	return all, err
}

// Grant carries out a wish that was confirmed at a time. A wish that another has
// replaced meanwhile is not carried out; granted tells.
func (s *Store) Grant(ctx context.Context, w SubscriptionWish, at time.Time) (granted bool, err error) {
	err = s.Write(ctx, func(t *Tx) error {
		var known int64
		var err error
		if granted, err = t.one(ctx, `DELETE FROM subscription_wish WHERE id = $1 RETURNING change`, []any{w.ID}, &known); err != nil || !granted {
			return err
		}
		if w.Leave {
			return t.unsubscribe(ctx, w.Topic, w.Callback)
		}
		return t.subscribe(ctx, w, known, at)
	})
	return granted, err
}

// subscribe gives a callback a topic, with the news that there were since it asked: others
// were told of them meanwhile. So was who had the topic already.
func (t *Tx) subscribe(ctx context.Context, w SubscriptionWish, known int64, at time.Time) error {
	var until time.Time
	if _, err := t.one(ctx, `SELECT lease_until FROM subscription WHERE topic = $1 AND callback = $2`,
		[]any{text(w.Topic), text(w.Callback)}, (*instant)(&until)); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `INSERT INTO subscription (topic, callback, host, kind, secret, lease_until, failures) VALUES ($1, $2, $3, 'push', $4, $5, 0)
		ON CONFLICT (topic, callback) DO UPDATE SET host = EXCLUDED.host, secret = EXCLUDED.secret, lease_until = EXCLUDED.lease_until, failures = 0`,
		text(w.Topic), text(w.Callback), text(w.Host), text(w.Secret), at.Add(w.Lease).UnixMilli()); err != nil || until.After(at) {
		return err
	}
	_, err := t.exec(ctx, `INSERT INTO delivery (subscription_id, topic, host, change, since, next, taken, attempts)
		SELECT s.id, s.topic, s.host, w.change, CAST($1 AS BIGINT), CAST($2 AS BIGINT), 0, 0 FROM subscription s, subscription_topic w
		WHERE s.topic = $3 AND s.callback = $4 AND w.topic = s.topic AND w.change > $5
		ON CONFLICT (subscription_id) DO UPDATE SET change = EXCLUDED.change, since = EXCLUDED.since`,
		at.UnixMilli(), at.UnixMilli(), text(w.Topic), text(w.Callback), known)
	return err
}

func (t *Tx) unsubscribe(ctx context.Context, topic, callback string) error {
	var id int64
	found, err := t.one(ctx, `SELECT id FROM subscription WHERE topic = $1 AND callback = $2`, []any{text(topic), text(callback)}, &id)
	if err != nil || !found {
		return err
	}
	return t.endSubscription(ctx, id)
}

func (t *Tx) endSubscription(ctx context.Context, id int64) error {
	if _, err := t.exec(ctx, `DELETE FROM delivery WHERE subscription_id = $1`, id); err != nil {
		return err
	}
	_, err := t.exec(ctx, `DELETE FROM subscription WHERE id = $1`, id)
	return err
}

// DropWish forgets a wish that is not granted.
func (s *Store) DropWish(ctx context.Context, id int64) error {
	return s.Write(ctx, func(t *Tx) error {
		_, err := t.exec(ctx, `DELETE FROM subscription_wish WHERE id = $1`, id)
		return err
	})
}

// DelayWish has a wish taken again, not before next.
func (s *Store) DelayWish(ctx context.Context, id int64, next time.Time) error {
	return s.Write(ctx, func(t *Tx) error {
		_, err := t.exec(ctx, `UPDATE subscription_wish SET next = $1 WHERE id = $2`, next.UnixMilli(), id)
		return err
	})
}

// SyncPings makes the hubs elsewhere that are told of topics these: one, or, if
// hub is "", none.
func (s *Store) SyncPings(ctx context.Context, hub, host string, topics []TopicState) error {
	return s.Write(ctx, func(t *Tx) error {
		there, err := t.dropPings(ctx, func(topic, to string) bool {
			return to == hub && slices.ContainsFunc(topics, func(s TopicState) bool { return s.Topic == topic })
		})
		if err != nil || hub == "" {
			return err
		}
		for _, topic := range topics {
			if there[topic.Topic] {
				continue
			}
			if err := t.addPing(ctx, topic, hub, host); err != nil {
				return err
			}
		}
		return nil
	})
}

// dropPings ends those that are not to be kept, and gives the topics of the others.
func (t *Tx) dropPings(ctx context.Context, keep func(topic, hub string) bool) (kept map[string]bool, err error) {
	var gone []int64
	kept = map[string]bool{}
	err = t.each(ctx, `SELECT id, topic, callback FROM subscription WHERE lease_until = $1`, []any{int64(forever)}, func(scan scanner) error {
		var id int64
		var topic, hub string
		err := scan(&id, &topic, &hub)
		if keep(topic, hub) {
			kept[topic] = true
		} else {
			gone = append(gone, id)
		}
		return err
	})
	for _, id := range gone {
		err = errors.Join(err, t.endSubscription(ctx, id))
	}
	return kept, err
}

// addPing has a hub told of a topic, for ever.
func (t *Tx) addPing(ctx context.Context, topic TopicState, hub, host string) error {
	if _, err := t.exec(ctx, `INSERT INTO subscription (topic, callback, host, kind, secret, lease_until, failures) VALUES ($1, $2, $3, 'ping', '', $4, 0)
		ON CONFLICT (topic, callback) DO UPDATE SET kind = 'ping', host = EXCLUDED.host, lease_until = EXCLUDED.lease_until`,
		text(topic.Topic), text(hub), text(host), int64(forever)); err != nil {
		return err
	}
	return t.firstState(ctx, topic, time.Time{}) // it has the topic by now: what is noted stays
}

// SubscribedTopics are the topics that somebody has, with what they know of them.
func (s *Store) SubscribedTopics(ctx context.Context, now time.Time) (all []TopicState, err error) {
	err = s.reader.each(ctx, `SELECT w.topic, w.change, w.marks FROM subscription_topic w
		WHERE EXISTS (SELECT 1 FROM subscription s WHERE s.topic = w.topic AND s.lease_until > $1) ORDER BY w.topic`,
		[]any{now.UnixMilli()}, func(scan scanner) error {
			var t TopicState
			err := scan(&t.Topic, &t.Change, &t.Listed)
			all = append(all, t)
			return err
		})
	return all, err
}

// NoteTopic notes what a topic's document lists when that has changed, and is no
// news to anybody: who has asked for it and missed nothing before has missed nothing now.
func (s *Store) NoteTopic(ctx context.Context, state TopicState) error {
	return s.Write(ctx, func(t *Tx) error {
		if _, err := t.exec(ctx, `UPDATE subscription_wish SET change = $1 WHERE topic = $2 AND change < $3
			AND change >= (SELECT w.change FROM subscription_topic w WHERE w.topic = subscription_wish.topic)`,
			state.Change, text(state.Topic), state.Change); err != nil {
			return err
		}
		_, err := t.moveTopic(ctx, state)
		return err
	})
}

// moveTopic notes a later state of a topic; moved tells whether it is one.
func (t *Tx) moveTopic(ctx context.Context, state TopicState) (moved bool, err error) {
	n, err := t.exec(ctx, `UPDATE subscription_topic SET change = $1, marks = $2 WHERE topic = $3 AND change < $4`,
		state.Change, state.Listed.bytes(), text(state.Topic), state.Change)
	return n > 0, err
}

// Announce has a topic's document delivered to all who have it, if they have not
// been told of this change number yet, or a later one. Who waits for an earlier
// document waits for this one from then on. It tells for how many that is.
func (s *Store) Announce(ctx context.Context, state TopicState, now time.Time) (n int, err error) {
	err = s.Write(ctx, func(t *Tx) error {
		news, err := t.moveTopic(ctx, state)
		if err != nil || !news {
			return err
		}
		rows, err := t.exec(ctx, `INSERT INTO delivery (subscription_id, topic, host, change, since, next, taken, attempts)
			SELECT s.id, s.topic, s.host, CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS BIGINT), 0, 0 FROM subscription s
			WHERE s.topic = $4 AND s.lease_until > $5
			ON CONFLICT (subscription_id) DO UPDATE SET change = EXCLUDED.change, since = EXCLUDED.since`,
			state.Change, now.UnixMilli(), now.UnixMilli(), text(state.Topic), now.UnixMilli())
		n = int(rows)
		return err
	})
	return n, err
}

// TakeDeliveries takes up to n deliveries that are due by now, none to the hosts
// that are busy; who took them has until then, and settles them.
func (s *Store) TakeDeliveries(ctx context.Context, n int, busy []string, now, until time.Time) (all []Delivery, err error) {
	err = s.takeDue(ctx, takeDeliveries, n, busy, now, until, func(scan scanner) error {
		var d Delivery
		err := scan(&d.Subscription, &d.Topic, &d.Host, &d.Change, (*instant)(&d.Since), &d.Attempts)
		all = append(all, d)
		return err
	})
	return all, err
}

// BusyHosts is how many hosts can be passed over when something is taken.
const BusyHosts = 8

// What takes rows that are due: until, now, the busy hosts, how many. The last
// part is what the engine adds so that two never take the same.
const (
	takeWishes = `UPDATE subscription_wish SET next = $1, attempts = attempts + 1 WHERE id IN
	(SELECT w.id FROM subscription_wish w WHERE w.next <= $2 AND w.host NOT IN (%s) ORDER BY w.next LIMIT $%d%s)
	RETURNING id, topic, callback, host, leave, secret, lease, attempts`
	takeDeliveries = `UPDATE delivery SET next = $1, taken = 1 WHERE subscription_id IN
	(SELECT w.subscription_id FROM delivery w WHERE w.next <= $2 AND w.host NOT IN (%s) ORDER BY w.next LIMIT $%d%s)
	RETURNING subscription_id, topic, host, change, since, attempts`
)

func (s *Store) takeDue(ctx context.Context, query string, n int, busy []string, now, until time.Time, row func(scanner) error) error {
	args := []any{until.UnixMilli(), now.UnixMilli()}
	for i := range BusyHosts {
		host := ""
		if i < len(busy) {
			host = text(busy[i])
		}
		args = append(args, host)
	}
	args = append(args, int64(n))
	query = fmt.Sprintf(query, placeholders(3, BusyHosts), 3+BusyHosts, s.engine.skipTaken())
	return s.Write(ctx, func(t *Tx) error { return t.each(ctx, query, args, row) })
}

// NextDelivery is when the next delivery or wish is due; zero: there is none.
func (s *Store) NextDelivery(ctx context.Context) (at time.Time, err error) {
	err = s.reader.each(ctx, `SELECT MIN(next) FROM delivery UNION ALL SELECT MIN(next) FROM subscription_wish`, nil, func(scan scanner) error {
		var next time.Time
		err := scan((*instant)(&next))
		if !next.IsZero() && (at.IsZero() || next.Before(at)) {
			at = next
		}
		return err
	})
	return at, err
}

// Settle notes what became of deliveries. Where a newer document came meanwhile,
// it is due at once, or, after a failure, when the one before would have been.
func (s *Store) Settle(ctx context.Context, all []Settled, now time.Time) error {
	return s.Write(ctx, func(t *Tx) error {
		for _, one := range all {
			if err := t.settleDelivery(ctx, one, now); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *Tx) settleDelivery(ctx context.Context, d Settled, now time.Time) error {
	switch d.Outcome {
	case Over:
		return t.endSubscription(ctx, d.Subscription)
	case Delivered:
		if _, err := t.exec(ctx, `UPDATE subscription SET failures = 0 WHERE id = $1 AND failures > 0`, d.Subscription); err != nil {
			return err
		}
	case Failed, GivenUp:
		if _, err := t.exec(ctx, `UPDATE subscription SET failures = failures + 1 WHERE id = $1`, d.Subscription); err != nil {
			return err
		}
	}
	if d.Outcome == Delivered || d.Outcome == GivenUp {
		n, err := t.exec(ctx, `DELETE FROM delivery WHERE subscription_id = $1 AND change <= $2`, d.Subscription, d.Change)
		if err != nil || n > 0 {
			return err
		}
	}
	next, attempts := d.Next, `attempts`
	switch d.Outcome {
	case Delivered:
		next, attempts = now, `0`
	case Failed, GivenUp:
		attempts = `attempts + 1`
	}
	_, err := t.exec(ctx, `UPDATE delivery SET taken = 0, next = $1, attempts = `+attempts+` WHERE subscription_id = $2`, next.UnixMilli(), d.Subscription)
	return err
}

// SweepSubscriptions forgets subscriptions whose lease has run out, and what
// goes with them.
func (s *Store) SweepSubscriptions(ctx context.Context, now time.Time) error {
	return s.Write(ctx, func(t *Tx) error { return t.dropSubscriptions(ctx, `w.lease_until <= $1`, now.UnixMilli()) })
}

// DropSubscribers forgets all that subscribe here, and those that have asked for it: this
// is no hub any more. Hubs elsewhere that are told of news stay.
func (s *Store) DropSubscribers(ctx context.Context) error {
	return s.Write(ctx, func(t *Tx) error {
		if _, err := t.exec(ctx, `DELETE FROM subscription_wish WHERE next >= 0`); err != nil {
			return err
		}
		return t.dropSubscriptions(ctx, `w.kind = 'push'`)
	})
}

// dropSubscriptions forgets those that meet a condition, with their deliveries
// and the topics that nobody has any more.
func (t *Tx) dropSubscriptions(ctx context.Context, which string, args ...any) error {
	const chosen = ` IN (SELECT w.id FROM subscription w WHERE `
	if _, err := t.exec(ctx, `DELETE FROM delivery WHERE subscription_id`+chosen+which+`)`, args...); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `DELETE FROM subscription WHERE id`+chosen+which+`)`, args...); err != nil {
		return err
	}
	_, err := t.exec(ctx, `DELETE FROM subscription_topic WHERE topic IN (SELECT w.topic FROM subscription_topic w
		WHERE NOT EXISTS (SELECT 1 FROM subscription s WHERE s.topic = w.topic)
		AND NOT EXISTS (SELECT 1 FROM subscription_wish v WHERE v.topic = w.topic) ORDER BY w.topic)`)
	return err
}

// HubTotals are numbers of what a hub has to do.
type HubTotals struct {
	Subscriptions int // whose lease has not run out
	Wishes        int // that are not confirmed yet
	Deliveries    int // that wait or are under way
}

// HubTotals counts.
func (s *Store) HubTotals(ctx context.Context, now time.Time) (n HubTotals, err error) {
	_, err = s.reader.one(ctx, `SELECT (SELECT COUNT(*) FROM subscription WHERE lease_until > $1), (SELECT COUNT(*) FROM subscription_wish),
		(SELECT COUNT(*) FROM delivery)`, []any{now.UnixMilli()}, &n.Subscriptions, &n.Wishes, &n.Deliveries)
	return n, err
}
