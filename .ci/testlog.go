// Command testlog reads what go test -json writes and shows what a person
// wants of it: a line for each package as it ends, the whole output of tests
// that failed, and at the end every test that was skipped, and why.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// event is a line of go test -json (go doc test2json).
type event struct {
	Action, Package, Test, Output, ImportPath string
}

func main() {
	outputs := map[string][]string{} // by package and test
	var skipped []string
	failed, passed := false, 0
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // go itself, e.g. about a package that does not build
			failed = true
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "output":
			outputs[key] = append(outputs[key], e.Output)
		case "build-output":
			fmt.Print(e.Output)
		case "pass", "skip", "fail":
			if e.Action == "skip" && e.Test != "" {
				skipped = append(skipped, key+reason(outputs[key]))
			}
			if e.Action == "pass" && e.Test != "" {
				passed++
			}
			failed = failed || e.Action == "fail"
			show(e, outputs[key])
			delete(outputs, key)
		}
	}
	conclude(skipped, passed, failed || lines.Err() != nil)
}

// show prints a package's closing line, and everything of what failed.
func show(e event, output []string) {
	for _, line := range output {
		closing := e.Test == "" && !strings.HasPrefix(line, "PASS") && !strings.HasPrefix(line, "testing: warning")
		if e.Action == "fail" || closing {
			fmt.Print(line)
		}
	}
}

// reason is what a skipped test said last before its closing line.
func reason(output []string) string {
	for i := len(output) - 1; i >= 0; i-- {
		line := strings.TrimSpace(output[i])
		if line != "" && !strings.HasPrefix(line, "---") && !strings.HasPrefix(line, "===") {
			return ": " + line
		}
	}
	return ""
}

func conclude(skipped []string, passed int, failed bool) {
	if len(skipped) > 0 {
		fmt.Printf("\nSkipped (%d):\n", len(skipped))
		for _, s := range skipped {
			fmt.Println("  " + s)
		}
	}
	if failed {
		fmt.Println("\nFAIL")
		os.Exit(1)
	}
	fmt.Printf("\nAll %d tests passed, %d skipped.\n", passed, len(skipped))
}
