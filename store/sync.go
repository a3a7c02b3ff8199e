package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"tributary/feed"
)

// Positions of sources: those of the configuration come first, then those of
// the environment, then those added, each in their own order.
const positionsPerOrigin = 1_000_000

// rank orders the origins: a source that several declare belongs to the highest.
func rank(o feed.Origin) int {
	switch o {
	case feed.OriginConfig:
		return 2
	case feed.OriginEnv:
		return 1
	}
	return 0
}

// row is a source as stored, removed or not.
type row struct {
	feed.Source
	removed time.Time
}

func (r row) active() bool { return r.removed.IsZero() }

// SyncSources makes the sources of one origin exactly these, in this order. A
// source is known by its URL, the seeds folder by its slug, whatever its path: a
// known one keeps its row, its entries and, if the URL is the same, its state,
// even if it was removed in between or added by command. Those no longer declared are
// removed; their items stay. A source that a higher origin declares (configuration,
// then environment, then added) is left to that. A slug that is taken gets a
// number. Positions are given here.
func (s *Store) SyncSources(ctx context.Context, origin feed.Origin, declared []feed.Source, now time.Time) error {
	if err := checkDeclared(declared); err != nil {
		return err
	}
	if len(declared) == 0 {
		var there int
		_, err := s.reader.one(ctx, `SELECT COUNT(*) FROM source WHERE origin = $1 AND removed IS NULL`, []any{string(origin)}, &there)
		if err != nil || there == 0 {
			return err
		}
	}
	return s.Write(ctx, func(t *Tx) error {
		rows, err := t.declared(ctx)
		if err != nil {
			return err
		}
		return t.sync(ctx, rows, origin, declared, now)
	})
}

func checkDeclared(declared []feed.Source) error {
	seen := map[string]bool{}
	for _, d := range declared {
		switch key := sourceKey(d); {
		case d.Slug == "" || d.URL == "":
			return feed.Errorf(feed.CodeInvalid, "a source needs a slug and a URL: %q, %q", d.Slug, feed.Redacted(d.URL))
		case seen[key]:
			return feed.Errorf(feed.CodeInvalid, "the source %s is declared twice: remove one", feed.Redacted(d.URL))
		default:
			seen[key] = true
		}
	}
	return nil
}

// sourceKey is what a source is known by.
func sourceKey(s feed.Source) string {
	if s.Slug == feed.SeedsSlug {
		return feed.SeedsSlug
	}
	return s.URL
}

// rows are all sources by their key, removed ones too.
func (t *Tx) rows(ctx context.Context) (map[string]row, error) {
	all, err := t.rowsWhere(ctx, "")
	rows := make(map[string]row, len(all))
	for _, r := range all {
		rows[sourceKey(r.Source)] = r
	}
	return rows, err
}

func (t *Tx) rowsWhere(ctx context.Context, where string, args ...any) (all []row, err error) {
	err = t.each(ctx, `SELECT `+sourceColumns+`, s.removed FROM source s`+where, args, func(scan scanner) error {
		var r row
		err := scanSource(scan, &r.Source, (*instant)(&r.removed))
		all = append(all, r)
		return err
	})
	return all, err
}

// declared are rows with what is declared of each, and nothing more: a program
// that starts compares thousands, and changes few.
func (t *Tx) declared(ctx context.Context) (map[string]row, error) {
	rows := map[string]row{}
	err := t.each(ctx, `SELECT `+declaredColumns+`, s.removed FROM source s`, nil, func(scan scanner) error {
		var r row
		err := scan(append(declaredFields(&r.Source), (*instant)(&r.removed))...)
		rows[sourceKey(r.Source)] = r
		return err
	})
	return rows, err
}

// change is what is to become of one source; was.ID is 0 for a new one.
type change struct {
	was row
	is  feed.Source
}

func (t *Tx) sync(ctx context.Context, rows map[string]row, origin feed.Origin, declared []feed.Source, now time.Time) error {
	plan, left := planSync(rows, origin, declared)
	taken := map[string]bool{}
	for _, r := range left {
		if r.Origin == origin {
			if err := t.remove(ctx, r.Source, now); err != nil {
				return err
			}
			continue
		}
		taken[r.Slug] = true
	}
	for i := range plan {
		plan[i].is.Slug = freeSlug(plan[i].is.Slug, taken)
		taken[plan[i].is.Slug] = true
	}
	return t.apply(ctx, plan)
}

// planSync pairs what is declared with what is there. Left are the active rows
// that the plan doesn't touch.
func planSync(rows map[string]row, origin feed.Origin, declared []feed.Source) (plan []change, left map[string]row) {
	left = maps.Clone(rows)
	maps.DeleteFunc(left, func(_ string, r row) bool { return !r.active() })
	for i, d := range declared {
		was, known := rows[sourceKey(d)]
		if known && was.active() && rank(was.Origin) > rank(origin) {
			continue
		}
		d.Origin, d.Position = origin, (2-rank(origin))*positionsPerOrigin+i
		plan = append(plan, change{was, d})
		delete(left, sourceKey(d))
	}
	return plan, left
}

func freeSlug(slug string, taken map[string]bool) string {
	free := slug
	for n := 2; taken[free]; n++ {
		free = fmt.Sprintf("%s-%d", slug, n)
	}
	return free
}

// apply writes a plan. Slugs that change are put aside first, for two sources
// may swap theirs.
func (t *Tx) apply(ctx context.Context, plan []change) error {
	for _, c := range plan {
		if c.was.ID != 0 && c.was.active() && c.was.Slug != c.is.Slug {
			if _, err := t.exec(ctx, `UPDATE source SET slug = $1 WHERE id = $2`, fmt.Sprint("#", c.was.ID), c.was.ID); err != nil {
				return err
			}
		}
	}
	for _, c := range plan {
		if c.was.ID != 0 && c.was.active() && sameDeclared(c.was.Source, c.is) {
			continue
		}
		if err := t.whole(ctx, &c.was); err != nil {
			return err
		}
		if err := t.put(ctx, c.was, &c.is); err != nil {
			return err
		}
	}
	return nil
}

// whole reads the rest of a row of which only what is declared was read.
func (t *Tx) whole(ctx context.Context, r *row) error {
	if r.ID == 0 {
		return nil
	}
	found, err := t.rowsWhere(ctx, ` WHERE s.id = $1`, r.ID)
	if err == nil && len(found) == 1 {
		*r = found[0]
	}
	return err
}

// put inserts a source, or gives a known one what is declared of it. Another
// URL is another document: what fetching has learned is forgotten then.
func (t *Tx) put(ctx context.Context, was row, is *feed.Source) error {
	if was.ID == 0 {
		return t.insertSource(ctx, is)
	}
	is.ID, is.About, is.State = was.ID, was.About, was.State
	if was.active() && sameDeclared(was.Source, *is) {
		return nil
	}
	if !was.active() {
		if err := t.revive(ctx, was); err != nil {
			return err
		}
	}
	if was.URL != is.URL {
		is.About, is.State = feed.Channel{}, feed.SourceState{Status: feed.StatusNew}
	}
	return t.updateSource(ctx, *is)
}

func sameDeclared(a, b feed.Source) bool {
	return a.Slug == b.Slug && a.Kind == b.Kind && a.URL == b.URL && a.Name == b.Name && a.Every == b.Every &&
		slices.Equal(a.Tags, b.Tags) && a.Enabled == b.Enabled && a.Private == b.Private &&
		a.Origin == b.Origin && a.Position == b.Position && maps.Equal(a.Headers, b.Headers) && a.Priority == b.Priority && a.Topic == b.Topic &&
		a.FullText == b.FullText
}

var insertSource = newMulti(`INSERT INTO source (id, slug, kind, url, name, every, tags, enabled, private, origin, position, headers, priority, topic, full_text, about,
	status, error, failures, etag, last_modified, validators_since, body_hash, same_bodies, fetch_url, redirect_to,
	redirect_since, redirect_seen, last_fetch, last_success, last_change, next_due, due_reason, retry_after, fetches,
	not_modified, bytes_in, bytes_saved, last_size, imported, scored, on_topic, hub, hub_topic, pushed)`, 45)

func (t *Tx) insertSource(ctx context.Context, s *feed.Source) error {
	t.now.source++
	s.ID = t.now.source
	if s.State.Status == "" {
		s.State.Status = feed.StatusNew
	}
	n, err := t.insert(ctx, insertSource, 1, func(args []any, _ int) []any {
		args = append(declaredValues(append(args, s.ID), *s), asJSON(aboutOf(s.About)))
		return stateValues(args, s.State)
	})
	if err == nil && n == 0 {
		err = feed.Errorf(feed.CodeConflict, "the source %s (%s) clashes with another one", s.Slug, feed.Redacted(s.URL))
	}
	return t.changedIf(1, err)
}

// updateSource writes everything of a source, and makes it active.
func (t *Tx) updateSource(ctx context.Context, s feed.Source) error {
	n, err := t.exec(ctx, `UPDATE source SET removed = NULL, slug = $1, kind = $2, url = $3, name = $4, every = $5, tags = $6,
		enabled = $7, private = $8, origin = $9, position = $10, headers = $11, priority = $12, topic = $13, full_text = $14 WHERE id = $15`,
		append(declaredValues(nil, s), s.ID)...)
	if err := mustTouch("source", s.ID, n, err); err != nil {
		return err
	}
	_, err = t.exec(ctx, saveAbout, append(stateValues(nil, s.State), asJSON(aboutOf(s.About)), s.ID)...)
	return t.changedIf(1, err)
}

// declaredValues are the columns slug to full_text.
func declaredValues(args []any, s feed.Source) []any {
	tags, headers := "", ""
	if len(s.Tags) > 0 {
		tags = asJSON(s.Tags)
	}
	if len(s.Headers) > 0 {
		headers = asJSON(s.Headers)
	}
	return append(args, text(s.Slug), string(s.Kind), text(s.URL), text(s.Name), text(s.Every), tags, bit(s.Enabled),
		bit(s.Private), string(s.Origin), int64(s.Position), headers, int64(s.Priority), text(s.Topic), bit(s.FullText))
}

// AddSource adds a source, with the origin [feed.OriginAdded] and the last
// position. If its slug is taken it gets a number. A URL that is a source already is
// a [feed.CodeConflict]; one that was removed comes back with its id and
// entries, and is fetched as if new, but not before its Retry-After.
func (s *Store) AddSource(ctx context.Context, src feed.Source, now time.Time) (feed.Source, error) {
	if err := checkDeclared([]feed.Source{src}); err != nil {
		return feed.Source{}, err
	}
	if src.Slug == feed.SeedsSlug {
		return feed.Source{}, feed.Errorf(feed.CodeInvalid, "%q is the slug of the seeds folder: give the source another", src.Slug)
	}
	err := s.Write(ctx, func(t *Tx) error {
		was, err := t.known(ctx, src.URL)
		if err != nil {
			return err
		}
		if was.ID != 0 && was.active() {
			return feed.Errorf(feed.CodeConflict, "%s is a source already, called %s", feed.Redacted(src.URL), was.Slug)
		}
		if src.Slug, err = t.freeSlug(ctx, src.Slug); err != nil {
			return err
		}
		t.now.source++ // no two sources have the same position
		src.Origin, src.Position = feed.OriginAdded, 2*positionsPerOrigin+int(t.now.source)
		was.State = afresh(was.State)
		return t.put(ctx, was, &src)
	})
	return src, err
}

// known is the source with this URL, removed or not; with ID 0 if there is none.
func (t *Tx) known(ctx context.Context, url string) (row, error) {
	all, err := t.rowsWhere(ctx, ` WHERE s.url = $1`, url)
	for _, r := range all {
		if r.Slug != feed.SeedsSlug {
			return r, err
		}
	}
	return row{}, err
}

// freeSlug is slug, with a number if an active source has it.
func (t *Tx) freeSlug(ctx context.Context, slug string) (string, error) {
	taken := map[string]bool{}
	for {
		free := freeSlug(slug, taken)
		there, err := t.one(ctx, `SELECT id FROM source WHERE removed IS NULL AND slug = $1`, []any{free}, new(int64))
		if err != nil || !there {
			return free, err
		}
		taken[free] = true
	}
}

// afresh is the state of a source that a person adds again: only what we owe
// its server is remembered.
func afresh(s feed.SourceState) feed.SourceState {
	return feed.SourceState{Status: feed.StatusNew, LastFetch: s.LastFetch, RetryAfter: s.RetryAfter,
		Fetches: s.Fetches, NotModified: s.NotModified, BytesIn: s.BytesIn, BytesSaved: s.BytesSaved}
}

// UpdateSource changes what is declared of the source with this ID: all but its
// origin and position. Another URL forgets what fetching has learned.
func (s *Store) UpdateSource(ctx context.Context, src feed.Source) error {
	if err := checkDeclared([]feed.Source{src}); err != nil {
		return err
	}
	return s.Write(ctx, func(t *Tx) error {
		found, err := t.rowsWhere(ctx, ` WHERE s.removed IS NULL AND s.id = $1`, src.ID)
		if err == nil && len(found) == 0 {
			err = notFound("source", src.ID)
		}
		if err != nil {
			return err
		}
		src.Origin, src.Position = found[0].Origin, found[0].Position
		err = t.put(ctx, found[0], &src)
		if feed.CodeOf(err) == feed.CodeConflict {
			return feed.Errorf(feed.CodeConflict, "the slug %s or the URL %s is another source's (%w)", src.Slug, feed.Redacted(src.URL), err)
		}
		return err
	})
}

// RemoveSource removes a source. Its row, entries and items stay, so that
// nothing that was published vanishes. With purge all of it is deleted: its entries,
// itself, and the items that no other source supports; other items that it led
// are led by the oldest entry left. Purge takes removed sources too.
func (s *Store) RemoveSource(ctx context.Context, slug string, purge bool, now time.Time) error {
	return s.Write(ctx, func(t *Tx) error {
		rows, err := t.rows(ctx)
		if err != nil {
			return err
		}
		var found row
		for _, r := range rows {
			if r.Slug == slug && (r.active() || purge && (found.ID == 0 || !found.active())) {
				found = r
			}
		}
		switch {
		case found.ID == 0:
			return feed.Errorf(feed.CodeNotFound, "there is no source %q: `tributary source list` shows what there is", slug)
		case purge:
			return t.purge(ctx, found.ID)
		}
		return t.remove(ctx, found.Source, now)
	})
}

// remove hides a source. It lists nothing any more, which is when retention
// begins to count; a folder's entries have no retention.
func (t *Tx) remove(ctx context.Context, s feed.Source, now time.Time) error {
	if s.Kind != feed.KindFolder {
		_, err := t.exec(ctx, `UPDATE entry SET unlisted = $1 WHERE source_id = $2 AND unlisted IS NULL`, ms(now), s.ID)
		if err != nil {
			return err
		}
	}
	return t.changedIf(t.exec(ctx, `UPDATE source SET removed = $1 WHERE id = $2`, ms(now), s.ID))
}

// revive lists again what was listed when the source was removed.
func (t *Tx) revive(ctx context.Context, was row) error {
	_, err := t.exec(ctx, `UPDATE entry SET unlisted = NULL WHERE source_id = $1 AND unlisted = $2`, was.ID, ms(was.removed))
	return err
}

// purge deletes a source with all that it alone supports.
func (t *Tx) purge(ctx context.Context, id int64) error {
	items, stories, err := t.supported(ctx, id)
	if err != nil {
		return err
	}
	if err := t.unindexItems(ctx, items); err != nil {
		return err
	}
	t.touch(items...) // those that are left
	for _, statement := range []string{
		`DELETE FROM item WHERE id IN (SELECT e.item_id FROM entry e WHERE e.source_id = $1 AND e.item_id IS NOT NULL)
			AND NOT EXISTS (SELECT 1 FROM entry o WHERE o.item_id = item.id AND o.source_id <> $1)`,
		`UPDATE item SET lead_id = NULL WHERE id IN (SELECT e.item_id FROM entry e WHERE e.source_id = $1 AND e.item_id IS NOT NULL)
			AND lead_id IN (SELECT l.id FROM entry l WHERE l.source_id = $1)`,
		`DELETE FROM sketch WHERE entry_id IN (SELECT e.id FROM entry e WHERE e.source_id = $1)`,
		`DELETE FROM score WHERE entry_id IN (SELECT e.id FROM entry e WHERE e.source_id = $1)`,
		`DELETE FROM judgement WHERE entry_id IN (SELECT e.id FROM entry e WHERE e.source_id = $1)`,
		`DELETE FROM source_day WHERE source_id = $1`,
		`DELETE FROM entry WHERE source_id = $1`,
		`DELETE FROM source WHERE id = $1`,
	} {
		if _, err := t.exec(ctx, statement, id); err != nil {
			return err
		}
	}
	merged, err := t.deleteMerged(ctx, items)
	if err != nil {
		return err
	}
	if err := t.settleAll(ctx, append(stories, merged...)); err != nil {
		return err
	}
	return t.Changed(ctx)
}

// supported are the items that a source supports, and their stories.
func (t *Tx) supported(ctx context.Context, id int64) (items, stories []int64, err error) {
	err = t.each(ctx, `SELECT i.id, i.story_id FROM entry e JOIN item i ON i.id = e.item_id WHERE e.source_id = $1`, []any{id},
		func(scan scanner) error {
			var row int64
			var story number
			err := scan(&row, &story)
			items, stories = append(items, row), append(stories, int64(story))
			return err
		})
	return items, stories, err
}

// deleteMerged deletes what was merged into items of these that are deleted,
// and gives the stories that it was in.
func (t *Tx) deleteMerged(ctx context.Context, items []int64) (stories []int64, err error) {
	var places []int64
	err = t.eachIn(ctx, `DELETE FROM item WHERE merged_into IN (%s) AND NOT EXISTS (SELECT 1 FROM item m WHERE m.id = item.merged_into)
		RETURNING story_id, place`, nil, items, func(scan scanner) error {
		var story, place number
		err := scan(&story, &place)
		stories, places = append(stories, int64(story)), append(places, int64(place))
		return err
	})
	if err != nil {
		return nil, err
	}
	return stories, t.unindex(ctx, places)
}
