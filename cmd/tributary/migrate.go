package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"tributary/feed"
	"tributary/store"
)

func (p *program) migrateCommand() *cobra.Command {
	var from, to string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "migrate [--from FILE] [--to URL]",
		Short: "Move the database from SQLite to PostgreSQL",
		Long: "Copies all that the SQLite database has to an empty PostgreSQL database, reads both to the end\n" +
			"to verify that they are the same, and prints what each table has. Stop the program before.\n" +
			"The SQLite file stays as it is. Broken off, the same command goes on where it stopped.\n\n" +
			"A password is better not on a command line: leave --to out, and set database_url or TRIBUTARY_DATABASE_URL.",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := p.config()
			if err != nil {
				return err
			}
			o := store.CopyOptions{From: cmp.Or(from, cfg.databaseFile()), To: cfg.DatabaseURL}
			if to != "" {
				if o.To, err = parseDatabaseURL(to); err != nil {
					return usage(cmd, feed.Errorf(feed.CodeInvalid, "--to: %w", err))
				}
			}
			if o.To == "" {
				return usage(cmd, feed.Errorf(feed.CodeInvalid, "say where to: set database_url or TRIBUTARY_DATABASE_URL, or give --to postgres://user@host/database"))
			}
			return p.migrate(cmd.Context(), o, asJSON)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "SQLite `file` (default tributary.db in the data folder)")
	cmd.Flags().StringVar(&to, "to", "", "postgres:// `url` of an empty database (default database_url)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// migrate copies a store and prints what there is in both now.
func (p *program) migrate(ctx context.Context, o store.CopyOptions, asJSON bool) error {
	began := time.Now()
	bar := &copyBar{w: p.stderr, shown: isTerminal(p.stderr)}
	o.Progress = bar.show
	tables, err := store.Copy(ctx, o)
	bar.finish()
	if errors.Is(err, context.Canceled) {
		return feed.Errorf(feed.CodeUnavailable, "interrupted: the same command goes on where it stopped")
	}
	if err != nil {
		return err
	}
	if asJSON {
		return p.json(copiedTables(tables))
	}
	return p.printCopied(tables, o.From, time.Since(began))
}

// copied is a table in JSON.
type copied struct {
	Table    string `json:"table"`
	Rows     int64  `json:"rows"`
	Hash     string `json:"hash"`
	Repaired int64  `json:"repaired"`
}

func copiedTables(tables []store.CopiedTable) []copied {
	list := []copied{}
	for _, t := range tables {
		list = append(list, copied{t.Name, t.Rows, t.Hash, t.Repaired})
	}
	return list
}

func (p *program) printCopied(tables []store.CopiedTable, from string, took time.Duration) error {
	var lines [][]string
	var rows, repaired int64
	for _, t := range tables {
		lines = append(lines, []string{t.Name, strconv.FormatInt(t.Rows, 10), t.Hash})
		rows, repaired = rows+t.Rows, repaired+t.Repaired
	}
	if err := p.table([]string{"TABLE", "ROWS", "HASH"}, lines); err != nil {
		return err
	}
	p.say("%s copied and verified in %s; %s stays as it was", plural(int(rows), "row"), took.Round(time.Second/10), from)
	if repaired > 0 {
		p.say("%s had characters that PostgreSQL does not take (NUL, or no UTF-8), which were replaced", plural(int(repaired), "text"))
	}
	p.say("start the program with database_url now, and with the same seeds, configuration and token as before")
	return nil
}

// copyBar draws how far a copy is, a bar for each thing that it does.
type copyBar struct {
	w     io.Writer
	shown bool
	doing string
	bar   *progressbar.ProgressBar
}

func (b *copyBar) show(s store.CopyStep) {
	if !b.shown || s.Total == 0 {
		return
	}
	if s.Doing != b.doing {
		b.finish()
		b.doing = s.Doing
		b.bar = progressbar.NewOptions64(s.Total,
			progressbar.OptionSetWriter(b.w),
			progressbar.OptionSetDescription(s.Doing),
			progressbar.OptionShowCount(),
			progressbar.OptionThrottle(progressEvery),
			progressbar.OptionClearOnFinish(),
		)
	}
	_ = b.bar.Set64(s.Done) // a bar that cannot be drawn harms nobody
}

// finish wipes the bar out.
func (b *copyBar) finish() {
	if b.bar != nil {
		_ = b.bar.Finish() // likewise
		b.bar = nil
	}
}
