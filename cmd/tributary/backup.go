package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"tributary/feed"
	"tributary/store"
)

func (p *program) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the database while the program runs",
		Long: "Writes a consistent copy of the SQLite database to a new file; serve may go on meanwhile.\n" +
			"To restore, stop the program and put the copy in the data folder as tributary.db.",
		Args: arguments(1, 1, "file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := filepath.Abs(args[0])
			if err != nil {
				return feed.Errorf(feed.CodeInvalid, "%s is no path that a backup can be written to: %w", args[0], err)
			}
			return p.withStore(cmd.Context(), func(_ Config, st *store.Store) error {
				if err := st.Backup(cmd.Context(), file); err != nil {
					return err
				}
				p.say("backup written to %s", file)
				return nil
			})
		},
	}
}
