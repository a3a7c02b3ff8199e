package store

import (
	"context"
	"time"

	"tributary/feed"
)

// AddReaderKey stores a reader key by the hash of it. A name that is taken is a
// [feed.CodeConflict].
func (s *Store) AddReaderKey(ctx context.Context, name, hash string, now time.Time) error {
	return s.Write(ctx, func(t *Tx) error {
		n, err := t.exec(ctx, `INSERT INTO reader_key (name, hash, made) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			text(name), hash, now.UnixMilli())
		if err == nil && n == 0 {
			err = feed.Errorf(feed.CodeConflict, "there is a reader key %q already: give the new one another name, or remove that one first", name)
		}
		return err
	})
}

// ReaderKeys are all reader keys, by name.
func (s *Store) ReaderKeys(ctx context.Context) ([]feed.ReaderKey, error) {
	var all []feed.ReaderKey
	err := s.reader.each(ctx, `SELECT name, made FROM reader_key ORDER BY name`, nil, func(scan scanner) error {
		var k feed.ReaderKey
		err := scan(&k.Name, (*instant)(&k.Made))
		all = append(all, k)
		return err
	})
	return all, err
}

// DropReaderKey removes a reader key: who has it is not let in any more.
func (s *Store) DropReaderKey(ctx context.Context, name string) error {
	return s.Write(ctx, func(t *Tx) error {
		n, err := t.exec(ctx, `DELETE FROM reader_key WHERE name = $1`, text(name))
		if err == nil && n == 0 {
			err = feed.Errorf(feed.CodeNotFound, "there is no reader key %q: look for its name in the list of reader keys", name)
		}
		return err
	})
}

// ReaderKeyName is the name of the reader key with this hash.
func (s *Store) ReaderKeyName(ctx context.Context, hash string) (name string, found bool, err error) {
	found, err = s.reader.one(ctx, `SELECT name FROM reader_key WHERE hash = $1`, []any{hash}, &name)
	return name, found, err
}
