package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed assets templates
var files embed.FS

// assets are the style sheet and the icon. Their addresses carry a hash of
// their content, so that browsers may keep them for ever.
type assets struct {
	byName map[string]*document // under the hashed name
	hashed map[string]string    // name → hashed name
}

// newAssets reads the embedded files; that they are there is decided at build time.
func newAssets() assets {
	a := assets{byName: map[string]*document{}, hashed: map[string]string{}}
	for _, name := range []string{"style.css", "icon.svg"} {
		body, err := files.ReadFile("assets/" + name)
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(body)
		ext := path.Ext(name)
		hashed := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		doc, err := newDocument(body, docOptions{
			mediaType:    mime.TypeByExtension(ext),
			cacheControl: "public, max-age=31536000, immutable",
			level:        feedLevel,
		})
		if err != nil {
			panic(err)
		}
		a.byName[hashed], a.hashed[name] = doc, hashed
	}
	return a
}

func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	doc := s.assets.byName[r.PathValue("name")]
	if doc == nil {
		s.notFound(w, r)
		return
	}
	doc.serve(w, r)
}
