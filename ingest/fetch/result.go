package fetch

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"time"

	"tributary/feed"
)

// Kind is what a fetch came to.
type Kind int

// The kinds of result.
const (
	Failed      Kind = iota // no document: see Failure and Err
	Fetched                 // a document
	NotModified             // the server says that the last document still holds (304)
)

func (k Kind) String() string {
	switch k {
	case Fetched:
		return "fetched"
	case NotModified:
		return "not modified"
	}
	return "failed"
}

// Result is what a fetch brought.
type Result struct {
	Kind     Kind
	Document feed.Document // of a Fetched
	BodyHash int64         // of Document.Body, see BodyHash; 0: none

	Status       int    // of the last answer; 0: there was none
	ETag         string // of the last answer, byte for byte (RFC 9110, 8.8.3)
	LastModified string // likewise
	// FreshFor is the larger of Cache-Control's max-age and Expires less Date.
	FreshFor time.Duration
	// RetryAfter is when the server may be asked again, zero: it did not say.
	// A 429 always has one: where the server names no time, ours, which grows
	// from one 429 to the next.
	RetryAfter time.Time
	Links      []string // Link header fields of the last answer
	// MovedTo is where a chain of nothing but permanent redirects (301, 308)
	// led, without user info; "" for any other chain.
	MovedTo string

	Bytes    int64 // of bodies, as received
	Requests int   // attempted, redirects included; 0: nothing was asked of anybody

	// Failure is a Failed's condition: failing, limited, blocked, not a feed
	// or gone; "" if it was cancelled. A Fetched may carry truncated, which its
	// parser finds.
	Failure feed.Status
	Err     error  // of a Failed, for people
	Host    string // asked last, as HostOf names it
	At      time.Time
	// Network tells that it failed before any HTTP answer: that may be our network.
	Network bool
}

// Fail is r as a failure that was found after it was fetched, such as a
// document that is not a feed.
func (r Result) Fail(status feed.Status, err error) Result {
	r.Kind, r.Failure, r.Err = Failed, status, err
	return r
}

// Cancelled tells that the fetch ended because its caller gave up, or because
// another process speaks to the host: it says nothing about the source.
func (r Result) Cancelled() bool { return r.Kind == Failed && r.Failure == "" }

// BodyHash is the first 64 bits of a body's SHA-256, never 0.
func BodyHash(body []byte) int64 {
	sum := sha256.Sum256(body)
	if h := int64(binary.BigEndian.Uint64(sum[:8])); h != 0 { //nolint:gosec // bits, not a number
		return h
	}
	return 1
}

// Step is one exchange of a fetch, as Client.Trace tells it.
type Step struct {
	URL      string      // without user info
	Sent     http.Header // Authorization only as its scheme
	Proto    string      // "HTTP/1.1", "HTTP/2.0"; "" without an answer
	Status   int         // 0: no answer
	Received http.Header // Set-Cookie only as names
	Bytes    int64
	Err      error // why there is no answer
}
