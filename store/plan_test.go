package store_test

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"tributary/store"
)

var (
	counting = regexp.MustCompile(`^PRAGMA|^SELECT\s+\(?(SELECT )?COUNT`)
	byKey    = regexp.MustCompile(`\b(id|slug|url) (=|IN)`)
)

// meansWhole tells whether a statement is meant to read a whole table: to count, to
// check, or to see all sources, not the one with some key.
func meansWhole(text string) bool {
	return counting.MatchString(text) || strings.Contains(text, "FROM source") && !byKey.MatchString(text)
}

// explain fails if a statement reads a whole table of those that grow.
func explain(t *testing.T, s *store.Store, statements []string) {
	if len(statements) < 60 {
		t.Errorf("only %d statements were seen", len(statements))
	}
	for _, text := range statements {
		if meansWhole(text) {
			continue
		}
		plan, err := planOf(t, s, text)
		if err != nil {
			t.Errorf("%v\n%s", err, text)
			continue
		}
		for _, line := range plan {
			if scans(line) {
				t.Errorf("a whole table is read:\n%s\n%s", text, strings.Join(plan, "\n"))
			}
		}
	}
}

// scans knows SQLite's and PostgreSQL's words for it. What a statement makes
// itself (a list of values, a subquery) it may read whole.
func scans(line string) bool {
	if strings.Contains(line, "Seq Scan") {
		return true
	}
	if regexp.MustCompile(`VIRTUAL TABLE INDEX \d+:.`).MatchString(line) { // by a word or a row
		return false
	}
	table, found := strings.CutPrefix(line, "SCAN ")
	return found && regexp.MustCompile(`^(entry|item|run|source|mark|sketch|story|score|judgement|search|source_day|c|e|i|o|s|l|m|k|f|d)\b`).MatchString(table) &&
		!strings.Contains(line, "USING INDEX item_waiting") && !strings.Contains(line, "USING INDEX entry_held") &&
		!strings.Contains(line, "run_started")
}

func planOf(t *testing.T, s *store.Store, text string) ([]string, error) {
	holders := regexp.MustCompile(`\?|\$\d+`).FindAllString(text, -1)
	if s.Engine() == "sqlite" {
		return s.Lines(t.Context(), "EXPLAIN QUERY PLAN "+text, make([]any, len(holders))...)
	}
	// Tables are small here: what cannot be read by an index is still a Seq Scan.
	name := fmt.Sprintf("q%x", sha256.Sum256([]byte(text)))[:30]
	for _, set := range []string{"SET enable_seqscan = off", "SET plan_cache_mode = force_generic_plan", "PREPARE " + name + " AS " + text} {
		if err := s.Exec(t.Context(), set); err != nil {
			return nil, err
		}
	}
	n := 0
	for _, h := range holders {
		var i int
		fmt.Sscanf(h, "$%d", &i)
		n = max(n, i)
	}
	if n == 0 {
		return s.Lines(t.Context(), "EXPLAIN EXECUTE "+name)
	}
	return s.Lines(t.Context(), "EXPLAIN EXECUTE "+name+"("+strings.TrimSuffix(strings.Repeat("NULL, ", n), ", ")+")")
}
