// Package fulltext finds the text of an article in the page that a feed's
// entry links to, and tells pages that stand in an article's place: those that
// ask for consent, a subscription or a log-in.
//
// It also reads robots.txt (RFC 9309). The library that is used most for that
// refuses a whole file for one odd line, takes "tri" for a name of Tributary, and
// matches patterns anywhere in a path.
//
// It makes no requests. What it gives is not cleaned.
package fulltext
