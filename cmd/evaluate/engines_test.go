package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/store/pgtest"
)

// TestBothEnginesGiveTheSameFiguresAndRows takes small sets through the pipeline on
// SQLite and on PostgreSQL.
func TestBothEnginesGiveTheSameFiguresAndRows(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Start(t)
	short := filepath.Join(t.TempDir(), "short.jsonl")
	write(t, short, firstLines(t, "../../ingest/topic/testdata/short.jsonl", 50))
	for _, c := range []struct {
		name    string
		command func([]string, io.Writer) error
		args    []string
		figures string // some of those that must come out
	}{
		{"stories", storiesCommand, []string{"testdata/small.jsonl", short}, "stories small.jsonl n=13 b3=1.0000 pair_f1=1.0000 "},
		{"copies", copiesCommand, []string{"testdata/small.jsonl", "testdata/pairs.tsv", "testdata/conflicts.tsv"}, " pairs_0.8=4/4 pairs_0.6=4/4 conflicts=0/1\n"},
		{"topic", topicCommand, []string{"--seeds", "testdata/seeds.jsonl", "testdata/small.jsonl"}, " relevant=2 published=2 "},
		{"topic of short texts", topicCommand, []string{"--seeds", "testdata/seeds.jsonl", short}, " n=50 "},
	} {
		onSQLite, rows := evaluated(t, c.command, c.args)
		if !strings.Contains(onSQLite, c.figures) {
			t.Errorf("%s: %swithout %q", c.name, onSQLite, c.figures)
		}
		onPostgres, sameRows := evaluated(t, c.command, append([]string{"--database-url", dsn}, c.args...))
		if d := cmp.Diff(onSQLite, onPostgres); d != "" {
			t.Errorf("%s: figures on SQLite (-) and PostgreSQL (+):\n%s", c.name, d)
		}
		if d := cmp.Diff(rows, sameRows); d != "" {
			t.Errorf("%s: rows on SQLite (-) and PostgreSQL (+):\n%s", c.name, d)
		}
	}
}

// evaluated is what a command prints, and the rows that it writes.
func evaluated(t *testing.T, command func([]string, io.Writer) error, args []string) (figures, rows string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rows.jsonl")
	var out bytes.Buffer
	if err := command(append([]string{"--rows", file}, args...), &out); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), string(text)
}

func firstLines(t *testing.T, path string, n int) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	return strings.Join(lines[:n], "")
}

func TestATrialLeavesItsDatabaseEmptyAndTakesNoOther(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Start(t)
	first, err := newTrial(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	if first.store.Engine() != "postgres" {
		t.Errorf("the trial is on %s", first.store.Engine())
	}
	if _, err := newTrial(t.Context(), dsn); err == nil || !strings.Contains(err.Error(), "the database is not empty") {
		t.Errorf("beside another: %v", err)
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	second, err := newTrial(t.Context(), dsn)
	if err != nil {
		t.Fatalf("after another: %v", err)
	}
	if err := second.close(); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"mysql://root:secret@db/x", "trial.db", "postgres://u:secret@%"} {
		_, err := newTrial(t.Context(), wrong)
		if err == nil || !strings.Contains(err.Error(), "must be like postgres://") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}
