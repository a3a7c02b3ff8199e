package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// pool is a set of connections with the statements prepared on them.
type pool struct {
	session // outside any transaction
	db      *sql.DB
	engine  engine

	mu      sync.Mutex
	stmts   map[string]*sql.Stmt // by text; there are a few dozen texts
	missing []string             // texts that a transaction would have liked to find here
}

func newPool(db *sql.DB, e engine) *pool {
	p := &pool{db: db, engine: e, stmts: map[string]*sql.Stmt{}}
	p.session = session{pool: p}
	return p
}

func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.stmts {
		s.Close() // the connections are closed next, which says what went wrong
	}
	return p.db.Close()
}

func (p *pool) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	p.mu.Lock()
	s := p.stmts[query]
	p.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := p.db.PrepareContext(ctx, p.engine.text(query)) // may wait for a connection
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := p.stmts[query]; first != nil {
		s.Close() // somebody was faster
		return first, nil
	}
	p.stmts[query] = s
	return s, nil
}

// session is where statements run: on any connection of a pool, or in a transaction.
type session struct {
	pool *pool
	tx   *sql.Tx
	own  map[string]*sql.Stmt // bound to tx

	// A statement of a write transaction runs to its end; the next one sees that
	// the context has ended. SQLite's driver starts a goroutine for each statement
	// that could be cancelled.
	steady bool
}

// ready checks ctx before a statement and gives the one to run it with.
func (s session) ready(ctx context.Context) (context.Context, error) {
	if !s.steady {
		return ctx, nil
	}
	return context.WithoutCancel(ctx), ctx.Err()
}

// begin starts a transaction. The statements that earlier ones had to prepare
// for themselves are prepared for all to come, now that a connection is free.
func (p *pool) begin(ctx context.Context, o *sql.TxOptions) (session, error) {
	p.mu.Lock()
	missing := p.missing
	p.missing = nil
	p.mu.Unlock()
	for _, query := range missing {
		if _, err := p.prepared(ctx, query); err != nil {
			return session{}, p.engine.mend(ctx, err)
		}
	}
	tx, err := p.db.BeginTx(ctx, o)
	return session{pool: p, tx: tx, own: map[string]*sql.Stmt{}, steady: o == nil}, p.engine.mend(ctx, err)
}

func (s session) stmt(ctx context.Context, query string) (stmt *sql.Stmt, err error) {
	if s.tx == nil {
		return s.pool.prepared(ctx, query)
	}
	if stmt = s.own[query]; stmt != nil {
		return stmt, nil
	}
	p := s.pool
	p.mu.Lock()
	if stmt = p.stmts[query]; stmt == nil {
		p.missing = append(p.missing, query)
	}
	p.mu.Unlock()
	if stmt != nil {
		stmt = s.tx.StmtContext(ctx, stmt)
	} else if stmt, err = s.tx.PrepareContext(ctx, p.engine.text(query)); err != nil {
		return nil, err
	}
	s.own[query] = stmt
	return stmt, nil
}

// exec runs a statement and tells how many rows it touched.
func (s session) exec(ctx context.Context, query string, args ...any) (int64, error) {
	quiet, err := s.ready(ctx)
	if err != nil {
		return 0, err
	}
	stmt, err := s.stmt(quiet, query)
	if err != nil {
		return 0, s.pool.engine.mend(ctx, err)
	}
	res, err := stmt.ExecContext(quiet, args...)
	if err != nil {
		return 0, s.pool.engine.mend(ctx, err)
	}
	return res.RowsAffected()
}

// each runs a query and calls row for each row of its result.
func (s session) each(ctx context.Context, query string, args []any, row func(scan scanner) error) error {
	quiet, err := s.ready(ctx)
	if err != nil {
		return err
	}
	stmt, err := s.stmt(quiet, query)
	if err != nil {
		return s.pool.engine.mend(ctx, err)
	}
	rows, err := stmt.QueryContext(quiet, args...)
	if err != nil {
		return s.pool.engine.mend(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return s.pool.engine.mend(ctx, rows.Err())
}

// one reads the one row of a query into dest; found is false if there is none.
func (s session) one(ctx context.Context, query string, args []any, dest ...any) (found bool, err error) {
	err = s.each(ctx, query, args, func(scan scanner) error {
		found = true
		return scan(dest...)
	})
	return found, err
}

// scanner is sql.Rows.Scan.
type scanner func(dest ...any) error

// eachIn runs a query for each chunk of keys. The query's text has one %s,
// where the list of placeholders goes; args come before the keys. Zero keys
// stand for "none" and are left out, repeated ones are looked up once.
func (s session) eachIn(ctx context.Context, query string, args []any, keys []int64, row func(scanner) error) error {
	return s.eachOf(ctx, maxRows, query, args, keys, row)
}

// eachOf is eachIn with chunks of another size, a power of two.
func (s session) eachOf(ctx context.Context, most int, query string, args []any, keys []int64, row func(scanner) error) error {
	keys = distinct(keys)
	for len(keys) > 0 {
		n := min(len(keys), most)
		size := roundUp(n)
		list := append(make([]any, 0, len(args)+size), args...)
		for i := range size {
			list = append(list, keys[min(i, n-1)]) // the last key fills the list up
		}
		if err := s.each(ctx, fmt.Sprintf(query, placeholders(len(args)+1, size)), list, row); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// collectRows gives a row function that appends row ids to all.
func collectRows(all *[]int64) func(scanner) error {
	return func(scan scanner) error {
		var id int64
		err := scan(&id)
		*all = append(*all, id)
		return err
	}
}

// maxRows is the most rows or keys that one statement takes. Statements come in
// powers of two, so that a few prepared ones serve every number.
const maxRows = 64

func roundUp(n int) int   { return 1 << bits.Len(uint(n-1)) }
func roundDown(n int) int { return 1 << (bits.Len(uint(n)) - 1) }

// placeholders is "$first, …", n of them.
func placeholders(first, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(first + i))
	}
	return b.String()
}

// distinct is keys without zeros and repetitions, in their order.
func distinct(keys []int64) []int64 {
	seen := make(map[int64]struct{}, len(keys))
	out := make([]int64, 0, len(keys))
	for _, k := range keys {
		if _, again := seen[k]; k != 0 && !again {
			seen[k] = struct{}{}
			out = append(out, k)
		}
	}
	return out
}

// ms is a time as it is stored: NULL for the zero time.
func ms(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// orNull is a key or row id as it is stored: NULL for 0.
func orNull(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// text is s as both engines can store it: PostgreSQL refuses invalid UTF-8 and
// NUL, and one bad entry must not stop the transaction of many sources.
func text(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return s
}

// asJSON is v as it is stored in a text column.
func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("store: a value of ours has no JSON form: " + err.Error())
	}
	return text(string(b))
}

// The types below read columns. NULL and "" read as the zero value.

type instant time.Time

func (t *instant) Scan(v any) error {
	n, err := integer(v)
	*t = instant{}
	if v != nil {
		*t = instant(time.UnixMilli(n).UTC())
	}
	return err
}

type number int64

func (n *number) Scan(v any) error {
	i, err := integer(v)
	*n = number(i)
	return err
}

type flag bool

func (f *flag) Scan(v any) error {
	if b, ok := v.(bool); ok {
		*f = flag(b)
		return nil
	}
	n, err := integer(v)
	*f = n != 0
	return err
}

func integer(v any) (int64, error) {
	switch v := v.(type) {
	case nil:
		return 0, nil
	case int64:
		return v, nil
	}
	return 0, fmt.Errorf("store: %T where a whole number should be", v)
}

// fromJSON reads a column that asJSON made, into what it points to.
type fromJSON struct{ to any }

func (j fromJSON) Scan(v any) error {
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil
		}
		return json.Unmarshal([]byte(v), j.to)
	case []byte:
		return json.Unmarshal(v, j.to)
	}
	return errors.New("store: no text where JSON should be")
}
