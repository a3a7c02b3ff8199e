package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"tributary/feed"
	"tributary/ingest/fetch"
	"tributary/store"
)

// publishes looks for news of the main topics whenever there may be some.
func (h *Hub) publishes(ctx context.Context) {
	h.again(ctx, "set up who is told of news", h.register)
	poke(h.changed)
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.changed:
			h.again(ctx, "look for news to send", h.publishMain)
		}
	}
}

// publishesViews looks for news of the others. There can be many, and each is
// rendered for it: the main ones don't wait for that.
func (h *Hub) publishesViews(ctx context.Context) {
	later := time.NewTimer(0)
	defer later.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.views:
		case <-later.C:
		}
		if !h.o.Ours() {
			later.Reset(h.o.ViewPause)
			continue
		}
		h.again(ctx, "look for news to send", func(ctx context.Context) error {
			wait, err := h.publishViews(ctx)
			if later.Stop(); wait > 0 {
				later.Reset(wait)
			}
			return err
		})
	}
}

// register makes those elsewhere that are told of news the ones that are configured.
func (h *Hub) register(ctx context.Context) error {
	if h.o.Notify == "" {
		return h.o.Store.SyncPings(ctx, "", "", nil)
	}
	var topics []store.TopicState
	for _, topic := range h.o.Main {
		doc, err := h.o.Topics.Topic(ctx, topic)
		if err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		topics = append(topics, store.TopicState{Topic: topic, Change: doc.Change, Listed: doc.Listed})
	}
	return h.o.Store.SyncPings(ctx, h.o.Notify, limitedBy(fetch.HostOf(h.o.Notify)), topics)
}

func (h *Hub) main(topic string) bool { return slices.Contains(h.o.Main, topic) }

func (h *Hub) publishMain(ctx context.Context) error { return h.publish(ctx, h.main) }

// publishViews looks at each view that it has not looked at of late, and tells
// how long it is until it may look at one of the others; 0: there are none.
func (h *Hub) publishViews(ctx context.Context) (wait time.Duration, err error) {
	maps.DeleteFunc(h.looked, func(_ string, at time.Time) bool { return h.o.Now().Sub(at) >= h.o.ViewPause })
	err = h.publish(ctx, func(topic string) bool {
		at, lately := h.looked[topic]
		switch {
		case h.main(topic):
			return false
		case lately:
			rest := max(at.Add(h.o.ViewPause).Sub(h.o.Now()), time.Millisecond)
			wait = min(cmp.Or(wait, rest), rest)
			return false
		}
		h.looked[topic] = h.o.Now()
		return true
	})
	return wait, err
}

// publish queues those documents that have news for those who have them.
func (h *Hub) publish(ctx context.Context, of func(topic string) bool) error {
	topics, err := h.o.Store.SubscribedTopics(ctx, h.o.Now())
	if err != nil {
		return err
	}
	var failures []error
	for _, told := range topics {
		if ctx.Err() != nil || !of(told.Topic) {
			continue
		}
		doc, err := h.o.Topics.Topic(ctx, told.Topic)
		if err != nil && feed.CodeOf(err) != feed.CodeNotFound { // the others go on
			failures = append(failures, fmt.Errorf("read %s: %w", told.Topic, err))
			continue
		}
		if err := h.tell(ctx, told, doc, err != nil); err != nil {
			return err
		}
	}
	return errors.Join(failures...)
}

// tell queues a document if it has news for who was told of what was there
// before, or if it has ended. What it lists no more is no news, nor is a change of what is
// told beside an item.
func (h *Hub) tell(ctx context.Context, told store.TopicState, doc Document, ended bool) error {
	next := store.TopicState{Topic: told.Topic, Change: doc.Change, Listed: doc.Listed.After(told.Listed)}
	switch {
	case ended:
		next.Change = told.Change + 1 // nothing is sent but a word of it
	case doc.Change <= told.Change:
		return nil
	case !doc.Listed.HasNews(told.Listed):
		if next.Listed.Equal(told.Listed) {
			return nil
		}
		return h.o.Store.NoteTopic(ctx, next)
	}
	n, err := h.o.Store.Announce(ctx, next, h.o.Now())
	if n > 0 {
		h.log.Debug("news to send", "topic", told.Topic, "subscribers", n)
		poke(h.due)
	}
	return err
}
