package parse

import (
	"strconv"
	"strings"

	ext "github.com/mmcdole/gofeed/extensions"

	"tributary/feed"
)

// extensions are the elements of other vocabularies in an entry or channel,
// by gofeed's canonical prefix and local name.
type extensions struct {
	s *scan
	m ext.Extensions
}

// prefixes under which gofeed files elements of one vocabulary.
func (x extensions) elements(prefix, name string) []ext.Extension {
	if found := x.m[prefix][name]; len(found) > 0 || prefix != "atom" {
		return found
	}
	if found := x.m["a10"][name]; len(found) > 0 {
		return found
	}
	return x.m["atom03"][name]
}

// raw is the value of the first such element, maybe a mark.
func (x extensions) raw(prefix, name string) string {
	for _, e := range x.elements(prefix, name) {
		if e.Value != "" {
			return e.Value
		}
	}
	return ""
}

// first is raw with its mark put back.
func (x extensions) first(prefix, name string) string { return x.s.str(x.raw(prefix, name)) }

func (x extensions) all(prefix, name string) []string {
	var out []string
	for _, e := range x.elements(prefix, name) {
		out = append(out, x.s.str(e.Value))
	}
	return out
}

// attr is an attribute of the first such element that has it.
func (x extensions) attr(prefix, name, attr string) string {
	for _, e := range x.elements(prefix, name) {
		if v := x.s.link(e.Attrs[attr]); v != "" {
			return v
		}
	}
	return ""
}

func (x extensions) firstChild(prefix, name, child string) string {
	for _, e := range x.elements(prefix, name) {
		return x.child(e, child)
	}
	return ""
}

// child is the text of e's first child of that name.
func (x extensions) child(e ext.Extension, name string) string {
	for _, c := range e.Children[name] {
		return x.s.str(c.Value)
	}
	return ""
}

// atomLink is the address of an Atom link with that relation.
func (x extensions) atomLink(rel string) string {
	return x.linkOf(x.elements("atom", "link"), rel)
}

// linkOf is the address of the last link with one of rels, the earlier the
// better; no rel means alternate (RFC 4287, 4.2.7.2).
func (x extensions) linkOf(links []ext.Extension, rels ...string) string {
	for _, rel := range rels {
		for i := len(links) - 1; i >= 0; i-- {
			if has := links[i].Attrs["rel"]; has == rel || has == "" && rel == "alternate" {
				return x.s.link(links[i].Attrs["href"])
			}
		}
	}
	return ""
}

// media is the value of a Media RSS element beside the files or in their group.
func (x extensions) media(name string) string {
	if v := x.raw("media", name); v != "" {
		return v
	}
	for _, g := range x.elements("media", "group") {
		for _, c := range g.Children[name] {
			return c.Value
		}
	}
	return ""
}

// addMedia adds Media RSS files to the entry. Pictures among them, and
// thumbnails, are candidates for the entry's picture, not enclosures: feeds
// name a dozen sizes of one photograph, and the portrait of its author.
func (x extensions) addMedia(e *feed.RawEntry) {
	media := x.m["media"]
	if media == nil {
		return
	}
	best := picture{}
	x.thumbnails(&best, media["thumbnail"])
	x.addFiles(e, &best, media["content"])
	for _, g := range media["group"] {
		x.thumbnails(&best, g.Children["thumbnail"])
		x.addFiles(e, &best, g.Children["content"])
	}
	if e.Image == "" {
		e.Image = best.url
	}
}

func (x extensions) addFiles(e *feed.RawEntry, best *picture, files []ext.Extension) {
	for _, f := range files {
		a := f.Attrs
		if x.isPicture(a) {
			best.offer(x.s.link(a["url"]), a["width"])
		} else {
			e.Enclosures = addEnclosure(e.Enclosures, feed.Enclosure{URL: x.s.link(a["url"]), Type: a["type"],
				Length: size(a["fileSize"]), Duration: seconds(a["duration"]), Title: x.child(f, "title")})
		}
		x.thumbnails(best, f.Children["thumbnail"])
	}
}

func (x extensions) isPicture(a map[string]string) bool {
	if a["medium"] != "" {
		return a["medium"] == "image"
	}
	if a["type"] != "" {
		return strings.HasPrefix(a["type"], "image/")
	}
	path, _, _ := strings.Cut(x.s.link(a["url"]), "?")
	i := strings.LastIndexByte(path, '.')
	switch strings.ToLower(path[i+1:]) {
	case "jpg", "jpeg", "png", "gif", "webp", "avif", "svg":
		return true
	}
	return false
}

// picture is the best picture so far.
type picture struct {
	url   string
	width int
}

// offer takes url if nothing is there yet or it is wider. Portraits of
// authors are no pictures of the entry.
func (p *picture) offer(url, width string) {
	w, _ := strconv.Atoi(strings.TrimSpace(width))
	if url == "" || strings.Contains(url, "gravatar.com/avatar") || p.url != "" && w <= p.width {
		return
	}
	p.url, p.width = url, w
}

func (x extensions) thumbnails(best *picture, list []ext.Extension) {
	for _, t := range list {
		best.offer(x.s.link(t.Attrs["url"]), t.Attrs["width"])
	}
}

// addITunes adds what podcasts say of their file, and the cover where there is
// no picture yet.
func (x extensions) addITunes(e *feed.RawEntry) {
	if d := seconds(x.first("itunes", "duration")); d > 0 && len(e.Enclosures) > 0 && e.Enclosures[0].Duration == 0 {
		e.Enclosures[0].Duration = d
	}
	e.Image = firstOf(e.Image, x.attr("itunes", "image", "href"), x.first("itunes", "image"), x.first("webfeeds", "cover"))
}

// extra reads what only some formats have a place for: RFC 4685 threads,
// GeoRSS and W3C geo positions, rights.
func (x extensions) extra() feed.Extra {
	if len(x.m) == 0 {
		return feed.Extra{}
	}
	var out feed.Extra
	for _, names := range x.m { // its namespace has no canonical prefix with gofeed
		for _, e := range names["in-reply-to"] {
			out.InReplyTo = firstOf(e.Attrs["ref"], e.Attrs["href"])
		}
	}
	out.Rights = plainOf(x.s.guess(firstOf(x.raw("dc", "rights"), x.raw("atom", "rights")), looksHTML))
	out.GeoPoint = x.geoPoint()
	return out
}

func (x extensions) geoPoint() string {
	lat, lon := x.first("geo", "lat"), firstOf(x.first("geo", "long"), x.first("geo", "lon"))
	for _, p := range x.elements("geo", "Point") {
		lat, lon = firstOf(lat, x.child(p, "lat")), firstOf(lon, x.child(p, "long"))
	}
	said := x.first("georss", "point")
	for _, w := range x.elements("georss", "where") {
		for _, p := range w.Children["Point"] {
			said = firstOf(said, x.child(p, "pos"))
		}
	}
	for _, p := range x.elements("gml", "Point") {
		said = firstOf(said, x.child(p, "pos"))
	}
	if said == "" && lat != "" && lon != "" {
		said = lat + " " + lon
	}
	return point(said)
}

// point checks "lat lon" (or "lat,lon") and writes it in one way.
func point(v string) string {
	f := strings.FieldsFunc(v, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' || r == '\t' })
	if len(f) != 2 {
		return ""
	}
	lat, err1 := strconv.ParseFloat(f[0], 64)
	lon, err2 := strconv.ParseFloat(f[1], 64)
	if err1 != nil || err2 != nil || !(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180) {
		return ""
	}
	return f[0] + " " + f[1]
}
