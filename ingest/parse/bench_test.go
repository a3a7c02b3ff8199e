package parse

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/mmcdole/gofeed"

	"tributary/feed"
)

// realFeeds are the captured feeds of the corpus.
func realFeeds(tb testing.TB) [][]byte {
	files, _ := filepath.Glob("../../../shared/corpora/feeds/real/*")
	if len(files) == 0 {
		tb.Skip("the corpus of feeds is not here")
	}
	var out [][]byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// BenchmarkReal reads all captured feeds with ours and with gofeed's universal
// parser. The goal is 0.95 of its time at most.
func BenchmarkReal(b *testing.B) {
	feeds := realFeeds(b)
	size := 0
	for _, f := range feeds {
		size += len(f)
	}
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			for _, f := range feeds {
				_, _ = Parse(feed.Document{Body: f}, Limits{})
			}
		}
	})
	b.Run("scan", func(b *testing.B) {
		b.SetBytes(int64(size))
		for b.Loop() {
			for _, f := range feeds {
				s := newScan(f, feed.Document{}, Limits{}.withDefaults(), "")
				_ = s.run()
				s.release()
			}
		}
	})
	b.Run("gofeed", func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			for _, f := range feeds {
				_, _ = gofeed.NewParser().Parse(bytes.NewReader(f))
			}
		}
	})
}
