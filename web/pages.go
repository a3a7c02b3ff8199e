package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tributary/feed"
)

// What browsers may load: scripts and styles from files of ours only, none that
// stand in the page; pictures of other sites where an article is read and nowhere
// else.
const (
	cspPage = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	cspItem = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' https: http: data:; media-src https:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

// sameOrigin is the Referrer-Policy: other sites learn nothing. It is not
// no-referrer because with that browsers send "Origin: null" with our own
// form, which could then not be told from a foreign one.
const sameOrigin = "same-origin"

// htmlType is the media type of pages.
const htmlType = "text/html; charset=utf-8"

// page is what the layout needs besides a page's own Body.
type page struct {
	Root        string // path prefix of all links
	Site        feed.Site
	Title       string // "": the site's title alone
	Description string
	Canonical   string // absolute URL
	NoIndex     bool
	Refresh     int         // seconds until the browser asks again; 0: never
	Section     string      // of the navigation: "items", "topic", "held", "sources", "runs"
	Wide        bool        // it holds a table
	Home        bool        // the front page, which says the site's title itself
	Query       string      // what was searched for
	Admin       bool        // who looks is logged in
	LoginPath   string      // where to log in; it leads back
	Private     bool        // the whole site is: feeds need a reader key
	Alternates  []alternate // other forms of what it shows
	Body        any
}

// Closed tells whether who looks is a stranger at a private site.
func (p page) Closed() bool { return p.Private && !p.Admin }

// parsePages parses each page's template together with the layout.
func parsePages(s *Server) map[string]*template.Template {
	pages := map[string]*template.Template{}
	layout := template.Must(template.New("layout.html").Funcs(s.funcs()).ParseFS(files, "templates/layout.html"))
	for _, name := range []string{"front", "item", "sources", "source", "sourcenew", "sourceedit", "sourceremove", "sourceimport", "runs", "run", "topic", "replay", "held", "fetching", "login", "keys", "ops", "message"} {
		pages[name] = template.Must(template.Must(layout.Clone()).ParseFS(files, "templates/"+name+".html"))
	}
	return pages
}

// funcs are what templates may call.
func (s *Server) funcs() template.FuncMap {
	return template.FuncMap{
		"asset":   func(name string) string { return s.root + "/assets/" + s.assets.hashed[name] },
		"bare":    withoutScheme,
		"count":   count,
		"counts":  countsInWords,
		"number":  func(n int) string { return grouped(int64(n)) },
		"spoken":  s.spoken,
		"root":    func() string { return s.root },
		"trigger": triggerInWords,
	}
}

// renderPage executes a page's template.
func (s *Server) renderPage(name string, p page) ([]byte, error) {
	p.Root, p.Site, p.LoginPath, p.Private = s.root, s.opt.Site, s.root+"/login", s.opt.Private
	var out bytes.Buffer
	if err := s.pages[name].Execute(&out, p); err != nil {
		return nil, fmt.Errorf("page %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// pageDocument renders a page as a document that browsers ask about each
// time; mostly they hear 304.
func (s *Server) pageDocument(name string, p page) (*document, error) {
	body, err := s.renderPage(name, p)
	if err != nil {
		return nil, err
	}
	return newDocument(body, docOptions{mediaType: htmlType, cacheControl: s.shared("no-cache"), vary: varyCookie, csp: s.cspOf(name), referrer: sameOrigin})
}

// cspOf is the Content-Security-Policy of a page.
func (s *Server) cspOf(name string) string {
	if name == "item" && !s.opt.NoPictures {
		return cspItem
	}
	return cspPage
}

// servePage answers with the page kept under key for stamp, or made now. For an
// administrator it is made each time: it shows at once what was just done.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request, key string, stamp int64, name string, view func(context.Context, viewer) (page, error)) {
	if v := s.viewer(r); v.Admin {
		p, err := view(r.Context(), v)
		if err != nil {
			s.failPage(w, r, err)
			return
		}
		s.freshPage(w, r, http.StatusOK, name, p)
		return
	}
	doc, err := s.pageInTurn(r, key, stamp, func(ctx context.Context) (*document, error) {
		p, err := view(ctx, viewer{})
		if err != nil {
			return nil, err
		}
		return s.pageDocument(name, p)
	})
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	doc.serve(w, r)
}

// shelfOf is where a page is kept. Of those with parameters there is no end: they
// neither drive out the others nor hold them up.
func (s *Server) shelfOf(key string) shelf {
	if strings.Contains(key, "?") {
		return s.finds
	}
	return shelf{s.cache, s.turns}
}

// renderTimeout bounds the making of a page.
const renderTimeout = 10 * time.Second

// thisSecond is the stamp of pages about things that change without the
// change number moving: they are made once a second at most.
func (s *Server) thisSecond() int64 { return s.opt.Now().Unix() }

// freshPage answers with a page made for this request only.
func (s *Server) freshPage(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	p.Admin = s.viewer(r).Admin
	body, err := s.renderPage(name, p)
	if err != nil {
		s.logFailure(r, err)
		http.Error(w, "This page cannot be shown right now; please try again later.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", htmlType)
	h.Set("Content-Security-Policy", s.cspOf(name))
	h.Set("Referrer-Policy", sameOrigin)
	h.Set("Cache-Control", "no-store")
	h["X-Content-Type-Options"] = noSniff
	h.Set("Vary", "Accept-Encoding")
	if acceptsGzip(r.Header["Accept-Encoding"]) {
		if zipped, err := compress(body, pageLevel); err == nil && len(zipped) < len(body) {
			h["Content-Encoding"] = gzipEncoding
			body = zipped
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// notice is the body of the page that says one thing.
type notice struct {
	Heading, Text string
	Original      string // where the article can still be read, "" if nowhere
}

// errorPage says in a page what went wrong, or in JSON under /api/.
func (s *Server) errorPage(w http.ResponseWriter, r *http.Request, status int, heading, text string) {
	if s.isAPI(r) {
		writeError(w, status, codeOf(status), text)
		return
	}
	s.freshPage(w, r, status, "message", page{Title: heading, NoIndex: true, Body: notice{Heading: heading, Text: text}})
}

func (s *Server) isAPI(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/api/") || (s.root != "" && strings.HasPrefix(r.URL.EscapedPath(), s.root+"/api/"))
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	s.errorPage(w, r, http.StatusNotFound, "Nothing here", "There is no page at this address. It may have been mistyped.")
}

// failPage answers with the page for an error. What went wrong on our side is
// for the log, not for strangers.
func (s *Server) failPage(w http.ResponseWriter, r *http.Request, err error) {
	switch status := statusOf(feed.CodeOf(err)); {
	case status == http.StatusNotFound:
		s.notFound(w, r)
	case status >= 500:
		s.unavailable(w, r, err)
	default:
		s.errorPage(w, r, status, "This cannot be done", err.Error())
	}
}

// unavailable says that it does not work now and may work later.
func (s *Server) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the client has gone: nobody to tell, nothing wrong
	}
	text := "Please try again in a moment."
	switch {
	case errors.Is(err, errBusy):
		text = errBusy.Error()
	case isAway(err):
		text = errAway.Error()
		s.miss(r, err)
	default:
		s.logFailure(r, err)
	}
	w.Header().Set("Retry-After", "30")
	s.errorPage(w, r, http.StatusServiceUnavailable, "Not available right now", text)
}

func (s *Server) logFailure(r *http.Request, err error) {
	if isAway(err) {
		s.miss(r, err)
		return
	}
	s.log.LogAttrs(r.Context(), slog.LevelError, "cannot answer", slog.String("path", r.URL.Path), slog.Any("error", err))
}

func (s *Server) fetchingPage(w http.ResponseWriter, r *http.Request) {
	s.servePage(w, r, "fetching", 0, "fetching", func(context.Context, viewer) (page, error) {
		return page{
			Title:       "How we fetch",
			Description: "How this feed aggregator asks other sites for their feeds, and how to reach us.",
			Canonical:   s.opt.Site.BaseURL + "/fetching",
			Section:     "sources",
			Body:        fetchingView{UserAgent: s.opt.UserAgent, Contact: contactLink(s.opt.Site.Contact)},
		}, nil
	})
}

type fetchingView struct {
	UserAgent string
	Contact   link
}

// link is a place to go to; URL "" is a name without one.
type link struct{ Name, URL string }

// contactLink turns an address for mail or the web into a link.
func contactLink(contact string) link {
	switch {
	case strings.Contains(contact, "://"), strings.HasPrefix(contact, "mailto:"):
		return link{strings.TrimPrefix(contact, "mailto:"), contact}
	case strings.Contains(contact, "@"):
		return link{contact, "mailto:" + contact}
	}
	return link{Name: contact}
}
