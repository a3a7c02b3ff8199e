package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/language"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/fetch"
)

// The functions below read one value of the configuration each. Their errors
// quote the value and say what would be right; where it was written is put
// before it by the caller.

// parseListen reads an address to listen on, host:port. The host may be empty
// (all addresses), the port may be 0 (any free one).
func parseListen(v string) (string, error) {
	host, port, err := net.SplitHostPort(v)
	if err != nil {
		return "", fmt.Errorf("%q is not an address to listen on; write host:port such as 127.0.0.1:8080", v)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", fmt.Errorf("port %q is not a number from 0 to 65535; write host:port such as 127.0.0.1:8080", port)
	}
	return net.JoinHostPort(host, port), nil
}

// parseBaseURL reads the address at which readers reach the program. It may
// have a path (a prefix behind a reverse proxy); a trailing slash goes.
func parseBaseURL(v string) (string, error) {
	u, err := webURL(v, "https://news.example.org")
	if err != nil {
		return "", err
	}
	if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("%q has a query, a fragment or a user; write the plain address such as https://news.example.org/feeds", v)
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// parseFeedURL reads the address of a source. Its user info may name
// environment variables.
func parseFeedURL(v string) (string, error) {
	u, err := webURL(v, "https://example.org/feed.xml")
	if err != nil {
		return "", err
	}
	u.Fragment = ""
	address := u.String()
	_, err = fetch.References(feed.Source{URL: address})
	return address, err
}

// parseStrangersURL reads the address of a source that not the owner of the
// environment wrote, but whoever made a list or holds the token. It names no
// variables of the environment: they would be sent to where it says.
func parseStrangersURL(v string) (string, error) {
	address, err := parseFeedURL(v)
	if err != nil {
		return "", err
	}
	if names, _ := fetch.References(feed.Source{URL: address}); len(names) > 0 {
		return "", fmt.Errorf("its user info names the environment variable %s, which only the configuration and the command line may do; "+
			"declare it in tributary.yaml, or write $$ where a dollar sign is meant", names[0])
	}
	return address, nil
}

// parseIcon reads the address of a picture; "" is none.
func parseIcon(v string) (string, error) {
	if v == "" {
		return "", nil
	}
	_, err := webURL(v, "https://news.example.org/icon.png")
	return v, err
}

// webURL reads an absolute http or https URL. Its errors give an example of a
// right one and show no password.
func webURL(v, example string) (*url.URL, error) {
	right := "write an absolute one such as " + example
	u, err := url.Parse(v)
	if err != nil {
		return nil, fmt.Errorf("this is not a URL (%w); %s", bareError(err), right)
	}
	switch scheme := strings.ToLower(u.Scheme); {
	case scheme == "":
		return nil, fmt.Errorf("%q has no scheme; %s", v, right)
	case scheme != "http" && scheme != "https":
		return nil, fmt.Errorf("%q is not http or https; %s", u.Redacted(), right)
	case u.Hostname() == "":
		return nil, fmt.Errorf("%q names no host; %s", u.Redacted(), right)
	}
	return u, nil
}

// bareError is what went wrong without the URL that it went wrong with: that
// may hold a password.
func bareError(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// parseDatabaseURL reads a PostgreSQL address; "" means SQLite in the data
// folder. Its errors show no password.
func parseDatabaseURL(v string) (string, error) {
	if v == "" || strings.HasPrefix(v, "postgres://") || strings.HasPrefix(v, "postgresql://") {
		return v, nil
	}
	return "", errors.New("this is not a PostgreSQL address; write postgres://user:password@host:5432/database, or leave it out for SQLite in the data folder")
}

// parseFolder reads a folder's path and makes it absolute. A relative one
// starts from the working directory, wherever the configuration file is.
func parseFolder(v string) (string, error) {
	if v == "" {
		return "", errors.New("the path is empty; name a folder")
	}
	abs, err := filepath.Abs(v)
	if err != nil {
		return "", fmt.Errorf("the path cannot be made absolute (%w); write it from the root", err)
	}
	return abs, nil
}

// parseDuration reads a duration as Go writes them ("90s", "1h30m"), with
// days besides ("400d", "1d12h").
func parseDuration(v string) (time.Duration, error) {
	const right = `write a number and a unit such as "30s", "15m", "2h" or "400d"`
	wrong := fmt.Errorf("%q is not a duration; %s", v, right)
	days, rest, hasDays := strings.Cut(v, "d")
	if !hasDays {
		days, rest = "0", v
	}
	n, err := strconv.ParseUint(days, 10, 15) // at most 89 years
	if err != nil {
		return 0, wrong
	}
	total := time.Duration(n) * 24 * time.Hour
	if hasDays && rest == "" {
		return total, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 {
		return 0, wrong
	}
	return total + d, nil
}

// durationOf gives a reader of durations of at least low.
func durationOf(low time.Duration, example string) func(string) (time.Duration, error) {
	return func(v string) (time.Duration, error) {
		d, err := parseDuration(v)
		if err != nil {
			return 0, err
		}
		if d < low {
			return 0, fmt.Errorf("%q is too short; the least is %s, and %s is usual", v, shortDuration(low), example)
		}
		return d, nil
	}
}

// shortDuration writes a duration without its zero units: 1m, 24h, 400d.
func shortDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// parseTimeZone reads a name of the IANA time zone database.
func parseTimeZone(v string) (*time.Location, error) {
	if v == "" || strings.EqualFold(v, "local") {
		return nil, fmt.Errorf("%q depends on the machine; write UTC or a name such as Europe/Kyiv", v)
	}
	zone, err := time.LoadLocation(v)
	if err != nil {
		return nil, fmt.Errorf("%q is not a time zone; write UTC or a name such as Europe/Kyiv", v)
	}
	return zone, nil
}

// parseLanguage reads a BCP 47 tag.
func parseLanguage(v string) (string, error) {
	if _, err := language.Parse(v); err != nil {
		return "", fmt.Errorf("%q is not a language tag; write one such as en or pt-BR", v)
	}
	return v, nil
}

// tokenLength is the least length of a token: nobody guesses that many characters.
const tokenLength = 16

// parseToken reads the key for the API, "" if there is none. It travels in a
// header (RFC 6750). Its errors don't show it.
func parseToken(v string) (string, error) {
	if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("a token has only visible ASCII characters; make one with: openssl rand -hex 32")
	}
	if v != "" && len(v) < tokenLength {
		return "", fmt.Errorf("a token of %s is too easy to guess, the least is %d; make one with: openssl rand -hex 32", plural(len(v), "character"), tokenLength)
	}
	return v, nil
}

// parseBool reads a yes or a no in the words that YAML and shells use.
func parseBool(v string) (bool, error) {
	switch strings.ToLower(v) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false; write true or false", v)
}

// parseSwitch reads an on or an off.
func parseSwitch(v string) (bool, error) {
	on, err := parseBool(v)
	if err != nil {
		return false, fmt.Errorf("%q is neither on nor off; write on or off", v)
	}
	return on, nil
}

// parseProxies reads networks and addresses with spaces or commas between them.
func parseProxies(v string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, word := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		network, err := netip.ParsePrefix(word)
		if addr, single := netip.ParseAddr(word); single == nil {
			network, err = netip.PrefixFrom(addr.Unmap().WithZone(""), addr.Unmap().BitLen()), nil
		}
		if err != nil || network.Addr().Is4In6() {
			return nil, fmt.Errorf("%q is neither an address nor a network; write the proxy's address such as 10.0.0.2, or its network such as 10.0.0.0/8 or fd00::/8", word)
		}
		if network.Bits() == 0 {
			return nil, fmt.Errorf("%q is everybody: then anybody may say to be anybody else; write the proxy's own address or network, such as 10.0.0.2", word)
		}
		all = append(all, network.Masked())
	}
	return all, nil
}

// parsePriority reads how a source's copies rank among others'.
func parsePriority(v string) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < -100 || n > 100 {
		return 0, fmt.Errorf("%q is no whole number from -100 to 100; the larger one's copy of an article is shown, 0 is usual", v)
	}
	return n, nil
}

// parseLine reads text that goes on one line, such as a title.
func parseLine(v string) (string, error) {
	v = strings.TrimSpace(v)
	if strings.ContainsFunc(v, unicode.IsControl) {
		return "", fmt.Errorf("%q has line breaks or control characters; write it on one line", v)
	}
	return v, nil
}

// parseText reads text that may run over lines, such as a description.
func parseText(v string) (string, error) {
	return parseLine(strings.Join(strings.Fields(v), " "))
}

// parseFilter reads topic.filter.
func parseFilter(v string) (string, error) {
	switch v = strings.ToLower(v); v {
	case ingest.FilterLearned, ingest.FilterRules, ingest.FilterOff:
		return v, nil
	case "false":
		return ingest.FilterOff, nil
	}
	return "", fmt.Errorf("%q is no filter; write learned (by what the seeds teach, and the rules), rules (by them alone) or off (everything is kept)", v)
}

// parseThreshold reads a score from which an entry is on topic.
func parseThreshold(v string) (float64, error) {
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || !(n > 0 && n < 1) {
		return 0, fmt.Errorf("%q is no threshold; write a number between 0 and 1, such as 0.45", v)
	}
	return n, nil
}

// parseSourceTopic reads a source's topic.
func parseSourceTopic(v string) (string, error) {
	if v = strings.ToLower(v); v == ingest.FilterOff || v == "false" {
		return ingest.FilterOff, nil
	}
	return "", fmt.Errorf("%q is nothing that a source's topic can be; write off, which lets all that it brings in, or leave the key out", v)
}

// userOf says as whom the program runs, for messages about permissions.
func userOf() string { return strconv.Itoa(os.Geteuid()) }
