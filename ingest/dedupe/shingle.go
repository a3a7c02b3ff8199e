package dedupe

import (
	"math/bits"

	"tributary/ingest/words"
)

// Text is what comparing needs of an entry: its words, and a hash for each
// shingle (four words in a row) of its body. It is never changed once read.
type Text struct {
	title, body words.Text
	hashes      []uint64 // of the body's words
	shingles    []uint64 // shingles[i] is of the body's words i to i+3
}

const (
	shingleSize = 4
	// A text is compared by its first words: nobody copies a book by its end,
	// and a page of megabytes must not cost more than an article.
	mostWords = 4096
)

// Read prepares a text for comparing.
func Read(title, body words.Text) Text {
	if len(body.Words) > mostWords {
		body.Words = body.Words[:mostWords]
	}
	t := Text{title: title, body: body}
	n := len(body.Words)
	if n == 0 {
		return t
	}
	t.hashes = make([]uint64, n, 2*n)
	for i := range body.Words {
		t.hashes[i] = hashWord(body.Words[i].Text)
	}
	if n >= shingleSize {
		t.shingles = shinglesOf(t.hashes, t.hashes[n:n])
	}
	return t
}

// shinglesOf appends the hash of each four words in a row. The order of the
// words counts.
func shinglesOf(hashes, into []uint64) []uint64 {
	for i := range len(hashes) - shingleSize + 1 {
		into = append(into, mix(hashes[i]+bits.RotateLeft64(hashes[i+1], 13)+
			bits.RotateLeft64(hashes[i+2], 29)+bits.RotateLeft64(hashes[i+3], 47)))
	}
	return into
}

// hashWord is FNV-1a. Marks are stored, so it is the same on every run.
func hashWord(w string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(w) {
		h = (h ^ uint64(w[i])) * 1099511628211
	}
	return mix(h)
}

// mix is the finaliser of MurmurHash3: each bit of the result hangs on all
// bits of x, and different x give different results.
func mix(x uint64) uint64 {
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
