package clean

import (
	"crypto/sha256"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"tributary/feed"
)

func TestKeyIsTheBeginningOfSHA256(t *testing.T) {
	for _, s := range []string{"a", "https://example.com/a", strings.Repeat("long ", 5000)} {
		sum := sha256.Sum256([]byte(s))
		if got, want := Key(s), int64(binary.BigEndian.Uint64(sum[:])); got != want {
			t.Errorf("Key of %d bytes = %d, want %d", len(s), got, want)
		}
	}
	if Key("") != 0 {
		t.Error("nothing has a key")
	}
}

// TestKeysStayTheSame holds keys that are in people's stores. A change needs a
// new Version (RawKey), or a migration.
func TestKeysStayTheSame(t *testing.T) {
	e := Entry(newsEntry(), newsContext())
	got := [4]int64{e.Keys.Raw, e.Keys.URL, e.Keys.Content, e.Keys.Shown}
	want := [4]int64{-6681564303117981209, -586432613093809639, 8776833093982705605, 3518946059911518947}
	if got != want {
		t.Errorf("keys of the sample entry are %#v, were %#v", got, want)
	}
}

// TestRawKeyCoversEverySaidThing changes each field of an entry in turn.
func TestRawKeyCoversEverySaidThing(t *testing.T) {
	full := func() feed.RawEntry {
		var e feed.RawEntry
		fill(reflect.ValueOf(&e).Elem())
		return e
	}
	seen := map[int64]string{RawKey(full()): "unchanged"}
	for _, path := range leaves(reflect.TypeFor[feed.RawEntry](), nil, "") {
		e := full()
		path.change(reflect.ValueOf(&e).Elem())
		key := RawKey(e)
		if other, dup := seen[key]; dup {
			t.Errorf("changing %s gives the key of: %s", path.name, other)
		}
		seen[key] = path.name
	}
	if RawKey(full()) != RawKey(full()) {
		t.Error("two equal entries have two keys")
	}
}

type leaf struct {
	name  string
	index []int // fields, an element 0 of a slice in between
}

func leaves(t reflect.Type, index []int, name string) []leaf {
	switch {
	case t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]():
		var list []leaf
		for i := range t.NumField() {
			f := t.Field(i)
			list = append(list, leaves(f.Type, append(index[:len(index):len(index)], i), name+"."+f.Name)...)
		}
		return list
	case t.Kind() == reflect.Slice:
		return append(leaves(t.Elem(), append(index[:len(index):len(index)], 0), name+"[0]"), leaf{name + " length", index})
	}
	return []leaf{{name, index}}
}

func (l leaf) change(v reflect.Value) {
	for _, i := range l.index {
		if v.Kind() == reflect.Slice {
			v = v.Index(i)
		} else {
			v = v.Field(i)
		}
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("changed")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Slice:
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
	default:
		v.Set(reflect.ValueOf(time.Unix(99, 0)))
	}
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1, 0)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.String:
		v.SetString("x")
	}
}

func TestRawKeyTellsBordersOfFields(t *testing.T) {
	a := RawKey(feed.RawEntry{GUID: "ab", Link: "c"})
	b := RawKey(feed.RawEntry{GUID: "a", Link: "bc"})
	if a == b {
		t.Error("a letter moved from one field to the next, and the key stayed")
	}
}

const story = "The ministry said on Tuesday that the talks would go on “as long as needed”, and that no date had been set for the next round in the city. " +
	"Observers had expected more from the meeting: the two sides stay apart on the question of who is to pay for the bridge."

func TestContentKeyIsOfTheWordsAlone(t *testing.T) {
	want := ContentKey("Talks go on", story)
	if want == 0 {
		t.Fatal("a long text has no key")
	}
	_, fromHTML := body(feedText("<p>The <b>ministry</b> said on&nbsp;Tuesday that the talks would go on &#8220;as long as needed&#8221;, and that no date had been set for the next round in the city.</p>\n<div>Observers had expected more from the meeting: the two sides stay apart on the question of who is to pay for the bridge.</div>", true), resolver{})
	_, fromText := body(feedText(strings.ReplaceAll(story, "city. ", "city.\n\n"), false), resolver{})
	for name, c := range map[string]struct{ title, text string }{
		"another title":          {"Ministry: no date yet", story},
		"from HTML":              {"x", fromHTML},
		"from plain text":        {"x", fromText},
		"title above":            {"Talks go on!", "Talks go on " + story},
		"date above":             {"x", " date 2025-12-30 " + story},
		"date and title above":   {"Talks go on", "Date: 2025-12-30 Talks go on. " + story},
		"capitals":               {"x", strings.ToUpper(story)},
		"straight quotes":        {"x", strings.NewReplacer("“", `"`, "”", `"`).Replace(story)},
		"spaces":                 {"x", strings.ReplaceAll(story, " ", " \n ")},
		"title made of the text": {"The ministry said on Tuesday …", story},
	} {
		if got := ContentKey(c.title, c.text); got != want {
			t.Errorf("%s: another key", name)
		}
	}
	if ContentKey("x", strings.Replace(story, "Tuesday", "Thursday", 1)) == want {
		t.Error("another word has the same key")
	}
}

func TestContentKeyNeedsLength(t *testing.T) {
	for n, has := range map[int]bool{0: false, 199: false, 200: true, 201: true} {
		if got := ContentKey("", strings.Repeat("ä", n)) != 0; got != has {
			t.Errorf("%d characters: key %v, want %v", n, got, has)
		}
	}
	if ContentKey("Talks go on", "Talks go on "+strings.Repeat("X", 195)) != 0 {
		t.Error("the title counts as body")
	}
}

func TestContentKeyJoinsFormsOfALetter(t *testing.T) {
	text := strings.Repeat("Zürich café Йошкар-Ола naïve ﬁne ½ Ⅻ 한국어 ", 12)
	if ContentKey("", norm.NFD.String(text)) != ContentKey("", norm.NFC.String(text)) {
		t.Error("composed and decomposed letters give two keys")
	}
	if ContentKey("", text) != ContentKey("", norm.NFKC.String(text)) {
		t.Error("compatibility forms give another key")
	}
}

func TestShownMovesWithWhatAReaderSees(t *testing.T) {
	shown := func(change func(*feed.RawEntry)) int64 {
		raw := newsEntry()
		raw.Enclosures = []feed.Enclosure{{URL: "https://a.example/x.mp3?utm_source=rss"}}
		change(&raw)
		return Entry(raw, newsContext()).Keys.Shown
	}
	same := shown(func(*feed.RawEntry) {})
	for name, change := range map[string]func(*feed.RawEntry){
		"white space":         func(r *feed.RawEntry) { r.Content.Value = strings.ReplaceAll(r.Content.Value, "\n", "\n \n") },
		"markup":              func(r *feed.RawEntry) { r.Content.Value = strings.ReplaceAll(r.Content.Value, "h3", "h2") },
		"a link's address":    func(r *feed.RawEntry) { r.Content.Value = strings.ReplaceAll(r.Content.Value, "utm_source=rss", "x=y") },
		"a file's tracking":   func(r *feed.RawEntry) { r.Enclosures[0].URL = "http://www.a.example/x.mp3?utm_source=web" },
		"date and categories": func(r *feed.RawEntry) { r.Published, r.Categories = "", nil },
		"the entry's link":    func(r *feed.RawEntry) { r.Link = "https://other.example/" },
	} {
		if shown(change) != same {
			t.Errorf("%s: the key moved", name)
		}
	}
	for name, change := range map[string]func(*feed.RawEntry){
		"title":   func(r *feed.RawEntry) { r.Title.Value += "!" },
		"a word":  func(r *feed.RawEntry) { r.Content.Value = strings.Replace(r.Content.Value, "Tuesday", "Monday", 1) },
		"a file":  func(r *feed.RawEntry) { r.Enclosures[0].URL = "https://a.example/y.mp3" },
		"no file": func(r *feed.RawEntry) { r.Enclosures = nil },
	} {
		if shown(change) == same {
			t.Errorf("%s: the key stayed", name)
		}
	}
}

// FuzzLetters compares the quick way to a text's letters with the plain one.
func FuzzLetters(f *testing.F) {
	for _, s := range []string{"Abc 1", "e\u0301 ẞ İ ﬁ ½ ²", "Йод “x” й", "한글 漢字 ａｂｃ", "x\u2019\u0301y\u203c", "\xff\xe2\x80", "e\u2014\u0301", "a\xe2\x80\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "?")
		var want strings.Builder
		for _, r := range norm.NFKC.String(s) {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				want.WriteRune(unicode.ToLower(r))
			}
		}
		d := newDigest()
		d.letters(s)
		if len(s) < 1000 && string(d.buf) != want.String() {
			t.Errorf("letters of %q are %q, want %q", s, d.buf, want.String())
		}
		ContentKey(s[:len(s)/3], s)
	})
}
