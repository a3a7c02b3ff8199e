package feed

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// at is a moment of the fixture's week.
func at(day, hour, milli int) time.Time {
	return time.Date(2026, 3, day, hour, 0, 0, milli*int(time.Millisecond), time.UTC)
}

func fixtureSite(base string) Site {
	return Site{
		ID:          "4f0e8f0a-5f0b-5b39-9d51-5a4c7b1d3e60",
		Title:       "River & Harbour",
		Description: "News of rivers, harbours <and> the towns on them",
		Language:    "en",
		Author:      "The Harbour Desk",
		Icon:        "/icon.png",
		Contact:     "https://harbour.example/contact",
		BaseURL:     base,
		Version:     "1.2.3",
		Started:     at(1, 0, 0),
		Refresh:     15 * time.Minute,
	}
}

func fixtureID(n int) string { return fmt.Sprintf("6ba7b814-9dad-51d1-80b4-%012d", n) }

var (
	gazette = Source{
		Slug: "gazette", Kind: KindFeed, URL: "https://gazette.example/feed.xml", Name: "The Gazette",
		About: Channel{
			ID: "tag:gazette.example,2004:feed", Title: "Gazette RSS", Link: "https://gazette.example/",
			Author: "Gazette Staff (desk@gazette.example)", Rights: "© 2026 Gazette & Sons", Language: "en-GB",
		},
	}
	planet = Source{
		Slug: "planet", Kind: KindFeed, URL: "https://planet.example/atom?list[]=all",
		About: Channel{Title: "Planet Water", ID: "https://planet.example", Updated: at(9, 9, 0)},
	}
	secret = Source{
		Slug: "secret", Kind: KindFeed, URL: "https://hidden.example/feed?key=k1", Name: "Members Only", Private: true,
		About: Channel{Title: "Hidden Desk", Link: "https://hidden.example/", Author: "Hidden Author", Rights: "Hidden rights", ID: "urn:hidden:feed"},
	}
	keyed = Source{
		Slug: "keyed", Kind: KindFeed, URL: "https://user:pass@keyed.example/rss", Name: "Keyed Paper",
		About: Channel{Link: "https://keyed.example/"},
	}
	folder = Source{Slug: SeedsSlug, Kind: KindFolder, URL: "/srv/seeds", Name: "Seeds"}
)

// fixtureItems are nine items, each for something that a format must carry or
// must not let out.
func fixtureItems() []Item {
	items := []Item{fullItem(), folderItem(), odderItem(), planetItem(), privateItem(), keyedItem(), summaryItem(), bareItem(), foreignItem()}
	for i := range items {
		n := len(items) - i
		items[i].ID = fixtureID(n)
		items[i].Place = int64(n)
		items[i].Admitted = at(8, 12, 0)
		if items[i].Updated.IsZero() {
			items[i].Updated = at(7, 10, n)
		}
	}
	return items
}

func fullItem() Item {
	return Item{
		Published: at(6, 8, 0),
		Updated:   at(7, 9, 41),
		Source:    gazette,
		Entry: Entry{
			Title:     `Harbour & "quay" reopen: 5 < 6 berths ready`,
			URL:       "https://gazette.example/2026/03/harbour?id=7&part[]=1",
			Summary:   "The harbour took ships again on Friday, a week after the flood.",
			Content:   `<p>The harbour took ships again on <em>Friday</em>, a week after the flood.</p><p>Five of six berths are ready. <a href="https://gazette.example/berths?a=1&amp;b=2">Which ones</a>]]&gt;</p>`,
			Language:  "en-GB",
			Authors:   []Person{{Name: "Ada Moss <ada@gazette.example>", URL: "https://gazette.example/ada", Email: "ada@gazette.example"}, {Name: "B. Lund"}},
			Published: at(6, 8, 0),
			Details: Details{
				Categories: []string{"Shipping", "shipping", "Ports & Quays"},
				Enclosures: []Enclosure{
					{URL: "https://cdn.gazette.example/harbour.mp3", Type: "audio/mpeg", Length: 1234567, Duration: 95, Title: "Listen"},
					{URL: "https://my_cdn.example/plan of quay.pdf", Length: 4096, Title: "Plan & <depths> </p>"},
					{URL: "https://cdn.gazette.example/harbour.mp3", Type: "audio/mpeg"},
				},
				Image:    "https://cdn.gazette.example/harbour.jpg?w=800&h=600",
				Comments: "https://gazette.example/2026/03/harbour#comments",
				Extra:    Extra{InReplyTo: "tag:gazette.example,2004:flood", GeoPoint: "53.55, 9.99", Rights: "CC BY 4.0"},
			},
		},
		Copies: []Copy{
			{Source: "Port & Tide", URL: "https://tide.example/a?x=1&y=2", Title: "Harbour open"},
			{Source: "Members Only", URL: "https://hidden.example/copy", Private: true},
			{Source: "Leaky", URL: "https://me:pw@leaky.example/copy"},
			{Source: "Seeds"},
		},
		Founder: fixtureID(9), Publishers: 7,
		Coverage: []Cover{
			{ID: fixtureID(101), Title: "Quay </b> & berth: 5 < 6", Source: "Low & High </i> Water", URL: "https://low.example/q?a=1&b=2"},
			{ID: fixtureID(102), Title: "Hidden report", Source: "Members Only", URL: "https://hidden.example/q", Private: true},
			{ID: fixtureID(103), Title: "Leaky report", Source: "Leaky", URL: "https://me:pw@leaky.example/q"},
			{ID: fixtureID(104), Source: "Seeds"},
			{ID: fixtureID(105), Title: "Schiffe kehren zurück", Source: "Hafenblatt", URL: "https://hafenblatt.example/1"},
		},
		Covered: 8,
	}
}

// fixtureStories are three stories: one with all that coverage can have, one
// of an item alone, and one that a private source leads.
func fixtureStories() []Story {
	i := fixtureItems()
	i[3].Copies = []Copy{{Source: "Weir Times", URL: "https://weir.example/eels", Title: "Eels"}, {Source: "Members Only", URL: "https://hidden.example/eels", Private: true}}
	again := i[6]
	again.Entry.URL = i[0].Entry.URL
	return []Story{
		{Founder: i[0].ID, Updated: at(8, 10, 3), Publishers: 4, Items: []Item{i[0], i[1], i[3], i[4], i[5], i[8], i[8], again}},
		{Founder: fixtureID(77), Updated: at(8, 10, 2), Publishers: 1, Items: []Item{i[2]}},
		{Founder: i[4].ID, Updated: at(8, 10, 1), Publishers: 2, Items: []Item{i[4], i[7]}},
	}
}

// fixtureArchive is a closed block between two others, in a format.
func fixtureArchive(base, file string) Page {
	return Page{
		Items: fixtureItems()[:3], Archived: true, Current: base + "/" + file,
		Older: base + "/archive/6" + path.Ext(file), Newer: base + "/archive/8" + path.Ext(file),
	}
}

func folderItem() Item {
	return Item{
		Published: at(5, 0, 0),
		Source:    folder,
		Entry: Entry{
			Title: "Notes on the old lock", Summary: "Why the lock of 1911 still matters.",
			Content:       "<p>Built in 1911, it still lifts barges.</p><h2>Its future</h2><p>It stays.</p>",
			PublishedFrom: "caption",
		},
	}
}

// odderItem has what upsets validators: HTML in plain text, control characters,
// text encoded twice, an address out of order.
func odderItem() Item {
	return Item{
		Published: time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
		Source:    Source{Slug: "odd", Kind: KindFeed, URL: "http://bücher.example/rss", Name: "CafÃ© </b> &amp; Co", About: Channel{Language: "english"}},
		Entry: Entry{
			Title:   "How </head> &amp; <body> differ\u0092s \x00\ufffd &#39;AT&T&copy;",
			URL:     "HTTP://Bücher.example/straße näher|x^y?q=[ü]&z=%zz#a#b",
			Summary: "Mind the </p> tag &amp; the entity.\u0085",
			Content: "<p>Martine Ã©crit – é.</p><p>Close the tag\u0093s\ufdd0 end.\r\nNext line\ufeff</p>",
			Authors: []Person{{Name: "ops@odd.example"}, {Name: "X </i> Y"}},
			Details: Details{
				Categories: []string{" ", "R&amp;D </b>"},
				Enclosures: []Enclosure{{URL: "ftp://odd.example/a"}, {URL: "http://localhost/a.bin", Type: "nonsense"}, {URL: "https://odd.example?download", Type: "Audio/MPEG; charset=x"}},
				Extra:      Extra{InReplyTo: "http://odd.example/%7Eme", GeoPoint: "99 200"},
			},
		},
	}
}

// planetItem came by an aggregate that names the first publisher.
func planetItem() Item {
	return Item{
		Published: at(4, 7, 0),
		Source:    planet,
		Entry: Entry{
			Title: "Eels are back", URL: "https://brook.example/eels",
			Summary: "Counted: 214.", Content: `<p>Counted at the weir: 214. <img src="https://brook.example/eel.png" alt="an eel"></p>`,
			Details: Details{Origin: SourceRef{Title: "Brook Diary", URL: "https://brook.example/feed"}, Image: "https://brook.example/eel.png"},
		},
	}
}

func privateItem() Item {
	return Item{
		Published: at(4, 6, 0), Source: secret,
		Entry: Entry{Title: "Tariffs for quays", URL: "https://ports.example/tariffs", Summary: "Up by two.", Content: "<p>They go up by two in May.</p>"},
	}
}

func keyedItem() Item {
	return Item{
		Published: at(4, 5, 0), Source: keyed,
		Entry: Entry{Title: "A ferry is sold", URL: "https://user:pass@keyed.example/ferry", Summary: "To Norway.", Content: "<p>It goes to Norway in June.</p>"},
	}
}

func summaryItem() Item {
	return Item{
		Published: at(3, 5, 0), Source: planet,
		Entry: Entry{Title: "Low water", URL: "https://planet.example/low", Summary: "The gauge reads 0.4 m & falls."},
	}
}

func bareItem() Item {
	return Item{Source: planet, Entry: Entry{URL: "https://planet.example/bare"}}
}

func foreignItem() Item {
	return Item{
		Published: at(2, 5, 0), Source: gazette,
		Entry: Entry{
			Title: "Новини порту", URL: "https://gazette.example/uk/1", Language: "uk",
			Summary: "Порт знову приймає судна.", Content: "<p>Порт знову приймає судна 🚢 після повені.</p>",
		},
	}
}

// longItems are n items with about size bytes of content each.
func longItems(n, size int) []Item {
	const sentence = `The <em>gauge</em> at the "old" lock read more than it had since the flood of 1954. `
	items := make([]Item, n)
	for i := range items {
		paragraph := "<p>" + strings.Repeat(sentence, 4) + "</p>"
		items[i] = Item{
			ID: fixtureID(n - i), Place: int64(n - i), Published: at(5, 1, n-i), Updated: at(5, 1, n-i), Source: gazette,
			Entry: Entry{
				Title: fmt.Sprintf("Gauge reading number %d", n-i), URL: fmt.Sprintf("https://gazette.example/gauge/%d", n-i),
				Summary: "The gauge at the lock is read each hour.",
				Content: strings.Repeat(paragraph, max(1, size/len(paragraph))), Authors: []Person{{Name: "Ada Moss"}},
				Details: Details{Categories: []string{"Gauges", "Rivers"}},
			},
			Copies: []Copy{{Source: "Port & Tide", URL: fmt.Sprintf("https://tide.example/%d", n-i)}},
		}
	}
	return items
}
