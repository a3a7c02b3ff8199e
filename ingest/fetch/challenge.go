package fetch

import (
	"bytes"
	"net/http"
)

// challengeHeaders are set by bot protections on pages that stand in for the
// document asked for.
var challengeHeaders = []string{"Cf-Mitigated", "X-Amzn-Waf-Action", "X-Vercel-Mitigated"}

// challengeMarks stand in pages that ask a visitor to prove being human, and
// in no others. Scripts that the same protections add to ordinary pages are
// not among them.
var challengeMarks = [][]byte{
	[]byte("_cf_chl_opt"), []byte("cf-browser-verification"), []byte("<title>Just a moment...</title>"), // Cloudflare
	[]byte("<title>Attention Required! | Cloudflare</title>"),
	[]byte("anubis_challenge"),                                             // Anubis
	[]byte("Incapsula incident ID"),                                        // Imperva
	[]byte("captcha-delivery.com"),                                         // DataDome
	[]byte("sucuri_cloudproxy_js"),                                         // Sucuri
	[]byte("px-captcha"),                                                   // HUMAN
	[]byte("<title>DDoS-Guard</title>"), []byte("ddos-guard/js-challenge"), // DDoS-Guard
	[]byte("Checking your browser before accessing"),
	[]byte("awsWafCookieDomainList"), // AWS
}

// isChallenge tells a challenge page from an answer. A feed that writes about
// such pages is none: only plain HTML is looked into.
func isChallenge(h http.Header, body []byte) bool {
	for _, name := range challengeHeaders {
		if len(h[name]) > 0 {
			return true
		}
	}
	if !looksHTML(body) {
		return false
	}
	head := body[:min(len(body), errorPageBytes)]
	for _, mark := range challengeMarks {
		if bytes.Contains(head, mark) {
			return true
		}
	}
	return false
}

// looksHTML tells whether a body begins as an HTML page does.
func looksHTML(body []byte) bool {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	body = bytes.TrimLeft(body, " \t\r\n")
	for _, start := range []string{"<!doctype html", "<html", "<head"} {
		if len(body) >= len(start) && bytes.EqualFold(body[:len(start)], []byte(start)) {
			return true
		}
	}
	return false
}
