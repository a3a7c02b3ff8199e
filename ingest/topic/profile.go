package topic

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strings"
)

// Profile is what a topic's entries look like. It is made by [Learn]; as JSON it
// is whole, and scores as before.
type Profile struct {
	Terms      []Weight   `json:"terms"` // strongest first; of the weight 0 and below are those that speak against it
	Seeds      []string   `json:"seeds"` // their titles
	Bias       float64    `json:"bias"`
	Middle     float64    `json:"middle"` // score of the median recent entry
	Target     float64    `json:"target"` // score of seeds that the profile did not know
	Background Background `json:"background"`
	// Core are the names that the topic is about, with their strength, 0 to 1.
	Core map[string]float64 `json:"core,omitempty"`

	lookup map[string]known
}

// Weight is a term of a profile.
type Weight struct {
	Key    string  `json:"key"`
	Shown  string  `json:"shown"`
	Weight float64 `json:"weight"`
	Name   bool    `json:"name,omitempty"`
	Seeds  []int   `json:"seeds,omitempty"` // that have it; none: learned from the news
}

// foreignRarity is what unknown names of another language count for: all of its
// words are rare here.
const foreignRarity = 5

type known struct {
	rarity, weight float64
	index          int // in Terms, -1: only known to be common
}

// profile makes the profile of a model.
func (l *learner) profile(m model) Profile {
	p := Profile{Bias: round(m.bias), Middle: round(m.middle), Target: round(m.seeds), Background: l.background, Core: l.findCore()}
	seeds := map[string][]int{}
	shown := map[string]string{}
	for i, d := range l.docs {
		p.Seeds = append(p.Seeds, d.Title)
		for _, t := range l.background.terms(d.Bag) {
			seeds[t.Key] = append(seeds[t.Key], i)
			if shown[t.Key] == "" {
				shown[t.Key] = t.Shown
			}
		}
	}
	order := make([]int, 0, len(l.keys))
	for t, w := range m.weights {
		if w != 0 {
			order = append(order, t)
		}
	}
	size := func(t int) float64 { return math.Abs(m.weights[t]) * l.rarity[t] }
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(size(b), size(a)), strings.Compare(l.keys[a], l.keys[b]))
	})
	order = order[:min(len(order), strongest)]
	for _, t := range order {
		key := l.keys[t]
		p.Terms = append(p.Terms, Weight{Key: key, Shown: cmp.Or(shown[key], key), Weight: round(m.weights[t]), Name: l.names[t], Seeds: seeds[key]})
	}
	slices.SortFunc(p.Terms, func(a, b Weight) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), strings.Compare(a.Key, b.Key))
	})
	p.compile()
	return p
}

// round keeps what is stored short.
func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }

// compile makes the table that scoring looks terms up in.
func (p *Profile) compile() {
	p.Background.compile()
	p.lookup = make(map[string]known, len(p.Terms)+len(p.Background.Counts))
	for key := range p.Background.Counts {
		p.lookup[key] = known{rarity: p.Background.rarity(key), index: -1}
	}
	for i, t := range p.Terms {
		p.lookup[t.Key] = known{rarity: p.Background.rarity(t.Key), weight: t.Weight, index: i}
	}
}

// UnmarshalJSON reads a stored profile.
func (p *Profile) UnmarshalJSON(data []byte) error {
	type plain Profile
	if err := json.Unmarshal(data, (*plain)(p)); err != nil {
		return err
	}
	p.compile()
	return nil
}

// Score is how near an entry is to a topic.
type Score struct {
	Value   float64 // 0 to 1; on topic from Threshold on
	Hits    []Hit   // the terms that made it, strongest first, at most five
	Foreign bool    // not in English: only names and numbers were compared
}

// Hit is a term of the profile that an entry has.
type Hit struct {
	Shown string
	Part  float64 // of the score
	Name  bool
	Seeds int // how many have it
}

// Score scores an entry.
func (p *Profile) Score(b Bag) Score {
	if p.Empty() {
		return Score{Foreign: b.Foreign}
	}
	sum, score, core := 0.0, 0.0, 0.0
	var hits [5]Hit
	n := 0
	for _, t := range p.Background.terms(b) {
		k, ok := p.lookup[t.Key]
		if !ok {
			k = known{rarity: p.Background.rarity(t.Key), index: -1}
		}
		if b.Foreign && !ok {
			k.rarity = foreignRarity
		}
		core = max(core, p.Core[t.Key])
		w := t.weight() * k.rarity
		sum += w * w
		score += w * k.weight
		if k.index >= 0 && k.weight > 0 {
			n = note(&hits, n, Hit{Shown: t.Shown, Part: w * k.weight, Name: p.Terms[k.index].Name, Seeds: len(p.Terms[k.index].Seeds)})
		}
	}
	if sum > 0 {
		score /= p.Background.pivoted(math.Sqrt(sum))
	}
	score += p.Bias
	value := p.withCore((score-p.Middle)/max(p.Target-p.Middle, 1e-9), core)
	return Score{Value: 1 / (1 + math.Exp(-4*(value-0.5))), Hits: slices.Clone(hits[:n]), Foreign: b.Foreign}
}

// note keeps the strongest hits.
func note(hits *[5]Hit, n int, h Hit) int {
	i := n
	for i > 0 && hits[i-1].Part < h.Part {
		i--
	}
	if i == len(hits) {
		return n
	}
	copy(hits[i+1:], hits[i:len(hits)-1])
	hits[i] = h
	return min(n+1, len(hits))
}

// Empty tells whether there is nothing to score by: there never was a seed.
func (p *Profile) Empty() bool { return len(p.Terms) == 0 }
