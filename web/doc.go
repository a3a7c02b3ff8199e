// Package web serves what the store holds over HTTP: the feed documents, the
// pages for people, the API, health and metrics.
//
// A feed document is rendered when the store's change number moves, never on
// request (Server.Watch), and kept as bytes together with its compressed form
// and its header values; a request only chooses among them. The pages for
// people go through a bounded cache of the same kind of documents.
//
// Reading needs no token and shows public sources only. The token shows everything
// and allows changes: the API takes it as "Authorization: Bearer TOKEN", the pages
// once, to log in (session.go). The feed of what was held takes a reader key, which
// allows nothing else; on a private site (private.go) the other feeds do too.
package web
