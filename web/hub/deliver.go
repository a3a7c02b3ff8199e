package hub

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tributary/feed"
	"tributary/store"
)

// takenFor is how long what was taken from the queue is kept from others, in
// waits and requests: after a crash it is sent again that much later at most.
func (h *Hub) takenFor() time.Duration { return h.o.Timeout + 20*time.Second }

// sends takes from the queue what is due, as far as there is room.
func (h *Hub) sends(ctx context.Context) {
	for ctx.Err() == nil {
		if !h.o.Ours() {
			pause(ctx, lookEvery)
			continue
		}
		n, wait, err := h.take(ctx)
		if err != nil && ctx.Err() == nil {
			h.log.Error("the hub cannot read what there is to send, and tries again", "error", err)
		}
		if n > 0 && err == nil {
			continue
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-h.due:
		case <-t.C:
		}
		t.Stop()
	}
}

const takenAtOnce = 256

// take takes what is due, and tells how much that was, and how long there is
// nothing more.
func (h *Hub) take(ctx context.Context) (n int, wait time.Duration, err error) {
	room, busy := h.lanes.free()
	if room < takenAtOnce {
		return 0, lookEvery, nil // h.due tells when there is room
	}
	now := h.o.Now()
	next, err := h.o.Store.NextDelivery(ctx)
	if err != nil || next.IsZero() || next.After(now) {
		wait = lookEvery
		if !next.IsZero() {
			wait = min(wait, max(next.Sub(now), time.Millisecond))
		}
		return 0, wait, err
	}
	until := now.Add(h.takenFor())
	deliveries, err := h.o.Store.TakeDeliveries(ctx, takenAtOnce, busy, now, until)
	if err != nil {
		return 0, lookEvery, err
	}
	for _, d := range deliveries {
		h.lanes.add(h.delivering(d))
	}
	if n = len(deliveries); room-n <= waitingMost/2 { // verifications fill half of it at most
		return n, time.Second, nil
	}
	wishes, err := h.o.Store.TakeWishes(ctx, takenAtOnce, busy, now, until)
	if err != nil {
		return n, lookEvery, err
	}
	for _, w := range wishes {
		h.lanes.add(h.verifying(w))
	}
	return n + len(wishes), time.Second, nil // what else is due is for hosts that are busy
}

// latest is when a request of what was taken now must have begun.
func (h *Hub) latest() time.Time { return time.Now().Add(h.takenFor() - h.o.Timeout - 5*time.Second) }

func (h *Hub) delivering(d store.Delivery) job {
	return job{host: d.Host, until: h.latest(),
		run: func(ctx context.Context) {
			if s, ok := h.deliver(ctx, d); ok {
				h.count(s.Outcome)
				h.results <- s
			}
		},
		leave: func() {
			h.results <- store.Settled{Subscription: d.Subscription, Outcome: store.Postponed, Next: h.o.Now()}
		},
	}
}

// deliver sends a subscriber its topic's present document. It is not ok when the
// program stops or the store fails: then the delivery comes up again by itself.
//
// The secret is read last, when there is nothing more to wait for.
func (h *Hub) deliver(ctx context.Context, d store.Delivery) (s store.Settled, ok bool) {
	s = store.Settled{Subscription: d.Subscription, Change: d.Change}
	doc, docErr := h.o.Topics.Topic(ctx, d.Topic)
	sub, found, err := h.o.Store.Subscription(ctx, d.Subscription)
	gone := feed.CodeOf(docErr) == feed.CodeNotFound
	switch {
	case err != nil:
		return s, false
	case !found, !sub.Until.After(h.o.Now()):
		s.Outcome = store.Over
		return s, true
	case gone:
		if !sub.Ping {
			h.deny(ctx, sub.Callback, sub.Topic, topicEnded)
		}
		s.Outcome = store.Over
		return s, ctx.Err() == nil
	case docErr != nil:
		h.log.Debug("a document to deliver cannot be read, and is tried again", "topic", d.Topic, "error", docErr)
		s.Outcome, s.Next = store.Postponed, h.o.Now().Add(lookEvery)
		return s, ctx.Err() == nil
	case doc.Change < d.Change: // another process has seen more than this one
		s.Outcome, s.Next = store.Postponed, h.o.Now().Add(time.Second)
		return s, true
	}
	s.Change = doc.Change
	a := h.send(ctx, sub, doc)
	if ctx.Err() != nil && a.err != nil {
		return s, false
	}
	h.judge(&s, sub, d, a)
	return s, true
}

// judge says what an answer makes of a delivery.
func (h *Hub) judge(s *store.Settled, sub store.Subscription, d store.Delivery, a answer) {
	switch {
	case a.ok():
		s.Outcome = store.Delivered
		return
	case a.status == http.StatusGone && !sub.Ping:
		h.log.Debug("a subscriber is gone", "host", sub.Host, "topic", sub.Topic)
		s.Outcome = store.Over
		return
	}
	now := h.o.Now()
	s.Outcome, s.Next = store.Failed, now.Add(max(h.backoff(d.Attempts), a.wait))
	if s.Next.Sub(d.Since) > h.o.GiveUpAfter {
		s.Outcome = store.GivenUp
	}
	h.log.Debug("a delivery failed", "host", sub.Host, "topic", sub.Topic, "attempts", d.Attempts+1, "status", a.status, "error", a.err,
		"again", s.Next, "given_up", s.Outcome == store.GivenUp)
}

// backoff is the pause after a failure, with jitter so that failures of one time
// don't stay together.
func (h *Hub) backoff(before int) time.Duration {
	d := h.o.Backoff[min(before, len(h.o.Backoff)-1)]
	return d + rand.N(d/5+1)
}

// send makes the request of a content distribution (WebSub, 7), or tells a hub
// elsewhere that there is news.
func (h *Hub) send(ctx context.Context, sub store.Subscription, doc Document) answer {
	if sub.Ping {
		form := url.Values{"hub.mode": {"publish"}, "hub.url": {sub.Topic}, "hub.topic": {sub.Topic}}
		return h.request(ctx, http.MethodPost, sub.Callback, http.Header{"Content-Type": {formType}}, []byte(form.Encode()), nil)
	}
	header := http.Header{
		"Content-Type": {doc.MediaType},
		"Link":         {`<` + h.o.URL + `>; rel="hub", <` + sub.Topic + `>; rel="self"`},
	}
	if sub.Secret != "" {
		header.Set("X-Hub-Signature", signature(sub.Secret, doc.Body))
	}
	return h.request(ctx, http.MethodPost, sub.Callback, header, doc.Body, nil)
}

// signature is the value of X-Hub-Signature (WebSub, 7.1).
func signature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// answer is what came of a request.
type answer struct {
	status int           // 0: there was no answer
	wait   time.Duration // that the answer asks for
	err    error
}

func (a answer) ok() bool { return a.err == nil && a.status >= 200 && a.status <= 299 }

const (
	formType    = "application/x-www-form-urlencoded"
	answerBytes = 4 << 10 // of an answer that are read
	waitMost    = 24 * time.Hour
)

// request asks a callback. A redirect is an answer like others: subscriptions
// don't move by one (WebSub, 5.3.1 and 7). read is given the beginning of the
// answer's body, unless it is nil.
func (h *Hub) request(ctx context.Context, method, address string, header http.Header, body []byte, read func([]byte)) (a answer) {
	ctx, cancel := context.WithTimeout(ctx, h.o.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("User-Agent", h.o.UserAgent)
	res, err := h.transport.RoundTrip(r)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	a = answer{status: res.StatusCode, wait: h.retryAfter(res.Header)}
	got, err := io.ReadAll(io.LimitReader(res.Body, answerBytes))
	if read != nil {
		a.err = err
		read(got)
	}
	return a
}

// retryAfter is how long an answer asks to wait (RFC 9110, 10.2.3).
func (h *Hub) retryAfter(header http.Header) time.Duration {
	said := strings.TrimSpace(header.Get("Retry-After"))
	var wait time.Duration
	if n, err := strconv.Atoi(said); err == nil && n > 0 {
		wait = time.Duration(min(n, int(waitMost/time.Second))) * time.Second
	} else if at, err := http.ParseTime(said); err == nil {
		wait = at.Sub(h.o.Now())
	}
	return min(max(wait, 0), waitMost)
}

// settles stores what became of deliveries, many at a time, until all are told.
func (h *Hub) settles() {
	for first := range h.results {
		all := []store.Settled{first}
		gather := time.After(gatherFor)
	more:
		for len(all) < settledAtOnce {
			select {
			case s, open := <-h.results:
				if !open {
					break more
				}
				all = append(all, s)
			case <-gather:
				break more
			}
		}
		h.settle(all)
	}
}

// gatherFor is how long results are collected for one transaction.
const gatherFor = 20 * time.Millisecond

// settle stores what became of some. If that fails they are sent again: rather
// twice than never.
func (h *Hub) settle(all []store.Settled) {
	ctx, cancel := context.WithTimeout(context.Background(), settleWithin)
	defer cancel()
	if err := h.o.Store.Settle(ctx, all, h.o.Now()); err != nil {
		h.log.Error("the hub cannot note what was delivered, and will send it again", "deliveries", len(all), "error", err)
	}
	poke(h.due)
}

// message is what a subscriber may read of an error.
func message(err error) string {
	var e *feed.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}
