package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"tributary/feed"
)

const (
	// searchedWords is how many words of a content are searched: what an article
	// is about stands in its beginning, and each word costs.
	searchedWords = 300
	// headWords is how many of a title, a summary, and all names of authors and tags.
	headWords = 100
	// searchedTags is how many of an item's tags are looked for.
	searchedTags = 32
	// contentHead is how many characters of a content are read to find these words.
	contentHead = 8000
)

// touch has items indexed anew by the end of the transaction, as far as they
// have a place: another entry leads them, or other sources carry them.
func (t *Tx) touch(itemRows ...int64) {
	for _, row := range itemRows {
		if _, there := t.touched[row]; row != 0 && !there {
			t.touched[row] = 0
		}
	}
}

// indexTouched indexes what the transaction has touched.
func (t *Tx) indexTouched(ctx context.Context) error {
	t.touch(t.moved...)
	var placed, known []int64
	for row, place := range t.touched {
		if place != 0 {
			placed = append(placed, row)
		} else {
			known = append(known, row)
		}
	}
	slices.SortFunc(placed, func(a, b int64) int { return cmp.Compare(t.touched[a], t.touched[b]) })
	if err := t.index(ctx, placed, nil); err != nil {
		return err
	}
	return t.indexAnew(ctx, known, nil)
}

// indexAnew indexes items that may be in the index already. Of entries that are
// given the content is left out.
func (t *Tx) indexAnew(ctx context.Context, rows []int64, pruned map[int64]bool) error {
	places := map[int64]int64{}
	err := t.eachIn(ctx, `SELECT i.id, i.place FROM item i WHERE i.id IN (%s) AND i.place IS NOT NULL`, nil, rows, func(scan scanner) error {
		var row, place int64
		err := scan(&row, &place)
		places[row] = place
		return err
	})
	if err != nil {
		return err
	}
	rows = slices.SortedFunc(maps.Keys(places), func(a, b int64) int { return cmp.Compare(places[a], places[b]) })
	if err := t.unindex(ctx, slices.Sorted(maps.Values(places))); err != nil {
		return err
	}
	return t.index(ctx, rows, pruned)
}

// indexed is an item as the search knows it.
type indexed struct {
	row, place, published, entry    int64
	title, summary, content, detail string
	authors                         []feed.Person
	categories                      []string
	sources                         []int64
}

// index indexes items that are not in the index, by their rows in the order of
// their places: the index gathers what comes in this order, and writes it at once.
func (t *Tx) index(ctx context.Context, rows []int64, pruned map[int64]bool) error {
	for chunk := range slices.Chunk(rows, maxRows) {
		items, err := t.indexedItems(ctx, chunk)
		if err != nil {
			return err
		}
		places, documents := make([]int64, len(items)), make([]string, len(items))
		for i, it := range items {
			if pruned[it.entry] {
				it.content = ""
			}
			places[i], documents[i] = it.place, t.pool.engine.document(it.words(), it.place)
		}
		if err := t.insertDocuments(ctx, places, documents); err != nil {
			return err
		}
	}
	return nil
}

// unindex takes places out of the index.
func (t *Tx) unindex(ctx context.Context, places []int64) error {
	return t.execIn(ctx, `DELETE FROM search WHERE rowid IN (%s)`, nil, places)
}

// unindexItems takes items out of the index by their rows.
func (t *Tx) unindexItems(ctx context.Context, rows []int64) error {
	var places []int64
	err := t.eachIn(ctx, `SELECT i.place FROM item i WHERE i.id IN (%s) AND i.place IS NOT NULL`, nil, rows, collectRows(&places))
	if err != nil {
		return err
	}
	return t.unindex(ctx, places)
}

func (t *Tx) insertDocuments(ctx context.Context, places []int64, documents []string) error {
	for i := 0; i < len(places); {
		size := roundDown(min(len(places)-i, t.pool.engine.updates()))
		args := make([]any, 0, 2*size)
		for range size {
			args = append(args, places[i], documents[i])
			i++
		}
		if _, err := t.exec(ctx, t.pool.engine.indexing(size), args...); err != nil {
			return err
		}
	}
	return nil
}

// indexedItems reads those of some items that have a place, by place.
func (t *Tx) indexedItems(ctx context.Context, rows []int64) ([]*indexed, error) {
	var all []*indexed
	of := map[int64]*indexed{}
	err := t.eachIn(ctx, `SELECT i.id, i.place, i.published, e.id, e.title, e.authors, e.details, e.summary, SUBSTR(e.content, 1, $1)`+
		fromItems+`WHERE i.id IN (%s) AND i.place IS NOT NULL`, []any{int64(contentHead)}, rows, func(scan scanner) error {
		it := &indexed{}
		var d feed.Details
		err := scan(&it.row, &it.place, &it.published, &it.entry, &it.title, fromJSON{&it.authors}, fromJSON{&d}, &it.summary, &it.content)
		it.categories, of[it.row] = d.Categories, it
		all = append(all, it)
		return err
	})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	err = t.eachIn(ctx, `SELECT e.item_id, e.source_id FROM entry e WHERE e.item_id IN (%s)`, nil, rows, func(scan scanner) error {
		var row, source int64
		err := scan(&row, &source)
		if it := of[row]; it != nil {
			it.sources = append(it.sources, source)
		}
		return err
	})
	slices.SortFunc(all, func(a, b *indexed) int { return cmp.Compare(a.place, b.place) })
	return all, err
}

// A document is the words that an item is found by, with a space after each: those of
// its text, and marks. A mark begins with a "_", which no word of a text has.
// One that is nothing else parts texts, so that no phrase goes from one into the next.
const apart = "_"

// words are the item's document.
func (it *indexed) words() string {
	b := make([]byte, 0, 4096)
	b = append(appendWords(b, it.title, headWords), "_ "...)
	start := len(b)
	b = append(appendWords(b, it.summary, headWords), "_ "...)
	summary := string(b[start : len(b)-len("_ ")])
	content := len(b)
	b = appendWords(b, plainText(it.content), searchedWords)
	if begins(string(b[content:]), summary) {
		b = append(b[:start], b[content:]...)
	}
	b = append(b, "_ "...)
	var names []string
	for _, a := range it.authors {
		names = append(names, a.Name)
	}
	b = appendWords(b, strings.Join(append(names, it.categories...), "\n"), headWords)
	for _, m := range it.marks() {
		b = append(append(b, m...), ' ')
	}
	return string(b)
}

// begins tells whether a content begins with its summary, the last word of
// which may have been cut.
func begins(content, summary string) bool {
	whole := strings.LastIndexByte(strings.TrimSuffix(summary, " "), ' ') + 1
	return whole > 0 && strings.HasPrefix(content, summary[:whole])
}

// marks are what the item's filters look for.
func (it *indexed) marks() []string {
	all := append(make([]string, 0, 12), apart)
	slices.Sort(it.sources)
	for _, id := range slices.Compact(it.sources) {
		all = append(all, sourceMark(id))
	}
	for _, c := range it.categories[:min(len(it.categories), searchedTags)] {
		if m := tagMark(c); !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	day := dayOf(it.published)
	for _, level := range dayLevels {
		all = append(all, level.mark(day))
	}
	return all
}

func sourceMark(id int64) string { return "_s" + strconv.FormatInt(id, 10) }

// tagMark is the same for tags that differ in nothing but case and space.
func tagMark(tag string) string {
	sum := sha256.Sum256([]byte(tagKey(tag)))
	return "_t" + hex.EncodeToString(sum[:8])
}

func tagKey(tag string) string {
	return strings.ToLower(norm.NFC.String(strings.Join(strings.Fields(tag), " ")))
}

const (
	dayMillis = 24 * 60 * 60 * 1000
	lastDay   = 1<<15 - 1 // in 2059; what is later counts as this
)

// dayOf is the day of a time in milliseconds, since 1970.
func dayOf(millis int64) int64 { return max(0, min(millis/dayMillis, lastDay)) }

// level is a size of stretches, of days or of places.
type level struct {
	letter string
	bits   int
}

// dayLevels are the sizes that each item has a mark for, the largest last: any time is
// made of few stretches then.
var dayLevels = []level{{"d", 0}, {"e", 5}, {"f", 10}}

func (l level) mark(n int64) string { return "_" + l.letter + strconv.FormatInt(n>>l.bits, 10) }

// stretchMarks are marks of stretches that together are those of the smallest
// level from first to last.
func stretchMarks(levels []level, first, last int64) (marks []string) {
	smallest := levels[0].bits
	for first <= last {
		fits, size := levels[0], int64(1)
		for _, l := range levels[1:] {
			if n := int64(1) << (l.bits - smallest); first%n == 0 && first+n-1 <= last {
				fits, size = l, n
			}
		}
		marks = append(marks, fits.mark(first<<smallest))
		first += size
	}
	return marks
}

const (
	indexedAtOnce = 500  // old items in a transaction: others may write in between
	indexedAtOpen = 2000 // old items while the program starts: half a second
)

// indexOld indexes the newest of the items that were there before there was an
// index. It tells whether some are left.
func (s *Store) indexOld(ctx context.Context) (left bool, err error) {
	err = s.Write(ctx, func(t *Tx) error {
		var below int64
		if _, err := t.one(ctx, `SELECT search_below FROM meta WHERE one = 1`, nil, &below); err != nil {
			return err
		}
		var rows []int64
		lowest := below
		err := t.each(ctx, `SELECT i.id, i.place FROM item i WHERE i.place < $1 ORDER BY i.place DESC LIMIT $2`,
			[]any{below, int64(indexedAtOnce)}, func(scan scanner) error {
				var row int64
				err := scan(&row, &lowest)
				rows = append(rows, row)
				return err
			})
		if err != nil {
			return err
		}
		if left = len(rows) == indexedAtOnce; !left {
			lowest = 0
		}
		if err := t.indexAnew(ctx, rows, nil); err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE meta SET search_below = $1 WHERE one = 1`, lowest)
		return err
	})
	return left, err
}

// catchUp indexes what was there before there was an index: a few items now,
// the rest in the background, newest first, so that a large store starts as fast as a
// small one. Each step is stored: whoever opens the store next goes on from there.
func (s *Store) catchUp(ctx context.Context) error {
	var below int64
	_, err := s.reader.one(ctx, `SELECT search_below FROM meta WHERE one = 1`, nil, &below)
	left := below > 0
	for n := 0; left && n < indexedAtOpen && err == nil; n += indexedAtOnce {
		left, err = s.indexOld(ctx)
	}
	if err != nil || !left {
		return err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop, s.stopped = stop, make(chan error, 1)
	go func() { s.stopped <- s.indexAllOld(background) }()
	return nil
}

// indexAllOld leaves as much time to other writers as it takes.
func (s *Store) indexAllOld(ctx context.Context) error {
	for {
		start := time.Now()
		left, err := s.indexOld(ctx)
		if ctx.Err() != nil {
			return nil // which explains any error
		}
		if err != nil || !left {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Since(start)):
		}
	}
}

// stopIndexing ends what [Store.catchUp] began and tells what went wrong with it.
func (s *Store) stopIndexing() error {
	if s.stop == nil {
		return nil
	}
	s.stop()
	s.stop = nil
	return <-s.stopped
}
