package store_test

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
)

// incidents stores what is given, whatever is known.
func (r *rig) incidents(now time.Time, next feed.Incidents) []feed.Incident {
	r.Helper()
	saved, err := r.UpdateIncidents(r.ctx, now, func([]feed.Incident) feed.Incidents { return next })
	r.must(err)
	return saved
}

func (r *rig) wantIncidents(want ...feed.Incident) {
	r.Helper()
	got, err := r.Store.Incidents(r.ctx, 100)
	r.must(err)
	if diff := cmp.Diff(want, got); diff != "" {
		r.Error(diff)
	}
}

var _ = behaviour("incidents begin, change and end, each change at a time of its own", func(r *rig) {
	a := feed.Incident{ID: "a", Kind: feed.SourceTrouble, Subject: "gazette", Began: day, Title: "The Gazette is gone", Text: "410.\n\nLook on its site."}
	b := feed.Incident{ID: "b", Kind: feed.DiskFull, Began: day, Title: "The disk is nearly full", Text: "5 %"}
	change := r.change()
	r.incidents(day, feed.Incidents{Save: []feed.Incident{a, b}})
	a.Updated, b.Updated = day, day.Add(time.Millisecond)
	r.wantIncidents(b, a)
	if n, err := r.OpenIncidents(r.ctx); n != 2 || err != nil {
		r.Errorf("%d go on (%v)", n, err)
	}
	a.Ended, a.Outcome = day, "It works again."
	saved := r.incidents(day, feed.Incidents{Save: []feed.Incident{a}})
	a.Updated = day.Add(2 * time.Millisecond)
	r.wantIncidents(a, b)
	if diff := cmp.Diff([]feed.Incident{a}, saved); diff != "" {
		r.Error(diff)
	}
	if n, err := r.OpenIncidents(r.ctx); n != 1 || err != nil {
		r.Errorf("%d go on (%v)", n, err)
	}
	r.incidents(day, feed.Incidents{Forget: []string{"a"}})
	r.wantIncidents(b)
	if r.change() != change {
		r.Error("the feed of items seems to have changed")
	}
	twice := b
	twice.ID = "c"
	_, err := r.UpdateIncidents(r.ctx, day, func([]feed.Incident) feed.Incidents { return feed.Incidents{Save: []feed.Incident{twice}} })
	r.wantCode(err, feed.CodeConflict)
})

var _ = behaviour("incidents are decided about by what is known when they are stored", func(r *rig) {
	a := feed.Incident{ID: "a", Kind: feed.DiskFull, Began: day, Title: "Full", Text: "Now."}
	for range 2 {
		_, err := r.UpdateIncidents(r.ctx, day, func(known []feed.Incident) feed.Incidents {
			if len(known) > 0 {
				return feed.Incidents{}
			}
			return feed.Incidents{Save: []feed.Incident{a}}
		})
		r.must(err)
	}
	a.Updated = day
	r.wantIncidents(a)
})

var _ = behaviour("runs that broke off are found", func(r *rig) {
	for i, state := range []string{"failed", "done", "failed", "running"} {
		r.must(r.SaveRun(r.ctx, feed.Report{ID: string(rune('a' + i)), State: state, Started: day.Add(time.Duration(i) * time.Hour)}))
	}
	broken, err := r.BrokenRuns(r.ctx, day.Add(time.Minute), 10)
	r.must(err)
	if len(broken) != 1 || broken[0].ID != "c" {
		r.Errorf("found %+v", broken)
	}
	r.must(r.CheckFile(r.ctx))
})
