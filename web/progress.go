package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	// streamsAtOnce bounds how many pages follow runs at a time: those of
	// strangers leave some to administrators, and one network some to others.
	streamsAtOnce    = 64
	streamsForAdmins = 8
	streamsOfNetwork = 8
	// lookEvery is how often a run is looked at for them. All look together.
	lookEvery = 500 * time.Millisecond
	// stillHere is how often they hear something, so that no proxy takes the
	// connection for dead.
	stillHere = 15 * time.Second
	// takenWithin is how long a page may leave an event lying. Its browser
	// connects again, and hears what is so by then.
	takenWithin = 10 * time.Second
)

// doneEvent is the last one: the page need not connect again.
var doneEvent = event("done", nil)

// event is a server-sent event (HTML, 9.2), with a field for each line of data.
func event(name string, data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte("\r"), []byte(" ")) // would end a field
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, bytes.ReplaceAll(data, []byte("\n"), []byte("\ndata: ")))
}

// runEvents follows a run: GET /runs/{id}/events. The event "progress" brings
// the part of the run's page that changes, with brief=1 that of the list of runs;
// "summary" brings a line to be read aloud. An event is sent when it would say
// something else than the last of its kind.
func (s *Server) runEvents(w http.ResponseWriter, r *http.Request) {
	f := following{id: r.PathValue("id"), brief: r.URL.Query().Get("brief") == "1", who: s.viewer(r)}
	from := networkOf(s.client(r))
	if !s.enterStream(w, from, f.who) {
		return
	}
	defer s.streams.leave(from)
	if _, err := s.events(r.Context(), f); err != nil {
		s.failPage(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	h["X-Content-Type-Options"] = noSniff
	if r.Method != http.MethodHead {
		s.follow(r.Context(), newStream(w), f)
	}
}

// enterStream answers 503 itself and returns false if too many follow runs, or
// the program is about to stop.
func (s *Server) enterStream(w http.ResponseWriter, from netip.Addr, who viewer) bool {
	if s.ending.Err() == nil && s.streams.enter(from, who) {
		return true
	}
	w.Header().Set("Retry-After", "10")
	http.Error(w, "Nobody else can be told of the run right now; load its page again to see how far it is.", http.StatusServiceUnavailable)
	return false
}

// streams counts those who follow runs. The zero value: nobody does.
type streams struct {
	mu   sync.Mutex
	all  int
	from map[netip.Addr]int // by network
}

// enter tells whether there is a place left for one more. Who gets it must leave.
func (t *streams) enter(from netip.Addr, who viewer) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all >= streamsAtOnce || !who.Admin && (t.all >= streamsAtOnce-streamsForAdmins || t.from[from] >= streamsOfNetwork) {
		return false
	}
	if t.from == nil {
		t.from = map[netip.Addr]int{}
	}
	t.all++
	t.from[from]++
	return true
}

func (t *streams) leave(from netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all--
	if t.from[from]--; t.from[from] == 0 {
		delete(t.from, from)
	}
}

// following is what of a run one follows.
type following struct {
	id    string
	brief bool
	who   viewer
}

// follow sends events until the run ends, the client leaves, or the server does.
func (s *Server) follow(ctx context.Context, to stream, f following) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var sent [][]byte
	for last := time.Now(); ; {
		events, err := s.events(ctx, f)
		switch {
		case isAway(err):
			events = sent // a browser that connected again now would be turned away for good
		case err != nil:
			return // the browser connects again by itself
		}
		for i, e := range events {
			if i < len(sent) && bytes.Equal(e, sent[i]) {
				continue
			}
			if !to.send(e) {
				return
			}
			last = time.Now()
		}
		sent = events
		if n := len(events); n > 0 && bytes.Equal(events[n-1], doneEvent) {
			return
		}
		if time.Since(last) >= stillHere {
			if !to.send([]byte(": still here\n\n")) {
				return
			}
			last = time.Now()
		}
		select {
		case <-ctx.Done():
			return
		case <-s.ending.Done():
			return
		case <-look.C:
		}
	}
}

// events are those that tell how a run stands. They are made once for all who
// follow it in the same way.
func (s *Server) events(ctx context.Context, f following) ([][]byte, error) {
	stamp := time.Now().UnixMilli() / lookEvery.Milliseconds()
	doc, err := s.cache.document(fmt.Sprint("following ", f), stamp, func() (*document, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renderTimeout)
		defer cancel()
		all, err := s.renderEvents(ctx, f)
		if err != nil {
			return nil, err
		}
		return newDocument(all, docOptions{})
	})
	if err != nil {
		return nil, err
	}
	events := bytes.SplitAfter(doc.plain.body, []byte("\n\n"))
	return events[:len(events)-1], nil
}

func (s *Server) renderEvents(ctx context.Context, f following) ([]byte, error) {
	report, err := s.runner.Report(ctx, f.id)
	if err != nil {
		return nil, err
	}
	p, err := s.runBody(ctx, f.who, report)
	if err != nil {
		return nil, err
	}
	name, template := "run", "progress"
	if f.brief {
		name, template = "runs", "outcome"
	}
	v := p.Body.(runView)
	part, err := s.renderPart(name, template, v)
	if err != nil {
		return nil, err
	}
	all := append(event("progress", part), event("summary", []byte(summary(v)))...)
	if !v.Live {
		all = append(all, doneEvent...)
	}
	return all, nil
}

// summary says in a line how a run stands; of one in progress in tenths, so that
// who hears it is not told of each source.
func summary(v runView) string {
	switch {
	case v.State == "failed":
		return "The run broke off."
	case v.State != "running":
		return "The run is done: " + countsInWords(v.Counts) + "."
	case v.Total == 0:
		return "The run begins."
	}
	return fmt.Sprintf("%d %% of the sources are done.", v.Done*10/v.Total*10)
}

// stream is an answer that goes on.
type stream struct {
	w  http.ResponseWriter
	to *http.ResponseController
}

func newStream(w http.ResponseWriter) stream { return stream{w, http.NewResponseController(w)} }

// send sends at once, and tells whether the client took it.
func (s stream) send(b []byte) bool {
	_ = s.to.SetWriteDeadline(time.Now().Add(takenWithin)) // where it cannot be moved it stays
	_, err := s.w.Write(b)
	return err == nil && s.to.Flush() == nil
}
