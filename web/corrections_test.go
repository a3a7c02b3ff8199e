package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/store"
)

// corrector stands in for what corrects: it notes what it is asked for.
type corrector struct {
	asked []string
	err   error
}

func (c *corrector) Split(_ context.Context, itemID string, entryID int64) (string, error) {
	c.asked = append(c.asked, fmt.Sprintf("split %s %d", itemID, entryID))
	return "11111111-0000-5000-8000-000000000000", c.err
}

func (c *corrector) Merge(_ context.Context, a, b string) (string, error) {
	c.asked = append(c.asked, fmt.Sprintf("merge %s %s", a, b))
	return a, c.err
}

func correcting(t *testing.T, c Corrector) *Server {
	return newServer(t, sampleStore(t), func(o *Options) { o.Corrector = c })
}

func TestAnEntryIsSplitOff(t *testing.T) {
	c := &corrector{}
	a := post(t, correcting(t, c), "/api/items/3e2b1d/split", `{"entry": 5}`)
	wantStatus(t, a, http.StatusCreated)
	wantField(t, a, "Location", "/api/items/11111111-0000-5000-8000-000000000000")
	want := map[string]string{"id": "11111111-0000-5000-8000-000000000000", "page": "https://guarantees.example/items/11111111-0000-5000-8000-000000000000"}
	if diff := cmp.Diff(want, decode[map[string]string](t, a)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"split " + borderID + " 5"}, c.asked); diff != "" {
		t.Error(diff)
	}
}

func TestItemsAreMerged(t *testing.T) {
	c := &corrector{}
	a := post(t, correcting(t, c), "/api/items/"+borderID+"/merge", `{"with": "urn:uuid:`+parisID+`"}`)
	wantStatus(t, a, http.StatusOK)
	if got := decode[map[string]string](t, a); got["id"] != borderID {
		t.Errorf("answer %v", got)
	}
	if diff := cmp.Diff([]string{"merge " + borderID + " " + parisID}, c.asked); diff != "" {
		t.Error(diff)
	}
}

func TestACorrectionThatCannotBeReadChangesNothing(t *testing.T) {
	c := &corrector{}
	srv := correcting(t, c)
	for _, bad := range []struct {
		target, body string
		status       int
	}{
		{"/api/items/" + borderID + "/split", ``, 400},
		{"/api/items/" + borderID + "/split", `{}`, 400},
		{"/api/items/" + borderID + "/split", `{"entry": -5}`, 400},
		{"/api/items/" + borderID + "/split", `{"entry": "5"}`, 400},
		{"/api/items/" + borderID + "/split", `{"entry": 5, "with": "x"}`, 400},
		{"/api/items/" + borderID + "/merge", `{}`, 400},
		{"/api/items/" + borderID + "/merge", `{"with": "abc"}`, 400},
		{"/api/items/" + borderID + "/merge", `{"with": "ffffffff"}`, 404},
		{"/api/items/ffffffff/split", `{"entry": 5}`, 404},
		{"/api/items/" + borderID + "/merge", `{"with": "` + strings.Repeat("x", apiBytes) + `"}`, 413},
	} {
		a := post(t, srv, bad.target, bad.body)
		wantStatus(t, a, bad.status)
		if e := decode[apiError](t, a); len(e.Error.Message) < 10 {
			t.Errorf("%s with %.30s: %+v", bad.target, bad.body, e)
		}
	}
	if len(c.asked) > 0 {
		t.Errorf("asked for %v", c.asked)
	}
}

func TestARefusedCorrectionSaysWhy(t *testing.T) {
	srv := correcting(t, &corrector{err: feed.Errorf(feed.CodeConflict, "it is the item's only entry: there is nothing to split off")})
	wantError(t, post(t, srv, "/api/items/"+borderID+"/split", `{"entry": 4}`), 409, feed.CodeConflict)
	wantError(t, post(t, correcting(t, nil), "/api/items/"+borderID+"/split", `{"entry": 4}`), 503, feed.CodeUnavailable)
}

func TestCorrectionsAreListed(t *testing.T) {
	st := sampleStore(t)
	srv := newServer(t, st)
	if got := get(t, srv, "/api/corrections"); strings.TrimSpace(got.body) != "[]" {
		t.Errorf("without any: %s", got.body)
	}
	noted := []feed.Correction{
		{Kind: "split", Item: borderID, Other: parisID, Entry: 5, At: noon},
		{Kind: "merge", Item: borderID, Other: parisID, At: noon.Add(time.Minute)},
	}
	must(t, st.Write(t.Context(), func(tx *store.Tx) error {
		for _, c := range noted {
			if err := tx.NoteCorrection(t.Context(), c); err != nil {
				return err
			}
		}
		return nil
	}))
	want := []correctionJSON{
		{"merge", borderID, parisID, 0, noon.Add(time.Minute)},
		{"split", borderID, parisID, 5, noon},
	}
	if diff := cmp.Diff(want, decode[[]correctionJSON](t, get(t, srv, "/api/corrections"))); diff != "" {
		t.Error(diff)
	}
	if got := decode[[]correctionJSON](t, get(t, srv, "/api/corrections?limit=1")); len(got) != 1 {
		t.Errorf("%d with limit=1", len(got))
	}
	wantError(t, get(t, srv, "/api/corrections?limit=0"), 400, feed.CodeInvalid)
}
