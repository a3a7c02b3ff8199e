package store_test
import ("testing";"fmt";"context";"tributary/store";"tributary/feed";"time";"os";"strings";"path/filepath")
func TestXScale(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background()); defer cancel()
	dir, _ := os.MkdirTemp("/tmp", "wscale"); defer os.RemoveAll(dir)
	s, err := store.Open(ctx, store.Options{Path: filepath.Join(dir, "x.db")})
	if err != nil { t.Fatal(err) }
	defer s.Close()
	sources := addBenchSources(t, s, 10000)
	rss := func() string { b, _ := os.ReadFile("/proc/self/status"); for _, l := range strings.Split(string(b), "\n") { if strings.HasPrefix(l, "VmHWM") { return l } }; return "" }
	fmt.Println(rss())
	start := cpu(); n := 0; held := os.Getenv("HELD") != ""
	for i := 0; i < len(sources); i += 64 {
		err := s.Write(ctx, func(t *store.Tx) error {
			for j := i; j < min(i+64, len(sources)); j++ {
				var es []*feed.Entry; var is []*feed.Item
				for k := range 100 { e := benchEntry(sources[j].ID, k); e.Content = e.Content[:300]; es = append(es, e); is = append(is, benchItem(e, k)); n++ 
				if held { e.Decision.Kind = feed.Held } }
				if held { if err := t.InsertEntries(ctx, es); err != nil { return err }; continue }
				if err := ingestSource(ctx, t, sources[j], es, is); err != nil { return err }
			}
			_, err := t.Admit(ctx, nil, benchDay)
			return err
		})
		if err != nil { t.Fatal(err) }
		if (i/64)%20 == 0 { fmt.Println(n, float64((cpu()-start).Microseconds())/float64(n), rss()) }
	}
	w := time.Now(); tot, _ := s.Totals(ctx); fmt.Println("totals", tot, time.Since(w))
	w = time.Now(); x, _ := s.Window(ctx); fmt.Println("window", len(x), time.Since(w))
	w = time.Now(); x, _ = s.Window(ctx); fmt.Println("window", len(x), time.Since(w))
	w = time.Now(); y, _ := s.Sources(ctx); fmt.Println("sources", len(y), time.Since(w))
	w = time.Now(); s.Listed(ctx, 5000); fmt.Println("listed", time.Since(w))
	w = time.Now(); s.Change(ctx); fmt.Println("change", time.Since(w))
	w = time.Now(); fmt.Println("check", s.Check(ctx), time.Since(w))
	fmt.Println(rss())
	fi, _ := os.Stat(filepath.Join(dir, "x.db")); fmt.Println(fi.Size()>>20, "MB")
}
