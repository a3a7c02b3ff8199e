package story

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxNamed is how many shared terms a reason names, and maxAsked in how many of the
// nearest items they are looked for.
const (
	maxNamed = 6
	maxAsked = 5
)

// because says why the item belongs with the members.
func (c *comparison) because(members []int, v Verdict) string {
	with := "an item of the story"
	if n := len(members); n > 1 {
		with = fmt.Sprintf("%d items of the story", n)
	}
	if v.Rule == RuleParts {
		with = "an item that was in a story of another event"
		if n := len(members); n > 1 {
			with = fmt.Sprintf("%d items that were in stories of other events", n)
		}
	}
	return fmt.Sprintf("It shares %s with %s (likeness %.2f; at least %.2f is asked).", c.evidence(members), with, v.Similarity, betweenLeast)
}

// alone says why the item has a story of its own.
func (c *comparison) alone() Verdict {
	v := Verdict{Rule: RuleAlone, Reason: "No item of these days has its most telling words and names."}
	if len(c.near) == 1 {
		return v
	}
	v.Similarity = float64(c.like[0][1])
	if c.apart[0]&(1<<1) != 0 {
		v.Reason = "The nearest item of these days is another instalment of the same series: it has the same title and source."
		return v
	}
	if v.Similarity < betweenLeast {
		v.Reason = fmt.Sprintf("The nearest item of these days is not alike enough (likeness %.2f; at least %.2f is asked).", v.Similarity, betweenLeast)
		return v
	}
	all := append(c.members(1), 1)
	if c.named[0]&(1<<1) == 0 {
		v.Reason = fmt.Sprintf("The nearest item of these days is about something alike (%s; likeness %.2f), but the names in the two titles differ.", c.evidence(all), v.Similarity)
		return v
	}
	v.Similarity = c.meanLike(all)
	v.Reason = fmt.Sprintf("It has something in common with the nearest story (%s), but is less like its items (likeness %.2f) than reports of one event are.",
		c.evidence(all), v.Similarity)
	return v
}

// evidence names the strongest terms that the item shares with the nearest of the others,
// as far as they are known in clear.
func (c *comparison) evidence(others []int) string {
	type shared struct {
		hash   uint32
		text   string
		weight float32
	}
	mine := &c.near[0].Terms
	list := make([]shared, 0, 4*maxSpoken)
	add := func(hash uint32, text string, weight float32) {
		if !slices.ContainsFunc(list, func(s shared) bool { return s.hash == hash }) {
			list = append(list, shared{hash, text, weight})
		}
	}
	for _, k := range others[:min(len(others), maxAsked)] {
		other := &c.near[k].Terms
		for _, s := range mine.clear {
			x := mine.list[s.at]
			if at := other.find(x.hash); at >= 0 {
				add(x.hash, s.text, x.weight*other.list[at].weight)
			}
		}
		for _, s := range other.clear {
			x := other.list[s.at]
			if at := mine.find(x.hash); at >= 0 {
				add(x.hash, s.text, x.weight*mine.list[at].weight)
			}
		}
	}
	if len(list) == 0 {
		return "many words"
	}
	slices.SortStableFunc(list, func(a, b shared) int { return cmp.Compare(b.weight, a.weight) })
	var texts []string
	for _, s := range list {
		texts = named(texts, s.text)
	}
	texts = texts[:min(len(texts), maxNamed)]
	for i := range texts {
		texts[i] = "“" + texts[i] + "”"
	}
	if len(texts) == 1 {
		return texts[0]
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " and " + texts[len(texts)-1]
}

// named adds a term to those that a reason names: two names in a row, "Keir Starmer", stand for
// either of them.
func named(texts []string, text string) []string {
	for i, t := range texts {
		switch {
		case t == text || hasName(t, text):
			return texts
		case hasName(text, t):
			texts[i] = text
			return slices.DeleteFunc(texts, func(t string) bool { return hasName(text, t) })
		}
	}
	return append(texts, text)
}

// hasName tells whether a name is the first or the last of two.
func hasName(two, name string) bool {
	n := len(two) - len(name) - 1
	return n > 0 && (two[len(name)] == ' ' && two[:len(name)] == name || two[n] == ' ' && two[n+1:] == name)
}
