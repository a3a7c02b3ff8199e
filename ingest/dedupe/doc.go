// Package dedupe decides whether an entry is new, a new state of a known one,
// or a copy of an item that is there already.
//
// Decisions are pure: they see the entry and what the store knows, read no
// clock and touch nothing. A wrong merge hides news, so each rule asks for
// evidence that two different articles do not share; where evidence is
// ambiguous, entries stay apart.
//
// There are two parts. Decide asks whether the address or the text are equal.
// Near, for what Decide calls new, asks whether the text is nearly that of an
// entry which shares marks with it: Read a text, look its Marks up, compare
// with the Closest. Fuller says which copy has the text to show.
package dedupe
