package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"tributary/feed"
	"tributary/ingest/fetch"
	"tributary/store"
)

// register makes those elsewhere that are told of news the ones that are configured.
func (h *Hub) register(ctx context.Context) error {
	var topics []store.TopicState
	for _, topic := range h.o.Told {
		doc, err := h.o.Topics.Topic(ctx, topic)
		if err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		topics = append(topics, store.TopicState{Topic: topic, Change: doc.Change, Marks: doc.Marks})
	}
	return h.o.Store.SyncPings(ctx, h.o.Notify, fetch.HostOf(h.o.Notify), topics)
}

// publish queues the documents that have news for those who have them. What one
// lists no more is no news, nor is a change of what is told beside an item.
func (h *Hub) publish(ctx context.Context) error {
	topics, err := h.o.Store.SubscribedTopics(ctx, h.o.Now())
	if err != nil {
		return err
	}
	var failures []error
	for _, told := range topics {
		doc, err := h.o.Topics.Topic(ctx, told.Topic)
		switch {
		case feed.CodeOf(err) == feed.CodeNotFound:
			doc.Change = told.Change + 1 // nothing is sent but a word that it has ended
		case err != nil: // the others go on
			failures = append(failures, fmt.Errorf("read %s: %w", told.Topic, err))
			continue
		case doc.Change <= told.Change || !hasNews(doc.Marks, told.Marks):
			continue
		}
		n, err := h.o.Store.Announce(ctx, store.TopicState{Topic: told.Topic, Change: doc.Change, Marks: doc.Marks}, h.o.Now())
		if err != nil {
			return err
		}
		if n > 0 {
			h.log.Debug("news to send", "topic", told.Topic, "subscribers", n)
			poke(h.due)
		}
	}
	return errors.Join(failures...)
}

const markSize = 8

// hasNews tells whether there is a mark in now that was not in before.
func hasNews(now, before []byte) bool {
	if bytes.Equal(now, before) {
		return false
	}
	known := make(map[[markSize]byte]bool, len(before)/markSize)
	for ; len(before) >= markSize; before = before[markSize:] {
		known[[markSize]byte(before)] = true
	}
	for ; len(now) >= markSize; now = now[markSize:] {
		if !known[[markSize]byte(now)] {
			return true
		}
	}
	return false
}
