// Package feed is the vocabulary of the program and its output.
//
// A Source gives Documents; a Document holds RawEntries; a cleaned one is an
// Entry; a Decision turns an Entry into an Item or a copy of one. Items are
// rendered as Atom (RFC 4287), RSS 2.0 and JSON Feed 1.1, sources as OPML 2.0.
//
// It knows nothing of networks, databases or clocks.
package feed
