package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tributary/feed"
)

// archivedFor is how long an archive stands. Little changes in it: an item may be
// withdrawn, or its source edit it.
const archivedFor = 24 * time.Hour

// archiveURL is the address of an archive; "" of none.
func (s *Server) archiveURL(format int, block int64) string {
	if block < 1 {
		return ""
	}
	return s.opt.Site.BaseURL + variantKey{format: format, archive: block}.path()
}

// archiveDocument serves a closed block of the main feed (RFC 5005, 4).
func (s *Server) archiveDocument(w http.ResponseWriter, r *http.Request) {
	k, ok := archiveNamed(r.PathValue("name"))
	if !ok {
		s.notFound(w, r)
		return
	}
	_, err := parameters(r) // it has none, but for what is not known
	s.serveView(w, r, k, err)
}

// archiveNamed reads a name such as "12.atom". There is one way to write each.
func archiveNamed(name string) (k variantKey, ok bool) {
	number, ext, _ := strings.Cut(name, ".")
	n, err := strconv.ParseInt(number, 10, 64)
	for format, m := range docMedia {
		if m.ext == ext {
			k = variantKey{format: format, archive: n}
			return k, err == nil && n > 0 && strconv.FormatInt(n, 10) == number
		}
	}
	return k, false
}

// archivePage is an archive with its place among the others.
func (s *Server) archivePage(ctx context.Context, k variantKey) (page feed.Page, err error) {
	var newer bool
	page.Items, newer, err = s.store.Archive(ctx, k.archive)
	if feed.CodeOf(err) == feed.CodeNotFound {
		err = feed.Errorf(feed.CodeNotFound, "There is no archive %d yet. What is not in an archive is in the feed itself: %s",
			k.archive, s.opt.Site.BaseURL+variantKey{format: k.format}.path())
	}
	page.Archived, page.Current = true, s.opt.Site.BaseURL+variantKey{format: k.format}.path()
	page.Older = s.archiveURL(k.format, k.archive-1)
	if newer {
		page.Newer = s.archiveURL(k.format, k.archive+1)
	}
	return page, err
}
