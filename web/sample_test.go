package web

import (
	"time"

	"tributary/feed"
)

// What the tests serve: a small installation with everything in it that a
// page can have. The text is ours, on the subject of the shipped seeds.

const (
	sampleToken = "correct horse battery staple"
	picture     = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='800' height='300'%3E%3Crect width='800' height='300' fill='%237fb2bf'/%3E%3Cpath d='M0 220q200-90 400 0t400-10v90H0z' fill='%232f6f80'/%3E%3C/svg%3E"
)

// noon is when everything in the sample has happened.
var noon = time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC)

func at(month time.Month, day, hour, minute int) time.Time {
	year := 2025
	if month == time.January {
		year = 2026
	}
	return time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
}

func sampleSite(base string) feed.Site {
	return feed.Site{
		ID:          "5d7a1c4e-0f0b-5b6e-9b1f-2a6f0c1d7e11",
		Title:       "Guarantees Watch",
		Description: "Reports on security guarantees for Ukraine and the question of Western troops, gathered from many places, each report once.",
		Language:    "en", Contact: "editor@guarantees.example", BaseURL: base, Version: "1.0.0",
		Started: at(time.August, 1, 0, 0),
	}
}

func sampleSources() []feed.Source {
	ok := feed.SourceState{
		Status: feed.StatusOK, LastFetch: at(time.January, 6, 11, 45), LastSuccess: at(time.January, 6, 11, 45), LastChange: at(time.January, 6, 9, 15),
		NextDue: at(time.January, 6, 12, 45), DueReason: "an hour after the last fetch", Fetches: 1204, NotModified: 1106, BytesIn: 5_440_000, BytesSaved: 61_400_000, Imported: true,
	}
	failed := ok
	failed.Status, failed.Failures, failed.Error = feed.StatusFailing, 3, "the server’s name has no address; check the URL, or wait if the site is down"
	failed.NextDue, failed.DueReason = at(time.January, 6, 16, 30), "backing off after 3 failures in a row"
	waiting := ok
	waiting.Status, waiting.Error = feed.StatusLimited, "the server asks us to wait (429)"
	waiting.NextDue, waiting.DueReason = at(time.January, 6, 18, 0), "as the server said (Retry-After)"
	scanned := feed.SourceState{Status: feed.StatusOK, LastFetch: at(time.January, 6, 11, 59), LastSuccess: at(time.January, 6, 11, 59), LastChange: at(time.January, 2, 8, 1)}
	return []feed.Source{
		{Slug: feed.SeedsSlug, Kind: feed.KindFolder, URL: "/srv/tributary/seeds", Name: "Our own notes", Enabled: true, Origin: feed.OriginConfig, State: scanned},
		{Slug: "river-post", Kind: feed.KindFeed, URL: "https://riverpost.example/feed", Name: "The River Post", Tags: []string{"news"}, Enabled: true, Origin: feed.OriginConfig,
			About: feed.Channel{Title: "The River Post", Link: "https://riverpost.example/"}, State: ok},
		{Slug: "ministry", Kind: feed.KindFeed, URL: "https://ministry.example/press/rss.xml?lang=en&section=foreign-affairs-and-security", Enabled: true, Origin: feed.OriginConfig,
			About: feed.Channel{Title: "Press service of the ministry", Link: "https://ministry.example/press/"}, State: failed},
		{Slug: "wire", Kind: feed.KindFeed, URL: "https://wire.example/atom.xml", Name: "Capital Wire", Enabled: true, Origin: feed.OriginAdded,
			About: feed.Channel{Link: "https://wire.example/"}, State: waiting},
		{Slug: "abendblatt", Kind: feed.KindFeed, URL: "https://abendblatt.example/feed.json", Name: "Abendblatt am Strom", Enabled: true, Origin: feed.OriginAdded,
			About: feed.Channel{Link: "https://abendblatt.example/", Language: "de"}, State: feed.SourceState{}},
		{Slug: "old-blog", Kind: feed.KindFeed, URL: "https://blog.example/rss", Name: "A Blog That Slept", Origin: feed.OriginAdded, State: feed.SourceState{Status: feed.StatusOK}},
		{Slug: "letter", Kind: feed.KindFeed, URL: "https://letter.example/members/feed", Name: "Secret Letter", Enabled: true, Private: true, Origin: feed.OriginAdded, State: ok},
		{Slug: "paid", Kind: feed.KindFeed, URL: "https://reader:hunter2@paid.example/feed", Name: "Paid Paper", Enabled: true, Origin: feed.OriginAdded, State: ok},
	}
}

// sampleItem is an item with the slugs of its source and of its copies' sources.
type sampleItem struct {
	id      string
	source  string
	entry   feed.Entry
	copies  map[string]string // slug → URL
	updated time.Time         // zero: not since it came in
	story   string            // the id of the item that its story began with; "": itself
}

func sampleItems() []sampleItem { // oldest first
	return []sampleItem{
		{id: "0b9f8a52-7c1d-5e0a-8f6b-1d2c3b4a5001", source: feed.SeedsSlug, entry: feed.Entry{
			Title: "A summit in Washington leaves the shape of the guarantees open", Published: at(time.August, 18, 0, 0), PublishedFrom: "caption",
			Summary: "Seven European leaders came along to the White House. They went home with a promise of guarantees within ten days and without an answer to who would stand behind them.",
			Content: "<p>Seven European leaders came along to the White House. They went home with a promise of guarantees within ten days and without an answer to who would stand behind them.</p>" +
				"<h2>What was said about soldiers</h2><p>One official, unnamed, told reporters that nothing had been ruled out. Another paper heard that nothing had been discussed. Both can be true: a question that nobody has asked has not been answered with no.</p>" +
				"<blockquote><p>It is easier to agree on the word guarantee than on the train that brings it.</p></blockquote>" +
				"<ul><li>Air defence, paid for by others</li><li>Training, which already goes on</li><li>Troops: “later”</li></ul>",
		}},
		{id: "1c0f9b63-8d2e-5f1b-9a7c-2e3d4c5b6002", source: "letter", entry: feed.Entry{
			Title: "What members asked us about the line of contact", URL: "https://letter.example/members/42", Published: at(time.November, 30, 7, 5), PublishedFrom: "feed",
			Summary: "Eleven questions from readers and short answers, among them what a peacekeeper may do that a soldier may not.",
			Content: "<p>Eleven questions from readers.</p>",
		}, story: "3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004"},
		{id: "2d1a0c74-9e3f-5a2c-8b8d-3f4e5d6c7003", source: "abendblatt", entry: feed.Entry{
			Title: "Koalition der Willigen berät über Aufklärungsflüge und Donaudampfschifffahrtsgesellschaften", URL: "https://abendblatt.example/2025/12/koalition", Language: "de",
			Published: at(time.December, 18, 17, 40), PublishedFrom: "feed", Authors: []feed.Person{{Name: "Jana Brücker"}, {Name: "Til Oster", URL: "https://abendblatt.example/autoren/oster"}},
			Summary: "Die Verteidigungsminister sprachen über Flüge zur Überwachung einer Waffenruhe. Über Bodentruppen wurde, so heißt es, nur beim Mittagessen geredet.",
			Content: "<p>Die Verteidigungsminister sprachen über Flüge zur Überwachung einer Waffenruhe.</p><p>Über Bodentruppen wurde, so heißt es, nur beim Mittagessen geredet.</p>",
		}},
		{id: "3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004", source: "river-post", entry: feed.Entry{
			Title: "Polish prime minister sees American soldiers on the border as part of a peace", URL: "https://riverpost.example/2025/12/30/border",
			Published: at(time.December, 30, 14, 2), PublishedFrom: "feed", Authors: []feed.Person{{Name: "Marta Lis"}},
			Summary: "After a call between capitals, Warsaw describes what Washington is said to be ready for once the shooting stops: people in uniform, on the border or along the line of contact.",
			Content: "<p>After a call between capitals, Warsaw describes what Washington is said to be ready for once the shooting stops.</p>" +
				`<figure><img src="` + picture + `" alt="A river between two banks, drawn" width="800" height="300"><figcaption>The river, from the eastern bank. Drawing: our own.</figcaption></figure>` +
				"<h2>In figures</h2><table><tr><th>Country</th><th>Offered</th><th>Condition that was named in public, at length</th></tr><tr><td>A</td><td>600</td><td>A mandate</td></tr><tr><td>B</td><td>1,200</td><td>Logistics by somebody else, over-the-horizon-support-included-and-guaranteed</td></tr></table>" +
				"<pre>preformatted text that is rather long and must scroll by itself instead of making the whole page wide enough for it</pre>" +
				`<p>See also <a href="https://riverpost.example/a/very/long/address/that/has/no/place/to/break/because/it/is/one/word/0123456789012345678901234567890123456789">https://riverpost.example/a/very/long/address/that/has/no/place/to/break/because/it/is/one/word/0123456789012345678901234567890123456789</a>.</p>`,
			Details: feed.Details{
				Categories: []string{"Poland", "Security guarantees"}, Comments: "https://riverpost.example/2025/12/30/border#comments",
				Enclosures: []feed.Enclosure{{URL: "https://riverpost.example/audio/border.mp3", Type: "audio/mpeg", Length: 18_400_000, Title: "This report, read aloud"}},
				Extra:      feed.Extra{Rights: "© The River Post"},
			},
		}, copies: map[string]string{"wire": "https://wire.example/a/8812", "abendblatt": "https://abendblatt.example/ticker/991", "letter": "https://letter.example/members/57"}},
		{id: "4f3c2e96-1a5b-5c4e-8daf-5b6a7f8e9005", source: feed.SeedsSlug, entry: feed.Entry{
			Title: "Kyiv says that troops from the United States are being talked about", Published: at(time.December, 30, 0, 0), PublishedFrom: "date line",
			Summary: "The president told journalists in a group chat that the decision lies with Washington alone, and that it is being discussed with the coalition too.",
			Content: "<p>The president told journalists in a group chat that the decision lies with Washington alone.</p><p>In Washington nobody confirmed it.</p>",
		}, copies: map[string]string{"river-post": "https://riverpost.example/2025/12/30/kyiv"}},
		{id: "91b8d0c2-3e4f-5a61-8b72-0c1d2e3f4014", source: "wire", story: "3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004", entry: feed.Entry{
			Title: "Warsaw: Americans may be stationed in Ukraine once there is peace", URL: "https://wire.example/a/8820", Published: at(time.December, 30, 15, 10), PublishedFrom: "feed",
			Summary: "The Polish head of government spoke to reporters after a call with allies.", Content: "<p>The Polish head of government spoke to reporters after a call with allies.</p>",
		}},
		{id: "92c9e1d3-4f50-5b72-9c83-1d2e3f405015", source: "abendblatt", story: "3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004", entry: feed.Entry{
			Title: "Tusk stellt amerikanische Soldaten an der Waffenstillstandsüberwachungslinie in Aussicht", URL: "https://abendblatt.example/2025/12/tusk", Language: "de",
			Published: at(time.December, 30, 16, 40), PublishedFrom: "feed", Summary: "Washington bestätigt das nicht.", Content: "<p>Washington bestätigt das nicht.</p>",
		}},
		{id: "93daf2e4-5061-5c83-8d94-2e3f40516016", source: "ministry", story: "3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004", entry: feed.Entry{
			Title: "Statement on reports of foreign troops", URL: "https://ministry.example/press/5498", Published: at(time.December, 31, 9, 0), PublishedFrom: "feed",
			Summary: "The ministry has taken note.", Content: "<p>The ministry has taken note.</p>",
		}, copies: map[string]string{"river-post": "https://riverpost.example/2025/12/31/ministry"}},
		{id: "5a4d3fa7-2b6c-5d5f-9eb0-6c7b8a9f0006", source: "wire", entry: feed.Entry{
			Title: "Explainer: what a security guarantee is, and what it was in 1994", URL: "https://wire.example/explainers/guarantee",
			Published: at(time.January, 2, 8, 0), PublishedFrom: "feed",
			Summary: "Assurance, guarantee, commitment: three words that sound alike until somebody has to act on them. A short history with the texts.",
			Content: "<p>Assurance, guarantee, commitment: three words that sound alike until somebody has to act on them.</p>",
		}},
		{id: "6b5e40b8-3c7d-5e60-8fc1-7d8c9ba01007", source: "river-post", entry: feed.Entry{
			Title: "Moscow repeats that foreign troops would be targets", URL: "https://riverpost.example/2026/01/05/moscow",
			Published: at(time.January, 5, 19, 20), PublishedFrom: "feed",
			Summary: "The foreign ministry calls any Western contingent an intervention, whatever the colour of its helmets.",
			Content: "<p>The foreign ministry calls any Western contingent an intervention, whatever the colour of its helmets.</p>",
		}, copies: map[string]string{"ministry": "https://ministry.example/press/5512"}, updated: noon.Add(45 * time.Minute)},
		{id: "7c6f51c9-4d8e-5f71-90d2-8e9dacb12008", source: "wire", entry: feed.Entry{
			Title: "Paris meeting to put names under a plan for a multinational force", URL: "https://wire.example/a/9034",
			Published: at(time.January, 6, 9, 10), PublishedFrom: "feed",
			Summary: "Staff officers have finished the tables; what is left to the heads of government is the column that says who.",
			Content: "<p>Staff officers have finished the tables; what is left to the heads of government is the column that says who.</p>",
		}},
	}
}

func sampleReports() []feed.Report { // newest first
	row := func(slug, name string, o feed.Outcome, c feed.Counts, why string) feed.SourceReport {
		return feed.SourceReport{Source: slug, Name: name, Outcome: o, Counts: c, NextDue: at(time.January, 6, 12, 45), DueReason: why, Millis: 120}
	}
	failed := row("ministry", "Press service of the ministry", feed.OutcomeFailed, feed.Counts{}, "backing off after 3 failures in a row")
	failed.Error = "the server’s name has no address; check the URL, or wait if the site is down"
	folder := row(feed.SeedsSlug, "Our own notes", feed.OutcomeFailed, feed.Counts{}, "")
	folder.NextDue, folder.Error = time.Time{}, "/srv/tributary/seeds cannot be read; see that the user may enter it"
	running := feed.Report{ID: "run-3", Trigger: "api", State: "running", Started: at(time.January, 6, 11, 59), Total: 7, Done: 3, Counts: feed.Counts{Published: 1},
		Sources: []feed.SourceReport{row("river-post", "The River Post", feed.OutcomeOK, feed.Counts{Published: 1, Unchanged: 29}, "an hour after the last fetch")}}
	done := feed.Report{ID: "run-2", Trigger: "schedule", State: "done", Started: at(time.January, 6, 11, 45), Finished: at(time.January, 6, 11, 45).Add(14 * time.Second), Total: 7, Done: 7,
		Counts: feed.Counts{Published: 3, Updated: 1, Copies: 4, Held: 2, Unchanged: 1201},
		Sources: []feed.SourceReport{
			row("wire", "Capital Wire", feed.OutcomeNotDue, feed.Counts{}, "as the server said (Retry-After)"),
			row("river-post", "The River Post", feed.OutcomeOK, feed.Counts{Published: 2, Updated: 1, Copies: 1, Unchanged: 26}, "an hour after the last fetch"),
			row("abendblatt", "Abendblatt am Strom", feed.OutcomeNotModified, feed.Counts{Unchanged: 30}, "an hour after the last fetch"),
			row("letter", "Secret Letter", feed.OutcomeOK, feed.Counts{Published: 1}, "an hour after the last fetch"),
			row("paid", "Paid Paper", feed.OutcomeFailed, feed.Counts{}, "https://reader:hunter2@paid.example/feed"),
			failed, folder,
		}}
	broken := feed.Report{ID: "run-1", Trigger: "start", State: "failed", Started: at(time.January, 6, 11, 0), Finished: at(time.January, 6, 11, 3), Total: 7, Done: 1, Error: "stopped while Secret Letter was fetched"}
	return []feed.Report{running, done, broken}
}
