package fetch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"tributary/feed"
)

func pack(t testing.TB, coding string, body []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w, _ = gzip.NewWriterLevel(&out, gzip.BestSpeed)
	case "br":
		w = brotli.NewWriterLevel(&out, brotli.BestSpeed)
	case "zstd":
		w, _ = zstd.NewWriter(&out, zstd.WithWindowSize(zstdWindow), zstd.WithEncoderConcurrency(1))
	case "deflate":
		w, _ = zlib.NewWriterLevel(&out, zlib.BestSpeed)
	case "bare deflate":
		w, _ = flate.NewWriter(&out, flate.BestCompression)
	}
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func packed(coding string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if coding != "" {
			w.Header()["Content-Encoding"] = []string{coding}
		}
		w.Header().Set("Content-Type", "application/rss+xml")
		w.Write(body)
	}
}

func TestContentCodingsAreUndone(t *testing.T) {
	doc := []byte(strings.Repeat(rss, 200))
	tests := map[string]struct {
		said string
		body []byte
	}{
		"none":                  {"", doc},
		"identity":              {"identity", doc},
		"gzip":                  {"gzip", pack(t, "gzip", doc)},
		"by its old name":       {"X-GZIP", pack(t, "gzip", doc)},
		"br":                    {"br", pack(t, "br", doc)},
		"zstd":                  {"zstd", pack(t, "zstd", doc)},
		"deflate":               {"deflate", pack(t, "deflate", doc)},
		"bare deflate":          {"deflate", pack(t, "bare deflate", doc)},
		"two of them":           {"gzip, br", pack(t, "br", pack(t, "gzip", doc))},
		"said, and not so":      {"gzip", doc},
		"not said":              {"", pack(t, "gzip", doc)},
		"a file that is gzip":   {"gzip", pack(t, "gzip", pack(t, "gzip", doc))},
		"several members":       {"gzip", append(pack(t, "gzip", doc[:1000]), pack(t, "gzip", doc[1000:])...)},
		"padded behind its end": {"gzip", append(pack(t, "gzip", doc), make([]byte, 512)...)},
		"several frames":        {"zstd", append(pack(t, "zstd", doc[:1000]), pack(t, "zstd", doc[1000:])...)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := record(t, packed(test.said, test.body))
			c := client(t, Options{})
			for range 2 { // the second time from the pools
				r := get(t, c, s.URL)
				if r.Kind != Fetched || !bytes.Equal(r.Document.Body, doc) || r.Bytes != int64(len(test.body)) {
					t.Fatalf("%d bytes, %d received: %v", len(r.Document.Body), r.Bytes, r.Err)
				}
			}
		})
	}
}

func TestTheLimitIsOnDecompressedBytes(t *testing.T) {
	const limit = 256 << 10
	bomb := make([]byte, 8<<20)
	fits := append([]byte(rss), bytes.Repeat([]byte(" "), limit-len(rss))...)
	for _, coding := range []string{"", "gzip", "br", "zstd", "deflate"} {
		t.Run("coding "+coding, func(t *testing.T) {
			send := func(body []byte) Result {
				if coding != "" {
					body = pack(t, coding, body)
				}
				s := record(t, packed(coding, body))
				return get(t, client(t, Options{MaxBytes: limit}), s.URL)
			}
			if r := send(fits); r.Kind != Fetched || len(r.Document.Body) != limit {
				t.Errorf("exactly the limit: %v", r.Err)
			}
			if r := send(append(fits, ' ')); r.Kind != Failed || feed.CodeOf(r.Err) != feed.CodeTooLarge || r.Failure != feed.StatusFailing {
				t.Errorf("one byte more: %+v", r.Err)
			}
		})
	}
	for coding, most := range map[string]uint64{"gzip": 3 << 20, "br": 16 << 20, "deflate": 3 << 20, "zstd": 56 << 20} {
		t.Run("bomb "+coding, func(t *testing.T) {
			bomb := bomb
			if coding == "zstd" || coding == "br" { // which allocate by their window, not by our limit
				bomb = make([]byte, 60<<20)
			}
			body := pack(t, coding, bomb)
			d := newDecoders(limit)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := d.decode([]string{coding}, body)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, errTooLarge) {
				t.Errorf("%d bytes that unpack to %d: %v", len(body), len(bomb), err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > most {
				t.Errorf("%d bytes were allocated for it", used)
			}
		})
	}
	t.Run("bomb in a bomb", func(t *testing.T) {
		if _, err := newDecoders(limit).decode([]string{"gzip"}, pack(t, "gzip", pack(t, "gzip", bomb))); !errors.Is(err, errTooLarge) {
			t.Error(err)
		}
		if _, err := newDecoders(limit).decode([]string{"gzip, gzip, br, zstd"}, []byte("x")); err == nil {
			t.Error("packed any number of times")
		}
	})
}

func TestATooLargeLengthIsNotEvenRead(t *testing.T) {
	r := get(t, client(t, Options{}), raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n<rss>"))
	if feed.CodeOf(r.Err) != feed.CodeTooLarge || !strings.Contains(r.Err.Error(), "10 MB") {
		t.Errorf("%+v", r)
	}
}

func TestDamagedBodiesAreFailuresAndNotDocuments(t *testing.T) {
	doc := []byte(strings.Repeat(rss, 200))
	for _, coding := range []string{"gzip", "br", "zstd", "deflate"} {
		whole := pack(t, coding, doc)
		for name, body := range map[string][]byte{"half": whole[:len(whole)/2], "all but the end": whole[:len(whole)-3]} {
			s := record(t, packed(coding, body))
			r := get(t, client(t, Options{}), s.URL)
			if r.Kind != Failed || r.Failure != feed.StatusFailing || r.Network || r.Document.Body != nil {
				t.Errorf("%s, %s: %v, %d bytes", coding, name, r.Kind, len(r.Document.Body))
			}
		}
	}
	s := record(t, packed("compress", doc))
	if r := get(t, client(t, Options{}), s.URL); r.Kind != Failed || !strings.Contains(r.Err.Error(), `"compress"`) {
		t.Errorf("an unknown coding: %v", r.Err)
	}
}

func TestABodyThatBreaksOffIsAFailure(t *testing.T) {
	for name, answer := range map[string]string{
		"short of its length": "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + rss,
		"between chunks":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\n",
		"inside a chunk":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n<rss>",
		"not a chunk":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n<rss>",
	} {
		r := get(t, client(t, Options{}), raw(t, answer))
		if r.Kind != Failed || r.Failure != feed.StatusFailing || r.Status != 0 && r.Status != 200 || r.Document.Body != nil || r.Network {
			t.Errorf("%s: %+v", name, r)
		}
		if r.Err == nil || !strings.Contains(r.Err.Error(), "broke off") {
			t.Errorf("%s: %v", name, r.Err)
		}
	}
}

func TestWrongLengthsDoNoHarm(t *testing.T) {
	r := get(t, client(t, Options{}), raw(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%sHTTP/1.1 200 OK\r\n\r\nmore", len(rss), rss)))
	if r.Kind != Fetched || string(r.Document.Body) != rss {
		t.Errorf("too short a length: %+v", r)
	}
	for _, length := range []string{"abc", "-1", "99999999999999999999999"} {
		r := get(t, client(t, Options{}), raw(t, "HTTP/1.1 200 OK\r\nContent-Length: "+length+"\r\n\r\n"+rss))
		if r.Kind != Failed || r.Err == nil {
			t.Errorf("length %q: %+v", length, r)
		}
	}
	r = get(t, client(t, Options{}), raw(t, "HTTP/1.0 200 OK\r\n\r\n"+rss))
	if r.Kind != Fetched || string(r.Document.Body) != rss {
		t.Errorf("no length, until the connection closes: %+v", r)
	}
}

func TestAServerThatNeverAnswersIsLeft(t *testing.T) {
	s := record(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	r := get(t, client(t, Options{Timeout: 50 * time.Millisecond}), s.URL)
	if !r.Network || r.Failure != feed.StatusFailing || r.Cancelled() || !strings.Contains(r.Err.Error(), "no answer from "+HostOf(s.URL)+" within 50ms") {
		t.Errorf("%+v", r)
	}
}

// drip sends a byte now and then.
func drip(w http.ResponseWriter, r *http.Request) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
			io.WriteString(w, "<")
			w.(http.Flusher).Flush()
		}
	}
}

func TestADrippingBodyEndsAtTheTimeout(t *testing.T) {
	s := record(t, drip)
	r := get(t, client(t, Options{Timeout: 100 * time.Millisecond}), s.URL)
	if r.Kind != Failed || r.Network || r.Status != 200 && r.Status != 0 || !strings.Contains(r.Err.Error(), "did not arrive within 100ms") {
		t.Errorf("%+v", r)
	}
}

func TestASilentBodyEndsBeforeTheTimeout(t *testing.T) {
	s := record(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "<rss>")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	c := client(t, Options{})
	c.idle = 50 * time.Millisecond
	r := get(t, c, s.URL)
	if r.Kind != Failed || r.Network || !strings.Contains(r.Err.Error(), "fell silent in the middle of the document") {
		t.Errorf("%+v", r)
	}
}

func TestRedirectsShareOneTimeout(t *testing.T) {
	s := record(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(40 * time.Millisecond):
		case <-r.Context().Done():
		}
		http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
	})
	r := get(t, client(t, Options{Timeout: 100 * time.Millisecond, MaxRedirects: 1000}), s.URL+"/")
	if r.Kind != Failed || len(s.seen()) > 4 || !strings.Contains(r.Err.Error(), "no answer") {
		t.Errorf("%d requests: %+v", len(s.seen()), r)
	}
}

func TestAnErrorPageWithoutEndIsCutOff(t *testing.T) {
	s := record(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	r := get(t, client(t, Options{}), s.URL)
	if r.Status != 404 || r.Bytes > errorPageBytes {
		t.Errorf("%d bytes: %v", r.Bytes, r.Err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, coding := range []string{"gzip", "br", "zstd", "deflate"} {
		f.Add(coding, pack(f, coding, []byte(rss)))
		f.Add(coding, pack(f, coding, make([]byte, 100<<10)))
	}
	f.Add("", []byte(rss))
	f.Add("gzip,br, x", []byte{0x1f, 0x8b, 8})
	const limit = 64 << 10
	d := newDecoders(limit)
	f.Fuzz(func(t *testing.T, coding string, body []byte) {
		if len(body) > limit {
			return
		}
		out, err := d.decode([]string{coding}, body)
		if err == nil && len(out) > limit {
			t.Errorf("%d bytes came out", len(out))
		}
	})
}
