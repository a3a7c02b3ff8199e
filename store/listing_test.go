package store_test

import (
	"encoding/binary"
	"testing"

	"tributary/store"
)

// marks are of things that are listed, by order, none of them updated since.
func marks(orders ...int64) (all []store.Mark) {
	for _, o := range orders {
		all = append(all, store.Mark{Order: o, Updated: o})
	}
	return all
}

func TestNewsOfAListing(t *testing.T) {
	full := store.Listing{Floor: 7, Marks: marks(9, 8, 7)}
	updated := store.Listing{Floor: 7, Marks: append(marks(9, 8), store.Mark{Order: 7, Updated: 20})}
	for name, c := range map[string]struct {
		before, now store.Listing
		want        bool
	}{
		"the same":                          {full, full, false},
		"something new":                     {full, store.Listing{Floor: 8, Marks: marks(10, 9, 8)}, true},
		"something less":                    {full, store.Listing{Marks: marks(9, 7)}, false},
		"what moves up":                     {full, store.Listing{Floor: 5, Marks: marks(9, 7, 5)}, false},
		"something new, and less":           {full, store.Listing{Floor: 7, Marks: marks(10, 9, 7)}, true},
		"an update of the last":             {full, updated, true},
		"something old where there is room": {store.Listing{Marks: marks(9, 8)}, store.Listing{Marks: marks(9, 8, 2)}, true},
		"the first":                         {store.Listing{}, store.Listing{Marks: marks(1)}, true},
		"none":                              {store.Listing{}, store.Listing{}, false},
	} {
		if got := c.now.HasNews(c.before); got != c.want {
			t.Errorf("%s: news %v, want %v", name, got, c.want)
		}
	}
}

func TestAListingRemembersWhatWent(t *testing.T) {
	before := store.Listing{Floor: 7, Marks: marks(9, 8, 7)}
	after := store.Listing{Floor: 7, Marks: marks(10, 9, 7)}.After(before)
	if want := (store.Listing{Floor: 7, Marks: marks(10, 9, 7, 8)}); !after.Equal(want) {
		t.Errorf("%v, want %v", after, want)
	}
	if back := (store.Listing{Floor: 8, Marks: marks(10, 9, 8)}); back.HasNews(after) || !back.HasNews(store.Listing{Floor: 7, Marks: marks(10, 9, 7)}) {
		t.Error("what comes back is news, or always known")
	}
	for n := range int64(5000) {
		after = store.Listing{Floor: n, Marks: marks(n+2, n+1, n)}.After(after)
	}
	if n := len(after.Marks); n != 1000 {
		t.Errorf("%d things are remembered", n)
	}
}

func TestAListingThatCannotBeReadKnowsNothing(t *testing.T) {
	for name, column := range map[string]any{
		"nothing": []byte{}, "NULL": nil, "half a mark": make([]byte, 16), "what was stored before": binary.BigEndian.AppendUint64(nil, 1<<60),
	} {
		l := store.Listing{Floor: 1}
		if err := l.Scan(column); err != nil || !l.Equal(store.Listing{}) {
			t.Errorf("%s: %v (%v)", name, l, err)
		}
	}
}
