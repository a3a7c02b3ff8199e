package web

import "time"

// spoken says a moment as people do who look at it now; a day that has no hour without one.
func (s *Server) spoken(m moment) string {
	if day, err := time.Parse(time.DateOnly, m.Machine); err == nil {
		return spoken(day, s.now(), false)
	}
	t, err := time.Parse(time.RFC3339, m.Machine)
	if err != nil {
		return m.Human
	}
	return spoken(t.In(s.opt.Location), s.now(), true)
}

// spoken says a time as people do who look at it now: "today, 14:05",
// "Tuesday, 14:05", "30 December". It is true until midnight: pages that say so
// are made anew each day (see today).
func spoken(t, now time.Time, clock bool) string {
	hour := ""
	if clock {
		hour = t.Format(", 15:04")
	}
	switch days := daysBetween(t, now); {
	case days == 0:
		return "today" + hour
	case days == 1:
		return "yesterday" + hour
	case days > 1 && days < 7:
		return t.Format("Monday") + hour
	case days == -1:
		return "tomorrow" + hour
	case days < 0:
		return t.Format("2 January 2006") + hour
	case t.Year() == now.Year():
		return t.Format("2 January")
	}
	return t.Format("2 January 2006")
}

// daysBetween is how many days after t's date now's is, each in its own time zone.
func daysBetween(t, now time.Time) int {
	midnight := func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	return int(midnight(now).Sub(midnight(t)) / (24 * time.Hour))
}

// today is the present day in the site's time zone.
func (s *Server) today() string { return s.now().Format(time.DateOnly) }

// now is the present time in the site's time zone.
func (s *Server) now() time.Time { return s.opt.Now().In(s.opt.Location) }

// zone names the site's time zone.
func (s *Server) zone() string {
	if name := s.opt.Location.String(); name != "Local" {
		return name
	}
	return s.now().Format("MST")
}
