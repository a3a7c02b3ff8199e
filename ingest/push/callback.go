package push

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // most hubs sign with it, and as an HMAC it holds
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tributary/feed"
)

const (
	readAtOnce  = 4  // bodies
	queued      = 16 // documents that wait to be taken
	longestEcho = 4 << 10
	tryAgain    = "60" // seconds, where there is no room
)

// arrival is a document that came.
type arrival struct {
	push      feed.Push
	mediaType string
	body      []byte
}

// ServeHTTP answers a hub: by GET it asks whether we meant it, or tells that it
// does not want to; by POST it brings a document.
func (s *Subscriber) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p, found, err := s.o.Store.Push(r.Context(), r.PathValue("id"))
	switch {
	case err != nil:
		http.Error(w, "This cannot be looked up at the moment.", http.StatusServiceUnavailable)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		s.verify(w, r, p, found)
	case r.Method == http.MethodPost:
		s.receive(w, r, p, found)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// verify answers a verification of intent or a denial (WebSub, 5.2 and 5.3).
// Hubs may ask again while a subscription holds.
func (s *Subscriber) verify(w http.ResponseWriter, r *http.Request, p feed.Push, found bool) {
	q := r.URL.Query()
	mode, topic, challenge := q.Get("hub.mode"), q.Get("hub.topic"), q.Get("hub.challenge")
	meant, err := false, error(nil)
	if found && topic == p.Hub.Topic {
		switch leaving := p.State == feed.PushLeaving; {
		case mode == "denied" && !leaving:
			meant, err = true, s.refused(r.Context(), p, q.Get("hub.reason"))
			challenge = ""
		case mode == "denied", mode == "unsubscribe" && leaving:
			meant, err = true, s.o.Store.DropPush(r.Context(), p.ID)
		case mode == "subscribe" && challenge != "" && len(challenge) <= longestEcho:
			meant, err = s.confirm(r.Context(), p, q.Get("hub.lease_seconds"))
		}
	}
	switch {
	case err != nil:
		http.Error(w, "This cannot be noted at the moment.", http.StatusServiceUnavailable)
	case !meant:
		if found { // strangers may ask as often as they like
			s.log.Info("a verification of what was not asked for", "mode", mode, "topic", topic)
		}
		http.Error(w, "This was not asked for.", http.StatusNotFound)
	default:
		// Never as what a browser would run.
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		io.WriteString(w, challenge) //nolint:errcheck // who asked is gone
	}
}

// confirm notes that a subscription holds. A hub that names no lease, as old
// ones do, is believed to give what was asked for.
func (s *Subscriber) confirm(ctx context.Context, p feed.Push, seconds string) (meant bool, err error) {
	lease := s.o.Lease
	if n, err := strconv.ParseInt(seconds, 10, 32); err == nil && n > 0 {
		lease = time.Duration(n) * time.Second
	}
	now := s.o.Now()
	meant, err = s.o.Store.ConfirmPush(ctx, p.ID, now.Add(lease), now.Add(s.renewal(lease)))
	if meant && p.State != feed.PushActive {
		s.log.Info("subscribed", "hub", p.Hub.URL, "topic", p.Hub.Topic, "until", now.Add(lease).UTC().Format(time.RFC3339))
	}
	return meant, err
}

// refused notes that a hub does not want to, or no longer. It is asked again
// much later, or when the source names another.
func (s *Subscriber) refused(ctx context.Context, p feed.Push, reason string) error {
	why := "it refuses" + saying(reason)
	s.log.Warn("a hub refuses a subscription", "hub", p.Hub.URL, "topic", p.Hub.Topic, "reason", reason)
	return s.o.Store.EndPush(ctx, p.ID, feed.PushRefused, why, s.o.Now().Add(againRefused))
}

// receive takes a document (WebSub, 7). The answer says that it came, not what
// becomes of it: one under a wrong signature or none is answered like any
// other, so that nobody learns by trying, and ignored.
func (s *Subscriber) receive(w http.ResponseWriter, r *http.Request, p feed.Push, found bool) {
	switch {
	case !found, p.State == feed.PushLeaving, p.State == feed.PushRefused:
		http.Error(w, "There is no such subscription any more.", http.StatusGone)
		return
	case p.Until.IsZero():
		http.Error(w, "This subscription is not confirmed.", http.StatusNotFound)
		return
	case !identity(r.Header.Get("Content-Encoding")):
		http.Error(w, "Send it without a Content-Encoding.", http.StatusUnsupportedMediaType)
		return
	}
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	default:
		s.full(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.o.MaxBytes))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		s.o.Count("refused")
		http.Error(w, "The document is larger than is taken here.", http.StatusRequestEntityTooLarge)
		return
	} else if err != nil {
		http.Error(w, "The document did not come whole.", http.StatusBadRequest)
		return
	}
	switch {
	case !signed(r.Header.Get("X-Hub-Signature"), p.Secret, body):
		s.o.Count("forged")
		s.log.Warn("a pushed document is ignored, as its signature is missing or wrong", "hub", p.Hub.URL, "topic", p.Hub.Topic, "bytes", len(body),
			"signed", r.Header.Get("X-Hub-Signature") != "")
	case len(bytes.TrimSpace(body)) == 0:
	case !s.enqueue(arrival{p, r.Header.Get("Content-Type"), body}):
		s.full(w)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func identity(coding string) bool { return coding == "" || strings.EqualFold(coding, "identity") }

// full sends a hub away for now: it comes again.
func (s *Subscriber) full(w http.ResponseWriter) {
	s.o.Count("refused")
	w.Header().Set("Retry-After", tryAgain)
	http.Error(w, "There is no room for this at the moment; send it again.", http.StatusServiceUnavailable)
}

// algorithms are those that the Recommendation names (7.1.1). SHA-1 is what most
// hubs sign with; collisions, which it is weak against, forge no HMAC.
var algorithms = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}

// signed tells whether a body is signed with a secret.
func signed(header, secret string, body []byte) bool {
	name, value, _ := strings.Cut(header, "=")
	algorithm := algorithms[strings.ToLower(strings.TrimSpace(name))]
	got, err := hex.DecodeString(strings.TrimSpace(value))
	if algorithm == nil || err != nil {
		return false
	}
	mac := hmac.New(algorithm, []byte(secret))
	mac.Write(body)
	return hmac.Equal(got, mac.Sum(nil))
}

// enqueue has a document taken later, if there is room.
func (s *Subscriber) enqueue(a arrival) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.waiting.Add(1)
	select {
	case s.queue <- a:
		return true
	default:
		s.waiting.Done()
		return false
	}
}

// close lets nothing in any more.
func (s *Subscriber) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.queue)
	}
}

// takes takes in what came, one after the other: an older document of a source
// must not come after a newer one.
func (s *Subscriber) takes(ctx context.Context) {
	for a := range s.queue {
		if err := s.take(ctx, a); err != nil {
			s.o.Count("failed")
			s.log.Warn("a pushed document was not taken; what it brought is found by the next poll", "hub", a.push.Hub.URL, "topic", a.push.Hub.Topic, "error", err)
		} else {
			s.o.Count("taken")
		}
		s.waiting.Done()
	}
}

func (s *Subscriber) take(ctx context.Context, a arrival) error {
	src, err := s.o.Store.SourceByID(ctx, a.push.SourceID)
	if err != nil {
		return err
	}
	return s.o.Take(ctx, src, feed.Document{URL: cmp.Or(src.State.FetchURL, src.URL), MediaType: a.mediaType, Body: a.body})
}
