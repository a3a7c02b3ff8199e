package store

import (
	"encoding/binary"
	"slices"
)

// Listing is what a document lists, as far as it shows whether a later one has
// news: something that was not there, or is updated. What was there before, went, and
// came back is none, nor is what moves up from behind the document's end in place of what went.
type Listing struct {
	Floor int64  // orders below it had no room in the document; 0: all had
	Marks []Mark // of what is listed, then of what was before
}

// Mark is a thing that is listed. Order says where, higher ones first, and is no
// other's: an item's place, or when a story grew, in milliseconds.
type Mark struct{ Order, Updated int64 }

// marksKept bounds what a listing remembers: twice as much as a document can list.
const marksKept = 1000

// HasNews tells whether what is listed now is news to who knows what was before.
func (l Listing) HasNews(before Listing) bool {
	known := make(map[Mark]bool, len(before.Marks))
	for _, m := range before.Marks {
		known[m] = true
	}
	return slices.ContainsFunc(l.Marks, func(m Mark) bool { return m.Order >= before.Floor && !known[m] })
}

// After is the listing with what was listed before, as far as it is remembered.
func (l Listing) After(before Listing) Listing {
	all := slices.Clone(l.Marks)
	listed := make(map[int64]bool, len(all))
	for _, m := range all {
		listed[m.Order] = true
	}
	for _, m := range before.Marks {
		if len(all) < marksKept && !listed[m.Order] {
			all = append(all, m)
		}
	}
	return Listing{l.Floor, all}
}

// Equal tells whether two listings say the same.
func (l Listing) Equal(other Listing) bool {
	return l.Floor == other.Floor && slices.Equal(l.Marks, other.Marks)
}

// bytes is the listing as it is stored: the floor, then two numbers a mark.
func (l Listing) bytes() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(l.Floor))
	for _, m := range l.Marks {
		b = binary.BigEndian.AppendUint64(b, uint64(m.Order))
		b = binary.BigEndian.AppendUint64(b, uint64(m.Updated))
	}
	return b
}

// highest is above every order: places and milliseconds don't get there.
const highest = 1 << 48

// Scan reads a column. What an earlier program stored there says nothing any
// more, so that all is news once.
func (l *Listing) Scan(v any) error {
	*l = Listing{}
	b, _ := v.([]byte)
	if len(b)%16 != 8 || binary.BigEndian.Uint64(b) >= highest {
		return nil
	}
	l.Floor = int64(binary.BigEndian.Uint64(b))
	for b = b[8:]; len(b) > 0; b = b[16:] {
		l.Marks = append(l.Marks, Mark{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))})
	}
	return nil
}
