package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
)

// load reads a configuration from the text of a file.
func load(t *testing.T, text string, environ []string, flags ...value) (Config, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("tributary.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return loadConfig("", environ, flags)
}

func TestEveryMistakeIsNamedWithItsPlaceAndWhatWouldBeRight(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"titel: x", `tributary.yaml:1: titel: there is no such key; did you mean title?`},
		{"colour: blue", `tributary.yaml:1: colour: there is no such key; known are allow_private, author, base_url, contact, data, database_url, description, host_spacing, hub, icon, keep, language, listen, pictures, private, push, rescan, role, schedule, seeds, sources, time_zone, title, token, topic, trusted_proxies`},
		{"title: a\ntitle: b", `tributary.yaml:2: title: the key stands in line 1 already; keep one of the two`},
		{"- a", `tributary.yaml:1: this should be keys with values, written as key: value, one a line`},
		{"title: [a]", `tributary.yaml:1: title: this should be one value, not a list or keys`},
		{"title: \"a\\nb\"", `tributary.yaml:1: title: "a\nb" has line breaks or control characters; write it on one line`},
		{"a: b: c", `tributary.yaml:1: this is not YAML: mapping values are not allowed in this context; check the indentation, and quote values with special characters`},
		{"\n\ttitle: x", `tributary.yaml:2: this is not YAML: found a tab character where an indentation space is expected; check the indentation, and quote values with special characters`},
		{"title: a\n---\ntitle: b", `tributary.yaml: this is not YAML: there is a second document; remove the line --- and merge the two`},

		{"listen: 8080", `tributary.yaml:1: listen: "8080" is not an address to listen on; write host:port such as 127.0.0.1:8080`},
		{"listen: localhost:http2", `tributary.yaml:1: listen: port "http2" is not a number from 0 to 65535; write host:port such as 127.0.0.1:8080`},
		{"base_url: news.example.org", `tributary.yaml:1: base_url: "news.example.org" has no scheme; write an absolute one such as https://news.example.org`},
		{"icon: icon.png", `tributary.yaml:1: icon: "icon.png" has no scheme; write an absolute one such as https://news.example.org/icon.png`},
		{"base_url: https://example.org/?a=b", `tributary.yaml:1: base_url: "https://example.org/?a=b" has a query, a fragment or a user; write the plain address such as https://news.example.org/feeds`},
		{"rescan: 60", `tributary.yaml:1: rescan: "60" is not a duration; write a number and a unit such as "30s", "15m", "2h" or "400d"`},
		{"rescan: 10ms", `tributary.yaml:1: rescan: "10ms" is too short; the least is 1s, and 1m is usual`},
		{"keep: 1h", `tributary.yaml:1: keep: "1h" is too short; the least is 24h, and 400d is usual`},
		{"keep: xd", `tributary.yaml:1: keep: "xd" is not a duration; write a number and a unit such as "30s", "15m", "2h" or "400d"`},
		{"host_spacing: -1s", `tributary.yaml:1: host_spacing: "-1s" is not a duration; write a number and a unit such as "30s", "15m", "2h" or "400d"`},
		{"time_zone: Kyiv", `tributary.yaml:1: time_zone: "Kyiv" is not a time zone; write UTC or a name such as Europe/Kyiv`},
		{"time_zone: Local", `tributary.yaml:1: time_zone: "Local" depends on the machine; write UTC or a name such as Europe/Kyiv`},
		{"language: english please", `tributary.yaml:1: language: "english please" is not a language tag; write one such as en or pt-BR`},
		{"token: two words", `tributary.yaml:1: token: a token has only visible ASCII characters; make one with: openssl rand -hex 32`},
		{"token: fifteen-secrets", `tributary.yaml:1: token: a token of 15 characters is too easy to guess, the least is 16; make one with: openssl rand -hex 32`},
		{"database_url: mysql://root:secret@db/x", `tributary.yaml:1: database_url: this is not a PostgreSQL address; write postgres://user:password@host:5432/database, or leave it out for SQLite in the data folder`},
		{"allow_private: perhaps", `tributary.yaml:1: allow_private: "perhaps" is neither true nor false; write true or false`},
		{"private: me", `tributary.yaml:1: private: "me" is neither true nor false; write true or false`},
		{"pictures: small", `tributary.yaml:1: pictures: "small" is neither on nor off; write on or off`},
		{"trusted_proxies: nginx", `tributary.yaml:1: trusted_proxies: "nginx" is neither an address nor a network; write the proxy's address such as 10.0.0.2, or its network such as 10.0.0.0/8 or fd00::/8`},
		{"trusted_proxies:\n  - 10.0.0.2\n  - 10.0.0.2:80\n  - 0.0.0.0/0\n  - [a]", `tributary.yaml:3: trusted_proxies: "10.0.0.2:80" is neither an address nor a network; write the proxy's address such as 10.0.0.2, or its network such as 10.0.0.0/8 or fd00::/8
tributary.yaml:4: trusted_proxies: "0.0.0.0/0" is everybody: then anybody may say to be anybody else; write the proxy's own address or network, such as 10.0.0.2
tributary.yaml:5: trusted_proxies: this should be one value, not a list or keys`},
		{"trusted_proxies: {a: b}", `tributary.yaml:1: trusted_proxies: this should be one value, not a list or keys`},
		{"topic: {filter: magic}", `tributary.yaml:1: topic.filter: "magic" is no filter; write learned (by what the seeds teach, and the rules), rules (by them alone) or off (everything is kept)`},
		{"topic:\n  include:\n    - Brekke\n    - heading:dam", `tributary.yaml:4: topic.include: "heading:dam": there is no field heading; write one of title, text, source, author, category, url`},
		{"topic:\n  exclude: [\"…\"]", `tributary.yaml:2: topic.exclude: "…": there is no word to look for; write a word or a phrase, such as "security guarantees"`},
		{"topic:\n  require: {title: dam}", `tributary.yaml:2: topic.require: this should be a phrase, or a list of them: [security guarantees, title:ceasefire]`},
		{"sources:\n  - url: https://a.example/\n    topic: learned", `tributary.yaml:3: sources.topic: "learned" is nothing that a source's topic can be; write off, which lets all that it brings in, or leave the key out`},
		{"topic: {filtre: off}", `tributary.yaml:1: topic.filtre: there is no such key; did you mean filter?`},
		{"topic: off", `tributary.yaml:1: topic: this should be keys with values, written as key: value, one a line`},

		{"schedule: hourly", `tributary.yaml:1: schedule: "hourly" is neither a duration such as "2h" nor a cron line of five fields (minute hour day month weekday) such as "*/15 * * * *"`},
		{"schedule: 15m", `tributary.yaml:1: schedule: "15m" is not a cron line; write five fields (minute hour day month weekday) such as "*/15 * * * *"`},
		{`schedule: "61 * * * *"`, `tributary.yaml:1: schedule: "61 * * * *": minute 61 is out of range or malformed (0–59); write five fields (minute hour day month weekday) such as "*/15 * * * *"`},
		{`schedule: "0 0 * * 7"`, `tributary.yaml:1: schedule: "0 0 * * 7": weekday 7 is out of range or malformed (0–6 or sun–sat, with Sunday as 0); write five fields (minute hour day month weekday) such as "*/15 * * * *"`},
		{`schedule: "0 0 31 2 *"`, `tributary.yaml:1: schedule: "0 0 31 2 *" never comes: there is no such day`},
		{`schedule: "TZ=UTC 0 * * * *"`, `tributary.yaml:1: schedule: "TZ=UTC 0 * * * *": the time zone does not stand here, but in the key time_zone`},
		{`schedule: "TZ="`, `tributary.yaml:1: schedule: "TZ=": the time zone does not stand here, but in the key time_zone`},
		{`schedule: "TZ=Nowhere * * * *"`, `tributary.yaml:1: schedule: "TZ=Nowhere * * * *": the time zone does not stand here, but in the key time_zone`},
		{`schedule: "@every 0s"`, `tributary.yaml:1: schedule: "@every 0s" is too often: 1 minute is the shortest interval`},

		{"sources: https://a.example/", `tributary.yaml:1: sources: this should be a list; begin each source with - url: https://…`},
		{"sources:\n  - https://a.example/", `tributary.yaml:2: sources: a source is keys with values; write - url: https://…`},
		{"sources:\n  - name: A", `tributary.yaml:2: sources: this source has no url; write - url: https://…`},
		{"sources:\n  - urll: https://a.example/", `tributary.yaml:2: sources.urll: there is no such key; did you mean url?`},
		{"sources:\n  - url: ftp://a.example/", `tributary.yaml:2: sources.url: "ftp://a.example/" is not http or https; write an absolute one such as https://example.org/feed.xml`},
		{"sources:\n  - url: https://", `tributary.yaml:2: sources.url: "https:" names no host; write an absolute one such as https://example.org/feed.xml`},
		{"sources:\n  - url: https://me:secret@a.example:x/", `tributary.yaml:2: sources.url: this is not a URL (invalid port ":x" after host); write an absolute one such as https://example.org/feed.xml`},
		{"sources:\n  - url: https://a.example/\n    every: 5s", `tributary.yaml:3: sources.every: "5s" is too often: 1 minute is the shortest interval`},
		{"sources:\n  - url: https://a.example/\n    tags: news", `tributary.yaml:3: sources.tags: this should be a list; write tags: [europe, official]`},
		{"sources:\n  - url: https://a.example/\n    tags: [\"a,b\"]", `tributary.yaml:3: sources.tags: "a,b" is not a tag; write one or more words without a comma`},
		{"sources:\n  - url: https://a.example/\n    full_text: all", `tributary.yaml:3: sources.full_text: "all" is neither true nor false; write true or false`},
		{"sources:\n  - url: https://a.example/\n    enabled: 2", `tributary.yaml:3: sources.enabled: "2" is neither true nor false; write true or false`},
		{"sources:\n  - url: https://a.example/\n    headers: [X-Api-Key]", `tributary.yaml:3: sources.headers: this should be names with values; write headers: {X-Api-Key: $NEWS_KEY}`},
		{"sources:\n  - url: https://a.example/\n    headers:\n      X-Api-Key: $KEY\n      Cookie: a=secret", `tributary.yaml:5: sources.headers.Cookie: the header Cookie is not for a source to set: remove it`},
		{"sources:\n  - url: https://a.example/\n    headers: {user-agent: secret}", `tributary.yaml:3: sources.headers.user-agent: the header User-Agent is not for a source to set: remove it`},
		{"sources:\n  - url: https://a.example/\n    headers: {X Key: secret}", `tributary.yaml:3: sources.headers.X Key: "X Key" is not the name of a header: it has letters, digits and dashes only, such as X-Api-Key`},
		{"sources:\n  - url: https://a.example/\n    headers: {X-Key: [secret]}", `tributary.yaml:3: sources.headers.X-Key: this should be one value, not a list or keys`},
		{"sources:\n  - url: https://a.example/\n    headers: {X-Key: }", `tributary.yaml:3: sources.headers.X-Key: this header has no value; give one, such as $NEWS_KEY, or remove it`},
		{"sources:\n  - url: https://a.example/\n    headers:\n      X-Key: secret\n      x-key: secret", `tributary.yaml:5: sources.headers.x-key: the header stands there already; keep one of the two`},
		{"sources:\n  - url: https://a.example/\n    headers: {X-Key: secret$}", `tributary.yaml:3: sources.headers.X-Key: the header X-Key: a $ is followed by the name of an environment variable, such as $NEWS_KEY: write $$ where a dollar sign is meant`},
		{"sources:\n  - url: https://a.example/\n    headers: {X-Key: \"secret\\nX: y\"}", `tributary.yaml:3: sources.headers.X-Key: the value of the header X-Key has a line break or another control character: write it on one line`},
		{"sources:\n  - url: https://u:secret$@a.example/", `tributary.yaml:2: sources.url: a $ is followed by the name of an environment variable, such as $NEWS_KEY: write $$ where a dollar sign is meant`},
		{"sources:\n  - url: https://u:secret@a.example/\n    headers: {Authorization: Bearer secret}", `tributary.yaml:2: sources: it has a user in its address and a header Authorization: keep one of the two`},
		{"sources:\n  - url: https://a.example/x\n  - name: B\n    url: https://a.example/x#top", `tributary.yaml:4: sources.url: https://a.example/x stands at tributary.yaml:2 already; remove one of the two`},
		{"sources:\n  - url: https://u:secret@a.example/x\n  - url: https://u:secret@a.example/x", `tributary.yaml:3: sources.url: https://u:xxxxx@a.example/x stands at tributary.yaml:2 already; remove one of the two`},
	} {
		t.Run(c.file, func(t *testing.T) {
			_, err := load(t, c.file, nil)
			if feed.CodeOf(err) != feed.CodeInvalid {
				t.Fatalf("code %q, error %v", feed.CodeOf(err), err)
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Error("the message shows a password")
			}
		})
	}
}

func TestAllMistakesAreNamedAtOnce(t *testing.T) {
	_, err := load(t, "titel: x\nlisten: nowhere\nsources:\n  - url: gopher://a.example/\n",
		[]string{"TRIBUTARY_BASE_URL=nowhere", "TRIBUTARY_SOURCES=ftp://b.example/ https://c.example/"},
		value{"listen", "nobody", "--listen"})
	want := `tributary.yaml:1: titel: there is no such key; did you mean title?
tributary.yaml:2: listen: "nowhere" is not an address to listen on; write host:port such as 127.0.0.1:8080
tributary.yaml:4: sources.url: "gopher://a.example/" is not http or https; write an absolute one such as https://example.org/feed.xml
TRIBUTARY_BASE_URL: "nowhere" has no scheme; write an absolute one such as https://news.example.org
--listen: "nobody" is not an address to listen on; write host:port such as 127.0.0.1:8080
TRIBUTARY_SOURCES: "ftp://b.example/" is not http or https; write an absolute one such as https://example.org/feed.xml`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
}

func TestVariablesThatLookLikeOursAndAreNotAreNamed(t *testing.T) {
	const file = "sources:\n  - url: https://a.example/\n    headers: {X-Api-Key: $TRIBUTARY_MY_KEY}\n"
	for _, c := range []struct{ variable, want string }{
		{"TRIBUTARY_SED=x", "TRIBUTARY_SED: there is no such variable; did you mean TRIBUTARY_SEEDS?"},
		{"TRIBUTARY_BASEURL=x", "TRIBUTARY_BASEURL: there is no such variable; did you mean TRIBUTARY_BASE_URL?"},
		{"TRIBUTARY_PORT=8080", "TRIBUTARY_PORT: there is no such variable; known are TRIBUTARY_ALLOW_PRIVATE, TRIBUTARY_BASE_URL, TRIBUTARY_DATA, " +
			"TRIBUTARY_DATABASE_URL, TRIBUTARY_HUB, TRIBUTARY_LISTEN, TRIBUTARY_PICTURES, TRIBUTARY_PRIVATE, TRIBUTARY_PUSH, TRIBUTARY_ROLE, TRIBUTARY_SEEDS, TRIBUTARY_SOURCES, TRIBUTARY_TOKEN, TRIBUTARY_TRUSTED_PROXIES"},
		{"TRIBUTARY_SED=", ""},
		{"TRIBUTARY=x", ""},
		{"TRIBUTARY_MY_KEY=x", ""},
		// What Kubernetes sets for the services tributary and tributary-db.
		{"TRIBUTARY_SERVICE_HOST=10.0.0.1", ""},
		{"TRIBUTARY_SERVICE_PORT_HTTP=8080", ""},
		{"TRIBUTARY_PORT=tcp://10.0.0.1:8080", ""},
		{"TRIBUTARY_PORT_8080_TCP_ADDR=10.0.0.1", ""},
		{"TRIBUTARY_DB_SERVICE_PORT=5432", ""},
		{"TRIBUTARY_DB_PORT=tcp://10.0.0.2:5432", ""},
	} {
		got := ""
		if _, err := load(t, file, []string{c.variable}); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s", c.variable, got)
		}
	}
}

func TestAURLTwiceInTheEnvironmentIsAMistake(t *testing.T) {
	_, err := load(t, "sources:\n  - url: https://b.example/\n", []string{"TRIBUTARY_SOURCES=https://u:secret@a.example/ https://b.example/ https://u:secret@a.example/#top"})
	want := "TRIBUTARY_SOURCES: https://u:xxxxx@a.example/ stands there twice; remove one of the two"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestLaterLayersWin(t *testing.T) {
	file := "listen: 127.0.0.1:1\ndata: file-data\nseeds: file-seeds\n"
	c, err := load(t, file, []string{"TRIBUTARY_DATA=env-data", "TRIBUTARY_SEEDS=env-seeds", "TRIBUTARY_LISTEN="},
		value{"seeds", "flag-seeds", "--seeds"})
	if err != nil {
		t.Fatal(err)
	}
	dir, _ := os.Getwd()
	got := []string{c.Listen, c.Data, c.Seeds, c.Title}
	want := []string{"127.0.0.1:1", filepath.Join(dir, "env-data"), filepath.Join(dir, "flag-seeds"), "Tributary"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	places := []string{c.whereIs("listen"), c.whereIs("data"), c.whereIs("seeds"), c.whereIs("keep")}
	if diff := cmp.Diff([]string{"tributary.yaml:1: listen", "TRIBUTARY_DATA", "--seeds", "keep (the default)"}, places); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyConfigurationsAreValid(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "comment": "# nothing\n", "null": "~\n", "keys without values": "title:\nsources:\ntopic:\n"} {
		t.Run(name, func(t *testing.T) {
			c, err := load(t, text, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.Title != "Tributary" || c.Schedule != "*/15 * * * *" || c.TimeZone != time.UTC || c.Keep != 400*24*time.Hour || c.Rescan != time.Minute {
				t.Errorf("not the defaults: %+v", c)
			}
		})
	}
	t.Run("/dev/null", func(t *testing.T) {
		t.Chdir(t.TempDir())
		if _, err := loadConfig(os.DevNull, nil, nil); err != nil {
			t.Error(err)
		}
	})
	t.Run("no file", func(t *testing.T) {
		t.Chdir(t.TempDir())
		if c, err := loadConfig("", nil, nil); err != nil || c.File != "" {
			t.Errorf("file %q, error %v", c.File, err)
		}
	})
}

func TestANamedFileMustBeThere(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := loadConfig("other.yaml", nil, nil)
	want := "the configuration file cannot be read: open other.yaml: no such file or directory; name another one with --config"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestSourcesOfFileAndEnvironment(t *testing.T) {
	c, err := load(t, `
sources:
  - &first
    url: https://a.example/feed.xml
    name: Émile’s Café
    every: 0 6 * * *
    tags: [x, "y z"]
  - url: https://user:pass@b.example/rss
    enabled: no
  - {url: "https://c.example/news/feed.xml#part", private: yes, name: Новини}
  - {url: "https://d.example/", name: Émile’s cafe}
  - {url: "https://e.example/", name: Seeds}
`, []string{"TRIBUTARY_SOURCES= https://f.example/a?b=c  https://a.example/feed.xml\thttps://f.example/a?b=d "})
	if err != nil {
		t.Fatal(err)
	}
	config, env := feed.OriginConfig, feed.OriginEnv
	want := []feed.Source{
		{Slug: "emiles-cafe", URL: "https://a.example/feed.xml", Name: "Émile’s Café", Every: "0 6 * * *", Tags: []string{"x", "y z"}, Enabled: true, Origin: config},
		{Slug: "b-example-rss", URL: "https://user:pass@b.example/rss", Private: true, Origin: config},
		{Slug: "c-example-news-feed", URL: "https://c.example/news/feed.xml", Name: "Новини", Enabled: true, Private: true, Origin: config},
		{Slug: "emiles-cafe-2", URL: "https://d.example/", Name: "Émile’s cafe", Enabled: true, Origin: config},
		{Slug: "seeds-2", URL: "https://e.example/", Name: "Seeds", Enabled: true, Origin: config},
		{Slug: "f-example-a", URL: "https://f.example/a?b=c", Enabled: true, Origin: env},
		{Slug: "f-example-a-2", URL: "https://f.example/a?b=d", Enabled: true, Origin: env},
	}
	for i := range want {
		want[i].Kind = feed.KindFeed
	}
	if diff := cmp.Diff(want, c.Sources); diff != "" {
		t.Error(diff)
	}
	if n := len(c.declared(config)); n != 6 {
		t.Errorf("%d sources are the configuration's with the seeds, want 6", n)
	}
	if first := c.declared(config)[0]; first.Slug != feed.SeedsSlug || first.Kind != feed.KindFolder || first.URL != c.Seeds {
		t.Errorf("the seeds do not come first: %+v", first)
	}
}

func TestProxiesAreNamedInAListOrALine(t *testing.T) {
	const want = "[10.0.0.2/32 192.168.0.0/16 ::1/128 fd00::/8]"
	for _, c := range []struct{ file, variable string }{
		{"trusted_proxies: [10.0.0.2, 192.168.7.0/16, '::1', 'fd00::/8']", ""},
		{"trusted_proxies:\n  - 10.0.0.2\n  - 192.168.0.0/16\n  - ::1\n  - fd00::/8\n", ""},
		{"trusted_proxies: ::ffff:10.0.0.2, 192.168.0.0/16 ::1 fd00::/8", ""},
		{"trusted_proxies: 10.9.9.9", "TRIBUTARY_TRUSTED_PROXIES=10.0.0.2 192.168.0.0/16,::1 fd00::/8"},
	} {
		cfg, err := load(t, c.file, []string{c.variable})
		if got := fmt.Sprint(cfg.Proxies); err != nil || got != want {
			t.Errorf("%s %s: %s (%v), want %s", c.file, c.variable, got, err, want)
		}
	}
	if cfg, err := load(t, "trusted_proxies: []", nil); err != nil || len(cfg.Proxies) != 0 {
		t.Errorf("an empty list: %v (%v)", cfg.Proxies, err)
	}
}

func TestASiteIsPublicWithPicturesUnlessSaidOtherwise(t *testing.T) {
	usual, err := load(t, "", nil)
	if err != nil || usual.Closed || !usual.Pictures {
		t.Errorf("private %v, pictures %v (%v)", usual.Closed, usual.Pictures, err)
	}
	closed, err := load(t, "private: true\npictures: off\n", nil)
	if err != nil || !closed.Closed || closed.Pictures || closed.Private {
		t.Errorf("private %v, pictures %v, allow_private %v (%v)", closed.Closed, closed.Pictures, closed.Private, err)
	}
	if usual.servesLike(closed) || !closed.servesLike(closed) {
		t.Error("a change of these is not carried out while it runs")
	}
}

func TestBaseURLIsTheAddressListenedOnUnlessGiven(t *testing.T) {
	for _, c := range []struct{ base, listening, want string }{
		{"", "127.0.0.1:8080", "http://127.0.0.1:8080"},
		{"", "0.0.0.0:8080", "http://localhost:8080"},
		{"", "[::]:8080", "http://localhost:8080"},
		{"", ":8080", "http://localhost:8080"},
		{"", "[fe80::1]:80", "http://[fe80::1]:80"},
		{"https://news.example.org/feeds/", "0.0.0.0:8080", "https://news.example.org/feeds"},
	} {
		var cfg Config
		if c.base != "" {
			if err := settings["base_url"](&cfg, c.base); err != nil {
				t.Fatal(err)
			}
		}
		if got := cfg.withBaseURL(c.listening).BaseURL; got != c.want {
			t.Errorf("base_url %q listening on %s: %s, want %s", c.base, c.listening, got, c.want)
		}
	}
}

func TestDurationsKnowDays(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "1h30m": 90 * time.Minute, "400d": 400 * 24 * time.Hour, "1d12h": 36 * time.Hour, "0s": 0, "0d": 0, "0": 0,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "-1d", "1.5d", "d1h", "1h2d", "99999999999d", "5"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

// Whoever adds a key documents it.
func TestEveryKeyIsInTheManual(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for key := range settings {
		if !strings.Contains(string(text), "| `"+key+"` |") {
			t.Errorf("docs/configuration.md has no row for %s", key)
		}
	}
	for _, variable := range regexp.MustCompile(`TRIBUTARY_[A-Z_]+`).FindAllString(environmentSource(t), -1) {
		if !strings.Contains(string(text), "`"+variable+"`") {
			t.Errorf("docs/configuration.md does not mention %s", variable)
		}
	}
}

func environmentSource(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("configenv.go")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheShippedConfigurationIsValid(t *testing.T) {
	c, err := loadConfig("../../tributary.yaml", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Sources) < 4 || c.Description == "" {
		t.Errorf("%d sources, description %q", len(c.Sources), c.Description)
	}
}

func TestSecretsOfASourceAreKeptAsWrittenAndMakeItPrivate(t *testing.T) {
	c, err := load(t, "sources:\n"+
		"  - url: https://a.example/\n    headers: {x-api-key: $NEWS_KEY, Accept: text/xml}\n"+
		"  - url: https://reader:$NEWS_PASSWORD@b.example/\n"+
		"  - url: https://c.example/\n", []string{"NEWS_KEY=hunter2", "NEWS_PASSWORD=hunter3", "TRIBUTARY_SOURCES=https://$TOKEN@d.example/"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"X-Api-Key": "$NEWS_KEY", "Accept": "text/xml"}, c.Sources[0].Headers); diff != "" {
		t.Error(diff)
	}
	for i, private := range []bool{true, true, false, true} {
		if s := c.Sources[i]; s.Private != private || strings.Contains(s.URL, "hunter") {
			t.Errorf("%+v", s)
		}
	}
	if got := c.fetching().Getenv("NEWS_KEY"); got != "hunter2" {
		t.Errorf("fetching is told %q", got)
	}
}

func TestStrangersNameNoVariables(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://a.example/": true, "https://u:p@a.example/": true, "https://u:pa$$word@a.example/$NOT?a=$NOT": true,
		"https://u:$HOME@a.example/": false, "https://$HOME@a.example/": false, "https://u:%24HOME@a.example/": false, "https://u:$@a.example/": false,
	} {
		if _, err := parseStrangersURL(url); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
	}
}
