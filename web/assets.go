package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
)

//go:embed assets templates
var files embed.FS

// assetTypes are the files that pages ask for and their media types, which are
// not left to what the machine knows of file names. The style sheet is joined
// from assets/css, the others are as they lie in assets.
var assetTypes = map[string]string{
	"style.css":    "text/css; charset=utf-8",
	"htmx.min.js":  "text/javascript; charset=utf-8",
	"sse.min.js":   "text/javascript; charset=utf-8",
	"app.js":       "text/javascript; charset=utf-8",
	"icon.svg":     "image/svg+xml",
	"LICENSES.txt": "text/plain; charset=utf-8",
}

// assets are the style sheet, the scripts and the icon. Their addresses carry a
// hash of their content, so that browsers may keep them for ever.
type assets struct {
	byName  map[string]*document // under the hashed name
	hashed  map[string]string    // name → hashed name
	passing map[string]*document // under the plain name, to be asked about each time
}

// newAssets reads the embedded files; that they are there is decided at build time.
func newAssets() assets {
	a := assets{byName: map[string]*document{}, hashed: map[string]string{}, passing: map[string]*document{}}
	for name, mediaType := range assetTypes {
		body, err := assetBody(name)
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(body)
		ext := path.Ext(name)
		hashed := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		doc, err := newDocument(body, docOptions{
			mediaType:    mediaType,
			cacheControl: "public, max-age=31536000, immutable",
			level:        feedLevel,
		})
		if err != nil {
			panic(err)
		}
		a.byName[hashed], a.hashed[name] = doc, hashed
		passing := *doc
		passing.cacheControl = []string{"public, no-cache"}
		a.passing[name] = &passing
	}
	return a
}

var hashedAsset = regexp.MustCompile(`^([^.]+(?:\.min)?)\.[0-9a-f]{12}(\.[a-z]+)$`)

// named is the file of a name with a hash, nil if there is none. Under the hash of
// another version it is this one: while several are served side by side, at an
// upgrade, a page of the one asks the other for its files.
func (a assets) named(name string) *document {
	if doc := a.byName[name]; doc != nil {
		return doc
	}
	if m := hashedAsset.FindStringSubmatch(name); m != nil {
		return a.passing[m[1]+m[2]]
	}
	return nil
}

func assetBody(name string) ([]byte, error) {
	if name == "style.css" {
		return styleSheet()
	}
	return files.ReadFile("assets/" + name)
}

// styleSheet joins the files of assets/css in the order of their names: one
// request for all pages, and a file for each of our features.
func styleSheet() ([]byte, error) {
	names, err := fs.Glob(files, "assets/css/*.css") // sorted, as embed.FS lists them
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, name := range names {
		part, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		out.Write(part)
	}
	return out.Bytes(), nil
}

func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	doc := s.assets.named(r.PathValue("name"))
	if doc == nil {
		s.notFound(w, r)
		return
	}
	doc.serve(w, r)
}
