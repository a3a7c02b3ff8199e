package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clusterCommand measures several processes on one PostgreSQL: how fast they
// are together, then what they lose when they are killed.
func clusterCommand(args []string) error {
	flags := flag.NewFlagSet("cluster", flag.ContinueOnError)
	part := flags.String("part", "all", "speed, chaos or all")
	var s speed
	flags.IntVar(&s.sources, "sources", 10_000, "number of sources (speed)")
	flags.IntVar(&s.hosts, "hosts", 500, "hosts that they are on (speed)")
	flags.IntVar(&s.first, "first", 2, "items that a source has at first (speed)")
	flags.StringVar(&s.filters, "filter", "off,on", "with the topic filter off or on, or one after the other (speed)")
	workers := flags.String("workers", "1,2,4", "how many workers to measure, one after the other (speed)")
	flags.BoolVar(&s.statements, "statements", false, "print the statements that take PostgreSQL longest, where it counts them (speed)")
	var c chaos
	flags.IntVar(&c.sources, "chaos-sources", 2000, "number of sources (chaos)")
	flags.IntVar(&c.hosts, "chaos-hosts", 200, "hosts that they are on (chaos)")
	minutes := flags.Float64("minutes", 3, "how long processes are killed (chaos)")
	flags.DurationVar(&c.killEvery, "kill-every", 5*time.Second, "how often a worker is killed (chaos)")
	flags.DurationVar(&c.stopFor, "stop-for", time.Minute, "how long a worker is stopped (chaos)")
	flags.Float64Var(&c.rate, "rate", 20, "new items a second (chaos)")
	flags.Uint64Var(&c.seed, "seed", 1, "of what is killed, and when sources refuse to answer (chaos)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("usage: bench cluster [flags] TRIBUTARY")
	}
	for _, n := range strings.Split(*workers, ",") {
		count, err := strconv.Atoi(n)
		if err != nil {
			return fmt.Errorf("-workers %s: %w", *workers, err)
		}
		s.workers = append(s.workers, count)
	}
	s.program, c.program = flags.Arg(0), flags.Arg(0)
	c.length = time.Duration(*minutes * float64(time.Minute))
	if *part != "chaos" {
		if err := inFolder(s.run); err != nil {
			return err
		}
	}
	if *part != "speed" {
		return inFolder(c.run)
	}
	return nil
}

// inFolder gives do a PostgreSQL and a folder. That is gone afterwards, unless
// something was wrong: the logs of all processes are in it.
func inFolder(do func(dir string, db *postgres) error) (err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\nwhat the processes said is in %s", err, dir)
		} else {
			_ = os.RemoveAll(dir) // a temporary folder
		}
	}()
	place, err := os.MkdirTemp("", "pg") // short: a socket's path has 107 characters at most
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(place) }()
	db, err := newPostgres(place)
	if err != nil {
		return err
	}
	defer db.stop()
	return do(dir, db)
}
