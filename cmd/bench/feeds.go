package main

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"flag"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	itemsPerFeed = 30
	laterRounds  = 10_000_000 // numbers of articles from here on are of later rounds
	sharedEvery  = 10         // every tenth item is also in two other feeds, under other addresses
)

// corpus makes feeds: the same ones for the same numbers, on every run.
type corpus struct {
	feeds    int
	language *language
}

func newCorpus(feeds int) corpus { return corpus{feeds, newLanguage(2)} }

// article is one text, wherever it appears.
type article struct {
	id        int
	title     string
	html      string
	published time.Time
}

// article makes the text with the given number.
func (c corpus) article(id int) article {
	by := c.language.report(id, c.language.before(id))
	var b strings.Builder
	for i := range 4 {
		fmt.Fprintf(&b, "<p>%s. %s, <em>%s</em> &amp; %s.</p>\n", by.sentence(14), by.sentence(12), by.sentence(3), by.sentence(18))
		if i == 1 {
			fmt.Fprintf(&b, `<figure><img src="/pictures/%d.jpg" alt="%s" width="640" height="360"></figure>`, id, by.sentence(4))
		}
	}
	fmt.Fprintf(&b, `<p>%s. <a href="/topics/%d?utm_source=rss">%s</a></p>`, by.sentence(16), id%50, by.sentence(4))
	published := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(id%200_000) * time.Minute)
	return article{id, by.sentence(8), b.String(), published}
}

// numbers are the articles of a feed, newest first. In a later round a new
// one leads and the oldest is gone.
func (c corpus) numbers(n, round int) []int {
	var out []int
	for i := range round {
		out = append(out, laterRounds+(round-i)*c.feeds+n)
	}
	for i := 0; len(out) < itemsPerFeed; i++ {
		owner := n
		if i%sharedEvery == sharedEvery-1 {
			owner = n / 3 * 3 // three neighbours share it
		}
		out = append(out, owner*itemsPerFeed+i)
	}
	return out
}

// document renders a feed: RSS 2.0 for even numbers, Atom for odd ones.
func (c corpus) document(base string, n, round int) []byte {
	var b bytes.Buffer
	site := fmt.Sprintf("%s/site/%d", base, n)
	atom := n%2 == 1
	if atom {
		fmt.Fprintf(&b, `<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Feed %d</title><id>%s</id><link href="%s"/><updated>2026-05-01T00:00:00Z</updated>`, n, site, site)
	} else {
		fmt.Fprintf(&b, `<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Feed %d</title><link>%s</link><description>Of a benchmark</description>`, n, site)
	}
	for _, id := range c.numbers(n, round) {
		writeEntry(&b, c.article(id), c.site(id), n, atom)
	}
	if atom {
		b.WriteString("</feed>")
	} else {
		b.WriteString("</channel></rss>")
	}
	return b.Bytes()
}

// site is where an article is to be read, each feed's at its own; nobody asks there.
func (c corpus) site(id int) string {
	owner := id / itemsPerFeed
	if id >= laterRounds {
		owner = id % c.feeds
	}
	return fmt.Sprintf("https://site%d.example", owner)
}

// writeEntry writes an article. The address is the article's own, at the site
// that has it first, with the tracking parameters of the feed it is in; the id is the feed's.
func writeEntry(b *bytes.Buffer, a article, site string, n int, atom bool) {
	link := fmt.Sprintf("%s/articles/%d?utm_source=feed%d&amp;utm_medium=rss", site, a.id, n)
	var html bytes.Buffer
	_ = xml.EscapeText(&html, []byte(a.html)) // a bytes.Buffer takes all
	if atom {
		fmt.Fprintf(b, `<entry><title>%s</title><link href="%s"/><id>tag:bench,2026:%d:%d</id><published>%s</published><updated>%s</updated><author><name>Writer %d</name></author><content type="html">%s</content></entry>`,
			a.title, link, n, a.id, a.published.Format(time.RFC3339), a.published.Format(time.RFC3339), a.id%40, html.Bytes())
		return
	}
	fmt.Fprintf(b, `<item><title>%s</title><link>%s</link><guid isPermaLink="false">%d-%d</guid><pubDate>%s</pubDate><dc:creator>Writer %d</dc:creator><category>News</category><content:encoded>%s</content:encoded></item>`,
		a.title, link, n, a.id, a.published.Format(time.RFC1123Z), a.id%40, html.Bytes())
}

// feedsCommand serves the corpus until it is killed. GET /round/N chooses the
// round that is served from then on.
func feedsCommand(args []string) error {
	flags := flag.NewFlagSet("feeds", flag.ContinueOnError)
	n := flags.Int("feeds", 1000, "number of feeds")
	if err := flags.Parse(args); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &feedServer{corpus: newCorpus(*n), base: "http://" + listener.Addr().String()}
	for range 2 { // rounds 0 and 1 are made before the clock starts
		s.bodies = append(s.bodies, s.render(len(s.bodies)))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /feed/{n}", s.feed)
	mux.HandleFunc("GET /round/{n}", s.setRound)
	fmt.Println(s.base)
	return (&http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}).Serve(listener)
}

type feedServer struct {
	corpus corpus
	base   string
	bodies [][][]byte // by round and feed, gzip
	round  atomic.Int64
}

// render makes and compresses all documents of a round.
func (s *feedServer) render(round int) [][]byte {
	out := make([][]byte, s.corpus.feeds)
	var wg sync.WaitGroup
	for half := range 2 {
		wg.Go(func() {
			for n := half; n < len(out); n += 2 {
				var b bytes.Buffer
				z := gzip.NewWriter(&b)
				_, _ = z.Write(s.corpus.document(s.base, n, round)) // a bytes.Buffer takes all
				_ = z.Close()
				out[n] = b.Bytes()
			}
		})
	}
	wg.Wait()
	return out
}

func (s *feedServer) setRound(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 0 || n >= len(s.bodies) {
		http.Error(w, "no such round", http.StatusBadRequest)
		return
	}
	s.round.Store(int64(n))
}

func (s *feedServer) feed(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("n"))
	round := int(s.round.Load())
	if err != nil || n < 0 || n >= s.corpus.feeds {
		http.NotFound(w, r)
		return
	}
	h := fnv.New64a()
	fmt.Fprint(h, n, round)
	etag := fmt.Sprintf(`"%x"`, h.Sum64())
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("Content-Length", strconv.Itoa(len(s.bodies[round][n])))
	_, _ = w.Write(s.bodies[round][n]) // a client that went away is its own affair
}
