package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tributary/feed"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // something failed, perhaps not everything
	exitUsage   = 2 // the command line or the configuration is wrong
)

// exitCode maps an error to an exit code by what kind it is.
func exitCode(err error) int {
	switch feed.CodeOf(err) {
	case "":
		return exitOK
	case feed.CodeInvalid, feed.CodeNotFound:
		return exitUsage
	}
	return exitFailure
}

// exit tells a person what went wrong, a line each, and gives the exit code.
func (p *program) exit(err error) int {
	if errors.Is(err, context.Canceled) {
		err = feed.Errorf(feed.CodeUnavailable, "interrupted")
	}
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintln(p.stderr, "tributary: "+strings.TrimSpace(line))
		}
	}
	return exitCode(err)
}
