package store

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"tributary/feed"
)

var insertItem = newMulti(`INSERT INTO item (id, uuid, published, updated, run)`, 5)

// InsertItem is [Tx.InsertItems] for one.
func (t *Tx) InsertItem(ctx context.Context, item *feed.Item, run string) error {
	return t.InsertItems(ctx, []*feed.Item{item}, run)
}

// InsertItems stores items by their ID, Published and Updated, and sets their
// RowID. They wait for admission, as what this run brought. Where an ID is known
// already, the item there is given instead (its row, place, dates and state), so
// that an article whose entry was lost comes back as itself.
func (t *Tx) InsertItems(ctx context.Context, items []*feed.Item, run string) error {
	for _, it := range items {
		t.now.item++
		it.RowID, it.Place = t.now.item, 0
	}
	n, err := t.insert(ctx, insertItem, len(items), func(args []any, i int) []any {
		it := items[i]
		return append(args, it.RowID, it.ID, it.Published.UnixMilli(), it.Updated.UnixMilli(), run)
	})
	if err != nil || n == len(items) {
		return err
	}
	for _, it := range items {
		if err := t.readItem(ctx, it); err != nil {
			return err
		}
		if it.Place != 0 {
			t.touch(it.RowID)
		}
	}
	return nil
}

// itemColumns are read by itemFields; i is the item.
const itemColumns = `i.id, i.uuid, i.place, i.published, i.updated, i.admitted, i.withdrawn, i.hidden, i.story_id, i.publishers,
	i.story_why, COALESCE((SELECT m.uuid FROM item m WHERE m.id = i.merged_into), ''),
	COALESCE((SELECT f.founder FROM story f WHERE f.id = i.story_id), '')`

// readItem reads the row that has the item's ID.
func (t *Tx) readItem(ctx context.Context, it *feed.Item) error {
	var hidden instant
	_, err := t.one(ctx, `SELECT `+itemColumns+` FROM item i WHERE i.uuid = $1`, []any{it.ID}, itemFields(it, &hidden)...)
	it.Hidden = !time.Time(hidden).IsZero()
	return err
}

func itemFields(it *feed.Item, hidden *instant) []any {
	return []any{&it.RowID, &it.ID, (*number)(&it.Place), (*instant)(&it.Published), (*instant)(&it.Updated),
		(*instant)(&it.Admitted), (*instant)(&it.Withdrawn), hidden,
		(*number)(&it.StoryRow), &it.Publishers, &it.StoryWhy, &it.MergedID, &it.Founder}
}

// SetLead makes an entry of the item give its text. 0 leaves it to its oldest entry.
func (t *Tx) SetLead(ctx context.Context, itemRow, entryID int64) error {
	t.touch(itemRow)
	n, err := t.exec(ctx, `UPDATE item SET lead_id = $1 WHERE id = $2`, orNull(entryID), itemRow)
	return t.changedIf(n, mustTouch("item", itemRow, n, err))
}

// Refound gives an item that waits for admission another founder: the ID and
// dates of it, and the entry as its lead. It tells whether that was done: not for an
// item (by RowID) that was admitted, nor for an ID that another item has.
func (t *Tx) Refound(ctx context.Context, it feed.Item, entryID int64) (done bool, err error) {
	n, err := t.exec(ctx, `UPDATE item SET uuid = $1, published = $2, updated = $3, lead_id = $4 WHERE id = $5 AND place IS NULL
		AND NOT EXISTS (SELECT 1 FROM item o WHERE o.uuid = $6 AND o.id <> $7)`,
		it.ID, it.Published.UnixMilli(), it.Updated.UnixMilli(), entryID, it.RowID, it.ID, it.RowID)
	return n > 0, err
}

// Waiting tells whether an item waits for its admission: nobody has seen it.
func (t *Tx) Waiting(ctx context.Context, itemRow int64) (bool, error) {
	var place number
	found, err := t.one(ctx, `SELECT place FROM item WHERE id = $1`, []any{itemRow}, &place)
	return found && place == 0, err
}

// TouchItem moves the item's updated to the first time from updated on that no
// other item has: always onwards, whoever's clock it is.
func (t *Tx) TouchItem(ctx context.Context, itemRow int64, updated time.Time) error {
	var was int64
	if _, err := t.one(ctx, `SELECT updated FROM item WHERE id = $1`, []any{itemRow}, &was); err != nil {
		return err
	}
	at, err := t.free(ctx, &t.items, max(updated.UnixMilli(), was+1))
	if err != nil {
		return err
	}
	n, err := t.exec(ctx, `UPDATE item SET updated = $1 WHERE id = $2`, at, itemRow)
	return t.changedIf(n, mustTouch("item", itemRow, n, err))
}

// Withdraw takes an item out of the output; it keeps its id and place.
func (t *Tx) Withdraw(ctx context.Context, itemRow int64, at time.Time) error {
	return t.show(ctx, `UPDATE item SET withdrawn = $1 WHERE id = $2 AND withdrawn IS NULL`, ms(at), itemRow)
}

// Restore brings a withdrawn item back to its place. One that was merged into
// another stays away: see [Tx.Unmerge]. What it stands on is counted at the end of the
// transaction, for the file that brings it back may be listed again only then.
func (t *Tx) Restore(ctx context.Context, itemRow int64) error {
	t.noteMoved(itemRow, 0)
	return t.show(ctx, `UPDATE item SET withdrawn = NULL WHERE id = $1 AND withdrawn IS NOT NULL AND merged_into IS NULL`, itemRow)
}

// Hide hides an item from the output, or shows it again. id as for [Store.Item].
func (s *Store) Hide(ctx context.Context, id string, hidden bool, now time.Time) error {
	it, err := s.Item(ctx, id)
	if err != nil {
		return err
	}
	return s.Write(ctx, func(t *Tx) error {
		if hidden {
			return t.show(ctx, `UPDATE item SET hidden = $1 WHERE id = $2 AND hidden IS NULL`, ms(now), it.RowID)
		}
		return t.show(ctx, `UPDATE item SET hidden = NULL WHERE id = $1 AND hidden IS NOT NULL`, it.RowID)
	})
}

// fromItems reads whole items: the item, its leading entry. The last column
// tells about content. An item that was merged away has no entry of its own, and shows
// that of the other.
const fromItems = ` FROM item i JOIN entry e ON e.id =
	COALESCE(i.lead_id, (SELECT MIN(o.id) FROM entry o WHERE o.item_id = i.id),
		(SELECT l.lead_id FROM item l WHERE l.id = i.merged_into), (SELECT MIN(o.id) FROM entry o WHERE o.item_id = i.merged_into)) `

const (
	wholeItems = `SELECT ` + itemColumns + `, ` + entryColumns + fromItems
	shortItems = `SELECT ` + itemColumns + `, ` + entryNoContent + fromItems
)

// listedCovers is how much coverage lists give of each item.
const listedCovers = 5

// Item finds an item in any state by its UUID, with or without "urn:uuid:", or
// by the first 6 characters of it or more.
func (s *Store) Item(ctx context.Context, id string) (feed.Item, error) {
	prefix := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(id)), "urn:uuid:")
	switch {
	case strings.Trim(prefix, "0123456789abcdef-") != "":
		return feed.Item{}, feed.Errorf(feed.CodeNotFound, "there is no item %q: an item's id looks like 1f0c37b2-…", id)
	case len(prefix) < 6:
		return feed.Item{}, feed.Errorf(feed.CodeInvalid, "%q is too short for an item's id: give 6 characters or more", id)
	}
	var found []feed.Item
	err := s.snapshot(ctx, func(v session) (err error) {
		// 'g' follows whatever an id can go on with.
		found, err = v.items(ctx, storyItems, wholeItems+`WHERE i.uuid >= $1 AND i.uuid < $2 ORDER BY i.uuid LIMIT 2`, prefix, prefix+"g")
		return err
	})
	switch {
	case err != nil:
		return feed.Item{}, err
	case len(found) == 0:
		return feed.Item{}, feed.Errorf(feed.CodeNotFound, "there is no item %s: `tributary item list` shows what there is", id)
	case len(found) > 1:
		return feed.Item{}, feed.Errorf(feed.CodeInvalid, "several items begin with %s (%s, %s …): give more of the id",
			id, found[0].ID, found[1].ID)
	}
	return found[0], nil
}

// Query asks for a part of the admitted items.
type Query struct {
	Limit       int       // 0: 50
	Before      int64     // only places before this one; 0: from the newest
	Text        string    // words, all of which the item must have; "phrases"; -without; "": any
	Source      string    // slug of a source that has an entry of the item; "": all
	Tag         string    // a category of the leading entry, in whatever case; "": any
	From, Until time.Time // published from the one on, before the other; zero: no bound
	State       string    // "live" (the default), "withdrawn", "hidden", "all"
	WithContent bool      // else Entry.Content is empty

	MinPublishers int // only items of stories that so many different publishers carry; 0: all
}

var itemStates = map[string]string{
	"":          ` AND i.withdrawn IS NULL AND i.hidden IS NULL`,
	"live":      ` AND i.withdrawn IS NULL AND i.hidden IS NULL`,
	"withdrawn": ` AND i.withdrawn IS NOT NULL`,
	"hidden":    ` AND i.hidden IS NOT NULL`,
	"all":       ``,
}

// Items are items that were admitted, newest place first.
func (s *Store) Items(ctx context.Context, q Query) ([]feed.Item, error) {
	state, ok := itemStates[q.State]
	if !ok {
		return nil, feed.Errorf(feed.CodeInvalid, "there is no state %q: ask for live, withdrawn, hidden or all", q.State)
	}
	if q.Limit <= 0 {
		q.Limit = 50
	}
	var all []feed.Item
	err := s.snapshot(ctx, func(v session) (err error) {
		var last int64
		if _, err := v.one(ctx, `SELECT last_place FROM meta WHERE one = 1`, nil, &last); err != nil {
			return err
		}
		if q.Before <= 0 || q.Before > last {
			q.Before = last + 1
		}
		if q.filtered() {
			all, err = v.search(ctx, q, state)
			return err
		}
		if q.MinPublishers >= 2 {
			all, err = v.carried(ctx, q, state)
			return err
		}
		query := shortItems
		if q.WithContent {
			query = wholeItems
		}
		all, err = v.items(ctx, listedCovers, query+`WHERE i.place < $1`+state+` ORDER BY i.place DESC LIMIT $2`, q.Before, int64(q.Limit))
		return err
	})
	return all, err
}

// carried are items of stories with enough publishers. The newest of each level
// are looked at, as far as they are newer than the oldest that is wanted.
func (s session) carried(ctx context.Context, q Query, state string) ([]feed.Item, error) {
	levels, err := s.levels(ctx, q.MinPublishers)
	if err != nil {
		return nil, err
	}
	var all []member
	for _, n := range levels {
		oldest := int64(0)
		if len(all) >= q.Limit {
			oldest = all[q.Limit-1].place
		}
		err := s.each(ctx, `SELECT i.id, i.place FROM item i WHERE i.publishers >= 2 AND i.publishers = $1 AND i.place < $2 AND i.place > $3`+state+`
			ORDER BY i.place DESC LIMIT $4`, []any{n, q.Before, oldest, int64(q.Limit)}, func(scan scanner) error {
			var m member
			err := scan(&m.row, &m.place)
			all = append(all, m)
			return err
		})
		if err != nil {
			return nil, err
		}
		slices.SortFunc(all, func(a, b member) int { return cmp.Compare(b.place, a.place) })
	}
	rows := make([]int64, min(len(all), q.Limit))
	for i := range rows {
		rows[i] = all[i].row
	}
	items, err := s.itemsByRow(ctx, q.WithContent, rows)
	if err != nil {
		return nil, err
	}
	return items, s.complete(ctx, items, listedCovers)
}

// items reads items with all that belongs to them, and so much of their coverage.
func (s session) items(ctx context.Context, named int, query string, args ...any) ([]feed.Item, error) {
	var all []feed.Item
	if err := s.each(ctx, query, args, collectItems(&all)); err != nil {
		return nil, err
	}
	return all, s.complete(ctx, all, named)
}

// collectItems gives a row function that appends to all.
func collectItems(all *[]feed.Item) func(scanner) error {
	return func(scan scanner) error {
		*all = append(*all, feed.Item{})
		it := &(*all)[len(*all)-1]
		var hidden instant
		err := scan(append(itemFields(it, &hidden), entryFields(&it.Entry)...)...)
		it.Hidden = !time.Time(hidden).IsZero()
		return err
	}
}

// complete fills in what belongs to items: their sources, copies and coverage,
// of which at most so much is named.
func (s session) complete(ctx context.Context, items []feed.Item, named int) error {
	copies, err := s.copies(ctx, items)
	if err != nil {
		return err
	}
	covering, err := s.coverage(ctx, items, named)
	if err != nil {
		return err
	}
	var ids []int64
	for _, it := range items {
		ids = append(ids, it.Entry.SourceID)
		for _, c := range copies[it.RowID] {
			ids = append(ids, c.sourceID)
		}
	}
	for _, c := range covering.covers {
		ids = append(ids, c.sourceID)
	}
	sources, err := s.sourcesByID(ctx, ids)
	for i := range items {
		items[i].Source = sources[items[i].Entry.SourceID]
		addCopies(&items[i], copies[items[i].RowID], sources)
		addCoverage(&items[i], covering, named, sources)
	}
	return err
}

// copyRow is an entry of an item that doesn't lead it.
type copyRow struct {
	sourceID int64
	unlisted bool
	feed.Copy
}

// copies are the other entries of items, by item row, oldest first.
func (s session) copies(ctx context.Context, items []feed.Item) (map[int64][]copyRow, error) {
	leads, rows := map[int64]bool{}, make([]int64, 0, len(items))
	for _, it := range items {
		leads[it.Entry.ID] = true
		rows = append(rows, it.RowID)
	}
	found := map[int64][]copyRow{}
	err := s.eachIn(ctx, `SELECT e.item_id, e.id, e.source_id, e.unlisted IS NOT NULL, e.url, e.title FROM entry e
		WHERE e.item_id IN (%s) ORDER BY e.item_id, e.id`, nil, rows, func(scan scanner) error {
		var item, id int64
		var c copyRow
		err := scan(&item, &id, &c.sourceID, (*flag)(&c.unlisted), &c.URL, &c.Title)
		if !leads[id] {
			found[item] = append(found[item], c)
		}
		return err
	})
	return found, err
}

func (s session) sourcesByID(ctx context.Context, ids []int64) (map[int64]feed.Source, error) {
	sources := map[int64]feed.Source{}
	err := s.eachIn(ctx, `SELECT `+sourceColumns+` FROM source s WHERE s.id IN (%s)`, nil, ids, func(scan scanner) error {
		var src feed.Source
		err := scanSource(scan, &src)
		sources[src.ID] = src
		return err
	})
	return sources, err
}

// addCopies fills in an item's copies. Files that are gone are none.
func addCopies(it *feed.Item, copies []copyRow, sources map[int64]feed.Source) {
	for _, c := range copies {
		src := sources[c.sourceID]
		if c.unlisted && src.Kind == feed.KindFolder {
			continue // a file that was taken out of its folder
		}
		c.Source, c.Private = src.Title(), secret(src, c.URL)
		it.Copies = append(it.Copies, c.Copy)
	}
}

// addCoverage fills in how an item's story is covered.
func addCoverage(it *feed.Item, c coverage, named int, sources map[int64]feed.Source) {
	others := c.others(*it)
	it.Covered = len(others)
	for _, m := range others[:min(named, len(others))] {
		r := c.covers[m.row]
		src := sources[r.sourceID]
		r.Source, r.Private = src.Title(), secret(src, r.URL)
		it.Coverage = append(it.Coverage, r.Cover)
	}
}

// secret tells whether an address of a source is not for the public.
func secret(src feed.Source, address string) bool {
	return src.Private || src.HasSecrets() || hasUser(address)
}

// hasUser tells whether an address has user info (RFC 3986, 3.2.1).
func hasUser(address string) bool {
	if !strings.Contains(address, "@") {
		return false
	}
	u, err := url.Parse(address)
	return err != nil || u.User != nil
}
