package hub

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tributary/feed"
	"tributary/ingest/fetch"
	"tributary/store"
)

func (h *Hub) verifying(w store.SubscriptionWish) job {
	return job{host: w.Host, until: h.latest(),
		run:   func(ctx context.Context) { h.verify(ctx, w) },
		leave: func() {}, // it comes up again when the time that it was taken for is over
	}
}

// verifyMost is how often a callback that does not answer is asked.
const verifyMost = 3

// verify asks a callback whether it means what was asked on its behalf, and does
// it then. Otherwise what it has stays as it is (WebSub, 5.3).
func (h *Hub) verify(ctx context.Context, w store.SubscriptionWish) {
	if err := h.confirm(ctx, w); err != nil && ctx.Err() == nil {
		h.log.Error("the hub cannot carry out what a subscriber wants", "topic", w.Topic, "host", w.Host, "error", err)
	}
}

func (h *Hub) confirm(ctx context.Context, w store.SubscriptionWish) error {
	if !w.Leave {
		_, err := h.o.Topics.Topic(ctx, w.Topic)
		if feed.CodeOf(err) == feed.CodeNotFound { // it was there when it was asked for
			h.deny(ctx, w.Callback, w.Topic, topicEnded)
			return h.o.Store.DropWish(ctx, w.ID)
		}
	}
	asked := h.o.Now()
	meant, a := h.ask(ctx, w)
	switch {
	case ctx.Err() != nil:
		return nil
	case meant:
		granted, err := h.o.Store.Grant(ctx, w, asked)
		h.log.Debug("a subscriber has confirmed", "topic", w.Topic, "host", w.Host, "leave", w.Leave, "granted", granted)
		poke(h.due) // for what others were sent since it asked
		h.Changed() // if nobody had it there may be news that nobody has looked for
		return err
	case (a.status == 0 || a.status >= 500) && !hopeless(a.err) && w.Attempts < verifyMost:
		return h.o.Store.DelayWish(ctx, w.ID, asked.Add(h.backoff(w.Attempts-1)))
	}
	h.log.Debug("a subscriber has not confirmed", "topic", w.Topic, "host", w.Host, "status", a.status, "error", a.err)
	return h.o.Store.DropWish(ctx, w.ID)
}

// hopeless tells whether asking again would come to the same: there is no such
// host, or it is none that may be asked.
func hopeless(err error) bool {
	var dns *net.DNSError
	return fetch.Refused(err) || errors.As(err, &dns) && dns.IsNotFound
}

// ask makes the request that verifies intent. Only the challenge, byte for byte,
// with a 2xx status is a yes.
func (h *Hub) ask(ctx context.Context, w store.SubscriptionWish) (meant bool, a answer) {
	challenge := rand.Text()
	mode := "subscribe"
	if w.Leave {
		mode = "unsubscribe"
	}
	params := []string{"hub.mode", mode, "hub.topic", w.Topic, "hub.challenge", challenge}
	if !w.Leave {
		params = append(params, "hub.lease_seconds", strconv.FormatInt(int64(w.Lease/time.Second), 10))
	}
	echoed := false
	a = h.request(ctx, http.MethodGet, withParams(w.Callback, params...), nil, nil, func(body []byte) {
		echoed = bytes.Equal(body, []byte(challenge))
	})
	return echoed && a.ok(), a
}

// topicEnded is why a topic is denied that could be subscribed to before: its source is
// gone, or it has another address now.
const topicEnded = "this feed has ended"

// deny tells a callback that it does not get a topic, or no longer (WebSub, 5.2).
// Nothing depends on whether it hears it.
func (h *Hub) deny(ctx context.Context, callback, topic, reason string) {
	a := h.request(ctx, http.MethodGet, withParams(callback, "hub.mode", "denied", "hub.topic", topic, "hub.reason", reason), nil, nil, nil)
	h.log.Debug("a subscriber was denied a topic", "topic", topic, "reason", reason, "status", a.status, "error", a.err)
}

// withParams is a callback's address with parameters after those that it has,
// which stay as they are.
func withParams(address string, pairs ...string) string {
	var b strings.Builder
	b.WriteString(address)
	switch {
	case !strings.Contains(address, "?"):
		b.WriteByte('?')
	case !strings.HasSuffix(address, "?") && !strings.HasSuffix(address, "&"):
		b.WriteByte('&')
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(pairs[i] + "=" + url.QueryEscape(pairs[i+1]))
	}
	return b.String()
}
