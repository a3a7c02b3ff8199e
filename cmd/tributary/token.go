package main

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"strings"

	"tributary/feed"
)

// apiToken is the key for the API: the configured one, else the one in the
// data folder, which is made on the first start. file is where it lies, "" for
// a configured one.
func (c Config) apiToken() (token, file string, err error) {
	if c.Token != "" {
		return c.Token, "", nil
	}
	file = c.tokenFile()
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		token, err = makeToken(file)
		return token, file, err
	}
	if err != nil {
		return "", file, feed.Errorf(feed.CodeDenied, "the token cannot be read: %w; let user %s read it, or set TRIBUTARY_TOKEN", err, userOf())
	}
	token, err = parseToken(strings.TrimSpace(string(text)))
	if err == nil && token == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", file, feed.Errorf(feed.CodeInvalid, "%s holds no good token (%w); remove the file, and the next start makes one", file, err)
	}
	return token, file, nil
}

// makeToken writes a new token of 128 random bits for its owner's eyes only.
func makeToken(file string) (string, error) {
	const advice = "make the data folder writable, or set TRIBUTARY_TOKEN"
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", feed.Errorf(feed.CodeDenied, "the token cannot be written: %w; %s", err, advice)
	}
	token := rand.Text()
	_, err = f.WriteString(token + "\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return "", feed.Errorf(feed.CodeUnavailable, "the token cannot be written: %w; %s", err, advice)
	}
	return token, nil
}
