package feed

import "testing"

// A window of 100 items of about 5 KB each, within the budget.
func BenchmarkRenderWindow(b *testing.B) {
	items := longItems(100, 5000)
	for _, f := range formats {
		b.Run(f.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(f.must(b, fixtureSite(base), items))))
			for b.Loop() {
				f.must(b, fixtureSite(base), items)
			}
		})
	}
}

// The same window with 20 KB each: twice over the budget, so rendered twice.
func BenchmarkRenderWindowOverBudget(b *testing.B) {
	items := longItems(100, 20_000)
	for _, f := range formats {
		b.Run(f.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(f.must(b, fixtureSite(base), items))))
			for b.Loop() {
				f.must(b, fixtureSite(base), items)
			}
		})
	}
}
