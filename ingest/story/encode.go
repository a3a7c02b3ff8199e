package story

import (
	"encoding/binary"
	"errors"
	"math"
)

// version is the first byte of encoded terms. Terms of another version are not
// compared.
const version = 2

// Encode gives the terms in a form to be kept, of at most 400 bytes or so: the
// version, how many terms, whether the text is English and says little, four bytes
// of its series; for each term its distance in hash from the one before with its kind in the
// lowest two bits and whether it leads in the third, and its weight; then for each term in clear
// its place, length and text.
func (t Terms) Encode() []byte {
	b := make([]byte, 0, 5*len(t.list)+maxSpokenBytes+2*maxSpoken+head)
	b = append(b, version, byte(len(t.list)), bit(t.english)|bit(t.little)<<1)
	b = binary.BigEndian.AppendUint32(b, t.series)
	last := uint32(0)
	for _, x := range t.list {
		b = binary.AppendUvarint(b, uint64(x.hash-last)<<3|uint64(bit(x.leads))<<2|uint64(x.kind))
		b = append(b, byte(max(1, math.Round(float64(x.weight)*255))))
		last = x.hash
	}
	for _, s := range t.clear {
		b = append(b, s.at, byte(len(s.text)))
		b = append(b, s.text...)
	}
	return b
}

// head is how many bytes come before the terms.
const head = 7

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

var errDamaged = errors.New("the terms of an item for its story are damaged or of another version")

// Decode reads what Encode wrote.
func Decode(b []byte) (Terms, error) {
	if len(b) < head || b[0] != version || b[1] > maxTerms {
		return Terms{}, errDamaged
	}
	t := Terms{english: b[2]&1 != 0, little: b[2]&2 != 0, series: binary.BigEndian.Uint32(b[3:]), list: make([]term, b[1])}
	b = b[head:]
	last := uint64(0)
	for i := range t.list {
		v, n := binary.Uvarint(b)
		last += v >> 3
		if n <= 0 || len(b) <= n || v>>3 >= 1<<hashBits || last >= 1<<hashBits || i > 0 && v>>3 == 0 {
			return Terms{}, errDamaged
		}
		t.list[i] = term{hash: uint32(last), kind: kind(v & 3), leads: v&4 != 0, weight: float32(b[n])}
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
