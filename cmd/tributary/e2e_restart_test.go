package main

import (
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// served documents: every format, plain and compressed.
func (s *served) documents() map[string]answer {
	s.t.Helper()
	all := map[string]answer{}
	for _, path := range feedPaths {
		all[path] = s.get(path)
		all[path+" gzip"] = s.get(path, "Accept-Encoding", "gzip")
	}
	return all
}

// same checks that nothing which a reader or a cache could tell differs, and
// that who has the one is told 304 by the other.
func (s *served) same(before map[string]answer, when string) {
	s.t.Helper()
	for name, now := range s.documents() {
		was := before[name]
		if now.body != was.body {
			s.t.Errorf("%s %s has other bytes (-before +now):\n%s", when, name, cmp.Diff(unzipped(s.t, was), unzipped(s.t, now)))
		}
		for _, field := range []string{"ETag", "Last-Modified", "Content-Encoding", "Content-Length", "Cache-Control"} {
			if now.header.Get(field) != was.header.Get(field) {
				s.t.Errorf("%s %s has %s: %s, had %s", when, name, field, now.header.Get(field), was.header.Get(field))
			}
		}
		path, encoding, _ := strings.Cut(name, " ")
		for _, field := range [][2]string{{"If-None-Match", was.header.Get("ETag")}, {"If-Modified-Since", was.header.Get("Last-Modified")}} {
			again := s.get(path, field[0], field[1], "Accept-Encoding", encoding)
			if again.status != http.StatusNotModified || again.body != "" || again.header.Get("ETag") == "" {
				s.t.Errorf("%s %s with %s: %s answers %d with %d bytes", when, name, field[0], field[1], again.status, len(again.body))
			}
		}
	}
}

func unzipped(t *testing.T, a answer) string {
	t.Helper()
	if a.header.Get("Content-Encoding") != "gzip" {
		return a.body
	}
	z, err := gzip.NewReader(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestARestartAndAnUnchangedRunChangeNoByte(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "")
	atom, _, _, _ := overlapping(h)
	h.ingest()
	s := h.serve()
	eventually(t, patience, "the feed is old enough to be dated", func() bool { return s.get("/feed.atom").header.Get("Last-Modified") != "" })
	before := s.documents()
	if before["/feed.atom gzip"].header.Get("Content-Encoding") != "gzip" || unzipped(t, before["/feed.atom gzip"]) != before["/feed.atom"].body {
		t.Error("the compressed document is not the plain one")
	}
	s.same(before, "at once")
	s.stop()

	s = h.serve()
	s.same(before, "after a restart")
	if r := decode[struct{ State string }](t, s.post("/api/ingest?force=1&wait=1").body); r.State != "done" {
		t.Errorf("the run is %s", r.State)
	}
	for _, r := range atom.requests("/feed")[1:] {
		if r.status != http.StatusNotModified {
			t.Errorf("the unchanged feed was asked for with %v", r.header)
		}
	}
	s.same(before, "after an unchanged run")
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.ended
	h.serve().same(before, "after kill -9")
}

// A database that is rebuilt from the same documents gives the same items,
// also where another copy of an article came in first this time. Where these
// are all dated and none came late, even the bytes are the same.
func TestARebuildGivesTheSameItems(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "")
	atom, rss, json, _ := overlapping(h)
	h.ingest()
	s := h.serve()
	items, before := s.items(), s.documents()
	s.stop()
	for name, late := range map[string]*publisher{"none": newPublisher(t), "the first": atom, "the second": rss, "the third": json} {
		h.check(os.RemoveAll(h.path("data")))
		time.AfterFunc(time.Second, late.hold("/feed")) // longer than a run waits to commit what it has
		h.ingest()
		s = h.serve()
		if diff := cmp.Diff(items, s.items(), cmpopts.IgnoreFields(published{}, "Content")); diff != "" {
			t.Errorf("with %s late the items differ (-before +now):\n%s", name, diff)
		}
		same := 0
		for name, doc := range s.documents() {
			if doc.body == before[name].body {
				same++
			}
		}
		t.Logf("with %s late %d of %d documents have the same bytes", name, same, len(before))
		s.stop()
	}
}
