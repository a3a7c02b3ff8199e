package dedupe

import (
	"net/url"
	"strconv"
	"strings"

	"tributary/feed"
)

// Identity names an entry within its source: by its id (RSS guid, Atom id,
// JSON Feed id), else by its canonical URL, else by a key of its title and
// text. An empty guid or URL counts as none.
func Identity(guid, canonical string, said int64) string {
	switch {
	case strings.TrimSpace(guid) != "":
		return "id:" + strings.TrimSpace(guid)
	case canonical != "":
		return "url:" + canonical
	}
	return "text:" + strconv.FormatUint(uint64(said), 16)
}

// File names a folder's document within its source, by its path below the folder.
func File(path string) string { return filePrefix + path }

const filePrefix = "file:"

// Shared are strings that one document uses for several different entries,
// so that they name none of them.
type Shared struct {
	GUIDs map[string]bool // ids that come with different links: some generators write a constant
	Links map[string]bool // links that come with different titles: the home page, a live blog
}

// SharedIn looks through the entries of one document.
func SharedIn(entries []feed.RawEntry) Shared {
	guids, links := map[string]string{}, map[string]string{}
	shared := Shared{GUIDs: map[string]bool{}, Links: map[string]bool{}}
	for _, e := range entries {
		note(guids, shared.GUIDs, strings.TrimSpace(e.GUID), e.Link)
		note(links, shared.Links, e.Link, e.Title.Value)
	}
	return shared
}

// Weigh drops the keys of entries that are no evidence: an address or a text
// that several different entries of their document share (one notice to
// subscribers as everybody's text), and the address of a whole site.
func Weigh(entries []feed.Entry) {
	urls, texts := map[int64]int64{}, map[int64]int64{}
	sharedURL, sharedText := map[int64]bool{}, map[int64]bool{}
	for _, e := range entries {
		note(urls, sharedURL, e.Keys.URL, e.Keys.Shown)
		note(texts, sharedText, e.Keys.Content, e.Keys.Shown)
	}
	for i := range entries {
		k := &entries[i].Keys
		if sharedURL[k.URL] || isSite(entries[i].Canonical) {
			k.URL = 0
		}
		if sharedText[k.Content] {
			k.Content = 0
		}
	}
}

// note marks key as shared when it comes with more than one owner.
func note[T comparable](owners map[T]T, shared map[T]bool, key, owner T) {
	var none T
	if key == none {
		return
	}
	if first, ok := owners[key]; ok && first != owner {
		shared[key] = true
		return
	}
	owners[key] = owner
}

// isSite tells whether a canonical URL is a site's front page.
func isSite(canonical string) bool {
	u, err := url.Parse(canonical)
	return err != nil || (strings.Trim(u.Path, "/") == "" && u.RawQuery == "")
}
