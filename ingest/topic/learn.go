package topic

import (
	"cmp"
	"math"
	"slices"
)

// Material is what a profile is learned from.
type Material struct {
	Seeds    []Document
	Accepted []Document // entries that a person let in
	Rejected []Document // entries that a person kept out
	// Recent is what came in of late, whatever was decided about it; 3,000
	// entries are enough.
	Recent []Document
}

// How a profile is learned. See the package's documentation for what each is worth.
const (
	agreement  = 1.5  // power of the share of seeds that have a term: two that agree say more than one
	nameWeight = 3    // more of a name that every sentence of every seed has than of a word
	hub        = 10   // none of that for a name that one entry in ten has: it is no topic's own
	nearest    = 0.02 // of the recent entries, at most, are taken for on topic at first
	fewest     = 8    // or so many, of few
	enough     = 0.4  // of the way to the seeds, at least, these have come
	sure       = 0.7  // in the second round, one that has come so far is on topic as likely as not
	steep      = 12   // how fast that likelihood grows with the way
	usual      = 0.03 // of the news are on a topic
	usualPart  = 0.4  // of the way to where so many would be let in, the threshold is moved
	lowered    = 0.1  // of the way to the seeds that is at most, downwards
	strongest  = 1500 // terms of a profile
	heldOut    = 5    // parts in which seeds are left out, one after the other
)

// Learn learns a profile: seeds say where to look, the recent entries what
// tells the topic from the rest of the news.
//
//  1. The seeds' centre: what seeds have in common, by rarity. Names weigh more.
//  2. The recent entries nearest to it are taken for on topic, each by as much
//     as it is near, the others for off topic, and logistic regression, held
//     near to the centre, learns which terms make the difference
//     (pseudo-relevance feedback).
//  3. The scale: seeds are left out one after the other and scored, in pieces as
//     long as the news are, by what the rest taught. Half way between the middle
//     of the news and them is the threshold.
//  4. Steps 2 and 3 once more, with what came nearest to the seeds by then.
//  5. The threshold is raised where it would let in far more of the news than
//     topics usually have, or more than are as near as the seeds; where it would
//     let in fewer, it is lowered a little.
func Learn(from Material) Profile {
	l := newLearner(from)
	if len(l.seeds) == 0 {
		return Profile{Background: l.background}
	}
	m := l.round(l.nearest())
	m = l.round(l.above(m, len(l.recent)/2, sure))
	l.settle(&m)
	return l.profile(m)
}

// round learns a model from labels, and its scale.
func (l *learner) round(labels []float64) model {
	m := l.fit(-1, labels)
	l.scale(&m, func(part int) model { return l.fit(part, labels) })
	return m
}

// feature is a term's weight in a text's vector.
type feature struct {
	term   int32
	weight float64
}

// model is a linear classifier: score = weights·x + bias.
type model struct {
	weights []float64
	bias    float64
	middle  float64 // score of the median recent entry
	seeds   float64 // mean score of seeds that the model did not know
}

func (m model) score(x []feature) float64 {
	s := m.bias
	for _, f := range x {
		s += m.weights[f.term] * f.weight
	}
	return s
}

// value is where a score lies between the middle of the news, 0, and the seeds, 1.
func (m model) value(score float64) float64 {
	return (score - m.middle) / max(m.seeds-m.middle, 1e-9)
}

type learner struct {
	background Background
	ids        map[string]int32
	keys       []string
	rarity     []float64
	docs       []Document // the seeds
	seeds      [][]feature
	passages   [][][]feature // of each seed
	accepted   [][]feature
	rejected   [][]feature
	recent     [][]feature
	names      []bool
	dominance  []float64 // of a name: the part of its sentences that the seed has it in that has it least
	presence   []float64 // of a name: the same, of all seeds the mean
}

func newLearner(m Material) *learner {
	l := &learner{background: Count(m.Recent, findActors(m.Seeds, m.Recent)), ids: map[string]int32{}, docs: m.Seeds}
	known := map[string]bool{}
	for _, docs := range [][]Document{m.Seeds, m.Accepted, m.Rejected} {
		for _, d := range docs {
			known[d.ID] = true
		}
	}
	var lengths []int
	var norms []float64
	for _, d := range m.Recent {
		lengths = append(lengths, len(d.Terms))
		if d.ID == "" || !known[d.ID] {
			x := l.weigh(d.Bag)
			l.recent = append(l.recent, x)
			norms = append(norms, norm(x))
		}
	}
	if len(norms) > 0 {
		l.background.Norm = round(quantile(norms, 0.5))
	}
	for i, x := range l.recent {
		shorten(x, l.background.pivoted(norms[i]))
	}
	length := 0
	if len(lengths) > 0 {
		slices.Sort(lengths)
		length = 2 * lengths[len(lengths)/2] // every other word is a term, roughly
	}
	for _, d := range m.Seeds {
		x := l.weigh(d.Bag)
		shorten(x, norm(x)) // however long, a seed counts as much as another
		l.seeds = append(l.seeds, x)
		var parts [][]feature
		for _, p := range d.passages(max(length, 30)) {
			parts = append(parts, l.vector(p))
		}
		l.passages = append(l.passages, parts)
	}
	for _, d := range m.Accepted {
		l.accepted = append(l.accepted, l.vector(d.Bag))
	}
	for _, d := range m.Rejected {
		l.rejected = append(l.rejected, l.vector(d.Bag))
	}
	l.names = l.findNames()
	l.findDominance()
	return l
}

// vector is a text's vector: as it is weighed, of length 1 or nearly.
func (l *learner) vector(b Bag) []feature {
	x := l.weigh(b)
	shorten(x, l.background.pivoted(norm(x)))
	return x
}

// weigh gives a text's terms: logarithms of counts, times rarity.
func (l *learner) weigh(b Bag) []feature {
	x := make([]feature, 0, len(b.Terms))
	for _, t := range l.background.terms(b) {
		id, ok := l.ids[t.Key]
		if !ok {
			id = int32(len(l.keys))
			l.ids[t.Key] = id
			l.keys = append(l.keys, t.Key)
			l.rarity = append(l.rarity, l.background.rarity(t.Key))
		}
		x = append(x, feature{id, t.weight() * l.rarity[id]})
	}
	return x
}

func norm(x []feature) float64 {
	sum := 0.0
	for _, f := range x {
		sum += f.weight * f.weight
	}
	return math.Sqrt(sum)
}

// shorten divides a vector, unless it has nothing.
func shorten(x []feature, by float64) {
	if by > 0 {
		for i := range x {
			x[i].weight /= by
		}
	}
}

// findNames tells which terms are names: those that the seeds write with a
// capital letter within sentences.
func (l *learner) findNames() []bool {
	names := make([]float64, len(l.keys))
	plain := make([]float64, len(l.keys))
	for _, d := range l.docs {
		for _, t := range l.background.terms(d.Bag) {
			id := l.ids[t.Key]
			names[id] += t.Names
			plain[id] += t.Plain
		}
	}
	out := make([]bool, len(l.keys))
	for id := range out {
		out[id] = isName(l.keys[id], names[id], plain[id])
	}
	return out
}

// findDominance finds in which part of its sentences each seed has a name: the
// least, and the mean.
func (l *learner) findDominance() {
	l.dominance = make([]float64, len(l.keys))
	l.presence = make([]float64, len(l.keys))
	for i, d := range l.docs {
		has := make([]float64, len(l.keys))
		parts := d.sentences()
		for _, b := range parts {
			for _, t := range l.background.terms(b) {
				if id, ok := l.ids[t.Key]; ok && l.names[id] {
					has[id] += 1 / float64(len(parts))
				}
			}
		}
		for t := range has {
			if i == 0 {
				l.dominance[t] = has[t]
			}
			l.dominance[t] = min(l.dominance[t], has[t])
			l.presence[t] += has[t] / float64(len(l.docs))
		}
	}
}

// centre is what the seeds, but for those of one part, have in common: the mean
// of their vectors, each term times a power of the share of seeds that have it.
func (l *learner) centre(without int) []float64 {
	w := make([]float64, len(l.keys))
	has := make([]float64, len(l.keys))
	n := 0.0
	for i, x := range l.seeds {
		if l.part(i) == without {
			continue
		}
		n++
		for _, f := range x {
			w[f.term] += f.weight
			has[f.term]++
		}
	}
	sum := 0.0
	for t := range w {
		if w[t] == 0 {
			continue
		}
		w[t] *= math.Pow(has[t]/n, agreement)
		w[t] *= 1 + nameWeight*l.dominance[t]*max(0, 1-hub*math.Exp(-l.rarity[t]))
		sum += w[t] * w[t]
	}
	if sum == 0 {
		return w // seeds without a word
	}
	for t := range w {
		w[t] /= math.Sqrt(sum)
	}
	return w
}

// part is the part of the seeds that one belongs to when they are left out.
func (l *learner) part(seed int) int { return seed % heldOut }

// nearest labels the recent entries that are nearest to the seeds' centre, if
// they are as near as the seeds are to each other, or nearly.
func (l *learner) nearest() []float64 {
	m := model{weights: l.centre(-1)}
	l.scale(&m, func(part int) model { return model{weights: l.centre(part)} })
	return l.above(m, max(fewest, int(nearest*float64(len(l.recent)))), enough)
}

// above labels the most recent entries, at most, by how far their values are
// above the middle or below it: 0.5 there, and soon 1 or 0.
func (l *learner) above(m model, most int, middle float64) []float64 {
	scores := l.scores(m)
	for i, s := range scores {
		scores[i] = m.value(s)
	}
	return top(scores, most, middle)
}

// top labels the n highest scores.
func top(scores []float64, n int, middle float64) []float64 {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	out := make([]float64, len(scores))
	for _, i := range order[:min(n, len(order))] {
		out[i] = 1 / (1 + math.Exp(-steep*(scores[i]-middle)))
	}
	return out
}

// scale finds the middle of the news, and what seeds score by models that did
// not know them: each is above the middle of its own by so much.
func (l *learner) scale(m *model, without func(part int) model) {
	m.middle = l.median(*m)
	sum, n := 0.0, 0.0
	for part := range min(heldOut, len(l.seeds)) {
		other := *m
		if len(l.seeds) > 1 {
			other = without(part)
			other.middle = l.median(other)
		}
		for i, passages := range l.passages {
			if l.part(i) != part {
				continue
			}
			for _, x := range passages {
				sum += (other.score(x) - other.middle) / float64(len(passages))
			}
			n++
		}
	}
	m.seeds = m.middle + max(sum/n, l.ownLift(*m)/4) // seeds that have nothing in common still are on the topic
}

// ownLift is by how much seeds that a model knows are above the middle.
func (l *learner) ownLift(m model) float64 {
	sum := 0.0
	for _, x := range l.seeds {
		sum += m.score(x) - m.middle
	}
	return sum / float64(len(l.seeds))
}

// settle raises the scale where the threshold would let in more of the news than
// topics usually have, and more than are as near as the seeds: of a topic that
// fills the news, many are. Where it would let in fewer, it is lowered, but only a
// little: the news may have nothing of the topic.
func (l *learner) settle(m *model) {
	scores := l.scores(*m)
	if len(scores) == 0 {
		return
	}
	near := 0.0
	for _, s := range scores {
		if s > m.seeds {
			near++
		}
	}
	way := m.seeds - m.middle
	low := m.middle + way/2
	high := quantile(scores, 1-max(usual, near/float64(len(scores))))
	m.seeds = m.middle + 2*(low+usualPart*max(high-low, -lowered*way)-m.middle)
}

// median is the score of the recent entry in the middle.
func (l *learner) median(m model) float64 {
	scores := l.scores(m)
	if len(scores) == 0 {
		return m.bias
	}
	return quantile(scores, 0.5)
}

// scores are the recent entries' scores, in their order.
func (l *learner) scores(m model) []float64 {
	scores := make([]float64, len(l.recent))
	for i, x := range l.recent {
		scores[i] = m.score(x)
	}
	return scores
}

// quantile is the score that a part of the scores is below.
func quantile(scores []float64, part float64) float64 {
	sorted := slices.Sorted(slices.Values(scores))
	return sorted[int(part*float64(len(sorted)))]
}
