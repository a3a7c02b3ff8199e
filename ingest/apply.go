package ingest

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"tributary/feed"
	"tributary/ingest/dedupe"
)

// apply decides about a source's entries and stores them, in the one
// transaction. What has left the document goes first, so that an entry whose
// id changed finds its former self unlisted.
func apply(ctx context.Context, tx Tx, run Run, p *prepared) error {
	if err := unlist(ctx, tx, run, p); err != nil {
		return err
	}
	if err := freeNames(ctx, tx, p); err != nil {
		return err
	}
	near, err := lookUp(ctx, tx, p.sightings)
	if err != nil {
		return err
	}
	a := applying{tx: tx, run: run, p: p, near: near}
	for i := range p.sightings {
		s := &p.sightings[i]
		if s.known != nil {
			err = a.update(ctx, s, *s.known)
		} else {
			err = a.decide(ctx, s)
		}
		if err != nil {
			return err
		}
	}
	if err := a.flush(ctx); err != nil {
		return err
	}
	return relist(ctx, tx, p)
}

// freeNames frees the paths that files have moved to: their former holders
// have moved too, or are gone.
func freeNames(ctx context.Context, tx Tx, p *prepared) error {
	var taken []int64
	for _, s := range p.sightings {
		if s.known != nil && s.known.Keys.Identity != s.entry.Keys.Identity {
			taken = append(taken, s.entry.Keys.Identity)
		}
	}
	if len(taken) == 0 {
		return nil
	}
	return tx.Unname(ctx, p.source.ID, taken)
}

// applying is the work on one source's entries.
type applying struct {
	tx   Tx
	run  Run
	p    *prepared
	near *neighbours

	// What is to be inserted at once: entries, and for those that found an
	// item, that item; nil for the others.
	news  []*sighting
	items []*feed.Item
	// founded are all items of this document; a Known of it names one of
	// them -1, -2 …
	founded []*feed.Item
}

// flush inserts what has gathered.
func (a *applying) flush(ctx context.Context) error {
	founded := slices.DeleteFunc(slices.Clone(a.items), func(it *feed.Item) bool { return it == nil })
	if err := a.tx.InsertItems(ctx, founded, a.run.finder(a.p.source)); err != nil {
		return err
	}
	entries := make([]*feed.Entry, len(a.news))
	for i, s := range a.news {
		entries[i] = &s.entry
		if a.items[i] != nil {
			s.entry.ItemID = a.items[i].RowID
		}
	}
	if err := a.tx.InsertEntries(ctx, entries); err != nil {
		return err
	}
	news := a.news
	a.news, a.items = nil, nil
	if err := a.saveScores(ctx, news); err != nil {
		return err
	}
	return a.remember(ctx, news)
}

// saveScores stores how near entries are to the topic.
func (a *applying) saveScores(ctx context.Context, of []*sighting) error {
	var scores []feed.Score
	for _, s := range of {
		if s.opinion.Score != nil {
			score := *s.opinion.Score
			score.EntryID = s.entry.ID
			scores = append(scores, score)
		}
	}
	if len(scores) == 0 {
		return nil
	}
	return a.tx.SaveScores(ctx, scores)
}

// remember stores by what the entries will be found again: those that support
// an item.
func (a *applying) remember(ctx context.Context, news []*sighting) error {
	var marks []feed.Mark
	var sketches []feed.Sketch
	for _, s := range news {
		if s.entry.ItemID == 0 {
			continue
		}
		marks = append(marks, a.near.byMark.marks(s.reading.own, s.entry.ID)...)
		sketches = append(sketches, s.sketch())
	}
	if len(sketches) == 0 {
		return nil
	}
	if err := a.tx.Mark(ctx, marks); err != nil {
		return err
	}
	return a.tx.SaveSketches(ctx, sketches)
}

// decide stores an entry that its source has not shown before: as an item, as
// a copy, as a known entry under a new identity, or held.
func (a *applying) decide(ctx context.Context, s *sighting) error {
	e := &s.entry
	e.SourceID = a.p.source.ID
	if s.hold != nil {
		e.Decision = *s.hold
		a.p.report.Counts.Held++
		a.gather(s, nil)
		return nil
	}
	verdict, err := a.near.judge(ctx, s)
	if err != nil {
		return err
	}
	e.Decision = verdict.Decision
	switch {
	case verdict.Same != nil:
		return a.update(ctx, s, *verdict.Same)
	case s.opinion.Held != nil && (verdict.Copy == nil || s.opinion.Held.Rule == RuleRule):
		e.Decision = *s.opinion.Held
		a.p.report.Counts.Held++
		a.gather(s, nil)
		return nil
	case verdict.Copy != nil:
		return a.addCopy(ctx, s, *verdict.Copy)
	}
	item := newItem(a.p.source, s, a.run.Now)
	a.p.report.Counts.Published++
	a.gather(s, &item)
	a.founded = append(a.founded, &item)
	a.near.add(knownOf(*e, a.p.source, -int64(len(a.founded))), s)
	return nil
}

// gather puts an entry, and the item that it founds, among those to insert.
func (a *applying) gather(s *sighting, item *feed.Item) {
	a.news = append(a.news, s)
	a.items = append(a.items, item)
}

// newItem founds an item on an entry. An entry without a believable date is
// dated by its first sight, for ever.
func newItem(src feed.Source, s *sighting, now time.Time) feed.Item {
	published := s.entry.Published
	if published.IsZero() {
		published = now
	}
	updated := published
	if s.entry.Updated.After(updated) {
		updated = s.entry.Updated
	}
	return feed.Item{ID: mint(src, s), Published: published, Updated: updated}
}

// namespace is the UUID namespace of item ids (RFC 9562, 5.5). It never changes.
var namespace = uuid.MustParse("6f1d5f0e-6b6c-5d6e-9a54-1f3d0c2b7a91")

// mint makes an item's id from its first entry: from the source's declared
// address and the entry's identity there, or from a file's bytes, so that
// neither time nor the folder's path is in it.
func mint(src feed.Source, s *sighting) string {
	seed := s.seed
	if seed == "" {
		seed = src.URL + "\n" + s.entry.Identity
	}
	return uuid.NewSHA1(namespace, []byte(seed)).String()
}

// knownOf is a new entry as the next ones will know it. An item of this very
// document is named by its number among those, negative.
func knownOf(e feed.Entry, src feed.Source, item int64) feed.Known {
	return feed.Known{EntryID: e.ID, SourceID: e.SourceID, ItemID: item, Keys: e.Keys, Canonical: e.Canonical,
		Decision: e.Decision.Kind, Position: src.Position, Priority: src.Priority, When: e.When(), Seen: e.FirstSeen, Listed: true, File: src.Kind == feed.KindFolder}
}

// addCopy stores an entry as a further one of an item.
func (a *applying) addCopy(ctx context.Context, s *sighting, of feed.Known) error {
	e := &s.entry
	if of.ItemID < 0 { // an item of this very document
		founded := a.founded[-of.ItemID-1]
		if err := a.flush(ctx); err != nil {
			return err
		}
		of.ItemID = founded.RowID
	}
	e.ItemID = of.ItemID
	a.p.report.Counts.Copies++
	supporters, err := a.tx.Supporters(ctx, of.ItemID)
	if err != nil {
		return err
	}
	if err := a.tx.InsertEntry(ctx, e); err != nil {
		return err
	}
	a.near.add(knownOf(*e, a.p.source, of.ItemID), s)
	if err := a.saveScores(ctx, []*sighting{s}); err != nil {
		return err
	}
	if err := a.remember(ctx, []*sighting{s}); err != nil {
		return err
	}
	if !standing(supporters) || a.p.source.Kind == feed.KindFolder && !led(supporters) {
		return takeOver(ctx, a.tx, supporters, e.ID, of.ItemID)
	}
	if err := a.contend(ctx, s, supporters); err != nil {
		return err
	}
	return a.tx.RecountItem(ctx, of.ItemID, a.run.Now)
}

// standing tells whether any of the entries still supports its item.
func standing(supporters []feed.Known) bool {
	return slices.ContainsFunc(supporters, func(k feed.Known) bool { return !k.Gone() })
}

// contend chooses which of an item's entries gives its text. While the item
// waits for its admission that is the best of them. Later it stays, so that
// nothing goes to and fro; but a full text may replace a summary.
func (a *applying) contend(ctx context.Context, s *sighting, supporters []feed.Known) error {
	i := slices.IndexFunc(supporters, func(k feed.Known) bool { return k.Decision == feed.Published })
	if i < 0 {
		return a.tx.Changed(ctx)
	}
	found, err := a.tx.Candidates(ctx, []int64{supporters[i].EntryID})
	if err != nil || len(found) == 0 {
		return err
	}
	lead := comparable(found[0])
	challenger := dedupe.Candidate{Text: s.text(),
		Candidate: feed.Candidate{Known: knownOf(s.entry, a.p.source, s.entry.ItemID), Entry: s.entry}}
	waiting, err := a.tx.Waiting(ctx, s.entry.ItemID)
	switch {
	case err != nil:
		return err
	case waiting && dedupe.Better(lead, challenger):
		return a.refound(ctx, s, supporters, advantage(lead, challenger))
	case !waiting && dedupe.Fuller(lead.Text, challenger.Text):
		return a.replace(ctx, s, supporters)
	}
	return a.tx.Changed(ctx)
}

// refound makes the entry the founder of its item, which nobody can have seen
// yet; not if another item has the id that it would have.
func (a *applying) refound(ctx context.Context, s *sighting, supporters []feed.Known, because string) error {
	item := newItem(a.p.source, s, a.run.Now)
	item.RowID = s.entry.ItemID
	done, err := a.tx.Refound(ctx, item, s.entry.ID)
	if err != nil || !done {
		return err
	}
	left := feed.Decision{Kind: feed.CopyOf, Rule: "best copy", Reason: "A better copy came in the same run: " + because + "."}
	if err := demote(ctx, a.tx, supporters, s.entry.ID, left); err != nil {
		return err
	}
	return a.tx.Decide(ctx, s.entry.ID, item.RowID, feed.Decision{Kind: feed.Published, Rule: "best copy",
		Reason: "Of the copies that came in one run it is the best: " + because + ". " + evidence(s.entry.Decision)})
}

// evidence is what makes an entry a copy, said of one that came later and yet leads.
func evidence(d feed.Decision) string {
	switch d.Rule {
	case "url":
		return "Another has the same address."
	case "content":
		return "Another has the same text, word for word."
	}
	return d.Reason
}

// advantage says what makes the other the better copy. It asks in the order of [dedupe.Better].
func advantage(lead, other dedupe.Candidate) string {
	switch {
	case other.Known.Priority > lead.Known.Priority:
		return "its source has a higher priority"
	case dedupe.Fuller(lead.Text, other.Text):
		return "it has the full text"
	case other.Entry.When().Before(lead.Entry.When()):
		return "it is the earlier one"
	}
	return "its source is declared first"
}

// replace lets a full text stand in for the summary that led its item.
func (a *applying) replace(ctx context.Context, s *sighting, supporters []feed.Known) error {
	left := feed.Decision{Kind: feed.CopyOf, Rule: "fuller", Reason: "It led the item until a copy with the full text came."}
	if err := demote(ctx, a.tx, supporters, s.entry.ID, left); err != nil {
		return err
	}
	lead := feed.Decision{Kind: feed.Published, Rule: "fuller",
		Reason: "It has the full text of an article of which there was only a summary. " + s.entry.Decision.Reason}
	if err := a.tx.Decide(ctx, s.entry.ID, s.entry.ItemID, lead); err != nil {
		return err
	}
	if err := a.tx.SetLead(ctx, s.entry.ItemID, s.entry.ID); err != nil {
		return err
	}
	if err := markStory(ctx, a.tx, s.sketch()); err != nil {
		return err
	}
	return a.tx.TouchItem(ctx, s.entry.ItemID, a.run.Now)
}

// takeOver lets an entry lead an item whose former leader has left.
func takeOver(ctx context.Context, tx Tx, supporters []feed.Known, entryID, itemRow int64) error {
	left := feed.Decision{Kind: feed.CopyOf, Rule: "left", Reason: "It led the item before."}
	if err := demote(ctx, tx, supporters, entryID, left); err != nil {
		return err
	}
	lead := feed.Decision{Kind: feed.Published, Rule: "took over", Reason: "What led the item was taken out: its file is gone from the folder, or a person keeps it out."}
	if err := tx.Decide(ctx, entryID, itemRow, lead); err != nil {
		return err
	}
	if err := tx.SetLead(ctx, itemRow, entryID); err != nil {
		return err
	}
	return tx.Restore(ctx, itemRow)
}

// demote makes copies of the item's leaders other than the given entry.
func demote(ctx context.Context, tx Tx, supporters []feed.Known, but int64, d feed.Decision) error {
	for _, k := range supporters {
		if k.EntryID == but || k.Decision != feed.Published {
			continue
		}
		if err := tx.Decide(ctx, k.EntryID, k.ItemID, d); err != nil {
			return err
		}
	}
	return nil
}

// update stores the new state of a known entry. The item's updated moves only
// if a reader would see a difference, and only if this entry gives its text.
func (a *applying) update(ctx context.Context, s *sighting, k feed.Known) error {
	if k.EntryID == 0 { // an entry of this very document, said twice under two ids
		return nil
	}
	e := &s.entry
	e.ID, e.SourceID, e.ItemID = k.EntryID, k.SourceID, k.ItemID
	if err := a.tx.UpdateEntry(ctx, *e); err != nil {
		return err
	}
	if err := back(ctx, a.tx, k); err != nil {
		return err
	}
	if e.Keys.Shown == k.Keys.Shown {
		a.p.report.Counts.Unchanged++
		return nil
	}
	// What is published stays, and so does the score that it was published by:
	// a person who asks why is told how it would score now.
	if k.Decision != feed.Published || s.opinion.Held == nil {
		if err := a.saveScores(ctx, []*sighting{s}); err != nil {
			return err
		}
	}
	if k.Decision == feed.Held {
		return a.reconsider(ctx, s)
	}
	a.near.byMark.add(s.reading.own, e.ID)
	if err := a.remember(ctx, []*sighting{s}); err != nil {
		return err
	}
	if k.Decision != feed.Published {
		a.p.report.Counts.Unchanged++
		return a.grown(ctx, s)
	}
	a.p.report.Counts.Updated++
	waiting, err := a.tx.Waiting(ctx, k.ItemID)
	if err == nil && !waiting { // else its admission does that
		err = markStory(ctx, a.tx, s.sketch())
	}
	if err != nil {
		return err
	}
	return a.tx.TouchItem(ctx, k.ItemID, a.run.Now)
}

// grown lets a copy that its source has written out give the item's text, where
// that is a summary.
func (a *applying) grown(ctx context.Context, s *sighting) error {
	supporters, err := a.tx.Supporters(ctx, s.entry.ItemID)
	if err != nil {
		return err
	}
	s.entry.Decision = feed.Decision{Kind: feed.CopyOf, Reason: "Its source has written it out."}
	return a.contend(ctx, s, supporters)
}

// reconsider asks whether a held entry, which reads otherwise now, is on topic
// after all. What a person has refused stays so, and so does a source's backlog.
func (a *applying) reconsider(ctx context.Context, s *sighting) error {
	h, err := a.tx.EntryByID(ctx, s.entry.ID)
	if err != nil {
		return err
	}
	d := h.Entry.Decision
	switch {
	case d.Kind != feed.Held || !HeldByTopic(d.Rule):
		a.p.report.Counts.Unchanged++
		return nil
	case s.opinion.Held != nil:
		a.p.report.Counts.Unchanged++
		return a.tx.Decide(ctx, s.entry.ID, s.entry.ItemID, *s.opinion.Held)
	}
	a.p.report.Counts.Published++
	in := feed.Decision{Kind: feed.Published, Rule: "new", Reason: "Its source has changed it, and now it is on topic."}
	return letIn(ctx, a.tx, h.Source, h.Entry, in, a.run.finder(h.Source), a.run.Now)
}

// back restores the item of a file that has returned.
func back(ctx context.Context, tx Tx, k feed.Known) error {
	if !k.Gone() || k.ItemID == 0 {
		return nil
	}
	return tx.Restore(ctx, k.ItemID)
}

func relist(ctx context.Context, tx Tx, p *prepared) error {
	if len(p.relisted) == 0 {
		return nil
	}
	ids := make([]int64, len(p.relisted))
	for i, k := range p.relisted {
		ids[i] = k.EntryID
		if err := back(ctx, tx, k); err != nil {
			return err
		}
	}
	return tx.Relist(ctx, ids)
}

// unlist notes what the document has ceased to list. For a feed that is the
// way of things; a file that is gone withdraws its item, unless another entry
// supports it.
func unlist(ctx context.Context, tx Tx, run Run, p *prepared) error {
	if len(p.unlisted) == 0 {
		return nil
	}
	ids := make([]int64, len(p.unlisted))
	for i, k := range p.unlisted {
		ids[i] = k.EntryID
	}
	if err := tx.Unlist(ctx, ids, run.Now); err != nil {
		return err
	}
	if p.source.Kind != feed.KindFolder {
		return nil
	}
	withdrawn := map[int64]bool{}
	for _, k := range p.unlisted {
		if k.ItemID == 0 || withdrawn[k.ItemID] {
			continue
		}
		var err error
		if withdrawn[k.ItemID], err = leave(ctx, tx, run, k); err != nil {
			return err
		}
	}
	for _, w := range withdrawn {
		if w {
			p.report.Counts.Withdrawn++
		}
	}
	return nil
}

// leave takes a file out of its item; it tells whether that withdrew the item.
func leave(ctx context.Context, tx Tx, run Run, k feed.Known) (withdrawn bool, err error) {
	supporters, err := tx.Supporters(ctx, k.ItemID)
	if err != nil {
		return false, err
	}
	for _, other := range supporters {
		if other.EntryID == k.EntryID || other.Gone() {
			continue
		}
		if k.Decision != feed.Published {
			return false, tx.Changed(ctx) // it was only named as a copy
		}
		return false, takeOver(ctx, tx, supporters, other.EntryID, k.ItemID)
	}
	return true, tx.Withdraw(ctx, k.ItemID, run.Now)
}
