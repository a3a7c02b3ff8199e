package feed

import (
	"regexp"
	"strings"
)

// The languages of ISO 639: all that have two letters, and those with three
// that people publish in. A tag that begins with anything else is an error to
// validators, and tells a reader little.
const languages = " aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz" +
	" ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu" +
	" ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mo mr ms mt my" +
	" na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so" +
	" sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu" +
	" ace ast chr dsb fil fur gsw haw hmn hsb kab kok lad mai mni nap nds nso pap sat scn sco syr tet tpi tum war "

var (
	languageTag = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$`)
	renamed     = map[string]string{"in": "id", "iw": "he", "ji": "yi", "jw": "jv"}
)

// language is a BCP 47 tag that begins with a known language, else "".
func language(tag string) string {
	tag = strings.ReplaceAll(strings.TrimSpace(tag), "_", "-")
	if !languageTag.MatchString(tag) {
		return ""
	}
	primary, rest, more := strings.Cut(tag, "-")
	primary = strings.ToLower(primary)
	if now, ok := renamed[primary]; ok {
		primary = now
	}
	if !strings.Contains(languages, " "+primary+" ") {
		return ""
	}
	if more {
		return primary + "-" + rest
	}
	return primary
}
