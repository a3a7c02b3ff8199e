// Command evaluate measures Tributary's parts against material that others
// have labelled. It is a developer's tool, no part of the program.
//
//	evaluate parse [--rows FILE] [--diff] ROOT REFERENCE.jsonl
//	evaluate english COLLECTION COLLECTION…
//	evaluate robust [--every N] ROOT
//	evaluate speed [--rounds N] ROOT
package main

import (
	"fmt"
	"io"
	"os"
)

// commands are the subcommands, a file each.
var commands = map[string]func(args []string, out io.Writer) error{
	"english": englishCommand,
	"parse":   parseCommand,
	"robust":  robustCommand,
	"speed":   speedCommand,
}

const usage = `usage: evaluate parse [--rows FILE] [--diff] ROOT REFERENCE.jsonl
       evaluate english COLLECTION COLLECTION...
       evaluate robust [--every N] ROOT
       evaluate speed [--rounds N] ROOT`

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "evaluate:", err)
		os.Exit(1)
	}
}
