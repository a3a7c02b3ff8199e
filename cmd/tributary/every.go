package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"tributary/scheduler"
)

// parseEvery reads how often a source is asked: an interval or a cron line.
func parseEvery(v string) (string, error) {
	if err := wrongField(v); err != nil {
		return "", err
	}
	_, err := scheduler.ParseEvery(v, time.UTC)
	return v, err
}

// parseSchedule reads when the sources are looked at: a cron line.
func parseSchedule(v string) (string, error) {
	if _, err := time.ParseDuration(v); err == nil || v == "" {
		return "", fmt.Errorf("%q is not a cron line; %s", v, rightCron)
	}
	return parseEvery(v)
}

// rightCron says what a cron line looks like.
const rightCron = `write five fields (minute hour day month weekday) such as "*/15 * * * *"`

// cronFields are the fields of a cron line and what may stand there.
var cronFields = []struct{ name, right string }{
	{"minute", "0–59"},
	{"hour", "0–23"},
	{"day of the month", "1–31"},
	{"month", "1–12 or jan–dec"},
	{"weekday", "0–6 or sun–sat, with Sunday as 0"},
}

// wrongField names the field of a cron line that cannot be read. The cron
// library says what is wrong with it but not which it is.
func wrongField(line string) error {
	fields := strings.Fields(line)
	if len(fields) != len(cronFields) || strings.Contains(fields[0], "=") {
		return nil // not a cron line, or one that scheduler.ParseEvery knows better
	}
	for i, f := range fields {
		alone := []string{"*", "*", "*", "*", "*"}
		alone[i] = f
		if _, err := cron.ParseStandard(strings.Join(alone, " ")); err != nil {
			return fmt.Errorf("%q: %s %s is out of range or malformed (%s); %s", line, cronFields[i].name, f, cronFields[i].right, rightCron)
		}
	}
	return nil
}

// schedule is the main schedule. It was checked when the configuration was
// read, so that it can be read again.
func (c Config) schedule() cron.Schedule {
	s, err := scheduler.ParseEvery(c.Schedule, c.TimeZone)
	if err != nil {
		panic("unchecked schedule: " + err.Error())
	}
	return s
}

// nextRun is when the schedule next fires after now.
func (c Config) nextRun(now time.Time) time.Time { return c.schedule().Next(now.In(c.TimeZone)) }

// refresh is how often the feed's documents may change: the time between two
// runs, within reason. The documents say it, so it is asked for one time always: a
// schedule with pauses must not have replicas that began at other times say different things.
func (c Config) refresh(now time.Time) time.Duration {
	first := c.nextRun(now)
	return min(max(c.nextRun(first).Sub(first), time.Minute), time.Hour)
}
