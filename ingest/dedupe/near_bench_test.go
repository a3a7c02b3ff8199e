package dedupe_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest/dedupe"
	"tributary/ingest/words"
)

// prose makes a text of so many words, different for each seed.
func prose(seed uint64, n int) string {
	r := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	for i := range n {
		if i%17 == 0 {
			b.WriteString("Then ")
		}
		for range 1 + r.IntN(4) {
			b.WriteString([]string{"ka", "lo", "mi", "ru", "te", "sa", "no", "vi"}[r.IntN(8)])
		}
		b.WriteString(strings.Repeat(".", (i%17)/16) + " ")
		if i%40 == 0 {
			b.WriteString("1,250 ")
		}
	}
	return b.String()
}

func BenchmarkReadAndMarks(b *testing.B) {
	title, body := words.Split("Ministers agree on a plan for the northern railway"), words.Split(prose(1, 400))
	when := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		dedupe.Read(title, body).Marks(when)
	}
}

func BenchmarkNearOneCandidate(b *testing.B) {
	title := words.Split("Ministers agree on a plan for the northern railway")
	when := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	text := prose(1, 400)
	e := feed.Entry{SourceID: 2, Published: when}
	known := dedupe.Candidate{Candidate: feed.Candidate{Known: feed.Known{SourceID: 1, ItemID: 1}, Entry: feed.Entry{SourceID: 1, Published: when}}}
	for name, other := range map[string]string{"copy": "LONDON (Agency) - " + text[:len(text)*9/10], "other": prose(2, 400)} {
		b.Run(name, func(b *testing.B) {
			mine := dedupe.Read(title, words.Split(text))
			known.Text = dedupe.Read(title, words.Split(other))
			b.ReportAllocs()
			for b.Loop() {
				dedupe.Near(e, mine, []dedupe.Candidate{known})
			}
		})
	}
}
