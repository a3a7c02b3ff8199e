package feed

import "testing"

func check(t *testing.T, name string, f func(string) string, tests [][2]string) {
	t.Helper()
	for _, tt := range tests {
		if got := f(tt[0]); got != tt[1] {
			t.Errorf("%s(%q) = %q, want %q", name, tt[0], got, tt[1])
		}
	}
}

func TestLegalText(t *testing.T) {
	check(t, "legal", legal, [][2]string{
		{"plain\ttext\n", "plain\ttext\n"},
		{"Überfahrt – 20 €", "Überfahrt – 20 €"},
		{"a\x00b\x0bc\x7f", "abc"},
		{"a\r\nb\rc", "a\nb\nc"},
		{"it\u0092s \u0085", "it’s …"},
		{"\u0081\ufdd0\ufffe\U0001ffff", ""},
		{"\xff\ufffd", "??"},
		{"CafÃ©", "Café"},
		{"CafÃ© – é", "CafÃ© – é"}, // not encoded twice as a whole: left alone
		{"SÃO PAULO, 5 Â", "SÃO PAULO, 5 Â"},
	})
}

func TestWhatSpeaksOfMojibakeIsKept(t *testing.T) {
	check(t, "apart", apart, [][2]string{
		{"<p>Ã©crit – é</p>", "<p>Ã&#169;crit – é</p>"},
		{"<p>SÃO, Â£</p>", "<p>SÃO, Â&#163;</p>"},
		{"<p>écrit</p>", "<p>écrit</p>"},
	})
}

func TestPersonNamesCarryNoAddress(t *testing.T) {
	check(t, "personName", personName, [][2]string{
		{"Ada Moss", "Ada Moss"},
		{"ada@a.example (Ada Moss)", "Ada Moss"},
		{"Ada Moss <ada@a.example>", "Ada Moss"},
		{"ada.moss+x@mail.a.example", ""},
		{" by\u00a0Ada   Moss ", "by Ada Moss"},
		{"Ada </b>", "Ada"},
		{"Ada </</b>i> Moss", "Ada </ i> Moss"},
		{"Ada @ Home", "Ada @ Home"},
	})
}

func TestLanguageTags(t *testing.T) {
	check(t, "language", language, [][2]string{
		{"en", "en"},
		{"en-GB", "en-GB"},
		{"EN_us", "en-us"},
		{" zh-Hant-TW ", "zh-Hant-TW"},
		{"iw", "he"},
		{"fil", "fil"},
		{"english", ""},
		{"xx", ""},
		{"e", ""},
		{"", ""},
		{"en us", ""},
	})
}

func TestAddresses(t *testing.T) {
	check(t, "address", address, [][2]string{
		{"https://a.example/b?c=d&e=f#g", "https://a.example/b?c=d&e=f#g"},
		{" https://a.example ", "https://a.example"},
		{"HTTP://a.example/A", "http://a.example/A"},
		{"https://a.example?x", "https://a.example/?x"},
		{"https://a.example/b c|d[e]^`{}<>\"é", "https://a.example/b%20c%7Cd%5Be%5D%5E%60%7B%7D%3C%3E%22%C3%A9"},
		{"https://a.example/%41%zz%", "https://a.example/%41%25zz%25"},
		{"https://a.example/#a#b", "https://a.example/#a%23b"},
		{`https://a.example\b`, "https://a.example/b"},
		{"https://bücher.example:8080/", "https://xn--bcher-kva.example:8080/"},
		{"http://[::1]:8080/x", "http://[::1]:8080/x"},
		{"https://user:pass@a.example/", ""},
		{"https://user@a.example", ""},
		{"ftp://a.example/", ""},
		{"javascript:alert(1)", ""},
		{"//a.example/", ""},
		{"/a", ""},
		{"https://", ""},
		{"https:///path", ""},
		{"https://a b/", ""},
		{"", ""},
	})
}

func TestOnlyNormalIdsStand(t *testing.T) {
	for id, want := range map[string]bool{
		"urn:uuid:6ba7b814-9dad-51d1-80b4-000000000001": true,
		"urn:uuid:6BA7B814-9dad-51d1-80b4-000000000001": false,
		"urn:uuid:1":                          false,
		"urn:isbn:0451450523":                 true,
		"tag:a.example,2004:feed":             true,
		"tag:me@a.example,2004-05-06:x/y":     true,
		"tag:A.example,2004:feed":             false,
		"https://a.example/feed?x=1":          true,
		"https://a.example":                   false,
		"https://A.example/":                  false,
		"https://a.example:443/":              false,
		"https://a.example:8443/":             true,
		"https://a.example/a/../b":            false,
		"https://a.example/%7Eme":             false,
		"https://u:p@a.example/":              false,
		"http://a.example/feed#x":             false,
		"42":                                  false,
		"":                                    false,
		"tag:a.example,2004:feed with spaces": false,
	} {
		if got := isNormalID(id); got != want {
			t.Errorf("isNormalID(%q) = %v", id, got)
		}
		if id != "" && !isNormalID(normalID(id)) {
			t.Errorf("normalID(%q) = %q does not stand", id, normalID(id))
		}
	}
	// The name and UUID of RFC 9562, A.4, but in the space of URLs.
	if got := nameUUID("www.example.com"); got != "b63cdfa4-3df9-568e-97ae-006c5b8fd652" {
		t.Errorf("nameUUID is %s", got)
	}
}

func TestPlaces(t *testing.T) {
	check(t, "pointOf", pointOf, [][2]string{
		{"53.55 9.99", "53.55 9.99"},
		{" -53.55,  +9 ", "-53.55 +9"},
		{"91 0", ""},
		{"0 181", ""},
		{"1", ""},
		{"a b", ""},
		{"", ""},
	})
}

func TestTextIsCutAtAWord(t *testing.T) {
	check(t, "cut", func(s string) string { return cut(s, 12) }, [][2]string{
		{"short", "short"},
		{"exactly 12 c", "exactly 12 c"},
		{"the harbour took ships", "the harbour…"},
		{"Donaudampfschiff", "Donaudampfs…"},
		{"a, bcdefgh, ij", "a, bcdefgh…"},
	})
	if got := excerpt("<p>One &amp; <b>two</b></p><p>three", 100); got != "One & two three" {
		t.Errorf("excerpt is %q", got)
	}
}

func TestMediaTypes(t *testing.T) {
	for _, tt := range [][3]string{
		{"Audio/MPEG; q=1", "https://a.example/x", "audio/mpeg"},
		{"", "https://a.example/x.MP3?y=.pdf", "audio/mpeg"},
		{"mp3", "https://a.example/x.unknown", ""},
		{"a/b c", "https://a.example/x.png", "image/png"},
	} {
		if got := typeOf(tt[0], tt[1]); got != tt[2] {
			t.Errorf("typeOf(%q, %q) = %q, want %q", tt[0], tt[1], got, tt[2])
		}
	}
}
