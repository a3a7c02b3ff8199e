package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tributary/feed"
)

// StoryQuery asks for a part of the stories.
type StoryQuery struct {
	Limit         int       // 0: 50
	MinPublishers int       // only stories with so many; 0: 1
	Before        time.Time // only stories whose Updated is before it; zero: from the newest
	WithContent   bool      // else Entry.Content of the leading items is empty; that of others always is
}

// storyItems is the most items of a story that are given.
const storyItems = 50

// Stories are those with a live item, the newest Updated first. Each comes with
// the item that it began with, or if that is not shown its oldest, and then up to
// 49 others, the newest place first.
func (s *Store) Stories(ctx context.Context, q StoryQuery) ([]feed.Story, error) {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	before := int64(forever)
	if !q.Before.IsZero() {
		before = q.Before.UnixMilli()
	}
	var all []feed.Story
	err := s.snapshot(ctx, func(v session) (err error) {
		if all, err = v.storiesBefore(ctx, before, q.MinPublishers, q.Limit); err != nil {
			return err
		}
		return v.addItems(ctx, all, q.WithContent)
	})
	return all, err
}

// StoryOf is the story with this row (see feed.Item.StoryRow), with the content
// of its leading item. Its Items are those of [Store.Stories]; there may be none.
func (s *Store) StoryOf(ctx context.Context, row int64) (feed.Story, error) {
	var all []feed.Story
	err := s.snapshot(ctx, func(v session) error {
		err := v.each(ctx, `SELECT `+storyColumns+` FROM story WHERE id = $1`, []any{row}, collectStories(&all))
		if err == nil && len(all) == 0 {
			err = notFound("story", row)
		}
		if err != nil {
			return err
		}
		return v.addItems(ctx, all, true)
	})
	if err != nil {
		return feed.Story{}, err
	}
	return all[0], nil
}

const storyColumns = `id, founder, updated, publishers`

func collectStories(all *[]feed.Story) func(scanner) error {
	return func(scan scanner) error {
		var st feed.Story
		err := scan(&st.RowID, &st.Founder, (*instant)(&st.Updated), &st.Publishers)
		*all = append(*all, st)
		return err
	}
}

// storiesBefore are stories without their items.
func (s session) storiesBefore(ctx context.Context, before int64, publishers, limit int) ([]feed.Story, error) {
	var all []feed.Story
	if publishers < 2 {
		return all, s.each(ctx, `SELECT `+storyColumns+` FROM story WHERE updated < $1 AND publishers >= 1 ORDER BY updated DESC LIMIT $2`,
			[]any{before, int64(limit)}, collectStories(&all))
	}
	levels, err := s.levels(ctx, publishers)
	for _, n := range levels {
		if err == nil {
			err = s.each(ctx, `SELECT `+storyColumns+` FROM story WHERE publishers >= 2 AND publishers = $1 AND updated < $2
				ORDER BY updated DESC LIMIT $3`, []any{n, before, int64(limit)}, collectStories(&all))
		}
	}
	slices.SortFunc(all, func(a, b feed.Story) int { return b.Updated.Compare(a.Updated) })
	return all[:min(limit, len(all))], err
}

// levels are the numbers of publishers, from one on (2 at least), that some
// story has. They are a few dozens however many stories there are, so that the newest of
// all with so many or more are found by looking at the newest of each level: an
// index gives the order within a level only.
func (s session) levels(ctx context.Context, from int) ([]int64, error) {
	var all []int64
	err := s.each(ctx, `WITH RECURSIVE level (n) AS (
		SELECT MIN(s.publishers) FROM story s WHERE s.publishers >= 2 AND s.publishers >= $1
		UNION ALL SELECT (SELECT MIN(s.publishers) FROM story s WHERE s.publishers >= 2 AND s.publishers > level.n)
			FROM level WHERE level.n IS NOT NULL)
		SELECT n FROM level WHERE n IS NOT NULL`, []any{int64(from)}, func(scan scanner) error {
		var n int64
		err := scan(&n)
		all = append(all, n)
		return err
	})
	return all, err
}

// member is a live item of a story.
type member struct {
	row, place int64
	uuid       string
}

// members are the live items of stories, by story, newest place first.
func (s session) members(ctx context.Context, stories []int64) (map[int64][]member, error) {
	found := map[int64][]member{}
	err := s.eachIn(ctx, `SELECT i.story_id, i.id, i.place, i.uuid FROM item i WHERE i.story_id IN (%s) AND i.place IS NOT NULL`+live,
		nil, stories, func(scan scanner) error {
			var story int64
			var m member
			err := scan(&story, &m.row, &m.place, &m.uuid)
			found[story] = append(found[story], m)
			return err
		})
	for _, all := range found {
		slices.SortFunc(all, func(a, b member) int { return cmp.Compare(b.place, a.place) })
	}
	return found, err
}

// addItems fills in the stories' items.
func (s session) addItems(ctx context.Context, stories []feed.Story, withContent bool) error {
	rows := make([]int64, len(stories))
	for i, st := range stories {
		rows[i] = st.RowID
	}
	members, err := s.members(ctx, rows)
	if err != nil {
		return err
	}
	var first, rest []int64
	for _, st := range stories {
		if all := leadingFirst(members[st.RowID], st.Founder); len(all) > 0 {
			first = append(first, all[0].row)
			for _, m := range all[1:min(len(all), storyItems)] {
				rest = append(rest, m.row)
			}
		}
	}
	items, err := s.itemsByRow(ctx, withContent, first)
	if err != nil {
		return err
	}
	others, err := s.itemsByRow(ctx, false, rest)
	if err != nil {
		return err
	}
	items = append(items, others...)
	if err := s.complete(ctx, items, 0); err != nil {
		return err
	}
	of := map[int64][]feed.Item{}
	for _, it := range items {
		of[it.StoryRow] = append(of[it.StoryRow], it)
	}
	for i := range stories {
		stories[i].Items = of[stories[i].RowID]
	}
	return nil
}

// leadingFirst puts the founder of a story first, or its oldest item if that is not there.
func leadingFirst(all []member, founder string) []member {
	if len(all) == 0 {
		return nil
	}
	lead := slices.IndexFunc(all, func(m member) bool { return m.uuid == founder })
	if lead < 0 {
		lead = len(all) - 1
	}
	first := all[lead]
	return slices.Insert(slices.Delete(all, lead, lead+1), 0, first)
}

// itemsByRow are items by their rows, newest place first, without what belongs to them.
func (s session) itemsByRow(ctx context.Context, withContent bool, rows []int64) ([]feed.Item, error) {
	query := shortItems
	if withContent {
		query = wholeItems
	}
	var all []feed.Item
	err := s.eachIn(ctx, query+`WHERE i.id IN (%s)`, nil, rows, collectItems(&all))
	slices.SortFunc(all, func(a, b feed.Item) int { return cmp.Compare(b.Place, a.Place) })
	return all, err
}

// coverRow is an item of a story, as it is named with the others.
type coverRow struct {
	sourceID int64
	feed.Cover
}

// coverage is what the stories of some items hold.
type coverage struct {
	members map[int64][]member // by story
	covers  map[int64]coverRow // by item; those that are named
}

// others are the live items of an item's story but itself.
func (c coverage) others(it feed.Item) []member {
	return slices.DeleteFunc(slices.Clone(c.members[it.StoryRow]), func(m member) bool { return m.row == it.RowID })
}

// coverage reads the stories of items, of which at most so many are to be named.
func (s session) coverage(ctx context.Context, items []feed.Item, named int) (c coverage, err error) {
	if named == 0 {
		return coverage{}, nil
	}
	var stories, rows []int64
	for _, it := range items {
		stories = append(stories, it.StoryRow)
	}
	if c.members, err = s.members(ctx, stories); err != nil {
		return c, err
	}
	for _, it := range items {
		others := c.others(it)
		for _, m := range others[:min(named, len(others))] {
			rows = append(rows, m.row)
		}
	}
	c.covers = map[int64]coverRow{}
	err = s.eachIn(ctx, `SELECT i.id, i.uuid, i.published, e.source_id, e.url, e.title`+fromItems+`WHERE i.id IN (%s)`, nil, rows,
		func(scan scanner) error {
			var row int64
			var r coverRow
			err := scan(&row, &r.ID, (*instant)(&r.Published), &r.sourceID, &r.URL, &r.Title)
			c.covers[row] = r
			return err
		})
	return c, err
}
