package feed

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	validators = "../../shared/validators"
	python     = "/usr/bin/python3" // Debian's, which has the validators' libraries
)

// samples are the pages that every validator must find nothing wrong with.
func samples() map[string]Page {
	return map[string]Page{
		"fixture": {Items: fixtureItems()},
		"empty":   {},
		"long":    {Items: longItems(60, 4000)},
		"stories": {Stories: fixtureStories()},
		"held":    {Held: fixtureHeld()},
		"ops":     {Incidents: fixtureIncidents()},
		"archive": fixtureArchive(base, "feed.atom"),
		"closed":  {Archived: true, Current: base + "/feed", Newer: base + "/archive/2"}, // all that was in it is withdrawn
		"brief":   {Items: fixtureItems(), Brief: true},
		"search":  {Items: fixtureItems()},
	}
}

func sampleSite(name, base string) Site {
	s := fixtureSite(base)
	switch name {
	case "long":
		s.Budget = 150_000
	case "stories":
		return s.Stories().CarriedBy(3)
	case "held":
		return s.Held()
	case "brief":
		return s.From("weir", "Weir </b> & Times").Newest(20).Summaries()
	case "search":
		s = s.Found("quay & </b> \x00“berth”").Tagged("ships > 5")
		s.Home = "/?q=quay+%26&tag=ships"
	}
	return s
}

func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed", program)
	}
}

func needsFile(t *testing.T, file string) {
	t.Helper()
	if _, err := os.Stat(file); err != nil {
		t.Skipf("%s is not there", file)
	}
}

func run(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, program, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", filepath.Base(program), err, out)
	}
}

func TestAtomIsValidAgainstItsSchema(t *testing.T) {
	needs(t, "jing")
	schema := filepath.Join(validators, "atom-rfc4287.rnc")
	needsFile(t, schema)
	args := []string{"-c", schema}
	for name, page := range samples() {
		file := filepath.Join(t.TempDir(), name+".atom")
		document := formats[0].page(t, sampleSite(name, base), page)
		if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	run(t, ".", "jing", args...)
}

// checkJSON validates documents by the JSON Feed schemas of a folder; the
// second schema refers to the first by its public address.
const checkJSON = `
import json, sys, warnings
warnings.simplefilter("ignore")
import jsonschema
folder, files = sys.argv[1], sys.argv[2:]
one = json.load(open(folder + "/jsonfeed-schema-feed-1.json"))
two = json.load(open(folder + "/jsonfeed-schema-feed.json"))
home = "https://json.schemastore.org/"
refs = jsonschema.RefResolver(home + "feed.json", two, store={home + "feed-1": one, home + "feed.json": two})
check = jsonschema.Draft4Validator(two, resolver=refs, format_checker=jsonschema.FormatChecker())
bad = [f + ": " + str(e) for f in files for e in check.iter_errors(json.load(open(f, encoding="utf-8")))]
sys.exit("\n".join(bad) or 0)
`

func TestJSONFeedIsValidAgainstItsSchema(t *testing.T) {
	needsFile(t, python)
	needsFile(t, filepath.Join(validators, "jsonfeed-schema-feed.json"))
	if exec.CommandContext(t.Context(), python, "-c", "import jsonschema").Run() != nil {
		t.Skip("python3-jsonschema is not installed")
	}
	args := []string{"-c", checkJSON, validators}
	for name, page := range samples() {
		file := filepath.Join(t.TempDir(), name+".json")
		document := formats[2].page(t, sampleSite(name, base), page)
		if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	run(t, ".", python, args...)
}

// The W3C's validator must have nothing to say, over HTTP as its website asks:
// not one error and not one warning. It is not part of this project; VALIDATOR
// names a checkout of github.com/w3c/feedvalidator, from the project's root.
func TestTheW3CValidatorFindsNothing(t *testing.T) {
	checkout := os.Getenv("VALIDATOR")
	if checkout == "" {
		t.Skip("VALIDATOR does not name a checkout of the W3C feed validator (make validate VALIDATOR=path)")
	}
	if !filepath.IsAbs(checkout) {
		checkout = filepath.Join("..", checkout)
	}
	for name, page := range samples() {
		server := serve(t, name, page)
		for _, f := range formats[:2] {
			t.Run(name+" "+f.name, func(t *testing.T) {
				run(t, filepath.Join(checkout, "src"), python, "demo.py", server+"/"+f.file)
			})
		}
	}
}

// serve serves the sample in all formats and returns the server's address,
// which the documents claim as theirs.
func serve(t *testing.T, name string, page Page) string {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	for _, f := range formats {
		document := f.page(t, sampleSite(name, server.URL), page)
		mux.HandleFunc("/"+f.file, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", f.mediaType)
			_, _ = strings.NewReader(document).WriteTo(w)
		})
	}
	return server.URL
}
