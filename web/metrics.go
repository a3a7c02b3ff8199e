package web

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tributary/feed"
)

// metrics is the server's own registry. What a request touches is resolved
// when its route is registered.
type metrics struct {
	registry *prometheus.Registry
	handler  http.Handler
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	renders  *prometheus.CounterVec
	pushes   *prometheus.CounterVec
	routes   map[string]*routeMetrics // by mux pattern; read only once requests come
	other    *routeMetrics            // paths that we don't know
}

// routeMetrics are one route's. The two answers that feed readers get are
// resolved beforehand.
type routeMetrics struct {
	path          string
	ok, unchanged prometheus.Counter
	seconds       prometheus.Observer
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		routes:   map[string]*routeMetrics{},
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tributary_http_requests_total", Help: "HTTP requests answered, by route and status."}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tributary_http_request_seconds", Help: "Time taken to answer, by route.",
			Buckets: []float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5}}, []string{"route"}),
		renders: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tributary_renders_total", Help: "Renderings of the feed documents, by result."}, []string{"result"}),
		pushes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tributary_pushes_total", Help: "Documents that hubs have sent us, by what became of them."}, []string{"result"}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.renders, m.pushes, &storeMetrics{store: s.store},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            scrapeLog{s},
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: 2,
		DisableCompression:  true,
	})
	m.other = m.resolve("other")
	return m
}

func (m *metrics) resolve(path string) *routeMetrics {
	return &routeMetrics{
		path:      path,
		ok:        m.requests.WithLabelValues(path, "200"),
		unchanged: m.requests.WithLabelValues(path, "304"),
		seconds:   m.seconds.WithLabelValues(path),
	}
}

// route makes the metrics of a mux pattern. Patterns of the same path under
// several prefixes share them.
func (m *metrics) route(pattern, path string) { m.routes[pattern] = m.resolve(path) }

func (m *metrics) observe(pattern string, status int, took time.Duration) {
	r := m.routes[pattern]
	if r == nil {
		r = m.other
	}
	switch status {
	case http.StatusOK:
		r.ok.Inc()
	case http.StatusNotModified:
		r.unchanged.Inc()
	default:
		m.requests.WithLabelValues(r.path, strconv.Itoa(status)).Inc()
	}
	r.seconds.Observe(took.Seconds())
}

// rendered counts a rendering of the feed documents.
func (m *metrics) rendered(err error) {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	m.renders.WithLabelValues(result).Inc()
}

// scrapeLog takes what goes wrong while metrics are gathered.
type scrapeLog struct{ s *Server }

func (l scrapeLog) Println(v ...any) { l.s.log.Warn("metrics are incomplete", "error", v) }

// storeMetrics reads the store when metrics are asked for, and not again within
// metricsAge: counting a large store takes a while, and anybody may ask.
type storeMetrics struct {
	store Store

	mu    sync.Mutex
	at    time.Time
	gauge []gauge
}

const metricsAge = 10 * time.Second

// gauge is one number that was read.
type gauge struct {
	desc   *prometheus.Desc
	value  float64
	labels []string
}

var (
	upDesc      = prometheus.NewDesc("tributary_store_up", "1 if the store answers.", nil, nil)
	sourcesDesc = prometheus.NewDesc("tributary_sources", "Sources, by status.", []string{"status"}, nil)
	itemsDesc   = prometheus.NewDesc("tributary_items", "Items that are published.", nil, nil)
	entriesDesc = prometheus.NewDesc("tributary_entries", "Entries known, whatever was decided about them.", nil, nil)
	heldDesc    = prometheus.NewDesc("tributary_entries_held", "Entries kept but not shown.", nil, nil)
	lastRunDesc = prometheus.NewDesc("tributary_last_run_timestamp_seconds", "When the newest run started.", nil, nil)
	failedDesc  = prometheus.NewDesc("tributary_last_run_failed_sources", "Sources that failed in the newest run.", nil, nil)

	writesDesc       = prometheus.NewDesc("tributary_store_writes_total", "Write transactions of this process.", nil, nil)
	writeSecondsDesc = prometheus.NewDesc("tributary_store_write_seconds_total",
		"Time of this process's write transactions: waited, for those of all processes before them, and held, while all others wait.", []string{"part"}, nil)
)

func (c *storeMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{upDesc, sourcesDesc, itemsDesc, entriesDesc, heldDesc, lastRunDesc, failedDesc, writesDesc, writeSecondsDesc} {
		out <- d
	}
}

// Collect leaves out what the store does not answer and says so by tributary_store_up.
func (c *storeMetrics) Collect(out chan<- prometheus.Metric) {
	spent := c.store.Writes()
	out <- prometheus.MustNewConstMetric(writesDesc, prometheus.CounterValue, float64(spent.Transactions))
	out <- prometheus.MustNewConstMetric(writeSecondsDesc, prometheus.CounterValue, spent.Waited.Seconds(), "waited")
	out <- prometheus.MustNewConstMetric(writeSecondsDesc, prometheus.CounterValue, spent.Held.Seconds(), "held")
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.at) >= metricsAge {
		c.at, c.gauge = now, c.read()
	}
	for _, g := range c.gauge {
		out <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, g.value, g.labels...)
	}
}

func (c *storeMetrics) read() []gauge {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	down := []gauge{{desc: upDesc}}
	totals, err := c.store.Totals(ctx)
	if err != nil {
		return down
	}
	sources, err := c.store.Sources(ctx)
	if err != nil {
		return down
	}
	runs, err := c.store.Runs(ctx, 1)
	if err != nil {
		return down
	}
	all := []gauge{
		{desc: upDesc, value: 1},
		{desc: itemsDesc, value: float64(totals.Items)},
		{desc: entriesDesc, value: float64(totals.Entries)},
		{desc: heldDesc, value: float64(totals.Held)},
	}
	for status, n := range byStatus(sources) {
		all = append(all, gauge{sourcesDesc, float64(n), []string{string(status)}})
	}
	for _, r := range runs {
		all = append(all, gauge{desc: lastRunDesc, value: float64(r.Started.Unix())}, gauge{desc: failedDesc, value: float64(r.Failed())})
	}
	return all
}

// byStatus counts sources; every status is there, also those that no source has.
func byStatus(sources []feed.Source) map[feed.Status]int {
	n := map[feed.Status]int{
		feed.StatusNew: 0, feed.StatusOK: 0, feed.StatusTruncated: 0, feed.StatusFailing: 0,
		feed.StatusLimited: 0, feed.StatusBlocked: 0, feed.StatusNotFeed: 0, feed.StatusGone: 0,
	}
	for _, s := range sources {
		n[status(s)]++
	}
	return n
}

// status is a source's status, which is "new" before its first fetch.
func status(s feed.Source) feed.Status {
	if s.State.Status == "" {
		return feed.StatusNew
	}
	return s.State.Status
}
