package scheduler

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/feed"
)

// movedClock is a clock that a test sets.
type movedClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *movedClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *movedClock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = t
}

func (c *movedClock) later(d time.Duration) { c.set(c.now().Add(d)) }

const (
	dayHosts     = 40
	feedsPerHost = 5
	dayUserAgent = "Tributary/1.0 (+https://reader.example/fetching)"

	// Hosts with a part of their own; the others are numbered from 0.
	limitsBySeconds = 36 // 429 with Retry-After in seconds, for all its feeds
	limitsByDate    = 37 // likewise, as a date
	limitsWordless  = 38 // 429 without Retry-After
	deadHost        = 39 // nobody listens
)

// world is a stretch of the web, which keeps a record of how it is treated.
type world struct {
	t     *testing.T
	clock *movedClock
	began time.Time
	hosts []*webHost
	feeds []*webFeed

	mu         sync.Mutex
	complaints []string // what publishers would write to us about
}

// webHost is a host. What happens there goes on under its mu, one request at a
// time if all is well.
type webHost struct {
	w       *world
	n       int
	address string
	server  *http.Server
	served  chan struct{} // closed when the server has ended

	mu        sync.Mutex
	busy      int
	busiest   int
	requests  int
	routes    map[string]http.HandlerFunc
	limited   span      // when it answers 429
	notBefore time.Time // as it told us
	paused    []span    // what it told us
}

// span is a stretch of time.
type span struct{ from, until time.Time }

func (s span) has(t time.Time) bool { return !t.Before(s.from) && t.Before(s.until) }

// webFeed is a feed, and the record of its polls.
type webFeed struct {
	w       *world
	n       int
	host    *webHost // that its address names
	home    *webHost // that its document is on, another one where it was moved
	path    string
	entry   string        // the path of its address, where that is another one
	every   string        // what its reader wants
	floor   time.Duration // between polls, at least
	wait    time.Duration // between polls, at most, while all is well
	how     validators
	header  map[string]string
	ttl     int // minutes
	packed  bool
	items   []webItem // oldest first
	fault   *fault
	faultAt []span

	mu        sync.Mutex
	notBefore time.Time            // as its server told us
	polls     map[string]time.Time // last one, by path
	again     bool                 // it was the second for one fetch
	sent      sentValidators       // by the last whole 200
	whole     int                  // number of items in it; -1: there was none
	good      []goodAnswer
	counts    pollCounts
}

type validators int

const (
	bothValidators validators = iota
	onlyETag
	weakETag
	onlyModified
	noValidators
)

type webItem struct {
	title   string
	appears time.Time
}

type sentValidators struct{ etag, modified string }

// goodAnswer is a 200 with the whole document, or a 304.
type goodAnswer struct {
	at    time.Time
	items int
}

type pollCounts struct{ polls, unchanged, unchanged304, bad int }

func (w *world) complain(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complaints = append(w.complaints, w.clock.now().Format("15:04 ")+fmt.Sprintf(format, args...))
}

// hour is a time of the day.
func (w *world) hour(h float64) time.Time {
	return w.began.Add(time.Duration(h * float64(time.Hour)))
}

func newWorld(t *testing.T, clock *movedClock) *world {
	w := &world{t: t, clock: clock, began: clock.now()}
	for n := range dayHosts {
		w.hosts = append(w.hosts, w.newHost(n))
	}
	for n := range dayHosts * feedsPerHost {
		w.feeds = append(w.feeds, w.newFeed(n))
	}
	w.spoil()
	for _, f := range w.feeds {
		f.open()
	}
	w.up()
	t.Cleanup(w.down)
	return w
}

// dayPort is the same each time, so that the day is: what is due when depends
// on a source's address. Where it is taken another one does.
const dayPort = "17017"

func (w *world) newHost(n int) *webHost {
	h := &webHost{w: w, n: n, routes: map[string]http.HandlerFunc{}}
	l := listenOn(w.t, fmt.Sprintf("127.71.3.%d:%s", n+1, dayPort), fmt.Sprintf("127.71.3.%d:0", n+1))
	h.address = l.Addr().String()
	l.Close()
	return h
}

// listenOn listens on the first of the addresses that is free.
func listenOn(t *testing.T, addresses ...string) net.Listener {
	t.Helper()
	var err error
	for _, a := range addresses {
		var l net.Listener
		if l, err = net.Listen("tcp", a); err == nil {
			return l
		}
	}
	t.Skipf("this system does not let us listen throughout 127.0.0.0/8: %v", err)
	return nil
}

// up brings the network up.
func (w *world) up() {
	for _, h := range w.hosts {
		if h.n == deadHost {
			continue
		}
		l := listenOn(w.t, h.address)
		h.server, h.served = &http.Server{Handler: h}, make(chan struct{})
		go func() {
			defer close(h.served)
			_ = h.server.Serve(l) // ends when it is closed
		}()
	}
}

// down takes it down: every connection is refused.
func (w *world) down() {
	for _, h := range w.hosts {
		if h.server != nil {
			h.server.Close()
			<-h.served
			h.server = nil
		}
	}
}

// together is how long a host looks whether a second request comes while it
// is at the first.
const together = time.Millisecond

func (h *webHost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.enter(r)
	time.Sleep(together)
	answer := h.leave(r)
	// Until the answer begins, the client has no reason to send another one.
	answer(w, r)
}

func (h *webHost) enter(r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests++
	h.busy++
	h.busiest = max(h.busiest, h.busy)
	if h.busy > 1 {
		h.w.complain("%s: %d requests at a time", h.address, h.busy)
	}
	if now := h.w.clock.now(); now.Before(h.notBefore) {
		h.w.complain("%s%s: asked before %s, though the host was limited", h.address, r.URL, h.notBefore.Format("15:04"))
	}
	if r.Header.Get("User-Agent") != dayUserAgent || r.Header.Get("Cookie") != "" || r.Header.Get("Referer") != "" || r.URL.RawQuery != "" {
		h.w.complain("%s%s: headers %v", h.address, r.URL, r.Header)
	}
}

// leave ends what the host does for itself, and gives the answer to send.
func (h *webHost) leave(r *http.Request) http.HandlerFunc {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy--
	route := h.routes[r.URL.Path]
	switch {
	case route == nil:
		h.w.complain("%s: nobody told us of %s", h.address, r.URL)
		return http.NotFound
	case h.limited.has(h.w.clock.now()):
		return h.tooMany
	}
	return route
}

// tooMany is 429 in the host's own form.
func (h *webHost) tooMany(w http.ResponseWriter, _ *http.Request) {
	now := h.w.clock.now()
	const pause = 100 * time.Minute
	until := now.Add(pause)
	w.Header().Set("Date", httpTime(now))
	switch h.n {
	case limitsBySeconds:
		w.Header().Set("Retry-After", fmt.Sprint(int(pause.Seconds())))
	case limitsByDate:
		w.Header().Set("Retry-After", httpTime(until))
	default:
		until = now.Add(time.Hour) // the least that is decent
	}
	h.mu.Lock()
	h.notBefore = until
	h.paused = append(h.paused, span{now, until})
	h.mu.Unlock()
	http.Error(w, "slow down", http.StatusTooManyRequests)
}

func httpTime(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// newFeed makes a feed that works, with some of the habits that feeds have.
func (w *world) newFeed(n int) *webFeed {
	host := w.hosts[n/feedsPerHost]
	f := &webFeed{
		w: w, n: n, host: host, home: host, path: fmt.Sprintf("/feed/%03d.xml", n), floor: time.Hour, wait: time.Hour,
		how: validators(n % 4), header: map[string]string{}, packed: n%7 == 3, polls: map[string]time.Time{}, whole: -1,
	}
	switch n {
	case 44, 94, 144:
		f.how, f.wait = noValidators, 24*time.Hour
	case 13:
		f.every, f.floor, f.wait = "30m", 30*time.Minute, 30*time.Minute
	case 14:
		f.every, f.wait = "4h", 4*time.Hour
	case 23:
		f.every, f.floor, f.wait = "40 */2 * * *", 40*time.Minute, 2*time.Hour // its first poll is at midnight
	case 24:
		f.ttl, f.wait = 180, 3*time.Hour
	case 33:
		f.header["Cache-Control"], f.wait = "public, max-age=7200", 2*time.Hour
	}
	if host.n == limitsBySeconds || host.n == limitsByDate { // so that they come due apart
		f.wait += time.Duration(n%feedsPerHost) * 10 * time.Minute
		f.header["Cache-Control"] = fmt.Sprintf("max-age=%d", int(f.wait.Seconds()))
	}
	f.write()
	return f
}

// write makes up what the feed will say that day: five old items, and up to
// three new ones.
func (f *webFeed) write() {
	r := rand.New(rand.NewPCG(2026, uint64(f.n)))
	add := func(at time.Time) { f.items = append(f.items, webItem{appears: at}) }
	for i := range 5 {
		add(f.w.began.Add(-time.Duration(i+1)*5*time.Hour - time.Duration(f.n)*time.Second))
	}
	if f.how != noValidators { // they will be asked once a day only
		for range r.IntN(4) {
			add(f.w.began.Add(time.Duration(10+r.IntN(21*60)) * time.Minute))
		}
	}
	slices.SortFunc(f.items, func(a, b webItem) int { return a.appears.Compare(b.appears) })
	for i := range f.items {
		f.items[i].title = fmt.Sprintf("Feed %03d, article %02d", f.n, i)
	}
}

// source is how the feed is declared.
func (f *webFeed) source() feed.Source {
	return feed.Source{
		Slug: f.slug(), Kind: feed.KindFeed, URL: "http://" + f.host.address + cmp.Or(f.entry, f.path), Every: f.every,
		Enabled: true, Origin: feed.OriginConfig, Position: f.n,
	}
}

func (f *webFeed) slug() string { return fmt.Sprintf("feed-%03d", f.n) }

// open puts the feed on the web.
func (f *webFeed) open() {
	if f.fault != nil && f.fault.move != nil {
		f.fault.move(f)
		return
	}
	f.home.routes[f.path] = f.serve
}

// serve answers a poll.
func (f *webFeed) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.note(r)
	f.noteConditions(r)
	faulty := f.faulty()
	if faulty {
		f.counts.bad++
	}
	f.mu.Unlock()
	if faulty {
		f.fault.answer(f, w, r)
		return
	}
	f.document(w, r)
}

// note records a poll, and what is wrong with it.
func (f *webFeed) note(r *http.Request) {
	now, path := f.w.clock.now(), r.URL.Path
	last, ok := f.polls[path]
	f.polls[path] = now
	if f.again = !f.again && now.Equal(last) && f.fault != nil && f.fault.again; f.again {
		return
	}
	if ok && now.Sub(last) < f.floor {
		f.w.complain("%s%s: asked again after %v", r.Host, path, now.Sub(last))
	}
	if now.Before(f.notBefore) {
		f.w.complain("%s%s: asked before %s, its Retry-After", r.Host, path, f.notBefore.Format("15:04"))
	}
}

// noteConditions records what is wrong with the validators that were sent.
func (f *webFeed) noteConditions(r *http.Request) {
	f.counts.polls++
	got := sentValidators{r.Header.Get("If-None-Match"), r.Header.Get("If-Modified-Since")}
	none := sentValidators{}
	if got == none && f.sent != none && !f.fault.isPartly() {
		f.w.complain("%s%s: asked without %q, which the last document had", r.Host, r.URL, f.sent)
	}
	if got != f.sent && got != none {
		f.w.complain("%s%s: asked with %q, though the last document had %q", r.Host, r.URL, got, f.sent)
	}
}

// faulty tells whether the feed is out of order now.
func (f *webFeed) faulty() bool {
	now := f.w.clock.now()
	return f.fault != nil && slices.ContainsFunc(f.faultAt, func(s span) bool { return s.has(now) })
}

// document answers with the document, or 304.
func (f *webFeed) document(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.w.clock.now()
	n := f.published(now)
	is := f.validators(n)
	for name, value := range f.header {
		w.Header().Set(name, value)
	}
	setUnless(w, "ETag", is.etag)
	setUnless(w, "Last-Modified", is.modified)
	f.good = append(f.good, goodAnswer{now, n})
	if n == f.whole {
		f.counts.unchanged++
	}
	if etag, since := r.Header.Get("If-None-Match"), r.Header.Get("If-Modified-Since"); etag != "" && etag == is.etag ||
		etag == "" && since != "" && since == is.modified {
		if n == f.whole {
			f.counts.unchanged304++
		}
		w.WriteHeader(http.StatusNotModified)
		return
	}
	f.sent, f.whole = is, n
	body := f.xml(n)
	if f.packed {
		w.Header().Set("Content-Encoding", "gzip")
		body = zipped(body)
	}
	w.Header().Set("Content-Type", "application/rss+xml")
	_, _ = w.Write(body) // the client's to notice
}

func setUnless(w http.ResponseWriter, name, value string) {
	if value != "" {
		w.Header().Set(name, value)
	}
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

// published is how many of the feed's items are there at a time.
func (f *webFeed) published(at time.Time) int {
	n := 0
	for _, i := range f.items {
		if !i.appears.After(at) {
			n++
		}
	}
	return n
}

// validators are those of the document with n items.
func (f *webFeed) validators(n int) sentValidators {
	etag, modified := fmt.Sprintf(`"%03d-%d"`, f.n, n), httpTime(f.items[n-1].appears)
	switch f.how {
	case onlyETag:
		return sentValidators{etag: etag}
	case weakETag:
		return sentValidators{etag: "W/" + etag, modified: modified}
	case onlyModified:
		return sentValidators{modified: modified}
	case noValidators:
		return sentValidators{}
	}
	return sentValidators{etag, modified}
}

// xml is the document with n items, the newest first.
func (f *webFeed) xml(n int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<?xml version="1.0"?><rss version="2.0"><channel><title>Feed %03d</title><link>http://%s/</link><description>News</description>`, f.n, f.host.address)
	if f.ttl > 0 {
		fmt.Fprintf(&b, "<ttl>%d</ttl>", f.ttl)
	}
	for i := n - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "<item><guid isPermaLink=\"false\">%d-%d</guid><link>http://%s/%d/%d</link><title>%s</title><description>%s</description><pubDate>%s</pubDate></item>",
			f.n, i, f.host.address, f.n, i, f.items[i].title, strings.Repeat("What was said of it. ", 5), f.items[i].appears.Format(time.RFC1123Z))
	}
	b.WriteString("</channel></rss>")
	return b.Bytes()
}
