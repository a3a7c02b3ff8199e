package store_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/store"
)

func TestABackupIsWholeWhileOthersWrite(t *testing.T) {
	r := sqliteRig(t)
	r.source("a")
	_, lines := child(t, "write", r.options.Path)
	for range 20 {
		lines.Scan()
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	r.must(r.Backup(r.ctx, copied))
	s := open(t, store.Options{Path: copied})
	r.must(s.Check(r.ctx))
	n, err := s.Totals(r.ctx)
	r.must(err)
	src, err := s.Source(r.ctx, "a")
	r.must(err)
	if n.Entries < 400 || n.Entries != 20*int(src.State.Fetches) || n.Items != n.Entries {
		t.Errorf("the copy has %+v, its source %d batches", n, src.State.Fetches)
	}
	for _, path := range []string{copied, r.options.Path} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v (%v), want one that lets nobody else read", path, info.Mode(), err)
		}
	}
	left, err := filepath.Glob(copied + ".part*")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestABackupOverwritesNothing(t *testing.T) {
	r := sqliteRig(t)
	path := filepath.Join(t.TempDir(), "precious")
	r.must(os.WriteFile(path, []byte("mine"), 0o600))
	r.wantCode(r.Backup(r.ctx, path), feed.CodeConflict)
	r.wantCode(r.Backup(r.ctx, filepath.Join(t.TempDir(), "no", "folder")), feed.CodeUnavailable)
	if b, _ := os.ReadFile(path); string(b) != "mine" {
		t.Error("the file was overwritten")
	}
}

var _ = behaviour("PostgreSQL is backed up by its own tools, which is said", func(r *rig) {
	if r.Engine() == "sqlite" {
		return
	}
	err := r.Backup(r.ctx, filepath.Join(r.TempDir(), "x"))
	if feed.CodeOf(err) != feed.CodeInvalid || !strings.Contains(err.Error(), "pg_dump") {
		r.Errorf("error %v", err)
	}
})

// newer makes the schema that of a newer program, which says from which on programs
// may use it.
func (r *rig) newer(compatible int) {
	r.must(r.Exec(r.ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, `+
		map[string]string{"sqlite": "1", "postgres": "true"}[r.Engine()]+`)`))
	r.must(r.Exec(r.ctx, fmt.Sprint(`UPDATE meta SET compatible = `, compatible)))
}

var _ = behaviour("a newer schema that older programs may use is used as it is", func(r *rig) {
	r.newer(8)
	s, err := store.Open(r.ctx, r.options)
	r.must(err)
	r.must(s.Close())
})

var _ = behaviour("a schema of a newer program is refused and left alone", func(r *rig) {
	r.newer(9999)
	_, err := store.Open(r.ctx, r.options)
	if feed.CodeOf(err) != feed.CodeConflict || !strings.Contains(err.Error(), "9999") {
		r.Errorf("error %v", err)
	}
})

func TestAFileThatIsNoDatabaseIsSaidAndLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	text := strings.Repeat("This is a text, no database. ", 200)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(t.Context(), store.Options{Path: path})
	if feed.CodeOf(err) != feed.CodeUnavailable || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("error %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != text {
		t.Error("the file was changed")
	}
}

func TestDamageIsFoundByTheCheck(t *testing.T) {
	r := sqliteRig(t)
	r.many("a", 200)
	r.must(r.Exec(r.ctx, `PRAGMA wal_checkpoint(TRUNCATE)`))
	f, err := os.OpenFile(r.options.Path, os.O_RDWR, 0)
	r.must(err)
	info, err := f.Stat()
	r.must(err)
	last := info.Size()/4096 - 1
	for page := last - 20; page < last-10; page++ { // of what was stored, not of the schema
		_, err := f.WriteAt([]byte(strings.Repeat("\xff", 4096)), 4096*page)
		r.must(err)
	}
	r.must(f.Close())
	s := open(t, r.options)
	r.wantCode(s.Check(r.ctx), feed.CodeUnavailable)
}

func TestReferencesThatLeadNowhereAreFoundByTheCheck(t *testing.T) {
	for _, harm := range []string{
		`UPDATE entry SET item_id = 99 WHERE id = 1`,
		`UPDATE entry SET source_id = 99 WHERE id = 1`,
		`UPDATE item SET lead_id = 99 WHERE id = 1`,
		`UPDATE item SET lead_id = 2 WHERE id = 1`,
		`UPDATE item SET place = 99 WHERE id = 1`,
	} {
		r := sqliteRig(t)
		r.many("a", 3)
		r.must(r.Exec(r.ctx, harm))
		if r.Check(r.ctx) == nil {
			t.Errorf("not found: %s", harm)
		}
	}
}

func TestOddPathsAreTakenAsTheyAre(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#d%20e&_txlock=deferred.db")
	s := open(t, store.Options{Path: path})
	if _, err := s.FeedID(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestSQLiteIsSetUpAsMeant(t *testing.T) {
	r := sqliteRig(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "1", "busy_timeout": "60000", "cache_size": "-8000"} {
		got, err := r.Lines(r.ctx, "PRAGMA "+pragma)
		if diff := cmp.Diff([]string{want}, got); err != nil || diff != "" {
			t.Errorf("%s (-want +got):\n%s%v", pragma, diff, err)
		}
	}
	db, err := sql.Open("sqlite", r.options.Path)
	r.must(err)
	defer db.Close()
	var n int
	r.must(db.QueryRow(`SELECT COUNT(*) FROM pragma_table_list WHERE schema = 'main' AND strict = 0
		AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%' AND name NOT LIKE 'search%'`).Scan(&n))
	if n != 0 {
		t.Errorf("%d tables of ours are not strict", n)
	}
}
