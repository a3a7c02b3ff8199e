package fetch

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"tributary/feed"
)

func TestOnlyPublicAddressesAreOpenUnlessToldOtherwise(t *testing.T) {
	const (
		always = iota
		private
		never
	)
	for address, want := range map[string]int{
		"93.184.215.14": always, "2606:2800:21f:cb07:6820:80da:af6b:8b2c": always, "::ffff:93.184.215.14": always,
		"64:ff9b::5db8:d70e": always, // NAT64 of 93.184.215.14
		"127.0.0.1":          private, "127.1.2.3": private, "10.1.2.3": private, "172.16.0.1": private, "172.31.255.255": private,
		"192.168.1.1": private, "100.64.0.1": private, "::1": private, "fd12:3456::1": private, "fe80::1": private, "fe80::1%eth0": private,
		"::ffff:127.0.0.1": private, "::ffff:192.168.1.1": private, "64:ff9b::7f00:1": private, "64:ff9b::c0a8:101": private,
		"0.0.0.0": never, "::": never, "169.254.169.254": never, "::ffff:169.254.169.254": never, "64:ff9b::a9fe:a9fe": never,
		"fd00:ec2::254": never, "224.0.0.1": never, "255.255.255.255": never, "ff02::1": never, "198.18.0.1": never,
		"192.0.2.1": never, "2001:db8::1": never, "2002:7f00:1::": never, "::127.0.0.1": never, "172.32.0.1": always,
	} {
		addr := netip.MustParseAddr(address)
		if got := newGuard(false).check(addr) == nil; got != (want == always) {
			t.Errorf("%s: open %v", address, got)
		}
		if got := newGuard(true).check(addr) == nil; got != (want != never) {
			t.Errorf("%s: open with AllowPrivate %v", address, got)
		}
		if got := newGuard(true).near(addr); got != (want != always) {
			t.Errorf("%s: near %v", address, got)
		}
	}
}

func TestTheDialledAddressIsGuarded(t *testing.T) {
	s := record(t, serve(rss))
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	c := New(Options{})
	t.Cleanup(c.Close)
	c.dialer.Resolver = names(t, map[string][]string{
		"looks-public.test.": {"127.0.0.1"}, "mapped.test.": {"::ffff:127.0.0.1"}, "metadata.test.": {"169.254.169.254"},
	})
	for host, advice := range map[string]string{
		"127.0.0.1": "allow_private", "localhost": "allow_private", "[::ffff:127.0.0.1]": "allow_private", "[::1]": "allow_private",
		"looks-public.test": "allow_private", "mapped.test": "allow_private", "0.0.0.0": "never", "metadata.test": "never",
	} {
		r := get(t, c, "http://"+host+port)
		if r.Kind != Failed || r.Network || r.Requests != 0 || feed.CodeOf(r.Err) != feed.CodeDenied {
			t.Errorf("%s: %+v", host, r)
			continue
		}
		if !strings.Contains(r.Err.Error(), advice) {
			t.Errorf("%s: %v", host, r.Err)
		}
	}
	if n := len(s.seen()); n != 0 {
		t.Errorf("%d requests came through", n)
	}
}

func TestRedirectsAreGuardedToo(t *testing.T) {
	for _, target := range []string{"http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://0.0.0.0/", "http://metadata.test/"} {
		s := record(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, http.StatusMovedPermanently) })
		c := client(t, Options{})
		c.dialer.Resolver = names(t, map[string][]string{"metadata.test.": {"169.254.169.254"}})
		r := get(t, c, s.URL)
		if r.Kind != Failed || feed.CodeOf(r.Err) != feed.CodeDenied || r.MovedTo != "" || r.Network {
			t.Errorf("%s: %+v", target, r)
		}
	}
}

func TestNoProxyStandsBetweenGuardAndHost(t *testing.T) {
	proxy := record(t, serve(rss))
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	c := client(t, Options{})
	c.dialer.Resolver = names(t, nil)
	get(t, c, "http://feeds.test/")
	if len(proxy.seen()) != 0 {
		t.Error("the request went through a proxy, which resolves names for itself")
	}
}

func TestAllowPrivateOpensThisMachine(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "127.0.0.9:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			s := recordOn(t, address, serve(rss))
			r := get(t, client(t, Options{}), s.URL+"/feed")
			if r.Kind != Fetched || r.Document.URL != s.URL+"/feed" || "http://"+r.Host != s.URL {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestInternationalHostNames(t *testing.T) {
	s := record(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/there" {
			w.Header().Set("Location", "http://B\u00dcCHER.test"+r.URL.Query().Get("port")+"/feed")
			w.WriteHeader(http.StatusMovedPermanently)
			return
		}
		io.WriteString(w, rss)
	})
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	c := client(t, Options{})
	c.dialer.Resolver = names(t, map[string][]string{"xn--bcher-kva.test.": {"127.0.0.1"}, "with_underscore.test.": {"127.0.0.1"}})
	for address, host := range map[string]string{
		"http://b\u00fccher.test" + port + "/":                          "xn--bcher-kva.test",
		"http://xn--bcher-kva.test" + port + "/":                        "xn--bcher-kva.test",
		"http://with_underscore.test" + port + "/":                      "with_underscore.test",
		s.URL + "/there?port=" + port:                                   "xn--bcher-kva.test",
		"http://b%C3%BCcher.test" + port + "/":                          "xn--bcher-kva.test",
		"http://\uff22\u00fc\uff43\uff48\uff45\uff52.test" + port + "/": "xn--bcher-kva.test",
	} {
		r := get(t, c, address)
		if r.Kind != Fetched || r.Host != host+port || s.last(t).Host != host+port {
			t.Errorf("%s: asked %s: %v", address, r.Host, r.Err)
		}
		if r.MovedTo != "" && r.MovedTo != "http://"+host+port+"/feed" {
			t.Errorf("moved to %s", r.MovedTo)
		}
	}
}

func TestHostOfNamesWhatIsOneHost(t *testing.T) {
	for address, want := range map[string]string{
		"http://Example.ORG/a": "example.org", "https://example.org:443/b": "example.org", "http://example.org:80": "example.org",
		"https://example.org.": "example.org", "http://example.org:8080/": "example.org:8080", "https://u:p@example.org/": "example.org",
		"http://[::1]/": "::1", "http://[::1]:8080/": "[::1]:8080", "http://b\u00fccher.example/": "xn--bcher-kva.example",
		"feed.xml": "", "ftp://example.org/": "", "http://": "",
	} {
		if got := HostOf(address); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

func FuzzHostOf(f *testing.F) {
	for _, s := range []string{"http://example.org", "https://b\u00fccher.example:8443/x?y#z", "http://[fe80::1%25eth0]/", "http://a:b@c/", "//x", "http://xn--a/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		u, err := parseURL(address)
		if err != nil {
			return
		}
		u.User = nil
		if again, err := parseURL(u.String()); err != nil || again.String() != u.String() {
			t.Errorf("%q became %q, which becomes %v (%v)", address, u, fmt.Sprint(again), err)
		}
	})
}
