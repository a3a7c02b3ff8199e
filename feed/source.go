package feed

import (
	"net/url"
	"strings"
	"time"
)

// SourceKind says how a source is read.
type SourceKind string

// The kinds of source.
const (
	KindFolder SourceKind = "folder" // a directory of .txt, .md and .html files
	KindFeed   SourceKind = "feed"   // an RSS, Atom or JSON feed behind a URL
)

// Origin says who declared a source. A source of the configuration (or the
// environment) follows it at each start; an added one stays until removed.
type Origin string

// The origins of a source.
const (
	OriginConfig Origin = "config"
	OriginEnv    Origin = "environment"
	OriginAdded  Origin = "added"
)

// SeedsSlug is the slug of the folder source that defines the topic.
const SeedsSlug = "seeds"

// Source is where documents come from: a folder, or a feed's URL.
type Source struct {
	ID       int64
	Slug     string     // stable short name for commands and URLs: [a-z0-9-]+, unique
	Kind     SourceKind // folder or feed
	URL      string     // as declared; for a folder its path
	Name     string     // as declared, or "": then the feed's own title is shown
	Every    string     // "" (the default interval), a duration ("2h") or a five-field cron line
	Tags     []string
	Enabled  bool
	Private  bool // appears in no public output
	Origin   Origin
	Position int    // order of declaration; the smaller wins where copies are equally good
	Priority int    // of its copies of an article: the larger wins; usually 0
	Topic    string // "off": it is on topic by itself, and not filtered; "": as all
	FullText bool   // the text of its articles is taken from their pages
	// Headers are sent with requests to its host, by name. $NAME in a value
	// stands for an environment variable, $$ for a dollar sign. Values are
	// secret, whether they name a variable or not.
	Headers map[string]string

	About Channel     // what the feed says of itself
	State SourceState // what fetching has learned
}

// Title is the name to show: the declared one, else the feed's own, else the host or slug.
func (s Source) Title() string {
	switch {
	case s.Name != "":
		return s.Name
	case s.About.Title != "":
		return s.About.Title
	}
	return s.Slug
}

// Condition says in words how a source is doing: "works", "asked us to wait".
func (s Source) Condition() string {
	if !s.Enabled {
		return "switched off"
	}
	switch s.State.Status {
	case StatusNew, "":
		return "not fetched yet"
	case StatusOK:
		return "works"
	case StatusTruncated:
		return "works, but its document breaks off"
	case StatusFailing:
		return "fails"
	case StatusLimited:
		return "asked us to wait"
	case StatusBlocked:
		return "does not let us in"
	case StatusNotFeed:
		return "is not a feed"
	case StatusGone:
		return "is gone"
	}
	return string(s.State.Status)
}

// HasSecrets tells whether fetching the source takes what only its reader
// should know: user info in its address, or headers of its own. Such a source
// appears in no public output.
func (s Source) HasSecrets() bool {
	return len(s.Headers) > 0 || s.Kind != KindFolder && hasUserInfo(s.URL)
}

// hasUserInfo tells whether an address has user info (RFC 3986, 3.2.1). One
// that cannot be read may well have.
func hasUserInfo(rawURL string) bool {
	if !strings.Contains(rawURL, "@") {
		return false
	}
	u, err := url.Parse(rawURL)
	return err != nil || u.User != nil
}

// Redacted is an address fit for messages: without its password, or without
// its user where that is all the user info there is.
func Redacted(rawURL string) string {
	if !hasUserInfo(rawURL) {
		return rawURL
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return "the address"
	}
	if _, password := u.User.Password(); !password {
		u.User = url.User("xxxxx")
	}
	return u.Redacted()
}

// Channel is what a feed document says of itself (RSS channel, Atom feed element).
type Channel struct {
	ID       string // atom:id, if any
	Title    string // plain text
	Link     string // the site's page, absolute
	Author   string
	Rights   string
	Language string // BCP 47
	Icon     string
	Updated  time.Time // zero: not said

	// What the feed asks of its pollers (RSS ttl, skipHours, skipDays; sy:updatePeriod).
	MinInterval time.Duration  // the larger of ttl and sy:updatePeriod/Frequency; 0: not said
	SkipHours   []int          // UTC hours, 0–23
	SkipDays    []time.Weekday // UTC days
}

// Status is a source's condition, in one word.
type Status string

// The states of a source.
const (
	StatusNew       Status = "new"        // never fetched
	StatusOK        Status = "ok"         // the last fetch gave a document, or 304
	StatusTruncated Status = "truncated"  // the last document broke off; its whole entries were taken
	StatusFailing   Status = "failing"    // network, server or parse failure; backing off
	StatusLimited   Status = "limited"    // 429 or 503 with Retry-After: waiting as told
	StatusBlocked   Status = "blocked"    // a challenge page or 401/403
	StatusNotFeed   Status = "not a feed" // HTML or something else where a feed should be
	StatusGone      Status = "gone"       // 410: not fetched any more until edited or forced
)

// SourceState is what fetching has learned of a source. It commits in the
// same transaction as the entries of the document it belongs to.
type SourceState struct {
	Status   Status
	Error    string // the last failure in words, "" after a success
	Failures int    // in a row

	ETag            string // byte for byte as received (RFC 9110, 8.8.3)
	LastModified    string // likewise
	ValidatorsSince time.Time
	BodyHash        int64 // of the last 200 body after decompression
	SameBodies      int   // 200 answers in a row with an unchanged body and without a validator

	FetchURL      string    // where permanent redirects have led, "" = URL
	RedirectTo    string    // a permanent redirect under observation
	RedirectSince time.Time // its first sighting
	RedirectSeen  int       // equal answers in a row

	LastFetch   time.Time
	LastSuccess time.Time
	LastChange  time.Time // last document that brought something new
	NextDue     time.Time // zero: due now
	DueReason   string    // why then, in words
	RetryAfter  time.Time // never before, even by force (429, 503)

	Fetches     int64 // requests made
	NotModified int64 // of these answered 304
	BytesIn     int64 // body bytes received, compressed
	BytesSaved  int64 // estimated: last 200 body size for every 304
	LastSize    int64 // of the last 200 body as received

	Imported bool // the first import (newest 50) is done

	// How many of its entries were scored of late, and how many of these were
	// on topic; both are halved now and then, so that they tell of the present.
	Scored, OnTopic int

	Hub Hub // that its last document named
	// Pushed is when a hub last sent its document; zero once a poll has found
	// something new that no hub had sent.
	Pushed time.Time
}
