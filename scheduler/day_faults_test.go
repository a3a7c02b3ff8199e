package scheduler

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

// fault is a way in which a feed fails, or is at another place than it says.
type fault struct {
	name    string
	answer  func(f *webFeed, w http.ResponseWriter, r *http.Request)
	again   bool             // the request may be made once more on a new connection (RFC 9112, 9.3.1)
	partly  bool             // some of its items may come through all the same
	slow    bool             // costs real time: one is enough
	lasting bool             // once begun, for the rest of the day
	move    func(f *webFeed) // puts it elsewhere
	lost    bool             // where it moved to there is nothing
}

// unavailableFor is what feeds ask for that answer 503 with Retry-After.
const unavailableFor = 150 * time.Minute

// faults are the ways to fail, in the order in which feeds are given them.
func faults() []*fault {
	return []*fault{
		{name: "500", answer: status(http.StatusInternalServerError)},
		{name: "503", answer: status(http.StatusServiceUnavailable)},
		{name: "503 and seconds", answer: unavailable(func(now time.Time) string { return fmt.Sprint(int(unavailableFor.Seconds())) })},
		{name: "503 and a date", answer: unavailable(func(now time.Time) string { return httpTime(now.Add(unavailableFor)) })},
		{name: "401", answer: status(http.StatusUnauthorized)},
		{name: "404", answer: status(http.StatusNotFound)},
		{name: "410", answer: status(http.StatusGone), lasting: true},
		{name: "a page", answer: page(http.StatusOK, "<!DOCTYPE html><html><head><title>Welcome</title></head><body><p>We have moved.</p></body></html>")},
		{name: "a challenge", answer: page(http.StatusForbidden, "<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>")},
		{name: "a challenge with 200", answer: page(http.StatusOK, "<html><head><title>Attention Required! | Cloudflare</title></head></html>")},
		{name: "nothing", answer: page(http.StatusOK, "")},
		{name: "other JSON", answer: page(http.StatusOK, `{"a": 1}`)},
		{name: "breaks off", answer: raw(func(doc []byte) string { return ok(len(doc), doc[:len(doc)/2]) })},
		{name: "cut", answer: raw(func(doc []byte) string { return ok(len(doc)/2, doc[:len(doc)/2]) }), partly: true},
		{name: "too short a length", answer: raw(func(doc []byte) string { return ok(len(doc)/2, doc) }), partly: true},
		{name: "hangs up", answer: raw(func([]byte) string { return "" }), again: true},
		{name: "not HTTP", answer: raw(func([]byte) string { return "220 mail.example ESMTP\r\n" })},
		{name: "a bomb", answer: bomb},
		{name: "silent", answer: silent, slow: true},
		{name: "drips", answer: drips, slow: true},
		{name: "moved for good", move: moved(http.StatusMovedPermanently, http.StatusPermanentRedirect)},
		{name: "moved for now", move: moved(http.StatusFound)},
		{name: "moved in a circle", move: circle, lost: true},
		{name: "moved to the dead", move: moved(http.StatusMovedPermanently), lost: true},
	}
}

// spoil makes a third of the feeds fail: the first of each host that has no
// part of its own, and the second of some. The hosts that have one add theirs.
func (w *world) spoil() {
	all := faults()
	var slots []*webFeed
	for n := range limitsBySeconds {
		slots = append(slots, w.feeds[n*feedsPerHost])
	}
	for n := range 11 {
		slots = append(slots, w.feeds[n*feedsPerHost+1])
	}
	for i, f := range slots {
		f.fault = all[i%len(all)]
		if i >= len(all) && f.fault.slow {
			f.fault = all[0]
		}
		f.faultAt = w.spans(i/len(all), f.fault)
	}
	// Over the hour, so that a new process comes to know of some pauses only from
	// what the old one has stored.
	w.hosts[limitsBySeconds].limited = span{w.hour(8.5), w.hour(9.5)}
	w.hosts[limitsByDate].limited = span{w.hour(18.5), w.hour(19.5)}
	w.hosts[limitsWordless].limited = span{w.hour(13), w.hour(16.5)}
}

// spans are when a fault holds: the first feed to have it has it all day, the
// second for some hours.
func (w *world) spans(round int, f *fault) []span {
	switch {
	case f.move != nil:
		return nil
	case f.lasting:
		return []span{{w.hour(3), w.hour(24)}}
	case f.slow:
		return []span{{w.hour(2.5), w.hour(5)}}
	case round == 0:
		return []span{{w.hour(0), w.hour(24)}}
	}
	return []span{{w.hour(2.5), w.hour(5)}, {w.hour(14), w.hour(14.8)}}
}

func status(code int) func(*webFeed, http.ResponseWriter, *http.Request) {
	return func(_ *webFeed, w http.ResponseWriter, _ *http.Request) { http.Error(w, http.StatusText(code), code) }
}

func unavailable(said func(now time.Time) string) func(*webFeed, http.ResponseWriter, *http.Request) {
	return func(f *webFeed, w http.ResponseWriter, _ *http.Request) {
		now := f.w.clock.now()
		f.mu.Lock()
		f.notBefore = now.Add(unavailableFor)
		f.mu.Unlock()
		w.Header().Set("Date", httpTime(now))
		w.Header().Set("Retry-After", said(now))
		http.Error(w, "back soon", http.StatusServiceUnavailable)
	}
}

func page(code int, body string) func(*webFeed, http.ResponseWriter, *http.Request) {
	return func(_ *webFeed, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

// raw answers with bytes of its own instead of HTTP, and hangs up.
func raw(answer func(doc []byte) string) func(*webFeed, http.ResponseWriter, *http.Request) {
	return func(f *webFeed, w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			f.w.complain("hijack: %v", err)
			return
		}
		defer conn.Close()
		doc := f.xml(f.published(f.w.clock.now()))
		_, _ = conn.Write([]byte(answer(doc))) // the client may have gone
	}
}

// ok is an answer that says how long it is.
func ok(length int, body []byte) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: %d\r\n\r\n%s", length, body)
}

// bomb is small, and unpacks to twice what a document may have.
func bomb(_ *webFeed, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(theBomb)
}

var theBomb = zipped(bytes.Repeat([]byte("<rss>   </rss>"), 2*dayMaxBytes/14))

// silent never answers.
func silent(_ *webFeed, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// drips sends a document that never ends.
func drips(_ *webFeed, w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, "<rss>")
	for r.Context().Err() == nil {
		fmt.Fprint(w, " ")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(dayTimeout / 20)
	}
}

// moved puts the feed on the next host, behind redirects from its old place.
func moved(codes ...int) func(*webFeed) {
	return func(f *webFeed) {
		f.home = f.w.hosts[f.host.n+1]
		to := "http://" + f.home.address + f.path
		if f.fault.lost {
			to = "http://" + f.w.hosts[deadHost].address + f.path
		}
		f.home.routes[f.path] = f.serve
		for i, code := range codes {
			f.host.routes[f.stop(i)] = f.redirect(code, to)
			to = "http://" + f.host.address + f.stop(i)
		}
		f.entry = f.stop(len(codes) - 1)
	}
}

// circle sends whoever asks back and forth.
func circle(f *webFeed) {
	f.entry = f.stop(0)
	f.host.routes[f.stop(0)] = f.redirect(http.StatusFound, f.stop(1))
	f.host.routes[f.stop(1)] = f.redirect(http.StatusMovedPermanently, f.stop(0))
}

func (f *webFeed) stop(i int) string { return fmt.Sprintf("/old/%03d/%d", f.n, i) }

func (f *webFeed) redirect(code int, to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.note(r)
		f.mu.Unlock()
		http.Redirect(w, r, to, code)
	}
}
