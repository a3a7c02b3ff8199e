package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tributary/ingest/fetch"
	"tributary/scheduler/cluster"
	"tributary/store"
	"tributary/web"
	"tributary/web/hub"
)

// What the key hub says, beside an address.
const (
	hubOwn = "own"
	hubOff = "off"
)

// parseHub reads which WebSub hub the feeds name.
func parseHub(v string) (string, error) {
	switch v {
	case "", hubOwn, hubOff:
		return v, nil
	case "false", "no": // what YAML's off is to some
		return hubOff, nil
	}
	u, err := webURL(v, "https://hub.example.org")
	if err != nil || u.User != nil || u.Fragment != "" {
		return "", errors.New("this is neither own, nor off, nor the plain address of a hub such as https://hub.example.org/")
	}
	return u.String(), nil
}

// checkHub tells what does not go together.
func (c Config) checkHub() error {
	if c.Closed && c.Hub != "" && c.Hub != hubOff {
		return errors.New("a private site's feeds are sent to nobody; remove this key, or private")
	}
	return nil
}

// hubURL is the hub that the feeds name; "": none. Unless something is configured
// it is our own, if subscribers can reach that.
func (c Config) hubURL(base string) string {
	own := c.Hub == hubOwn || c.Hub == "" && reachableByAll(base)
	switch {
	case c.Closed, c.Hub == hubOff:
		return ""
	case own:
		return base + "/hub"
	}
	return c.Hub
}

// reachableByAll tells whether others can reach us, as far as our address says.
func reachableByAll(base string) bool {
	return strings.HasPrefix(base, "https://") && fetch.Public(base)
}

// hubsLike tells whether two configurations push, and are pushed to, alike.
func (c Config) hubsLike(other Config) bool {
	return c.Hub == other.Hub && c.Push == other.Push && c.HostSpacing == other.HostSpacing && c.Private == other.Private && c.fetching().UserAgent == other.fetching().UserAgent
}

// newsHub pushes news, by our own hub or through one elsewhere.
type newsHub struct {
	*hub.Hub // nil: nobody does
	own      bool
	store    *store.Store
	log      *slog.Logger
	front    atomic.Pointer[web.Server]
}

// newHub makes the hub for the present configuration.
func (s *server) newHub(base string) *newsHub {
	address := s.cfg.hubURL(base)
	n := &newsHub{own: address == base+"/hub", store: s.store, log: s.log}
	if address == "" {
		return n
	}
	fetching := s.cfg.fetching()
	o := hub.Options{
		URL: address, Main: web.Told(base), Store: s.store, Ours: s.ours(cluster.DutyHub), Topics: n, UserAgent: fetching.UserAgent, AllowPrivate: fetching.AllowPrivate, Logger: s.log,
		From: func(r *http.Request) netip.Addr { return n.front.Load().Client(r) },
	}
	if !n.own {
		o.Notify = address
	}
	n.Hub = hub.New(o)
	return n
}

// handler answers subscribers, if the hub is our own; nil: nobody does.
func (n *newsHub) handler() http.Handler {
	if !n.own {
		return nil
	}
	return n.Hub
}

// changed tells the hub that there may be news.
func (n *newsHub) changed() {
	if n.Hub != nil {
		n.Changed()
	}
}

// run has the hub send what front has, until ctx ends.
func (n *newsHub) run(ctx context.Context, front *web.Server, in *errgroup.Group) {
	n.front.Store(front)
	if n.Hub != nil {
		front.Metrics().MustRegister(n.Hub)
	}
	in.Go(func() error {
		if n.forget(ctx) && n.Hub != nil {
			n.Run(ctx)
		}
		return nil
	})
}

// forgetAgain is the pause before another try to forget.
const forgetAgain = 5 * time.Second

// forget ends the subscriptions of a hub that we were and are no more, so that
// nothing is left to be sent if we become one again. It tries until it succeeds; done is
// false when ctx has ended before.
func (n *newsHub) forget(ctx context.Context) (done bool) {
	for ctx.Err() == nil {
		err := n.forgetOnce(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() == nil {
			n.log.Error("what is left of another hub cannot be removed, and is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(forgetAgain):
		}
	}
	return false
}

func (n *newsHub) forgetOnce(ctx context.Context) error {
	if n.own {
		return nil // which hub elsewhere was told, the hub itself sees to
	}
	if n.Hub == nil {
		if err := n.store.SyncPings(ctx, "", "", nil); err != nil {
			return err
		}
	}
	return n.store.DropSubscribers(ctx)
}

// greetHub says which hub pushes news.
func (s *server) greetHub(p *program, base string) {
	if address := s.cfg.hubURL(base); address != "" {
		p.say("  hub    %s", address)
	}
}

// checkHub says who pushes news, and how many want them. What is wrong with the
// database, its own check says.
func checkHub(ctx context.Context, cfg Config) (all []finding) {
	base := cfg.withBaseURL(cfg.Listen).BaseURL
	address := cfg.hubURL(base)
	says := "none: news are not pushed"
	switch {
	case address == "":
	case address != base+"/hub":
		says = address + " is told of news"
	default:
		says = "our own, at " + address
		_ = withExisting(ctx, cfg, func(st *store.Store) error {
			if st == nil {
				return nil
			}
			n, err := st.HubTotals(ctx, time.Now())
			if err == nil {
				says += fmt.Sprintf(": %s, %d unconfirmed, %d waiting to be sent", plural(n.Subscriptions, "subscription"), n.Wishes, n.Deliveries)
			}
			return err
		})
	}
	return []finding{{"hub", true, says}}
}

// Topic is a document of the present front.
func (n *newsHub) Topic(ctx context.Context, address string) (hub.Document, error) {
	t, err := n.front.Load().Topic(ctx, address)
	return hub.Document(t), err
}
