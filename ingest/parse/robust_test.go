package parse

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
)

// foreign gives the corpus' documents: every one if TRIBUTARY_FULL is set,
// else a part of them that a test run has time for.
func foreign(t *testing.T, every int) []string {
	t.Helper()
	if os.Getenv("TRIBUTARY_FULL") != "" {
		every = 1
	}
	var files []string
	n := 0
	_ = filepath.WalkDir("../../../shared/corpora/feeds", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && filepath.Ext(path) != ".jsonl" {
			if n++; n%every == 0 {
				files = append(files, path)
			}
		}
		return nil
	})
	if len(files) == 0 {
		t.Skip("the corpus of feeds is not here")
	}
	return files
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// survive parses a document; a panic inside is an error of ours.
func survive(t *testing.T, file string, body []byte) {
	t.Helper()
	_, err := Parse(feed.Document{URL: "https://example.org/feed", Body: body}, Limits{})
	if feed.CodeOf(err) == feed.CodeInternal {
		t.Errorf("%s (%d bytes): %v", file, len(body), err)
	}
}

func TestBrokenForeignDocumentsDoNoHarm(t *testing.T) {
	for i, file := range foreign(t, 61) {
		body := read(t, file)
		survive(t, file, body)
		for n := range 16 {
			survive(t, file, body[:len(body)*n/16])
		}
		random := rand.New(rand.NewPCG(uint64(i), 16))
		for range min(16, len(body)) {
			at := random.IntN(len(body))
			was := body[at]
			body[at] ^= byte(1 + random.IntN(255))
			survive(t, file, body)
			body[at] = was
		}
	}
}

// TestTruncatedForeignDocumentsGiveTheSameEntries cuts real feeds: what is
// read of the part is what is read of the whole.
func TestTruncatedForeignDocumentsGiveTheSameEntries(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/corpora/feeds/real/*")
	if len(files) == 0 {
		t.Skip("the corpus of feeds is not here")
	}
	for i, file := range files {
		body := read(t, file)
		if os.Getenv("TRIBUTARY_FULL") == "" && (i%4 != 0 || len(body) > 300_000) {
			continue
		}
		whole, err := Parse(feed.Document{Body: body}, Limits{})
		if err != nil {
			continue
		}
		for n := 3; n < 16; n += 3 {
			part := body[:len(body)*n/16]
			f, err := Parse(feed.Document{Body: part}, Limits{})
			if err != nil || !f.Truncated || len(f.Entries) > len(whole.Entries) {
				t.Errorf("%s, %d/16: %d entries, truncated %v, %v", file, n, len(f.Entries), f.Truncated, err)
				continue
			}
			ends := bytes.Count(part, []byte("</item>")) + bytes.Count(part, []byte("</entry>"))
			if ends > 0 && len(f.Entries) != ends && ends <= len(whole.Entries) {
				t.Errorf("%s, %d/16: %d entries, want %d", file, n, len(f.Entries), ends)
			}
			if d := cmp.Diff(whole.Entries[:len(f.Entries)], f.Entries); d != "" {
				t.Errorf("%s, %d/16: %s", file, n, d)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/feeds/*.xml")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, "")
	}
	f.Add([]byte(jsonHead+`{"id":1,"tags":"a"}]}`), "application/feed+json")
	f.Add([]byte("<rss><channel><item><title><![CDATA[x</title><b a='>"), "text/xml; charset=koi8-r")
	f.Add([]byte("<!DOCTYPE rss [<!ENTITY a 'b'>]><rss><item><description><p>&a;</P></description>"), "")
	f.Fuzz(func(t *testing.T, body []byte, mediaType string) {
		doc := feed.Document{URL: "https://example.org/feed", Body: body, MediaType: mediaType}
		lim := Limits{MaxBytes: 1 << 20, MaxEntries: 5, MaxDepth: 30, MaxContent: 100}
		got, err := Parse(doc, lim)
		if feed.CodeOf(err) == feed.CodeInternal {
			t.Fatal(err)
		}
		if len(got.Entries) > lim.MaxEntries || err != nil && len(got.Entries) > 0 {
			t.Errorf("%d entries, %v", len(got.Entries), err)
		}
		for _, e := range got.Entries {
			if len(e.Content.Value) > lim.MaxContent || len(e.Summary.Value) > lim.MaxContent {
				t.Errorf("content of %d bytes, summary of %d", len(e.Content.Value), len(e.Summary.Value))
			}
		}
		again, err2 := Parse(doc, lim)
		if d := cmp.Diff(got, again); d != "" || (err == nil) != (err2 == nil) {
			t.Error("another time it is read otherwise:", d)
		}
	})
}

func FuzzCharset(f *testing.F) {
	for _, s := range []string{"\xEF\xBB\xBF<a/>", "\xFF\xFE<\x00", "<\x00\x00\x00", "\x1B$B0&\x1B(B", "<?xml encoding='hz'?>~{", "\x82\xA0\xE9", "\xC3\x28é\xFF", "\xEF\xBF\xBE"} {
		f.Add([]byte(s), "text/xml; charset=shift_jis")
	}
	f.Fuzz(func(t *testing.T, body []byte, mediaType string) {
		out := decode(body, mediaType)
		if hasControls(out) {
			t.Errorf("%q has controls", out)
		}
		if !bytes.Equal(out, bytes.ToValidUTF8(out, nil)) {
			t.Errorf("%q is no UTF-8", out)
		}
	})
}
