package story

// Two events are taken for one as long as their items are, on the mean, as alike
// between the two as this part of how alike they are within each, and as alike as this at
// least; more is asked where the titles name other people and places, since two events of one
// kind share the words of that kind. How alike they are within an event of few items is not known: it
// is reckoned as if some more pairs were as alike as usual.
const (
	betweenPart   = 0.7
	betweenLeast  = 0.2
	namelessLeast = 0.5
	usualLike     = 0.22
	usualPairs    = 5
	never         = -1e6 // how alike two items are for this that cannot be of one event
)

// clusters are events in the making: all sums are over pairs of items.
type clusters struct {
	between [maxNear + 1][maxNear + 1]float32 // and inside each, on the diagonal
	within  [maxNear + 1]float32              // how alike each one's items are
	size    [maxNear + 1]float32              // 0: it went into another
	items   [maxNear + 1]uint32               // its items, a bit each
	named   [maxNear + 1]uint32               // the items that share a title's name with one of its own
	best    [maxNear + 1]int                  // which other it would be joined with, or -1
	n       int
}

// sort puts the items that tell of the same event together: average linkage,
// the most alike first.
func (c *comparison) sort() {
	cl := &clusters{between: c.like, named: c.named, n: len(c.near)}
	for i := range cl.n {
		c.event[i] = uint8(i)
		cl.size[i] = 1
		cl.items[i] = 1 << i
		for j := range cl.n {
			if c.apart[i]&(1<<j) != 0 {
				cl.between[i][j] = never
			}
		}
		cl.measure(i)
	}
	for i := range cl.n {
		cl.look(i)
	}
	for {
		i, j := cl.nearest()
		if i < 0 {
			return
		}
		cl.join(i, j)
		for k := range cl.n {
			if c.event[k] == uint8(j) {
				c.event[k] = uint8(i)
			}
		}
	}
}

// measure notes how alike a cluster's items are.
func (cl *clusters) measure(i int) {
	pairs := cl.size[i] * (cl.size[i] - 1) / 2
	cl.within[i] = (cl.between[i][i] + usualPairs*usualLike) / (pairs + usualPairs)
}

// mean is how alike the items of two clusters are, or 0 if that is not enough for one event.
func (cl *clusters) mean(i, j int) float32 {
	m := cl.between[i][j] / (cl.size[i] * cl.size[j])
	if m < betweenLeast || m < betweenPart/2*(cl.within[i]+cl.within[j]) || m < namelessLeast && cl.named[i]&cl.items[j] == 0 {
		return 0
	}
	return m
}

// look finds the cluster to join i with.
func (cl *clusters) look(i int) {
	cl.best[i] = -1
	most := float32(0)
	for j := range cl.n {
		if j == i || cl.size[j] == 0 {
			continue
		}
		if m := cl.mean(i, j); m > most {
			cl.best[i], most = j, m
		}
	}
}

// nearest are the two clusters to join next, the lower first, or -1.
func (cl *clusters) nearest() (int, int) {
	at, most := -1, float32(0)
	for i := range cl.n {
		if cl.size[i] == 0 || cl.best[i] < 0 {
			continue
		}
		if m := cl.mean(i, cl.best[i]); m > most {
			at, most = i, m
		}
	}
	if at < 0 {
		return -1, -1
	}
	return min(at, cl.best[at]), max(at, cl.best[at])
}

// join puts j into i.
func (cl *clusters) join(i, j int) {
	cl.between[i][i] += cl.between[j][j] + cl.between[i][j]
	for k := range cl.n {
		if k != i && k != j {
			cl.between[i][k] += cl.between[j][k]
			cl.between[k][i] = cl.between[i][k]
		}
	}
	cl.size[i] += cl.size[j]
	cl.size[j] = 0
	cl.items[i] |= cl.items[j]
	cl.named[i] |= cl.named[j]
	cl.measure(i)
	for k := range cl.n {
		if cl.size[k] > 0 && (k == i || cl.best[k] == i || cl.best[k] == j) {
			cl.look(k)
		} else if cl.size[k] > 0 && cl.mean(k, i) > 0 && (cl.best[k] < 0 || cl.mean(k, i) > cl.mean(k, cl.best[k])) {
			cl.best[k] = i
		}
	}
}
