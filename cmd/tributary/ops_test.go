package main

import (
	"database/sql"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"
)

func TestTheDatabaseIsCheckedAtAQuietHour(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for now, want := range map[string]string{
		"2026-03-01T00:00:00Z": "2026-03-01T03:37:00Z",
		"2026-03-01T03:37:00Z": "2026-03-02T03:37:00Z",
		"2026-03-28T12:00:00Z": "2026-03-29T02:37:00Z", // the night of summer time
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := quietHour(at, berlin).UTC().Format(time.RFC3339); got != want {
			t.Errorf("after %s: %s, want %s", now, got, want)
		}
	}
}

func TestTheRoomOnADiskIsKnown(t *testing.T) {
	if d := diskOf(t.TempDir()); d != nil && (d.Total == 0 || d.Free > d.Total) {
		t.Errorf("there are %+v", *d)
	}
	if d := diskOf(t.TempDir() + "/nowhere"); d != nil {
		t.Errorf("a folder that is not there has %+v", *d)
	}
}

// incidentsOf are the entries of /ops.atom whose titles hold a text.
func (s *served) incidentsOf(key, title string) (found []*gofeed.Item) {
	s.t.Helper()
	a := s.get("/ops.atom", "Authorization", "Bearer "+key)
	if a.status != http.StatusOK {
		s.t.Fatalf("/ops.atom answers %d", a.status)
	}
	doc, err := gofeed.NewParser().ParseString(a.body)
	s.check(err)
	for _, i := range doc.Items {
		if strings.Contains(i.Title, title) {
			found = append(found, i)
		}
	}
	return found
}

// hoursPass makes the last success of all sources one of so many hours ago.
func (h *house) hoursPass(hours int) {
	h.t.Helper()
	db, err := sql.Open("sqlite", "file:"+h.path("data/tributary.db"))
	h.check(err)
	_, err = db.ExecContext(h.t.Context(), `UPDATE source SET last_success = last_success - $1 WHERE slug <> 'seeds'`, int64(hours)*3_600_000)
	h.check(errors.Join(err, db.Close()))
}

func TestASourceThatFailsForADayIsTold(t *testing.T) {
	p := newPublisher(t)
	p.publish("/gazette.xml", `<rss version="2.0"><channel><title>The Gazette</title><link>https://gazette.example/</link>
		<item><guid>1</guid><title>One</title><link>https://gazette.example/1</link></item></channel></rss>`)
	h := newHouse(t, "host_spacing: 0s\nsources:\n  - url: "+p.URL+"/gazette.xml\n")
	h.ingest("--force")
	p.fail("/gazette.xml", http.StatusInternalServerError)
	for range 2 {
		h.run("ingest", "--force")
	}
	h.hoursPass(23)
	_, key, _ := h.run("key", "add", "phone")
	key = strings.TrimSpace(key)

	s := h.serve()
	s.post("/api/ingest?wait=1&force=1")
	if early := s.incidentsOf(key, "The Gazette"); len(early) != 0 {
		t.Errorf("it is told before a day has passed: %s", early[0].Title)
	}
	s.stop()

	h.hoursPass(2)
	s = h.serve()
	var told []*gofeed.Item
	eventually(t, patience, "the feed of incidents tells", func() bool {
		told = s.incidentsOf(key, "The Gazette has failed since")
		return len(told) == 1
	})
	if !strings.Contains(told[0].Content, "500 Internal Server Error") || !strings.Contains(told[0].Content, "tributary source test") {
		t.Errorf("it tells %s", told[0].Content)
	}
	s.stop()

	s = h.serve()
	s.post("/api/ingest?wait=1&force=1")
	if again := s.incidentsOf(key, "The Gazette"); len(again) != 1 || again[0].GUID != told[0].GUID || again[0].Updated != told[0].Updated {
		t.Errorf("after a restart there are %+v", again)
	}
	p.fail("/gazette.xml", 0)
	s.post("/api/ingest?wait=1&force=1")
	var over []*gofeed.Item
	eventually(t, patience, "it is over", func() bool {
		over = s.incidentsOf(key, "Over: The Gazette has failed since")
		return len(over) == 1
	})
	if over[0].GUID != told[0].GUID || !over[0].UpdatedParsed.After(*told[0].UpdatedParsed) || over[0].Published != told[0].Published ||
		!strings.Contains(over[0].Content, "It works again.") {
		t.Errorf("it ends as %+v, and began as %+v", over[0], told[0])
	}
}
