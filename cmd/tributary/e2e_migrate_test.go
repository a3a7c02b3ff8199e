package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/store"
	"tributary/store/pgtest"
)

// moveFeeds are the feeds of a house that is going to be moved. The stories of some are
// copies of another's.
const moveFeeds = 12

// newHouseToMove has seeds, feeds with copies among them, archives, and what people said.
func newHouseToMove(t *testing.T) (*house, *publisher) {
	t.Helper()
	p := newPublisher(t)
	config := "host_spacing: 0s\nsources:\n"
	for f := range moveFeeds {
		var stories []story
		for i := range 25 {
			about := fmt.Sprintf("Story %d of %d", i, f)
			url := fmt.Sprintf("https://news.example/%d/%d", f, i)
			if i < 3 && f > 0 {
				about, url = fmt.Sprintf("Story %d of 0", i), fmt.Sprintf("https://news.example/0/%d?utm_source=%d", i, f)
			}
			stories = append(stories, story{fmt.Sprintf("tag:%d,%d", f, i), url, about, paragraph(about), storyTime.Add(time.Duration(f*60+i) * time.Minute)})
		}
		path := fmt.Sprintf("/feed%d", f)
		p.publish(path, []func(string, ...story) string{rssOf, atomOf, jsonOf}[f%3](fmt.Sprintf("Feed %d", f), stories...))
		config += fmt.Sprintf("  - {url: %s%s, name: Feed %d, tags: [t%d]}\n", p.URL, path, f, f%2)
	}
	h := newHouse(t, config)
	for i := range 5 {
		h.write(fmt.Sprintf("seeds/%d.md", i), fmt.Sprintf("# Seed %d\n\nA text about bridges, number %d.\n", i, i))
	}
	h.ingest()
	return h, p
}

// handedOut is what readers are given, with the tag that tells them whether they have it.
func handedOut(s *served) map[string]string {
	s.t.Helper()
	all := map[string]string{}
	for _, path := range []string{"/feed.atom", "/feed.rss", "/feed.json", "/stories.atom", "/archive/1.atom", "/archive/2.rss", "/archive/3.json",
		"/tags/t1/feed.atom", "/search/feed.rss?q=about", "/sources/feed-3/feed.json", "/sources.opml"} {
		a := s.get(path)
		if a.status != http.StatusOK || a.header.Get("ETag") == "" {
			s.t.Errorf("%s: %d, %v", path, a.status, a.header)
		}
		all[path] = a.header.Get("ETag") + "\n" + a.body
	}
	return all
}

func TestAStoreThatIsMovedShowsReadersTheSame(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Start(t)
	h, p := newHouseToMove(t)
	s := h.serve()
	hidden := s.items()[3]
	if code, _, stderr := h.run("item", "hide", hidden.ID); code != exitOK {
		t.Fatal(stderr)
	}
	eventually(t, patience, "the item is hidden", func() bool { _, there := s.item(hidden.Title); return !there })
	before, asked := handedOut(s), len(p.requests("/feed3"))
	if code, _, stderr := h.run("migrate", "--to", dsn); code != exitFailure || !strings.Contains(stderr, "stop it (tributary serve, most likely)") {
		t.Errorf("while serve runs: %d %s", code, stderr)
	}
	s.stop()
	_, why, _ := h.run("item", "why", hidden.ID)

	code, stdout, stderr := h.run("migrate", "--to", dsn)
	if code != exitOK || !strings.Contains(stdout, "copied and verified in") || stderr != "" {
		t.Fatalf("migrate ended with %d\n%s%s", code, stdout, stderr)
	}
	s = h.serve("--database-url", dsn)
	if diff := cmp.Diff(before, handedOut(s)); diff != "" {
		t.Errorf("readers see other documents than before (-before +after):\n%s", diff)
	}
	_, whyNow, _ := h.run("item", "why", hidden.ID, "--database-url", dsn)
	if diff := cmp.Diff(why, whyNow); diff != "" || why == "" {
		t.Errorf("why (-before +after):\n%s", diff)
	}
	// Validators came along: the feeds are asked for what is new, and they are not due yet.
	h.ingest("--force", "--database-url", dsn)
	requests := p.requests("/feed3")
	if last := requests[len(requests)-1]; len(requests) != asked+1 || last.status != http.StatusNotModified {
		t.Errorf("a feed was asked %d times before the move, %d times now, the last time with %d", asked, len(requests), last.status)
	}
	if diff := cmp.Diff(before, handedOut(s)); diff != "" {
		t.Errorf("after a further ingest (-before +after):\n%s", diff)
	}
}

func TestAMoveThatIsKilledIsGoneOnWith(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dsn := pgtest.Start(t)
	h, _ := newHouseToMove(t)
	st, err := store.Open(ctx, store.Options{DSN: dsn}) // makes the tables
	h.check(err)
	h.check(st.Close())
	db, err := sql.Open("pgx", dsn)
	h.check(err)
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	h.check(err)
	_, err = tx.ExecContext(ctx, `LOCK TABLE mark IN EXCLUSIVE MODE`) // there it has to wait
	h.check(err)

	c := h.start("migrate", "--to", dsn)
	eventually(t, patience, "the copy comes to the table that is locked", func() (waits bool) {
		h.check(tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'mark'::regclass)`).Scan(&waits))
		return waits
	})
	h.check(c.Process.Kill())
	<-c.ended
	h.check(tx.Rollback())

	code, _, stderr := h.run("serve", "--database-url", dsn)
	if code != exitFailure || !strings.Contains(stderr, "half-done copy of "+h.path("data/tributary.db")) {
		t.Errorf("serve with half a copy: %d %s", code, stderr)
	}
	h.write("tributary.yaml", plain+"database_url: "+dsn+"\n") // where to, if nothing else is said
	code, stdout, stderr := h.run("migrate", "--json")
	if code != exitOK {
		t.Fatalf("once more: %d %s", code, stderr)
	}
	for _, table := range decode[[]copied](t, stdout) {
		var rows int64
		h.check(db.QueryRowContext(ctx, `SELECT COUNT(*) FROM "`+table.Table+`"`).Scan(&rows))
		if rows != table.Rows || table.Table == "entry" && rows != moveFeeds*25+5 {
			t.Errorf("%d rows: %+v", rows, table)
		}
	}
	if code, _, stderr := h.run("check"); code != exitOK {
		t.Errorf("check: %d %s", code, stderr)
	}
	if code, _, stderr := h.run("migrate"); code != exitFailure || !strings.Contains(stderr, "not empty") {
		t.Errorf("a third time: %d %s", code, stderr)
	}
}
