package parse

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"tributary/feed"
)

// Headlines of the kind that feeds have, by the language's tag.
var headlines = map[string]string{
	"fr": "L’été dernier, la forêt brûlait déjà près de Nîmes – à côté, le Rhône coulait",
	"pl": "Zażółć gęślą jaźń: środowisko i woda w źródłach Świętokrzyskich",
	"ru": "Река вышла из берегов, и жители посёлка ждали помощи до самого утра",
	"el": "Η στάθμη του ποταμού ανέβηκε και οι κάτοικοι περίμεναν βοήθεια",
	"tr": "Irmağın suyu yükseldi, köylüler sabaha kadar yardım bekledi; çığ düştü",
	"he": "מפלס הנהר עלה והתושבים חיכו לעזרה עד הבוקר",
	"ar": "ارتفع منسوب النهر وانتظر السكان المساعدة حتى الصباح",
	"th": "ระดับน้ำในแม่น้ำสูงขึ้นและชาวบ้านรอความช่วยเหลือจนถึงเช้า",
	"ja": "川の水位が上がり、住民は朝まで助けを待っていました。カタカナもあります",
	"zh": "河水上涨，居民们等待救援直到早晨，政府派出了许多船只和救生员帮助他们离开",
	"tw": "河水上漲，居民們等待救援直到早晨，政府派出了許多船隻和救生員幫助他們離開",
	"ko": "강물이 불어나 주민들은 아침까지 구조를 기다렸다고 한다",
}

func encode(t *testing.T, enc encoding.Encoding, s string) []byte {
	t.Helper()
	b, err := enc.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func document(declaration, title string) string {
	return declaration + "<rss version=\"2.0\"><channel><title>T</title><item><title>" + title + "</title><description>" +
		strings.Repeat(title+". ", 3) + "</description></item></channel></rss>"
}

func TestCharsetsAreReadRight(t *testing.T) {
	const declared, none = `<?xml version="1.0" encoding="ENC"?>`, `<?xml version="1.0"?>`
	cases := []struct {
		name, lang  string
		enc         encoding.Encoding
		declaration string
		mediaType   string
	}{
		{"declared windows-1252", "fr", charmap.Windows1252, "windows-1252", ""},
		{"declared ISO-8859-1, but windows-1252", "fr", charmap.Windows1252, "ISO-8859-1", ""},
		{"declared windows-1250", "pl", charmap.Windows1250, "windows-1250", ""},
		{"declared windows-1251", "ru", charmap.Windows1251, "windows-1251", ""},
		{"declared KOI8-R", "ru", charmap.KOI8R, "KOI8-R", ""},
		{"declared windows-1253", "el", charmap.Windows1253, "windows-1253", ""},
		{"declared windows-1254", "tr", charmap.Windows1254, "ISO-8859-9", ""},
		{"declared windows-1255", "he", charmap.Windows1255, "windows-1255", ""},
		{"declared windows-1256", "ar", charmap.Windows1256, "windows-1256", ""},
		{"declared TIS-620", "th", charmap.Windows874, "TIS-620", ""},
		{"declared Shift_JIS", "ja", japanese.ShiftJIS, "Shift_JIS", ""},
		{"declared EUC-JP", "ja", japanese.EUCJP, "EUC-JP", ""},
		{"declared ISO-2022-JP", "ja", japanese.ISO2022JP, "iso-2022-jp", ""},
		{"declared GB2312", "zh", simplifiedchinese.GBK, "gb2312", ""},
		{"declared GB18030", "zh", simplifiedchinese.GB18030, "GB18030", ""},
		{"declared HZ", "zh", simplifiedchinese.HZGB2312, "hz-gb-2312", ""},
		{"declared Big5", "tw", traditionalchinese.Big5, "Big5", ""},
		{"declared EUC-KR", "ko", korean.EUCKR, "EUC-KR", ""},
		{"only HTTP, KOI8-R", "ru", charmap.KOI8R, "", "application/xml; charset=koi8-r"},
		{"only HTTP, quoted", "ja", japanese.ShiftJIS, "", `text/xml; charset="Shift_JIS"`},
		{"only HTTP, broken header", "ru", charmap.Windows1251, "", `text/xml;; charset=windows-1251; x`},
		{"HTTP says UTF-8, declared right", "ru", charmap.Windows1251, "windows-1251", "text/xml; charset=utf-8"},
		{"declared UTF-8, HTTP right", "ru", charmap.Windows1251, "utf-8", "text/xml; charset=windows-1251"},
		{"declared EUC-JP, but UTF-8", "ja", unicode.UTF8, "EUC-JP", ""},
		{"HTTP says ISO-8859-1, but UTF-8", "ru", unicode.UTF8, "", "text/xml; charset=ISO-8859-1"},
		{"declared UTF-16, but UTF-8", "ru", unicode.UTF8, "utf-16", ""},
		{"unknown encoding", "fr", unicode.UTF8, "bogus", "text/xml; charset=bogus"},
		{"us-ascii, but windows-1252", "fr", charmap.Windows1252, "", "text/xml; charset=us-ascii"},
		{"UTF-8 with mark", "ru", unicode.UTF8BOM, "windows-1251", ""},
		{"UTF-16BE with mark", "ja", unicode.UTF16(unicode.BigEndian, unicode.UseBOM), "utf-16", ""},
		{"UTF-16LE with mark", "ja", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "utf-8", ""},
		{"UTF-16BE", "ja", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "utf-16", ""},
		{"UTF-16LE", "ja", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "", ""},
		{"UTF-32BE with mark", "ru", utf32.UTF32(utf32.BigEndian, utf32.UseBOM), "utf-32", ""},
		{"UTF-32LE with mark", "ru", utf32.UTF32(utf32.LittleEndian, utf32.UseBOM), "utf-32", ""},
		{"UTF-32BE", "ru", utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), "", ""},
		{"UTF-32LE", "ru", utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM), "", ""},
		{"nobody says, windows-1252", "fr", charmap.Windows1252, "", ""},
		{"nobody says, windows-1250", "pl", charmap.Windows1250, "", ""},
		{"nobody says, windows-1251", "ru", charmap.Windows1251, "", ""},
		{"nobody says, KOI8-R", "ru", charmap.KOI8R, "", ""},
		{"nobody says, windows-1253", "el", charmap.Windows1253, "", ""},
		{"nobody says, windows-1255", "he", charmap.Windows1255, "", ""},
		{"nobody says, windows-1256", "ar", charmap.Windows1256, "", ""},
		{"nobody says, windows-874", "th", charmap.Windows874, "", ""},
		{"nobody says, Shift_JIS", "ja", japanese.ShiftJIS, "", ""},
		{"nobody says, EUC-JP", "ja", japanese.EUCJP, "", ""},
		{"nobody says, ISO-2022-JP", "ja", japanese.ISO2022JP, "", ""},
		{"nobody says, GBK", "zh", simplifiedchinese.GBK, "", ""},
		{"nobody says, Big5", "tw", traditionalchinese.Big5, "", ""},
		{"nobody says, EUC-KR", "ko", korean.EUCKR, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			declaration := none
			if c.declaration != "" {
				declaration = strings.Replace(declared, "ENC", c.declaration, 1)
			}
			want := headlines[c.lang]
			body := encode(t, c.enc, document(declaration, want))
			f, err := Parse(feed.Document{Body: body, MediaType: c.mediaType}, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Entries[0].Title.Value; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestBytesOfAnotherCharsetInUTF8AreMended(t *testing.T) {
	f, err := Parse(feed.Document{Body: []byte(document("", "Füße, “größer” als \x93zuvor\x94 – caf\xe9"))}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.Entries[0].Title.Value, "Füße, “größer” als “zuvor” – café"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWhatXMLDoesNotAllowIsDropped(t *testing.T) {
	f := mustParse(t, document("", "a\x00b\x1fc\uFFFEd\uFFFFe&#8;f&#x0;\uFFFD"))
	if got, want := f.Entries[0].Title.Value, "abcdef\uFFFD\uFFFD"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAGoodDocumentIsNotCopied(t *testing.T) {
	b := []byte(document("", headlines["ru"]))
	if got := decode(b, "text/xml; charset=utf-8"); &got[0] != &b[0] {
		t.Error("it was copied")
	}
}

func TestTheCharsetIsNamedAsItWasRead(t *testing.T) {
	for want, body := range map[string][]byte{
		"utf-8":                                  []byte(document("", headlines["ru"])),
		"koi8-r":                                 encode(t, charmap.KOI8R, document(`<?xml version="1.0" encoding="KOI8-R"?>`, headlines["ru"])),
		"shift_jis":                              encode(t, japanese.ShiftJIS, document("", headlines["ja"])),
		"utf-16le":                               encode(t, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), document("", headlines["ja"])),
		"utf-32be":                               encode(t, utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), document("", headlines["ru"])),
		"hz-gb2312":                              encode(t, simplifiedchinese.HZGB2312, document(`<?xml version="1.0" encoding="hz-gb-2312"?>`, headlines["zh"])),
		"utf-8 with bytes of windows-1252 in it": []byte(document("", "Füße, “größer” caf\xe9")),
	} {
		f, err := Parse(feed.Document{Body: body}, Limits{})
		if err != nil || f.Charset != want {
			t.Errorf("%s was named %q (%v)", want, f.Charset, err)
		}
	}
}
