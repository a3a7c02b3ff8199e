package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"tributary/feed"
	"tributary/ingest"
	"tributary/scheduler/cluster"
)

// defaultFile is read where --config names no other file; it may be missing.
const defaultFile = "tributary.yaml"

// Config is the program's configuration: defaults, over them the file, over
// that the environment, over that the command line.
type Config struct {
	File string // the file that was read; "" if there was none

	Listen      string // host:port
	BaseURL     string // without a trailing slash; "" until withBaseURL: the address listened on
	Data        string // absolute path
	Seeds       string // absolute path
	Rescan      time.Duration
	Schedule    string
	TimeZone    *time.Location
	Title       string
	Description string
	Language    string // BCP 47
	Author      string
	Icon        string         // absolute URL; "" if none
	Contact     string         // for the User-Agent; "" if none
	Token       string         // "": the one in the data folder
	DatabaseURL string         // "": SQLite in the data folder
	Role        cluster.Role   // of several processes on PostgreSQL, what this one does
	Private     bool           // allow_private: fetching may reach loopback and private addresses
	Closed      bool           // private: all pages are behind the log-in, the feeds behind reader keys
	Pictures    bool           // of other sites, on the pages of items
	Proxies     []netip.Prefix // trusted_proxies: believed what they say of visitors
	Push        string         // on, off; "": on if hubs can reach us
	Hub         string         // own, off, or the address of one elsewhere; "": own if others can reach it
	Keep        time.Duration
	HostSpacing time.Duration
	Filter      string // topic.filter
	Rules       topicRules
	Threshold   float64 // topic.threshold; 0: the usual one

	Sources []feed.Source // declared ones, in order: of the file, then of the environment

	from map[string]string // key → where its value was written, e.g. "tributary.yaml:12"
	env  map[string]string // the environment, for the variables that sources name
}

// setting is a key of the configuration: how its text becomes a value.
type setting func(c *Config, text string) error

// settings are the keys with one value each, by name.
var settings = map[string]setting{
	"listen":          into(func(c *Config) *string { return &c.Listen }, parseListen),
	"base_url":        into(func(c *Config) *string { return &c.BaseURL }, parseBaseURL),
	"data":            into(func(c *Config) *string { return &c.Data }, parseFolder),
	"seeds":           into(func(c *Config) *string { return &c.Seeds }, parseFolder),
	"rescan":          into(func(c *Config) *time.Duration { return &c.Rescan }, durationOf(time.Second, "1m")),
	"schedule":        into(func(c *Config) *string { return &c.Schedule }, parseSchedule),
	"time_zone":       into(func(c *Config) **time.Location { return &c.TimeZone }, parseTimeZone),
	"title":           into(func(c *Config) *string { return &c.Title }, parseLine),
	"description":     into(func(c *Config) *string { return &c.Description }, parseText),
	"language":        into(func(c *Config) *string { return &c.Language }, parseLanguage),
	"author":          into(func(c *Config) *string { return &c.Author }, parseLine),
	"icon":            into(func(c *Config) *string { return &c.Icon }, parseIcon),
	"contact":         into(func(c *Config) *string { return &c.Contact }, parseLine),
	"token":           into(func(c *Config) *string { return &c.Token }, parseToken),
	"database_url":    into(func(c *Config) *string { return &c.DatabaseURL }, parseDatabaseURL),
	"role":            into(func(c *Config) *cluster.Role { return &c.Role }, parseRole),
	"allow_private":   into(func(c *Config) *bool { return &c.Private }, parseBool),
	"private":         into(func(c *Config) *bool { return &c.Closed }, parseBool),
	"pictures":        into(func(c *Config) *bool { return &c.Pictures }, parseSwitch),
	"trusted_proxies": into(func(c *Config) *[]netip.Prefix { return &c.Proxies }, parseProxies),
	"push":            into(func(c *Config) *string { return &c.Push }, parsePush),
	"hub":             into(func(c *Config) *string { return &c.Hub }, parseHub),
	"keep":            into(func(c *Config) *time.Duration { return &c.Keep }, durationOf(24*time.Hour, "400d")),
	"host_spacing":    into(func(c *Config) *time.Duration { return &c.HostSpacing }, durationOf(0, "1s")),
	"topic.filter":    into(func(c *Config) *string { return &c.Filter }, parseFilter),
	"topic.threshold": into(func(c *Config) *float64 { return &c.Threshold }, parseThreshold),
}

// into makes a setting of a field and the reader of its values.
func into[T any](field func(*Config) *T, parse func(string) (T, error)) setting {
	return func(c *Config, text string) error {
		v, err := parse(text)
		if err == nil {
			*field(c) = v
		}
		return err
	}
}

// defaults are the values of keys that nobody has set; any other key's is empty.
var defaults = []value{
	{"listen", "127.0.0.1:8080", ""},
	{"data", "data", ""},
	{"seeds", "seeds", ""},
	{"rescan", "1m", ""},
	{"schedule", "*/15 * * * *", ""},
	{"time_zone", "UTC", ""},
	{"title", "Tributary", ""},
	{"language", "en", ""},
	{"pictures", "on", ""},
	{"keep", "400d", ""},
	{"host_spacing", "1s", ""},
	{"topic.filter", ingest.FilterLearned, ""},
	{"role", string(cluster.RoleAll), ""},
}

// value is one value as written, and where: a file's name and line, an
// environment variable or a flag.
type value struct {
	key, text, where string
}

// problem says what is wrong with the value. A variable or a flag needs no
// key beside its own name.
func (v value) problem(err error) problem {
	if strings.Contains(v.where, ":") {
		return problem{v.where, v.key, err.Error()}
	}
	return problem{v.where, "", err.Error()}
}

// loadConfig reads the configuration. cfgFile is what --config names, "" for
// tributary.yaml in the working directory where there is one; environ is the
// environment; flags are the values given on the command line. An error has
// feed.CodeInvalid and a line for each thing that is wrong, not only the first.
func loadConfig(cfgFile string, environ []string, flags []value) (Config, error) {
	c := Config{from: map[string]string{}, env: env.ToMap(environ)}
	var wrong problems
	c.apply(defaults, &wrong)
	doc, err := readFile(cfgFile)
	if err != nil {
		return c, err
	}
	c.File = doc.path
	wrong.add(doc.problems...)
	c.apply(doc.values, &wrong)
	c.Rules = doc.rules
	wrong.add(unknownVariables(c.env, doc.sources)...)
	environment, err := readEnvironment(environ)
	if err != nil {
		return c, err
	}
	c.apply(environment.values(), &wrong)
	c.apply(flags, &wrong)
	if err := c.checkHub(); err != nil {
		wrong.add(value{"hub", c.Hub, c.from["hub"]}.problem(err))
	}
	if c.Role != cluster.RoleAll && c.DatabaseURL == "" {
		wrong.add(value{"role", string(c.Role), c.from["role"]}.problem(errors.New("there is nobody to share the work with on SQLite: set database_url to a postgres:// URL")))
	}
	c.declare(slices.Concat(doc.sources, environment.sources(&wrong)), &wrong)
	return c, wrong.err()
}

// apply sets values in order and notes what is wrong with them.
func (c *Config) apply(values []value, wrong *problems) {
	for _, v := range values {
		if err := settings[v.key](c, v.text); err != nil {
			wrong.add(v.problem(err))
			continue
		}
		c.from[v.key] = v.where
	}
}

// declaredSource is a source as written.
type declaredSource struct {
	feed.Source
	where string
}

// declare makes the list of sources. A URL that the environment names too is
// the file's: that says more about it.
func (c *Config) declare(list []declaredSource, wrong *problems) {
	names, seen := newSlugs(), map[string]string{}
	for _, d := range list {
		first, twice := seen[d.URL]
		if twice && d.Origin == feed.OriginConfig {
			wrong.add(problem{d.where, "sources.url", fmt.Sprintf("%s stands at %s already; remove one of the two", feed.Redacted(d.URL), first)})
		}
		if twice && first == d.where && d.Origin == feed.OriginEnv {
			wrong.add(problem{d.where, "", fmt.Sprintf("%s stands there twice; remove one of the two", feed.Redacted(d.URL))})
		}
		if twice {
			continue
		}
		seen[d.URL] = d.where
		d.Slug = names.take(d.Name, d.URL)
		c.Sources = append(c.Sources, d.Source)
	}
}

// seedsSource is the folder source that defines the topic. It comes first.
func (c Config) seedsSource() feed.Source {
	return feed.Source{Slug: feed.SeedsSlug, Kind: feed.KindFolder, URL: c.Seeds, Name: "Seeds",
		Enabled: true, Origin: feed.OriginConfig}
}

// declared is every source of one origin, the seeds among the configuration's.
func (c Config) declared(origin feed.Origin) []feed.Source {
	var list []feed.Source
	if origin == feed.OriginConfig {
		list = append(list, c.seedsSource())
	}
	for _, s := range c.Sources {
		if s.Origin == origin {
			list = append(list, s)
		}
	}
	return list
}

// whereIs names the place where a key was set, for messages.
func (c Config) whereIs(key string) string {
	if c.from[key] == "" {
		return key + " (the default)"
	}
	if strings.HasPrefix(c.from[key], c.File+":") && c.File != "" {
		return c.from[key] + ": " + key
	}
	return c.from[key]
}

// withBaseURL fills in an absent base_url from the address listened on. From
// an address for all interfaces a browser on the same machine gets localhost.
func (c Config) withBaseURL(listening string) Config {
	if c.BaseURL == "" {
		c.BaseURL = "http://" + reachable(listening, "localhost")
	}
	return c
}

// reachable is an address at which this machine reaches a listener; self is
// the name to use for itself.
func reachable(listen, self string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = self
	}
	return net.JoinHostPort(host, port)
}

// getenv gives an environment variable that a source names, "" if it is not set.
func (c Config) getenv(name string) string { return c.env[name] }

// tokenFile is where the generated token lies.
func (c Config) tokenFile() string { return filepath.Join(c.Data, "token") }

// databaseFile is where SQLite keeps everything.
func (c Config) databaseFile() string { return filepath.Join(c.Data, "tributary.db") }

// problem is one thing that is wrong with the configuration.
type problem struct {
	where   string // "tributary.yaml:12", "TRIBUTARY_LISTEN", "--listen"
	key     string // "" if where says it all
	message string // what is wrong and what would be right
}

func (p problem) String() string {
	parts := []string{p.where, p.key, p.message}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ": ")
}

// line is where in the file the problem is; past its end if it is elsewhere.
func (p problem) line() int {
	n, err := strconv.Atoi(p.where[strings.LastIndexByte(p.where, ':')+1:])
	if err != nil {
		return math.MaxInt
	}
	return n
}

// problems collects what is wrong, so that a person sees all of it at once.
type problems []problem

func (p *problems) add(more ...problem) { *p = append(*p, more...) }

// err is all of them: those of the file in its order, then the others.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b problem) int { return cmp.Compare(a.line(), b.line()) })
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return feed.Errorf(feed.CodeInvalid, "%s", strings.Join(lines, "\n"))
}
