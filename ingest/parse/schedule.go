package parse

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"tributary/feed"
)

// maxInterval bounds what a feed may ask for: some say "ttl 525600".
const maxInterval = 7 * 24 * time.Hour

// schedule reads what an RSS feed asks of its pollers: ttl in minutes
// (RSS 2.0), sy:updatePeriod and sy:updateFrequency (RSS 1.0 Syndication
// module), skipHours and skipDays.
func schedule(ch *feed.Channel, ttl, period, frequency string, hours, days []string) {
	if n, err := strconv.Atoi(strings.TrimSpace(ttl)); err == nil && n > 0 {
		ch.MinInterval = atMost(float64(n) * float64(time.Minute))
	}
	ch.MinInterval = max(ch.MinInterval, syndication(period, frequency))
	for _, h := range hours {
		n, err := strconv.Atoi(strings.TrimSpace(h))
		if err == nil && n >= 0 && n <= 24 && !slices.Contains(ch.SkipHours, n%24) {
			ch.SkipHours = append(ch.SkipHours, n%24) // RSS 0.91 counts from 1 to 24
		}
	}
	for _, d := range days {
		for w := time.Sunday; w <= time.Saturday; w++ {
			if strings.EqualFold(strings.TrimSpace(d), w.String()) && !slices.Contains(ch.SkipDays, w) {
				ch.SkipDays = append(ch.SkipDays, w)
			}
		}
	}
}

func atMost(d float64) time.Duration {
	return time.Duration(min(d, float64(maxInterval)))
}

// syndication is the period divided by how often in it; a period without a
// frequency is once, a frequency without a period is per day.
func syndication(period, frequency string) time.Duration {
	if strings.TrimSpace(period) == "" && strings.TrimSpace(frequency) == "" {
		return 0
	}
	times, err := strconv.ParseFloat(strings.TrimSpace(frequency), 64)
	if err != nil || !(times >= 1) {
		times = 1
	}
	const day = float64(24 * time.Hour)
	switch strings.ToLower(strings.TrimSpace(period)) {
	case "hourly":
		return atMost(float64(time.Hour) / times)
	case "daily", "":
		return atMost(day / times)
	case "weekly":
		return atMost(7 * day / times)
	case "monthly":
		return atMost(30 * day / times)
	case "yearly":
		return atMost(365 * day / times)
	}
	return 0
}
