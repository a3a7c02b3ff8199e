package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"tributary/web/browsertest"

	"tributary/feed"
	"tributary/ingest"
)

// loggedIn opens a page of a site in a tab that is logged in, and marks it, so that
// it shows when it is loaded anew.
func loggedIn(tab context.Context, t *testing.T, site, page string) {
	t.Helper()
	must(t, chromedp.Do(tab, looks[2].Set(), chromedp.Navigate(site+"/login?next="+page), chromedp.SendKeys(chromedp.CSS("#token"), sampleToken+"\r"),
		chromedp.WaitReady(chromedp.CSS(".account form"))))
	run(tab, t, chromedp.Evaluate[bool]("window.marked = true"))
}

// still tells whether the page is the one that was marked.
func still(tab context.Context, t *testing.T) bool {
	t.Helper()
	return run(tab, t, chromedp.Evaluate[bool]("window.marked === true"))
}

func TestARunIsFollowedInThePage(t *testing.T) {
	srv, u, site := serveRunning(t)
	tab, complaints := tab(browser(t), t)
	loggedIn(tab, t, site.URL, "/runs/run-3")
	must(t, chromedp.Do(tab, chromedp.WaitReady(chromedp.CSS(`progress[value="3"]`))))
	u.move(func(r *feed.Report) { r.Done = 5 })
	must(t, chromedp.Do(tab, chromedp.WaitReady(chromedp.CSS(`progress[value="5"]`))))
	u.move(func(r *feed.Report) { r.Done, r.State, r.Finished = 7, "done", r.Started.Add(3*time.Second) })
	must(t, chromedp.Do(tab, chromedp.WaitReady(chromedp.CSS(`progress[value="7"]`))))
	eventually(t, "the stream has ended", func() bool { return srv.streams.count() == 0 })
	said := run(tab, t, chromedp.Evaluate[string](`document.querySelector(".run [role=status]").textContent + document.querySelector(".lede").textContent`))
	if !strings.Contains(said, "The run is done: 1 new.") || !strings.Contains(said, "it took 3 seconds") || !still(tab, t) {
		t.Errorf("at the end the page says %q, or was loaded anew", said)
	}
	for _, fault := range browsertest.Faults(tab, t) {
		t.Error(fault)
	}
	for _, c := range complaints() {
		if c != "not loaded: net::ERR_ABORTED " { // the page has closed the stream itself
			t.Error(c)
		}
	}
}

func TestEntriesAreDecidedByOneKey(t *testing.T) {
	srv, m, held := moderated(t)
	site := httptest.NewServer(srv.Handler())
	t.Cleanup(site.Close)
	tab, complaints := tab(browser(t), t)
	loggedIn(tab, t, site.URL, "/topic/review")
	newest, second, third := held["abendblatt "+ingest.RuleDoubtful], held["wire "+ingest.RuleDoubtful], held["letter "+ingest.RuleDoubtful]
	undo := func(id int64) chromedp.CSS {
		return chromedp.CSS(fmt.Sprintf(`#entry-%d button[name=undo]`, id))
	}
	at := func(id int64) {
		t.Helper()
		if got := run(tab, t, chromedp.Evaluate[string](`document.activeElement.closest("li")?.id || document.activeElement.outerHTML`)); got != fmt.Sprint("entry-", id) {
			t.Errorf("the focus is at %s, want entry-%d", got, id)
		}
	}
	must(t, chromedp.Do(tab, chromedp.KeyEvent("j")))
	at(newest)
	must(t, chromedp.Do(tab, chromedp.KeyEvent("a"), chromedp.WaitVisible(undo(newest))))
	at(second)
	must(t, chromedp.Do(tab, chromedp.KeyEvent("r"), chromedp.WaitVisible(undo(second))))
	at(third)
	must(t, chromedp.Do(tab, chromedp.KeyEvent("k"), chromedp.KeyEvent("u"), chromedp.WaitVisible(chromedp.CSS(fmt.Sprintf(`#entry-%d button[name=accept]`, second)))))
	if said := run(tab, t, chromedp.Evaluate[string](`document.querySelector("#said").textContent`)); !strings.HasPrefix(said, "Doubtful: Envoys") || !still(tab, t) {
		t.Errorf("what was decided is told as %q, or the page was loaded anew", said)
	}
	want := []string{fmt.Sprint("accept ", newest), fmt.Sprint("refuse ", second), fmt.Sprint("undo ", second)}
	if !slices.Equal(want, m.asked) {
		t.Errorf("asked for %v, want %v", m.asked, want)
	}
	for _, c := range complaints() {
		t.Error(c)
	}
}

func TestPagesOfAnAdministratorInChromium(t *testing.T) {
	tried, _, _ := replaying(t)
	decided, _, _ := moderated(t)
	ctx := browser(t)
	first := httptest.NewServer(decided.Handler())
	t.Cleanup(first.Close)
	in, _ := tab(ctx, t)
	loggedIn(in, t, first.URL, "/fetching") // at the others too: cookies know no ports
	for name, p := range map[string]struct {
		srv  *Server
		page string
	}{
		"topic":        {tried, "/topic"},
		"replay":       {tried, "/topic/replay?threshold=0.4"},
		"held":         {decided, "/held"},
		"held-found":   {decided, "/held?find=geneva"},
		"held-never":   {decided, "/held?find=riverpost.example/a/very/long/address/that/has/no/place/to/break/because/it/is/one/word/0123456789012345678901234567890123456789"},
		"topic-review": {decided, "/topic/review"},
		"runs":         {decided, "/runs"},
		"run":          {decided, "/runs/run-2"},
	} {
		t.Run(name, func(t *testing.T) {
			site := httptest.NewServer(p.srv.Handler())
			t.Cleanup(site.Close)
			tab, complaints := tab(ctx, t)
			must(t, chromedp.Do(tab, chromedp.Navigate(site.URL+p.page), chromedp.WaitReady(chromedp.CSS("footer"))))
			for _, l := range looks {
				must(t, chromedp.Do(tab, l.Set()))
				for _, fault := range browsertest.Faults(tab, t) {
					t.Errorf("%v: %s", l, fault)
				}
				if *shots != "" {
					png := run(tab, t, chromedp.FullScreenshot(100))
					must(t, os.WriteFile(filepath.Join(*shots, name+"-admin-"+l.String()+".png"), png, 0o644))
				}
			}
			for _, c := range complaints() {
				t.Error(c)
			}
		})
	}
}

func TestWithoutScriptsARunIsFollowedAndAnEntryDecided(t *testing.T) {
	_, u, site := serveRunning(t)
	ctx := browser(t)
	bare, complaints := tab(ctx, t)
	bare, cancel := context.WithTimeout(bare, 20*time.Second)
	t.Cleanup(cancel)
	_, err := chromedp.Run(bare, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	must(t, err)
	must(t, chromedp.Do(bare, chromedp.Navigate(site.URL+"/runs/run-3"), chromedp.WaitReady(chromedp.CSS(`progress[value="3"]`))))
	u.move(func(r *feed.Report) { r.Done, r.State = 7, "done" })
	time.Sleep((refreshSeconds + 1) * time.Second)
	if value := run(bare, t, chromedp.Evaluate[int](`document.querySelector("progress").value`)); value != 7 {
		t.Errorf("after %d seconds the page still shows %d", refreshSeconds+1, value)
	}

	srv, m, held := moderated(t)
	review := httptest.NewServer(srv.Handler())
	t.Cleanup(review.Close)
	id := held["wire "+ingest.RuleDoubtful]
	must(t, chromedp.Do(bare, chromedp.Navigate(review.URL+"/login?next=/topic/review"), chromedp.SendKeys(chromedp.CSS("#token"), sampleToken+"\r"),
		chromedp.Click(chromedp.CSS(fmt.Sprintf(`button[name=accept][value="%d"]`, id))), chromedp.WaitVisible(chromedp.CSS(".card button[name=undo]"))))
	if address := run(bare, t, chromedp.Location()); address != fmt.Sprintf("%s/topic/review?entry=%d", review.URL, id) || len(m.asked) != 1 {
		t.Errorf("letting in leads to %s; asked for %v", address, m.asked)
	}
	for _, c := range complaints() {
		t.Error(c)
	}
}

func TestWhatHtmxCouldNotDoIsToldInThePage(t *testing.T) {
	srv, m, held := moderated(t)
	var broken atomic.Bool
	broken.Store(true)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() && r.Header.Get("HX-Request") != "" {
			http.Error(w, "no", http.StatusBadGateway)
			return
		}
		srv.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(site.Close)
	tab, complaints := tab(browser(t), t)
	loggedIn(tab, t, site.URL, "/topic/review")
	newest := held["abendblatt "+ingest.RuleDoubtful]
	const failed = `[...document.querySelectorAll("main > .flash.bad[role=alert]")].map((e) => e.textContent).join()`
	at := func() string {
		return run(tab, t, chromedp.Evaluate[string](`document.activeElement.closest("li")?.id || document.activeElement.outerHTML`))
	}
	must(t, chromedp.Do(tab, chromedp.KeyEvent("j")))
	for range 2 { // it is told once
		must(t, chromedp.Do(tab, chromedp.KeyEvent("a"), chromedp.WaitVisible(chromedp.CSS("#failed"))))
	}
	if said := run(tab, t, chromedp.Evaluate[string](failed)); said != "This was not done; load the page again and try once more." {
		t.Errorf("the page says %q", said)
	}
	if got := at(); got != fmt.Sprint("entry-", newest) || len(m.asked) > 0 {
		t.Errorf("the focus is at %s; asked for %v", got, m.asked)
	}
	for _, fault := range browsertest.Faults(tab, t) {
		t.Error(fault)
	}
	for _, c := range complaints() {
		if !strings.Contains(c, "502") && c != "console error" { // htmx tells of it too
			t.Error(c)
		}
	}
	broken.Store(false)
	must(t, chromedp.Do(tab, chromedp.KeyEvent("a"), chromedp.WaitVisible(chromedp.CSS(fmt.Sprintf(`#entry-%d button[name=undo]`, newest)))))
	if said := run(tab, t, chromedp.Evaluate[string](failed)); said != "" || !still(tab, t) {
		t.Errorf("after it was done the page says %q, or was loaded anew", said)
	}
	site.CloseClientConnections()
	site.Close()
	must(t, chromedp.Do(tab, chromedp.KeyEvent("a"), chromedp.WaitVisible(chromedp.CSS("#failed")))) // there is nobody to ask
}
