package main

// scores are precision and recall of a clustering.
type scores struct{ precision, recall float64 }

// f1 is their harmonic mean.
func (s scores) f1() float64 {
	if s.precision+s.recall == 0 {
		return 0
	}
	return 2 * s.precision * s.recall / (s.precision + s.recall)
}

// bCubed compares a clustering with the true one, document by document (Bagga
// and Baldwin, "Entity-based cross-document coreferencing", COLING 1998).
func bCubed(got, want []string) scores {
	both, gotSize, wantSize := overlaps(got, want)
	var s scores
	for i := range got {
		n := float64(both[[2]string{got[i], want[i]}])
		s.precision += n / float64(gotSize[got[i]])
		s.recall += n / float64(wantSize[want[i]])
	}
	s.precision /= float64(len(got))
	s.recall /= float64(len(got))
	return s
}

// pairs compares which pairs of documents are together.
func pairs(got, want []string) scores {
	both, gotSize, wantSize := overlaps(got, want)
	common, found, all := 0, 0, 0
	for _, n := range both {
		common += n * (n - 1) / 2
	}
	for _, n := range gotSize {
		found += n * (n - 1) / 2
	}
	for _, n := range wantSize {
		all += n * (n - 1) / 2
	}
	return scores{ratio(common, found), ratio(common, all)}
}

// ratio is n of m, and 1 where there is nothing to count.
func ratio(n, m int) float64 {
	if m == 0 {
		return 1
	}
	return float64(n) / float64(m)
}

func overlaps(got, want []string) (both map[[2]string]int, gotSize, wantSize map[string]int) {
	both, gotSize, wantSize = map[[2]string]int{}, map[string]int{}, map[string]int{}
	for i := range got {
		both[[2]string{got[i], want[i]}]++
		gotSize[got[i]]++
		wantSize[want[i]]++
	}
	return both, gotSize, wantSize
}
