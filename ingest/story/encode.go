package story

import (
	"encoding/binary"
	"errors"
	"math"
)

// version is the first byte of encoded terms. Terms of another version are not
// compared.
const version = 1

// Encode gives the terms in a form to be kept, of at most 400 bytes or so: the
// version, how many terms, 1 if the text is English; for each term its distance in
// hash from the one before with its kind in the lowest two bits, and its weight; then for
// each term in clear its place, length and text.
func (t Terms) Encode() []byte {
	b := make([]byte, 0, 5*len(t.list)+maxSpokenBytes+2*maxSpoken+3)
	english := byte(0)
	if t.english {
		english = 1
	}
	b = append(b, version, byte(len(t.list)), english)
	last := uint32(0)
	for _, x := range t.list {
		b = binary.AppendUvarint(b, uint64(x.hash-last)<<2|uint64(x.kind))
		b = append(b, byte(max(1, math.Round(float64(x.weight)*255))))
		last = x.hash
	}
	for _, s := range t.clear {
		b = append(b, s.at, byte(len(s.text)))
		b = append(b, s.text...)
	}
	return b
}

var errDamaged = errors.New("the terms of an item for its story are damaged or of another version")

// Decode reads what Encode wrote.
func Decode(b []byte) (Terms, error) {
	if len(b) < 3 || b[0] != version || b[1] > maxTerms {
		return Terms{}, errDamaged
	}
	t := Terms{english: b[2] == 1, list: make([]term, b[1])}
	b = b[3:]
	last := uint64(0)
	for i := range t.list {
		v, n := binary.Uvarint(b)
		last += v >> 2
		if n <= 0 || len(b) <= n || v>>2 >= 1<<hashBits || last >= 1<<hashBits || i > 0 && v>>2 == 0 {
			return Terms{}, errDamaged
		}
		t.list[i] = term{hash: uint32(last), kind: kind(v & 3), weight: float32(b[n])}
		b = b[n+1:]
	}
	texts := string(b)
	t.clear = make([]spoken, 0, maxSpoken)
	for len(b) > 0 {
		if len(b) < 2 || len(b) < 2+int(b[1]) || int(b[0]) >= len(t.list) || len(t.clear) == maxSpoken {
			return Terms{}, errDamaged
		}
		t.clear = append(t.clear, spoken{b[0], texts[2 : 2+int(b[1])]})
		texts = texts[2+int(b[1]):]
		b = b[2+int(b[1]):]
	}
	t.scale()
	return t, nil
}
