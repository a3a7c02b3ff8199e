package words

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
)

// The table has a line for each of the commonest stems in general English
// texts of news and blogs: the stem, of 10,000 texts those that have it, and of
// 100 of its uses within sentences those in lower case. It is made by
//
//	go run ./cmd/evaluate english COLLECTION COLLECTION… > ingest/words/english.tsv
//
// from collections of feeds and of labelled news texts, which count alike.
//
//go:embed english.tsv
var englishTable string

// Use is how general English uses a stem.
type Use struct {
	Share float64 // of the texts have it, 0 to 1
	Lower float64 // of its uses within sentences are in lower case, 0 to 1; near 0: a name
}

// Rare is the share of a stem that the table does not have.
const Rare = 1e-4

// Usage tells how general English uses a stem, as [Stem] makes it. A stem that is
// not in the table is rare, and as likely a name as not.
func Usage(stem string) Use {
	if u, ok := english()[stem]; ok {
		return u
	}
	return Use{Share: Rare, Lower: 0.5}
}

var english = sync.OnceValue(func() map[string]Use {
	table := make(map[string]Use, strings.Count(englishTable, "\n"))
	for line := range strings.Lines(englishTable) {
		stem, rest, _ := strings.Cut(strings.TrimSpace(line), "\t")
		share, lower, _ := strings.Cut(rest, "\t")
		s, err := strconv.ParseFloat(share, 64)
		l, err2 := strconv.Atoi(lower)
		if err != nil || err2 != nil {
			panic("words: the table of English is damaged at " + strconv.Quote(line)) // it is part of the program
		}
		table[stem] = Use{Share: s / 10000, Lower: float64(l) / 100}
	}
	return table
})
