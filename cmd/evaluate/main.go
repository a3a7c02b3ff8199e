// Command evaluate measures Tributary's parts against material that others
// have labelled. It is a developer's tool, no part of the program.
//
//	evaluate parse [--rows FILE] [--diff] ROOT REFERENCE.jsonl
//	evaluate copies [--database-url URL] [--rows FILE] [--diff] DOCS.jsonl PAIRS.tsv [CONFLICTS.tsv]
//	evaluate english COLLECTION COLLECTION…
//	evaluate robust [--every N] ROOT
//	evaluate speed [--rounds N] ROOT
//	evaluate stories [--database-url URL] [--rows FILE] FILE.jsonl...
//	evaluate topic --seeds DIR|FILE [--topic NAME] [--database-url URL] [--rows FILE] STREAM.jsonl
package main

import (
	"fmt"
	"io"
	"os"
)

// commands are the subcommands, a file each.
var commands = map[string]func(args []string, out io.Writer) error{
	"copies":  copiesCommand,
	"english": englishCommand,
	"parse":   parseCommand,
	"robust":  robustCommand,
	"speed":   speedCommand,
	"stories": storiesCommand,
	"topic":   topicCommand,
}

const usage = `usage: evaluate parse [--rows FILE] [--diff] ROOT REFERENCE.jsonl
       evaluate copies [--database-url URL] [--rows FILE] [--diff] DOCS.jsonl PAIRS.tsv [CONFLICTS.tsv]
       evaluate english COLLECTION COLLECTION...
       evaluate robust [--every N] ROOT
       evaluate speed [--rounds N] ROOT
       evaluate stories [--database-url URL] [--rows FILE] FILE.jsonl...
       evaluate topic --seeds DIR|FILE [--topic NAME] [--database-url URL] [--rows FILE] STREAM.jsonl`

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
