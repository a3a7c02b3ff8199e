package hub

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tributary/store"
)

var (
	subscriptionsDesc = prometheus.NewDesc("tributary_hub_subscriptions", "Subscriptions to our documents, and hubs elsewhere that are told.", nil, nil)
	wishesDesc        = prometheus.NewDesc("tributary_hub_unverified", "Requests of subscribers that are not confirmed yet.", nil, nil)
	waitingDesc       = prometheus.NewDesc("tributary_hub_deliveries_waiting", "Deliveries that wait or are under way.", nil, nil)
)

func newSent() *prometheus.CounterVec {
	sent := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tributary_hub_deliveries_total", Help: "Attempts to deliver a document, by what came of them."}, []string{"result"})
	for _, result := range results {
		sent.WithLabelValues(result)
	}
	return sent
}

// results are the outcomes that are counted.
var results = map[store.Outcome]string{
	store.Delivered: "delivered", store.Failed: "failed", store.GivenUp: "given up", store.Over: "subscription ended",
}

func (h *Hub) count(o store.Outcome) {
	if result := results[o]; result != "" {
		h.sent.WithLabelValues(result).Inc()
	}
}

// Describe and Collect make a hub a collector of metrics.
func (h *Hub) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{subscriptionsDesc, wishesDesc, waitingDesc} {
		out <- d
	}
	h.sent.Describe(out)
}

// Collect leaves out what the store does not answer.
func (h *Hub) Collect(out chan<- prometheus.Metric) {
	h.sent.Collect(out)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	n, err := h.o.Store.HubTotals(ctx, h.o.Now())
	if err != nil {
		return
	}
	for desc, value := range map[*prometheus.Desc]int{subscriptionsDesc: n.Subscriptions, wishesDesc: n.Wishes, waitingDesc: n.Deliveries} {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value))
	}
}
