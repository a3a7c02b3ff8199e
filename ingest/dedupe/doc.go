// Package dedupe decides whether an entry is new, a new state of a known one,
// or a copy of an item that is there already.
//
// Decisions are pure: they see the entry and what the store knows, read no
// clock and touch nothing. A wrong merge hides news, so each rule asks for
// evidence that two different articles do not share; where evidence is
// ambiguous, entries stay apart.
package dedupe
