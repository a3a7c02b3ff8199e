package store_test

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/store"
)

func declared(slug, url string) feed.Source {
	return feed.Source{Slug: slug, Kind: feed.KindFeed, URL: url, Enabled: true}
}

// fullState has something else in each field.
func fullState() feed.SourceState {
	at := func(h int) time.Time { return day.Add(time.Duration(h) * time.Hour) }
	return feed.SourceState{Status: feed.StatusFailing, Error: "no route", Failures: 3, ETag: `W/"x"`, LastModified: "Sun, 01 Mar 2026 12:00:00 GMT",
		ValidatorsSince: at(1), BodyHash: -5, SameBodies: 2, FetchURL: "https://moved.example/", RedirectTo: "https://to.example/",
		RedirectSince: at(2), RedirectSeen: 4, LastFetch: at(3), LastSuccess: at(4), LastChange: at(5), NextDue: at(6),
		DueReason: "every hour", RetryAfter: at(7), Fetches: 10, NotModified: 5, BytesIn: 1 << 40, BytesSaved: 7, LastSize: 8, Imported: true, Scored: 40, OnTopic: 31}
}

func fullAbout() feed.Channel {
	return feed.Channel{ID: "urn:x", Title: "Its title", Link: "https://x.example/", Author: "A", Rights: "R", Language: "en-GB", Icon: "https://x.example/i.png",
		Updated: day, MinInterval: 2 * time.Hour, SkipHours: []int{0, 23}, SkipDays: []time.Weekday{time.Sunday, time.Saturday}}
}

func (r *rig) sync(origin feed.Origin, sources ...feed.Source) {
	r.Helper()
	r.must(r.SyncSources(r.ctx, origin, sources, day))
}

func (r *rig) save(src feed.Source, about feed.Channel, state feed.SourceState) {
	r.Helper()
	r.write(func(t *store.Tx) error { return t.SaveSource(r.ctx, src.ID, about, state) })
}

func (r *rig) wantSlugs(want ...string) {
	r.Helper()
	if diff := cmp.Diff(want, slugsOf(r.sources())); diff != "" {
		r.Fatalf("sources (-want +got):\n%s", diff)
	}
}

var _ = behaviour("what a source says and fetching has learned comes back as it was", func(r *rig) {
	src := r.source("a")
	src.Tags = []string{"one", "zwei"}
	src.Name, src.Every, src.Private, src.Topic, src.FullText = "A name", "2h", true, "off", true
	src.Headers = map[string]string{"X-Api-Key": "$NEWS_KEY", "Authorization": "Bearer $NEWS_TOKEN"}
	r.must(r.UpdateSource(r.ctx, src))
	src.About, src.State = fullAbout(), fullState()
	r.save(src, src.About, src.State)
	for _, name := range []string{"a", src.URL, "a NAME"} {
		if diff := cmp.Diff(src, r.named(name)); diff != "" {
			r.Errorf("Source(%q) (-want +got):\n%s", name, diff)
		}
	}
	got, err := r.SourceByID(r.ctx, src.ID)
	r.must(err)
	if diff := cmp.Diff(src, got); diff != "" {
		r.Errorf("SourceByID (-want +got):\n%s", diff)
	}
})

var _ = behaviour("a source that is not there, or not the only one of its name, is an error that says so", func(r *rig) {
	_, err := r.Source(r.ctx, "nobody")
	r.wantCode(err, feed.CodeNotFound)
	a, b := r.source("a"), r.source("b")
	a.Name, b.Name = "News", "news"
	r.must(r.UpdateSource(r.ctx, a))
	r.must(r.UpdateSource(r.ctx, b))
	_, err = r.Source(r.ctx, "News")
	r.wantCode(err, feed.CodeInvalid)
	_, err = r.SourceByID(r.ctx, 99)
	r.wantCode(err, feed.CodeNotFound)
	r.wantCode(r.RemoveSource(r.ctx, "nobody", false, day), feed.CodeNotFound)
	r.wantCode(r.RemoveSource(r.ctx, "nobody", true, day), feed.CodeNotFound)
	r.wantCode(r.Write(r.ctx, func(t *store.Tx) error {
		return t.SaveSource(r.ctx, 99, feed.Channel{}, feed.SourceState{})
	}), feed.CodeNotFound)
})

var _ = behaviour("the sources of an origin become those declared, in their order, the configuration's first", func(r *rig) {
	added := r.source("added")
	r.sync(feed.OriginEnv, declared("env", "https://env.example/"))
	r.sync(feed.OriginConfig, declared("a", "https://a.example/"), declared("b", "https://b.example/"))
	r.wantSlugs("a", "b", "env", "added")
	b := r.named("b")
	r.sync(feed.OriginConfig, declared("b", "https://b.example/"), declared("c", "https://c.example/"))
	r.wantSlugs("b", "c", "env", "added")
	if got := r.named("b").ID; got != b.ID {
		r.Errorf("b has become another row: %d, was %d", got, b.ID)
	}
	if got := r.named("added"); got.ID != added.ID || got.Origin != feed.OriginAdded {
		r.Errorf("the added source was touched: %+v", got)
	}
})

var _ = behaviour("a source keeps its state while its URL is the same, whatever else is declared", func(r *rig) {
	r.sync(feed.OriginConfig, declared("a", "https://a.example/"), declared("b", "https://b.example/"))
	a, b := r.named("a"), r.named("b")
	r.save(a, fullAbout(), fullState())
	r.sync(feed.OriginConfig, declared("b", "https://a.example/"), declared("a", "https://b.example/")) // swapped
	got := r.named("b")
	if got.ID != a.ID || r.named("a").ID != b.ID {
		r.Errorf("the rows did not follow their URLs")
	}
	if diff := cmp.Diff(fullState(), got.State); diff != "" {
		r.Errorf("state (-want +got):\n%s", diff)
	}
	r.sync(feed.OriginConfig, declared("b", "https://elsewhere.example/"))
	if got := r.named("b"); got.ID == a.ID || got.State.Status != feed.StatusNew {
		r.Errorf("another URL is another source: %+v", got)
	}
	r.sync(feed.OriginConfig, declared("b", "https://a.example/"))
	if got := r.named("b"); got.ID != a.ID || got.State.ETag != fullState().ETag {
		r.Errorf("the source did not come back as itself: %+v", got)
	}
})

var _ = behaviour("whether a source is filtered follows what is declared, and the state stays", func(r *rig) {
	src := declared("a", "https://a.example/")
	src.Topic = "off"
	r.sync(feed.OriginConfig, src)
	was := r.named("a")
	r.save(was, fullAbout(), fullState())
	for _, topic := range []string{"off", ""} {
		src.Topic = topic
		r.sync(feed.OriginConfig, src)
		if got := r.named("a"); got.Topic != topic || got.ID != was.ID || got.State.Scored != 40 || got.State.OnTopic != 31 {
			r.Errorf("declared as %q: %+v", topic, got)
		}
	}
})

var _ = behaviour("headers follow what is declared, and the state stays", func(r *rig) {
	src := declared("a", "https://a.example/")
	src.Headers = map[string]string{"X-Api-Key": "$OLD"}
	r.sync(feed.OriginConfig, src)
	was := r.named("a")
	r.save(was, fullAbout(), fullState())
	for _, headers := range []map[string]string{{"X-Api-Key": "$NEW"}, {"X-Api-Key": "$NEW", "Accept": "text/xml"}, nil} {
		src.Headers = headers
		r.sync(feed.OriginConfig, src)
		got := r.named("a")
		if diff := cmp.Diff(headers, got.Headers); diff != "" {
			r.Errorf("headers (-want +got):\n%s", diff)
		}
		if got.ID != was.ID || got.State.ETag != fullState().ETag {
			r.Errorf("it has become another source: %+v", got)
		}
	}
})

var _ = behaviour("a source that several origins declare belongs to the configuration, then the environment", func(r *rig) {
	added := r.source("mine")
	r.sync(feed.OriginEnv, declared("env", added.URL))
	if got := r.named("env"); got.ID != added.ID || got.Origin != feed.OriginEnv {
		r.Fatalf("the environment did not take it over: %+v", got)
	}
	r.sync(feed.OriginConfig, declared("config", added.URL))
	r.sync(feed.OriginEnv, declared("env", added.URL))
	if got := r.named("config"); got.ID != added.ID || got.Origin != feed.OriginConfig {
		r.Fatalf("the configuration did not keep it: %+v", got)
	}
	r.sync(feed.OriginConfig)
	r.wantSlugs()
	r.sync(feed.OriginEnv, declared("env", added.URL))
	r.wantSlugs("env")
})

var _ = behaviour("the seeds folder is one source, wherever it lies", func(r *rig) {
	seeds := feed.Source{Slug: feed.SeedsSlug, Kind: feed.KindFolder, URL: "/one", Enabled: true}
	r.sync(feed.OriginConfig, seeds)
	was := r.named(feed.SeedsSlug)
	r.save(was, feed.Channel{}, fullState())
	seeds.URL = "/two"
	r.sync(feed.OriginConfig, seeds, feed.Source{Slug: "other", Kind: feed.KindFolder, URL: "/one"})
	got := r.named(feed.SeedsSlug)
	if got.ID != was.ID || got.URL != "/two" || got.State.Status != feed.StatusNew {
		r.Errorf("seeds: %+v", got)
	}
	seeds.URL = "/one" // where another folder source is
	r.sync(feed.OriginConfig, seeds)
	r.wantSlugs(feed.SeedsSlug)
})

var _ = behaviour("a slug that is taken gets a number, and keeps it", func(r *rig) {
	r.source("news")
	r.sync(feed.OriginConfig, declared("news", "https://a.example/"), declared("news", "https://b.example/"))
	r.wantSlugs("news-2", "news-3", "news")
	r.sync(feed.OriginConfig, declared("news", "https://a.example/"), declared("news", "https://b.example/"))
	r.wantSlugs("news-2", "news-3", "news")
	src, err := r.AddSource(r.ctx, declared("news", "https://c.example/"), day)
	r.must(err)
	if src.Slug != "news-4" {
		r.Errorf("slug %q", src.Slug)
	}
})

var _ = behaviour("declarations that cannot be are refused", func(r *rig) {
	for _, sources := range [][]feed.Source{
		{declared("", "https://a.example/")},
		{declared("a", "")},
		{declared("a", "https://a.example/"), declared("b", "https://a.example/")},
		{{Slug: feed.SeedsSlug, URL: "/one"}, {Slug: feed.SeedsSlug, URL: "/two"}},
	} {
		r.wantCode(r.SyncSources(r.ctx, feed.OriginConfig, sources, day), feed.CodeInvalid)
	}
	_, err := r.AddSource(r.ctx, declared("a", ""), day)
	r.wantCode(err, feed.CodeInvalid)
	src := r.source("a")
	_, err = r.AddSource(r.ctx, declared("b", src.URL), day)
	r.wantCode(err, feed.CodeConflict)
	b := r.source("b")
	b.Slug = "a"
	r.wantCode(r.UpdateSource(r.ctx, b), feed.CodeConflict)
	b.Slug, b.URL = "b", src.URL
	r.wantCode(r.UpdateSource(r.ctx, b), feed.CodeConflict)
	b.ID = 99
	r.wantCode(r.UpdateSource(r.ctx, declared("x", "https://x.example/")), feed.CodeNotFound)
})

var _ = behaviour("another URL forgets what fetching has learned of the old one", func(r *rig) {
	src := r.source("a")
	r.save(src, fullAbout(), fullState())
	src.Name = "Renamed"
	r.must(r.UpdateSource(r.ctx, src))
	if got := r.named("a"); got.State.ETag == "" || got.About.Title == "" || got.Name != "Renamed" {
		r.Errorf("after a new name: %+v", got)
	}
	src.URL = "https://new.example/"
	r.must(r.UpdateSource(r.ctx, src))
	got := r.named("a")
	if diff := cmp.Diff(feed.SourceState{Status: feed.StatusNew}, got.State); diff != "" || got.About.Title != "" {
		r.Errorf("after a new URL: %+v\n%s", got.About, diff)
	}
})

var _ = behaviour("a removed source keeps its entries and comes back with them, to be fetched afresh but not too early", func(r *rig) {
	src := r.source("a")
	gone := entry(src, 1)
	r.publish(gone, entry(src, 2))
	r.admit()
	r.write(func(t *store.Tx) error { return t.Unlist(r.ctx, []int64{gone.ID}, day.Add(-time.Hour)) })
	r.save(src, fullAbout(), fullState())
	r.must(r.RemoveSource(r.ctx, "a", false, day))
	r.wantSlugs()
	items, _, err := r.Window(r.ctx)
	r.must(err)
	if len(items) != 2 || items[0].Source.Title() != "Its title" {
		r.Fatalf("the window without the source: %+v", items)
	}
	back, err := r.AddSource(r.ctx, declared("again", src.URL), day)
	r.must(err)
	if back.ID != src.ID || back.Slug != "again" {
		r.Errorf("the source came back as %+v", back)
	}
	st := r.named("again").State
	if st.ETag != "" || st.Status != feed.StatusNew || !st.RetryAfter.Equal(fullState().RetryAfter) || st.Imported {
		r.Errorf("its state is %+v", st)
	}
	listed, err := r.Listed(r.ctx, src.ID)
	r.must(err)
	if len(listed) != 1 || listed[0].Keys.Identity != 2 {
		r.Errorf("listed again are %+v", listed)
	}
})

var _ = behaviour("purging a source deletes what only it supports; other items get a new lead", func(r *rig) {
	a, b := r.source("a"), r.source("b")
	items := r.publish(entry(a, 1), entry(a, 2), entry(b, 3))
	r.copyOf(items[1], entry(b, 12))
	r.copyOf(items[2], entry(a, 13))
	lead := entry(a, 14)
	r.copyOf(items[2], lead)
	r.write(func(t *store.Tx) error { return t.SetLead(r.ctx, items[2].RowID, lead.ID) })
	r.admit()
	r.must(r.RemoveSource(r.ctx, "a", false, day))
	r.moves("purge", true, func() { r.must(r.RemoveSource(r.ctx, "a", true, day)) })

	_, err := r.Item(r.ctx, items[0].ID)
	r.wantCode(err, feed.CodeNotFound)
	for i, want := range map[int]int64{1: 12, 2: 3} {
		it := r.item(items[i].ID)
		if it.Entry.Keys.Identity != want || it.Source.Slug != "b" || len(it.Copies) != 0 {
			r.Errorf("item %d is led by entry %d of %s, with %d copies", i, it.Entry.Keys.Identity, it.Source.Slug, len(it.Copies))
		}
	}
	r.must(r.Check(r.ctx))
	_, err = r.SourceByID(r.ctx, a.ID)
	r.wantCode(err, feed.CodeNotFound)
	again, err := r.AddSource(r.ctx, declared("a", a.URL), day)
	r.must(err)
	if again.ID == a.ID {
		r.Errorf("a row id was given twice")
	}
})

var _ = behaviour("only what shows of a source moves the change number", func(r *rig) {
	src := r.source("a")
	about, state := fullAbout(), fullState()
	save := func() { r.save(src, about, state) }
	r.moves("first title", true, save)
	r.moves("nothing new", false, save)
	state.Fetches, state.ETag = 11, "other"
	r.moves("state alone", false, save)
	about.MinInterval, about.SkipHours = time.Hour, nil
	r.moves("what it asks of its pollers", false, save)
	if got := r.named("a"); got.About.MinInterval != time.Hour || got.State.ETag != "other" {
		r.Errorf("not stored: %+v", got)
	}
	about.Updated = day.Add(time.Hour)
	r.moves("a newer stamp alone", false, save)
	if got := r.named("a").About.Updated; !got.Equal(day) {
		r.Errorf("the stamp moved to %v without anything new in the output", got)
	}
	about.Title = "Another title"
	r.moves("title", true, save)
	if got := r.named("a").About.Updated; !got.Equal(about.Updated) {
		r.Errorf("the stamp did not come with the title: %v", got)
	}
	about.Updated = day.Add(2 * time.Hour)
	r.publish(entry(src, 1))
	r.write(func(t *store.Tx) error {
		item := feed.Item{ID: r.mint(), Published: day, Updated: day}
		r.must(t.InsertItem(r.ctx, &item, "run"))
		e := entry(src, 2)
		e.ItemID = item.RowID
		r.must(t.InsertEntry(r.ctx, e))
		return t.SaveSource(r.ctx, src.ID, about, state)
	})
	if got := r.named("a").About.Updated; !got.Equal(about.Updated) {
		r.Errorf("the stamp did not come with a new entry: %v", got)
	}
	c := declared("c", "https://c.example/")
	r.moves("a declaration", true, func() { r.sync(feed.OriginConfig, c) })
	r.moves("the same declaration", false, func() { r.sync(feed.OriginConfig, c) })
	c.Private = true
	r.moves("another declaration", true, func() { r.sync(feed.OriginConfig, c) })
	r.moves("a declaration less", true, func() { r.sync(feed.OriginConfig) })
})

var _ = behaviour("whether a source's pages are read follows what is declared, and the state stays", func(r *rig) {
	src := declared("a", "https://a.example/")
	for _, full := range []bool{true, false, true} {
		src.FullText = full
		r.sync(feed.OriginConfig, src)
		was := r.named("a")
		r.save(was, fullAbout(), fullState())
		if got := r.named("a"); got.FullText != full || got.State.ETag != fullState().ETag {
			r.Errorf("declared as %v: %+v", full, got)
		}
	}
})
