package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// errPrivate refuses an address that only AllowPrivate would open.
type errPrivate struct {
	addr     netip.Addr
	openable bool // AllowPrivate would
}

func (e *errPrivate) Error() string { return fmt.Sprintf("%s is not a public address", e.addr) }

// guard decides which addresses may be dialled. It is asked with the address
// that a connection is really made to, after name resolution and on every
// hop, so that neither a redirect nor a name that changes its address passes.
type guard struct {
	public *ssrf.Guardian
	open   *ssrf.Guardian // public and what AllowPrivate opens
	all    bool           // AllowPrivate
}

func newGuard(allowPrivate bool) *guard {
	return &guard{
		all:    allowPrivate,
		public: ssrf.New(ssrf.WithAnyPort()),
		open: ssrf.New(ssrf.WithAnyPort(),
			ssrf.WithAllowedV4Prefixes(
				netip.MustParsePrefix("10.0.0.0/8"),     // RFC 1918
				netip.MustParsePrefix("100.64.0.0/10"),  // RFC 6598
				netip.MustParsePrefix("127.0.0.0/8"),    // loopback
				netip.MustParsePrefix("172.16.0.0/12"),  // RFC 1918
				netip.MustParsePrefix("192.168.0.0/16"), // RFC 1918
			),
			ssrf.WithAllowedV6Prefixes(
				netip.MustParsePrefix("::1/128"),   // loopback
				netip.MustParsePrefix("fc00::/7"),  // RFC 4193
				netip.MustParsePrefix("fe80::/10"), // link-local
			),
			// 169.254.0.0/16 stays closed, and this one of fc00::/7 is taken out
			// in check: cloud machines hand out their credentials there.
		),
	}
}

// metadataV6 is where EC2 serves its instance metadata over IPv6.
var metadataV6 = netip.MustParseAddr("fd00:ec2::254")

// check says whether a connection to addr may be made.
func (g *guard) check(addr netip.Addr) error {
	addr = embedded(addr)
	if g.public.SafeAddr(addr) == nil {
		return nil
	}
	openable := addr != metadataV6 && g.open.SafeAddr(addr) == nil
	if g.all && openable {
		return nil
	}
	return &errPrivate{addr: addr, openable: openable}
}

// near tells that only AllowPrivate opens addr: such a server is ours, and
// needs no spacing.
func (g *guard) near(addr netip.Addr) bool { return g.public.SafeAddr(embedded(addr)) != nil }

// embedded is the IPv4 address inside an IPv4-mapped (RFC 4291, 2.5.5.2) or
// NAT64 (RFC 6052) one, so that neither hides a private address, and a machine
// that has only IPv6 still reaches the IPv4 web through its NAT64.
func embedded(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if ssrf.IPv6NAT64Prefix.Contains(addr) {
		b := addr.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return addr
}

// control is net.Dialer's hook between name resolution and connecting.
func (g *guard) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("network %s is not dialled", network)
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address %s: %w", address, err)
	}
	return g.check(to.Addr())
}

// dial connects, and tells note whether the host is near, also where it is down.
func (g *guard) dial(d *net.Dialer, note func(host string, near bool)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, address)
		var to net.Addr
		var failure *net.OpError
		switch {
		case err == nil:
			to = conn.RemoteAddr()
		case errors.As(err, &failure):
			to = failure.Addr
		}
		if tcp, ok := to.(*net.TCPAddr); ok && tcp != nil {
			note(hostKeyOf(address), g.near(tcp.AddrPort().Addr()))
		}
		return conn, err
	}
}

// Guarded is a transport for requests of other kinds to addresses that strangers
// name: it connects only to what a Client would. It tells note of each host, as
// HostOf names it, whether only allowPrivate opens it.
func Guarded(allowPrivate bool, note func(host string, near bool)) *http.Transport {
	g := newGuard(allowPrivate)
	return newTransport(g.dial(&net.Dialer{Timeout: 10 * time.Second, Control: g.control}, note))
}

// Reachable tells, without asking the DNS, whether a Guarded transport would
// connect to the host of a URL: a host that is a name may still prove private.
func Reachable(rawURL string, allowPrivate bool) error {
	u, err := parseURL(rawURL)
	if err != nil {
		return err
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return nil
	}
	return newGuard(allowPrivate).check(addr)
}

// Public tells whether others can open a URL, as far as its host's name says.
func Public(rawURL string) bool { return isPublic(rawURL) }

// newTransport makes the one transport of a client. It has no proxy, as a
// proxy would resolve names behind the guard's back, and it neither asks for
// nor undoes compression by itself: the limit is on decompressed bytes.
func newTransport(dial func(context.Context, string, string) (net.Conn, error)) *http.Transport {
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true, // a dialer or TLS settings of one's own turn it off
		DisableCompression:     true,
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
}

// Refused tells whether a Guarded transport failed because it must not connect there.
func Refused(err error) bool {
	_, refused := refusedAddress(err)
	return refused
}

// refusedAddress finds the guard's refusal in a dial error.
func refusedAddress(err error) (*errPrivate, bool) {
	var e *errPrivate
	ok := errors.As(err, &e)
	return e, ok
}
