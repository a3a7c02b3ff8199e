// Package web serves what the store holds over HTTP: the feed documents, the
// pages for people, the API, health and metrics.
//
// A feed document is rendered when the store's change number moves, never on
// request (Server.Watch), and kept as bytes together with its compressed form
// and its header values; a request only chooses among them. The pages for
// people go through a bounded cache of the same kind of documents.
//
// Reading needs no token and shows public sources only. The token, given as
// "Authorization: Bearer TOKEN", shows everything and allows changes. The feed of
// what was held takes a reader key, which allows nothing else.
package web
