package ingest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"

	"tributary/feed"
	"tributary/ingest/fetch"
	"tributary/ingest/fulltext"
)

// ArticleReader reads the articles that entries link to. See [Articles].
type ArticleReader interface {
	// Article gives the main text of the page at an address, as HTML that is
	// not cleaned. An error says why there is none, as a *NoArticle.
	Article(ctx context.Context, address string) (html string, err error)
}

// NoArticle says why a page's text is not taken.
type NoArticle struct {
	Reason string    // the end of a sentence: "robots.txt forbids it"
	Failed bool      // the page could not be had, where a sound site gives it
	Host   string    // that does not want to be asked now; "": nobody said so
	Until  time.Time // when that ends; zero: not said
}

func (e *NoArticle) Error() string { return e.Reason }

const (
	articleTimeout = 15 * time.Second
	articleBytes   = 2 << 20
	robotsTimeout  = 10 * time.Second
	robotsBytes    = 1 << 20
)

// Articles reads pages by the rules of a client: in the turn of their hosts,
// and only what robots.txt lets us (RFC 9309).
type Articles struct {
	client  *fetch.Client // for pages
	robots  *robots
	reading chan struct{} // finding the text of a page costs time and memory: so many at once
}

// NewArticles makes a reader that shares all that client knows of hosts.
func NewArticles(client *fetch.Client, now func() time.Time) *Articles {
	product, _, _ := strings.Cut(client.UserAgent(), "/")
	product, _, _ = strings.Cut(product, " ")
	a := &Articles{robots: newRobots(client, product, now), reading: make(chan struct{}, runtime.GOMAXPROCS(0))}
	a.client = client.Pages(fetch.PageOptions{
		Accept: "text/html, application/xhtml+xml;q=0.9", Types: []string{"text/html", "application/xhtml+xml"},
		Timeout: articleTimeout, MaxBytes: articleBytes, Allow: a.robots.allow,
	})
	return a
}

// Article reads the page at an address.
func (a *Articles) Article(ctx context.Context, address string) (string, error) {
	r := a.client.Get(ctx, feed.Source{Kind: feed.KindFeed, URL: address}, false)
	if r.Kind != fetch.Fetched {
		return "", a.unread(r)
	}
	select {
	case a.reading <- struct{}{}:
	case <-ctx.Done():
		return "", &NoArticle{Reason: "the time for it was over", Failed: true}
	}
	defer func() { <-a.reading }()
	html, err := fulltext.Extract(fulltext.Page{Asked: address, URL: r.Document.URL, MediaType: r.Document.MediaType, Body: r.Document.Body})
	if err != nil {
		return "", &NoArticle{Reason: err.Error()}
	}
	return html, nil
}

// unread says why a page could not be had. Who answers 503 with a time is left
// alone until then, as one who answers 429 is.
func (a *Articles) unread(r fetch.Result) error {
	var no *NoArticle
	if errors.As(r.Err, &no) {
		return no
	}
	no = &NoArticle{Reason: "the page could not be had", Failed: r.Status == 0 || r.Status >= http.StatusInternalServerError || r.Cancelled()}
	if r.Err != nil {
		no.Reason += ": " + r.Err.Error()
	}
	if r.Failure == feed.StatusLimited {
		no.Failed, no.Host, no.Until = true, r.Host, r.RetryAfter
		a.client.PauseHost(r.Host, r.RetryAfter)
	}
	if feed.CodeOf(r.Err) == feed.CodeInvalid || feed.CodeOf(r.Err) == feed.CodeDenied {
		no.Failed = false // it is our rule, or what it is, and not its site's fault
	}
	return no
}

// forbidden is what robots.txt says.
func forbidden(u *url.URL) error {
	return &NoArticle{Reason: "robots.txt of " + u.Host + " forbids it"}
}
