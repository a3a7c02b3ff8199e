package cluster

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"tributary/feed"
	"tributary/store/pgtest"
)

// at0 is when the first process of the tests has begun, in milliseconds.
const at0 = 1_700_000_000_000

func TestOnlyProcessesThatLiveAreListedWithWhatTheyHave(t *testing.T) {
	dsn := hostsDatabase(t, pgtest.Start(t))
	look, err := LookAt(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer look.Close(t.Context())
	fill(t, look.db)

	workers, err := look.Workers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := time.UnixMilli(at0).UTC()
	want := []feed.Worker{
		{Name: "north", Role: "worker", Since: first, Seeds: true, Sources: 2},
		{Name: "south", Role: "web", Since: first.Add(time.Second)},
	}
	if diff := cmp.Diff(want, workers); diff != "" {
		t.Error(diff)
	}
	working, err := look.Working(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int64]string{1: "north", 2: "north"}, working); diff != "" {
		t.Error(diff)
	}
}

// fill has one process work on two sources, one serve, and one dead with a source; one source is free.
func fill(t *testing.T, db *pgx.Conn) {
	t.Helper()
	for _, statement := range []string{
		`INSERT INTO worker (id, name, role, seeds, started, until) SELECT id, name, role, seeds, started, ` + clock + ` + lease FROM (VALUES
			('b', 'south', 'web', 0, 1700000001000, 20000), ('a', 'north', 'worker', 1, 1700000000000, 20000), ('c', 'west', 'worker', 1, 1600000000000, -1))
			AS w (id, name, role, seeds, started, lease)`,
		`INSERT INTO claim (source_id, holder, queued) VALUES (1, 'a', 0), (2, 'a', 0), (3, 'c', 0), (4, '', 0)`,
	} {
		if _, err := db.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}
