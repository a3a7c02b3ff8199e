package store

import (
	"context"
	"slices"
)

// Statements are the texts that have run on the store, as the engine takes them.
func (s *Store) Statements() (texts []string) {
	for _, p := range []*pool{s.writer, s.reader} {
		p.mu.Lock()
		for text := range p.stmts {
			texts = append(texts, s.engine.text(text))
		}
		for _, text := range p.missing {
			texts = append(texts, s.engine.text(text))
		}
		p.mu.Unlock()
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// Exec runs a statement as it is, on the writer's connection.
func (s *Store) Exec(ctx context.Context, statement string, args ...any) error {
	_, err := s.writer.db.ExecContext(ctx, statement, args...)
	return err
}

// Lines are a query's rows, first column.
func (s *Store) Lines(ctx context.Context, query string, args ...any) (lines []string, err error) {
	rows, err := s.writer.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	for err == nil && rows.Next() {
		dest := make([]any, len(columns))
		for i := range dest {
			dest[i] = new(any)
		}
		last := new(string)
		dest[len(dest)-1] = last // of EXPLAIN QUERY PLAN, and of one column
		err = rows.Scan(dest...)
		lines = append(lines, *last)
	}
	return lines, err
}
