package web

import (
	"bytes"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"tributary/web/browsertest"
)

func TestAssetsAreSentCompressed(t *testing.T) {
	srv := newServer(t, openStore(t))
	for _, name := range []string{"style.css", "htmx.min.js", "sse.min.js", "app.js", "LICENSES.txt"} {
		a := get(t, srv, "/assets/"+srv.assets.hashed[name], "Accept-Encoding", "gzip")
		wantStatus(t, a, http.StatusOK)
		wantField(t, a, "Content-Encoding", "gzip")
		wantField(t, a, "Cache-Control", "public, max-age=31536000, immutable")
		wantField(t, a, "Content-Type", assetTypes[name])
	}
}

func TestTheStyleSheetHoldsAllItsPartsInTheOrderOfTheirNames(t *testing.T) {
	sheet, err := styleSheet()
	must(t, err)
	if !bytes.HasPrefix(sheet, []byte("@layer pico {")) {
		t.Error("Pico is not in a layer: it would win over our own rules")
	}
	parts, err := fs.Glob(files, "assets/css/*.css")
	must(t, err)
	rest := sheet
	for _, name := range parts {
		part, err := files.ReadFile(name)
		must(t, err)
		var found bool
		if rest, found = bytes.CutPrefix(rest, part); !found {
			t.Fatalf("%s is not where it belongs", name)
		}
		if bytes.Count(part, []byte("{")) != bytes.Count(part, []byte("}")) {
			t.Errorf("%s: a brace is missing, which breaks the parts behind it", name)
		}
	}
	if len(parts) < 2 || len(rest) != 0 {
		t.Errorf("%d parts, and %d bytes that are of none", len(parts), len(rest))
	}
}

// TestTheStyleSheetLoadsNothing: our pages load pictures from our own address
// only, and browsers complain of each that is asked for and refused.
func TestTheStyleSheetLoadsNothing(t *testing.T) {
	base, err := files.ReadFile("assets/css/10-base.css")
	must(t, err)
	pico, err := files.ReadFile("assets/css/00-pico.css")
	must(t, err)
	for _, found := range regexp.MustCompile(`(--[\w-]+):url`).FindAllSubmatch(pico, -1) {
		if !bytes.Contains(base, append(found[1], ": "...)) {
			t.Errorf("Pico's picture %s is not replaced in 10-base.css", found[1])
		}
	}
	sheet, err := styleSheet()
	must(t, err)
	for _, foreign := range []string{"url(", "@import", "@font-face"} {
		if ours := bytes.TrimPrefix(sheet, pico); bytes.Contains(ours, []byte(foreign)) {
			t.Errorf("our own rules have %s", foreign)
		}
	}
}

// TestAPageCostsLittle holds what a first visit takes over the wire.
func TestAPageCostsLittle(t *testing.T) {
	const most = 45 << 10 // of the 100 KB that a page may take in all
	srv := newServer(t, openStore(t))
	sum := 0
	for _, name := range []string{"style.css", "htmx.min.js", "sse.min.js", "app.js", "icon.svg"} {
		d := srv.assets.byName[srv.assets.hashed[name]]
		t.Logf("%s: %d bytes, %d compressed", name, len(d.plain.body), len(d.zipped.body))
		sum += len(d.zipped.body)
	}
	if sum > most {
		t.Errorf("style sheet and scripts take %d bytes compressed, more than %d", sum, most)
	}
}

func TestOthersWorkComesWithItsLicence(t *testing.T) {
	notice, err := files.ReadFile("assets/LICENSES.txt")
	must(t, err)
	for _, name := range []string{"css/00-pico.css", "htmx.min.js", "sse.min.js", "MIT License", "Zero-Clause BSD"} {
		if !strings.Contains(string(notice), name) {
			t.Errorf("nothing about %s", name)
		}
	}
}

// focused is the text of what has the focus.
const focused = `document.activeElement.textContent.trim()`

func TestTheKeyboardGoesThroughTheItems(t *testing.T) {
	tab, complaints := tab(browser(t), t)
	must(t, chromedp.Do(tab, chromedp.Navigate(site(t, sampleStore(t))+"/"), chromedp.WaitReady(chromedp.CSS("footer"))))
	titles := run(tab, t, chromedp.Evaluate[[]string](`[...document.querySelectorAll(".items h2 a")].map(a => a.textContent.trim())`))
	for _, step := range []struct {
		key  string
		want string
	}{{"j", titles[0]}, {"j", titles[1]}, {"j", titles[2]}, {"k", titles[1]}} {
		must(t, chromedp.Do(tab, chromedp.KeyEvent(step.key)))
		if got := run(tab, t, chromedp.Evaluate[string](focused)); got != step.want {
			t.Fatalf("after %s the focus is on %q, want %q", step.key, got, step.want)
		}
	}
	must(t, chromedp.Do(tab, chromedp.KeyEvent("/"), chromedp.KeyEvent("j")))
	if got := run(tab, t, chromedp.Evaluate[string](`document.activeElement.name + "=" + document.activeElement.value`)); !strings.HasPrefix(got, "q=") || !strings.HasSuffix(got, "j") {
		t.Errorf("typed into the search: %s", got)
	}
	must(t, chromedp.Do(tab, chromedp.KeyEvent("\t"), chromedp.KeyEvent("?"), chromedp.WaitVisible(chromedp.CSS("#shortcuts"))))
	for _, fault := range browsertest.Faults(tab, t) {
		t.Errorf("with the help open: %s", fault)
	}
	must(t, chromedp.Do(tab, chromedp.Click(chromedp.CSS("#shortcuts-on")), chromedp.Click(chromedp.CSS("#shortcuts button")),
		chromedp.Focus(chromedp.CSS(".brand")), chromedp.KeyEvent("j")))
	if got := run(tab, t, chromedp.Evaluate[bool](`document.activeElement.matches(".brand")`)); !got {
		t.Error("keys that were switched off still move the focus")
	}
	for _, complaint := range complaints() {
		t.Error(complaint)
	}
}

func TestAButtonCopiesAnAddressAndSaysSo(t *testing.T) {
	tab, complaints := tab(browser(t), t)
	must(t, chromedp.Do(tab, chromedp.Navigate(site(t, sampleStore(t))+"/"), chromedp.WaitReady(chromedp.CSS("footer"))))
	// As over plain http, where pages have no clipboard; and in a part that htmx brought.
	run(tab, t, chromedp.Evaluate[bool](`(() => {
		Object.defineProperty(navigator, "clipboard", { value: undefined });
		document.addEventListener("copy", () => { document.body.dataset.copied = document.activeElement.value });
		htmx.swap("main", '<p id="late"><button data-copy="https://guarantees.example/feed.atom" hidden>Copy</button></p>', { swapStyle: "afterbegin" });
		return true })()`))
	must(t, chromedp.Do(tab, chromedp.WaitVisible(chromedp.CSS("#late button")), chromedp.Click(chromedp.CSS("#late button")),
		chromedp.WaitReady(chromedp.CSS("#said:not(:empty)"))))
	if said := run(tab, t, chromedp.Evaluate[string](`document.querySelector("#said").textContent`)); said != "Copied" {
		t.Errorf("it says %q", said)
	}
	if copied := run(tab, t, chromedp.Evaluate[string](`document.body.dataset.copied`)); copied != "https://guarantees.example/feed.atom" {
		t.Errorf("copied %q", copied)
	}
	for _, complaint := range complaints() {
		t.Error(complaint)
	}
}
