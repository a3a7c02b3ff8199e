package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"tributary/feed"
)

// daysKept is how many days of a source are kept.
const daysKept = 90

// CountDay adds to what is counted of the source on the day of d.Day, whatever
// time of it that is, by the end of the transaction.
func (t *Tx) CountDay(d feed.SourceDay) {
	key := sourceDay{d.SourceID, dayOf(d.Day.UnixMilli())}
	sum := t.days[key]
	sum.Add(d)
	t.days[key] = sum
}

type sourceDay struct{ source, day int64 }

var upsertDay = newUpsert(`INSERT INTO source_day (source_id, day, published, updated, copies, held, rejected, fetched, not_modified, failed)`, 10,
	`(source_id, day) DO UPDATE SET published = source_day.published + EXCLUDED.published, updated = source_day.updated + EXCLUDED.updated,
	copies = source_day.copies + EXCLUDED.copies, held = source_day.held + EXCLUDED.held, rejected = source_day.rejected + EXCLUDED.rejected,
	fetched = source_day.fetched + EXCLUDED.fetched, not_modified = source_day.not_modified + EXCLUDED.not_modified,
	failed = source_day.failed + EXCLUDED.failed`)

// saveDays stores what the transaction has counted.
func (t *Tx) saveDays(ctx context.Context) error {
	keys := slices.SortedFunc(maps.Keys(t.days), func(a, b sourceDay) int { return int(a.source - b.source) })
	_, err := t.insert(ctx, upsertDay, len(keys), func(args []any, i int) []any {
		d := t.days[keys[i]]
		return append(args, keys[i].source, keys[i].day, int64(d.Published), int64(d.Updated), int64(d.Copies), int64(d.Held),
			int64(d.Rejected), int64(d.Fetched), int64(d.NotModified), int64(d.Failed))
	})
	return err
}

// SourceDays are the days of a source (0: of all) from that of since on, by
// source and day. A day on which nothing came and nothing was fetched is left out.
func (s *Store) SourceDays(ctx context.Context, sourceID int64, since time.Time) ([]feed.SourceDay, error) {
	which, args := ``, []any{dayOf(since.UnixMilli())}
	if sourceID != 0 {
		which, args = ` AND d.source_id = $2`, append(args, sourceID)
	}
	var all []feed.SourceDay
	err := s.reader.each(ctx, `SELECT d.source_id, d.day, d.published, d.updated, d.copies, d.held, d.rejected, d.fetched, d.not_modified, d.failed
		FROM source_day d WHERE d.day >= $1`+which+` ORDER BY d.source_id, d.day`, args, func(scan scanner) error {
		var d feed.SourceDay
		var day int64
		err := scan(&d.SourceID, &day, &d.Published, &d.Updated, &d.Copies, &d.Held, &d.Rejected, &d.Fetched, &d.NotModified, &d.Failed)
		d.Day = time.UnixMilli(day * dayMillis).UTC()
		all = append(all, d)
		return err
	})
	return all, err
}

// forgetDays deletes the days that are not kept.
func (t *Tx) forgetDays(ctx context.Context, now time.Time) error {
	_, err := t.exec(ctx, `DELETE FROM source_day WHERE day <= $1`, dayOf(now.UnixMilli())-daysKept)
	return err
}
