// Command tributary watches a folder of documents and any number of feeds, and
// serves what is new in them as one feed.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // an image from scratch has no time zones

	_ "golang.org/x/crypto/x509roots/fallback" // nor certificates
)

func main() {
	log.SetOutput(io.Discard) // net/http quotes there what servers send beyond an answer's end
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	p := &program{environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	code := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// program is one call of the command: what it was given and where it writes.
type program struct {
	environ        []string
	stdin          io.Reader
	stdout, stderr io.Writer

	configFile string  // --config
	flags      []value // the settings among the flags, as given
}

// run carries out one command line and gives the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	return p.exit(root.ExecuteContext(ctx))
}
