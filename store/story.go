package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tributary/feed"
)

// publisher names who brought an entry: the host of its canonical URL without
// what names a part or a variant of a site, or else the source.
func publisher(canonical string, sourceID int64) string {
	_, rest, _ := strings.Cut(canonical, "://")
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, "?")
	if host == "" {
		return fmt.Sprint("source:", sourceID)
	}
	for {
		label, domain, _ := strings.Cut(host, ".")
		if !siteVariants[label] || !strings.Contains(domain, ".") {
			return host
		}
		host = domain
	}
}

var siteVariants = map[string]bool{"www": true, "www1": true, "www2": true, "www3": true, "m": true, "mobile": true,
	"amp": true, "edition": true, "us": true, "uk": true, "international": true}

// live are the items that are shown, of those that have a place.
const live = ` AND i.withdrawn IS NULL AND i.hidden IS NULL`

// withCarriers joins the items of a story with the entries that stand for
// them. A file that was taken out of its folder stands for nothing.
const withCarriers = ` JOIN entry e ON e.item_id = i.id` + standing

const standing = ` AND (e.unlisted IS NULL OR ` + ofFeed + `) `

// countedItems is how many live items of a story are counted, the oldest ones:
// what comes to a story that large costs no more than what comes to a small one.
const countedItems = 500

// founding is a story about to be.
type founding struct {
	item         *feed.Sketch
	was          int64 // the story that the item leaves
	row, updated int64
	founder      string
	live         bool
	publishers   map[string]bool
}

func (f *founding) count() int {
	if !f.live {
		return 0
	}
	return len(f.publishers)
}

// FoundStories gives each item a story of its own, that counts from when the
// item was updated, and sets its StoryRow.
func (t *Tx) FoundStories(ctx context.Context, items []feed.Sketch) error {
	all, err := t.foundings(ctx, items)
	if err != nil {
		return err
	}
	for _, f := range all {
		t.now.story++
		f.row, f.item.StoryRow = t.now.story, t.now.story
	}
	if err := t.insertStories(ctx, all); err != nil {
		return err
	}
	err = t.update(ctx, founded, len(all), func(args []any, i int) ([]any, error) {
		f := all[i]
		return append(args, f.row, f.count(), f.item.ItemRow), nil
	})
	for _, f := range all {
		if err == nil && f.was != 0 {
			err = t.settle(ctx, f.was)
		}
	}
	return t.changedIf(int64(len(all)), err)
}

var founded = newUpdate(`, story_why = ''`, "story_id", "publishers")

// foundings reads what is needed to found the items' stories, in their order.
func (t *Tx) foundings(ctx context.Context, items []feed.Sketch) ([]*founding, error) {
	all, rows, of := make([]*founding, len(items)), make([]int64, len(items)), make(map[int64]*founding, len(items))
	for i := range items {
		rows[i], all[i] = items[i].ItemRow, &founding{item: &items[i], publishers: map[string]bool{}}
		of[rows[i]] = all[i]
	}
	err := t.eachIn(ctx, `SELECT i.id, i.story_id, i.uuid, i.updated, i.withdrawn IS NULL AND i.hidden IS NULL,
		COALESCE(e.canonical, ''), e.source_id FROM item i LEFT`+withCarriers+`WHERE i.id IN (%s)`, nil, rows,
		func(scan scanner) error {
			var row, was, source number
			var f founding
			var canonical string
			if err := scan(&row, &was, &f.founder, &f.updated, (*flag)(&f.live), &canonical, &source); err != nil {
				return err
			}
			g := of[int64(row)]
			g.was, g.founder, g.updated, g.live = int64(was), f.founder, f.updated, f.live
			if source != 0 {
				g.publishers[publisher(canonical, int64(source))] = true
			}
			return nil
		})
	for _, f := range all {
		if err == nil && f.founder == "" {
			err = notFound("item", f.item.ItemRow)
		}
	}
	return all, err
}

var insertStory = newMulti(`INSERT INTO story (id, founder, updated, publishers)`, 4)

// insertStories takes the times for free, as they nearly always are. The few
// stories that don't come in so are put in one by one.
func (t *Tx) insertStories(ctx context.Context, all []*founding) error {
	n, err := t.insertFoundings(ctx, all)
	if err != nil || n == len(all) {
		return err
	}
	there, rows := map[int64]bool{}, make([]int64, len(all))
	for i, f := range all {
		rows[i] = f.row
	}
	if err := t.eachIn(ctx, `SELECT id FROM story WHERE id IN (%s)`, nil, rows, func(scan scanner) error {
		var row int64
		err := scan(&row)
		there[row] = true
		return err
	}); err != nil {
		return err
	}
	for _, f := range all {
		if there[f.row] {
			continue
		}
		if err := t.insertCrowded(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tx) insertFoundings(ctx context.Context, all []*founding) (int, error) {
	for _, f := range all {
		t.stories.take(f.updated)
	}
	return t.insert(ctx, insertStory, len(all), func(args []any, i int) []any {
		f := all[i]
		return append(args, f.row, f.founder, f.updated, f.count())
	})
}

// insertCrowded puts in a story at the next free time. If its founder founded
// another story before, which goes on without it, the new one needs a name of its own.
func (t *Tx) insertCrowded(ctx context.Context, f *founding) (err error) {
	if f.updated, err = t.free(ctx, &t.stories, f.updated); err != nil {
		return err
	}
	n, err := t.insertFoundings(ctx, []*founding{f})
	if err != nil || n == 1 {
		return err
	}
	f.founder = fmt.Sprint(f.founder, "+", f.row)
	_, err = t.insertFoundings(ctx, []*founding{f})
	return err
}

// JoinStory moves an item into a story, from another one if it has one, and has
// both counted anew by the end of the transaction; why is a sentence for people. A story
// that loses its last item is deleted.
func (t *Tx) JoinStory(ctx context.Context, itemRow, storyRow int64, why string, now time.Time) error {
	var was, story, publishers number
	found, err := t.one(ctx, `SELECT i.story_id, s.id, s.publishers FROM item i LEFT JOIN story s ON s.id = $1 WHERE i.id = $2`,
		[]any{storyRow, itemRow}, &was, &story, &publishers)
	switch {
	case err != nil:
		return err
	case !found:
		return notFound("item", itemRow)
	case story == 0:
		return notFound("story", storyRow)
	}
	t.joined[storyRow] = now
	if int64(was) == storyRow {
		return t.changedIf(1, nil)
	}
	if _, err := t.exec(ctx, `UPDATE item SET story_id = $1, story_why = $2, publishers = $3 WHERE id = $4`,
		storyRow, text(why), int64(publishers), itemRow); err != nil {
		return err
	}
	return t.changedIf(1, t.settle(ctx, int64(was)))
}

// countJoined counts the stories that items have joined, once each.
func (t *Tx) countJoined(ctx context.Context) error {
	for _, row := range slices.Sorted(maps.Keys(t.joined)) {
		if _, err := t.RecountStory(ctx, row, t.joined[row]); err != nil {
			return err
		}
	}
	return nil
}

// RecountStory counts the publishers of a story's live items anew, of the oldest
// 500 at most. If there are more than before, it grew: its updated moves to the first time from now on that
// no other story has.
func (t *Tx) RecountStory(ctx context.Context, storyRow int64, now time.Time) (grew bool, err error) {
	delete(t.joined, storyRow)
	was, is, err := t.recount(ctx, storyRow)
	if err != nil || is <= was {
		return false, err
	}
	var updated int64
	if _, err := t.one(ctx, `SELECT updated FROM story WHERE id = $1`, []any{storyRow}, &updated); err != nil {
		return false, err
	}
	at, err := t.free(ctx, &t.stories, max(now.UnixMilli(), updated+1))
	if err != nil {
		return false, err
	}
	_, err = t.exec(ctx, `UPDATE story SET updated = $1 WHERE id = $2`, at, storyRow)
	return true, err
}

// RecountItem is [Tx.RecountStory] for the story of an item, if it has one.
func (t *Tx) RecountItem(ctx context.Context, itemRow int64, now time.Time) error {
	var story number
	if _, err := t.one(ctx, `SELECT story_id FROM item WHERE id = $1`, []any{itemRow}, &story); err != nil || story == 0 {
		return err
	}
	_, err := t.RecountStory(ctx, int64(story), now)
	return err
}

// recount counts a story's publishers, and tells how many there were and are.
func (t *Tx) recount(ctx context.Context, storyRow int64) (was, is int, err error) {
	found, err := t.one(ctx, `SELECT publishers FROM story WHERE id = $1`, []any{storyRow}, &was)
	if err == nil && !found {
		err = notFound("story", storyRow)
	}
	if err != nil {
		return 0, 0, err
	}
	publishers := map[string]bool{}
	err = t.each(ctx, `SELECT e.canonical, e.source_id FROM entry e WHERE e.item_id IN
		(SELECT i.id FROM item i WHERE i.story_id = $1 AND i.place IS NOT NULL`+live+` ORDER BY i.id LIMIT $2)`+standing,
		[]any{storyRow, int64(countedItems)}, func(scan scanner) error {
			var canonical string
			var source int64
			err := scan(&canonical, &source)
			publishers[publisher(canonical, source)] = true
			return err
		})
	if err != nil {
		return 0, 0, err
	}
	if is = len(publishers); is == was {
		return was, is, nil
	}
	if err := t.changedIf(t.exec(ctx, `UPDATE story SET publishers = $1 WHERE id = $2`, is, storyRow)); err != nil {
		return 0, 0, err
	}
	_, err = t.exec(ctx, `UPDATE item SET publishers = $1 WHERE story_id = $2`, is, storyRow)
	return was, is, err
}

// settle recounts a story (0: none) that one of its items left, or whose items came to be
// shown or hidden: no news, so its updated stays. Without any item it is deleted.
func (t *Tx) settle(ctx context.Context, storyRow int64) error {
	if storyRow == 0 {
		return nil
	}
	n, err := t.exec(ctx, `DELETE FROM story WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM item i WHERE i.story_id = $2)`, storyRow, storyRow)
	if n > 0 {
		delete(t.joined, storyRow)
	}
	if _, later := t.joined[storyRow]; later || err != nil || n > 0 {
		return err
	}
	_, _, err = t.recount(ctx, storyRow)
	return err
}

// settleAll settles each story once.
func (t *Tx) settleAll(ctx context.Context, storyRows []int64) error {
	slices.Sort(storyRows)
	for _, row := range slices.Compact(storyRows) {
		if err := t.settle(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

// show runs an update of one item ($1, $2 …) that shows or hides it.
func (t *Tx) show(ctx context.Context, update string, args ...any) error {
	var story number
	found, err := t.one(ctx, update+` RETURNING story_id`, args, &story)
	if err != nil || !found {
		return err
	}
	return t.changedIf(1, t.settle(ctx, int64(story)))
}

// noteMoved remembers that an entry moved from one item (0: none) to another, or
// stands for its item no longer, or again.
func (t *Tx) noteMoved(from, to int64) {
	if from != to {
		t.moved = append(t.moved, from, to)
	}
}

// settleMoved settles the stories of items that entries left or came to. Where
// that is news, [Tx.RecountItem] has said so before.
func (t *Tx) settleMoved(ctx context.Context) error {
	var stories []int64
	err := t.eachIn(ctx, `SELECT story_id FROM item WHERE id IN (%s) AND story_id IS NOT NULL`, nil, t.moved, func(scan scanner) error {
		var row int64
		err := scan(&row)
		stories = append(stories, row)
		return err
	})
	if err != nil {
		return err
	}
	return t.settleAll(ctx, stories)
}
