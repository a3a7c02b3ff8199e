package store

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/pressly/goose/v3"
)

// OpenAt opens a new store with the schema of a version, an old one.
func OpenAt(ctx context.Context, o Options, version int64) (*Store, error) {
	e, err := engineFor(o)
	if err != nil {
		return nil, err
	}
	w, r, err := e.open(ctx)
	if err != nil {
		return nil, err
	}
	s := &Store{engine: e, writer: newPool(w, e), reader: newPool(r, e)}
	dir, err := fs.Sub(migrations, "migrations/"+e.name())
	if err != nil {
		return nil, err
	}
	p, err := goose.NewProvider(e.dialect(), w, dir, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, err
	}
	if _, err := p.UpTo(ctx, version); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

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

// WordsOf are the words that a text is found by.
func WordsOf(text string) []string { return wordsOf(text, 1000) }
