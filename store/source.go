package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"tributary/feed"
)

// sourceColumns are read by scanSource, in this order; s is the table.
const sourceColumns = declaredColumns + `, s.about,
	s.status, s.error, s.failures, s.etag, s.last_modified, s.validators_since, s.body_hash, s.same_bodies,
	s.fetch_url, s.redirect_to, s.redirect_since, s.redirect_seen, s.last_fetch, s.last_success, s.last_change,
	s.next_due, s.due_reason, s.retry_after, s.fetches, s.not_modified, s.bytes_in, s.bytes_saved, s.last_size, s.imported,
	s.scored, s.on_topic, s.hub, s.hub_topic, s.pushed`

// declaredColumns are read into declaredFields.
const declaredColumns = `s.id, s.slug, s.kind, s.url, s.name, s.every, s.tags, s.enabled, s.private, s.origin, s.position, s.headers,
	s.priority, s.topic, s.full_text`

func declaredFields(s *feed.Source) []any {
	return []any{&s.ID, &s.Slug, &s.Kind, &s.URL, &s.Name, &s.Every, fromJSON{&s.Tags}, (*flag)(&s.Enabled),
		(*flag)(&s.Private), &s.Origin, &s.Position, fromJSON{&s.Headers}, &s.Priority, &s.Topic, (*flag)(&s.FullText)}
}

func scanSource(scan scanner, s *feed.Source, more ...any) error {
	var a about
	st := &s.State
	err := scan(append(append(declaredFields(s), fromJSON{&a},
		&st.Status, &st.Error, &st.Failures, &st.ETag, &st.LastModified, (*instant)(&st.ValidatorsSince), &st.BodyHash,
		&st.SameBodies, &st.FetchURL, &st.RedirectTo, (*instant)(&st.RedirectSince), &st.RedirectSeen,
		(*instant)(&st.LastFetch), (*instant)(&st.LastSuccess), (*instant)(&st.LastChange), (*instant)(&st.NextDue),
		&st.DueReason, (*instant)(&st.RetryAfter), &st.Fetches, &st.NotModified, &st.BytesIn, &st.BytesSaved,
		&st.LastSize, (*flag)(&st.Imported), &st.Scored, &st.OnTopic,
		&st.Hub.URL, &st.Hub.Topic, (*instant)(&st.Pushed)), more...)...)
	s.About = a.channel()
	return err
}

// stateValues are a state's columns, status to pushed.
func stateValues(args []any, st feed.SourceState) []any {
	return append(args, string(st.Status), text(st.Error), int64(st.Failures), text(st.ETag), text(st.LastModified),
		ms(st.ValidatorsSince), st.BodyHash, int64(st.SameBodies), text(st.FetchURL), text(st.RedirectTo),
		ms(st.RedirectSince), int64(st.RedirectSeen), ms(st.LastFetch), ms(st.LastSuccess), ms(st.LastChange),
		ms(st.NextDue), text(st.DueReason), ms(st.RetryAfter), st.Fetches, st.NotModified, st.BytesIn, st.BytesSaved,
		st.LastSize, bit(st.Imported), int64(st.Scored), int64(st.OnTopic),
		text(st.Hub.URL), text(st.Hub.Topic), ms(st.Pushed))
}

// about is feed.Channel as it is stored.
type about struct {
	ID          string `json:"id,omitempty"`
	Title       string `json:"title,omitempty"`
	Link        string `json:"link,omitempty"`
	Author      string `json:"author,omitempty"`
	Rights      string `json:"rights,omitempty"`
	Language    string `json:"language,omitempty"`
	Icon        string `json:"icon,omitempty"`
	Updated     *int64 `json:"updated,omitempty"`      // milliseconds
	MinInterval int64  `json:"min_interval,omitempty"` // seconds
	SkipHours   []int  `json:"skip_hours,omitempty"`
	SkipDays    []int  `json:"skip_days,omitempty"` // 0: Sunday
}

func aboutOf(c feed.Channel) about {
	a := about{ID: c.ID, Title: c.Title, Link: c.Link, Author: c.Author, Rights: c.Rights, Language: c.Language,
		Icon: c.Icon, MinInterval: int64(c.MinInterval / time.Second), SkipHours: c.SkipHours}
	if !c.Updated.IsZero() {
		at := c.Updated.UnixMilli()
		a.Updated = &at
	}
	for _, d := range c.SkipDays {
		a.SkipDays = append(a.SkipDays, int(d))
	}
	return a
}

func (a about) channel() feed.Channel {
	c := feed.Channel{ID: a.ID, Title: a.Title, Link: a.Link, Author: a.Author, Rights: a.Rights, Language: a.Language,
		Icon: a.Icon, MinInterval: time.Duration(a.MinInterval) * time.Second, SkipHours: a.SkipHours}
	if a.Updated != nil {
		c.Updated = time.UnixMilli(*a.Updated).UTC()
	}
	for _, d := range a.SkipDays {
		c.SkipDays = append(c.SkipDays, time.Weekday(d))
	}
	return c
}

// showsAs tells whether a and b look the same in the output, but for their
// Updated, which moves at every build of a document.
func (a about) showsAs(b about) bool {
	return a.ID == b.ID && a.Title == b.Title && a.Link == b.Link && a.Author == b.Author &&
		a.Rights == b.Rights && a.Language == b.Language && a.Icon == b.Icon
}

// Sources are all sources but the removed ones, in their order of declaration.
func (s *Store) Sources(ctx context.Context) ([]feed.Source, error) {
	return s.reader.sources(ctx, `SELECT `+sourceColumns+` FROM source s WHERE s.removed IS NULL ORDER BY s.position, s.id`)
}

// Limited are the sources whose servers asked for a pause.
func (s *Store) Limited(ctx context.Context) ([]feed.Source, error) {
	return s.reader.sources(ctx, `SELECT `+sourceColumns+` FROM source s WHERE s.removed IS NULL AND s.status = $1`, string(feed.StatusLimited))
}

func (s session) sources(ctx context.Context, query string, args ...any) ([]feed.Source, error) {
	var all []feed.Source
	err := s.each(ctx, query, args, func(scan scanner) error {
		all = append(all, feed.Source{})
		return scanSource(scan, &all[len(all)-1])
	})
	return all, err
}

// Source finds a source by its slug, its URL or the name it shows, in this
// order, upper and lower case being the same in names. Several of that name are a
// [feed.CodeInvalid].
func (s *Store) Source(ctx context.Context, name string) (feed.Source, error) {
	for _, find := range []func(context.Context, string) ([]feed.Source, error){s.bySlug, s.byURL, s.byTitle} {
		switch found, err := find(ctx, name); {
		case err != nil:
			return feed.Source{}, err
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			return feed.Source{}, feed.Errorf(feed.CodeInvalid, "several sources are called %q: give the slug of one, %s",
				name, slugs(found))
		}
	}
	return feed.Source{}, feed.Errorf(feed.CodeNotFound,
		"there is no source %q: give its slug, URL or name as `tributary source list` shows them", feed.Redacted(name))
}

func (s *Store) bySlug(ctx context.Context, slug string) ([]feed.Source, error) {
	return s.reader.sources(ctx, `SELECT `+sourceColumns+` FROM source s WHERE s.removed IS NULL AND s.slug = $1`, slug)
}

func (s *Store) byURL(ctx context.Context, url string) ([]feed.Source, error) {
	return s.reader.sources(ctx, `SELECT `+sourceColumns+` FROM source s WHERE s.removed IS NULL AND s.url = $1`, url)
}

func (s *Store) byTitle(ctx context.Context, title string) ([]feed.Source, error) {
	all, err := s.Sources(ctx)
	return slices.DeleteFunc(all, func(src feed.Source) bool { return !strings.EqualFold(src.Title(), title) }), err
}

func slugs(sources []feed.Source) string {
	var list []string
	for _, src := range sources {
		list = append(list, src.Slug)
	}
	return strings.Join(list, ", ")
}

// SourceByID gives a source by its row id, a removed one too: entries keep
// their source's name.
func (s *Store) SourceByID(ctx context.Context, id int64) (feed.Source, error) {
	found, err := s.reader.sources(ctx, `SELECT `+sourceColumns+` FROM source s WHERE s.id = $1`, id)
	if err == nil && len(found) == 0 {
		err = notFound("source", id)
	}
	if err != nil {
		return feed.Source{}, err
	}
	return found[0], nil
}

// SourcesByID gives the sources with these row ids, but for removed ones, in their
// order of declaration.
func (s *Store) SourcesByID(ctx context.Context, ids []int64) ([]feed.Source, error) {
	var all []feed.Source
	err := s.reader.eachIn(ctx, `SELECT `+sourceColumns+` FROM source s WHERE s.removed IS NULL AND s.id IN (%s)`, nil, ids, func(scan scanner) error {
		all = append(all, feed.Source{})
		return scanSource(scan, &all[len(all)-1])
	})
	slices.SortFunc(all, func(a, b feed.Source) int { return cmp.Or(a.Position-b.Position, int(a.ID-b.ID)) })
	return all, err
}

const (
	setState = `status = $1, error = $2, failures = $3, etag = $4, last_modified = $5, validators_since = $6, body_hash = $7,
		same_bodies = $8, fetch_url = $9, redirect_to = $10, redirect_since = $11, redirect_seen = $12, last_fetch = $13,
		last_success = $14, last_change = $15, next_due = $16, due_reason = $17, retry_after = $18, fetches = $19,
		not_modified = $20, bytes_in = $21, bytes_saved = $22, last_size = $23, imported = $24,
		scored = $25, on_topic = $26, hub = $27, hub_topic = $28, pushed = $29`
	saveState = `UPDATE source SET ` + setState + ` WHERE about = $30 AND id = $31`
	saveAbout = `UPDATE source SET ` + setState + `, about = $30 WHERE id = $31`
)

// SaveSource stores what a source says of itself and what fetching it has
// learned, in the transaction of the entries that go with it, after them.
//
// The change number moves only if entries of the source look different for it.
// A new about.Updated alone is not kept, unless this transaction brought or
// changed a published entry of the source: else each poll of a feed that stamps
// its documents would alter ours.
func (t *Tx) SaveSource(ctx context.Context, id int64, c feed.Channel, state feed.SourceState) error {
	a := aboutOf(c)
	values := append(stateValues(make([]any, 0, 31), state), asJSON(a), id)
	if n, err := t.exec(ctx, saveState, values...); err != nil || n == 1 {
		return err // it says of itself what it said before, as nearly always
	}
	var err error
	if values[29], err = t.settleAbout(ctx, id, a); err != nil {
		return err
	}
	_, err = t.exec(ctx, saveAbout, values...)
	return err
}

// settleAbout is what to store for a, given what is stored.
func (t *Tx) settleAbout(ctx context.Context, id int64, a about) (string, error) {
	var old about
	found, err := t.one(ctx, `SELECT about FROM source WHERE id = $1`, []any{id}, fromJSON{&old})
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", notFound("source", id)
	case !a.showsAs(old):
		return asJSON(a), t.Changed(ctx)
	case !t.shown[id]:
		a.Updated = old.Updated
	}
	return asJSON(a), nil
}
