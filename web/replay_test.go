package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest"
)

// replayer stands in for what tries thresholds: it has its answers ready.
type replayer struct {
	changes []ingest.Change
	err     error
	asked   []string
	applied int
}

func (r *replayer) Replay(_ context.Context, since time.Time, threshold float64) ([]ingest.Change, error) {
	r.asked = append(r.asked, fmt.Sprint(noon.Sub(since), " ", threshold))
	return r.changes, r.err
}

func (r *replayer) Apply(_ context.Context, changes []ingest.Change) (in, out, waiting int, err error) {
	r.applied++
	return len(changes), 0, 3, nil
}

// replaying serves a store with something that a replay would change.
func replaying(t *testing.T) (srv *Server, r *replayer, admin []string) {
	t.Helper()
	st, held := topicStore(t)
	h, err := st.EntryByID(t.Context(), held["wire "+ingest.RuleDoubtful])
	must(t, err)
	r = &replayer{changes: []ingest.Change{{Entry: h, In: true, Opinion: ingest.Opinion{Score: &feed.Score{Value: 0.4196, Profile: 2, Why: "It names Geneva as the seeds do: 0.41, not under 0.40."}}}}}
	srv = newServer(t, st, func(o *Options) {
		o.Replayer, o.Filter = r, func() string { return ingest.FilterLearned }
	})
	return srv, r, login(t, srv)
}

func TestAReplayIsShownBeforeItIsDone(t *testing.T) {
	srv, r, admin := replaying(t)
	if topic := get(t, srv, "/topic", admin...).body; !strings.Contains(topic, `action="/topic/replay"`) || !strings.Contains(topic, `<option value="14d" selected>`) {
		t.Error("the page of the topic does not offer it")
	}
	a := get(t, srv, "/topic/replay?since=7d&threshold=0,40", admin...)
	wantStatus(t, a, http.StatusOK)
	wantField(t, a, "Cache-Control", "no-store")
	for _, want := range []string{"<strong>1 entry</strong> would come in, <strong>0</strong> would go out", "Envoys meet in Geneva", "0.41 → 0.41", "not under 0.40", `<option value="7d" selected>`, `value="0.4"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page does not say %q:\n%s", want, a.body)
		}
	}
	if r.applied != 0 || r.asked[0] != "168h0m0s 0.4" {
		t.Errorf("asked for %v, and done %d times", r.asked, r.applied)
	}
	_, rest, _ := strings.Cut(a.body, `name="seen" value="`)
	seen, _, _ := strings.Cut(rest, `"`)
	apply := func(seen string) answer {
		return ask(t, srv, http.MethodPost, "/topic/replay", url.Values{"since": {"7d"}, "threshold": {"0.4"}, "seen": {seen}}.Encode(), append(admin, "Content-Type", formType)...)
	}
	other := apply("something else")
	wantStatus(t, other, http.StatusConflict)
	if r.applied != 0 || !strings.Contains(other.body, "so nothing was done") {
		t.Error("what was not shown was done")
	}
	done := apply(seen)
	wantStatus(t, done, http.StatusSeeOther)
	wantField(t, done, "Location", "/topic/replay?since=7d&threshold=0.4&in=1&out=0&waiting=3")
	if page := get(t, srv, done.Header.Get("Location"), admin...).body; r.applied != 1 || !strings.Contains(page, "1 entry let in, 0 taken out. At most 50 are let in at once") {
		t.Errorf("what was done is not said:\n%s", page)
	}
}

func TestPagesOfAnAdministratorAreAsDrawn(t *testing.T) {
	srv, _, admin := replaying(t)
	moderated, _, _ := moderated(t)
	for _, p := range []struct {
		name, target string
		srv          *Server
	}{
		{"replay.html", "/topic/replay?since=7d&threshold=0.4", srv},
		{"topic-review-admin.html", "/topic/review", moderated},
		{"held-found.html", "/held?find=geneva", moderated},
		{"runs-admin.html", "/runs", moderated},
	} {
		a := get(t, p.srv, p.target, admin...)
		wantStatus(t, a, http.StatusOK)
		golden(t, p.name, a.body)
	}
}

func TestABadReplayIsExplained(t *testing.T) {
	srv, r, admin := replaying(t)
	for query, want := range map[string]string{
		"since=2d": "“since” is 1d, 7d, 14d or 30d.", "since=x": "“since” is", "threshold=1": "“1” is no threshold", "threshold=x": "“x” is no threshold", "threshold=NaN": "no threshold",
	} {
		a := get(t, srv, "/topic/replay?"+query, admin...)
		wantStatus(t, a, http.StatusBadRequest)
		if !strings.Contains(a.body, want) || !strings.Contains(a.body, `name="threshold"`) {
			t.Errorf("%s: the page does not say %q with the form:\n%s", query, want, a.body)
		}
	}
	if len(r.asked) != 0 {
		t.Errorf("asked for %v", r.asked)
	}
	r.err = context.DeadlineExceeded
	a := get(t, srv, "/topic/replay", admin...)
	wantStatus(t, a, http.StatusUnprocessableEntity)
	if !strings.Contains(a.body, "Choose a shorter time") {
		t.Errorf("where it takes too long the page says:\n%s", a.body)
	}
	srv.replaying.Lock()
	a = get(t, srv, "/topic/replay", admin...)
	if !strings.Contains(a.body, "Another preview is being made") {
		t.Errorf("where another is made the page says:\n%s", a.body)
	}
	srv.replaying.Unlock()
	wantStatus(t, get(t, srv, "/topic/replay"), http.StatusSeeOther) // strangers log in first
	r.err, r.changes = nil, nil
	if page := get(t, srv, "/topic/replay", admin...).body; !strings.Contains(page, "would change sides.") || strings.Contains(page, "Apply") {
		t.Error("where nothing would change it can be applied")
	}
}

// slowReplayer changes nothing any more once it has applied, which takes it a while.
type slowReplayer struct {
	replayer
	applying, finish chan struct{}
}

func (r *slowReplayer) Apply(ctx context.Context, changes []ingest.Change) (in, out, waiting int, err error) {
	r.applying <- struct{}{}
	<-r.finish
	return r.replayer.Apply(ctx, changes)
}

func TestWhatIsBeingAppliedIsNotAppliedTwice(t *testing.T) {
	srv, r, admin := replaying(t)
	slow := &slowReplayer{replayer: *r, applying: make(chan struct{}), finish: make(chan struct{})}
	srv.opt.Replayer = slow
	post := func() answer {
		form := url.Values{"since": {"7d"}, "seen": {fingerprint(r.changes)}}
		return ask(t, srv, http.MethodPost, "/topic/replay", form.Encode(), append(slices.Clone(admin), "Content-Type", formType)...)
	}
	first := make(chan answer)
	go func() { first <- post() }()
	<-slow.applying
	second := post()
	wantStatus(t, second, http.StatusUnprocessableEntity)
	wantText(t, second, "Another preview is being made. Ask again in a moment.")
	close(slow.finish)
	wantStatus(t, <-first, http.StatusSeeOther)
	if slow.applied != 1 {
		t.Errorf("it was applied %d times", slow.applied)
	}
}
