package store

import (
	"context"
	"time"

	"tributary/feed"
)

const incidentColumns = `o.id, o.kind, o.subject, o.began, o.ended, o.updated, o.title, o.text, o.outcome`

// everyIncident is more than there are.
const everyIncident = 1 << 30

// Incidents are those that changed last, the newest change first.
func (s *Store) Incidents(ctx context.Context, limit int) ([]feed.Incident, error) {
	return s.reader.incidents(ctx, limit)
}

func (s session) incidents(ctx context.Context, limit int) (all []feed.Incident, err error) {
	err = s.each(ctx, `SELECT `+incidentColumns+` FROM incident o WHERE o.updated > 0 ORDER BY o.updated DESC LIMIT $1`,
		[]any{int64(limit)}, func(scan scanner) error {
			var i feed.Incident
			err := scan(&i.ID, &i.Kind, &i.Subject, (*instant)(&i.Began), (*instant)(&i.Ended), (*instant)(&i.Updated), &i.Title, &i.Text, &i.Outcome)
			all = append(all, i)
			return err
		})
	return all, err
}

// OpenIncidents counts those that go on.
func (s *Store) OpenIncidents(ctx context.Context) (n int, err error) {
	_, err = s.reader.one(ctx, `SELECT COUNT(*) FROM incident WHERE ended IS NULL`, nil, &n)
	return n, err
}

// UpdateIncidents has decide look at what is known and stores what it made of
// that, each with an updated of its own. Of several programs that look at the
// same time, the later ones see what the first one stored. Mostly there is
// nothing to do, and nobody who writes is made to wait.
func (s *Store) UpdateIncidents(ctx context.Context, now time.Time, decide func(known []feed.Incident) feed.Incidents) (saved []feed.Incident, err error) {
	known, err := s.reader.incidents(ctx, everyIncident)
	if err != nil || decide(known).None() {
		return nil, err
	}
	err = s.Write(ctx, func(t *Tx) error {
		known, err := t.incidents(ctx, everyIncident) // those of others too, by now
		if err != nil {
			return err
		}
		last := time.Time{}
		if len(known) > 0 {
			last = known[0].Updated
		}
		next := decide(known)
		saved = next.Save
		for i := range saved {
			saved[i].Updated = later(now, last)
			last = saved[i].Updated
			if err := t.saveIncident(ctx, saved[i]); err != nil {
				return err
			}
		}
		for _, id := range next.Forget {
			if _, err := t.exec(ctx, `DELETE FROM incident WHERE id = $1`, id); err != nil {
				return err
			}
		}
		return nil
	})
	return saved, err
}

// later is now, or the millisecond after last.
func later(now, last time.Time) time.Time {
	if now.UnixMilli() > last.UnixMilli() {
		return now
	}
	return last.Add(time.Millisecond)
}

func (t *Tx) saveIncident(ctx context.Context, i feed.Incident) error {
	_, err := t.exec(ctx, `INSERT INTO incident (id, kind, subject, began, ended, updated, title, text, outcome)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET ended = EXCLUDED.ended, updated = EXCLUDED.updated, title = EXCLUDED.title,
			text = EXCLUDED.text, outcome = EXCLUDED.outcome`,
		i.ID, string(i.Kind), text(i.Subject), i.Began.UnixMilli(), ms(i.Ended), i.Updated.UnixMilli(), text(i.Title), text(i.Text), text(i.Outcome))
	return err
}

// BrokenRuns are the runs since a time that did not finish, the newest first,
// of the newest limit ones.
func (s *Store) BrokenRuns(ctx context.Context, since time.Time, limit int) (broken []feed.Report, err error) {
	runs, err := s.runs(ctx, `SELECT report FROM run WHERE started >= $1 ORDER BY started DESC, id DESC LIMIT $2`, since.UnixMilli(), int64(limit))
	for _, r := range runs {
		if r.State == "failed" {
			broken = append(broken, r)
		}
	}
	return broken, err
}

// CheckFile verifies that the database's file is readable as one, without looking
// into what it says; of PostgreSQL, which sees to that itself, nothing.
func (s *Store) CheckFile(ctx context.Context) error { return s.engine.check(ctx, s.reader) }
