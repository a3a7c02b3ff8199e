package topic

import (
	"fmt"
	"math"
	"strings"
)

// Side is where an entry stands.
type Side string

// The sides. What is doubtful is held, as what is off topic is, but listed for
// a person to look over.
const (
	On       Side = "on"
	Doubtful Side = "doubtful"
	Off      Side = "off"
)

// Decision is on which side of the topic an entry is, and why, in a sentence.
type Decision struct {
	Side   Side
	Reason string
}

// An entry is on topic from the threshold on, which is the same for all
// profiles: they are scaled to it. It is doubtful if its value is at most the
// margin lower.
const (
	Threshold = 0.5
	margin    = 0.2
)

// Leniency is how much lower the threshold is for a source of whose entries of
// late so many were on topic: nothing for most, 0.15 for one that is on topic by
// itself. Under 20 scored entries nothing is known.
func Leniency(scored, onTopic int) float64 {
	if scored < 20 {
		return 0
	}
	share := float64(onTopic) / float64(scored)
	return 0.15 * min(1, max(0, (share-0.7)/0.2))
}

// Decide decides by a score, with a threshold that is [Threshold] unless a
// person set another, and a source's [Leniency].
func (s Score) Decide(threshold, leniency float64) Decision {
	limit := threshold - leniency
	d := Decision{Side: Off}
	switch {
	case s.Value >= limit && (!s.Foreign || s.sharedNames() > 1):
		d.Side = On
	case s.Value >= limit-margin:
		d.Side = Doubtful
	}
	d.Reason = fmt.Sprintf("%s: %s.", s.evidence(), place(s.Value, limit))
	if s.Foreign {
		d.Reason += " It is not in English: only names and numbers were compared."
	}
	return d
}

// place says where a value is, in two digits that bear it out: none is under
// itself.
func place(value, limit float64) string {
	const tiny = 1e-9 // 0.29 is a bit less in binary
	down := func(x float64) float64 { return math.Floor(x*100+tiny) / 100 }
	if value >= limit {
		return fmt.Sprintf("%.2f, not under %.2f", down(value), down(limit))
	}
	return fmt.Sprintf("%.2f, under %.2f", down(value), math.Ceil(limit*100-tiny)/100)
}

func (s Score) sharedNames() int {
	n := 0
	for _, h := range s.Hits {
		if h.Name && h.Seeds > 1 {
			n++
		}
	}
	return n
}

// evidence says which terms made a score.
func (s Score) evidence() string {
	var names, seen, learned []string
	for _, h := range s.Hits {
		switch {
		case h.Name && h.Seeds > 0:
			names = append(names, h.Shown)
		case h.Seeds > 0:
			seen = append(seen, h.Shown)
		default:
			learned = append(learned, h.Shown)
		}
	}
	var parts []string
	if len(names) > 0 {
		parts = append(parts, "names "+list(names, "and")+" as the seeds do")
	}
	if len(seen) > 0 {
		parts = append(parts, "has the seeds' "+list(seen, "and"))
	}
	if len(learned) > 0 {
		parts = append(parts, "has "+list(learned, "and")+", which go with the topic")
	}
	if len(parts) == 0 {
		return "Nothing in it is of the topic"
	}
	return "It " + list(parts, "and")
}

// list writes "a, b and c".
func list(items []string, last string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	n := len(items) - 1
	return strings.Join(items[:n], ", ") + " " + last + " " + items[n]
}
