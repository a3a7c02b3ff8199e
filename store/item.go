package store

import (
	"context"
	"fmt"
	"net/url"
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
	}
	return nil
}

// itemColumns are read by itemFields; i is the item.
const itemColumns = `i.id, i.uuid, i.place, i.published, i.updated, i.admitted, i.withdrawn, i.hidden`

// readItem reads the row that has the item's ID.
func (t *Tx) readItem(ctx context.Context, it *feed.Item) error {
	var hidden instant
	_, err := t.one(ctx, `SELECT `+itemColumns+` FROM item i WHERE i.uuid = $1`, []any{it.ID}, itemFields(it, &hidden)...)
	it.Hidden = !time.Time(hidden).IsZero()
	return err
}

func itemFields(it *feed.Item, hidden *instant) []any {
	return []any{&it.RowID, &it.ID, (*number)(&it.Place), (*instant)(&it.Published), (*instant)(&it.Updated),
		(*instant)(&it.Admitted), (*instant)(&it.Withdrawn), hidden}
}

// SetLead makes an entry of the item give its text. 0 leaves it to its oldest entry.
func (t *Tx) SetLead(ctx context.Context, itemRow, entryID int64) error {
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

// TouchItem moves the item's updated to the first time from updated on that no
// other item has.
func (t *Tx) TouchItem(ctx context.Context, itemRow int64, updated time.Time) error {
	at, err := t.free(ctx, updated.UnixMilli())
	if err != nil {
		return err
	}
	n, err := t.exec(ctx, `UPDATE item SET updated = $1 WHERE id = $2`, at, itemRow)
	return t.changedIf(n, mustTouch("item", itemRow, n, err))
}

// Withdraw takes an item out of the output; it keeps its id and place.
func (t *Tx) Withdraw(ctx context.Context, itemRow int64, at time.Time) error {
	return t.changedIf(t.exec(ctx, `UPDATE item SET withdrawn = $1 WHERE id = $2 AND withdrawn IS NULL`, ms(at), itemRow))
}

// Restore brings a withdrawn item back to its place.
func (t *Tx) Restore(ctx context.Context, itemRow int64) error {
	return t.changedIf(t.exec(ctx, `UPDATE item SET withdrawn = NULL WHERE id = $1 AND withdrawn IS NOT NULL`, itemRow))
}

// Hide hides an item from the output, or shows it again. id as for [Store.Item].
func (s *Store) Hide(ctx context.Context, id string, hidden bool, now time.Time) error {
	it, err := s.Item(ctx, id)
	if err != nil {
		return err
	}
	return s.Write(ctx, func(t *Tx) error {
		if hidden {
			return t.changedIf(t.exec(ctx, `UPDATE item SET hidden = $1 WHERE id = $2 AND hidden IS NULL`, ms(now), it.RowID))
		}
		return t.changedIf(t.exec(ctx, `UPDATE item SET hidden = NULL WHERE id = $1 AND hidden IS NOT NULL`, it.RowID))
	})
}

// fromItems reads whole items: the item, its leading entry. The last column
// tells about content.
const fromItems = ` FROM item i JOIN entry e ON e.id =
	COALESCE(i.lead_id, (SELECT MIN(o.id) FROM entry o WHERE o.item_id = i.id)) `

const (
	wholeItems = `SELECT ` + itemColumns + `, ` + entryColumns + fromItems
	shortItems = `SELECT ` + itemColumns + `, ` + entryNoContent + fromItems
)

// Window are the live items that no closed archive holds, newest place first.
// Archives close in blocks of 50; from the 51st item on the window has 51 to 100 places.
func (s *Store) Window(ctx context.Context) ([]feed.Item, error) {
	var all []feed.Item
	err := s.snapshot(ctx, func(v session) error {
		var last int64
		if _, err := v.one(ctx, `SELECT last_place FROM meta WHERE one = 1`, nil, &last); err != nil {
			return err
		}
		closed := 50 * max(0, (last-51)/50)
		var err error
		all, err = v.items(ctx, wholeItems+`WHERE i.place > $1 AND i.withdrawn IS NULL AND i.hidden IS NULL
			ORDER BY i.place DESC`, closed)
		return err
	})
	return all, err
}

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
		found, err = v.items(ctx, wholeItems+`WHERE i.uuid >= $1 AND i.uuid < $2 ORDER BY i.uuid LIMIT 2`, prefix, prefix+"g")
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
	Limit       int    // 0: 50
	Before      int64  // only places before this one; 0: from the newest
	Source      string // slug of the leading entry's source; "": all
	State       string // "live" (the default), "withdrawn", "hidden", "all"
	WithContent bool   // else Entry.Content is empty
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
	if q.Before <= 0 {
		q.Before = forever
	}
	query, args := shortItems, []any{q.Before}
	if q.WithContent {
		query = wholeItems
	}
	query += `WHERE i.place < $1` + state
	if q.Source != "" {
		args = append(args, q.Source)
		query += ` AND e.source_id IN (SELECT s.id FROM source s WHERE s.removed IS NULL AND s.slug = $2)`
	}
	args = append(args, int64(q.Limit))
	query += fmt.Sprintf(` ORDER BY i.place DESC LIMIT $%d`, len(args))
	var all []feed.Item
	err := s.snapshot(ctx, func(v session) (err error) {
		all, err = v.items(ctx, query, args...)
		return err
	})
	return all, err
}

// items reads items with all that belongs to them.
func (s session) items(ctx context.Context, query string, args ...any) ([]feed.Item, error) {
	var all []feed.Item
	err := s.each(ctx, query, args, func(scan scanner) error {
		all = append(all, feed.Item{})
		it := &all[len(all)-1]
		var hidden instant
		err := scan(append(itemFields(it, &hidden), entryFields(&it.Entry)...)...)
		it.Hidden = !time.Time(hidden).IsZero()
		return err
	})
	if err != nil {
		return nil, err
	}
	copies, err := s.copies(ctx, all)
	if err != nil {
		return nil, err
	}
	return all, s.addSources(ctx, all, copies)
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

// addSources fills in the items' sources and copies. Files that are gone are no copies.
func (s session) addSources(ctx context.Context, items []feed.Item, copies map[int64][]copyRow) error {
	var ids []int64
	for _, it := range items {
		ids = append(ids, it.Entry.SourceID)
		for _, c := range copies[it.RowID] {
			ids = append(ids, c.sourceID)
		}
	}
	sources := map[int64]feed.Source{}
	err := s.eachIn(ctx, `SELECT `+sourceColumns+` FROM source s WHERE s.id IN (%s)`, nil, ids, func(scan scanner) error {
		var src feed.Source
		err := scanSource(scan, &src)
		sources[src.ID] = src
		return err
	})
	for i := range items {
		items[i].Source = sources[items[i].Entry.SourceID]
		for _, c := range copies[items[i].RowID] {
			src := sources[c.sourceID]
			if c.unlisted && src.Kind == feed.KindFolder {
				continue // a file that was taken out of its folder
			}
			c.Source = src.Title()
			c.Private = src.Private || src.HasSecrets() || hasUser(c.URL)
			items[i].Copies = append(items[i].Copies, c.Copy)
		}
	}
	return err
}

// hasUser tells whether an address has user info (RFC 3986, 3.2.1).
func hasUser(address string) bool {
	if !strings.Contains(address, "@") {
		return false
	}
	u, err := url.Parse(address)
	return err != nil || u.User != nil
}
