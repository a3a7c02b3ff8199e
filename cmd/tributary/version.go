package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is the program's version (semantic versioning). A release build sets
// it to its tag: -ldflags "-X main.version=1.2.3".
var version = "0.1.0"

// build tells what the program was built from.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the source, where the builder knew it
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// thisBuild reads what the linker noted.
func thisBuild() build {
	b := build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Revision = s.Value
		}
	}
	return b
}

func (p *program) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the version",
		Args:  arguments(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			if asJSON {
				return p.json(b)
			}
			_, err := fmt.Fprintf(p.stdout, "tributary %s (%s, %s)\n", b.Version, b.Go, b.Platform)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
