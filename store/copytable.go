package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"tributary/feed"
)

// table is one that both engines have, with the same columns.
type table struct {
	name    string
	columns []column // by name
	key     []column // of the primary key, in its order
	counted string   // the column that the server counts up, "" if there is none
	rows    int64
}

type column struct{ name, kind string } // kind: "integer", "text", "blob"

// ownWay are the tables of SQLite that are not copied row by row: goose keeps its
// own account of the schema, and each engine searches in its own way.
func ownWay(name string) bool {
	return strings.HasPrefix(name, "sqlite_") || name == "goose_db_version"
}

// tablesToCopy are all of the source. It is an error if the target differs in what it has for one:
// a migration forgot an engine.
func tablesToCopy(ctx context.Context, from, to *Store) ([]table, error) {
	tables, err := sqliteTables(ctx, from)
	if err != nil {
		return nil, err
	}
	for i, t := range tables {
		there, counted, err := postgresColumns(ctx, to, t.name)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(t.columns, there) || len(t.key) == 0 {
			return nil, feed.Errorf(feed.CodeInternal, "table %s cannot be copied, with key %v and columns %v, to columns %v: please report it", t.name, t.key, t.columns, there)
		}
		tables[i].counted = counted
	}
	return tables, nil
}

// sqliteTables are the ordinary tables; that of the search is a virtual one.
func sqliteTables(ctx context.Context, s *Store) (tables []table, err error) {
	var names []string
	err = query(ctx, s, `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' ORDER BY name`, nil, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		if !ownWay(name) {
			names = append(names, name)
		}
		return err
	})
	for _, name := range names {
		t := table{name: name}
		places := map[int]column{}
		err = cmp.Or(err, query(ctx, s, `SELECT name, type, pk FROM pragma_table_info($1) ORDER BY name`, []any{name}, func(rows *sql.Rows) error {
			var c column
			var place int
			err := rows.Scan(&c.name, &c.kind, &place)
			c.kind = kinds[strings.ToLower(c.kind)]
			t.columns = append(t.columns, c)
			if place > 0 {
				places[place] = c
			}
			return err
		}))
		for i := range len(places) {
			t.key = append(t.key, places[i+1])
		}
		tables = append(tables, t)
	}
	return tables, err
}

// kinds are what the engines call what a column holds.
var kinds = map[string]string{
	"integer": "integer", "bigint": "integer", "int": "integer",
	"text": "text",
	"blob": "blob", "bytea": "blob",
}

func postgresColumns(ctx context.Context, s *Store, table string) (columns []column, counted string, err error) {
	err = query(ctx, s, `SELECT column_name::text, data_type::text, is_identity = 'YES' FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name = $1 ORDER BY column_name COLLATE "C"`, []any{table}, func(rows *sql.Rows) error {
		var c column
		var identity bool
		err := rows.Scan(&c.name, &c.kind, &identity)
		c.kind = kinds[c.kind]
		columns = append(columns, c)
		if identity {
			counted = c.name
		}
		return err
	})
	return columns, counted, err
}

// query calls row for each row of a query that is not worth preparing.
func query(ctx context.Context, s *Store, text string, args []any, row func(*sql.Rows) error) error {
	rows, err := s.writer.db.QueryContext(ctx, s.engine.text(text), args...)
	if err != nil {
		return s.engine.mend(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return s.engine.mend(ctx, rows.Err())
}

func count(ctx context.Context, s *Store, t table) (n int64, err error) {
	err = s.writer.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+quote(t.name)).Scan(&n)
	return n, s.engine.mend(ctx, err)
}

func quote(name string) string { return `"` + name + `"` } // ours have no quotes

func quoteText(s string) string { return `'` + strings.ReplaceAll(s, `'`, `''`) + `'` }

func quoted(columns []column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = quote(c.name)
	}
	return strings.Join(names, ", ")
}

// read is the query for a table's rows in the order of its key, of which every engine
// orders text by its bytes. bound compares the key with a given one, or is "".
func (t table) read(engine, bound string) string {
	where, order := "", make([]string, len(t.key))
	if bound != "" {
		where = fmt.Sprintf(" WHERE (%s) %s (%s)", quoted(t.key), bound, placeholders(1, len(t.key)))
	}
	for i, c := range t.key {
		if order[i] = quote(c.name); c.kind == "text" && engine == "postgres" {
			order[i] += ` COLLATE "C"`
		}
	}
	return fmt.Sprintf("SELECT %s FROM %s%s ORDER BY %s", quoted(t.columns), quote(t.name), where, strings.Join(order, ", "))
}

// copyTable copies the rows after those that an earlier copy brought, and first of
// all makes sure of these: the source may have been used in between.
func (c *copying) copyTable(ctx context.Context, t table) error {
	bound := ""
	last, err := t.last(ctx, c.to)
	if err != nil {
		return err
	}
	if last != nil {
		from, to, err := c.digests(ctx, t, last)
		if err != nil {
			return err
		}
		if bound = ">"; from.equal(to) {
			c.advance(from.Rows)
		} else {
			bound, last = "", nil
			if _, err := c.to.writer.db.ExecContext(ctx, `TRUNCATE `+quote(t.name)); err != nil {
				return c.to.engine.mend(ctx, err)
			}
		}
	}
	rows, err := c.from.writer.db.QueryContext(ctx, c.from.engine.text(t.read("sqlite", bound)), last...)
	if err != nil {
		return c.from.engine.mend(ctx, err)
	}
	defer rows.Close()
	return c.copyRows(ctx, t, newCopyRows(rows, len(t.columns)))
}

// last is the key of the last row that is there, nil if there is none.
func (t table) last(ctx context.Context, s *Store) (key []any, err error) {
	order := make([]string, len(t.key))
	for i, c := range t.key {
		order[i] = quote(c.name) + " DESC"
	}
	err = query(ctx, s, fmt.Sprintf("SELECT %s FROM %s ORDER BY %s LIMIT 1", quoted(t.key), quote(t.name), strings.Join(order, ", ")), nil, func(rows *sql.Rows) error {
		key = make([]any, len(t.key))
		return rows.Scan(pointers(key)...)
	})
	return key, err
}

// copyRows sends rows batch by batch, each of which commits.
func (c *copying) copyRows(ctx context.Context, t table, rows *copyRows) error {
	conn, err := c.to.writer.db.Conn(ctx)
	if err != nil {
		return c.to.engine.mend(ctx, err)
	}
	defer conn.Close()
	names := make([]string, len(t.columns))
	for i, col := range t.columns {
		names[i] = col.name
	}
	for !rows.over {
		var n int64
		err := conn.Raw(func(driver any) (err error) {
			n, err = driver.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{t.name}, names, rows.batch())
			return err
		})
		if rows.err != nil {
			return c.from.engine.mend(ctx, rows.err)
		}
		if err != nil {
			return c.to.engine.mend(ctx, err)
		}
		c.advance(n)
	}
	return nil
}

// A batch is over when it has so many rows, or so many bytes.
const copyBytes = 8 << 20

var copyRowsAtOnce = 10_000

// copyRows reads rows of the source as those to send, for a batch.
type copyRows struct {
	rows        *sql.Rows
	values      []any
	count, size int  // of the batch
	over        bool // there is no further row
	err         error
}

func newCopyRows(rows *sql.Rows, columns int) *copyRows {
	return &copyRows{rows: rows, values: make([]any, columns)}
}

func (r *copyRows) batch() *copyRows {
	r.count, r.size = 0, 0
	return r
}

// Next reads a row, as [pgx.CopyFromSource] has it.
func (r *copyRows) Next() bool {
	if r.count >= copyRowsAtOnce || r.size >= copyBytes {
		return false
	}
	if !r.rows.Next() {
		r.over, r.err = true, r.rows.Err()
		return false
	}
	if r.err = r.rows.Scan(pointers(r.values)...); r.err != nil {
		r.over = true
		return false
	}
	r.count++
	for i, v := range r.values {
		switch v := v.(type) {
		case string:
			r.size += len(v)
			r.values[i] = text(v) // as what is stored by the program is
		case []byte:
			r.size += len(v)
			if v == nil { // SQLite has no bytes for empty ones; to pgx that is NULL
				r.values[i] = []byte{}
			}
		}
	}
	return true
}

func (r *copyRows) Values() ([]any, error) { return r.values, nil }

func (r *copyRows) Err() error { return r.err }

func pointers(values []any) []any {
	all := make([]any, len(values))
	for i := range values {
		all[i] = &values[i]
	}
	return all
}

// digest is what a table has, in short.
type digest struct {
	Rows     int64
	Hash     string // SHA-256 of all rows in the order of the key, its first 16 hexadecimal digits
	Repaired int64  // texts of the source that hold what PostgreSQL cannot, which was left out
}

func (d digest) equal(e digest) bool { return d.Rows == e.Rows && d.Hash == e.Hash }

// digestOf reads a table, up to a key if one is given.
func digestOf(ctx context.Context, s *Store, t table, upTo []any) (d digest, err error) {
	bound := ""
	if upTo != nil {
		bound = "<="
	}
	sum := digester{Hash: sha256.New()}
	values := make([]any, len(t.columns))
	dest := pointers(values)
	err = query(ctx, s, t.read(s.engine.name(), bound), upTo, func(rows *sql.Rows) error {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		d.Rows++
		return sum.row(values)
	})
	d.Hash, d.Repaired = hex.EncodeToString(sum.Sum(nil)[:8]), sum.repaired
	return d, err
}

// digester hashes rows, each value as a letter for its kind, then 8 bytes for a number, or
// for the length of the bytes that follow.
type digester struct {
	hash.Hash
	line     []byte
	repaired int64
}

func (d *digester) row(values []any) error {
	d.line = d.line[:0]
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			d.line = append(d.line, '-')
		case int64:
			d.line = binary.BigEndian.AppendUint64(append(d.line, 'i'), uint64(v))
		case string:
			whole := text(v)
			if whole != v {
				d.repaired++
			}
			d.line = binary.BigEndian.AppendUint64(append(d.line, 't'), uint64(len(whole)))
			d.line = append(d.line, whole...)
		case []byte:
			d.line = binary.BigEndian.AppendUint64(append(d.line, 'b'), uint64(len(v)))
			d.line = append(d.line, v...)
		default:
			return fmt.Errorf("store: %T in a table", v)
		}
	}
	_, err := d.Write(d.line)
	return err
}
