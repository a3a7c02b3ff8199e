package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// How each engine is told what to index and what to find. Words have letters and
// digits only, and marks a "_" too, so that nothing needs to be escaped.

// window is a stretch of places to look in, and marks of blocks that together
// have all of these places; without any the index is not asked where.
type window struct {
	from, before int64 // from ≤ place < before
	marks        []string
}

func (w window) within(m match) match {
	if len(w.marks) > 0 {
		m.any = append(m.any[:len(m.any):len(m.any)], w.marks)
	}
	return m
}

// document: SQLite splits words by itself.
func (sqliteEngine) document(words string, _ int64) string { return words }

func (sqliteEngine) indexing(int) string { return `INSERT INTO search (rowid, words) VALUES ($1, $2)` }

// finding: the index gives its rows by place, from any place downwards, and
// does not look farther than it is read.
func (sqliteEngine) finding(int) string {
	return `SELECT i.id FROM search f CROSS JOIN item i WHERE f.rowid < $1 AND f.rowid >= $2 AND i.place = f.rowid
		AND i.published >= $3 AND i.published < $4 AND i.publishers >= $5 AND f.words MATCH $6`
}

func (sqliteEngine) windows(_ context.Context, _ session, before, _ int64) ([]window, error) {
	return []window{{before: before}}, nil
}

func (sqliteEngine) match(m match) []string {
	phrase := func(words []string) string { return `"` + strings.Join(words, " ") + `"` }
	either := func(words []string) string { return `("` + strings.Join(words, `" OR "`) + `")` }
	var all, none []string
	for _, p := range m.all {
		all = append(all, phrase(p))
	}
	for _, words := range m.any {
		all = append(all, either(words))
	}
	for _, p := range m.none {
		none = append(none, phrase(p))
	}
	if len(none) == 0 {
		return []string{strings.Join(all, " AND ")}
	}
	return []string{"(" + strings.Join(all, " AND ") + ") NOT (" + strings.Join(none, " OR ") + ")"}
}

// blocks are the sizes of blocks of places. The server's index knows no order: who
// asks it for a word gets all that have it. Asked for the marks of blocks too, it gives
// those of the blocks, without a look at the others.
var blocks = []level{{"p", 10}, {"q", 15}, {"r", 20}}

// windowSizes are how many places are looked at, the newest first: what is frequent
// is found in the first window, what is rare in the last, which has the rest.
var windowSizes = []int64{1 << 10, 16 << 10, 256 << 10, 4 << 20}

// windows begins where what was published last before then stands, for beyond
// there is little of it.
func (postgresEngine) windows(ctx context.Context, s session, before, until int64) (all []window, err error) {
	if until < forever {
		var last number
		if _, err := s.one(ctx, `SELECT MAX(l.place) FROM (SELECT i.place FROM item i WHERE i.place IS NOT NULL AND i.published < $1
			ORDER BY i.published DESC LIMIT 100) l`, []any{until}, &last); err != nil {
			return nil, err
		}
		if next := int64(last) + 1; next < before {
			all, before = append(all, placesFrom(next, before)), next
		}
	}
	for _, size := range windowSizes {
		if from := (before - size) >> blocks[0].bits << blocks[0].bits; from > 0 {
			all, before = append(all, placesFrom(from, before)), from
		}
	}
	return append(all, window{before: before}), nil
}

func placesFrom(from, before int64) window {
	return window{from, before, stretchMarks(blocks, from>>blocks[0].bits, (before-1)>>blocks[0].bits)}
}

// document is a tsvector: each word with where it stands.
func (postgresEngine) document(words string, place int64) string {
	at := map[string][]string{}
	var order []string
	add := func(word string, n int) {
		if at[word] == nil {
			order = append(order, word)
		}
		at[word] = append(at[word], strconv.Itoa(n))
	}
	n := 0
	for word := range strings.FieldsSeq(words) {
		n++
		add(word, n)
	}
	for _, b := range blocks {
		n++
		add(b.mark(place), n)
	}
	var b strings.Builder
	for _, word := range order {
		fmt.Fprintf(&b, "'%s':%s ", word, strings.Join(at[word], ","))
	}
	return b.String()
}

var postgresIndexing = func() map[int]string {
	texts := map[int]string{}
	for n := 1; n <= maxRows; n *= 2 {
		rows := make([]string, n)
		for i := range rows {
			rows[i] = fmt.Sprintf("($%d, CAST($%d AS TEXT)::TSVECTOR)", 2*i+1, 2*i+2)
		}
		texts[n] = `INSERT INTO search (rowid, words) VALUES ` + strings.Join(rows, ", ")
	}
	return texts
}()

func (postgresEngine) indexing(rows int) string { return postgresIndexing[rows] }

// finding: the index of places ("rowid + 0" is none of it) would look at all
// documents of the window, one by one. Conditions stand apart, for the server's index goes
// through what meets the rarest of several, but through all words of one.
func (postgresEngine) finding(conditions int) string {
	var b strings.Builder
	for i := range conditions {
		fmt.Fprintf(&b, ` AND h.words @@ CAST($%d AS TEXT)::TSQUERY`, 6+i)
	}
	return `SELECT i.id FROM (SELECT h.rowid FROM search h WHERE h.rowid + 0 < $1 AND h.rowid + 0 >= $2` + b.String() + ` OFFSET 0) f
		JOIN item i ON i.place = f.rowid WHERE i.published >= $3 AND i.published < $4 AND i.publishers >= $5`
}

func (postgresEngine) match(m match) []string {
	phrase := func(words []string) string { return `('` + strings.Join(words, `' <-> '`) + `')` }
	var all []string
	for _, p := range m.all {
		all = append(all, phrase(p))
	}
	for _, p := range m.none {
		all = append(all, "!"+phrase(p))
	}
	var conditions []string
	if len(all) > 0 {
		conditions = append(conditions, strings.Join(all, " & "))
	}
	for _, words := range m.any {
		conditions = append(conditions, `'`+strings.Join(words, `' | '`)+`'`)
	}
	return conditions
}
