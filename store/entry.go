package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tributary/feed"
)

// knownColumns are read by scanKnown; e is the entry, s its source.
const knownColumns = `e.id, e.source_id, e.item_id, e.identity_key, e.raw_key, e.url_key, e.content_key, e.shown_key,
	e.canonical, e.decision, s.position, s.priority, e.unlisted IS NULL, s.kind = 'folder', COALESCE(e.published, e.first_seen), e.first_seen`

func scanKnown(scan scanner, k *feed.Known) error {
	return scan(&k.EntryID, &k.SourceID, (*number)(&k.ItemID), &k.Keys.Identity, &k.Keys.Raw, (*number)(&k.Keys.URL),
		(*number)(&k.Keys.Content), &k.Keys.Shown, &k.Canonical, &k.Decision, &k.Position, &k.Priority, (*flag)(&k.Listed), (*flag)(&k.File), (*instant)(&k.When), (*instant)(&k.Seen))
}

// collectKnown gives a row function that appends to all.
func collectKnown(all *[]feed.Known) func(scanner) error {
	return func(scan scanner) error {
		*all = append(*all, feed.Known{})
		return scanKnown(scan, &(*all)[len(*all)-1])
	}
}

const fromKnown = `SELECT ` + knownColumns + ` FROM entry e JOIN source s ON s.id = e.source_id `

// Listed are the entries in the source's current document, oldest first.
func (s *Store) Listed(ctx context.Context, sourceID int64) ([]feed.Known, error) {
	var all []feed.Known
	err := s.reader.each(ctx, fromKnown+`WHERE e.source_id = $1 AND e.unlisted IS NULL ORDER BY e.id`,
		[]any{sourceID}, collectKnown(&all))
	return all, err
}

// ByIdentity are the source's entries with these identity keys, listed or not.
func (s *Store) ByIdentity(ctx context.Context, sourceID int64, identities []int64) ([]feed.Known, error) {
	var all []feed.Known
	err := s.reader.eachIn(ctx, fromKnown+`WHERE e.source_id = $1 AND e.identity_key IN (%s)`,
		[]any{sourceID}, identities, collectKnown(&all))
	return inOrder(all), err
}

// ByRaw are the source's entries with these raw keys, listed or not. It reads
// all keys of the source: it is for folders, and asked when files appear.
func (s *Store) ByRaw(ctx context.Context, sourceID int64, raws []int64) ([]feed.Known, error) {
	var all []feed.Known
	err := s.reader.eachIn(ctx, fromKnown+`WHERE e.source_id = $1 AND e.raw_key IN (%s)`,
		[]any{sourceID}, raws, collectKnown(&all))
	return inOrder(all), err
}

// Copies are the entries of any source that have one of these URL keys, held
// ones too, or one of these content keys and an item, oldest first. A key is 64 bits of a hash: compare
// Canonical where a false match would hurt.
func (t *Tx) Copies(ctx context.Context, urls, contents []int64) ([]feed.Known, error) {
	return t.copiesOf(ctx, urls, contents)
}

// Copies is [Tx.Copies] for those who only look.
func (s *Store) Copies(ctx context.Context, urls, contents []int64) ([]feed.Known, error) {
	return s.reader.copiesOf(ctx, urls, contents)
}

func (s session) copiesOf(ctx context.Context, urls, contents []int64) ([]feed.Known, error) {
	var all []feed.Known
	err := s.eachIn(ctx, fromKnown+`WHERE e.url_key IN (%s)`, nil, urls, collectKnown(&all))
	if err == nil {
		err = s.eachIn(ctx, fromKnown+`WHERE e.content_key IN (%s) AND e.item_id IS NOT NULL`, nil, contents, collectKnown(&all))
	}
	return inOrder(all), err
}

// Supporters are the entries of an item, oldest first.
func (t *Tx) Supporters(ctx context.Context, itemRow int64) ([]feed.Known, error) {
	var all []feed.Known
	err := t.each(ctx, fromKnown+`WHERE e.item_id = $1 ORDER BY e.id`, []any{itemRow}, collectKnown(&all))
	return all, err
}

// inOrder sorts by age and drops what was found twice.
func inOrder(all []feed.Known) []feed.Known {
	slices.SortFunc(all, func(a, b feed.Known) int { return cmp.Compare(a.EntryID, b.EntryID) })
	return slices.CompactFunc(all, func(a, b feed.Known) bool { return a.EntryID == b.EntryID })
}

var insertEntry = newMulti(`INSERT INTO entry (id, source_id, item_id, identity_key, raw_key, url_key, content_key, shown_key,
	decision, published, updated, first_seen, unlisted, canonical, identity, rule, reason, published_from, language,
	url, title, authors, details, summary, content)`, 25)

// InsertEntry is [Tx.InsertEntries] for one.
func (t *Tx) InsertEntry(ctx context.Context, e *feed.Entry) error {
	return t.InsertEntries(ctx, []*feed.Entry{e})
}

// InsertEntries stores new entries and sets their ID. An identity that its
// source has already is a [feed.CodeConflict]. The first entry of an item leads
// it until [Tx.SetLead] says otherwise.
func (t *Tx) InsertEntries(ctx context.Context, entries []*feed.Entry) error {
	for _, e := range entries {
		t.now.entry++
		e.ID = t.now.entry
		if e.Decision.Kind == feed.CopyOf {
			t.touch(e.ItemID)
		}
		t.noteShown(e.SourceID, e.ItemID, e.Decision.Kind == feed.CopyOf)
	}
	n, err := t.insert(ctx, insertEntry, len(entries), func(args []any, i int) []any {
		e := entries[i]
		return append(args, e.ID, e.SourceID, orNull(e.ItemID), e.Keys.Identity, e.Keys.Raw, orNull(e.Keys.URL),
			orNull(e.Keys.Content), e.Keys.Shown, string(e.Decision.Kind), ms(e.Published), ms(e.Updated), e.FirstSeen.UnixMilli(),
			ms(e.Unlisted), text(e.Canonical), text(e.Identity), e.Decision.Rule, text(e.Decision.Reason), e.PublishedFrom,
			text(e.Language), text(e.URL), text(e.Title), authors(e), details(e), text(e.Summary), text(e.Content))
	})
	if err == nil && n < len(entries) {
		t.broken = feed.Errorf(feed.CodeConflict, "%d of %d new entries are known to their source already: "+
			"look for their identities first", len(entries)-n, len(entries))
		return t.broken
	}
	return err
}

// noteShown remembers that an entry of this source is part of the output. The
// first entry of a new item is shown when the item is admitted, a copy at once.
func (t *Tx) noteShown(sourceID, itemRow int64, atOnce bool) {
	if itemRow == 0 {
		return
	}
	t.shown[sourceID] = true
	if atOnce {
		t.now.change = t.was.change + 1
	}
}

func authors(e *feed.Entry) string {
	if len(e.Authors) == 0 {
		return ""
	}
	return asJSON(e.Authors)
}

func details(e *feed.Entry) string {
	d := &e.Details
	if len(d.Categories) == 0 && len(d.Enclosures) == 0 && d.Image == "" && d.Comments == "" &&
		d.Origin == (feed.SourceRef{}) && d.Extra == (feed.Extra{}) && !d.Cut && d.FullText == (feed.FullText{}) {
		return ""
	}
	return asJSON(d)
}

// UpdateEntry stores the text, keys and dates of a known entry anew, and lists
// it. Its source, item, decision and first_seen stay. The change number moves if it
// supports an item; that item's updated does not: see [Tx.TouchItem].
func (t *Tx) UpdateEntry(ctx context.Context, e feed.Entry) error {
	if err := t.touchChanged(ctx, e); err != nil {
		return err
	}
	var source, item number
	found, err := t.one(ctx, `UPDATE entry SET identity_key = $1, raw_key = $2, url_key = $3, content_key = $4, shown_key = $5,
		published = $6, updated = $7, unlisted = NULL, pruned = 0, canonical = $8, identity = $9, published_from = $10,
		language = $11, url = $12, title = $13, authors = $14, details = $15, summary = $16, content = $17
		WHERE id = $18 RETURNING source_id, item_id`,
		[]any{e.Keys.Identity, e.Keys.Raw, orNull(e.Keys.URL), orNull(e.Keys.Content), e.Keys.Shown,
			ms(e.Published), ms(e.Updated), text(e.Canonical), text(e.Identity), e.PublishedFrom, text(e.Language),
			text(e.URL), text(e.Title), authors(&e), details(&e), text(e.Summary), text(e.Content), e.ID},
		&source, &item)
	if err == nil && !found {
		err = notFound("entry", e.ID)
	}
	t.noteShown(int64(source), int64(item), true)
	return err
}

// touchChanged has the entry's item indexed anew if what it is searched by is
// not what is stored.
func (t *Tx) touchChanged(ctx context.Context, e feed.Entry) error {
	var item number
	_, err := t.one(ctx, `SELECT e.item_id FROM entry e WHERE e.id = $1 AND e.item_id IS NOT NULL
		AND (e.title <> $2 OR e.authors <> $3 OR e.details <> $4 OR e.summary <> $5 OR e.content <> $6)`,
		[]any{e.ID, text(e.Title), authors(&e), details(&e), text(e.Summary), text(e.Content)}, &item)
	t.touch(int64(item))
	return err
}

// Unname takes identities from the entries of a source that have them, so that
// others can have them: files change names in any order. The entry must get a
// new one, by [Tx.UpdateEntry], to be found again.
func (t *Tx) Unname(ctx context.Context, sourceID int64, identities []int64) error {
	return t.execIn(ctx, `UPDATE entry SET identity_key = -id WHERE source_id = $1 AND identity_key IN (%s)`,
		[]any{sourceID}, identities)
}

// Unlist marks entries that their source's document does not list any more. A
// file of these does not stand for its publisher any more.
func (t *Tx) Unlist(ctx context.Context, entryIDs []int64, at time.Time) error {
	return t.eachIn(ctx, `UPDATE entry SET unlisted = $1 WHERE id IN (%s) AND unlisted IS NULL
		RETURNING item_id, (SELECT s.kind FROM source s WHERE s.id = entry.source_id)`, []any{ms(at)}, entryIDs, func(scan scanner) error {
		var item number
		var kind feed.SourceKind
		err := scan(&item, &kind)
		if kind == feed.KindFolder {
			t.noteMoved(int64(item), 0)
		}
		return err
	})
}

// Relist marks entries as listed again.
func (t *Tx) Relist(ctx context.Context, entryIDs []int64) error {
	return t.execIn(ctx, `UPDATE entry SET unlisted = NULL WHERE id IN (%s) AND unlisted IS NOT NULL`, nil, entryIDs)
}

// execIn is eachIn for statements without a result.
func (t *Tx) execIn(ctx context.Context, statement string, args []any, keys []int64) error {
	return t.eachIn(ctx, statement, args, keys, func(scanner) error { return nil })
}

// Decide changes what became of an entry; itemRow is 0 for one that supports no item.
func (t *Tx) Decide(ctx context.Context, entryID, itemRow int64, d feed.Decision) error {
	var was, source number
	found, err := t.one(ctx, `SELECT item_id, source_id FROM entry WHERE id = $1`, []any{entryID}, &was, &source)
	if err == nil && !found {
		err = notFound("entry", entryID)
	}
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE entry SET item_id = $1, decision = $2, rule = $3, reason = $4 WHERE id = $5`,
		orNull(itemRow), string(d.Kind), d.Rule, text(d.Reason), entryID)
	t.noteMoved(int64(was), itemRow)
	t.noteShown(int64(source), int64(was), true)
	t.noteShown(int64(source), itemRow, d.Kind == feed.CopyOf)
	return err
}

// entryColumns are read by scanEntry; e is the entry. The text comes last.
const (
	entryHead = `e.id, e.source_id, e.item_id, e.identity_key, e.raw_key, e.url_key, e.content_key, e.shown_key, e.decision,
		e.published, e.updated, e.first_seen, e.unlisted, e.canonical, e.identity, e.rule, e.reason, e.published_from,
		e.language, e.url, e.title, e.authors, e.details, e.summary, `
	entryColumns   = entryHead + `e.content`
	entryNoContent = entryHead + `''`
)

// entryFields are where entryColumns are read into.
func entryFields(e *feed.Entry) []any {
	return []any{&e.ID, &e.SourceID, (*number)(&e.ItemID), &e.Keys.Identity, &e.Keys.Raw, (*number)(&e.Keys.URL),
		(*number)(&e.Keys.Content), &e.Keys.Shown, &e.Decision.Kind, (*instant)(&e.Published), (*instant)(&e.Updated),
		(*instant)(&e.FirstSeen), (*instant)(&e.Unlisted), &e.Canonical, &e.Identity, &e.Decision.Rule, &e.Decision.Reason,
		&e.PublishedFrom, &e.Language, &e.URL, &e.Title, fromJSON{&e.Authors}, fromJSON{&e.Details}, &e.Summary, &e.Content}
}

// Entries are all entries of an item, oldest first.
func (s *Store) Entries(ctx context.Context, itemRow int64) ([]feed.Entry, error) {
	return s.entries(ctx, `SELECT `+entryColumns+` FROM entry e WHERE e.item_id = $1 ORDER BY e.id`, itemRow)
}

// Held are the newest entries that are held, newest first.
func (s *Store) Held(ctx context.Context, limit int) ([]feed.Entry, error) {
	return s.entries(ctx, `SELECT `+entryColumns+` FROM entry e WHERE e.decision = 'held' ORDER BY e.id DESC LIMIT $1`, int64(limit))
}

func (s *Store) entries(ctx context.Context, query string, args ...any) ([]feed.Entry, error) {
	var all []feed.Entry
	err := s.reader.each(ctx, query, args, collectEntries(&all))
	return all, err
}

// collectEntries gives a row function that appends to all.
func collectEntries(all *[]feed.Entry) func(scanner) error {
	return func(scan scanner) error {
		*all = append(*all, feed.Entry{})
		return scan(entryFields(&(*all)[len(*all)-1])...)
	}
}
