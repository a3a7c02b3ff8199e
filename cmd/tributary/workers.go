package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"tributary/feed"
	"tributary/scheduler/cluster"
	"tributary/store"
)

func (p *program) workersCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "workers",
		Short: "List the processes that share the database, and how many sources each works on now",
		Long: "Lists the processes that share a PostgreSQL database and have been heard of within 20 seconds.\n" +
			"On SQLite one process does everything, and there is nothing to list.",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withStore(cmd.Context(), func(cfg Config, _ *store.Store) error {
				return p.workers(cmd.Context(), cfg, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) workers(ctx context.Context, cfg Config, asJSON bool) error {
	workers := []feed.Worker{}
	if cfg.DatabaseURL != "" {
		err := lookAt(ctx, cfg, func(o *cluster.Onlooker) (err error) {
			workers, err = o.Workers(ctx)
			return err
		})
		if err != nil {
			return err
		}
	}
	switch {
	case asJSON:
		return p.json(workers)
	case cfg.DatabaseURL == "":
		p.say("on SQLite one process does everything: there are no others to list")
		return nil
	}
	return p.printWorkers(cfg, workers)
}

// printWorkers prints a line for each process, and what is missing among them.
func (p *program) printWorkers(cfg Config, workers []feed.Worker) error {
	var rows [][]string
	works, sees := false, false
	for _, w := range workers {
		seeds := "–"
		if w.Seeds {
			seeds = "seen"
		}
		rows = append(rows, []string{w.Name, w.Role, when(w.Since, cfg.TimeZone), seeds, number(w.Sources)})
		works, sees = works || w.Role != string(cluster.RoleWeb), sees || w.Seeds
	}
	if err := p.table([]string{"PROCESS", "ROLE", "SINCE", "SEEDS", "SOURCES"}, rows); err != nil {
		return err
	}
	switch {
	case !works:
		p.say("nobody ingests: start a process with the role worker, or all")
	case !sees && cfg.givesSeeds():
		p.say("nobody sees the seeds folder: mount it in one worker at least")
	}
	return nil
}

// workingNow names who works on each source, where several processes share the work.
func workingNow(ctx context.Context, cfg Config) (working map[int64]string, err error) {
	if cfg.DatabaseURL == "" {
		return nil, nil
	}
	err = lookAt(ctx, cfg, func(o *cluster.Onlooker) (err error) {
		working, err = o.Working(ctx)
		return err
	})
	return working, err
}

// lookAt looks at the processes without being one of them.
func lookAt(ctx context.Context, cfg Config, do func(o *cluster.Onlooker) error) error {
	o, err := cluster.LookAt(ctx, cfg.DatabaseURL)
	if err != nil {
		return err
	}
	return errors.Join(do(o), o.Close(context.WithoutCancel(ctx)))
}
