package topic

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// Background is how many entries of late have each term: what is common in the
// news that come in says nothing of a topic.
type Background struct {
	Entries int            `json:"entries"`
	Counts  map[string]int `json:"counts"` // of the commonest terms
	Actors  actors         `json:"actors"`
	Named   map[string]int `json:"named"`
	Norm    float64        `json:"norm,omitempty"` // of the median entry's vector
	general map[string]float64
}

const (
	// generalWeight is how many entries the shipped table of general English
	// counts as.
	generalWeight = 1000
	largest       = 20000 // terms of a background
	// pivot is the part of the median norm in what vectors are divided by: a text
	// of few words that has two of the topic's is less sure of it than a longer
	// one whose words are as much the topic's (pivoted length normalisation).
	pivot = 0.1
)

// Count counts the terms of entries.
func Count(recent []Document, of actors) Background {
	counts := map[string]int{}
	named := map[string]int{}
	for _, d := range recent {
		seen := map[string]bool{}
		for _, t := range d.Terms {
			counts[t.Key]++
			if a := of[t.Key]; a != "" && !seen[a] {
				seen[a] = true
				named[a]++
			}
		}
	}
	if len(counts) > largest {
		keys := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
			return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
		})
		for _, k := range keys[largest:] {
			delete(counts, k)
		}
	}
	b := Background{Entries: len(recent), Counts: counts, Actors: of, Named: named}
	b.compile()
	return b
}

// compile adds up how much of general English has each actor.
func (b *Background) compile() {
	b.general = map[string]float64{}
	for _, name := range slices.Sorted(maps.Keys(b.Actors)) {
		b.general[b.Actors[name]] += share(name)
	}
}

// rarity is the inverse document frequency of a term: the logarithm of how many
// entries there are for each that has it.
func (b Background) rarity(term string) float64 {
	n := float64(b.Entries) + generalWeight
	if a := b.Actors[term]; a != "" {
		// An actor who is common in either is no topic's own.
		return -math.Log(max(b.general[a], (float64(b.Named[a])+generalWeight*b.general[a])/n))
	}
	has := float64(b.Counts[term]) + generalWeight*share(term)
	return math.Log(n / has)
}

// pivoted is what a vector of a norm is divided by.
func (b Background) pivoted(norm float64) float64 {
	if b.Norm == 0 {
		return norm
	}
	return pivot*b.Norm + (1-pivot)*norm
}

// terms are the terms of a bag; capitals and people count for their nation as well.
func (b Background) terms(bag Bag) []Term {
	out := bag.Terms
	for _, t := range bag.Terms {
		nation := b.Actors[t.Key]
		if nation == "" || nation == t.Key {
			continue
		}
		if &out[0] == &bag.Terms[0] {
			out = append(make([]Term, 0, len(out)+4), out...)
		}
		i := slices.IndexFunc(out, func(o Term) bool { return o.Key == nation })
		if i < 0 {
			i = len(out)
			out = append(out, Term{Key: nation, Shown: t.Shown})
		}
		out[i].Count += t.Count
	}
	return out
}
