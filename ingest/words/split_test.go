package words_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/ingest/words"
)

func TestWordsAsTheyAreCompared(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"Ukraine's troops don’t move", "ukraine troops don’t move"},
		{"1,200.50 mln and 5.0%", "1200.5 mln and 5"},
		{"the U.S. and the U.N.-led force.", "the us and the un led force"},
		{"15.000 und 1.234.567 und 25.402,16 und 3,5", "15000 und 1234567 und 25402.16 und 3.5"},
		{"0.125, 1234.567, 10,118.75, 1,200.500, 1,200", "0.125 1234.567 10118.75 1200.5 1200"},
		{"12.01.2026, 1,00,000, 192.168.1.10, 2.40, 7,5,3", "12.01.2026 100000 192.168.1.10 2.4 753"},
		{"F-16 jets, G7, 90th", "f 16 jets g7 90 th"},
		{"ﬁnance Ｎｅｗｓ", "finance news"},
		{"法国总统", "法 国 总 统"},
		{"İstanbul ŻÓŁĆ", "istanbul żółć"},
		{"", ""},
	} {
		var got []string
		for _, w := range words.Split(tt.text).Words {
			got = append(got, w.Text)
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%q: %s", tt.text, diff)
		}
	}
}

func TestCapitalsAndSentences(t *testing.T) {
	text := words.Split("Troops left. Mr. Smith of NATO saw 3 tanks! “Good,” he said.\nParis")
	flags := map[string]words.Flags{}
	for _, w := range text.Words {
		flags[w.Text] = w.Flags
	}
	want := map[string]words.Flags{
		"troops": words.Capital | words.First, "left": 0, "mr": words.Capital | words.First, "smith": words.Capital, "of": 0,
		"nato": words.Capital | words.Upper, "saw": 0, "3": words.Number, "tanks": 0,
		"good": words.Capital | words.First, "he": 0, "said": 0, "paris": words.Capital | words.First,
	}
	if diff := cmp.Diff(want, flags); diff != "" {
		t.Error(diff)
	}
	if got := text.Sentence(strings.Index(text.Source, "NATO"), 80); got != "Mr. Smith of NATO saw 3 tanks! “" && got != "Mr. Smith of NATO saw 3 tanks!" {
		t.Errorf("the sentence is %q", got)
	}
}

func TestStemsJoinPluralsOnly(t *testing.T) {
	for word, want := range map[string]string{"troops": "troop", "countries": "country", "forces": "force", "paris": "pari", "news": "new",
		"crisis": "crisi", "virus": "virus", "pass": "pass", "bus": "bus", "us": "us"} {
		if got := words.Stem(word); got != want {
			t.Errorf("Stem(%q) = %q, want %q", word, got, want)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("Mr. O'Neil's 1,200.50 \xff U.S.A. 法国 ﬁ İ")
	f.Fuzz(func(t *testing.T, text string) {
		got := words.Split(text)
		end := 0
		for _, w := range got.Words {
			if w.Start < end || w.End <= w.Start || w.End > len(got.Source) {
				t.Fatalf("word %q lies at %d-%d, after %d, of %d", w.Text, w.Start, w.End, end, len(got.Source))
			}
			end = w.End
			got.Sentence(w.Start, 20)
		}
	})
}

func BenchmarkSplit(b *testing.B) {
	text := strings.Repeat("French President Emmanuel Macron said on Tuesday that 26 countries would send troops. ", 20)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		words.Split(text)
	}
}

func TestTheTableKnowsWordsFromNames(t *testing.T) {
	the, troop, paris, unknown := words.Usage("the"), words.Usage("troop"), words.Usage(words.Stem("paris")), words.Usage("zxqvy")
	if the.Share < 0.8 || troop.Share > 0.1 || troop.Share <= unknown.Share || unknown.Share != words.Rare {
		t.Errorf("shares: the %v, troop %v, one unknown %v", the.Share, troop.Share, unknown.Share)
	}
	if troop.Lower < 0.9 || paris.Lower > 0.1 {
		t.Errorf("lower case: troop %v, Paris %v", troop.Lower, paris.Lower)
	}
}
