package web

import (
	"net/http"
	"slices"
	"strings"
)

// routes registers everything twice where the base URL has a path: under that
// path, for a proxy that passes paths on as they are, and at the root, for one
// that strips the prefix and for health checks that go past the proxy.
func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	taken := map[string]bool{}
	for _, prefix := range slices.Compact([]string{s.root, ""}) {
		for path, m := range s.table() {
			if pattern := prefix + path; !taken[pattern] {
				taken[pattern] = true
				mux.Handle(pattern, s.ours(s.closed(path, m.handler())))
				s.metrics.route(pattern, path)
			}
		}
	}
	if s.root != "" {
		mux.Handle(s.root, http.RedirectHandler(s.root+"/", http.StatusPermanentRedirect))
	}
	mux.HandleFunc("/", s.notFound)
	return mux
}

// table names every path with what answers it.
func (s *Server) table() map[string]methods {
	return map[string]methods{
		"/{$}":        {"GET": s.front},
		"/feed.atom":  {"GET": s.feedDocument(atomDoc)},
		"/feed.rss":   {"GET": s.feedDocument(rssDoc)},
		"/feed.json":  {"GET": s.feedDocument(jsonDoc)},
		"/items/{id}": {"GET": s.itemPage, "POST": s.adminForm(s.changeItem)},

		"/stories.atom": {"GET": s.storiesDocument(atomDoc)},
		"/stories.rss":  {"GET": s.storiesDocument(rssDoc)},
		"/stories.json": {"GET": s.storiesDocument(jsonDoc)},

		"/archive/{name}":           {"GET": s.archiveDocument},
		"/sources/{slug}/feed.atom": {"GET": s.viewDocument(atomDoc)},
		"/sources/{slug}/feed.rss":  {"GET": s.viewDocument(rssDoc)},
		"/sources/{slug}/feed.json": {"GET": s.viewDocument(jsonDoc)},
		"/tags/{tag}/feed.atom":     {"GET": s.viewDocument(atomDoc)},
		"/tags/{tag}/feed.rss":      {"GET": s.viewDocument(rssDoc)},
		"/tags/{tag}/feed.json":     {"GET": s.viewDocument(jsonDoc)},
		"/search/feed.atom":         {"GET": s.viewDocument(atomDoc)},
		"/search/feed.rss":          {"GET": s.viewDocument(rssDoc)},
		"/search/feed.json":         {"GET": s.viewDocument(jsonDoc)},
		"/robots.txt":               {"GET": s.robots},
		"/.well-known/security.txt": {"GET": s.securityText},

		"/topic":        {"GET": s.topicPage},
		"/topic/review": {"GET": s.heldPage(reviewList), "POST": s.adminForm(s.decideByForm(reviewList))},
		"/topic/replay": {"GET": s.adminPage(s.replayPage), "POST": s.adminForm(s.applyReplay)},
		"/held":         {"GET": s.heldPage(heldList), "POST": s.adminForm(s.decideByForm(heldList))},
		"/held.atom":    {"GET": s.heldDocument(atomDoc)},
		"/held.json":    {"GET": s.heldDocument(jsonDoc)},
		"/ops":          {"GET": s.adminPage(s.opsPage)},
		"/ops.atom":     {"GET": s.opsDocument(atomDoc)},
		"/ops.json":     {"GET": s.opsDocument(jsonDoc)},

		"/sources.opml": {"GET": s.opml},
		"/sources":      {"GET": s.sourcesPage},

		"/sources/new":           {"GET": s.adminPage(s.newSourcePage), "POST": s.adminForm(s.newSource)},
		"/sources/import":        {"GET": s.adminPage(s.importPage), "POST": s.adminPage(s.importSources)},
		"/sources/{slug}":        {"GET": s.sourcePage, "POST": s.adminForm(s.fetchSource)},
		"/sources/{slug}/edit":   {"GET": s.adminPage(s.changeSourcePage("sourceedit")), "POST": s.adminForm(s.editSource)},
		"/sources/{slug}/remove": {"GET": s.adminPage(s.changeSourcePage("sourceremove")), "POST": s.adminForm(s.removeSource)},

		"/fetching":      {"GET": s.fetchingPage},
		"/runs":          {"GET": s.runsPage, "POST": s.adminForm(s.startRun)},
		"/runs/{id}":     {"GET": s.runPage},
		"/assets/{name}": {"GET": s.asset},
		"/login":         {"GET": s.loginPage, "POST": s.login},
		"/logout":        {"POST": s.logout},
		"/keys":          {"GET": s.adminPage(s.keysPage), "POST": s.adminForm(s.changeKeys)},

		"/runs/{id}/events": {"GET": s.runEvents},

		"/api/ingest":              {"POST": s.apiIngest},
		"/api/runs":                {"GET": s.apiRuns},
		"/api/runs/{id}":           {"GET": s.apiRun},
		"/api/items":               {"GET": s.apiItems},
		"/api/items/{id}":          {"GET": s.apiItem},
		"/api/items/{id}/split":    {"POST": s.apiSplit},
		"/api/items/{id}/merge":    {"POST": s.apiMerge},
		"/api/corrections":         {"GET": s.apiCorrections},
		"/api/topic":               {"GET": s.apiTopic},
		"/api/held":                {"GET": s.apiHeld},
		"/api/entries/{id}/accept": {"POST": s.apiDecide("accept")},
		"/api/entries/{id}/refuse": {"POST": s.apiDecide("refuse")},
		"/api/entries/{id}/undo":   {"POST": s.apiDecide("undo")},
		"/api/sources":             {"GET": s.apiSources, "POST": s.apiAddSource},
		"/api/sources/{slug}":      {"GET": s.apiSource, "PATCH": s.apiChangeSource, "DELETE": s.apiRemoveSource},
		"/api/sources/import":      {"POST": s.apiImportSources},

		"/hub":       {"POST": s.hub},
		"/push/{id}": {"GET": s.pushed, "POST": s.pushed},

		"/healthz": {"GET": s.healthz},
		"/readyz":  {"GET": s.readyz},
		"/metrics": {"GET": s.metrics.handler.ServeHTTP},
	}
}

// methods answers one path, by method. GET answers HEAD too.
type methods map[string]http.HandlerFunc

// handler answers other methods with 405 and Allow (RFC 9110, 15.5.6).
func (m methods) handler() http.Handler {
	allowed := make([]string, 0, len(m)+2)
	for method := range m {
		allowed = append(allowed, method)
	}
	if get := m["GET"]; get != nil {
		m["HEAD"] = get
		allowed = append(allowed, "HEAD")
	}
	allowed = append(allowed, "OPTIONS")
	slices.Sort(allowed)
	allow := []string{strings.Join(allowed, ", ")}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := m[r.Method]; h != nil {
			h(w, r)
			return
		}
		w.Header()["Allow"] = allow
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		http.Error(w, r.Method+" is not possible here; allowed: "+allow[0]+".", http.StatusMethodNotAllowed)
	})
}
