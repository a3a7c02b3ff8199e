package clean

import (
	"net/url"
	"strconv"
	"strings"
)

// leaf writes an element that has no content, or whose content is settled at
// once.
func (m *machine) leaf(element string, c class) {
	switch c {
	case classBreak:
		m.flow()
		m.text.gapIf(element == "br")
		m.void(element)
	case classRule:
		m.flow()
		m.endParagraph()
		m.text.gap = true
		m.void(element)
	case classColumn:
		m.column()
	case classImage:
		m.image()
	case classSource:
		if m.top().class == classPicture {
			m.pictureSource()
		}
	case classMedia:
		m.media(element)
	}
}

func (m *machine) void(element string) {
	m.startTag(element)
	m.out = append(m.out, "/>"...)
}

func (m *machine) column() {
	table := m.tableScope("table")
	if table < 0 {
		return
	}
	if m.top().class != classColumns {
		m.closeFrom(table + 1)
		m.imply("colgroup", classColumns)
	}
	m.void("col")
}

// startTag writes a start tag up to its ">", with the attributes that
// ruleFor names.
func (m *machine) startTag(element string) {
	m.out = append(m.out, '<')
	m.out = append(m.out, element...)
	for _, a := range m.lex.attrs {
		switch r := ruleFor(element, a.name); r {
		case refuse:
		case asLink, asWeb:
			if u := m.url(a.value, r); u != "" {
				m.attr(a.name, u)
			}
		case asText:
			m.attr(a.name, unescape(a.value))
		case asFlag:
			m.attr(a.name, "")
		default:
			if r.allowed(a.value) {
				m.attr(a.name, a.value)
			}
		}
	}
}

func (m *machine) attr(name, value string) {
	m.out = append(m.out, ' ')
	m.out = append(m.out, name...)
	m.out = append(m.out, `="`...)
	m.out = appendHTML(m.out, value, true)
	m.out = append(m.out, '"')
}

// url makes an attribute's value, as written, an absolute URL, or "".
func (m *machine) url(value string, r rule) string {
	if value == "" || len(value) > 2*maxURL {
		return ""
	}
	return m.address(unescape(value), r)
}

func (m *machine) address(decoded string, r rule) string {
	switch {
	case len(m.out) > maxGrowth*m.input+maxURL:
		return ""
	case r == asLink:
		return m.links.link(decoded)
	}
	return m.links.web(decoded)
}

// image writes an img element: with its real address if it is to be loaded
// later by a script, and not at all if it has none or shows nothing.
func (m *machine) image() {
	width, height := pixels(m.lex.attr("width")), pixels(m.lex.attr("height"))
	if width == 0 || width == 1 || height == 0 || height == 1 || hidden(m.lex.attr("style")) {
		return
	}
	set := m.srcset(m.firstAttr("data-srcset", "data-lazy-srcset", "srcset"))
	src := ""
	for _, name := range []string{"data-src", "data-lazy-src", "data-original", "src"} {
		if src = m.url(m.lex.attr(name), asWeb); src != "" {
			break
		}
	}
	if src == "" {
		src, _, _ = strings.Cut(set, " ")
		src = strings.TrimSuffix(src, ",")
	}
	if src == "" {
		return
	}
	m.flow()
	m.out = append(m.out, "<img"...)
	m.attr("src", src)
	m.sources(set)
	for _, a := range m.lex.attrs {
		if a.name == "alt" || a.name == "title" {
			m.attr(a.name, unescape(a.value))
		}
	}
	m.size("width", width)
	m.size("height", height)
	m.out = append(m.out, "/>"...)
}

func (m *machine) firstAttr(names ...string) string {
	for _, name := range names {
		if v := m.lex.attr(name); v != "" {
			return v
		}
	}
	return ""
}

// sources writes srcset, and the sizes without which widths in it mean little.
func (m *machine) sources(set string) {
	if set == "" {
		return
	}
	m.attr("srcset", set)
	if sizes := unescape(m.lex.attr("sizes")); sizes != "" && len(sizes) < 500 && sizes != "auto" {
		m.attr("sizes", sizes)
	}
}

func (m *machine) size(name string, n int) {
	if n > 1 {
		m.attr(name, strconv.Itoa(n))
	}
}

// pixels reads a width or height; -1 if it is none in pixels.
func pixels(s string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(s), "px"))
	if err != nil || n < 0 || n > 20000 {
		return -1
	}
	return n
}

// hidden tells whether a style makes a picture one that nobody sees.
func hidden(style string) bool {
	if style == "" {
		return false
	}
	for _, decl := range strings.Split(lower(style), ";") {
		name, value, _ := strings.Cut(decl, ":")
		value, _, _ = strings.Cut(strings.TrimSpace(value), "!")
		switch value = strings.TrimSpace(value); strings.TrimSpace(name) {
		case "display":
			if value == "none" {
				return true
			}
		case "visibility":
			if value == "hidden" {
				return true
			}
		case "width", "height":
			if n := pixels(value); n == 0 || n == 1 {
				return true
			}
		}
	}
	return false
}

// srcset makes the addresses of a srcset attribute absolute (the standard's
// "parse a srcset attribute"); candidates without one are left out.
func (m *machine) srcset(value string) string {
	value = unescape(value)
	var set strings.Builder
	for {
		value = strings.TrimLeft(value, " \t\r\n\f,")
		if value == "" {
			return set.String()
		}
		end := strings.IndexAny(value, " \t\r\n\f")
		if end < 0 {
			end = len(value)
		}
		address, descriptor := value[:end], ""
		value = value[end:]
		if trimmed := strings.TrimRight(address, ","); trimmed != address {
			address = trimmed
		} else {
			descriptor, value, _ = strings.Cut(value, ",")
		}
		address = strings.TrimRight(m.address(address, asWeb), ",")
		descriptor = strings.TrimSpace(descriptor)
		if address == "" || !isDescriptor(descriptor) {
			continue
		}
		if set.Len() > 0 {
			set.WriteString(", ")
		}
		set.WriteString(address)
		if descriptor != "" {
			set.WriteByte(' ')
			set.WriteString(descriptor)
		}
	}
}

// isDescriptor tells whether s is "", a width ("640w") or a density ("1.5x").
func isDescriptor(s string) bool {
	if s == "" {
		return true
	}
	number, unit := s[:len(s)-1], s[len(s)-1]
	return number != "" && len(number) < 8 && (unit == 'w' || unit == 'x') &&
		all(number, func(c byte) bool { return isDigit(c) || c == '.' && unit == 'x' })
}

// pictureSource writes a source of a picture.
func (m *machine) pictureSource() {
	set := m.srcset(m.firstAttr("data-srcset", "data-lazy-srcset", "srcset"))
	if set == "" {
		return
	}
	m.out = append(m.out, "<source"...)
	m.sources(set)
	for _, name := range []string{"type", "media"} {
		if v := unescape(m.lex.attr(name)); v != "" && len(v) < 200 {
			m.attr(name, v)
		}
	}
	m.out = append(m.out, "/>"...)
}

// media writes an audio or video element with its https sources. One that has
// others only becomes a link. What it says to browsers that cannot play it is
// left out.
func (m *machine) media(element string) {
	var list []mediaSource
	add := func(l *lexer) {
		if u := m.url(l.attr("src"), asWeb); u != "" && len(list) < 10 {
			list = append(list, mediaSource{u, unescape(l.attr("type"))})
		}
	}
	add(&m.lex)
	poster := m.url(m.lex.attr("poster"), asWeb)
	width, height := pixels(m.lex.attr("width")), pixels(m.lex.attr("height"))
	if inner, ok := m.lex.skipElement(element); ok {
		l := lexer{s: inner}
		for t := l.next(); t.kind != endOfText; t = l.next() {
			if t.kind == startToken && t.name == "source" {
				add(&l)
			}
		}
	}
	if len(list) == 0 {
		return
	}
	m.flow()
	secure := secureOnly(list)
	if len(secure) == 0 {
		m.linkTo(list[0].url, list[0].url)
		return
	}
	m.out = append(m.out, '<')
	m.out = append(m.out, element...)
	if element == "video" {
		if poster != "" {
			m.attr("poster", poster)
		}
		m.size("width", width)
		m.size("height", height)
	}
	m.mediaSources(secure)
	m.out = append(m.out, "</"...)
	m.out = append(m.out, element...)
	m.out = append(m.out, '>')
}

// mediaSource is a file that an audio or video element may play.
type mediaSource struct{ url, mediaType string }

func secureOnly(list []mediaSource) []mediaSource {
	var secure []mediaSource
	for _, s := range list {
		if strings.HasPrefix(s.url, "https://") {
			secure = append(secure, s)
		}
	}
	return secure
}

// mediaSources ends the start tag and writes the sources: one without a type
// as an attribute, others as elements.
func (m *machine) mediaSources(list []mediaSource) {
	if len(list) == 1 && list[0].mediaType == "" {
		m.attr("src", list[0].url)
		m.out = append(m.out, '>')
		return
	}
	m.out = append(m.out, '>')
	for _, s := range list {
		m.out = append(m.out, "<source"...)
		m.attr("src", s.url)
		if s.mediaType != "" && len(s.mediaType) < 100 {
			m.attr("type", s.mediaType)
		}
		m.out = append(m.out, "/>"...)
	}
}

// linkTo writes a link; inside another link its text only.
func (m *machine) linkTo(address, text string) {
	linked := m.scope("a") >= 0
	if !linked {
		start := len(m.out)
		m.out = append(m.out, "<a"...)
		m.attr("href", address)
		m.out = append(m.out, '>')
		m.push("a", classLink, start)
	}
	m.write(text)
	if !linked {
		m.closeTop()
	}
}

// frame writes a link to the video that an iframe or embed element would show,
// in a paragraph of its own; nothing for other frames, which are mostly
// advertisements and counters.
func (m *machine) frame(name string) {
	address := videoPage(m.url(m.firstAttr("data-src", "data-lazy-src", "src"), asWeb))
	title := fold(unescape(m.lex.attr("title")))
	if strings.HasPrefix(title, "YouTube video") || strings.HasPrefix(title, "vimeo") { // the players' own words
		title = ""
	}
	if name == "iframe" {
		m.lex.skipElement(name)
	}
	if address == "" || len(m.stack) >= maxDepth {
		return
	}
	if title == "" || len(title) > 200 {
		title = address
	}
	m.lex.attrs = m.lex.attrs[:0]
	m.openBlock("p", classPara)
	m.linkTo(address, title)
	m.closeFrom(m.scope("p"))
}

// videoPage gives the page of the video that a player's address shows, "" if
// it is not a player of YouTube or Vimeo.
func videoPage(player string) string {
	u, err := url.Parse(player)
	if err != nil {
		return ""
	}
	id := u.Path[strings.LastIndexByte(u.Path, '/')+1:]
	switch strings.TrimPrefix(u.Host, "www.") {
	case "youtube.com", "m.youtube.com", "youtube-nocookie.com":
		if !strings.HasPrefix(u.Path, "/embed/") && !strings.HasPrefix(u.Path, "/v/") {
			return ""
		}
		if list := u.Query().Get("list"); isVideoID(list) && (id == "videoseries" || id == "") {
			return "https://www.youtube.com/playlist?list=" + list
		}
		if isVideoID(id) {
			return "https://www.youtube.com/watch?v=" + id
		}
	case "player.vimeo.com":
		if strings.HasPrefix(u.Path, "/video/") && id != "" && all(id, isDigit) {
			if hash := u.Query().Get("h"); isVideoID(hash) { // of an unlisted video
				id += "/" + hash
			}
			return "https://vimeo.com/" + id
		}
	}
	return ""
}

func isVideoID(s string) bool {
	return len(s) >= 5 && len(s) <= 64 &&
		all(s, func(c byte) bool { return isLetter(c) || isDigit(c) || c == '-' || c == '_' })
}
