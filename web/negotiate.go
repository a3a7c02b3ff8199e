package web

import (
	"strings"
)

// matches tells whether one of the entity tags in If-None-Match fields is the
// document's, in either encoding: both stand for the same content. Tags are
// compared weakly, as RFC 9110, 13.1.2 asks; proxies that compress on the way
// turn strong tags into weak ones.
func (d *document) matches(fields []string) bool {
	for _, list := range fields {
		for list != "" {
			var tag string
			tag, list = nextTag(list)
			if tag == "*" || tag == d.tag || (strings.HasSuffix(tag, "-gzip") && tag[:len(tag)-len("-gzip")] == d.tag) {
				return true
			}
		}
	}
	return false
}

// nextTag takes the first entity tag off a list and returns it without W/ and
// quotes. Commas inside quotes belong to the tag (RFC 9110, 8.8.3). What is
// not a tag is passed over.
func nextTag(list string) (tag, rest string) {
	list = strings.TrimLeft(list, " \t,")
	list = strings.TrimPrefix(list, "W/")
	if quoted, ok := strings.CutPrefix(list, `"`); ok {
		tag, rest, _ = strings.Cut(quoted, `"`)
		return tag, rest
	}
	token, rest, _ := strings.Cut(list, ",")
	if strings.TrimSpace(token) == "*" {
		return "*", rest
	}
	return "", rest
}

// acceptsGzip tells whether Accept-Encoding fields prefer gzip to the plain
// bytes (RFC 9110, 12.5.3): it is named, or covered by "*", with a weight that
// is neither 0 nor below that given to identity.
func acceptsGzip(fields []string) bool {
	gzipWeight, identity, any := -1, -1, -1
	for _, list := range fields {
		for list != "" {
			var part string
			part, list, _ = strings.Cut(list, ",")
			coding, weight := codingWeight(part)
			switch {
			case strings.EqualFold(coding, "gzip"), strings.EqualFold(coding, "x-gzip"):
				gzipWeight = weight
			case strings.EqualFold(coding, "identity"):
				identity = weight
			case coding == "*":
				any = weight
			}
		}
	}
	if gzipWeight < 0 {
		gzipWeight = any
	}
	return gzipWeight > 0 && gzipWeight >= identity
}

// codingWeight splits "gzip;q=0.5" into its coding and its weight in
// thousandths. A weight that is not a number counts as 0: when in doubt, the
// plain bytes are right for everybody.
func codingWeight(s string) (coding string, weight int) {
	coding, params, _ := strings.Cut(s, ";")
	coding, params = strings.TrimSpace(coding), strings.TrimSpace(params)
	if params == "" {
		return coding, 1000
	}
	name, value, _ := strings.Cut(params, "=")
	if !strings.EqualFold(strings.TrimSpace(name), "q") {
		return coding, 1000
	}
	return coding, thousandths(strings.TrimSpace(value))
}

// thousandths reads a qvalue: "1", "0", "0.5", "1.000".
func thousandths(s string) int {
	whole, fraction, _ := strings.Cut(s, ".")
	if (whole != "0" && whole != "1") || len(fraction) > 3 {
		return 0
	}
	n := int(whole[0]-'0') * 1000
	for i, unit := 0, 100; i < len(fraction); i, unit = i+1, unit/10 {
		if fraction[i] < '0' || fraction[i] > '9' {
			return 0
		}
		n += int(fraction[i]-'0') * unit
	}
	return min(n, 1000)
}
