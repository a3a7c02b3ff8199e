package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tributary/feed"
)

// profilesKept is how many versions of the profile are kept.
const profilesKept = 20

// SaveProfile stores a profile as the next version and gives it back with that
// number. The newest 20 are kept. A version never changes, and its number is not given again.
func (t *Tx) SaveProfile(ctx context.Context, p feed.Profile) (feed.Profile, error) {
	if _, err := t.one(ctx, `SELECT version FROM profile ORDER BY version DESC LIMIT 1`, nil, &p.Version); err != nil {
		return feed.Profile{}, err
	}
	p.Version++
	data, err := pack(p.Data)
	if err != nil {
		return feed.Profile{}, err
	}
	if _, err := t.exec(ctx, `INSERT INTO profile (version, made, learned_from, data) VALUES ($1, $2, $3, $4)`,
		p.Version, p.Made.UnixMilli(), text(p.From), data); err != nil {
		return feed.Profile{}, err
	}
	_, err = t.exec(ctx, `DELETE FROM profile WHERE version <= $1`, p.Version-profilesKept)
	return p, t.changedIf(1, err)
}

// Profile is the newest profile; its Version is 0 if there is none.
func (s *Store) Profile(ctx context.Context) (feed.Profile, error) {
	var p feed.Profile
	var data []byte
	found, err := s.reader.one(ctx, `SELECT version, made, learned_from, data FROM profile ORDER BY version DESC LIMIT 1`, nil,
		&p.Version, (*instant)(&p.Made), &p.From, &data)
	if err != nil || !found {
		return feed.Profile{}, err
	}
	p.Data, err = unpack(data)
	return p, err
}

// ProfileHead is [Store.Profile] without Data.
func (s *Store) ProfileHead(ctx context.Context) (feed.Profile, error) {
	var p feed.Profile
	_, err := s.reader.one(ctx, `SELECT version, made, learned_from FROM profile ORDER BY version DESC LIMIT 1`, nil,
		&p.Version, (*instant)(&p.Made), &p.From)
	return p, err
}

// SeedEntries are what the folders hold now, whole, oldest first, whatever
// became of it.
func (s *Store) SeedEntries(ctx context.Context) ([]feed.Entry, error) {
	var all []feed.Entry
	err := s.snapshot(ctx, func(v session) error {
		var folders []int64
		err := v.each(ctx, `SELECT s.id FROM source s WHERE s.kind = 'folder' AND s.removed IS NULL`, nil, collectRows(&folders))
		if err != nil {
			return err
		}
		return v.eachIn(ctx, `SELECT `+entryColumns+` FROM entry e WHERE e.source_id IN (%s) AND e.unlisted IS NULL`, nil, folders,
			collectEntries(&all))
	})
	slices.SortFunc(all, func(a, b feed.Entry) int { return cmp.Compare(a.ID, b.ID) })
	return all, err
}

// Recent are the newest entries of feeds but copies, newest first, with at most
// the first 4,000 characters of their content. Where nearly all are copies there are fewer:
// it looks at ten times as many entries as it may give.
func (s *Store) Recent(ctx context.Context, limit int) ([]feed.Entry, error) {
	return s.entries(ctx, `SELECT `+entryHead+`SUBSTR(e.content, 1, 4000) FROM entry e
		WHERE e.id > (SELECT m.last_entry - $1 FROM meta m WHERE m.one = 1) AND e.decision <> 'copy' AND `+ofFeed+`
		ORDER BY e.id DESC LIMIT $2`, 10*int64(limit), int64(limit))
}

// ofFeed are the entries that no folder brought.
const ofFeed = `NOT EXISTS (SELECT 1 FROM source s WHERE s.id = e.source_id AND s.kind = 'folder')`

// Judge notes what a person has said about an entry, in place of what was said
// before. What becomes of the entry is for [Tx.Decide].
func (t *Tx) Judge(ctx context.Context, j feed.Judgement) error {
	n, err := t.exec(ctx, `INSERT INTO judgement (entry_id, verdict, at) SELECT e.id, $1, $2 FROM entry e WHERE e.id = $3
		ON CONFLICT (entry_id) DO UPDATE SET verdict = EXCLUDED.verdict, at = EXCLUDED.at`,
		string(j.Verdict), j.At.UnixMilli(), j.EntryID)
	return mustTouch("entry", j.EntryID, n, err)
}

// Unjudge forgets what a person has said about an entry; it tells whether there
// was anything.
func (t *Tx) Unjudge(ctx context.Context, entryID int64) (had bool, err error) {
	n, err := t.exec(ctx, `DELETE FROM judgement WHERE entry_id = $1`, entryID)
	return n > 0, err
}

// Judged are the entries that people have decided about, whole, the newest
// verdict first.
func (s *Store) Judged(ctx context.Context, limit int) ([]feed.JudgedEntry, error) {
	var all []feed.JudgedEntry
	err := s.reader.each(ctx, `SELECT j.entry_id, j.verdict, j.at, `+entryColumns+` FROM judgement j JOIN entry e ON e.id = j.entry_id
		ORDER BY j.at DESC, j.entry_id DESC LIMIT $1`, []any{int64(limit)}, func(scan scanner) error {
		var j feed.JudgedEntry
		err := scan(append([]any{&j.Judgement.EntryID, &j.Judgement.Verdict, (*instant)(&j.Judgement.At)}, entryFields(&j.Entry)...)...)
		all = append(all, j)
		return err
	})
	return all, err
}

// JudgedHead tells how many verdicts there are, and when the newest was given:
// another number or time is another set of them.
func (s *Store) JudgedHead(ctx context.Context) (n int, newest time.Time, err error) {
	_, err = s.reader.one(ctx, `SELECT COUNT(*), MAX(at) FROM judgement`, nil, &n, (*instant)(&newest))
	return n, newest, err
}
