package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"
	"golang.org/x/time/rate"

	"tributary/feed"
	"tributary/ingest/fetch"
	"tributary/store"
)

// Bounds of what a subscriber may say. Together a topic and a callback are a key
// of the database, which is why they are not longer.
const (
	requestBytes = 16 << 10
	addressBytes = store.LongestTopic
	secretBytes  = 200 // less than that (WebSub, 5.1)
)

// refusal is why a request is not accepted, for who develops the subscriber.
type refusal struct {
	status int
	text   string
	wait   time.Duration // until it is worth asking again
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status: status, text: fmt.Sprintf(format, args...)}
}

// ServeHTTP answers a subscriber's request (WebSub, 5.1): 202, and the callback
// is asked after that.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	err := h.receive(w, r)
	var no *refusal
	switch {
	case err == nil:
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, "Accepted: the callback is asked next whether it wants this.\n")
	case errors.As(err, &no):
		if no.wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int((no.wait+time.Second-1)/time.Second)))
		}
		w.WriteHeader(no.status)
		io.WriteString(w, no.text+"\n")
	default:
		if r.Context().Err() == nil {
			h.log.Error("the hub cannot take a request", "error", err)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, "The hub cannot take this now. Please try again later.\n")
	}
}

func (h *Hub) receive(w http.ResponseWriter, r *http.Request) error {
	if wait := h.clients.wait(network(h.o.From(r))); wait > 0 {
		return &refusal{http.StatusTooManyRequests, "There were too many requests from your address: ask again later.", wait}
	}
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	wish, err := h.wish(form)
	if err != nil {
		return err
	}
	if wait := h.askedOf(wish); wait > 0 {
		return &refusal{http.StatusTooManyRequests, "hub.callback: its host has been asked often in the last minute: ask again later.", wait}
	}
	var state store.TopicState
	known, err := h.o.Store.Subscribed(r.Context(), wish.Topic, wish.Callback)
	if err != nil {
		return err
	}
	switch {
	case wish.Leave && !known:
		return refuse(http.StatusNotFound, "hub.callback: it has no subscription to this hub.topic; both must be as they were when it subscribed.")
	case !wish.Leave:
		if state, err = h.state(r.Context(), wish.Topic); err == nil && !known {
			err = h.admit(r.Context(), wish)
		}
		if err != nil {
			return err
		}
	}
	if err := h.o.Store.Wish(r.Context(), wish, state, h.o.Now()); err != nil {
		return err
	}
	poke(h.due)
	return nil
}

// askedOf counts that a callback will be asked, whoever wants that: 0, or how long
// to wait. So nobody has us flood others. Hosts that are not public can only be meant
// by their owner.
func (h *Hub) askedOf(w store.SubscriptionWish) time.Duration {
	if !fetch.Public(w.Callback) {
		return 0
	}
	return h.hosts.wait(w.Host)
}

// state is what there is of a topic now.
func (h *Hub) state(ctx context.Context, topic string) (store.TopicState, error) {
	doc, err := h.o.Topics.Topic(ctx, topic)
	switch feed.CodeOf(err) {
	case feed.CodeNotFound:
		err = refuse(http.StatusNotFound, "hub.topic: %s", message(err))
	case feed.CodeUnavailable: // who should make it has said why
		err = &refusal{http.StatusServiceUnavailable, "hub.topic: this feed cannot be made now: ask again in half a minute.", 30 * time.Second}
	}
	return store.TopicState{Topic: topic, Change: doc.Change, Listed: doc.Listed}, err
}

// admit refuses another subscription where there are enough.
func (h *Hub) admit(ctx context.Context, w store.SubscriptionWish) error {
	n, err := h.o.Store.CountSubscriptions(ctx, w.Host, w.Topic)
	switch {
	case err != nil:
		return err
	case n.AtHost >= h.o.PerHost:
		return &refusal{http.StatusTooManyRequests, fmt.Sprintf("hub.callback: there are %d subscriptions for %s already, which is the most this hub takes: end some first.",
			n.AtHost, w.Host), time.Hour}
	case !h.main(w.Topic) && n.TopicsAtHost >= h.o.TopicsHost:
		return &refusal{http.StatusTooManyRequests, fmt.Sprintf("hub.topic: callbacks at %s have %d feeds already, and this hub sends no more to one host but its main ones: end some first.",
			w.Host, n.TopicsAtHost), time.Hour}
	case n.All >= h.o.Most, !h.main(w.Topic) && n.OtherTopics >= h.o.MostTopics:
		return &refusal{http.StatusServiceUnavailable, "This hub has as many subscriptions as it can take: ask again later.", time.Hour}
	}
	return nil
}

// readForm reads the parameters of the body. Those of the URL don't count.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != formType {
		return nil, refuse(http.StatusUnsupportedMediaType, "Send the parameters in the body, with Content-Type: %s.", formType)
	}
	r.Body = http.MaxBytesReader(w, r.Body, requestBytes)
	err := r.ParseForm()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, refuse(http.StatusRequestEntityTooLarge, "The request is longer than %d bytes.", requestBytes)
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "The parameters are malformed: send them form-urlencoded.")
	}
	return r.PostForm, nil
}

// wish reads what a request asks for. Parameters that it does not know it ignores.
func (h *Hub) wish(form url.Values) (w store.SubscriptionWish, err error) {
	switch mode := form.Get("hub.mode"); mode {
	case "subscribe":
	case "unsubscribe":
		w.Leave = true
	case "":
		return w, refuse(http.StatusBadRequest, "hub.mode is missing: it is subscribe or unsubscribe.")
	default:
		return w, refuse(http.StatusBadRequest, "hub.mode: %q is not understood; it is subscribe or unsubscribe.", short(mode))
	}
	if w.Topic = form.Get("hub.topic"); w.Topic == "" || len(w.Topic) > addressBytes || !plain(w.Topic) {
		return w, refuse(http.StatusBadRequest, "hub.topic: give the address that a feed of ours names as its own (rel=self).")
	}
	w.Callback = form.Get("hub.callback")
	if w.Host, err = h.callbackHost(w.Callback); err != nil {
		return w, err
	}
	if w.Secret = form.Get("hub.secret"); len(w.Secret) >= secretBytes || !utf8.ValidString(w.Secret) || strings.ContainsRune(w.Secret, 0) {
		return w, refuse(http.StatusBadRequest, "hub.secret: it must be text of less than %d bytes.", secretBytes)
	}
	if !w.Leave {
		w.Lease, err = lease(form.Get("hub.lease_seconds"))
	}
	return w, err
}

// callbackHost checks a callback's address, which is used as it is given, and
// names what its host is limited by.
func (h *Hub) callbackHost(callback string) (string, error) {
	const right = "give an address like https://example.org/push/4711"
	if callback == "" {
		return "", refuse(http.StatusBadRequest, "hub.callback is missing: %s.", right)
	}
	u, err := url.Parse(callback)
	switch {
	case err != nil, len(callback) > addressBytes, !plain(callback), fetch.HostOf(callback) == "":
		return "", refuse(http.StatusBadRequest, "hub.callback: this is no http or https address of at most %d bytes; %s.", addressBytes, right)
	case u.User != nil, strings.Contains(callback, "#"):
		return "", refuse(http.StatusBadRequest, "hub.callback: it must have neither a user nor a fragment; %s.", right)
	}
	if err := fetch.Reachable(callback, h.o.AllowPrivate); err != nil {
		return "", refuse(http.StatusBadRequest, "hub.callback: %s, and this hub sends to public addresses only.", err)
	}
	return limitedBy(fetch.HostOf(callback)), nil
}

// limitedBy is what limits for a host count by, so that ports and subdomains, of which
// anybody can have any number, do not multiply them: of a public name the domain that was registered,
// of a public address the address, of IPv6 its network. Addresses that are not public keep
// their ports: those are our own programs.
func limitedBy(host string) string {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		if literallyNear(host) {
			return host
		}
		return network(addr.Unmap().WithZone(""))
	}
	suffix, icann := publicsuffix.PublicSuffix(name)
	if domain, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil && (icann || strings.Contains(suffix, ".")) {
		return domain
	}
	return name // nobody sells names there: it is of a network of our own
}

// plain tells whether an address is text without spaces and control characters.
func plain(address string) bool {
	return utf8.ValidString(address) && !strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '<' || r == '>' })
}

// lease reads how long a subscription is to last.
func lease(said string) (time.Duration, error) {
	if said == "" {
		return leaseUsual, nil
	}
	n, err := strconv.ParseUint(said, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return leaseMost, nil
	}
	if err != nil || n == 0 {
		return 0, refuse(http.StatusBadRequest, "hub.lease_seconds: %q is not a whole number of seconds above 0.", short(said))
	}
	return max(time.Duration(min(n, uint64(leaseMost/time.Second)))*time.Second, leaseLeast), nil
}

// short is the beginning of what somebody sent, to repeat it to them.
func short(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// pace holds back who asks, or is asked, too often.
type pace struct {
	perMinute int
	now       func() time.Time

	mu     sync.Mutex
	limits map[string]*rate.Limiter
}

// pacedMost is how many are kept: who has more is not held back by any limit.
const pacedMost = 10_000

func newPace(perMinute int, now func() time.Time) *pace {
	return &pace{perMinute: perMinute, now: now, limits: map[string]*rate.Limiter{}}
}

// network is what a client has of addresses.
func network(from netip.Addr) string {
	if p, err := from.Prefix(64); err == nil && from.Is6() {
		from = p.Addr()
	}
	return from.String()
}

// wait counts a request: 0, or how long it is to wait.
func (c *pace) wait(who string) time.Duration {
	if c.perMinute < 0 {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	limit := c.limits[who]
	if limit == nil {
		if len(c.limits) >= pacedMost {
			clear(c.limits)
		}
		limit = rate.NewLimiter(rate.Every(time.Minute/time.Duration(c.perMinute)), c.perMinute)
		c.limits[who] = limit
	}
	if now := c.now(); !limit.AllowN(now, 1) {
		return time.Minute / time.Duration(c.perMinute)
	}
	return 0
}
