package web

import (
	"context"
	"flag"
	"fmt"
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
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"tributary/store"
)

var (
	shots   = flag.String("shots", "", "folder to put a picture of every page into")
	portray = flag.Bool("picture", false, "write docs/page.png anew")
)

// browser starts a Chromium of the test's own. Without one the test is skipped.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium here: apt-get install chromium")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	must(t, chromedp.Do(ctx))
	return ctx
}

// tab opens a page of its own and collects what Chromium has to complain about.
func tab(browser context.Context, t *testing.T) (ctx context.Context, complaints func() []string) {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	must(t, chromedp.Do(ctx))
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	var mu sync.Mutex
	var all []string
	must(t, chromedp.Listen(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			all = append(all, fmt.Sprint("console ", e.Type))
		case *runtime.EventExceptionThrown:
			all = append(all, "exception: "+e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			all = append(all, fmt.Sprintf("%s %s: %s", e.Entry.Source, e.Entry.Level, e.Entry.Text))
		case *network.EventLoadingFailed:
			all = append(all, fmt.Sprint("not loaded: ", e.ErrorText, " ", e.BlockedReason))
		}
	}))
	return ctx, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// look is how a visitor sees the page.
type look struct {
	width, height int64
	scheme        string
}

func (l look) String() string { return fmt.Sprintf("%d-%s", l.width, l.scheme) }

func (l look) set() chromedp.Action[chromedp.Void] {
	return chromedp.Steps(
		chromedp.EmulateViewport(l.width, l.height),
		chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}},
			})
			return err
		}))
}

// run is the result of an action in a tab.
func run[T any](tab context.Context, t *testing.T, action chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(tab, action)
	must(t, err)
	return v
}

// faults are things wrong with a page, found by looking at what was laid out:
// scrolling sideways, text too faint (WCAG 2.2, 1.4.3), fields without a label,
// headings and landmarks that are missing or double.
const faults = `(() => {
	const bad = [], root = document.documentElement;
	if (root.scrollWidth > innerWidth) bad.push("scrolls sideways: " + root.scrollWidth + " > " + innerWidth);
	for (const [what, n] of [["main", 1], ["h1", 1], ["header.top", 1], ["footer", 1], ["nav[aria-label=Site]", 1], ["html[lang]", 1], ["a.skip", 1]])
		if (document.querySelectorAll(what).length !== n) bad.push("not one " + what);
	for (const field of document.querySelectorAll("input:not([hidden]), progress, select"))
		if (!field.labels.length) bad.push("no label: " + field.outerHTML);
	const rgb = c => c.match(/[\d.]+/g).map(Number);
	const light = c => { const [r, g, b] = rgb(c).map(v => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 }); return .2126 * r + .7152 * g + .0722 * b };
	const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (rgb(c)[3] !== 0) return c } return "rgb(255, 255, 255)" };
	for (const e of document.body.querySelectorAll("*")) {
		if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
		const style = getComputedStyle(e), a = light(style.color), b = light(behind(e)), size = parseFloat(style.fontSize);
		const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05), least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
		if (ratio < least) bad.push("contrast " + ratio.toFixed(2) + ": " + e.outerHTML.slice(0, 80));
	}
	return bad;
})()`

// unfold opens what is folded and tells how much that was.
const unfold = `[...document.querySelectorAll("details:not([open])")].map(d => d.open = true).length`

// site serves a store and returns its address.
func site(t *testing.T, st *store.Store) string {
	t.Helper()
	s := httptest.NewServer(newServer(t, st).Handler())
	t.Cleanup(s.Close)
	return s.URL
}

var looks = []look{{360, 740, "light"}, {360, 740, "dark"}, {1280, 900, "light"}, {1280, 900, "dark"}}

func TestPagesInChromium(t *testing.T) {
	ctx := browser(t)
	waiting := openStore(t)
	addSources(t, waiting, sampleSources())
	full, empty, itemless := site(t, sampleStore(t)), site(t, openStore(t)), site(t, waiting)
	srv, _, _ := moderated(t)
	s := httptest.NewServer(srv.Handler())
	t.Cleanup(s.Close)
	filtered := s.URL
	for name, url := range map[string]string{
		"front":         full + "/",
		"item":          full + "/items/3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004",
		"item-file":     full + "/items/0b9f8a52-7c1d-5e0a-8f6b-1d2c3b4a5001",
		"item-german":   full + "/items/2d1a0c74-9e3f-5a2c-8b8d-3f4e5d6c7003",
		"sources":       full + "/sources",
		"runs":          full + "/runs",
		"run":           full + "/runs/run-2",
		"fetching":      full + "/fetching",
		"front-empty":   empty + "/",
		"sources-empty": empty + "/sources",
		"runs-empty":    empty + "/runs",
		"front-waiting": itemless + "/",
		"topic":         filtered + "/topic",
		"topic-empty":   empty + "/topic",
		"topic-review":  filtered + "/topic/review?entry=23",
		"held":          filtered + "/held",
		"held-empty":    empty + "/held",
		"front-flow":    filtered + "/",
		"item-scored":   filtered + "/items/" + borderID,
	} {
		t.Run(name, func(t *testing.T) {
			tab, complaints := tab(ctx, t)
			must(t, chromedp.Do(tab, looks[0].set(), chromedp.Navigate(url), chromedp.WaitReady(chromedp.CSS("footer"))))
			for _, l := range looks {
				must(t, chromedp.Do(tab, l.set()))
				run(tab, t, chromedp.Evaluate[int](unfold))
				for _, fault := range run(tab, t, chromedp.Evaluate[[]string](faults)) {
					t.Errorf("%v: %s", l, fault)
				}
				if *shots != "" {
					png := run(tab, t, chromedp.FullScreenshot(100))
					must(t, os.WriteFile(filepath.Join(*shots, name+"-"+l.String()+".png"), png, 0o644))
				}
			}
			for _, complaint := range complaints() {
				t.Error(complaint)
			}
		})
	}
}

func TestARunIsStartedFromThePage(t *testing.T) {
	ctx := browser(t)
	srv := newServer(t, sampleStore(t))
	site := httptest.NewServer(srv.Handler())
	t.Cleanup(site.Close)
	tab, complaints := tab(ctx, t)
	must(t, chromedp.Do(tab, chromedp.Navigate(site.URL+"/runs"),
		chromedp.SendKeys(chromedp.CSS("#token"), "not it"), chromedp.Click(chromedp.CSS("button")),
		chromedp.WaitVisible(chromedp.CSS("[role=alert]"))))
	if alert := run(tab, t, chromedp.Text(chromedp.CSS("[role=alert]"))); !strings.Contains(alert, "token is wrong") {
		t.Errorf("the wrong token is answered with %q", alert)
	}
	before := len(complaints()) // Chromium notes the 403 itself
	must(t, chromedp.Do(tab, chromedp.SendKeys(chromedp.CSS("#token"), sampleToken), chromedp.Click(chromedp.CSS("input[name=force]")),
		chromedp.Click(chromedp.CSS("button")), chromedp.WaitVisible(chromedp.CSS("#progress"))))
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
	must(t, chromedp.Do(tab, looks[0].set(), chromedp.Navigate(site(t, sampleStore(t))+"/"), chromedp.WaitReady(chromedp.CSS("footer"))))
	const shown = `[...document.querySelectorAll("details a")].filter(a => a.checkVisibility()).length`
	if n := run(tab, t, chromedp.Evaluate[int](shown)); n != 0 {
		t.Errorf("%d links of what is folded show", n)
	}
	must(t, chromedp.Do(tab, chromedp.Focus(chromedp.CSS("summary")), chromedp.KeyEvent("\r")))
	if n := run(tab, t, chromedp.Evaluate[int](shown)); n != 6 { // three reports, each with its page and the original
		t.Errorf("%d links show once it is unfolded", n)
	}
	for _, fault := range run(tab, t, chromedp.Evaluate[[]string](faults)) {
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

// TestPictureOfThePage draws the picture in the documentation, when told to.
func TestPictureOfThePage(t *testing.T) {
	if !*portray {
		t.Skip("only with -picture")
	}
	tab, _ := tab(browser(t), t)
	must(t, chromedp.Do(tab, look{1280, 900, "light"}.set(), chromedp.Navigate(site(t, sampleStore(t))+"/"), chromedp.WaitReady(chromedp.CSS("footer"))))
	must(t, os.WriteFile("../docs/page.png", run(tab, t, chromedp.CaptureScreenshot()), 0o644))
}
