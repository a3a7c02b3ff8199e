package web

import (
	"html/template"
	"strings"
	"testing"
	"time"

	"tributary/feed"
)

// days are some of a source's days up to noon, as a store gives them.
func days(sourceID int64) []feed.SourceDay {
	return []feed.SourceDay{
		{SourceID: sourceID, Day: at(time.December, 8, 0, 0), Published: 1, Fetched: 1},
		{SourceID: sourceID, Day: at(time.December, 20, 0, 0), Published: 4, Copies: 2, Held: 1, Fetched: 5, NotModified: 18},
		{SourceID: sourceID, Day: at(time.December, 21, 0, 0), NotModified: 24},
		{SourceID: sourceID, Day: at(time.January, 5, 0, 0), Failed: 3, NotModified: 20},
		{SourceID: sourceID, Day: at(time.January, 6, 0, 0), Published: 2, Held: 5, Rejected: 1, Fetched: 3, Failed: 1},
	}
}

func TestChartsAreAsDrawn(t *testing.T) {
	srv := newServer(t, openStore(t))
	draw := template.Must(srv.pages["source"].Lookup("chart").Clone())
	for name, c := range map[string]chart{
		"chart-items.svg.html":   chartOf("items", "Entries by day", srv.everyDay(days(1)), itemSeries),
		"chart-fetches.svg.html": chartOf("fetches", "Fetches by day", srv.everyDay(days(1)), fetchSeries),
	} {
		var out strings.Builder
		must(t, draw.ExecuteTemplate(&out, "chart", c))
		golden(t, name, out.String()+"\n")
		if strings.Contains(out.String(), "style=") {
			t.Errorf("%s has a style that the browser will not take", name)
		}
	}
}

func TestBarsFillTheChartWithoutGaps(t *testing.T) {
	for _, values := range [][]int{{1, 0, 0, 0}, {1, 1, 1, 0}, {3, 7, 11, 13}, {1, 999, 1, 1}, {0, 0, 0, 2}} {
		bars := stack(values, itemSeries, sum(values), chartHeight, 0, barWidth)
		bottom := chartHeight
		for _, b := range bars {
			if b.Y+b.Height != bottom || b.Height < 0 {
				t.Errorf("%v: %+v leaves a gap", values, bars)
			}
			bottom = b.Y
		}
		if bottom != 0 {
			t.Errorf("%v: the highest column ends at %d", values, bottom)
		}
	}
}

func TestDaysOutsideTheChartAreLeftOut(t *testing.T) {
	srv := newServer(t, openStore(t))
	all := srv.everyDay([]feed.SourceDay{
		{Day: srv.chartFrom().AddDate(0, 0, -1), Published: 1}, {Day: srv.chartFrom(), Published: 2},
		{Day: at(time.January, 6, 0, 0), Published: 4}, {Day: at(time.January, 7, 0, 0), Published: 8},
	})
	c := chartOf("x", "x", all, itemSeries)
	if len(all) != chartDays || c.Totals[0] != 6 || c.Last.Machine != "2026-01-06" || c.First.Machine != "2025-12-08" {
		t.Errorf("%d days, %v, from %s to %s", len(all), c.Totals, c.First.Machine, c.Last.Machine)
	}
}

func TestASparkIsSmall(t *testing.T) {
	srv := newServer(t, openStore(t))
	if sparkOf(srv.everyDay(nil), itemSeries) != nil {
		t.Error("nothing is drawn")
	}
	full := srv.everyDay(nil)
	for i := range full {
		full[i].Published, full[i].Copies, full[i].Held, full[i].Failed = i+1, 3, i%5+1, 1
	}
	size := 0
	for _, p := range sparkOf(full, itemSeries).Paths {
		size += len(p.D)
	}
	if size > 2500 {
		t.Errorf("a full month takes %d bytes", size)
	}
}
