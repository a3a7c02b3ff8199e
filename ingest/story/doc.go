// Package story decides which items tell of the same event.
//
// An item is compared by its most telling words, names and numbers, which are
// read once ([Read]) and kept with it. Under its marks ([Terms.Marks]) later items
// find it. [Decide] sorts an item and those that it found into events, and
// compares with nothing else, so that an item's cost does not depend on how many
// others there are.
package story
