package fetch

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"

	"tributary/feed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const rss = `<?xml version="1.0"?><rss version="2.0"><channel><title>Test</title></channel></rss>`

// recorder is a server that notes what it was sent.
type recorder struct {
	*httptest.Server

	mu       sync.Mutex
	requests []*http.Request
	busy     int
	busiest  int // requests at the same time
	opened   int // connections
}

func record(t *testing.T, h http.HandlerFunc) *recorder {
	t.Helper()
	return recordOn(t, "127.0.0.1:0", h)
}

func recordOn(t *testing.T, address string, h http.HandlerFunc) *recorder {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("cannot listen on %s: %v", address, err)
	}
	r := newRecorder(h)
	r.Listener.Close()
	r.Listener = l
	r.Start()
	t.Cleanup(r.Close)
	return r
}

func newRecorder(h http.HandlerFunc) *recorder {
	r := &recorder{}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.enter(req)
		defer r.leave()
		h(w, req)
	}))
	r.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			r.mu.Lock()
			r.opened++
			r.mu.Unlock()
		}
	}
	return r
}

func (r *recorder) enter(req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, req)
	r.busy++
	r.busiest = max(r.busiest, r.busy)
}

func (r *recorder) leave() {
	r.mu.Lock()
	r.busy--
	r.mu.Unlock()
}

// seen are the requests so far.
func (r *recorder) seen() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*http.Request(nil), r.requests...)
}

// last is the newest request.
func (r *recorder) last(t *testing.T) *http.Request {
	t.Helper()
	all := r.seen()
	if len(all) == 0 {
		t.Fatal("nothing was requested")
	}
	return all[len(all)-1]
}

// raw is a server that answers each connection's first request with bytes.
func raw(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var handlers sync.WaitGroup
	t.Cleanup(func() { l.Close(); handlers.Wait() })
	handlers.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 4096)
			for n := 0; !strings.Contains(string(buf[:n]), "\r\n\r\n"); {
				m, err := conn.Read(buf[n:])
				if n += m; err != nil {
					break
				}
			}
			io.WriteString(conn, answer)
			conn.Close()
		}
	})
	return "http://" + l.Addr().String() + "/"
}

// client is a Client that may fetch from this machine.
func client(t *testing.T, o Options) *Client {
	t.Helper()
	o.AllowPrivate = true
	c := New(o)
	t.Cleanup(c.Close)
	return c
}

// get asks once.
func get(t *testing.T, c *Client, url string) Result {
	t.Helper()
	return c.Get(t.Context(), feed.Source{URL: url, Kind: feed.KindFeed, Enabled: true}, false)
}

// conditional asks with validators.
func conditional(t *testing.T, c *Client, url, etag, lastModified string) Result {
	t.Helper()
	return c.Get(t.Context(), feed.Source{URL: url, State: feed.SourceState{ETag: etag, LastModified: lastModified, ValidatorsSince: time.Now()}}, false)
}

func serve(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/rss+xml")
		io.WriteString(w, body)
	}
}

// names answers DNS questions: a name, with its dot, has addresses.
func names(t *testing.T, known map[string][]string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var server sync.WaitGroup
	t.Cleanup(func() { conn.Close(); server.Wait() })
	server.Go(func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := answerDNS(buf[:n], known); answer != nil {
				conn.WriteTo(answer, from)
			}
		}
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func answerDNS(question []byte, known map[string][]string) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	m.Header = dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}
	m.Additionals = nil
	addresses, ok := known[q.Name.String()]
	if !ok {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, a := range addresses {
		ip := net.ParseIP(a)
		header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}
		switch v4 := ip.To4(); {
		case v4 != nil && q.Type == dnsmessage.TypeA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: [4]byte(v4)}})
		case v4 == nil && q.Type == dnsmessage.TypeAAAA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: [16]byte(ip)}})
		}
	}
	packed, _ := m.Pack()
	return packed
}
