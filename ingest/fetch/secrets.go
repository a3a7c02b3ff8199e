package fetch

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"tributary/feed"
)

// secrets are what the requests of a source carry for its own host only: the
// login of its address and its headers, environment variables filled in. They
// live as long as a poll.
type secrets struct {
	header http.Header
	host   string
	secure bool     // declared for https
	words  []string // that nobody is to see, where a server repeats them
}

// fits tells whether the secrets may be shown to u: only to their own host,
// and never in the clear if they were declared for https.
func (s *secrets) fits(u *url.URL) bool {
	return s != nil && s.host == hostKey(u) && (!s.secure || u.Scheme == "https")
}

// secretsOf are src's secrets, nil if it has none. declared is its address.
func secretsOf(src feed.Source, declared *url.URL, getenv func(string) string) (*secrets, error) {
	if declared.User == nil && len(src.Headers) == 0 {
		return nil, nil
	}
	s := &secrets{header: http.Header{}, host: hostKey(declared), secure: declared.Scheme == "https"}
	value := func(name string) (string, error) {
		if getenv != nil && getenv(name) != "" {
			s.words = append(s.words, getenv(name))
			return getenv(name), nil
		}
		return "", feed.Errorf(feed.CodeInvalid,
			"the environment variable %s, which its address or a header of it names, is not set: set it for tributary, or write $$ where a dollar sign is meant", name)
	}
	return s, s.fill(declared, src.Headers, value)
}

// References names the environment variables that src's address and headers
// need, each once, sorted. Errors (feed.CodeInvalid) say what is wrong with
// either, and never repeat a value.
func References(src feed.Source) ([]string, error) {
	u, err := parseURL(src.URL)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	s := &secrets{header: http.Header{}}
	err = s.fill(u, src.Headers, func(name string) (string, error) {
		names[name] = true
		return "x", nil
	})
	return slices.Sorted(maps.Keys(names)), err
}

// fill makes the headers. value gives a variable's value.
func (s *secrets) fill(u *url.URL, headers map[string]string, value lookup) error {
	if u.User != nil {
		if err := s.logIn(u.User, value); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		said := headers[name]
		if err := CheckHeader(name, said); err != nil {
			return err
		}
		if name = http.CanonicalHeaderKey(name); s.header[name] != nil {
			return feed.Errorf(feed.CodeInvalid, "it has a user in its address and a header Authorization: keep one of the two")
		}
		sent, err := expand(said, value)
		if err != nil {
			return err
		}
		if sent == "" || !httpguts.ValidHeaderFieldValue(sent) {
			return feed.Errorf(feed.CodeInvalid, "the value of the header %s cannot be sent: does a variable of it end with a line break?", name)
		}
		s.header[name] = []string{sent}
		if !strings.HasPrefix(name, "Accept") { // what a server answers to that may well be the same words
			s.words = append(s.words, sent)
		}
	}
	return nil
}

// logIn makes user info a login by Basic authentication (RFC 7617).
func (s *secrets) logIn(info *url.Userinfo, value lookup) error {
	user, err := expand(info.Username(), value)
	if err != nil {
		return err
	}
	said, _ := info.Password()
	password, err := expand(said, value)
	if err != nil {
		return err
	}
	if strings.Contains(user, ":") || !httpguts.ValidHeaderFieldValue(user+password) {
		return feed.Errorf(feed.CodeInvalid, "the login of its address cannot be sent: is there a colon in the user's name, or does a variable end with a line break?")
	}
	pair := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	s.header["Authorization"] = []string{"Basic " + pair}
	s.words = append(s.words, pair)
	if password == "" {
		password = user // a token in the user's place
	}
	s.words = append(s.words, password)
	return nil
}

// lookup gives the value of an environment variable.
type lookup func(name string) (string, error)

// expand fills in environment variables: $NAME is one, $$ a dollar sign.
func expand(s string, value lookup) (string, error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "$")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		if strings.HasPrefix(after, "$") {
			b.WriteByte('$')
			s = after[1:]
			continue
		}
		name := variable(after)
		if name == "" {
			return "", feed.Errorf(feed.CodeInvalid, "a $ is followed by the name of an environment variable, such as $NEWS_KEY: write $$ where a dollar sign is meant")
		}
		v, err := value(name)
		if err != nil {
			return "", err
		}
		b.WriteString(v)
		s = after[len(name):]
	}
}

// variable is the name of an environment variable that s begins with, or "".
func variable(s string) string {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return s[:i]
		}
	}
	return s
}

// notTheirs are the headers that no source sets: what the connection needs
// (RFC 9110, 7.6.1), what we say ourselves, and what we never say. Those that
// begin with If- or Proxy- are among them.
var notTheirs = []string{
	"Connection", "Content-Length", "Expect", "Host", "Http2-Settings", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	"Accept-Encoding", "Range", "User-Agent",
	"Cookie", "Cookie2", "Referer",
}

// CheckHeader says what is wrong with a header that a source is to send, if
// anything. It does not repeat the value, which may be a secret.
func CheckHeader(name, value string) error {
	canonical := http.CanonicalHeaderKey(name)
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return feed.Errorf(feed.CodeInvalid, "%q is not the name of a header: it has letters, digits and dashes only, such as X-Api-Key", name)
	case slices.Contains(notTheirs, canonical), strings.HasPrefix(canonical, "If-"), strings.HasPrefix(canonical, "Proxy-"):
		return feed.Errorf(feed.CodeInvalid, "the header %s is not for a source to set: remove it", canonical)
	case strings.TrimSpace(value) == "":
		return feed.Errorf(feed.CodeInvalid, "the header %s has no value: give one, or remove it", canonical)
	case !httpguts.ValidHeaderFieldValue(value):
		return feed.Errorf(feed.CodeInvalid, "the value of the header %s has a line break or another control character: write it on one line", canonical)
	}
	_, err := expand(value, func(string) (string, error) { return "", nil })
	if err != nil {
		return fmt.Errorf("the header %s: %w", canonical, err)
	}
	return nil
}

// shortestSecret is the length from which a secret is looked for in other
// text: a shorter one would be found by chance.
const shortestSecret = 4

// hide replaces the words of the secrets in what a server sent.
func (s *secrets) hide(text string) string {
	if s == nil {
		return text
	}
	for _, w := range s.words {
		if len(w) >= shortestSecret {
			text = strings.ReplaceAll(text, w, "…")
		}
	}
	return text
}
