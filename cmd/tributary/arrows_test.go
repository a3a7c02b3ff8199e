package main

import (
	"os/exec"
	"strings"
	"testing"
)

// allowed says which of the program's own packages a package may import, by
// longest prefix. Arrows point one way: cmd → {scheduler, web} → {ingest,
// store} → feed; the steps of ingest do not know each
// other; those that compare texts share one reading of words.
var allowed = map[string][]string{
	"tributary/feed":         {},
	"tributary/store":        {"tributary/feed"},
	"tributary/ingest":       {"tributary/feed", "tributary/ingest"},
	"tributary/ingest/":      {"tributary/feed", "tributary/ingest/words"},
	"tributary/ingest/words": {},
	"tributary/scheduler":    {"tributary/feed", "tributary/ingest", "tributary/store", "tributary/scheduler"},
	"tributary/web":          {"tributary/feed", "tributary/ingest", "tributary/store"},
	"tributary/cmd/":         {"tributary/"},
}

func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "tributary/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		rule, ok := ruleFor(fields[0])
		if !ok {
			t.Errorf("%s is a package that the design does not name", fields[0])
		}
		for _, imported := range fields[1:] {
			if strings.HasPrefix(imported, "tributary/") && !permitted(imported, rule) {
				t.Errorf("%s imports %s: it may import %v only", fields[0], imported, rule)
			}
		}
	}
}

// ruleFor finds the most specific rule.
func ruleFor(pkg string) (rule []string, ok bool) {
	longest := ""
	for prefix := range allowed {
		if (pkg == prefix || strings.HasSuffix(prefix, "/") && strings.HasPrefix(pkg, prefix) || strings.HasPrefix(pkg, prefix+"/")) && len(prefix) > len(longest) {
			longest = prefix
		}
	}
	return allowed[longest], longest != ""
}

func permitted(imported string, rule []string) bool {
	for _, prefix := range rule {
		if imported == prefix || strings.HasPrefix(imported, strings.TrimSuffix(prefix, "/")+"/") {
			return true
		}
	}
	return false
}
