package main

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"tributary/ingest/fetch"
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

// newsHub pushes news, by our own hub or through one elsewhere; nil: nobody does.
type newsHub struct {
	*hub.Hub
	own   bool
	front atomic.Pointer[web.Server]
}

// newHub makes the hub for the present configuration.
func (s *server) newHub(base string) *newsHub {
	address := s.cfg.hubURL(base)
	if address == "" {
		return nil
	}
	n := &newsHub{own: address == base+"/hub"}
	fetching := s.cfg.fetching()
	o := hub.Options{
		URL: address, Store: s.store, Topics: n, UserAgent: fetching.UserAgent, AllowPrivate: fetching.AllowPrivate, Logger: s.log,
		From: func(r *http.Request) netip.Addr { return n.front.Load().Client(r) },
	}
	if !n.own {
		o.Notify, o.Told = address, web.Told(base)
	}
	n.Hub = hub.New(o)
	return n
}

// handler answers subscribers, if the hub is our own; nil: nobody does.
func (n *newsHub) handler() http.Handler {
	if n == nil || !n.own {
		return nil
	}
	return n.Hub
}

// changed tells the hub that there may be news.
func (n *newsHub) changed() {
	if n != nil {
		n.Changed()
	}
}

// run has the hub send what front has, until ctx ends.
func (n *newsHub) run(ctx context.Context, front *web.Server, in *errgroup.Group) {
	if n == nil {
		return
	}
	n.front.Store(front)
	in.Go(func() error { n.Run(ctx); return nil })
}

// Topic is a document of the present front.
func (n *newsHub) Topic(ctx context.Context, address string) (hub.Document, error) {
	t, err := n.front.Load().Topic(ctx, address)
	return hub.Document(t), err
}
