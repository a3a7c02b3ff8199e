package web

import (
	"cmp"
	"strings"

	"golang.org/x/net/html"
)

// withoutPictures is cleaned content that loads nothing from other sites: links
// stand for its pictures, films and sounds.
func withoutPictures(content string) string {
	w := pictureless{tokens: html.NewTokenizer(strings.NewReader(content))}
	for w.tokens.Next() != html.ErrorToken {
		raw := string(w.tokens.Raw()) // before Token, which reads on in the same bytes
		w.token(raw, w.tokens.Token())
	}
	return w.out.String()
}

type pictureless struct {
	tokens *html.Tokenizer
	out    strings.Builder
	linked bool   // within a link, where no other may be
	media  string // the element that is played here; "": none
}

func (w *pictureless) token(raw string, t html.Token) {
	starts := t.Type == html.StartTagToken || t.Type == html.SelfClosingTagToken
	switch t.Data {
	case "picture":
	case "img":
		w.link(pictureName(attribute(t, "alt"), attribute(t, "src")), attribute(t, "src"))
	case "audio", "video":
		w.media = ""
		if src := attribute(t, "src"); src != "" {
			w.link(mediaName(t.Data, src), src)
		} else if starts {
			w.media = t.Data
		}
	case "source": // of what is played, the first; of a picture, none
		if w.media != "" {
			src := attribute(t, "src")
			w.link(mediaName(w.media, src), src)
			w.media = ""
		}
	default:
		if t.Data == "a" && t.Type != html.TextToken {
			w.linked = starts
		}
		w.out.WriteString(raw)
	}
}

// link writes a link, or its name alone where there can be none.
func (w *pictureless) link(name, address string) {
	name = html.EscapeString(name)
	if address = publicURL(address); address == "" || w.linked {
		w.out.WriteString(name)
		return
	}
	w.out.WriteString(`<a href="` + html.EscapeString(address) + `">` + name + `</a>`)
}

// firstPicture is the address of the first picture in cleaned content; "": there is none.
func firstPicture(content string) string {
	tokens := html.NewTokenizer(strings.NewReader(content))
	for kind := tokens.Next(); kind != html.ErrorToken; kind = tokens.Next() {
		if t := tokens.Token(); t.Data == "img" {
			if u := publicURL(attribute(t, "src")); u != "" {
				return u
			}
		}
	}
	return ""
}

// pictureName names a picture by what is said in its place.
func pictureName(alt, address string) string {
	return cmp.Or(strings.TrimSpace(alt), strings.TrimSpace("Picture "+from(address)))
}

func mediaName(element, address string) string {
	name := "Sound"
	if element == "video" {
		name = "Film"
	}
	return strings.TrimSpace(name + " " + from(address))
}

// from says where an address leads; "" if nowhere.
func from(address string) string {
	if publicURL(address) == "" {
		return ""
	}
	return "from " + hostOf(address)
}

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
