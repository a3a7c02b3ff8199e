package main

import (
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"tributary/feed"
)

// maxSlug is the length of a slug in characters, a suffix such as -2 not counted.
const maxSlug = 40

// slugs gives sources their slugs and remembers the given ones.
type slugs map[string]bool

// newSlugs knows the slugs that are taken already. The seeds folder's always is,
// as are the names of the pages beside those of sources.
func newSlugs(taken ...feed.Source) slugs {
	s := slugs{feed.SeedsSlug: true, "new": true, "import": true}
	for _, src := range taken {
		s[src.Slug] = true
	}
	return s
}

// take gives a slug that none has yet: from the name, or where that has no
// letter that a slug can have, from the URL.
func (s slugs) take(name, rawURL string) string {
	base := slugify(name)
	if base == "" {
		base = slugify(placeOf(rawURL))
	}
	if base == "" {
		base = "source"
	}
	slug := base
	for n := 2; s[slug]; n++ {
		slug = base + "-" + strconv.Itoa(n)
	}
	s[slug] = true
	return slug
}

// placeOf is what tells a URL from others: its host and path without www. and
// the file's extension.
func placeOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	p := strings.TrimSuffix(u.Path, path.Ext(u.Path))
	return strings.TrimPrefix(u.Hostname(), "www.") + " " + p
}

// slugify folds text to lower-case ASCII letters and digits, joined by dashes;
// accents are dropped from their letters.
func slugify(text string) string {
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(norm.NFKD.String(text)) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash = false
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r), r == '\'', r == '’':
		default:
			dash = true
		}
	}
	return cutSlug(b.String())
}

// cutSlug cuts at a dash where the slug is too long.
func cutSlug(slug string) string {
	if len(slug) <= maxSlug {
		return slug
	}
	cut := slug[:maxSlug]
	if i := strings.LastIndexByte(cut, '-'); i > maxSlug/2 && slug[maxSlug] != '-' {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, "-")
}
