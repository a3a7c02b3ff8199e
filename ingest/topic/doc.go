// Package topic decides whether an entry is on the topic that a few seed
// documents define. It is pure: no I/O and no clock.
package topic

// Version goes up when a profile that is learned from the same would be
// another, or would score otherwise.
const Version = 1
