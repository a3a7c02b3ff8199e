package web

import (
	"context"
	"strings"
	"testing"
	"time"

	"tributary/feed"
)

// shared is a scheduler that shares the work with other processes.
type shared struct {
	*scheduler
	report feed.Report
}

func (s shared) Workers(context.Context) ([]feed.Worker, error) {
	return []feed.Worker{
		{Name: "north-7-a1b2", Role: "worker", Since: at(time.January, 6, 9, 0), Seeds: true, Sources: 2},
		{Name: "south-9-c3d4", Role: "web", Since: at(time.January, 6, 9, 5)},
	}, nil
}

func (s shared) Working(ctx context.Context) (map[int64]string, error) {
	wire, err := s.st.Source(ctx, "wire")
	return map[int64]string{wire.ID: "north-7-a1b2"}, err
}

func (s shared) Report(context.Context, string) (feed.Report, error) { return s.report, nil }

// newShared serves the sample, whose newest finished run two processes have done.
func newShared(t *testing.T) *Server {
	t.Helper()
	srv := newServer(t, sampleStore(t))
	report := sampleReports()[1]
	report.Sources[1].Worker, report.Sources[2].Worker = "north-7-a1b2", "east-8-e5f6"
	srv.runner = shared{srv.runner.(*scheduler), report}
	return srv
}

func TestWhoIsLoggedInSeesWhichProcessHasWhat(t *testing.T) {
	srv := newShared(t)
	admin := login(t, srv)
	for _, c := range []struct {
		path string
		want []string
	}{
		{"/runs", []string{`<h2 id="workers">Workers</h2>`, "north-7-a1b2", ">worker<", ">seen<", ">2 sources<", "south-9-c3d4", ">web<"}},
		{"/runs/run-2", []string{`scope="col">Worker</th>`, ">north-7-a1b2<", ">east-8-e5f6<"}},
		{"/sources", []string{"north-7-a1b2 works on it now"}},
	} {
		page := get(t, srv, c.path, admin...).body
		for _, want := range c.want {
			if !strings.Contains(page, want) {
				t.Errorf("%s does not say %s:\n%s", c.path, want, page)
			}
		}
	}
}

func TestStrangersAreNotToldTheNamesOfMachines(t *testing.T) {
	srv := newShared(t)
	for _, path := range []string{"/runs", "/runs/run-2", "/sources", "/api/runs/run-2", "/api/runs", "/api/sources"} {
		if body := get(t, srv, path).body; strings.Contains(body, "north-7") || strings.Contains(body, "east-8") || strings.Contains(body, "Worker") {
			t.Errorf("%s tells strangers:\n%s", path, body)
		}
	}
}
