package web

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tributary/feed"
	"tributary/store"
)

// fullServer serves a window of 100 items, about as long as news are.
func fullServer(b *testing.B, change ...func(*Options)) *Server {
	b.Helper()
	st := openStore(b)
	sources := addSources(b, st, sampleSources())
	var items []sampleItem
	for i := range 100 {
		items = append(items, sampleItem{
			id: fmt.Sprintf("00000000-0000-5000-8000-%012d", i), source: "wire",
			entry: feed.Entry{
				Title: fmt.Sprintf("Report %d on what was said, and by whom", i), URL: fmt.Sprintf("https://wire.example/a/%d", i),
				Published: noon.Add(time.Duration(i) * time.Minute), PublishedFrom: "feed",
				Summary: fmt.Sprintf("Summary %d. ", i) + strings.Repeat("Some words on the matter. ", 6),
				Content: strings.Repeat(fmt.Sprintf("<p>Paragraph of report %d, %s.</p>", i, strings.Repeat("with its words ", 12)), 6),
			},
		})
	}
	addItems(b, st, sources, items)
	return newServer(b, st, change...)
}

// request is one kind of request and what a bare handler needs to answer it.
type request struct {
	name   string
	header string // besides Host
}

// answerOf asks the server once and keeps all of the answer.
func answerOf(b *testing.B, h http.Handler, header string) *httptest.ResponseRecorder {
	b.Helper()
	raw := "GET /feed.atom HTTP/1.1\r\nHost: x\r\n" + header + "\r\n"
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	must(b, err)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// bare is the least that net/http can do to send the same bytes: no routing,
// no choice, no log.
func bare(w *httptest.ResponseRecorder) http.Handler {
	header, body, status := w.Result().Header, w.Body.Bytes(), w.Code
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		for name, value := range header {
			h[name] = value
		}
		w.WriteHeader(status)
		if len(body) > 0 {
			_, _ = w.Write(body)
		}
	})
}

// client is a connection that sends one request again and again. It is not
// http.Client, whose own cost would hide the server's.
type client struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
	buffer  []byte
}

func dial(b *testing.B, h http.Handler, header string) *client {
	b.Helper()
	s := httptest.NewServer(h)
	b.Cleanup(s.Close)
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	must(b, err)
	b.Cleanup(func() { _ = conn.Close() })
	// A window that holds a whole document: the kernel's own, which grows by
	// chance, makes one connection twice as fast as another.
	must(b, conn.(*net.TCPConn).SetReadBuffer(1<<20))
	return &client{conn, bufio.NewReaderSize(conn, 64<<10), []byte("GET /feed.atom HTTP/1.1\r\nHost: x\r\n" + header + "\r\n"), make([]byte, 64<<10)}
}

// ask sends the request and reads the answer to its end.
func (c *client) ask(b *testing.B) {
	_, err := c.conn.Write(c.request)
	must(b, err)
	length := 0
	for {
		line, err := c.in.ReadSlice('\n')
		must(b, err)
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, err = strconv.Atoi(string(bytes.TrimSpace(value)))
			must(b, err)
		}
		if len(line) == 2 {
			break
		}
	}
	for length > 0 {
		n, err := c.in.Read(c.buffer[:min(length, len(c.buffer))])
		must(b, err)
		length -= n
	}
}

// BenchmarkServing compares the whole stack with a bare handler that sends the
// same bytes. The two take turns, so that what else the machine does touches
// both; ×bare is the median of the rounds (to reach: 0.9).
func BenchmarkServing(b *testing.B) {
	const turn = 20 // requests
	file, err := os.Create(filepath.Join(b.TempDir(), "access.log"))
	must(b, err)
	b.Cleanup(func() { _ = file.Close() })
	quiet := func(o *Options) { o.Logger = slog.New(slog.NewJSONHandler(file, nil)) }
	logging := func(o *Options) { quiet(o); o.AccessLog = true }
	prefixed := func(o *Options) { quiet(o); o.Site.BaseURL += "/news" }
	for _, stack := range []struct {
		name   string
		option func(*Options)
	}{{"", quiet}, {"-with-access-log", logging}, {"-under-a-path", prefixed}} {
		h := fullServer(b, stack.option).Handler()
		tag := answerOf(b, h, "").Header().Get("ETag")
		for _, c := range []request{
			{"plain", "User-Agent: reader/1.0\r\n"},
			{"gzip", "User-Agent: reader/1.0\r\nAccept-Encoding: gzip, deflate, br\r\n"},
			{"304", "User-Agent: reader/1.0\r\nAccept-Encoding: gzip, deflate, br\r\nIf-None-Match: " + tag + "\r\n"},
		} {
			b.Run(c.name+stack.name, func(b *testing.B) {
				ours, floor := dial(b, h, c.header), dial(b, bare(answerOf(b, h, c.header)), c.header)
				var ratios []float64
				var total time.Duration
				for b.Loop() {
					one, other := round(b, ours, turn), round(b, floor, turn)
					ratios = append(ratios, float64(other)/float64(one))
					total += one
				}
				slices.Sort(ratios)
				b.ReportMetric(ratios[len(ratios)/2], "×bare")
				b.ReportMetric(float64(turn*len(ratios))/total.Seconds(), "req/s")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func round(b *testing.B, c *client, n int) time.Duration {
	start := time.Now()
	for range n {
		c.ask(b)
	}
	return time.Since(start)
}

// BenchmarkStack is what the stack itself costs: routing, choice of variant,
// headers, metrics; no network.
func BenchmarkStack(b *testing.B) {
	quiet, logging := fullServer(b), fullServer(b, func(o *Options) {
		o.AccessLog, o.Logger = true, slog.New(slog.NewJSONHandler(io.Discard, nil))
	})
	for _, c := range []struct {
		name, header string
		srv          *Server
	}{
		{"plain", "", quiet},
		{"gzip", "Accept-Encoding: gzip\r\n", quiet},
		{"304", "If-None-Match: *\r\n", quiet},
		{"304-with-access-log", "If-None-Match: *\r\n", logging},
	} {
		b.Run(c.name, func(b *testing.B) {
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET /feed.atom HTTP/1.1\r\nHost: x\r\n" + c.header + "\r\n")))
			must(b, err)
			w := discard{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				c.srv.Handler().ServeHTTP(w, r)
			}
		})
	}
}

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) WriteHeader(int)             {}
func (d discard) Write(p []byte) (int, error) { return io.Discard.Write(p) }

// BenchmarkRender is what a change costs: the four documents of 100 items.
func BenchmarkRender(b *testing.B) {
	srv := fullServer(b)
	items, older, err := srv.store.Window(b.Context())
	must(b, err)
	b.ReportAllocs()
	for b.Loop() {
		r := &rendering{change: 1}
		if srv.render(r, window{items, older}, nil); r.err != nil {
			b.Fatal(r.err)
		}
	}
}

// BenchmarkRenderVariant is what the first request for the stories costs after a
// change: 100 stories in one format, read from the store.
func BenchmarkRenderVariant(b *testing.B) {
	srv := fullServer(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := srv.variantDocument(b.Context(), variantKey{format: atomDoc, stories: true}, newVariants().stories); err != nil {
			b.Fatal(err)
		}
	}
}

// pageSources and the items below are a store as it grows: most words are in few
// items, one is in all of them.
const pageSources = 16

// stockedServer serves so many items.
func stockedServer(b *testing.B, n int) *Server {
	b.Helper()
	const batch = 1000
	ctx := b.Context()
	st := openStore(b)
	var sources []feed.Source
	for i := range pageSources {
		src, err := st.AddSource(ctx, feed.Source{Slug: fmt.Sprint("s", i), Kind: feed.KindFeed, URL: fmt.Sprintf("https://s%d.example/feed", i), Enabled: true, Origin: feed.OriginAdded}, noon)
		must(b, err)
		sources = append(sources, src)
	}
	for from := 0; from < n; from += batch {
		must(b, st.Write(ctx, func(tx *store.Tx) error {
			items, entries := make([]*feed.Item, batch), make([]*feed.Entry, batch)
			for i := range batch {
				items[i], entries[i] = stockedItem(from+i, sources)
			}
			if err := tx.InsertItems(ctx, items, "run"); err != nil {
				return err
			}
			for i, e := range entries {
				e.ItemID = items[i].RowID
			}
			if err := tx.InsertEntries(ctx, entries); err != nil {
				return err
			}
			admitted, err := tx.Admit(ctx, nil, noon)
			if err != nil {
				return err
			}
			return tx.FoundStories(ctx, admitted)
		}))
	}
	return newServer(b, st)
}

func stockedItem(i int, sources []feed.Source) (*feed.Item, *feed.Entry) {
	published := noon.Add(time.Duration(i-100_000) * time.Minute)
	e := &feed.Entry{
		SourceID: sources[i%len(sources)].ID, Title: fmt.Sprintf("Report %d: %s", i, nonsense(i, 8)), URL: fmt.Sprintf("https://s%d.example/%d", i%len(sources), i),
		Summary: nonsense(i+1, 30), Content: "<p>" + nonsense(i+2, 150) + "</p>", Published: published, PublishedFrom: "feed", FirstSeen: published,
		Decision: feed.Decision{Kind: feed.Published, Rule: "new", Reason: "why"},
		Details:  feed.Details{Categories: []string{fmt.Sprint("Tag ", i%15)}},
	}
	e.Keys.Identity = key(e.URL)
	return &feed.Item{ID: fmt.Sprintf("00000000-0000-5000-8000-%012d", i), Published: published, Updated: published}, e
}

// BenchmarkPages compares the pages of a store of 100,000 items with those of one
// of 1,000. The two take turns, so that what else the machine does touches both;
// ×1000 is the ratio of the medians (to stay under: 2).
func BenchmarkPages(b *testing.B) {
	small, large := stockedServer(b, 1000), stockedServer(b, 100_000)
	forget := func(srv *Server) {
		srv.cache, srv.finds.cache = newCache(cacheEntries, cacheBytes), newCache(cacheEntries, cacheBytes)
	}
	day := noon.AddDate(0, 0, -1).Format(time.DateOnly)
	smallDay := noon.Add(-99_000 * time.Minute).Format(time.DateOnly)
	for _, c := range []struct {
		name, small, large string
		before             func(*Server)
	}{
		{"front, kept", "/", "/", func(*Server) {}},
		{"front, rendered with the feeds", "/", "/", func(srv *Server) { srv.docs.current.Store(nil) }},
		{"older items", "/?before=900", "/?before=50000", forget},
		{"search, word of all items", "/?q=report", "/?q=report", forget},
		{"search, word of one item", "/?q=777", "/?q=77777", forget},
		{"search, two words and a phrase", "/?q=report+%22report+777%22", "/?q=report+%22report+77777%22", forget},
		{"search, no item", "/?q=nonesuch", "/?q=nonesuch", forget},
		{"source", "/?source=s7", "/?source=s7", forget},
		{"tag", "/?tag=Tag+7", "/?tag=Tag+7", forget},
		{"day", "/?day=" + smallDay, "/?day=" + day, forget},
		{"search in a source, a tag and a day", "/?q=report&source=s7&tag=Tag+7&day=" + smallDay, "/?q=report&source=s7&tag=Tag+7&day=" + day, forget},
		{"page of an item", "/items/00000000-0000-5000-8000-000000000777", "/items/00000000-0000-5000-8000-000000077777", forget},
	} {
		b.Run(c.name, func(b *testing.B) {
			var of1000, of100000 []time.Duration
			for b.Loop() {
				of1000 = append(of1000, timed(b, small, c.small, c.before))
				of100000 = append(of100000, timed(b, large, c.large, c.before))
			}
			less, more := median(of1000), median(of100000)
			b.ReportMetric(float64(more)/float64(less), "×1000")
			b.ReportMetric(float64(less.Nanoseconds())/1e3, "µs-of-1000")
			b.ReportMetric(float64(more.Nanoseconds())/1e3, "µs-of-100000")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// timed is how long a page takes, after what is done before it.
func timed(b *testing.B, srv *Server, target string, before func(*Server)) time.Duration {
	before(srv)
	start := time.Now()
	a := get(b, srv, target)
	took := time.Since(start)
	wantStatus(b, a, http.StatusOK)
	return took
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
