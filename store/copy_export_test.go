package store

import "context"

// CopyInBatchesOf sets how many rows a copy sends at once, and gives the way back.
func CopyInBatchesOf(rows int) (restore func()) {
	old := copyRowsAtOnce
	copyRowsAtOnce = rows
	return func() { copyRowsAtOnce = old }
}

// TablesToCopy are the names of what a copy from one store to another takes, each with its columns.
func TablesToCopy(ctx context.Context, from, to *Store) (map[string][]string, error) {
	tables, err := tablesToCopy(ctx, from, to)
	names := map[string][]string{}
	for _, t := range tables {
		for _, c := range t.columns {
			names[t.name] = append(names[t.name], c.name)
		}
	}
	return names, err
}

// Rows are a query's rows as they come.
func (s *Store) Rows(ctx context.Context, query string) (all [][]any, err error) {
	rows, err := s.writer.db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	for err == nil && rows.Next() {
		values := make([]any, len(columns))
		err = rows.Scan(pointers(values)...)
		all = append(all, values)
	}
	return all, err
}
