package topic

import "tributary/ingest/words"

// Document is a text that a profile is learned from: a seed, an entry that a
// person decided about, or a recent entry.
type Document struct {
	ID    string // a recent entry with the ID of another document is passed over
	Title string // for people
	Bag
	title, text words.Text // of a seed: it is read in passages too
	language    string
}

// Seed makes a document of a seed.
func Seed(id string, title, text words.Text, language string) Document {
	d := Document{ID: id, Title: title.Source, Bag: Read(title, text, language), title: title, text: text, language: language}
	if d.Title == "" {
		d.Title = id
	}
	return d
}

// passages reads a seed in pieces of about so many words, as long as the news
// are, so that scores of both compare.
func (d Document) passages(length int) []Bag {
	ws := d.text.Words
	pieces := max(1, len(ws)/max(length, 1))
	if pieces == 1 {
		return []Bag{d.Bag}
	}
	var out []Bag
	title := d.title
	for i := range pieces {
		part := words.Text{Source: d.text.Source, Words: ws[i*len(ws)/pieces : (i+1)*len(ws)/pieces]}
		out = append(out, Read(title, part, d.language))
		title = words.Text{}
	}
	return out
}

// sentences reads a seed sentence by sentence.
func (d Document) sentences() []Bag {
	out := []Bag{Read(d.title, words.Text{}, d.language)}
	if len(d.title.Words) == 0 {
		out = nil
	}
	ws := d.text.Words
	for len(ws) > 0 {
		n := 1
		for n < len(ws) && !(ws[n].Is(words.First) && n >= 8) {
			n++
		}
		out = append(out, Read(words.Text{}, words.Text{Source: d.text.Source, Words: ws[:n]}, d.language))
		ws = ws[n:]
	}
	return out
}
