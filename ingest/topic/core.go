package topic

import (
	"math"
	"slices"
)

// A topic that is about a nation or a person has core names: those that the
// seeds share and that each of them says most often. News on the topic says one of
// them, if only in its headline; news that says none is another's, however much
// its presidents and capitals are those of the seeds.
const (
	coreShare   = 0.6 // of the strongest: names from here on are core
	coreBonus   = 0.2 // to the value of what says the strongest
	withoutCore = 0.6 // of the value is left to what says none
	coreSeeds   = 0.7 // of the seeds, at least two, have a core name
	corePart    = 0.2 // of the seeds' sentences have the strongest: "Reuters" at the end of each story is none
)

// findCore gives the topic's core names, with their strength as a part of the
// strongest one's. There are none where what the seeds share most is no name, or
// one that they say now and then.
func (l *learner) findCore() map[string]float64 {
	strength := map[int32]float64{}
	best := int32(-1)
	for id, n := range l.saidBySeeds() {
		if len(n) < 2 || float64(len(n)) < coreSeeds*float64(len(l.docs)) {
			continue
		}
		logs := 0.0
		for _, count := range n {
			logs += math.Log(count)
		}
		strength[id] = math.Exp(logs/float64(len(n))) * l.rarity[id] * float64(len(n)) / float64(len(l.docs))
		if best < 0 || strength[id] > strength[best] || strength[id] == strength[best] && l.keys[id] < l.keys[best] {
			best = id
		}
	}
	core := map[string]float64{}
	if best < 0 || !l.names[best] || l.presence[best] < corePart {
		return core
	}
	for id, s := range strength {
		if part := s / strength[best]; l.names[id] && part >= coreShare {
			core[l.keys[id]] = max(core[l.keys[id]], round(part))
			for _, capital := range theNations().capital[l.keys[id]] {
				core[capital] = max(core[capital], round(part))
			}
		}
	}
	return core
}

// saidBySeeds is how often each seed says a term.
func (l *learner) saidBySeeds() map[int32][]float64 {
	said := map[int32][]float64{}
	for _, d := range l.docs {
		for _, t := range l.background.terms(d.Bag) {
			if id, ok := l.ids[t.Key]; ok {
				said[id] = append(said[id], t.Count)
			}
		}
	}
	for _, counts := range said {
		slices.Sort(counts)
	}
	return said
}

// withCore moves a value by the strongest core name that was said, 0 for none.
func (p *Profile) withCore(value, said float64) float64 {
	switch {
	case len(p.Core) == 0:
		return value
	case said == 0:
		return value * withoutCore
	}
	return value + coreBonus*said
}
