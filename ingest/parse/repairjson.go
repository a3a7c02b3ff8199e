package parse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// repairJSON rewrites a JSON Feed that gofeed refuses: line breaks inside
// strings, trailing commas, members of another type than the specification
// has. Of a document that breaks off it keeps the whole items, and truncated
// is true. It answers nil when nothing can be made of it.
func repairJSON(src []byte) (out []byte, truncated bool) {
	dec := json.NewDecoder(bytes.NewReader(mendJSON(src)))
	dec.UseNumber()
	top, truncated := map[string]any{}, false
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, false
	}
	for dec.More() && !truncated {
		key, err := dec.Token()
		name, isName := key.(string)
		switch {
		case err != nil || !isName:
			truncated = true
		case name == "items":
			top[name], truncated = wholeItems(dec)
		default:
			var v any
			if err := dec.Decode(&v); err != nil {
				truncated = true
			} else {
				top[name] = v
			}
		}
	}
	if _, err := dec.Token(); err != nil {
		truncated = true
	}
	out, err := json.Marshal(fitFeed(top))
	if err != nil {
		return nil, false
	}
	return out, truncated
}

// wholeItems reads an array as far as it is whole.
func wholeItems(dec *json.Decoder) (items []any, truncated bool) {
	open, err := dec.Token()
	if err != nil || open != json.Delim('[') {
		return nil, true
	}
	for dec.More() {
		var item any
		if err := dec.Decode(&item); err != nil {
			return items, true
		}
		if m, ok := item.(map[string]any); ok {
			items = append(items, m)
		}
	}
	_, err = dec.Token()
	return items, err != nil
}

// mendJSON escapes line breaks and tabs inside strings, takes out commas that
// nothing follows, and drops what follows the object.
func mendJSON(src []byte) []byte {
	out := make([]byte, 0, len(src)+len(src)/16)
	inString, depth := false, 0
	for i := 0; i < len(src); i++ {
		c := src[i]
		switch {
		case inString && c == '\\' && i+1 < len(src):
			if i++; strings.IndexByte(`"\/bfnrtu`, src[i]) >= 0 {
				out = append(out, '\\')
			}
			c = src[i]
		case c == '"':
			inString = !inString
		case inString && c < ' ':
			out = append(out, '\\')
			c = map[byte]byte{'\n': 'n', '\r': 'r', '\t': 't'}[c]
		case inString:
		case c == ',' && nothingFollows(src[i+1:]):
			continue
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return append(out, c)
			}
		}
		out = append(out, c)
	}
	return out
}

// nothingFollows tells whether the next thing in b closes an object or array.
func nothingFollows(b []byte) bool {
	for _, c := range b {
		if !isSpace(c) {
			return c == '}' || c == ']'
		}
	}
	return false
}

// fitFeed makes the members of a feed fit their types (JSON Feed 1.1,
// "Top-level").
func fitFeed(top map[string]any) map[string]any {
	fitStrings(top, "version", "title", "home_page_url", "feed_url", "description", "user_comment", "next_url", "icon", "favicon", "language")
	fitPeople(top)
	delete(top, "hubs")
	items, _ := top["items"].([]any)
	for _, item := range items {
		fitItem(item.(map[string]any))
	}
	return top
}

func fitItem(item map[string]any) {
	fitStrings(item, "id", "url", "external_url", "title", "content_html", "content_text", "summary", "image", "banner_image",
		"date_published", "date_modified", "language")
	fitPeople(item)
	tags := list(item["tags"])
	if s, ok := item["tags"].(string); ok {
		tags = nil
		for _, word := range strings.Split(s, ",") {
			tags = append(tags, word)
		}
	}
	words := []string{}
	for _, t := range tags {
		if s, ok := scalar(t); ok {
			words = append(words, s)
		}
	}
	item["tags"] = words
	files := []any{}
	for _, a := range list(item["attachments"]) {
		if m, ok := a.(map[string]any); ok {
			fitStrings(m, "url", "mime_type", "title")
			files = append(files, m)
		}
	}
	item["attachments"] = files
}

// fitPeople makes author an object and authors an array of objects.
func fitPeople(m map[string]any) {
	people := []any{}
	for _, a := range append(list(m["author"]), list(m["authors"])...) {
		switch who := a.(type) {
		case string:
			people = append(people, map[string]any{"name": who})
		case map[string]any:
			fitStrings(who, "name", "url", "avatar")
			people = append(people, who)
		}
	}
	delete(m, "author")
	m["authors"] = people
}

// fitStrings makes the named members strings, and drops those that cannot be.
func fitStrings(m map[string]any, names ...string) {
	for _, name := range names {
		if v, has := m[name]; has {
			if s, ok := scalar(v); ok {
				m[name] = s
			} else {
				delete(m, name)
			}
		}
	}
}

// scalar is a string, number or boolean as a string.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number, bool:
		return fmt.Sprint(v), true
	}
	return "", false
}

// list is v as an array: itself, one element, or none.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}
