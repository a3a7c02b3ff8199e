package feed

import (
	"net/url"
	"time"
)

// Hub is where a document's news can be had by push (WebSub). Both addresses
// are absolute; the zero value: nowhere.
type Hub struct {
	URL   string
	Topic string // the document's own address, by which the hub knows it
}

// PushState is how far a subscription has come.
type PushState string

// The states of a subscription.
const (
	PushAsked   PushState = "asked"   // its hub has not confirmed it yet, or its lease ran out
	PushActive  PushState = "active"  // confirmed: news arrive by push
	PushRefused PushState = "refused" // its hub does not want to
	PushLeaving PushState = "leaving" // to be ended
)

// Push is our subscription to a source at its hub.
type Push struct {
	ID       string // the part of its callback's address that nobody can guess
	Base     string // the rest of that address
	SourceID int64
	Hub      Hub
	Secret   string
	State    PushState
	Until    time.Time // end of the lease; zero: it was never confirmed
	Next     time.Time // the hub is not asked before
	Attempts int       // to have the present wish confirmed
	Error    string    // what went wrong last, in words
}

// Callback is the address that its hub sends to.
func (p Push) Callback() string { return p.Base + p.ID }

// Words tell how far it has come; when says a time. What went wrong is left to
// who may know it.
func (p Push) Words(when func(time.Time) string) string {
	hub := p.Hub.URL
	if u, err := url.Parse(hub); err == nil && u.Host != "" {
		hub = u.Host
	}
	switch {
	case p.State == PushActive:
		return "pushed by " + hub + " until " + when(p.Until)
	case p.State == PushRefused:
		return hub + " does not push it to us"
	case p.Error != "":
		return hub + " was asked to push it, and fails; it is asked again at " + when(p.Next)
	}
	return hub + " was asked to push it, and has not confirmed it yet"
}
