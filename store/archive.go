package store

import (
	"context"
	"time"

	"tributary/feed"
)

// The places stand in blocks. One closes when 51 further places were given, so that
// what is not closed has 51 to 100; an archive is a closed block, and stays what it is.
// The first one waits for the second: one that leads to no other is incomplete, says
// the W3C's validator.
const (
	blockPlaces  = 50
	windowPlaces = 500            // that the window has at most
	windowDay    = 24 * time.Hour // that it covers
)

// closedBlocks is how many blocks are closed once so many places were given.
func closedBlocks(last int64) int64 {
	n := max(0, (last-blockPlaces-1)/blockPlaces)
	if n == 1 {
		return 0
	}
	return n
}

// Window are the live items of the main document, newest place first: those of
// no closed block, and as many whole closed ones before them as have something that
// was admitted within a day of the newest change, up to 500 places; who reads the document once
// a day then misses nothing. older is the newest block that it does not have, 0 if there is none.
func (s *Store) Window(ctx context.Context) (items []feed.Item, older int64, err error) {
	err = s.snapshot(ctx, func(v session) (err error) {
		if older, err = v.beforeWindow(ctx); err != nil {
			return err
		}
		items, err = v.items(ctx, listedCovers, wholeItems+`WHERE i.place > $1`+live+` ORDER BY i.place DESC`, older*blockPlaces)
		return err
	})
	return items, older, err
}

// beforeWindow is the newest block that the window does not have. It goes by what
// is stored alone, not by a clock: all processes must make the same document.
func (s session) beforeWindow(ctx context.Context) (block int64, err error) {
	var last, change int64
	if _, err := s.one(ctx, `SELECT last_place, change FROM meta WHERE one = 1`, nil, &last, &change); err != nil {
		return 0, err
	}
	closed, most := closedBlocks(last), max(0, (last-windowPlaces+blockPlaces-1)/blockPlaces)
	if most >= closed {
		return closed, nil
	}
	var recent number
	_, err = s.one(ctx, `SELECT MIN(i.place) FROM item i WHERE i.place > $1 AND i.place <= $2 AND i.admitted > $3`,
		[]any{most * blockPlaces, closed * blockPlaces, change - windowDay.Milliseconds()}, &recent)
	if err != nil || recent == 0 {
		return closed, err
	}
	return (int64(recent) - 1) / blockPlaces, nil
}

// Archive are the live items of a closed block, counted from 1, newest place
// first. They come without what goes on growing, their story and its coverage. newer
// tells whether the next block is closed too. Of one that is not closed the error is a
// [feed.CodeNotFound].
func (s *Store) Archive(ctx context.Context, block int64) (items []feed.Item, newer bool, err error) {
	err = s.snapshot(ctx, func(v session) error {
		var last int64
		if _, err := v.one(ctx, `SELECT last_place FROM meta WHERE one = 1`, nil, &last); err != nil {
			return err
		}
		closed := closedBlocks(last)
		if block < 1 || block > closed {
			return feed.Errorf(feed.CodeNotFound, "there is no archive %d: the newest one is %d, and what came later is in the feed itself", block, closed)
		}
		newer = block < closed
		var err error
		items, err = v.items(ctx, 0, wholeItems+`WHERE i.place > $1 AND i.place <= $2`+live+` ORDER BY i.place DESC`,
			(block-1)*blockPlaces, block*blockPlaces)
		return err
	})
	for i := range items {
		items[i].Founder, items[i].Publishers = "", 0
	}
	return items, newer, err
}

// Gone counts the items from the place that follows after up to another that are
// withdrawn or hidden.
func (s *Store) Gone(ctx context.Context, after, upTo int64) (n int, err error) {
	_, err = s.reader.one(ctx, `SELECT
		(SELECT COUNT(*) FROM item WHERE withdrawn IS NOT NULL AND place > $1 AND place <= $2) +
		(SELECT COUNT(*) FROM item WHERE hidden IS NOT NULL AND withdrawn IS NULL AND place > $3 AND place <= $4)`,
		[]any{after, upTo, after, upTo}, &n)
	return n, err
}
