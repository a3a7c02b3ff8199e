package store_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/store"
	"tributary/store/pgtest"
)

const (
	topicA = "https://site.example/feed.atom"
	topicB = "https://site.example/feed.json"
)

var listed = store.Listing{Floor: 3, Marks: []store.Mark{{Order: 5, Updated: 50}, {Order: 3, Updated: 40}}}

// wish has a callback of a host ask for a topic.
func (r *rig) wish(topic, host string, change func(*store.SubscriptionWish)) {
	r.Helper()
	w := store.SubscriptionWish{Topic: topic, Callback: "https://" + host + "/push?for=" + topic, Host: host, Lease: 240 * time.Hour}
	if change != nil {
		change(&w)
	}
	r.must(r.Wish(r.ctx, w, store.TopicState{Topic: topic, Change: 10, Listed: listed}, day))
}

func (r *rig) takeWishes(at time.Time) []store.SubscriptionWish {
	r.Helper()
	all, err := r.TakeWishes(r.ctx, 10, nil, at, at.Add(time.Minute))
	r.must(err)
	return all
}

// subscribe gives a host's callback a topic.
func (r *rig) subscribe(topic, host, secret string) {
	r.Helper()
	r.wish(topic, host, func(w *store.SubscriptionWish) { w.Secret = secret })
	for _, w := range r.takeWishes(day) {
		if granted, err := r.Grant(r.ctx, w, day); err != nil || !granted {
			r.Fatalf("granted: %v (%v)", granted, err)
		}
	}
}

func (r *rig) announce(topic string, change int64, at time.Time) int {
	r.Helper()
	n, err := r.Announce(r.ctx, store.TopicState{Topic: topic, Change: change, Listed: listed}, at)
	r.must(err)
	return n
}

func (r *rig) take(at time.Time, busy ...string) []store.Delivery {
	r.Helper()
	all, err := r.TakeDeliveries(r.ctx, 10, busy, at, at.Add(time.Minute))
	r.must(err)
	return all
}

// settle has all of some deliveries end in one way.
func (r *rig) settle(all []store.Delivery, outcome store.Outcome, at, next time.Time) {
	r.Helper()
	var settled []store.Settled
	for _, d := range all {
		settled = append(settled, store.Settled{Subscription: d.Subscription, Change: d.Change, Outcome: outcome, Next: next})
	}
	r.must(r.Settle(r.ctx, settled, at))
}

func (r *rig) subscription(id int64) store.Subscription {
	r.Helper()
	sub, found, err := r.Subscription(r.ctx, id)
	r.must(err)
	if !found {
		return store.Subscription{}
	}
	return sub
}

var _ = behaviour("a subscription is what was asked for and confirmed", func(r *rig) {
	r.wish(topicA, "one.example", func(w *store.SubscriptionWish) { w.Secret = "s1" })
	if known, err := r.Subscribed(r.ctx, topicA, "https://one.example/push?for="+topicA); err != nil || !known {
		r.Errorf("what was asked for is not known (%v)", err)
	}
	if got := r.announce(topicA, 11, day); got != 0 {
		r.Errorf("%d deliveries for who has not confirmed", got)
	}
	wishes := r.takeWishes(day)
	want := []store.SubscriptionWish{{ID: 1, Topic: topicA, Callback: "https://one.example/push?for=" + topicA, Host: "one.example", Secret: "s1",
		Lease: 240 * time.Hour, Attempts: 1}}
	if diff := cmp.Diff(want, wishes); diff != "" {
		r.Fatalf("wishes (-want +got):\n%s", diff)
	}
	if again := r.takeWishes(day.Add(30 * time.Second)); len(again) != 0 {
		r.Errorf("taken by two: %v", again)
	}
	granted, err := r.Grant(r.ctx, wishes[0], day)
	r.must(err)
	wantSub := store.Subscription{ID: 1, Topic: topicA, Callback: wishes[0].Callback, Host: "one.example", Secret: "s1", Until: day.Add(240 * time.Hour)}
	if diff := cmp.Diff(wantSub, r.subscription(1)); diff != "" || !granted {
		r.Errorf("granted %v (-want +got):\n%s", granted, diff)
	}
	n, err := r.CountSubscriptions(r.ctx, "one.example", topicB)
	if want := (store.SubscriptionCounts{AtHost: 1, All: 1, OtherTopics: 1, TopicsAtHost: 1}); err != nil || n != want {
		r.Errorf("%+v (%v), want %+v", n, err, want)
	}
})

var _ = behaviour("a topic that nobody confirmed takes no place", func(r *rig) {
	r.wish(topicA, "one.example", nil)
	for _, w := range r.takeWishes(day) {
		r.must(r.DropWish(r.ctx, w.ID))
	}
	if n, err := r.CountSubscriptions(r.ctx, "one.example", topicB); err != nil || n != (store.SubscriptionCounts{}) {
		r.Errorf("%+v (%v)", n, err)
	}
})

var _ = behaviour("who asks again counts once", func(r *rig) {
	r.wish(topicA, "one.example", nil)
	_, err := r.Grant(r.ctx, r.takeWishes(day)[0], day)
	r.must(err)
	r.wish(topicA, "one.example", nil)
	if n, err := r.CountSubscriptions(r.ctx, "one.example", topicA); err != nil || n != (store.SubscriptionCounts{AtHost: 1, All: 1}) {
		r.Errorf("%+v (%v)", n, err)
	}
})

var _ = behaviour("asking again replaces lease and secret once it is confirmed, and not before", func(r *rig) {
	r.subscribe(topicA, "one.example", "old")
	r.wish(topicA, "one.example", func(w *store.SubscriptionWish) { w.Secret = "never confirmed" })
	first := r.takeWishes(day)
	r.wish(topicA, "one.example", func(w *store.SubscriptionWish) { w.Secret, w.Lease = "new", 48*time.Hour })
	if granted, err := r.Grant(r.ctx, first[0], day); err != nil || granted {
		r.Errorf("what was replaced is granted: %v (%v)", granted, err)
	}
	if got := r.subscription(1).Secret; got != "old" {
		r.Errorf("the secret is %q before it is confirmed", got)
	}
	second := r.takeWishes(day)
	_, err := r.Grant(r.ctx, second[0], day.Add(time.Hour))
	r.must(err)
	if got := r.subscription(1); got.Secret != "new" || !got.Until.Equal(day.Add(49*time.Hour)) {
		r.Errorf("%+v", got)
	}
	r.must(r.DropWish(r.ctx, second[0].ID))
})

// asks has a callback of a host ask for topicA as it is at a change number, and takes
// that to verify it.
func (r *rig) asks(host string, change int64, at time.Time) store.SubscriptionWish {
	r.Helper()
	w := store.SubscriptionWish{Topic: topicA, Callback: "https://" + host + "/push", Host: host, Lease: 240 * time.Hour}
	r.must(r.Wish(r.ctx, w, store.TopicState{Topic: topicA, Change: change, Listed: listed}, at))
	for _, taken := range r.takeWishes(at) {
		w = taken
	}
	return w
}

// grant confirms a wish, and gives the change numbers of what is due then.
func (r *rig) grant(w store.SubscriptionWish, at time.Time) (due []int64) {
	r.Helper()
	if granted, err := r.Grant(r.ctx, w, at); err != nil || !granted {
		r.Fatalf("granted: %v (%v)", granted, err)
	}
	all := r.take(at)
	for _, d := range all {
		due = append(due, d.Change)
	}
	r.settle(all, store.Delivered, at, time.Time{})
	return due
}

var _ = behaviour("who is being asked misses nothing that others are sent meanwhile", func(r *rig) {
	r.subscribe(topicA, "one.example", "")
	soon := day.Add(time.Second)
	second, third := r.asks("two.example", 10, day), r.asks("three.example", 12, day)
	r.announce(topicA, 12, day)
	if got := r.take(day); len(got) != 1 || got[0].Host != "one.example" {
		r.Fatalf("sent before it is confirmed: %+v", got)
	} else {
		r.settle(got, store.Delivered, day, time.Time{})
	}
	if got := r.grant(second, soon); !slices.Equal(got, []int64{12}) {
		r.Errorf("it is sent %v, want the news of 12", got)
	}
	if got := r.grant(third, soon); got != nil {
		r.Errorf("who asked when they were there is sent %v", got)
	}
	if got := r.grant(r.asks("four.example", 13, soon), soon); got != nil {
		r.Errorf("who asked afterwards is sent %v", got)
	}
})

var _ = behaviour("who asks again misses nothing for that", func(r *rig) {
	r.subscribe(topicA, "one.example", "")
	r.asks("two.example", 10, day)
	r.announce(topicA, 12, day)
	r.settle(r.take(day), store.Delivered, day, time.Time{})
	if got := r.grant(r.asks("two.example", 12, day.Add(time.Minute)), day.Add(time.Minute)); !slices.Equal(got, []int64{12}) {
		r.Errorf("it is sent %v, want the news of 12", got)
	}
})

var _ = behaviour("who renews is sent nothing twice, and who comes back late what others were sent", func(r *rig) {
	r.grant(r.asks("one.example", 10, day), day)
	renewal := r.asks("one.example", 10, day)
	r.announce(topicA, 12, day)
	r.settle(r.take(day), store.Delivered, day, time.Time{})
	if got := r.grant(renewal, day.Add(time.Second)); got != nil {
		r.Errorf("a renewal is sent %v again", got)
	}
	end := day.Add(240*time.Hour + time.Minute)
	r.grant(r.asks("two.example", 12, end.Add(-time.Hour)), end.Add(-time.Hour))
	late := r.asks("one.example", 12, end)
	r.announce(topicA, 14, end)
	r.settle(r.take(end), store.Delivered, end, time.Time{})
	if got := r.grant(late, end.Add(time.Second)); !slices.Equal(got, []int64{14}) {
		r.Errorf("whose lease was over is sent %v, want the news of 14", got)
	}
})

var _ = behaviour("what is no news is sent to nobody who is being asked", func(r *rig) {
	r.subscribe(topicA, "one.example", "")
	before := r.asks("two.example", 10, day)
	r.must(r.NoteTopic(r.ctx, store.TopicState{Topic: topicA, Change: 12, Listed: store.Listing{Floor: 7}}))
	if got := r.grant(before, day); got != nil {
		r.Errorf("it is sent %v", got)
	}
	missed := r.asks("three.example", 12, day)
	r.announce(topicA, 13, day)
	r.settle(r.take(day), store.Delivered, day, time.Time{})
	r.must(r.NoteTopic(r.ctx, store.TopicState{Topic: topicA, Change: 14, Listed: store.Listing{Floor: 7}}))
	if got := r.grant(missed, day); !slices.Equal(got, []int64{14}) {
		r.Errorf("it is sent %v, want the document of 14 for the news of 13", got)
	}
})

var _ = behaviour("who comes after all have left knows the topic as it is then", func(r *rig) {
	state := func() store.TopicState {
		r.Helper()
		topics, err := r.SubscribedTopics(r.ctx, day.Add(241*time.Hour))
		r.must(err)
		return topics[0]
	}
	asks := func(host string, change int64, at time.Time, listing store.Listing) store.SubscriptionWish {
		r.Helper()
		r.must(r.Wish(r.ctx, store.SubscriptionWish{Topic: topicA, Callback: "https://" + host + "/push", Host: host, Lease: 240 * time.Hour},
			store.TopicState{Topic: topicA, Change: change, Listed: listing}, at))
		return r.takeWishes(at)[0]
	}
	r.grant(asks("one.example", 10, day, listed), day)
	later := store.Listing{Floor: 8}
	after := day.Add(240*time.Hour + time.Minute) // and nobody has swept
	r.grant(asks("two.example", 20, after, later), after)
	want := store.TopicState{Topic: topicA, Change: 20, Listed: later}
	if diff := cmp.Diff(want, state()); diff != "" {
		r.Errorf("after a lease that ended (-want +got):\n%s", diff)
	}
	latest := store.Listing{Floor: 9}
	r.grant(asks("three.example", 30, after, latest), after)
	if diff := cmp.Diff(want, state()); diff != "" {
		r.Errorf("where somebody has it (-want +got):\n%s", diff)
	}
	for _, host := range []string{"two.example", "three.example"} {
		r.must(r.Wish(r.ctx, store.SubscriptionWish{Topic: topicA, Callback: "https://" + host + "/push", Host: host, Leave: true}, store.TopicState{}, after))
		r.grant(r.takeWishes(after)[0], after)
	}
	first := asks("four.example", 40, after, latest)
	r.grant(asks("five.example", 50, after, later), after)
	want = store.TopicState{Topic: topicA, Change: 40, Listed: latest}
	if diff := cmp.Diff(want, state()); diff != "" {
		r.Errorf("where somebody is being asked, who would miss what came since (-want +got):\n%s", diff)
	}
	r.grant(first, after)
})

var _ = behaviour("who unsubscribes is sent nothing more", func(r *rig) {
	r.subscribe(topicA, "one.example", "")
	r.subscribe(topicB, "one.example", "")
	r.announce(topicA, 11, day)
	r.wish(topicA, "one.example", func(w *store.SubscriptionWish) { w.Leave = true })
	wishes := r.takeWishes(day)
	r.must(r.DelayWish(r.ctx, wishes[0].ID, day.Add(time.Second)))
	wishes = r.takeWishes(day.Add(time.Second))
	if len(wishes) != 1 || wishes[0].Attempts != 2 || !wishes[0].Leave {
		r.Fatalf("wishes: %+v", wishes)
	}
	_, err := r.Grant(r.ctx, wishes[0], day)
	r.must(err)
	if got := r.take(day.Add(time.Hour)); len(got) != 0 || r.subscription(1).ID != 0 || r.subscription(2).ID == 0 {
		r.Errorf("deliveries %v, subscriptions %+v %+v", got, r.subscription(1), r.subscription(2))
	}
})

var _ = behaviour("news are delivered once to each who has the topic, whoever announces them", func(r *rig) {
	for _, host := range []string{"one.example", "two.example", "late.example"} {
		r.subscribe(topicA, host, "")
	}
	r.subscribe(topicB, "other.example", "")
	if got := r.announce(topicA, 10, day); got != 0 {
		r.Errorf("%d deliveries of what was there before", got)
	}
	topics, err := r.SubscribedTopics(r.ctx, day)
	want := []store.TopicState{{Topic: topicA, Change: 10, Listed: listed}, {Topic: topicB, Change: 10, Listed: listed}}
	if diff := cmp.Diff(want, topics); diff != "" || err != nil {
		r.Errorf("topics (%v, -want +got):\n%s", err, diff)
	}
	if got := r.announce(topicA, 11, day); got != 3 {
		r.Errorf("%d deliveries, want 3", got)
	}
	if got := r.announce(topicA, 11, day) + r.announce(topicA, 9, day); got != 0 {
		r.Errorf("%d deliveries of what was announced already", got)
	}
	if at, err := r.NextDelivery(r.ctx); err != nil || !at.Equal(day) {
		r.Errorf("the next one is at %v (%v)", at, err)
	}
	got := r.take(day, "late.example")
	if len(got) != 2 || got[0].Change != 11 || got[0].Topic != topicA || !got[0].Since.Equal(day) {
		r.Fatalf("taken: %+v", got)
	}
	r.settle(got, store.Delivered, day, time.Time{})
	rest := r.take(day)
	if len(rest) != 1 || rest[0].Host != "late.example" {
		r.Fatalf("left: %+v", rest)
	}
	r.settle(rest, store.Delivered, day, time.Time{})
	if at, err := r.NextDelivery(r.ctx); err != nil || !at.IsZero() {
		r.Errorf("the next one is at %v (%v)", at, err)
	}
})

var _ = behaviour("a delivery that nobody settled comes up again", func(r *rig) {
	r.subscribe(topicA, "one.example", "")
	r.announce(topicA, 11, day)
	r.take(day)
	if got := r.take(day.Add(59 * time.Second)); len(got) != 0 {
		r.Errorf("taken by two: %+v", got)
	}
	if got := r.take(day.Add(time.Minute)); len(got) != 1 {
		r.Errorf("lost: %+v", got)
	}
})

var _ = behaviour("what waits or is under way when there is something newer is sent that", func(r *rig) {
	r.subscribe(topicA, "one.example", "")
	r.announce(topicA, 11, day)
	under := r.take(day)
	r.announce(topicA, 12, day.Add(time.Second))
	if got := r.take(day.Add(time.Second)); len(got) != 0 {
		r.Errorf("two at a time for one subscriber: %+v", got)
	}
	r.settle(under, store.Delivered, day.Add(2*time.Second), time.Time{})
	under = r.take(day.Add(2 * time.Second))
	if len(under) != 1 || under[0].Change != 12 {
		r.Fatalf("after the older one: %+v", under)
	}
	// A failure keeps its pause when something newer comes, which is tried longer.
	r.settle(under, store.Failed, day, day.Add(time.Hour))
	r.announce(topicA, 13, day.Add(time.Minute))
	if got := r.take(day.Add(30 * time.Minute)); len(got) != 0 {
		r.Errorf("the pause after a failure was cut short: %+v", got)
	}
	under = r.take(day.Add(time.Hour))
	if len(under) != 1 || under[0].Change != 13 || under[0].Attempts != 1 || !under[0].Since.Equal(day.Add(time.Minute)) {
		r.Fatalf("after the pause: %+v", under)
	}
	if got := r.subscription(1).Failures; got != 1 {
		r.Errorf("%d failures", got)
	}
	// The newest is given up, and the subscription stays.
	r.settle(under, store.GivenUp, day, day.Add(2*time.Hour))
	if at, err := r.NextDelivery(r.ctx); err != nil || !at.IsZero() {
		r.Errorf("what was given up is tried again at %v (%v)", at, err)
	}
	r.announce(topicA, 14, day)
	under = r.take(day)
	r.settle(under, store.Postponed, day, day.Add(time.Second))
	under = r.take(day.Add(time.Second))
	if len(under) != 1 || under[0].Attempts != 0 {
		r.Fatalf("after it was given up: %+v", under)
	}
	r.settle(under, store.Delivered, day, time.Time{})
	if got := r.subscription(1); got.Failures != 0 {
		r.Errorf("%d failures after a success", got.Failures)
	}
	r.announce(topicA, 15, day)
	r.settle(r.take(day), store.Over, day, time.Time{})
	if got := r.subscription(1); got.ID != 0 {
		r.Errorf("ended, and still there: %+v", got)
	}
})

var _ = behaviour("a lease ends", func(r *rig) {
	r.subscribe(topicA, "one.example", "")
	r.wish(topicB, "two.example", nil)
	end := day.Add(240 * time.Hour)
	r.announce(topicA, 11, day)
	if topics, err := r.SubscribedTopics(r.ctx, end); err != nil || len(topics) != 0 {
		r.Errorf("topics of ended subscriptions: %v (%v)", topics, err)
	}
	if got := r.announce(topicA, 12, end); got != 0 {
		r.Errorf("%d deliveries after the lease", got)
	}
	r.must(r.SweepSubscriptions(r.ctx, end))
	if got := r.take(end.Add(time.Hour)); len(got) != 0 || r.subscription(1).ID != 0 {
		r.Errorf("left: %+v, %+v", got, r.subscription(1))
	}
	n, err := r.CountSubscriptions(r.ctx, "two.example", topicA)
	if want := (store.SubscriptionCounts{AtHost: 1, All: 1, OtherTopics: 1, TopicsAtHost: 1}); err != nil || n != want {
		r.Errorf("%+v (%v), want %+v: what is asked for stays", n, err, want)
	}
	if n, err = r.CountSubscriptions(r.ctx, "", topicB); err != nil || n.OtherTopics != 0 {
		r.Errorf("what the topic was is kept: %+v (%v)", n, err)
	}
})

var _ = behaviour("what is no news is noted and sent to nobody", func(r *rig) {
	r.subscribe(topicA, "one.example", "")
	note := func(change int64, floor int64) {
		r.Helper()
		r.must(r.NoteTopic(r.ctx, store.TopicState{Topic: topicA, Change: change, Listed: store.Listing{Floor: floor}}))
	}
	note(12, 7)
	note(11, 5) // of before
	topics, err := r.SubscribedTopics(r.ctx, day)
	r.must(err)
	if diff := cmp.Diff([]store.TopicState{{Topic: topicA, Change: 12, Listed: store.Listing{Floor: 7}}}, topics); diff != "" {
		r.Errorf("topics (-want +got):\n%s", diff)
	}
	if got := r.take(day); len(got) != 0 {
		r.Errorf("deliveries: %+v", got)
	}
})

var _ = behaviour("wishes of hosts that are busy wait", func(r *rig) {
	r.wish(topicA, "busy.example", nil)
	r.wish(topicB, "other.example", nil)
	all, err := r.TakeWishes(r.ctx, 10, []string{"busy.example"}, day, day.Add(time.Minute))
	r.must(err)
	if len(all) != 1 || all[0].Host != "other.example" {
		r.Errorf("taken: %+v", all)
	}
	if all = r.takeWishes(day); len(all) != 1 || all[0].Host != "busy.example" {
		r.Errorf("left: %+v", all)
	}
})

var _ = behaviour("where there is no hub any more nothing is left of its subscribers", func(r *rig) {
	r.subscribe(topicA, "one.example", "")
	r.wish(topicB, "two.example", nil)
	r.must(r.SyncPings(r.ctx, "https://hub.example/", "hub.example", []store.TopicState{{Topic: topicA, Change: 10}}))
	r.announce(topicA, 11, day)
	want := func(want store.HubTotals) {
		r.Helper()
		if n, err := r.HubTotals(r.ctx, day); err != nil || n != want {
			r.Errorf("%+v (%v), want %+v", n, err, want)
		}
	}
	want(store.HubTotals{Subscriptions: 2, Wishes: 1, Deliveries: 2})
	r.must(r.DropSubscribers(r.ctx))
	want(store.HubTotals{Subscriptions: 1, Deliveries: 1})
	if got := r.take(day); len(got) != 1 || got[0].Host != "hub.example" {
		r.Errorf("left to send: %+v", got)
	}
	r.must(r.SyncPings(r.ctx, "", "", nil))
	r.must(r.DropSubscribers(r.ctx))
	want(store.HubTotals{})
	if n, err := r.CountSubscriptions(r.ctx, "", ""); err != nil || n != (store.SubscriptionCounts{}) {
		r.Errorf("%+v (%v)", n, err)
	}
})

var _ = behaviour("a hub elsewhere is told of the topics that are configured", func(r *rig) {
	r.subscribe(topicA, "one.example", "")
	sync := func(hub string, topics ...string) {
		r.Helper()
		var states []store.TopicState
		for _, topic := range topics {
			states = append(states, store.TopicState{Topic: topic, Change: 10})
		}
		r.must(r.SyncPings(r.ctx, hub, "hub.example", states))
	}
	hosts := func(change int64) map[string]bool {
		r.Helper()
		r.announce(topicA, change, day)
		r.announce(topicB, change, day)
		got := map[string]bool{}
		all := r.take(day)
		for _, d := range all {
			sub := r.subscription(d.Subscription)
			got[fmt.Sprint(sub.Topic, " ", sub.Callback, " ", sub.Ping)] = true
		}
		r.settle(all, store.Delivered, day, time.Time{})
		return got
	}
	sync("https://hub.example/", topicA, topicB)
	sync("https://hub.example/", topicA, topicB)
	want := map[string]bool{topicA + " https://hub.example/ true": true, topicB + " https://hub.example/ true": true,
		topicA + " https://one.example/push?for=" + topicA + " false": true}
	if diff := cmp.Diff(want, hosts(11)); diff != "" {
		r.Errorf("told (-want +got):\n%s", diff)
	}
	sync("https://hub.example/two", topicB)
	delete(want, topicA+" https://hub.example/ true")
	delete(want, topicB+" https://hub.example/ true")
	want[topicB+" https://hub.example/two true"] = true
	if diff := cmp.Diff(want, hosts(12)); diff != "" {
		r.Errorf("told of another hub (-want +got):\n%s", diff)
	}
	sync("")
	delete(want, topicB+" https://hub.example/two true")
	if diff := cmp.Diff(want, hosts(13)); diff != "" {
		r.Errorf("told of none (-want +got):\n%s", diff)
	}
})

// Several processes take from one queue: each delivery is taken by one.
func TestDeliveriesAreTakenOnce(t *testing.T) {
	for name, options := range map[string]func(*testing.T) store.Options{
		"sqlite": func(t *testing.T) store.Options {
			return store.Options{Path: filepath.Join(t.TempDir(), "tributary.db")}
		},
		"postgres": func(t *testing.T) store.Options {
			return store.Options{DSN: pgtest.Start(t)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			r := &rig{T: t, Store: open(t, o), options: o, ctx: t.Context()}
			for i := range 60 {
				r.subscribe(topicA, fmt.Sprintf("host%d.example", i), "")
			}
			r.announce(topicA, 11, day)
			var mu sync.Mutex
			var all sync.WaitGroup
			seen := map[int64]int{}
			for range 4 {
				other := open(t, o)
				all.Go(func() {
					for {
						got, err := other.TakeDeliveries(t.Context(), 7, nil, day, day.Add(time.Minute))
						if err != nil || len(got) == 0 {
							if err != nil {
								t.Error(err)
							}
							return
						}
						mu.Lock()
						for _, d := range got {
							seen[d.Subscription]++
						}
						mu.Unlock()
					}
				})
			}
			all.Wait()
			for id, n := range seen {
				if n != 1 {
					t.Errorf("subscription %d was taken %d times", id, n)
				}
			}
			if len(seen) != 60 {
				t.Errorf("%d of 60 were taken", len(seen))
			}
		})
	}
}

// What another process is taking is passed over, not waited for, and not taken again
// when it is done.
func TestWhatAnotherIsTakingIsPassedOver(t *testing.T) {
	dsn := pgtest.Start(t)
	r := &rig{T: t, Store: open(t, store.Options{DSN: dsn}), ctx: t.Context()}
	for _, host := range []string{"one.example", "two.example"} {
		r.subscribe(topicA, host, "")
		r.wish(topicB, host, nil)
	}
	r.announce(topicA, 11, day)
	db, err := sql.Open("pgx", dsn)
	r.must(err)
	defer db.Close()
	other, err := db.BeginTx(t.Context(), nil)
	r.must(err)
	defer other.Rollback()
	for _, table := range []string{"delivery", "subscription_wish"} {
		_, err := other.ExecContext(t.Context(), `UPDATE `+table+` SET next = next + 60000 WHERE host = 'one.example'`)
		r.must(err)
	}
	deliveries, wishes := r.take(day), r.takeWishes(day)
	if len(deliveries) != 1 || deliveries[0].Host != "two.example" || len(wishes) != 1 || wishes[0].Host != "two.example" {
		t.Errorf("taken: %+v and %+v", deliveries, wishes)
	}
	r.must(other.Commit())
	if deliveries, wishes := r.take(day), r.takeWishes(day); len(deliveries)+len(wishes) != 0 {
		t.Errorf("taken by two: %+v and %+v", deliveries, wishes)
	}
}
