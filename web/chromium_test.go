package web

import (
	"context"
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tributary/store"
	"tributary/web/browsertest"
)

var (
	shots   = flag.String("shots", "", "folder to put a picture of every page into")
	portray = flag.Bool("picture", false, "write the pictures in docs anew")
)

// The tests here speak of pages in short words; package browsertest has the rest.
var (
	browser = func(t *testing.T) context.Context { t.Helper(); return browsertest.Start(t) }
	looks   = browsertest.Looks
)

const unfold = browsertest.Unfold

func tab(browser context.Context, t *testing.T) (ctx context.Context, complaints func() []string) {
	t.Helper()
	return browsertest.Tab(browser, t, time.Minute)
}

func run[T any](tab context.Context, t *testing.T, action chromedp.Action[T]) T {
	t.Helper()
	return browsertest.Run(tab, t, action)
}

// site serves a store and returns its address.
func site(t *testing.T, st *store.Store) string {
	t.Helper()
	s := httptest.NewServer(newServer(t, st).Handler())
	t.Cleanup(s.Close)
	return s.URL
}

// visited are the pages of some installations, by a name for each.
func visited(t *testing.T) map[string]string {
	t.Helper()
	waiting := openStore(t)
	addSources(t, waiting, sampleSources())
	srv, _, _ := moderated(t)
	srv.opt.Replayer = &replayer{}
	s := httptest.NewServer(srv.Handler())
	t.Cleanup(s.Close)
	full, empty, itemless, filtered := site(t, sampleStore(t)), site(t, openStore(t)), site(t, waiting), s.URL
	return map[string]string{
		"front":          full + "/",
		"search":         full + "/?q=guarantees",
		"search-nothing": full + "/?q=nothing+like+it",
		"item":           full + "/items/3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004",
		"item-file":      full + "/items/0b9f8a52-7c1d-5e0a-8f6b-1d2c3b4a5001",
		"item-german":    full + "/items/2d1a0c74-9e3f-5a2c-8b8d-3f4e5d6c7003",
		"sources":        full + "/sources",
		"source":         full + "/sources/wire",
		"runs":           full + "/runs",
		"run":            full + "/runs/run-2",
		"fetching":       full + "/fetching",
		"login":          full + "/login",
		"not-found":      full + "/nowhere",
		"front-empty":    empty + "/",
		"sources-empty":  empty + "/sources",
		"runs-empty":     empty + "/runs",
		"front-waiting":  itemless + "/",
		"topic":          filtered + "/topic",
		"topic-empty":    empty + "/topic",
		"topic-review":   filtered + "/topic/review?entry=23",
		"topic-replay":   filtered + "/topic/replay?since=7d",
		"held":           filtered + "/held",
		"held-find":      filtered + "/held?find=envoys",
		"held-empty":     empty + "/held",
		"front-flow":     filtered + "/",
		"item-scored":    filtered + "/items/" + borderID,
		"source-new":     full + "/sources/new",
		"source-edit":    full + "/sources/wire/edit",
		"source-remove":  full + "/sources/wire/remove",
		"source-import":  full + "/sources/import",
		"keys":           full + "/keys",
	}
}

// Each page, for strangers and for who is logged in, with scripts and without, on
// a phone and on a desk, by day and by night, looks as it should and does what it should
// without a word of complaint from the browser.
func TestPagesInChromium(t *testing.T) {
	if !browsertest.HasAxe() {
		t.Log("axe-core is not installed: make test does that")
	}
	pages := visited(t)
	for _, who := range []string{"stranger", "admin", "noscript"} {
		ctx := browser(t)
		if who != "stranger" {
			tab, _ := tab(ctx, t)
			logIn(tab, t, pages["front"]) // for all: cookies know no port
		}
		for name, address := range pages {
			t.Run(who+"/"+name, func(t *testing.T) {
				tab, complaints := tab(ctx, t)
				must(t, chromedp.Do(tab, looks[0].Set(), browsertest.Scripts(who != "noscript"), chromedp.Navigate(address), chromedp.WaitReady(chromedp.CSS("footer"))))
				visit(tab, t, name+"-"+who, who != "noscript")
				for _, complaint := range complaints() {
					if name != "not-found" || !strings.Contains(complaint, "404") {
						t.Error(complaint)
					}
				}
			})
		}
	}
}

// logIn logs a browser in by one of its tabs; site ends in a slash.
func logIn(tab context.Context, t *testing.T, site string) {
	t.Helper()
	must(t, chromedp.Do(tab, chromedp.Navigate(site+"login"), chromedp.SendKeys(chromedp.CSS("#token"), sampleToken+"\r"),
		chromedp.WaitVisible(chromedp.CSS(".account form"))))
}

// visit looks at the page in a tab in every way, with all unfolded. Where no
// scripts run, neither does axe-core.
func visit(tab context.Context, t *testing.T, name string, scripts bool) {
	t.Helper()
	for i, l := range looks {
		must(t, chromedp.Do(tab, l.Set()))
		run(tab, t, chromedp.Evaluate[int](unfold))
		find := browsertest.LayoutFaults
		if scripts && (i == 0 || i == len(looks)-1) {
			find = browsertest.Faults
		}
		for _, fault := range find(tab, t) {
			t.Errorf("%v: %s", l, fault)
		}
		if *shots != "" {
			png := run(tab, t, chromedp.FullScreenshot(100))
			must(t, os.WriteFile(filepath.Join(*shots, name+"-"+l.String()+".png"), png, 0o644))
		}
	}
}

func TestARunIsStartedFromThePage(t *testing.T) {
	ctx := browser(t)
	srv := newServer(t, sampleStore(t))
	site := httptest.NewServer(srv.Handler())
	t.Cleanup(site.Close)
	tab, complaints := tab(ctx, t)
	must(t, chromedp.Do(tab, chromedp.Navigate(site.URL+"/login?next=/runs"),
		chromedp.SendKeys(chromedp.CSS("#token"), "not it\r"), chromedp.WaitVisible(chromedp.CSS("[role=alert]"))))
	if alert := run(tab, t, chromedp.Text(chromedp.CSS("[role=alert]"))); !strings.Contains(alert, "token is wrong") {
		t.Errorf("the wrong token is answered with %q", alert)
	}
	before := len(complaints()) // Chromium notes the 403 itself
	must(t, chromedp.Do(tab, chromedp.SendKeys(chromedp.CSS("#token"), sampleToken+"\r"), chromedp.Click(chromedp.CSS("input[name=force]")),
		chromedp.Click(chromedp.CSS("main form button")), chromedp.WaitVisible(chromedp.CSS("#progress"))))
	heading, address := run(tab, t, chromedp.Text(chromedp.CSS("h1"))), run(tab, t, chromedp.Location())
	if !strings.HasPrefix(heading, "Run of") || address != site.URL+"/runs/run-2" {
		t.Errorf("after starting: %q at %s", heading, address)
	}
	if got := srv.runner.(*scheduler).requests; len(got) != 1 || !got[0].Force {
		t.Errorf("asked for: %+v", got)
	}
	for _, c := range complaints()[before:] {
		t.Error(c)
	}
}

func TestAStorysCoverageUnfoldsByTheKeyboardWithoutAScript(t *testing.T) {
	tab, complaints := tab(browser(t), t)
	must(t, chromedp.Do(tab, looks[0].Set(), chromedp.Navigate(site(t, sampleStore(t))+"/"), chromedp.WaitReady(chromedp.CSS("footer"))))
	const shown = `[...document.querySelectorAll("details a")].filter(a => a.checkVisibility()).length`
	if n := run(tab, t, chromedp.Evaluate[int](shown)); n != 0 {
		t.Errorf("%d links of what is folded show", n)
	}
	must(t, chromedp.Do(tab, chromedp.Focus(chromedp.CSS("summary")), chromedp.KeyEvent("\r")))
	if n := run(tab, t, chromedp.Evaluate[int](shown)); n != 6 { // three reports, each with its page and the original
		t.Errorf("%d links show once it is unfolded", n)
	}
	for _, fault := range browsertest.Faults(tab, t) {
		t.Error(fault)
	}
	must(t, chromedp.Do(tab, chromedp.KeyEvent("\r")))
	if n := run(tab, t, chromedp.Evaluate[int](shown)); n != 0 {
		t.Errorf("%d links show once it is folded again", n)
	}
	for _, complaint := range complaints() {
		t.Error(complaint)
	}
}

// TestPictures draws the pictures in the documentation, when told to.
func TestPictures(t *testing.T) {
	if !*portray {
		t.Skip("only with -picture")
	}
	ctx, days := browser(t), site(t, daysStore(t))
	srv, _, _ := moderated(t)
	s := httptest.NewServer(srv.Handler())
	t.Cleanup(s.Close)
	for _, p := range []struct {
		file, address string
		look          browsertest.Look
	}{
		{"page.png", site(t, sampleStore(t)) + "/", browsertest.Look{Width: 1280, Height: 900, Scheme: "light"}},
		{"page-phone.png", s.URL + "/topic", browsertest.Look{Width: 360, Height: 740, Scheme: "dark"}},
		{"page-source.png", days + "/sources/river-post", browsertest.Look{Width: 1280, Height: 1000, Scheme: "light"}},
	} {
		tab, _ := tab(ctx, t)
		must(t, chromedp.Do(tab, p.look.Set(), chromedp.Navigate(p.address), chromedp.WaitReady(chromedp.CSS("footer"))))
		must(t, os.WriteFile(filepath.Join("../docs", p.file), run(tab, t, chromedp.CaptureScreenshot()), 0o644))
	}
}
