package topic

import (
	"cmp"
	"slices"
	"strings"

	"tributary/ingest/words"
)

// A nation, its capital and the people who speak for it are one actor: news
// name now one, now another. So each is as common as all of them together, and
// Washington says as little of a topic as the United States.

// Office is a person whom a text calls, say, a nation's president.
type Office struct {
	Name, Nation string // terms
}

var offices = func() map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields("president vice prime foreign defence defense finance minister chancellor premier leader king queen prince secretary state envoy ambassador general") {
		set[w] = true
	}
	return set
}()

// findOffices finds "Ukrainian President Volodymyr Zelensky": a nation, an
// office, and names, with nothing between them.
func findOffices(text words.Text, ws []words.Word) []Office {
	var found []Office
	for i := 1; i+1 < len(ws); i++ {
		if !offices[ws[i].Text] || !ws[i-1].Is(words.Capital) {
			continue
		}
		nation := term(ws[i-1])
		if theNations().members[nation] == nil {
			continue
		}
		for i < len(ws) && offices[ws[i].Text] {
			i++
		}
		before := len(found)
		for n := 0; n < 3 && i < len(ws) && ws[i].Is(words.Capital) && !ws[i].Is(words.First) && ws[i].Start == ws[i-1].End+1; n++ {
			if name := term(ws[i]); name != "" && theNations().members[name] == nil {
				found = append(found, Office{name, nation})
			}
			i++
		}
		if i < len(ws) && offices[ws[i].Text] {
			found = found[:before] // of "French Foreign Trade Minister" Trade is no name
		}
	}
	return found
}

// actors says to which nation's actor names belong.
type actors map[string]string

// findActors goes by what most texts say; names of which fewer than two do, and
// no seed, are left alone.
func findActors(seeds, recent []Document) actors {
	votes := map[Office]int{}
	for _, d := range seeds {
		for _, o := range d.Offices {
			votes[o] += 2
		}
	}
	for _, d := range recent {
		for _, o := range d.Offices {
			votes[o]++
		}
	}
	all := make([]Office, 0, len(votes))
	for o := range votes {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b Office) int {
		return cmp.Or(cmp.Compare(votes[b], votes[a]), strings.Compare(a.Name, b.Name), strings.Compare(a.Nation, b.Nation))
	})
	of := actors{}
	for nation, capitals := range theNations().capital {
		of[nation] = nation
		for _, c := range capitals {
			of[c] = nation
		}
	}
	for _, o := range all {
		if of[o.Name] == "" && votes[o] > 1 {
			of[o.Name] = o.Nation
		}
	}
	return of
}
