// Package words reads plain text as words, names and numbers: the vocabulary
// of those steps that compare texts. It is pure and knows no language but, for
// stems and stop words, English.
package words
