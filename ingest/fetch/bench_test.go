package fetch

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tributary/feed"
)

// canned answers every request on every connection with the same bytes, at
// next to no cost of its own.
func canned(b *testing.B, answer []byte) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var connections sync.WaitGroup
	b.Cleanup(func() { l.Close(); connections.Wait() })
	connections.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			connections.Go(func() { answerAll(conn, answer) })
		}
	})
	return "http://" + l.Addr().String() + "/feed.xml"
}

func answerAll(conn net.Conn, answer []byte) {
	defer conn.Close()
	for r := bufio.NewReader(conn); ; {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		if len(line) == 2 { // the empty line that ends a request
			conn.Write(answer)
		}
	}
}

// cpu reports the processor time of an operation, server included.
func cpu(b *testing.B) func() {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	return func() { b.ReportMetric(float64((used()-before).Microseconds())/float64(b.N), "cpu-µs/op") }
}

// bare is what net/http alone costs: one request, its body read to the end.
func bare(b *testing.B, url string, header http.Header, zipped bool) {
	c := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	b.Cleanup(c.CloseIdleConnections)
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		req, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			b.Fatal(err)
		}
		req.Header = header.Clone()
		resp, err := c.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		var body io.Reader = resp.Body
		if zipped {
			if body, err = gzip.NewReader(body); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := io.ReadAll(body); err != nil {
			b.Fatal(err)
		}
		resp.Body.Close()
	}
}

func ours(b *testing.B, src feed.Source, want Kind) {
	c := New(Options{AllowPrivate: true})
	b.Cleanup(c.Close)
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		if r := c.Get(b.Context(), src, false); r.Kind != want {
			b.Fatal(r.Err)
		}
	}
}

func BenchmarkNotModified(b *testing.B) {
	url := canned(b, []byte("HTTP/1.1 304 Not Modified\r\nETag: \"abc\"\r\nDate: Wed, 04 Mar 2026 12:00:00 GMT\r\nCache-Control: max-age=600\r\n\r\n"))
	b.Run("bare", func(b *testing.B) { bare(b, url, http.Header{"If-None-Match": {`"abc"`}}, false) })
	b.Run("ours", func(b *testing.B) {
		ours(b, feed.Source{URL: url, State: feed.SourceState{ETag: `"abc"`, ValidatorsSince: time.Now()}}, NotModified)
	})
}

func BenchmarkDocument(b *testing.B) {
	doc := document50K()
	zipped := pack(b, "gzip", doc)
	for _, test := range []struct {
		name, coding string
		body         []byte
	}{{"plain", "", doc}, {"gzip", "gzip", zipped}, {"br", "br", pack(b, "br", doc)}, {"zstd", "zstd", pack(b, "zstd", doc)}} {
		head := fmt.Sprintf("HTTP/1.1 200 OK\r\nETag: \"abc\"\r\nContent-Type: application/rss+xml\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n", test.coding, len(test.body))
		url := canned(b, append([]byte(head), test.body...))
		if test.coding == "" || test.coding == "gzip" {
			b.Run(test.name+"/bare", func(b *testing.B) { bare(b, url, http.Header{}, test.coding == "gzip") })
		}
		b.Run(test.name+"/ours", func(b *testing.B) { ours(b, feed.Source{URL: url}, Fetched) })
	}
}

// document50K is some 50 KB that pack as feeds do, to a fifth or so.
func document50K() []byte {
	words := strings.Fields("river water level rises after the rain and people of the valley watch how bridges towns fields stand against a flood that nobody had expected so early")
	var doc bytes.Buffer
	doc.WriteString(`<?xml version="1.0"?><rss version="2.0"><channel><title>Bench</title>`)
	for n := uint32(1); doc.Len() < 50<<10; {
		doc.WriteString("<item><title>")
		for range 150 {
			n = n*1664525 + 1013904223
			fmt.Fprintf(&doc, "%s %x ", words[(n>>8)%uint32(len(words))], n>>28)
		}
		doc.WriteString("</title></item>")
	}
	doc.WriteString("</channel></rss>")
	return doc.Bytes()
}
