package feed

import (
	"crypto/sha1" //nolint:gosec // RFC 9562 names it for version 5 UUIDs; nothing is secured by it
	"fmt"
	"path"
	"regexp"
	"strings"

	"golang.org/x/net/idna"
)

// address is an absolute http or https URL with nothing but the characters
// that RFC 3986 allows (others percent-encoded, a foreign host name in
// Punycode). It is "" for anything else, and for a URL with user info, which
// no public document may show.
func address(raw string) string {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(raw), "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "http" && scheme != "https" {
		return ""
	}
	end := strings.IndexAny(rest, `/?#\`)
	if end < 0 {
		end = len(rest)
	}
	host := asciiHost(rest[:end])
	if host == "" {
		return ""
	}
	tail := percentEncoded(rest[end:])
	if tail != "" && tail[0] != '/' {
		tail = "/" + tail
	}
	return scheme + "://" + host + tail
}

var hostPort = regexp.MustCompile(`^([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$`)

// asciiHost is the host, with its port, in ASCII; "" if it is none, or if user
// info stands before it.
func asciiHost(host string) string {
	if !hostPort.MatchString(host) && !strings.ContainsAny(host, "@%[] ") {
		ascii, err := idna.ToASCII(strings.ToLower(legal(host)))
		if err != nil {
			return ""
		}
		host = ascii
	}
	if !hostPort.MatchString(host) {
		return ""
	}
	return host
}

// percentEncoded escapes what may not stand in the path, query and fragment
// of a URL, and leaves alone what is escaped.
func percentEncoded(s string) string {
	var b strings.Builder
	fragment := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]), isURLByte(c):
			b.WriteByte(c)
		case c == '#' && !fragment:
			fragment = true
			b.WriteByte(c)
		case c == '\\' && !fragment:
			b.WriteByte('/') // as browsers read it
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isURLByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' ||
		strings.IndexByte(";/?:@&=+$.-_!~*'(),", c) >= 0
}

// The shapes of an id that is in its normal form whatever normalises it
// (RFC 4287, 4.2.6.1; RFC 3986, 6.2.2). Narrower than the grammar.
var (
	uuidURN = regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	otherID = regexp.MustCompile(`^(urn:[a-z0-9][a-z0-9-]{1,31}:[A-Za-z0-9()+,.:=@;$_!*'-]+` +
		`|tag:([a-z0-9._-]+@)?[a-z0-9.-]+,[0-9]{4}(-[0-9]{2}){0,2}:[A-Za-z0-9;/:@&=+$._!~*'(),-]*)$`)
	httpID = regexp.MustCompile(`^https?://([a-z0-9-]+\.)*[a-z0-9-]+(:[1-9][0-9]*)?` +
		`(/[A-Za-z0-9._~!$&'()*+,;=:@/-]*)(\?[A-Za-z0-9._~!$&'()*+,;=:@/?-]*)?$`)
	defaultPort = regexp.MustCompile(`^(http://[^/]+:80|https://[^/]+:443)/`)
)

// isNormalID tells whether id can stand as an atom:id without a validator's
// complaint.
func isNormalID(id string) bool {
	if strings.HasPrefix(id, "urn:uuid:") {
		return uuidURN.MatchString(id)
	}
	if m := httpID.FindStringSubmatch(id); m != nil {
		return !defaultPort.MatchString(id) && noDotSegments(m[3])
	}
	return otherID.MatchString(id)
}

func noDotSegments(p string) bool {
	for _, segment := range strings.Split(p, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// normalID is id if it can stand as an atom:id, else a UUID made of it, the
// same each time.
func normalID(id string) string {
	if isNormalID(id) {
		return id
	}
	return "urn:uuid:" + nameUUID(id)
}

// nameUUID is the version 5 UUID of a URL (RFC 9562, 5.5).
func nameUUID(name string) string {
	const urlSpace = "\x6b\xa7\xb8\x11\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8"
	h := sha1.Sum([]byte(urlSpace + name)) //nolint:gosec // see above
	h[6] = h[6]&0x0F | 0x50
	h[8] = h[8]&0x3F | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

var mediaType = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*$`)

// typeByName are the media types of files that feeds enclose. A fixed list:
// what the machine knows must not change a document.
var typeByName = map[string]string{
	".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg",
	".wav": "audio/wav", ".flac": "audio/flac", ".aac": "audio/aac",
	".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg", ".mov": "video/quicktime",
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp",
	".avif": "image/avif", ".svg": "image/svg+xml",
	".pdf": "application/pdf", ".epub": "application/epub+zip", ".zip": "application/zip", ".torrent": "application/x-bittorrent",
}

// typeOf is the media type that was said, without parameters, else what the
// URL's ending tells, else "".
func typeOf(said, address string) string {
	said, _, _ = strings.Cut(said, ";")
	if said = strings.ToLower(strings.TrimSpace(said)); mediaType.MatchString(said) {
		return said
	}
	file, _, _ := strings.Cut(address, "#")
	file, _, _ = strings.Cut(file, "?")
	return typeByName[strings.ToLower(path.Ext(file))]
}
