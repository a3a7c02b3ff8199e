package clean

import "strings"

// class says what becomes of an element, and which rules of HTML's tree
// builder it follows.
type class uint8

const (
	classNone     class = iota // not in the list: the tag goes, what is in it stays
	classDrop                  // goes with all that is in it; without an end tag, the tag alone
	classDropRest              // likewise; without an end tag, all that follows goes (as browsers do)
	classInline
	classLink    // a
	classRuby    // rt, rp
	classPicture // picture
	classBlock
	classHeading
	classPara // p
	classPre
	classList    // ul, ol, dl
	classItem    // li
	classTerm    // dt, dd
	classTable   // table
	classCaption // caption
	classColumns // colgroup
	classRows    // thead, tbody, tfoot
	classRow     // tr
	classCell    // td, th
	classColumn  // col: void, as are those that follow
	classBreak   // br, wbr
	classRule    // hr
	classImage   // img
	classSource  // source of a picture
	classMedia   // audio, video: written whole
	classFrame   // iframe, embed: a link to the video, or nothing
)

// classify gives the element that a tag's name stands for. Some that HTML has
// given up become what took their place. The list is all that the W3C feed
// validator takes without a warning, less forms and scripting.
func classify(name string) (element string, c class) {
	switch name {
	case "p":
		return name, classPara
	case "a":
		return name, classLink
	case "b", "i", "em", "strong", "code", "s", "u", "small", "sub", "sup", "span", "cite", "q", "abbr",
		"del", "ins", "mark", "time", "kbd", "samp", "var", "dfn", "bdi", "ruby":
		return name, classInline
	case "div", "blockquote", "figure", "figcaption", "section", "article", "aside", "header", "footer",
		"address", "details", "summary", "main", "nav", "hgroup":
		return name, classBlock
	case "br", "wbr":
		return name, classBreak
	case "img", "image":
		return "img", classImage
	case "ul", "ol", "dl":
		return name, classList
	case "h1", "h2", "h3", "h4", "h5", "h6":
		return name, classHeading
	case "li":
		return name, classItem
	case "dt", "dd":
		return name, classTerm
	case "pre":
		return name, classPre
	case "hr":
		return name, classRule
	case "rt", "rp":
		return name, classRuby
	}
	return classifyRare(name)
}

func classifyRare(name string) (element string, c class) {
	switch name {
	case "table":
		return name, classTable
	case "caption":
		return name, classCaption
	case "colgroup":
		return name, classColumns
	case "col":
		return name, classColumn
	case "thead", "tbody", "tfoot":
		return name, classRows
	case "tr":
		return name, classRow
	case "td", "th":
		return name, classCell
	case "picture":
		return name, classPicture
	case "source":
		return name, classSource
	case "audio", "video":
		return name, classMedia
	case "iframe", "embed":
		return name, classFrame
	case "script", "style", "noframes", "noembed":
		return name, classDropRest
	case "svg", "template", "title", "textarea", "select", "datalist", "map", "annotation", "annotation-xml":
		return name, classDrop
	case "form", "fieldset", "legend", "center", "dialog", "search", "listing":
		return "div", classBlock
	case "menu", "dir":
		return "ul", classList
	case "strike":
		return "s", classInline
	case "tt":
		return "code", classInline
	case "acronym":
		return "abbr", classInline
	}
	return "", classNone
}

// blockish tells whether an element of the class stands on lines of its own:
// it ends a paragraph, and words on both sides of its tags are two.
func (c class) blockish() bool {
	return c >= classBlock && c <= classColumn || c == classRule
}

// special is the standard's word for elements that an implied end tag of a
// list item does not reach across (address, div and p aside).
func (c class) special() bool { return c >= classBlock }

// walled tells whether end tags and implied ends inside the element stay in it.
func (c class) walled() bool { return c == classCell || c == classCaption || c == classTable }

// structural tells whether only parts of a table may stand in the element.
func (c class) structural() bool { return c == classTable || c >= classColumns && c <= classRow }

// rule says how an attribute's value is checked.
type rule uint8

const (
	refuse rule = iota
	asText
	asLink     // absolute; http, https, mailto, tel
	asWeb      // absolute; http, https
	asNumber   // digits
	asInteger  // digits, a sign before them
	asClass    // names of classes
	asLanguage // a language tag
	asWord     // letters
	asFlag     // no value
)

// ruleFor is the rule for an attribute of an element. Those of img, audio,
// video and source are written by themselves.
func ruleFor(element, attr string) rule {
	switch attr {
	case "lang":
		return asLanguage
	case "dir":
		return asWord
	case "href":
		return when(element == "a", asLink)
	case "title":
		return when(element == "a" || element == "abbr" || element == "dfn", asText)
	case "class":
		return when(element == "code" || element == "pre", asClass)
	case "cite":
		return when(element == "blockquote" || element == "q" || element == "del" || element == "ins", asWeb)
	case "datetime":
		return when(element == "time" || element == "del" || element == "ins", asText)
	case "colspan", "rowspan":
		return when(element == "td" || element == "th", asNumber)
	case "scope":
		return when(element == "th", asWord)
	case "span":
		return when(element == "col" || element == "colgroup", asNumber)
	case "start":
		return when(element == "ol", asInteger)
	case "value":
		return when(element == "li", asInteger)
	case "type":
		return when(element == "ol", asWord)
	case "open":
		return when(element == "details", asFlag)
	}
	return refuse
}

func when(holds bool, r rule) rule {
	if holds {
		return r
	}
	return refuse
}

// allowed tells whether a value without character references passes a rule
// that asks for its form only.
func (r rule) allowed(v string) bool {
	if v == "" || len(v) > 100 {
		return false
	}
	switch r {
	case asNumber:
		return len(v) <= 6 && all(v, isDigit)
	case asInteger:
		v = strings.TrimPrefix(v, "-")
		return v != "" && len(v) <= 9 && all(v, isDigit)
	case asWord:
		return len(v) <= 12 && all(v, func(c byte) bool { return isLetter(c) || c == '1' })
	case asLanguage:
		return all(v, func(c byte) bool { return isLetter(c) || isDigit(c) || c == '-' })
	case asClass:
		return all(v, func(c byte) bool {
			return isLetter(c) || isDigit(c) || c == '-' || c == '_' || c == ' ' || c == '+' || c == '#'
		})
	}
	return false
}

func all(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}
