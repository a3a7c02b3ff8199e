package fetch

import (
	"crypto/tls"
	"sync"

	"tributary/feed"
)

// certificates are those that hosts last showed.
type certificates struct {
	mu     sync.Mutex
	byHost map[string]feed.Certificate
}

// certificatesKept bounds them; there are fewer sources than that.
const certificatesKept = 100_000

// note keeps what a host showed, if the connection is one with TLS.
func (c *certificates) note(host string, state *tls.ConnectionState) {
	if state == nil || len(state.PeerCertificates) == 0 {
		return
	}
	leaf := state.PeerCertificates[0]
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byHost == nil || len(c.byHost) >= certificatesKept {
		c.byHost = map[string]feed.Certificate{}
	}
	c.byHost[host] = feed.Certificate{Host: host, From: leaf.NotBefore, Until: leaf.NotAfter}
}

// Certificate is the certificate that a host showed last; zero times: it has shown
// none to this client. The host is named as by HostOf.
func (c *Client) Certificate(host string) feed.Certificate {
	c.shown.mu.Lock()
	defer c.shown.mu.Unlock()
	if shown, ok := c.shown.byHost[host]; ok {
		return shown
	}
	return feed.Certificate{Host: host}
}
