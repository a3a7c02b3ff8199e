package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tributary/feed"
)

// closedArchives is a private site with archives, and two readers.
func closedArchives(t *testing.T) *Server {
	t.Helper()
	st := archiveStore(t)
	srv := newServer(t, st, func(o *Options) { o.Private, o.Keys = true, keyring{st} })
	for _, name := range []string{"phone", "a&b"} {
		_, err := srv.opt.Keys.Make(t.Context(), name)
		must(t, err)
	}
	return srv
}

func TestAReaderFollowsTheArchivesOfAPrivateSite(t *testing.T) {
	srv := closedArchives(t)
	for ext, older := range olderIn {
		for _, key := range []string{"key-of-phone", "key-of-a&b"} {
			asked := "?key=" + url.QueryEscape(key)
			byKey, inKeyed := follow(t, srv, "/feed."+ext+asked, older)
			byHeader, inPlain := follow(t, srv, "/feed."+ext, older, "Authorization", "Bearer "+key)
			if want := []string{"/feed." + ext, "/archive/3." + ext, "/archive/2." + ext, "/archive/1." + ext}; !slices.Equal(byHeader, want) {
				t.Errorf("by a header the archives are %v, want %v", byHeader, want)
			}
			for i, address := range byHeader {
				if byKey[i] != address+asked {
					t.Errorf("by a key in the address it is led to %s, want %s", byKey[i], address+asked)
				}
			}
			if n := len(slices.Concat(inKeyed...)); n != 211 || n != len(slices.Concat(inPlain...)) {
				t.Errorf("%s: %d items are seen", ext, n)
			}
		}
	}
	middle := get(t, srv, "/archive/2.atom?key=key-of-phone").body
	for rel, want := range map[string]string{
		"prev-archive": sampleBase + "/archive/1.atom?key=key-of-phone", "next-archive": sampleBase + "/archive/3.atom?key=key-of-phone",
		"current": sampleBase + "/feed.atom?key=key-of-phone", "self": sampleBase + "/archive/2.atom",
	} {
		if got := between(middle, `rel="`+rel+`" href="`, `"`); got != want {
			t.Errorf("%s is %s, want %s", rel, got, want)
		}
	}
}

func TestADocumentTellsAKeyToItsOwnerAlone(t *testing.T) {
	srv := closedArchives(t)
	plain := get(t, srv, "/archive/2.atom", "Authorization", "Bearer key-of-phone")
	phone, other := get(t, srv, "/archive/2.atom?key=key-of-phone"), get(t, srv, "/archive/2.atom?key="+url.QueryEscape("key-of-a&b"))
	if phone.body == other.body || strings.Contains(other.body, "phone") || strings.Contains(plain.body, "key") {
		t.Error("a document tells the key of somebody else")
	}
	if strings.ReplaceAll(phone.body, "?key=key-of-phone", "") != plain.body || strings.ReplaceAll(other.body, "?key=key-of-a%26b", "") != plain.body {
		t.Error("more differs than the links")
	}
	tags := map[string]bool{}
	for _, a := range []answer{plain, phone, other} {
		tags[a.Header.Get("ETag")] = true
		wantField(t, a, "Cache-Control", "private, max-age=86400")
		wantField(t, a, "Vary", "Accept-Encoding, Authorization, Cookie") // what let the reader in decides
		wantField(t, a, "Content-Type", "application/atom+xml; charset=utf-8")
		wantField(t, a, "Last-Modified", plain.Header.Get("Last-Modified"))
	}
	if len(tags) != 3 {
		t.Errorf("other documents with the same tag: %v", tags)
	}
	zipped := get(t, srv, "/archive/2.atom?key=key-of-phone", "Accept-Encoding", "gzip", "If-None-Match", other.Header.Get("ETag"))
	wantStatus(t, zipped, http.StatusOK)
	if unzipped(t, zipped) != phone.body {
		t.Error("compressed it is another document")
	}
	wantStatus(t, get(t, srv, "/archive/2.atom?key=key-of-phone", "If-None-Match", zipped.Header.Get("ETag")), http.StatusNotModified)
	// An administrator is let in whatever the address says: it is no key then.
	admin := get(t, srv, "/archive/2.atom?key=key-of-phone", login(t, srv)...)
	if admin.body != plain.body {
		t.Error("what was not checked stands in the document")
	}
	if open := get(t, newServer(t, archiveStore(t)), "/archive/2.atom?key=key-of-phone"); strings.Contains(open.body, "key-of") {
		t.Error("a document that is for everybody tells a key")
	}
}

// Who writes what looks like a place for a key, or a link to an archive, gets none.
func TestNoTextOfAnItemIsTakenForALink(t *testing.T) {
	st := archiveStore(t)
	wire, err := st.Source(t.Context(), "wire")
	must(t, err)
	addItems(t, st, map[string]int64{"wire": wire.ID}, []sampleItem{{id: "fffffff0-0000-5000-8000-000000000000", source: "wire", entry: feed.Entry{
		Title: "?key=", URL: "https://evil.example/?key=", Published: noon,
		Summary: sampleBase + "/archive/3.atom?key=", Content: `<p><img src="https://evil.example/?key="> <a href="` + sampleBase + `/archive/3.atom">older</a></p>`,
	}}})
	srv := newServer(t, st, func(o *Options) { o.Private, o.Keys = true, keyring{st} })
	_, err = srv.opt.Keys.Make(t.Context(), "phone")
	must(t, err)
	for ext := range olderIn {
		if a := get(t, srv, "/feed."+ext+"?key=key-of-phone"); strings.Count(a.body, "key-of-phone") != 1 {
			t.Errorf("%s: the key is in it %d times, not in one link", ext, strings.Count(a.body, "key-of-phone"))
		}
	}
}
