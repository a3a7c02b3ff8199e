package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"path/filepath"

	_ "github.com/jackc/pgx/v5/stdlib" // database/sql driver "pgx"

	"tributary/store"
)

// databaseFlag is the option that says where trials keep what they make.
func databaseFlag(flags *flag.FlagSet) *string {
	return flags.String("database-url", "", "use the empty PostgreSQL database at this postgres:// `URL`, and leave it empty, instead of a temporary SQLite file")
}

// placeFor is where a trial's store is: in folder, or in the database if one is
// named. What is in the database is gone after leave.
func placeFor(ctx context.Context, folder, databaseURL string) (_ store.Options, leave func() error, _ error) {
	if databaseURL != "" {
		return borrow(ctx, databaseURL)
	}
	return store.Options{Path: filepath.Join(folder, "trial.db")}, func() error { return nil }, nil
}

// borrowed is the schema that a trial has in a database. In one of its own nothing
// else can be, so that it can be dropped whole.
const borrowed = "evaluate"

// borrow makes the schema in an empty database.
func borrow(ctx context.Context, databaseURL string) (o store.Options, leave func() error, err error) {
	u, err := url.Parse(databaseURL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return o, nil, errors.New("--database-url must be like postgres://user:password@host/database")
	}
	db, err := sql.Open("pgx", databaseURL)
	if err != nil {
		return o, nil, err
	}
	if err := makeSchema(ctx, db); err != nil {
		return o, nil, errors.Join(fmt.Errorf("%s: %w", u.Redacted(), err), db.Close())
	}
	query := u.Query()
	query.Set("search_path", borrowed)
	u.RawQuery = query.Encode()
	return store.Options{DSN: u.String()}, func() error {
		_, err := db.ExecContext(ctx, `DROP SCHEMA `+borrowed+` CASCADE`)
		return errors.Join(err, db.Close())
	}, nil
}

// makeSchema refuses a database with tables: what a trial that was broken off left
// there is somebody's to look at, and nobody's data may be taken for it.
func makeSchema(ctx context.Context, db *sql.DB) error {
	var table string
	err := db.QueryRowContext(ctx, `SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
		WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1 LIMIT 1`).Scan(&table)
	switch {
	case err == nil:
		return fmt.Errorf("the database is not empty, it has a table %s: give an empty one (createdb makes one)", table)
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	_, err = db.ExecContext(ctx, `CREATE SCHEMA `+borrowed)
	return err
}
