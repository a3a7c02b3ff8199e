// Package browsertest opens pages in a real Chromium and tells what is wrong with
// them: for tests of pages, here and of the whole program.
package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
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
)

// Start starts a Chromium of the test's own. Without one the test is skipped.
func Start(t testing.TB) context.Context {
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

// Tab opens a page of its own and collects what Chromium has to complain about:
// exceptions, whatever is written to the console, what a policy kept from being
// loaded. It is there for so long at most.
func Tab(browser context.Context, t testing.TB, patience time.Duration) (ctx context.Context, complaints func() []string) {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	must(t, chromedp.Do(ctx))
	ctx, cancel = context.WithTimeout(ctx, patience)
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

// Look is how a visitor sees the page.
type Look struct {
	Width, Height int64
	Scheme        string // "light" or "dark"
}

// Looks are a phone's and a desk's, by day and by night.
var Looks = []Look{{360, 740, "light"}, {360, 740, "dark"}, {1280, 900, "light"}, {1280, 900, "dark"}}

func (l Look) String() string { return fmt.Sprintf("%d-%s", l.Width, l.Scheme) }

// Set makes a tab look so.
func (l Look) Set() chromedp.Action[chromedp.Void] {
	return chromedp.Steps(
		chromedp.EmulateViewport(l.Width, l.Height),
		chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.Scheme}},
			})
			return err
		}))
}

// Scripts lets the tab run scripts, or not, from the next page on.
func Scripts(on bool) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	})
}

// Run is the result of an action in a tab.
func Run[T any](tab context.Context, t testing.TB, action chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(tab, action)
	must(t, err)
	return v
}

// Faults are things wrong with the page in a tab: found by looking at what was
// laid out, and by axe-core where it is installed (make test does that).
func Faults(tab context.Context, t testing.TB) []string {
	t.Helper()
	return append(LayoutFaults(tab, t), violations(tab, t)...)
}

// LayoutFaults are those of [Faults] that take no time.
func LayoutFaults(tab context.Context, t testing.TB) []string {
	t.Helper()
	return Run(tab, t, chromedp.Evaluate[[]string](layoutFaults))
}

// layoutFaults finds scrolling sideways, text too faint (WCAG 2.2, 1.4.3), fields
// without a label, headings and landmarks that are missing or double.
const layoutFaults = `(() => {
	const bad = [], root = document.documentElement;
	if (root.scrollWidth > innerWidth) bad.push("scrolls sideways: " + root.scrollWidth + " > " + innerWidth);
	for (const [what, n] of [["main", 1], ["h1", 1], ["header.top", 1], ["footer", 1], ["nav[aria-label=Site]", 1], ["html[lang]", 1], ["a.skip", 1]])
		if (document.querySelectorAll(what).length !== n) bad.push("not one " + what);
	for (const field of document.querySelectorAll("input:not([hidden], [type=hidden]), progress, select"))
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

// Unfold opens what is folded and tells how much that was.
const Unfold = `[...document.querySelectorAll("details:not([open])")].map(d => d.open = true).length`

// axeScript is axe-core, as make test installs it.
const axeScript = ".ci/axe/node_modules/axe-core/axe.min.js"

// axe is looked for once, from the package that is tested upwards.
var axe = sync.OnceValue(func() string {
	for dir := ".."; len(dir) < 40; dir = filepath.Join("..", dir) {
		if script, err := os.ReadFile(filepath.Join(dir, axeScript)); err == nil {
			return string(script)
		}
	}
	return ""
})

// violations are what axe-core finds by WCAG 2.2, level AA, and its own good
// practice, whatever its impact.
func violations(tab context.Context, t testing.TB) []string {
	t.Helper()
	if axe() == "" {
		return nil
	}
	Run(tab, t, chromedp.Evaluate[bool](axe()+";true"))
	found := Run(tab, t, chromedp.Evaluate[string](axeRun, chromedp.EvalAwaitPromise))
	var all []string
	must(t, json.Unmarshal([]byte(found), &all))
	return all
}

const axeRun = `axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations.map(v =>
	"axe " + v.impact + ": " + v.id + ", " + v.help + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(" | "))))`

// HasAxe tells whether axe-core is installed.
func HasAxe() bool { return axe() != "" }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(strings.TrimSpace(err.Error()))
	}
}
