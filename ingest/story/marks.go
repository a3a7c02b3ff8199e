package story

import (
	"cmp"
	"slices"
	"time"

	"tributary/feed"
)

// bucketDays is how many days lie in one bucket of marks. Since an item looks into the
// bucket before its own and the one after as well, it finds whatever is at most so far from it.
const bucketDays = 5

// Each of the strongest terms is a mark by itself, and so are pairs of the
// strongest. Single ones find more; they serve as long as the store is small, or
// the term is one that few items of these days have. Pairs still serve where a
// subject's names are in everything.
const (
	singleMarks = 6
	pairMarks   = 6
	pairedTerms = 6
)

// Marks gives the keys under which the item, of the time when, is found later (own, at
// most 12), and those under which it finds others (look, three times as many). One that says
// too little to be compared has none.
func (t Terms) Marks(when time.Time) (own, look []int64) {
	type two struct {
		hash   int64
		weight float32
	}
	if t.little {
		return nil, nil
	}
	strong := t.strongest(max(singleMarks, pairedTerms))
	twos := make([]two, 0, pairedTerms*(pairedTerms-1)/2)
	for i, a := range strong[:min(len(strong), pairedTerms)] {
		for _, b := range strong[:i] {
			twos = append(twos, two{markHash(a.hash, b.hash), a.weight * b.weight})
		}
	}
	slices.SortFunc(twos, func(a, b two) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.hash, b.hash))
	})
	twos = twos[:min(len(twos), pairMarks)]
	for _, x := range strong[:min(len(strong), singleMarks)] {
		twos = append(twos, two{hash: markHash(x.hash, 0)})
	}
	bucket := bucketOf(when)
	for _, x := range twos {
		own = append(own, bucket<<feed.MarkBits|x.hash)
		for _, days := range [...]int64{-bucketDays, 0, bucketDays} {
			look = append(look, max(0, bucket+days)<<feed.MarkBits|x.hash)
		}
	}
	return own, look
}

// bucketOf is the first day of a time's bucket, in days since 1970.
func bucketOf(when time.Time) int64 {
	day := max(0, when.Unix()/(24*60*60))
	return day - day%bucketDays
}

// strongest are the n strongest terms but for pairs of names.
func (t Terms) strongest(n int) []term {
	list := slices.DeleteFunc(slices.Clone(t.list), func(x term) bool { return x.kind == pair })
	slices.SortFunc(list, func(a, b term) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.hash, b.hash))
	})
	return list[:min(n, len(list))]
}

// markHash mixes two terms, whichever comes first.
func markHash(a, b uint32) int64 {
	h := uint64(min(a, b))<<32 | uint64(max(a, b))
	h = (h ^ h>>31) * 0x9E3779B97F4A7C15
	h = (h ^ h>>29) * 0xD6E8FEB86659FD93
	return int64((h ^ h>>32) & (1<<feed.MarkBits - 1))
}
