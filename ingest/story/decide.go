package story

import (
	"cmp"
	"slices"

	"tributary/feed"
)

// Item is an item to be compared, with its terms decoded. Of the sketch, EntryID,
// StoryRow, SourceID, When and Language are used.
type Item struct {
	feed.Sketch
	Terms Terms
}

// Verdict is which story an item belongs to.
type Verdict struct {
	Story      int64   // its row; 0: a story of its own
	Bring      []int64 // the EntryIDs of those candidates that belong into the same story and are in others
	Similarity float64 // with the story's items, or with the nearest candidate, 0 to 1
	Rule       string  // one of the rules
	Reason     string  // a sentence
}

// The rules.
const (
	RuleJoins = "same event"  // it joins a story
	RuleParts = "other event" // it parts a story in two: its own story takes items out of it
	RuleAlone = "own story"
)

const (
	maxCandidates = 64 // how many are looked at
	maxNear       = 24 // how many of these are compared with each other
)

// Decide tells which of the candidates' stories the item belongs to. It looks at no
// more than 64 candidates.
//
// It does not ask to which story the item is most like, but sorts the item and the
// candidates nearest to it into events anew ([cluster]): what looks like one event by
// its first report may be two, as soon as each has a second.
func Decide(item Item, candidates []Item) Verdict {
	if item.Terms.little {
		return Verdict{Rule: RuleAlone, Reason: "It says too little to be compared with other items."}
	}
	near, most := nearest(item, candidates)
	c := comparison{near: near}
	if most < betweenLeast { // no mean of likenesses can be more
		c.like[0][min(1, len(near)-1)] = most
		return c.alone()
	}
	c.compare()
	c.sort()
	return c.verdict()
}

// comparison is an item with the candidates nearest to it.
type comparison struct {
	near  []*Item // the item first
	age   [maxNear + 1]float32
	like  [maxNear + 1][maxNear + 1]float32
	apart [maxNear + 1]uint32 // the items that cannot be of the same event, a bit each
	named [maxNear + 1]uint32 // the items that have a name of its title, or whose title's it has
	event [maxNear + 1]uint8  // the event of each
}

// nearest are the item and those of the candidates that are most like it, nearest first.
func nearest(item Item, candidates []Item) (near []*Item, most float32) {
	type scored struct {
		item *Item
		like float32
	}
	candidates = candidates[:min(len(candidates), maxCandidates)]
	var ix index
	ix.add(&item.Terms)
	list := make([]scored, 0, len(candidates))
	for i := range candidates {
		x := &candidates[i]
		if x.EntryID == item.EntryID || x.Terms.little {
			continue
		}
		p := ix.product(&x.Terms)
		if l := likeness(&item, x, &p); l > 0 {
			a := age(x, item.When)
			list = append(list, scored{x, l * min(a, 1/a)})
		}
	}
	slices.SortStableFunc(list, func(a, b scored) int { return cmp.Compare(b.like, a.like) })
	near = make([]*Item, 1, maxNear+1)
	near[0] = &item
	for _, s := range list[:min(len(list), maxNear)] {
		near = append(near, s.item)
	}
	if len(list) > 0 {
		most = list[0].like
	}
	return near, most
}

// index finds an item's terms by hash.
type index struct {
	slot [256]uint8 // place in the list plus one
	of   *Terms
}

func (ix *index) add(t *Terms) {
	ix.of = t
	for i, x := range t.list {
		h := uint8(x.hash)
		for ix.slot[h] != 0 {
			h++
		}
		ix.slot[h] = uint8(i + 1)
	}
}

// product with another item's terms. A term counts as what the other has it for.
func (ix *index) product(t *Terms) (p product) {
	for i := range t.list {
		x := &t.list[i]
		for h := uint8(x.hash); ix.slot[h] != 0; h++ {
			if y := &ix.of.list[ix.slot[h]-1]; y.hash == x.hash {
				p[x.kind&y.kind] += x.weight * y.weight
				break
			}
		}
	}
	return p
}
