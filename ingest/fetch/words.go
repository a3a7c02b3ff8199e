package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"tributary/feed"
)

// Errors are sentences for the person whose feed does not come. They name the
// host and never the URL, whose user info or query may be a secret.

// unavailable makes an error whose cause stays behind its sentence.
func unavailable(cause error, format string, args ...any) error {
	return &feed.Error{Code: feed.CodeUnavailable, Message: fmt.Sprintf(format, args...), Err: cause}
}

// connectError says why a request got no answer.
func connectError(host string, err error, timeout time.Duration) error {
	var dns *net.DNSError
	var timed net.Error
	switch {
	case errors.Is(err, errTimeout), errors.Is(err, context.DeadlineExceeded):
		return unavailable(err, "no answer from %s within %s", host, span(timeout))
	case errors.As(err, &dns) && dns.IsNotFound:
		return unavailable(err, "could not resolve host %s: is the address right?", host)
	case errors.As(err, &dns):
		return unavailable(err, "could not resolve host %s: the name server did not help", host)
	case errors.Is(err, syscall.ECONNREFUSED):
		return unavailable(err, "%s refused the connection", host)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return unavailable(err, "there is no way through the network to %s", host)
	case errors.As(err, &timed) && timed.Timeout():
		return unavailable(err, "could not connect to %s in time", host)
	}
	if said := tlsTrouble(err); said != "" {
		return unavailable(err, "no secure connection to %s: %s", host, said)
	}
	return exchangeError(host, err)
}

// exchangeError says why a connection that was made gave no answer.
func exchangeError(host string, err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EPIPE), strings.Contains(err.Error(), "server closed idle connection"):
		return unavailable(err, "%s closed the connection without an answer", host)
	case strings.Contains(err.Error(), "malformed HTTP"), strings.Contains(err.Error(), "HTTP/1.x transport connection broken"),
		strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return unavailable(err, "%s answers with something that is not HTTP: are scheme and port of the address right?", host)
	}
	return unavailable(err, "the request to %s failed on the way", host)
}

// tlsTrouble says what is wrong with a TLS connection, "" if it is not that.
func tlsTrouble(err error) string {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &authority):
		return "its certificate is not from an authority that we know"
	case errors.As(err, &name):
		return "its certificate is for another host"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate has expired, or our clock is wrong"
	case errors.As(err, &invalid):
		return "its certificate is not valid"
	case errors.As(err, &record):
		return "it does not speak TLS there; is it http: rather than https:?"
	case errors.As(err, &alert):
		return "it turned the handshake down"
	}
	return ""
}

// bodyError says why a body did not arrive whole.
func bodyError(host string, err error, got int, idle, timeout time.Duration) error {
	switch {
	case errors.Is(err, errTimeout):
		return unavailable(err, "the document of %s did not arrive within %s", host, span(timeout))
	case errors.Is(err, errSilent):
		return unavailable(err, "%s fell silent in the middle of the document, for %s", host, span(idle))
	}
	return unavailable(err, "the document of %s broke off after %s", host, bytesText(int64(got)))
}

// refusedError says that the guard forbids an address.
func refusedError(host string, e *errPrivate) error {
	advice := "such addresses are never fetched"
	if e.openable {
		advice = "set allow_private: true to fetch from one's own network"
	}
	return &feed.Error{
		Code: feed.CodeDenied, Err: e,
		Message: fmt.Sprintf("%s is at %s, which is not a public address: %s", host, e.addr, advice),
	}
}

func challengeError(host string) error {
	return unavailable(nil, "%s wants a browser to prove that a person sits before it (a challenge page): ask its owner to let feed readers in", host)
}

func statusError(host string, status int) error {
	code := feed.CodeUnavailable
	switch status {
	case http.StatusNotFound, http.StatusGone:
		code = feed.CodeNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		code = feed.CodeDenied
	}
	return feed.Errorf(code, "%s answered %s", host, statusText(status))
}

func limitedError(host string, status int, until time.Time) error {
	return unavailable(nil, "%s answered %s: waiting until %s", host, statusText(status), clock(until))
}

// statusText is a status as a person knows it: "404 Not Found".
func statusText(status int) string {
	if text := http.StatusText(status); text != "" {
		return fmt.Sprintf("%d %s", status, text)
	}
	return fmt.Sprintf("%d", status)
}

// clock is a moment, for people.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// span is a duration, for people.
func span(d time.Duration) string {
	if d >= time.Second && d%time.Second == 0 {
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return d.String()
}

// bytesText is a number of bytes, for people.
func bytesText(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.4g MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.4g KB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
