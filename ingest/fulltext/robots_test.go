package fulltext

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// The cases are those of RFC 9309, sections 2.2 and 5, in our own words.
func TestRobotsSayWhatMayBeAskedFor(t *testing.T) {
	for _, c := range []struct{ name, robots, path, want string }{
		{"nothing is forbidden where nothing is said", "", "/a", "yes"},
		{"a group for all holds for us", "User-agent: *\nDisallow: /a", "/a/b", "no"},
		{"others' groups do not", "User-agent: other\nDisallow: /", "/a", "yes"},
		{"our own group comes before that for all", "User-agent: *\nDisallow: /\n\nUser-agent: tributary\nDisallow: /x", "/a", "yes"},
		{"names have no case, and may have a version", "User-Agent: TRIBUTARY/2.0\nDisallow: /", "/a", "no"},
		{"the beginning of our name is not our name", "User-agent: Tri\nDisallow: /", "/a", "yes"},
		{"several names share a group", "User-agent: x\nUser-agent: tributary\nDisallow: /", "/a", "no"},
		{"our groups are one", "User-agent: tributary\nDisallow: /a\n\nUser-agent: x\nDisallow: /\n\nUser-agent: tributary\nDisallow: /b", "/b", "no"},
		{"other lines do not end a group's names", "User-agent: tributary\nSitemap: https://x.example/s\nUser-agent: x\nDisallow: /", "/a", "no"},
		{"the longest rule decides", "User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", "yes"},
		{"of equal ones that which allows", "User-agent: *\nDisallow: /page\nAllow: /page", "/page", "yes"},
		{"an empty rule says nothing", "User-agent: *\nDisallow:", "/a", "yes"},
		{"a star is anything", "User-agent: *\nDisallow: /*/private", "/x/y/private/z", "no"},
		{"a pattern begins where the path does", "User-agent: *\nDisallow: /b*c", "/a/b-c", "yes"},
		{"a dollar is the end", "User-agent: *\nDisallow: /*.pdf$", "/a.pdf?x", "yes"},
		{"a dollar is the end, reached", "User-agent: *\nDisallow: /*.pdf$", "/a.pdf.pdf", "no"},
		{"the query counts", "User-agent: *\nDisallow: /*?print=", "/a?print=1", "no"},
		{"escapes are the same as what they stand for", "User-agent: *\nDisallow: /%7Ejoe/caf%c3%a9", "/~joe/café", "no"},
		{"an escaped slash is none", "User-agent: *\nDisallow: /a%2Fb", "/a/b", "yes"},
		{"robots.txt itself is always allowed", "User-agent: *\nDisallow: /", "/robots.txt", "yes"},
		{"rules before any name are nobody's", "Disallow: /\nUser-agent: x\nDisallow: /", "/a", "yes"},
		{"odd lines are passed over", "<html>\nUser-agent *\n\x00\nUser-agent: *\nCrawl-delay: soon\nDisallow: /a # comment", "/a", "no"},
		{"old Macs end lines otherwise", "User-agent: *\rDisallow: /a\r", "/a", "no"},
		{"a mark at the beginning is no text", "\ufeffUser-agent: *\nDisallow: /a", "/a", "no"},
	} {
		u, err := url.Parse("https://x.example" + c.path)
		if err != nil {
			t.Fatal(err)
		}
		if got := ParseRobots([]byte(c.robots), "Tributary").Allow(u); got != (c.want == "yes") {
			t.Errorf("%s: Allow(%s) = %v", c.name, c.path, got)
		}
	}
}

func TestRobotsOfAnyLengthAreReadInTime(t *testing.T) {
	start := time.Now()
	u, _ := url.Parse("https://x.example/" + strings.Repeat("a", 2000))
	ParseRobots([]byte("User-agent: *\n"+strings.Repeat("Disallow: /"+strings.Repeat("*a", 20)+"b$\n", 20_000)), "Tributary").Allow(u)
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestCrawlDelay(t *testing.T) {
	for said, want := range map[string]time.Duration{"10": 10 * time.Second, "0.5": time.Second / 2, "-1": 0, "1e99": maxDelay, "x": 0, "NaN": 0} {
		if got := ParseRobots([]byte("User-agent: *\nCrawl-delay: "+said), "Tributary").Delay; got != want {
			t.Errorf("Crawl-delay %s is %s, want %s", said, got, want)
		}
	}
}

func FuzzRobots(f *testing.F) {
	f.Add("User-agent: *\nDisallow: /a*b$\nAllow: /%zz", "/a/b?c")
	f.Fuzz(func(t *testing.T, robots, path string) {
		u, err := url.Parse("https://x.example/" + path)
		if err != nil {
			return
		}
		r := ParseRobots([]byte(robots), "Tributary")
		if r.Allow(u) != r.Allow(u) || r.Delay < 0 || r.Delay > maxDelay {
			t.Error("it is of two minds")
		}
	})
}
