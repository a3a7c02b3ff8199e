package web

import (
	"context"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/fetch"
	"tributary/store"
)

// Options of a Server.
type Options struct {
	Site      feed.Site      // what the feed says of itself; BaseURL may have a path, under which everything then lives too
	Token     string         // allows changes and shows private sources; "": nothing is allowed
	UserAgent string         // that we fetch with, told on /fetching
	MaxAge    time.Duration  // Cache-Control max-age of the feed documents; 0: 15 min. Match it to the schedule
	Location  *time.Location // of the times on pages; nil: UTC
	AccessLog bool           // log each request at level info; else at debug
	Logger    *slog.Logger   // nil: slog.Default()
	Now       func() time.Time
	Corrector Corrector // carries out what people put right; nil: nobody does here
	Moderator Moderator // carries out what people say is on topic; nil: nobody does here
	Replayer  Replayer  // tries other thresholds on what is stored; nil: nobody does here
	Keys      Keys      // makes and removes reader keys; nil: nobody does here
	// Private puts everything but the feeds behind the log-in, and the feeds
	// behind reader keys.
	Private bool
	// NoPictures keeps pictures of other sites out of the pages of items too.
	NoPictures bool
	// HubURL is the WebSub hub that the feeds name; "": none. Hub answers there if
	// it is our own, and Changed is told, briefly, when the feeds were rendered anew.
	HubURL  string
	Hub     http.Handler
	Changed func()
	// Pushed answers the hubs that we have subscribed at, at /push/{id}; nil: there are none.
	Pushed http.Handler
	// TrustedProxies are the networks of proxies that are believed what they say
	// of the visitor (X-Forwarded-For, X-Forwarded-Proto).
	TrustedProxies []netip.Prefix
	// Filter says by what entries are told to be on topic at present: one of
	// ingest's modes, FilterLearned, FilterRules or FilterOff; nil: off.
	Filter func() string
}

// Store is what the server reads. Package store documents the methods.
type Store interface {
	Change(ctx context.Context) (int64, error)
	Listen(ctx context.Context) <-chan struct{}
	Gone(ctx context.Context, after, upTo int64) (int, error)
	Window(ctx context.Context) (items []feed.Item, older int64, err error)
	Archive(ctx context.Context, block int64) (items []feed.Item, newer bool, err error)
	Stories(ctx context.Context, q store.StoryQuery) ([]feed.Story, error)
	Item(ctx context.Context, id string) (feed.Item, error)
	Items(ctx context.Context, q store.Query) ([]feed.Item, error)
	Tags(ctx context.Context, limit int) ([]store.TagCount, error)
	Entries(ctx context.Context, itemRow int64) ([]feed.Entry, error)
	Corrections(ctx context.Context, limit int) ([]feed.Correction, error)
	Sources(ctx context.Context) ([]feed.Source, error)
	Source(ctx context.Context, name string) (feed.Source, error)
	SourceDays(ctx context.Context, sourceID int64, since time.Time) ([]feed.SourceDay, error)
	PushOf(ctx context.Context, sourceID int64) (p feed.Push, found bool, err error)
	Totals(ctx context.Context) (store.Totals, error)
	Writes() store.Writes
	Run(ctx context.Context, id string) (feed.Report, error)
	Runs(ctx context.Context, limit int) ([]feed.Report, error)
	ProfileHead(ctx context.Context) (feed.Profile, error)
	Profile(ctx context.Context) (feed.Profile, error)
	Scores(ctx context.Context, entryIDs []int64) ([]feed.Score, error)
	HeldEntries(ctx context.Context, q store.HeldQuery) ([]feed.HeldEntry, error)
	HeldCounts(ctx context.Context, since time.Time) (map[string]int, error)
	EntryByID(ctx context.Context, id int64) (feed.HeldEntry, error)
	Copies(ctx context.Context, urls, contents []int64) ([]feed.Known, error)
	ItemByRow(ctx context.Context, row int64) (feed.Item, error)
	Judged(ctx context.Context, limit int) ([]feed.JudgedEntry, error)
	ReaderKeyName(ctx context.Context, hash string) (name string, found bool, err error)
	ReaderKeys(ctx context.Context) ([]feed.ReaderKey, error)
	Incidents(ctx context.Context, limit int) ([]feed.Incident, error)
	OpenIncidents(ctx context.Context) (int, error)
}

// Keys makes and removes reader keys.
type Keys interface {
	// Make makes a key for the reader that name says. It is known this once.
	Make(ctx context.Context, name string) (key string, err error)
	Remove(ctx context.Context, name string) error
}

// Runner starts ingests.
type Runner interface {
	// Trigger starts a run or joins the one that does the same, and returns its id.
	Trigger(ctx context.Context, req feed.RunRequest) (runID string, err error)
	// Wait returns the report of a run once it is done, or ctx's error.
	Wait(ctx context.Context, runID string) (feed.Report, error)
	// Report returns the report of a run, as far as it goes if it is in progress.
	Report(ctx context.Context, runID string) (feed.Report, error)
	// NextRun is when the schedule fires next; zero: never.
	NextRun() time.Time
	// Running tells whether a run is in progress.
	Running() bool
}

// Sources adds, changes and removes sources.
type Sources interface {
	// Preview finds the feed at or behind an address and tells what it would
	// bring. Nothing is stored.
	Preview(ctx context.Context, src feed.Source) (SourcePreview, error)
	// Add validates a source by fetching it (a page's feeds are discovered),
	// stores it, says in words what was found, and starts its first run.
	Add(ctx context.Context, src feed.Source) (added feed.Source, found, run string, err error)
	// Update changes what a person may say of the source with this slug.
	Update(ctx context.Context, src feed.Source) error
	Remove(ctx context.Context, slug string, purge bool) error
	// Import adds the feeds of an OPML file that are no sources yet.
	Import(ctx context.Context, file io.Reader) ([]ImportedSource, error)
}

// SourcePreview is what a source would bring if it were added.
type SourcePreview struct {
	Source feed.Source       // with the feed's address, and what it says of itself
	Feeds  []fetch.Candidate // that the page there names; none: it is a feed itself
	Would  ingest.Preview
}

// ImportedSource is what became of a feed in an imported list: added, known
// already, or left out for a problem.
type ImportedSource struct {
	Source  feed.Source
	Added   bool
	Problem string
}

// Server answers HTTP requests. Make one with New.
type Server struct {
	opt     Options
	store   Store
	runner  Runner
	sources Sources
	log     *slog.Logger
	root    string // path of the base URL: "" or "/news"

	pages       map[string]*template.Template
	assets      assets
	guard       *guard
	sessions    sessions
	crossOrigin *http.CrossOriginProtection
	metrics     *metrics
	cache       *cache // of pages
	turns       *queue // of strangers for whom those are made
	finds       shelf  // pages of what was searched for
	docs        documents
	variants    variants
	poke        chan struct{}
	seen        atomic.Int64 // the newest change number we know of
	counted     counted
	learned     learned
	decided     atomic.Int64 // what people have decided here since the start
	streams     streams      // those who follow a run
	readers     readers
	ending      context.Context // ends with Watch, and streams with it
	replaying   sync.Mutex
	end         context.CancelFunc
	mux         *http.ServeMux
	handler     http.Handler
}

// New makes a server. It reads nothing yet; the first request, or Watch, does.
func New(o Options, s Store, runner Runner, sources Sources) *Server {
	if o.MaxAge == 0 {
		o.MaxAge = 15 * time.Minute
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Filter == nil {
		o.Filter = func() string { return ingest.FilterOff }
	}
	o.Site.BaseURL = strings.TrimRight(o.Site.BaseURL, "/")
	srv := &Server{
		opt: o, store: s, runner: runner, sources: sources, log: o.Logger,
		root:        pathOf(o.Site.BaseURL),
		assets:      newAssets(),
		guard:       newGuard(o.Token, o.Now),
		sessions:    newSessions(o.Token, o.Now),
		crossOrigin: newCrossOrigin(o.Site.BaseURL),
		cache:       newCache(cacheEntries, cacheBytes),
		turns:       newQueue(pagesAtOnce, pagesWait),
		finds:       shelf{newCache(cacheEntries, cacheBytes), newQueue(pagesAtOnce, pagesWait)},
		variants:    newVariants(),
		poke:        make(chan struct{}, 1),
	}
	srv.ending, srv.end = context.WithCancel(context.Background())
	srv.pages = parsePages(srv)
	srv.metrics = newMetrics(srv)
	srv.mux = srv.routes()
	srv.handler = srv.observe(srv.mux)
	return srv
}

// pathOf is the path of a base URL without a slash at its end.
func pathOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return strings.TrimRight(u.EscapedPath(), "/")
}

// Handler serves everything, with metrics, logs and recovery from panics. What
// it serves follows the store only while Watch runs.
func (s *Server) Handler() http.Handler { return s.handler }

// Metrics is the registry behind /metrics, for others to add theirs.
func (s *Server) Metrics() *prometheus.Registry { return s.metrics.registry }

// HTTP is an http.Server on addr that no slow or silent client can hold up.
func (s *Server) HTTP(addr string) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           s.handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute, // of a 1 MB document: 17 KB/s
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}
