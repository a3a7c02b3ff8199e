// Command bench measures whole programs beside a floor of the same work, in
// one run on one machine, and prints ratios: see docs/performance.md.
//
//	bench ingest [-feeds 1000] [-rounds 3] TRIBUTARY
//	bench serve  [-slice 400ms] [-rounds 15] TRIBUTARY
//	bench decide [-sizes 10000,100000] [-new 500]
//	bench cluster [-part all] [-workers 1,2,4] [-minutes 3] TRIBUTARY
//
// TRIBUTARY is the program under test. The other subcommands (feeds, floor,
// bare, load, filling, deciding, requests) are the processes that these start: each runs in a process
// of its own, so that the operating system's accounting tells them apart.
package main

import (
	"errors"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	commands := map[string]func([]string) error{
		"ingest": ingestCommand, "serve": serveCommand, "decide": decideCommand, "cluster": clusterCommand,
		"feeds": feedsCommand, "floor": floorCommand, "bare": bareCommand, "load": loadCommand,
		"filling": fillingCommand, "deciding": decidingCommand, "requests": requestsCommand,
	}
	if len(args) == 0 || commands[args[0]] == nil {
		return errors.New("usage: bench ingest|serve|cluster [flags] TRIBUTARY, or bench decide [flags]")
	}
	return commands[args[0]](args[1:])
}
