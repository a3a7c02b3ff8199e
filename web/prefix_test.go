package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Behind a proxy, a site may live below a path. Every link, form, picture and
// script is then below it too, and leads somewhere.
func TestNoLinkLeavesThePathOfTheBaseURL(t *testing.T) {
	for name, change := range map[string]func(*Options){"public": func(*Options) {}, "private": func(o *Options) { o.Private = true }} {
		srv := everything(t, change, func(o *Options) { o.Site.BaseURL = "https://example.org/news" })
		for who, header := range map[string][]string{"a stranger": nil, "an administrator": login(t, srv)} {
			t.Run(name+" for "+who, func(t *testing.T) {
				c := crawl{T: t, srv: srv, header: header, seen: map[string]bool{}}
				c.follow("/news/", "the start")
				for _, path := range routesOf(srv, http.MethodGet) {
					switch {
					case strings.HasPrefix(path, "/api/"), strings.HasPrefix(path, "/archive/"), strings.HasPrefix(path, "/push/"): // none is closed, nobody has subscribed
					case strings.HasPrefix(path, "/search/"):
						c.follow("/news"+path+"?q=peace", "the table")
					default:
						c.follow("/news"+path, "the table")
					}
				}
				if least := 15; len(c.seen) < least {
					t.Errorf("only %d addresses were found", len(c.seen))
				}
			})
		}
	}
}

// crawl follows all links of a site from a page on.
type crawl struct {
	*testing.T
	srv    *Server
	header []string
	seen   map[string]bool
}

// follow asks for a page, unless it was asked for before, and for what it leads to.
func (c *crawl) follow(address, from string) {
	address, _, _ = strings.Cut(address, "#")
	if c.seen[address] || len(c.seen) > 400 {
		return
	}
	c.seen[address] = true
	if path, _, _ := strings.Cut(address, "?"); strings.HasSuffix(path, "/events") {
		return // it goes on and on
	}
	a := get(c.T, c.srv, "https://example.org"+address, c.header...)
	if to := a.Header.Get("Location"); to != "" {
		c.lead(to, address)
		return
	}
	if a.StatusCode != http.StatusOK && a.StatusCode != http.StatusUnauthorized {
		c.Errorf("%s, which %s leads to, is answered with %d", address, from, a.StatusCode)
	}
	if strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		doc, err := html.Parse(strings.NewReader(a.body))
		must(c.T, err)
		for n := range doc.Descendants() {
			c.element(n, address)
		}
	}
}

// element follows what an element refers to. Forms that change something are
// not sent, but what they are sent to must be there.
func (c *crawl) element(n *html.Node, page string) {
	for _, attr := range n.Attr {
		switch {
		case attr.Key == "action" && slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "method" && a.Val == "post" }),
			attr.Key == "formaction", attr.Key == "hx-post":
			to := c.inside(attr.Val, page)
			options := ask(c.T, c.srv, http.MethodOptions, "https://example.org"+to, "", c.header...)
			if to != "" && !strings.Contains(options.Header.Get("Allow"), http.MethodPost) && options.StatusCode != http.StatusSeeOther {
				c.Errorf("a form of %s is sent to %s, where no form is taken", page, to)
			}
		case slices.Contains([]string{"href", "src", "action", "poster", "hx-get", "sse-connect", "data-copy", "content"}, attr.Key):
			if attr.Key != "content" || strings.Contains(attr.Val, "://") {
				c.lead(attr.Val, page)
			}
		}
	}
}

func (c *crawl) lead(to, page string) {
	if inside := c.inside(to, page); inside != "" {
		c.follow(inside, page)
	}
}

// inside is the path of an address of ours, "" of another site's.
func (c *crawl) inside(to, page string) string {
	base, err := url.Parse("https://example.org" + page)
	must(c.T, err)
	u, err := base.Parse(to)
	if err != nil {
		c.Errorf("%s leads to %q: %v", page, to, err)
		return ""
	}
	if u.Host != "example.org" {
		return ""
	}
	if !strings.HasPrefix(u.Path, "/news/") {
		c.Errorf("%s leads to %s, which is not ours", page, to)
		return ""
	}
	return u.RequestURI()
}
