package dedupe

// index finds a shingle's first place in a text.
type index struct {
	shingles []uint64
	slots    []int32 // place+1; 0: free. A power of two long, half full at most
	distinct int
}

func newIndex(shingles []uint64) index {
	size := 8
	for size < 2*len(shingles) {
		size *= 2
	}
	x := index{shingles: shingles, slots: make([]int32, size)}
	for i, s := range shingles {
		if at := x.slot(s); x.slots[at] == 0 {
			x.slots[at] = int32(i + 1)
			x.distinct++
		}
	}
	return x
}

// slot is where the shingle is, or would be.
func (x index) slot(s uint64) int {
	mask := uint64(len(x.slots) - 1)
	at := s & mask
	for x.slots[at] != 0 && x.shingles[x.slots[at]-1] != s {
		at = (at + 1) & mask
	}
	return int(at)
}

// find gives the shingle's first place, or -1.
func (x index) find(s uint64) int { return int(x.slots[x.slot(s)]) - 1 }

// span is a run of a body's words: from is the first, to is after the last.
type span struct{ from, to int }

func (s span) has(i int) bool { return s.from <= i && i < s.to }

// likeness is how much two texts have in common. The spans are of words.
type likeness struct {
	shared, myCount, theirCount int  // distinct shingles
	myCore, theirCore           span // from the first shared word to the last
	run                         span // mine: the longest passage that both have, word for word
}

// jaccard is the share of all shingles that both have.
func (l likeness) jaccard() float64 {
	return float64(l.shared) / float64(max(l.myCount+l.theirCount-l.shared, 1))
}

// contained is the share of the lesser text's shingles that the other has.
func (l likeness) contained() float64 {
	return float64(l.shared) / float64(max(min(l.myCount, l.theirCount), 1))
}

func compare(mine, theirs index) likeness {
	l := likeness{myCount: mine.distinct, theirCount: theirs.distinct}
	var run span
	last := -2 // place in theirs of the shingle before
	for i, s := range mine.shingles {
		at := theirs.find(s)
		if at < 0 {
			last = -2
			continue
		}
		if mine.find(s) == i {
			l.shared++
		}
		if at != last+1 || last < 0 {
			run.from = i
		}
		run.to, last = i+shingleSize, at
		if run.to-run.from > l.run.to-l.run.from {
			l.run = run
		}
		l.myCore = widen(l.myCore, i)
		l.theirCore = widen(l.theirCore, at)
	}
	return l
}

func widen(s span, shingle int) span {
	if s.to == 0 {
		return span{shingle, shingle + shingleSize}
	}
	return span{min(s.from, shingle), max(s.to, shingle+shingleSize)}
}
