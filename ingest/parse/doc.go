// Package parse turns a document into entries as their source said them.
//
// A document goes through four steps. It is decoded to UTF-8 (charset.go). A
// scan (scan.go) lifts the texts and dates out of the XML, leaving a mark for
// each, and guards depth and number. gofeed's format parser for RSS, Atom or
// JSON Feed reads the skeleton that is left: structure, names, namespaces,
// links, people, extensions. Then the marks are put back as texts with their
// markup named, while the result is mapped to the vocabulary of package feed.
//
// Lifting the texts has two reasons. gofeed does not tell the type, xml:base
// and xml:lang of an Atom text, and the texts are nine tenths of a document,
// which encoding/xml and gofeed would walk over five times.
//
// A document that is not well-formed is rewritten once into one that is
// (repair.go), then goes the same way. Of one that broke off the whole entries
// are taken.
package parse
