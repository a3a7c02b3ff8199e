package store_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/store"
	"tributary/store/pgtest"
)

// removal is a store in SQLite and an empty database to copy it to.
type removal struct {
	*rig // the source, until it is closed
	file string
	dsn  string
}

func newRemoval(t *testing.T, cluster string) *removal {
	r := sqliteRig(t)
	return &removal{r, r.options.Path, pgtest.New(t, cluster)}
}

// copy copies, while nobody else has the source open.
func (m *removal) copy(ctx context.Context, see func(store.CopyStep)) ([]store.CopiedTable, error) {
	m.must(m.Close())
	return store.Copy(ctx, store.CopyOptions{From: m.file, To: m.dsn, Progress: see})
}

// reopen opens the source again.
func (m *removal) reopen() { m.Store = open(m.T, m.options) }

// target opens the copy, with a schema but whatever it holds.
func (m *removal) target() *store.Store {
	m.Helper()
	return open(m.T, store.Options{DSN: m.dsn})
}

// oddText is hard to keep as it is.
const oddText = "a\tb\\N\r\n\\.\n'\"$1 é 👩‍🚀 \u0001 \ufeff \uFFFD   "

// fill gives each table some rows of each kind of value, whatever its columns are.
// What is unique is so by its row's number.
func (m *removal) fill(rows int) {
	m.Helper()
	names, err := m.Lines(m.ctx, `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('goose_db_version', 'meta')`)
	m.must(err)
	for _, name := range names {
		columns, err := m.Rows(m.ctx, `SELECT name, type, "notnull" + pk FROM pragma_table_info('`+name+`')`)
		m.must(err)
		for row := range int64(rows) {
			var quoted []string
			var args []any
			for i, c := range columns {
				quoted, args = append(quoted, `"`+c[0].(string)+`"`), append(args, oddValue(c[0].(string), c[1].(string), c[2].(int64) == 0, row, i))
			}
			marks := strings.TrimSuffix(strings.Repeat("?, ", len(args)), ", ")
			m.must(m.Exec(m.ctx, `INSERT INTO `+name+` (`+strings.Join(quoted, ", ")+`) VALUES (`+marks+`)`, args...))
		}
	}
	m.must(m.Exec(m.ctx, `UPDATE meta SET change = 123456789, last_source = 1000, last_entry = 1000, last_item = 1000, last_place = 0, feed_id = 'the feed'`))
}

func oddValue(name, kind string, nullable bool, row int64, column int) any {
	if name == "place" || nullable && (row+int64(column))%3 == 0 {
		return nil // a place would have the item indexed, with what it stands on
	}
	switch kind {
	case "TEXT":
		return fmt.Sprintf("%x %s", row*7919%1009, oddText) // in another order than the rows
	case "BLOB":
		return []byte{0, byte(row), 0xff, 0xfe, '\\', 0}[:row%7]
	}
	if name == "id" || strings.HasSuffix(name, "_id") {
		return row + 1
	}
	if row < 3 {
		return []int64{math.MinInt64, math.MaxInt64, -1}[row]
	}
	return row
}

// wantSame fails unless all rows of all copied tables are the same.
func (m *removal) wantSame(from, to *store.Store) {
	m.Helper()
	tables, err := store.TablesToCopy(m.ctx, from, to)
	m.must(err)
	for name, columns := range tables {
		query := `SELECT "` + strings.Join(columns, `", "`) + `" FROM ` + name
		if name == "meta" { // which tells each engine what it still has to index
			query = strings.Replace(query, `"search_below"`, `0`, 1)
		}
		a, err := from.Rows(m.ctx, query)
		m.must(err)
		b, err := to.Rows(m.ctx, query)
		m.must(err)
		if diff := cmp.Diff(asLines(a), asLines(b)); diff != "" || len(a) == 0 {
			m.Errorf("table %s, %d rows (-source +copy):\n%s", name, len(a), diff)
		}
	}
}

func asLines(rows [][]any) (lines []string) {
	for _, r := range rows {
		for i, v := range r {
			if b, ok := v.([]byte); ok && len(b) == 0 {
				r[i] = []byte{}
			}
		}
		lines = append(lines, fmt.Sprintf("%#v", r))
	}
	slices.Sort(lines)
	return lines
}

func TestCopy(t *testing.T) {
	cluster := pgtest.Start(t)
	for name, test := range map[string]func(*testing.T, string){
		"a copy has all that the store has":          aCopyHasAllThatTheStoreHas,
		"no table is forgotten by a copy":            noTableIsForgottenByACopy,
		"a copy that was broken off is gone on with": aCopyThatWasBrokenOffIsGoneOnWith,
		"a copy that differs is not used":            aCopyThatDiffersIsNotUsed,
		"text that PostgreSQL refuses is repaired":   textThatPostgreSQLRefusesIsRepaired,
		"a copy leaves alone what is in use":         aCopyLeavesAloneWhatIsInUse,
		"a copy is searched as the store was":        aCopyIsSearchedAsTheStoreWas,
	} {
		t.Run(name, func(t *testing.T) { test(t, cluster) })
	}
}

func aCopyHasAllThatTheStoreHas(t *testing.T, cluster string) {
	m := newRemoval(t, cluster)
	m.fill(100)
	m.must(m.Exec(m.ctx, `DELETE FROM subscription WHERE id > 60`)) // ids that are given never again
	var steps []store.CopyStep
	done, err := m.copy(m.ctx, func(s store.CopyStep) { steps = append(steps, s) })
	m.must(err)
	m.reopen()
	to := m.target()
	m.wantSame(m.Store, to)
	for _, table := range done {
		if rows, err := m.Lines(m.ctx, `SELECT COUNT(*) FROM `+table.Name); err != nil || rows[0] != fmt.Sprint(table.Rows) || len(table.Hash) != 16 || table.Repaired != 0 {
			t.Errorf("said of a table with %v rows: %+v (%v)", rows, table, err)
		}
	}
	if last := steps[len(steps)-1]; last.Done != last.Total || last.Doing != "indexing" {
		t.Errorf("the last step: %+v", last)
	}

	// What the server numbers goes on where the file would have.
	m.must(to.Exec(m.ctx, `INSERT INTO subscription (topic, callback, host, kind, secret, lease_until, failures) VALUES ('', '', '', '', '', 0, 0)`))
	m.must(to.Exec(m.ctx, `INSERT INTO correction (kind, item, other, entry, moved, at) VALUES ('', '', '', 0, '', 0)`))
	for table, want := range map[string]string{"subscription": "101", "correction": "101"} {
		if got, err := to.Lines(m.ctx, `SELECT MAX(id)::text FROM `+table); err != nil || got[0] != want {
			t.Errorf("the next %s is %v, want %s (%v)", table, got, want, err)
		}
	}
}

// What only one engine has. A table or column that a later migration adds must be
// in both, and is then copied, or be named here with a reason.
var (
	postgresAlone = []string{
		"goose_db_version", "search", // each engine's own account, and its own index, which is made anew
		"claim", "duty", "host", "run_part", "worker", // what processes hold while they live
	}
	sqliteAlone = []string{"goose_db_version", "search"}
)

func noTableIsForgottenByACopy(t *testing.T, cluster string) {
	m := newRemoval(t, cluster)
	to := m.target()
	tables, err := store.TablesToCopy(m.ctx, m.Store, to) // compares the columns
	m.must(err)
	there, err := to.Lines(m.ctx, `SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT LIKE 'river%' ORDER BY tablename COLLATE "C"`) // but the job engine's
	m.must(err)
	here, err := m.Lines(m.ctx, `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') AND name NOT LIKE 'sqlite_%' ORDER BY name`)
	m.must(err)
	alone := func(all []string) []string {
		return slices.DeleteFunc(all, func(name string) bool { return tables[name] != nil })
	}
	slices.Sort(postgresAlone)
	if diff := cmp.Diff(postgresAlone, alone(there)); diff != "" {
		t.Errorf("in PostgreSQL alone (-known +there):\n%s", diff)
	}
	if diff := cmp.Diff(sqliteAlone, alone(here)); diff != "" {
		t.Errorf("in SQLite alone (-known +there):\n%s", diff)
	}

	m.must(m.Exec(m.ctx, `ALTER TABLE entry ADD COLUMN mood TEXT`))
	if _, err := m.copy(m.ctx, nil); err == nil || !strings.Contains(err.Error(), "table entry cannot be copied") {
		t.Errorf("with a column that only the source has: %v", err)
	}
}

func aCopyThatWasBrokenOffIsGoneOnWith(t *testing.T, cluster string) {
	defer store.CopyInBatchesOf(7)()
	m := newRemoval(t, cluster)
	m.fill(50)
	for _, after := range []int{1, 9, 20, 60} { // batches
		ctx, cancel := context.WithCancel(m.ctx)
		_, err := m.copy(ctx, func(s store.CopyStep) {
			if after--; after == 0 {
				cancel()
			}
		})
		cancel()
		if err == nil {
			t.Fatal("a copy that was broken off is called done")
		}
		_, err = store.Open(m.ctx, store.Options{DSN: m.dsn})
		if m.wantCode(err, feed.CodeConflict); !strings.Contains(err.Error(), "half-done copy of "+m.file) {
			t.Errorf("a half-done copy is opened with %v", err)
		}
	}

	// The source was used in between: what was copied and has changed is copied anew.
	m.reopen()
	m.must(m.Exec(m.ctx, `UPDATE correction SET at = at + 1 WHERE id = 3`))
	m.must(m.Exec(m.ctx, `DELETE FROM delivery WHERE subscription_id = 5`))
	var steps []store.CopyStep
	_, err := m.copy(m.ctx, func(s store.CopyStep) { steps = append(steps, s) })
	m.must(err)
	had, before := int64(0), store.CopyStep{}
	for _, s := range steps {
		if by := s.Done - before.Done; s.Doing == "copying" && by > 7 {
			had += by // more than a batch: they were there
		}
		before = s
	}
	if had < 300 || had > 500 || slices.ContainsFunc(steps, func(s store.CopyStep) bool { return s.Done > s.Total }) {
		t.Errorf("%d rows were not copied again: %+v", had, steps)
	}
	m.reopen()
	m.wantSame(m.Store, m.target())

	_, err = m.copy(m.ctx, nil)
	if m.wantCode(err, feed.CodeConflict); !strings.Contains(err.Error(), "not empty") {
		t.Errorf("once more: %v", err)
	}
}

func aCopyThatDiffersIsNotUsed(t *testing.T, cluster string) {
	m := newRemoval(t, cluster)
	m.fill(20)
	side := m.target()
	_, err := m.copy(m.ctx, func(s store.CopyStep) {
		if s.Doing == "copying" && s.Done == s.Total {
			m.must(side.Exec(m.ctx, `UPDATE entry SET title = title || '!' WHERE id = 7`))
			m.must(side.Exec(m.ctx, `DELETE FROM mark WHERE entry_id = 3`))
		}
	})
	if err == nil {
		t.Fatal("no difference was found")
	}
	for _, want := range []string{"table entry differs: 20 rows with hash", "table mark differs: 20 rows with hash", "19 rows with hash"} {
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "table item") {
			t.Errorf("%v\ndoes not say %q", err, want)
		}
	}
	_, err = store.Open(m.ctx, store.Options{DSN: m.dsn})
	m.wantCode(err, feed.CodeConflict)

	_, err = store.Copy(m.ctx, store.CopyOptions{From: m.file, To: m.dsn})
	m.must(err)
	m.reopen()
	m.wantSame(m.Store, m.target())
}

func textThatPostgreSQLRefusesIsRepaired(t *testing.T, cluster string) {
	m := newRemoval(t, cluster)
	m.fill(3)
	m.must(m.Exec(m.ctx, `UPDATE entry SET title = 'a' || char(0) || 'b' WHERE id = 1`))
	m.must(m.Exec(m.ctx, `UPDATE entry SET title = CAST(x'61ff62' AS TEXT) WHERE id = 2`))
	done, err := m.copy(m.ctx, nil)
	m.must(err)
	for _, table := range done {
		if want := map[bool]int64{true: 2}[table.Name == "entry"]; table.Repaired != want {
			t.Errorf("%+v", table)
		}
	}
	if got, err := m.target().Lines(m.ctx, `SELECT title FROM entry WHERE id < 3 ORDER BY id`); err != nil || !slices.Equal(got, []string{"ab", "a\uFFFDb"}) {
		t.Errorf("titles %q (%v)", got, err)
	}
}

func aCopyLeavesAloneWhatIsInUse(t *testing.T, cluster string) {
	m := newRemoval(t, cluster)
	m.source("a")
	refused := func(o store.CopyOptions, code feed.Code, says string) {
		t.Helper()
		_, err := store.Copy(m.ctx, o)
		if m.wantCode(err, code); !strings.Contains(err.Error(), says) {
			t.Errorf("%v\ndoes not say %q", err, says)
		}
	}
	good := store.CopyOptions{From: m.file, To: m.dsn}
	refused(good, feed.CodeConflict, "stop it (tributary serve, most likely)") // the rig has it open
	cmd, lines := child(t, "lock", m.file)
	lines.Scan()
	m.must(m.Close())
	refused(good, feed.CodeConflict, "stop it")
	cmd.Process.Kill()
	cmd.Wait() // it was killed

	refused(store.CopyOptions{From: filepath.Join(t.TempDir(), "none.db"), To: m.dsn}, feed.CodeNotFound, "there is no database")
	refused(store.CopyOptions{From: m.file, To: "mysql://x/y"}, feed.CodeInvalid, "postgres://")
	refused(store.CopyOptions{From: m.file, To: ""}, feed.CodeInvalid, "postgres://")

	to := m.target()
	release, err := to.TryLock(m.ctx)
	m.must(err)
	refused(good, feed.CodeConflict, "the database to copy to is in use")
	release()
	m.must(to.Exec(m.ctx, `INSERT INTO worker (id, name, role, seeds, started, until) VALUES ('x', 'north', 'all', 1, 0, 9000000000000)`))
	refused(good, feed.CodeConflict, "a program (north) uses")
	m.must(to.Exec(m.ctx, `UPDATE worker SET until = 5`))
	m.must(to.SaveRun(m.ctx, feed.Report{ID: "r", Started: day}))
	refused(good, feed.CodeConflict, "not empty (table run)")

	m.must(to.Exec(m.ctx, `DELETE FROM run`))
	m.must(to.Exec(m.ctx, `CREATE TABLE copying AS SELECT '/elsewhere/tributary.db'::text AS source`))
	refused(good, feed.CodeConflict, "a half-done copy of another one, /elsewhere/tributary.db")
	m.must(to.Exec(m.ctx, `DROP TABLE copying`))
	_, err = store.Copy(m.ctx, good)
	m.must(err)
}

func aCopyIsSearchedAsTheStoreWas(t *testing.T, cluster string) {
	m := newRemoval(t, cluster)
	src := m.source("a")
	var entries []*feed.Entry
	for n := range int64(600) {
		e := entry(src, n+1)
		e.Title = fmt.Sprintf("Bridge number%d over the river", n)
		entries = append(entries, e)
	}
	m.publish(entries...)
	m.admit()
	query := store.Query{Text: `"over the river" -number7`, Limit: 1000}
	before, err := m.Items(m.ctx, query)
	m.must(err)
	ctx, cancel := context.WithCancel(m.ctx)
	defer cancel()
	_, err = m.copy(ctx, func(s store.CopyStep) {
		if s.Doing == "indexing" && s.Done < s.Total {
			cancel() // whoever opens the copy does the rest
		}
	})
	if m.must(err); ctx.Err() == nil {
		t.Error("all was indexed at once")
	}
	m.reopen()
	to := m.target()
	after, err := to.Items(m.ctx, query)
	m.must(err)
	if diff := cmp.Diff(ids(before), ids(after)); diff != "" || len(before) != 599 {
		t.Errorf("%d items found (-before +after):\n%s", len(before), diff)
	}
	m.must(to.Check(m.ctx))

	// And it goes on as the source would.
	next := feed.Source{Slug: "next", Kind: feed.KindFeed, URL: "https://next.example/"}
	here, err := m.AddSource(m.ctx, next, day)
	m.must(err)
	there, err := to.AddSource(m.ctx, next, day)
	if m.must(err); here.ID != there.ID {
		t.Errorf("the next source is %d in the source, %d in the copy", here.ID, there.ID)
	}
}
