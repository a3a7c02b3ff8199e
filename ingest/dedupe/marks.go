package dedupe

import (
	"math"
	"slices"
	"time"

	"tributary/feed"
	"tributary/ingest/words"
)

// Two entries are compared if they share a mark and their times lie at most
// Window apart.
const Window = 14 * 24 * time.Hour

// Marks of an entry, ten at most:
//
//   - seven bands of two minima each (MinHash, Broder 1997): a band is shared
//     with the probability J², where J is the Jaccard similarity of the two
//     texts' shingles, and one band of seven with 1-(1-J²)⁷;
//   - two minima of the lead, the first 32 words alone: a summary of 40 words is
//     less than a tenth of its full text, so that no band would tell, but it has the lead
//     with it. After a dateline of five words two leads still agree to 0.7, and
//     share a minimum of two with 0.91;
//   - the words of the title, whatever their order: short texts and summaries
//     that begin elsewhere.
//
// What is found, if nothing but the bands did it:
//
//	J              0.10  0.30  0.50  0.60  0.70  0.80  0.90
//	7 bands of 2   0.07  0.48  0.87  0.96  0.99  1.00  1.00
//	5 bands of 2   0.05  0.38  0.76  0.89  0.97  0.99  1.00
//	5 bands of 3   0.00  0.13  0.49  0.70  0.88  0.97  1.00
//
// Copies share their lead nearly always, so that the true figure at 0.6 is
// above 0.99. Bands of one minimum would find containment too, but also
// every text that has a turn of phrase in common.
const (
	bands     = 7
	leads     = 2
	leadWords = 32
	mostMarks = bands + leads + 1

	// Days a bucket of marks spans. The window of 28 days reaches two buckets
	// at most; with 16 days it would be three, each a look-up.
	bucketDays = 32
	windowDays = int(Window / (24 * time.Hour))
	lastDay    = 1<<(63-feed.MarkBits) - 1
)

// Marks gives the keys under which a text of that time is to be found, and
// those to look up for it: the same in each bucket that its window reaches.
// The layout is that of [feed.Mark]. A text without words has none.
func (t Text) Marks(when time.Time) (own, look []int64) {
	sums := make([]uint64, 0, mostMarks)
	if len(t.shingles) > 0 {
		sums = appendBands(sums, t.shingles)
		sums = appendLeads(sums, t.shingles[:min(len(t.shingles), leadWords-shingleSize+1)])
	}
	if sum, ok := titleSum(t.title); ok {
		sums = append(sums, sum)
	}
	slices.Sort(sums)
	sums = slices.Compact(sums)
	day := dayOf(when)
	first, last := bucketOf(day-windowDays), bucketOf(day+windowDays)
	own, look = make([]int64, 0, len(sums)), make([]int64, 0, 2*len(sums))
	for bucket := first; bucket <= last; bucket += bucketDays {
		for _, sum := range sums {
			look = append(look, keyOf(bucket, sum))
		}
	}
	for _, sum := range sums {
		own = append(own, keyOf(bucketOf(day), sum))
	}
	return own, look
}

// dayOf is the day since 1970, as far as a key has room for it.
func dayOf(when time.Time) int {
	return min(max(int(math.Floor(float64(when.Unix())/86400)), 0), lastDay)
}

// bucketOf is the first day of the bucket in which a day lies.
func bucketOf(day int) int {
	day = min(max(day, 0), lastDay)
	return day - day%bucketDays
}

func keyOf(bucket int, sum uint64) int64 {
	return int64(bucket)<<feed.MarkBits | int64(sum>>(64-feed.MarkBits))
}

// Factors of the hash functions, odd: the digits of pi, two for each band,
// then one for each lead.
var factors = [2*bands + leads]uint64{
	0x243f6a8885a308d3, 0x13198a2e03707345, 0xa4093822299f31d1, 0x082efa98ec4e6c89,
	0x452821e638d01377, 0xbe5466cf34e90c6d, 0xc0ac29b7c97c50dd, 0x3f84d5b5b5470917,
	0x9216d5d98979fb1b, 0xd1310ba698dfb5ad, 0x2ffd72dbd01adfb7, 0xb8e1afed6a267e97,
	0xba7c9045f12c7f99, 0x24a19947b3916cf7, 0x0801f2e2858efc17, 0x636920d871574e69,
}

// appendBands appends a sum for each pair of minima.
func appendBands(sums, shingles []uint64) []uint64 {
	var least [2 * bands]uint64
	for i := range least {
		least[i] = math.MaxUint64
	}
	for _, s := range shingles {
		for i := range least {
			// The shingle is mixed already; a product by an odd number is a
			// permutation, and its high bits, which decide, hang on all of it.
			least[i] = min(least[i], (s^s>>31)*factors[i])
		}
	}
	for b := range bands {
		sums = append(sums, mix(least[2*b]+mix(least[2*b+1]+uint64(b))))
	}
	return sums
}

func appendLeads(sums, shingles []uint64) []uint64 {
	for i, f := range factors[2*bands:] {
		least := uint64(math.MaxUint64)
		for _, s := range shingles {
			least = min(least, s*f)
		}
		sums = append(sums, mix(least+uint64(bands+i)))
	}
	return sums
}

// titleSum adds up a title's words, without the name of the site that many
// titles end with. Titles of two words ("Morning briefing") name nothing.
func titleSum(title words.Text) (uint64, bool) {
	var sum uint64
	said := headline(title)
	for _, w := range said {
		sum += mix(hashWord(w.Text) + mostMarks)
	}
	return mix(sum), len(said) >= 3
}
