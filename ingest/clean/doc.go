// Package clean turns an entry as its source said it into one that can be
// compared and published: absolute URLs, UTC dates, balanced and safe HTML,
// plain text where text is meant, and the keys by which it is recognised.
//
// # Sanitising
//
// The sanitiser never passes anything through. It reads tags and text, keeps
// a stack of what it has opened, and writes elements and attributes from an
// allow-list, every value escaped by itself. What an odd document is taken to
// mean can therefore cost us some of its look, never safety: nothing is in the
// output but what the list names. The stack follows the rules of HTML's tree
// builder (paragraphs, list items, links, headings, tables), so that a browser
// builds exactly the tree that was written; a second pass changes nothing.
//
// One pass does it all, and gives the plain text with it, at about an eighth
// of what a general sanitiser and a second parse cost (see the benchmarks). It is
// linear: golang.org/x/net/html's tree builder, which the tests use as the
// judge of balance, is quadratic in places that a hostile feed can reach.
// The tests also hold the output against bluemonday's policy for content by
// strangers.
//
// # Elements that change
//
//   - YouTube and Vimeo frames become links to the video; other frames vanish.
//   - audio and video keep their https sources; without one, a link stays.
//     There is no controls attribute: the W3C feed validator warns of it, so
//     that a page which shows the content must add it.
//   - img: a lazily loaded picture gets its real address; a picture that is
//     one pixel wide or high, or hidden, is a tracker and is dropped.
//   - style, id and event attributes vanish, class stays on code and pre only.
//   - Elements left with nothing in them vanish.
//
// It does no I/O and reads no clock.
package clean
