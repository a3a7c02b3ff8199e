package web

import (
	"fmt"
	"strings"
	"time"

	"tributary/feed"
)

// chartDays is how many days the charts of sources tell of.
const chartDays = 30

// chartFrom is the first day of the charts.
func (s *Server) chartFrom() time.Time {
	return s.opt.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1-chartDays)
}

// everyDay fills in the days on which nothing happened.
func (s *Server) everyDay(days []feed.SourceDay) []feed.SourceDay {
	from := s.chartFrom()
	all := make([]feed.SourceDay, chartDays)
	for i := range all {
		all[i].Day = from.AddDate(0, 0, i)
	}
	for _, d := range days {
		if i := int(d.Day.Sub(from) / (24 * time.Hour)); i >= 0 && i < chartDays {
			all[i].Add(d)
		}
	}
	return all
}

// series is one of the numbers of a day that a chart shows.
type series struct {
	Class     string // its colour, in the style sheet
	one, many string // what it counts: "fetch failed", "fetches failed"
	of        func(feed.SourceDay) int
}

// Name is what the series counts.
func (s series) Name() string { return s.many }

// Says says a number of the series.
func (s series) Says(n int) string { return count(n, s.one, s.many) }

// What the charts of sources show, from the bottom up.
var (
	itemSeries = []series{
		{"s-published", "published", "published", func(d feed.SourceDay) int { return d.Published }},
		{"s-copies", "copy", "copies", func(d feed.SourceDay) int { return d.Copies }},
		{"s-held", "held", "held", func(d feed.SourceDay) int { return d.Held }},
		{"s-failed", "fetch failed", "fetches failed", func(d feed.SourceDay) int { return d.Failed }},
	}
	fetchSeries = []series{
		{"s-fetched", "fetched (200)", "fetched (200)", func(d feed.SourceDay) int { return d.Fetched }},
		{"s-same", "not modified (304)", "not modified (304)", func(d feed.SourceDay) int { return d.NotModified }},
		{"s-failed", "failed", "failed", func(d feed.SourceDay) int { return d.Failed }},
	}
)

// chart is a chart of stacked bars, one a day. Its template draws it as SVG and
// as a table.
type chart struct {
	ID, Title   string
	Summary     string // of all days, in words
	Series      []series
	Totals      []int // of each series
	Top         int   // the largest sum of a day, which is as high as the chart
	Days        []chartDay
	First, Last moment
	Width       int
}

// chartDay is a column of a chart and a row of its table.
type chartDay struct {
	Day    moment
	Values []int // of each series
	Empty  bool
	Says   string // "3 January: 4 published, 1 held"
	Bars   []bar
}

// bar is a rectangle. Widths and heights are in thousandths and such: the
// picture is stretched to its place.
type bar struct {
	Class               string
	X, Y, Width, Height int
}

// Sizes of a chart's picture, before it is stretched.
const (
	chartHeight = 1000
	dayWidth    = 10
	barWidth    = 8
)

// chartOf draws days.
func chartOf(id, title string, days []feed.SourceDay, shown []series) chart {
	c := chart{ID: id, Title: title, Series: shown, Totals: make([]int, len(shown)), Width: dayWidth * len(days),
		First: dayMoment(days[0].Day), Last: dayMoment(days[len(days)-1].Day)}
	values := make([][]int, len(days))
	for i, d := range days {
		values[i] = valuesOf(d, shown)
		c.Top = max(c.Top, sum(values[i]))
		for j, n := range values[i] {
			c.Totals[j] += n
		}
	}
	for i, d := range days {
		day := chartDay{Day: dayMoment(d.Day), Values: values[i], Empty: sum(values[i]) == 0}
		day.Says = day.Day.Human + ": " + inWords(values[i], shown, "nothing")
		day.Bars = stack(values[i], shown, c.Top, chartHeight, i*dayWidth+(dayWidth-barWidth)/2, barWidth)
		c.Days = append(c.Days, day)
	}
	c.Summary = inWords(c.Totals, shown, "nothing")
	return c
}

// dayMoment is a day of UTC, which the numbers are counted by.
func dayMoment(t time.Time) moment {
	return moment{t.Format("2006-01-02"), t.Format("2 January")}
}

// stack lays bars upon each other. They are cut from one column, so that
// rounding leaves no gaps.
func stack(values []int, shown []series, top, height, x, width int) []bar {
	var bars []bar
	below := 0
	for j, n := range values {
		if n == 0 {
			continue
		}
		low, high := below*height/top, (below+n)*height/top
		bars = append(bars, bar{shown[j].Class, x, height - high, width, high - low})
		below += n
	}
	return bars
}

// spark is a chart as small as a word: a path for each series.
type spark struct {
	Words  string // what it shows
	Width  int
	Height int
	Paths  []sparkPath
}

type sparkPath struct{ Class, D string }

const (
	sparkHeight   = 20
	sparkDayWidth = 3
	sparkBarWidth = 2
)

// sparkOf draws days in little room; nil if there is nothing to draw.
func sparkOf(days []feed.SourceDay, shown []series) *spark {
	top, totals := 0, make([]int, len(shown))
	for _, d := range days {
		values := valuesOf(d, shown)
		top = max(top, sum(values))
		for j, n := range values {
			totals[j] += n
		}
	}
	if top == 0 {
		return nil
	}
	paths := map[string]*strings.Builder{}
	for i, d := range days {
		for _, b := range stack(valuesOf(d, shown), shown, top, sparkHeight, i*sparkDayWidth, sparkBarWidth) {
			if paths[b.Class] == nil {
				paths[b.Class] = &strings.Builder{}
			}
			fmt.Fprintf(paths[b.Class], "M%d %dh%dv%dh-%dz", b.X, b.Y, b.Width, b.Height, b.Width)
		}
	}
	s := &spark{Words: inWords(totals, shown, ""), Width: sparkDayWidth * len(days), Height: sparkHeight}
	for _, one := range shown {
		if d := paths[one.Class]; d != nil {
			s.Paths = append(s.Paths, sparkPath{one.Class, d.String()})
		}
	}
	return s
}

func valuesOf(d feed.SourceDay, shown []series) []int {
	values := make([]int, len(shown))
	for j, one := range shown {
		values[j] = one.of(d)
	}
	return values
}

func sum(values []int) (total int) {
	for _, n := range values {
		total += n
	}
	return total
}

// inWords says numbers with the names of their series; none if all are 0.
func inWords(values []int, shown []series, none string) string {
	var parts []string
	for j, n := range values {
		if n > 0 {
			parts = append(parts, shown[j].Says(n))
		}
	}
	if len(parts) == 0 {
		return none
	}
	return strings.Join(parts, ", ")
}
