package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"tributary/feed"
)

// Wrong tokens that one address may send: a few at once, then one every so often.
const (
	wrongAtOnce = 5
	wrongEvery  = time.Minute / 5
	// strangers bounds how many addresses are remembered.
	strangers = 4096
)

// guard compares tokens and slows down those who guess. The right one always
// passes, so that nobody who shares its owner's address (a proxy's, say) can
// lock them out; a token is long enough that guessing it needs no more defence.
type guard struct {
	sum [sha256.Size]byte
	set bool
	now func() time.Time

	mu    sync.Mutex
	wrong map[netip.Addr]*rate.Limiter
}

func newGuard(token string, now func() time.Time) *guard {
	return &guard{sum: sha256.Sum256([]byte(token)), set: token != "", now: now, wrong: map[netip.Addr]*rate.Limiter{}}
}

// tooManyError tells a client to wait.
type tooManyError struct{ wait time.Duration }

func (e tooManyError) Error() string {
	return "Too many wrong tokens or keys came from your address. Try again in " + strconv.Itoa(e.seconds()) + " seconds."
}

func (e tooManyError) seconds() int { return int(e.wait.Seconds()) + 1 }

// check returns nil for the right token, a tooManyError, or an error with
// CodeDenied. Hashes are compared, in constant time, so that not even the
// token's length shows.
func (g *guard) check(from netip.Addr, token string) error {
	sum := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(sum[:], g.sum[:]) == 1 && g.set {
		return nil
	}
	return g.wrongly(from, "The token is wrong. It is in the file “token” of the data folder, or what TRIBUTARY_TOKEN says.")
}

// wrongly counts a wrong token or key, and returns what to answer: a
// tooManyError, or an error with CodeDenied and this text.
func (g *guard) wrongly(from netip.Addr, text string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	client, now := networkOf(from), g.now()
	limit := g.wrong[client]
	if limit != nil && limit.TokensAt(now) < 1 {
		return &feed.Error{Code: feed.CodeDenied, Message: tooManyError{wrongEvery}.Error(), Err: tooManyError{wrongEvery}}
	}
	if limit == nil {
		if len(g.wrong) >= strangers {
			clear(g.wrong) // who has that many addresses is not held back by any limit
		}
		limit = rate.NewLimiter(rate.Every(wrongEvery), wrongAtOnce)
		g.wrong[client] = limit
	}
	limit.AllowN(now, 1)
	return feed.Errorf(feed.CodeDenied, "%s", text)
}

// networkOf is the address that wrong tokens are counted for: of IPv6 the
// network, because a client has all of that.
func networkOf(addr netip.Addr) netip.Addr {
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return addr
}

// retryAfter is the Retry-After value of an error that asks to wait, else "".
func retryAfter(err error) string {
	var e tooManyError
	if errors.As(err, &e) {
		return strconv.Itoa(e.seconds())
	}
	return ""
}

// bearer is the token of the Authorization header (RFC 6750, 2.1), the only
// place of a request to the API where one is looked for.
func bearer(r *http.Request) (token string, ok bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}

// ours refuses what pages of other sites send to change something here. A bearer
// token is let through: no browser adds one by itself.
func (s *Server) ours(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.crossOrigin.Check(r) != nil {
			if _, ok := bearer(r); !ok {
				s.errorPage(w, r, http.StatusForbidden, "This cannot be done", "This was sent from another site. Open this site's own page and do it there.")
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}

// newCrossOrigin lets our own pages send forms and no others: by
// Sec-Fetch-Site, else by comparing Origin with the host that was asked or
// with the configured base URL, which differ behind a proxy.
func newCrossOrigin(base string) *http.CrossOriginProtection {
	c := http.NewCrossOriginProtection()
	if u, err := url.Parse(base); err == nil && u.Host != "" {
		_ = c.AddTrustedOrigin(u.Scheme + "://" + u.Host) // fails for a malformed origin only; then it trusts none
	}
	return c
}
