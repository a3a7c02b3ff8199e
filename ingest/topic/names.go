package topic

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"

	"tributary/ingest/words"
)

//go:embed nations.txt
var nationsFile string

// nations knows the families of national names.
type nations struct {
	family  map[string]string   // stem of a word: what stands for its family
	members map[string][]string // family: stems
	capital map[string][]string // family of a nation: its capitals'
}

var theNations = sync.OnceValue(func() nations {
	n := nations{map[string]string{}, map[string][]string{}, map[string][]string{}}
	for line := range strings.Lines(nationsFile) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		people, capitals, _ := strings.Cut(line, "|")
		nation := n.join(strings.Fields(people))
		if cities := strings.Fields(capitals); nation == "korea" { // two capitals, two states
			n.capital[nation] = cities
		} else if len(cities) > 0 {
			n.capital[nation] = []string{n.join(cities)}
		}
	}
	return n
})

// join makes words one family, which its first word stands for.
func (n nations) join(family []string) string {
	for _, w := range family {
		stem := words.Stem(w)
		n.family[stem] = family[0]
		n.members[family[0]] = append(n.members[family[0]], stem)
	}
	return family[0]
}

// term is what a word is compared by: its stem; the nation of "Ukrainians";
// and for a word that general English does not have, its spelling without the
// last y, i or j, in which transcriptions differ (Zelensky, Zelenskyy, Zelenskiy).
// It is "" for a word that says nothing of a subject.
func term(w words.Word) string {
	if w.Text == "us" && w.Is(words.Upper) {
		return "america"
	}
	if len(w.Text) < 2 || words.IsStop(w.Text) || calendar[w.Text] && w.Is(words.Capital) {
		return ""
	}
	if w.Is(words.Number) && isDate(w.Text) {
		return ""
	}
	stem := words.Stem(w.Text)
	if w.Is(words.Capital) {
		if family, ok := theNations().family[stem]; ok {
			return family
		}
	}
	if n := len(stem) - 1; n >= 5 && (stem[n] == 'y' || stem[n] == 'i' || stem[n] == 'j') && words.Usage(stem).Share <= words.Rare {
		return strings.TrimRight(stem, "yij")
	}
	return stem
}

// isDate tells whether a number is more often of a date than of a fact: a day, or a year.
func isDate(number string) bool {
	n, err := strconv.Atoi(number)
	return err == nil && (n <= 31 || 1900 <= n && n < 2100)
}

// calendar has the names of days and months: when something was said is not what
// it is about.
var calendar = func() map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Fields("monday tuesday wednesday thursday friday saturday sunday " +
		"january february march april may june july august september october november december") {
		set[name] = true
	}
	return set
}()

// share is how much of general English has a term, 0 to 1.
func share(term string) float64 {
	members := theNations().members[term]
	if members == nil {
		return words.Usage(term).Share
	}
	all := 0.0
	for _, stem := range members {
		if u := words.Usage(stem); u.Share > words.Rare && u.Lower < 0.5 {
			all += u.Share
		}
	}
	return max(words.Rare, all*0.8) // some texts have more than one of them
}

// isName tells whether a term is a name, from how often it was written with a
// capital letter within sentences and how often without.
func isName(key string, capital, plain float64) bool {
	if theNations().members[key] != nil {
		return true
	}
	if key[0] >= '0' && key[0] <= '9' {
		return false
	}
	lower := words.Usage(key).Lower // counts as two more uses
	return (capital+2*(1-lower))/(capital+plain+2) >= 0.75
}
