package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"

	"tributary/feed"
	"tributary/ingest/fetch"
)

// environment is what the configuration takes from environment variables. An
// empty variable counts as unset.
type environment struct {
	Listen       string `env:"TRIBUTARY_LISTEN"`
	Data         string `env:"TRIBUTARY_DATA"`
	Seeds        string `env:"TRIBUTARY_SEEDS"`
	BaseURL      string `env:"TRIBUTARY_BASE_URL"`
	Token        string `env:"TRIBUTARY_TOKEN"`
	DatabaseURL  string `env:"TRIBUTARY_DATABASE_URL"`
	AllowPrivate string `env:"TRIBUTARY_ALLOW_PRIVATE"`
	Private      string `env:"TRIBUTARY_PRIVATE"`
	Pictures     string `env:"TRIBUTARY_PICTURES"`
	Proxies      string `env:"TRIBUTARY_TRUSTED_PROXIES"`
	Hub          string `env:"TRIBUTARY_HUB"`
	Push         string `env:"TRIBUTARY_PUSH"`
	Role         string `env:"TRIBUTARY_ROLE"`
	Sources      string `env:"TRIBUTARY_SOURCES"`
}

// readEnvironment picks the program's variables from an environment.
func readEnvironment(environ []string) (environment, error) {
	e, err := env.ParseAsWithOptions[environment](env.Options{Environment: env.ToMap(environ)})
	if err != nil {
		return e, feed.Errorf(feed.CodeInvalid, "the environment cannot be read: %w", err)
	}
	return e, nil
}

// variablePrefix begins the names of the program's own variables. Others must
// not begin with it: one that is misspelt would be passed over in silence.
const variablePrefix = "TRIBUTARY_"

// announced matches the variables that Kubernetes sets for a service called
// tributary, or tributary-something, in every container near it.
var announced = regexp.MustCompile(`^TRIBUTARY_(.+_)?(SERVICE_(HOST|PORT).*|PORT_\d+_(TCP|UDP|SCTP).*)$`)

// unknownVariables names those that look like the program's and are none. The
// variables that the file's sources name are known.
func unknownVariables(environ map[string]string, sources []declaredSource) problems {
	params, err := env.GetFieldParams(&environment{})
	if err != nil {
		return problems{{"the environment", "", err.Error()}}
	}
	var known, named []string
	for _, p := range params {
		known = append(known, p.Key)
	}
	for _, s := range sources {
		names, _ := fetch.References(s.Source) // a malformed one is a problem already
		named = append(named, names...)
	}
	var wrong problems
	for _, name := range slices.Sorted(maps.Keys(environ)) {
		text := environ[name]
		service := announced.MatchString(name) || strings.HasSuffix(name, "_PORT") && strings.Contains(text, "://")
		if strings.HasPrefix(name, variablePrefix) && text != "" && !service && !slices.Contains(known, name) && !slices.Contains(named, name) {
			wrong.add(problem{name, "", "there is no such variable; " + suggest(name, known)})
		}
	}
	return wrong
}

// values are the variables that are set, as values of their keys.
func (e environment) values() []value {
	var set []value
	for _, v := range []value{
		{"listen", e.Listen, "TRIBUTARY_LISTEN"},
		{"data", e.Data, "TRIBUTARY_DATA"},
		{"seeds", e.Seeds, "TRIBUTARY_SEEDS"},
		{"base_url", e.BaseURL, "TRIBUTARY_BASE_URL"},
		{"token", e.Token, "TRIBUTARY_TOKEN"},
		{"database_url", e.DatabaseURL, "TRIBUTARY_DATABASE_URL"},
		{"allow_private", e.AllowPrivate, "TRIBUTARY_ALLOW_PRIVATE"},
		{"private", e.Private, "TRIBUTARY_PRIVATE"},
		{"pictures", e.Pictures, "TRIBUTARY_PICTURES"},
		{"trusted_proxies", e.Proxies, "TRIBUTARY_TRUSTED_PROXIES"},
		{"hub", e.Hub, "TRIBUTARY_HUB"},
		{"push", e.Push, "TRIBUTARY_PUSH"},
		{"role", e.Role, "TRIBUTARY_ROLE"},
	} {
		if v.text != "" {
			set = append(set, v)
		}
	}
	return set
}

// sources are the URLs of TRIBUTARY_SOURCES as sources. Wrong ones are added
// to the problems.
func (e environment) sources(wrong *problems) []declaredSource {
	var list []declaredSource
	for _, text := range strings.Fields(e.Sources) {
		url, err := parseFeedURL(text)
		if err != nil {
			wrong.add(problem{"TRIBUTARY_SOURCES", "", err.Error()})
			continue
		}
		list = append(list, declaredSource{
			feed.Source{Kind: feed.KindFeed, URL: url, Enabled: true, Private: feed.Source{URL: url}.HasSecrets(), Origin: feed.OriginEnv},
			"TRIBUTARY_SOURCES",
		})
	}
	return list
}
