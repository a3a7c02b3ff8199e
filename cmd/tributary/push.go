package main

import (
	"context"
	"errors"
	"net/http"

	"golang.org/x/sync/errgroup"

	"tributary/ingest/fetch"
	"tributary/ingest/push"
	"tributary/scheduler/cluster"
)

// What the key push says; auto is kept as "".
const (
	pushOn   = "on"
	pushOff  = "off"
	pushAuto = "auto"
)

// parsePush reads whether we subscribe at the hubs that sources name.
func parsePush(v string) (string, error) {
	if v == "" || v == pushAuto {
		return "", nil
	}
	on, err := parseSwitch(v)
	switch {
	case err != nil:
		return "", errors.New("this is neither on, nor off, nor auto, which is on where base_url is public and https")
	case on:
		return pushOn, nil
	}
	return pushOff, nil
}

// pushBase is what the addresses begin with that hubs send to; "": we don't subscribe.
func (c Config) pushBase(base string) string {
	if c.Push == pushOn || c.Push == "" && reachableByAll(base) {
		return base + "/push/"
	}
	return ""
}

// subscriber is subscribed at the hubs that sources name.
type subscriber struct {
	*push.Subscriber
	transport *http.Transport
}

// newSubscriber makes the subscriber for the present configuration. It is there
// also where nothing is to be subscribed to: what there was is given up.
func (s *server) newSubscriber(base string) *subscriber {
	fetching := s.cfg.fetching()
	n := &subscriber{transport: fetch.Guarded(fetching.AllowPrivate, func(string, bool) {})}
	n.Subscriber = push.New(push.Options{
		Base: s.cfg.pushBase(base), Store: s.store, Take: s.scheduler.Push, Transport: n.transport, UserAgent: fetching.UserAgent,
		Logger: s.log, Named: s.named, Ours: s.ours(cluster.DutyPush), Spacing: fetching.HostSpacing,
		Count: func(result string) { s.front.Load().CountPush(result) },
	})
	return n
}

// run has it work until ctx ends.
func (n *subscriber) run(ctx context.Context, in *errgroup.Group) {
	in.Go(func() error {
		defer n.transport.CloseIdleConnections()
		n.Run(ctx)
		return nil
	})
}
