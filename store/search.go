package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"tributary/feed"
)

// match is what to look for in the index. A phrase is words that follow one another.
type match struct {
	all  [][]string // phrases
	any  [][]string // of each list one word
	none [][]string // phrases
}

// mostWords is how many words a search may have.
const mostWords = 64

// parseText reads what a person has typed: words, "phrases", -without. Whatever
// else is in it only parts words. A search without any word finds nothing; ok is false then.
func parseText(text string) (m match, ok bool, err error) {
	words := 0
	for _, part := range splitText(text) {
		if part.words = wordsOf(part.text, mostWords+1); len(part.words) == 0 {
			continue
		}
		if words += len(part.words); words > mostWords {
			return match{}, false, feed.Errorf(feed.CodeInvalid, "this is too long to search for: give %d words at most", mostWords)
		}
		if part.without {
			m.none = append(m.none, part.words)
		} else {
			m.all = append(m.all, part.words)
		}
	}
	return m, words > 0, nil
}

// part is a piece of a search: what stands between spaces or quotes.
type part struct {
	text    string
	without bool
	words   []string
}

var straightQuotes = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`)

func splitText(text string) (parts []part) {
	text = straightQuotes.Replace(text)
	for {
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
		var p part
		if text, p.without = strings.CutPrefix(text, "-"); text == "" {
			return parts
		}
		if quoted, isQuoted := strings.CutPrefix(text, `"`); isQuoted {
			p.text, text, _ = strings.Cut(quoted, `"`)
		} else if i := strings.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '"' }); i >= 0 {
			p.text, text = text[:i], text[i:]
		} else {
			p.text, text = text, ""
		}
		parts = append(parts, p)
	}
}

// filtered tells whether the index is needed to answer.
func (q Query) filtered() bool {
	return q.Text != "" || q.Source != "" || q.Tag != "" || !q.From.IsZero() || !q.Until.IsZero()
}

// matching makes a query's filters one match; ok is false where nothing can be found.
func (s session) matching(ctx context.Context, q Query) (m match, ok bool, err error) {
	if strings.TrimSpace(q.Text) != "" {
		if m, ok, err = parseText(q.Text); err != nil || !ok {
			return m, false, err
		}
	}
	if q.Source != "" {
		var id int64
		found, err := s.one(ctx, `SELECT s.id FROM source s WHERE s.removed IS NULL AND s.slug = $1`, []any{text(q.Source)}, &id)
		if err != nil || !found {
			return m, false, err
		}
		m.all = append(m.all, []string{sourceMark(id)})
	}
	if q.Tag != "" {
		m.all = append(m.all, []string{tagMark(q.Tag)})
	}
	if from, until := q.published(); from > -forever || until < forever {
		if until <= from {
			return m, false, nil
		}
		m.any = append(m.any, stretchMarks(dayLevels, dayOf(from), dayOf(until-1)))
	}
	if len(m.all)+len(m.any) == 0 {
		m.all = [][]string{{apart}} // which each item has
	}
	return m, true, nil
}

// published are the times between which the items that are asked for were published.
func (q Query) published() (from, until int64) {
	from, until = -forever, forever
	if !q.From.IsZero() {
		from = q.From.UnixMilli()
	}
	if !q.Until.IsZero() {
		until = q.Until.UnixMilli()
	}
	return from, until
}

// search answers a query that is filtered.
func (s session) search(ctx context.Context, q Query, state string) ([]feed.Item, error) {
	m, ok, err := s.matching(ctx, q)
	if err != nil || !ok {
		return nil, err
	}
	var rows []int64
	from, until := q.published()
	e := s.pool.engine
	windows, err := e.windows(ctx, s, q.Before, until)
	if err != nil {
		return nil, err
	}
	for _, w := range windows {
		args := []any{w.before, w.from, from, until, int64(q.MinPublishers)}
		conditions := e.match(w.within(m))
		for _, c := range conditions {
			args = append(args, c)
		}
		args = append(args, int64(q.Limit-len(rows)))
		err := s.each(ctx, fmt.Sprintf(`%s%s ORDER BY f.rowid DESC LIMIT $%d`, e.finding(len(conditions)), state, len(args)), args, collectRows(&rows))
		if err != nil {
			return nil, err
		}
		if len(rows) >= q.Limit {
			break
		}
	}
	items, err := s.itemsByRow(ctx, q.WithContent, rows)
	if err != nil {
		return nil, err
	}
	return items, s.complete(ctx, items, listedCovers)
}

// TagCount is a tag, as most items write it, and how many have it.
type TagCount struct {
	Tag string
	N   int
}

// TagKey is the same for tags that are taken for one: those that differ in
// nothing but case and space.
func TagKey(tag string) string { return tagKey(tag) }

const (
	taggedItems = 2000 // of these tags are counted
	taggedDays  = 90 * 24 * time.Hour
)

// Tags are the most used tags, the most used first: those of the newest 2,000 live
// items, as far as they came in within 90 days of the newest.
func (s *Store) Tags(ctx context.Context, limit int) ([]TagCount, error) {
	spellings := map[string]map[string]int{}
	var newest int64
	err := s.reader.each(ctx, `SELECT i.admitted, e.details`+fromItems+`WHERE i.place > 0`+live+` ORDER BY i.place DESC LIMIT $1`,
		[]any{int64(taggedItems)}, func(scan scanner) error {
			var admitted int64
			var d feed.Details
			if err := scan(&admitted, fromJSON{&d}); err != nil {
				return err
			}
			if newest = max(newest, admitted); admitted > newest-taggedDays.Milliseconds() {
				countTags(spellings, d.Categories)
			}
			return nil
		})
	return mostUsed(spellings, limit), err
}

// countTags counts the tags of an item, by their key and how they are spelt.
func countTags(spellings map[string]map[string]int, tags []string) {
	seen := map[string]bool{}
	for _, tag := range tags {
		key := tagKey(tag)
		if key == "" || seen[key] {
			continue
		}
		seen[key] = true
		if spellings[key] == nil {
			spellings[key] = map[string]int{}
		}
		spellings[key][strings.Join(strings.Fields(tag), " ")]++
	}
}

func mostUsed(spellings map[string]map[string]int, limit int) []TagCount {
	all := make([]TagCount, 0, len(spellings))
	for _, spelt := range spellings {
		var best, sum TagCount
		for tag, n := range spelt {
			sum.N += n
			if n > best.N || n == best.N && tag < best.Tag {
				best = TagCount{tag, n}
			}
		}
		all = append(all, TagCount{best.Tag, sum.N})
	}
	slices.SortFunc(all, func(a, b TagCount) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Tag, b.Tag)) })
	return all[:min(limit, len(all))]
}
