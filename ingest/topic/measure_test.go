package topic

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tributary/ingest/words"
)

var (
	draws = flag.Int("draws", 1, "how often seeds are drawn of each Reuters topic, and of how many topics all are measured: 10 is the full measure")
	from  = flag.Int("from", 3000, "first document of the Reuters stream")
)

// counted is how many documents before a stream are counted, as the first run
// of a new installation counts what its sources list before it scores.
const counted = 300

// underRace tells that the race detector is on, with which nothing is measured:
// the package has no goroutines, and it takes ten times as long.
var underRace bool

const shared = "../../../shared/"

// row is a document of a labelled collection.
type row struct {
	ID        string   `json:"id"`
	Title     string   `json:"title"`
	Text      string   `json:"text"`
	Published string   `json:"published"`
	Topics    []string `json:"topics"`
	Relevant  bool     `json:"relevant"`
	title     words.Text
	text      words.Text
	bag       Bag
}

func (r *row) document() Document { return Document{ID: r.ID, Title: r.Title, Bag: r.bag} }
func (r *row) seed() Document     { return Seed(r.ID, r.title, r.text, "") }

func readRows(t testing.TB, path string) []*row {
	t.Helper()
	if underRace {
		t.Skip("measured without the race detector: make test does that afterwards")
	}
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("%s is absent: nothing is measured", path)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	var rows []*row
	for lines.Scan() {
		r := &row{}
		if err := json.Unmarshal(lines.Bytes(), r); err != nil {
			t.Fatalf("%s, line %d: %v", path, len(rows)+1, err)
		}
		r.title, r.text = words.Split(r.Title), words.Split(r.Text)
		r.bag = Read(r.title, r.text, "")
		rows = append(rows, r)
	}
	return rows
}

// figures are what is measured of a stream.
type figures struct{ n, precision, recall, f1, ap, best, doubtful float64 }

func measure(scores []float64, relevant []bool) figures {
	order := make([]int, len(scores))
	all := 0.0
	for i := range order {
		order[i] = i
		if relevant[i] {
			all++
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	f := figures{n: all}
	hits, on, right := 0.0, 0.0, 0.0
	for k, i := range order {
		if relevant[i] {
			hits++
			f.ap += hits / float64(k+1) / all
		}
		f.best = max(f.best, 2*hits/(float64(k+1)+all))
		if scores[i] >= Threshold {
			on++
			right = hits
		} else if scores[i] >= Threshold-margin {
			f.doubtful++
		}
	}
	f.precision, f.recall, f.f1 = right/max(on, 1), right/all, 2*right/(on+all)
	return f
}

func (f figures) String() string {
	return fmt.Sprintf("n=%.0f precision=%.3f recall=%.3f f1=%.3f ap=%.3f (best f1 %.3f, %.0f doubtful)", f.n, f.precision, f.recall, f.f1, f.ap, f.best, f.doubtful)
}

// cosine scores a stream by the cosine to the seeds' centroid, with document
// frequencies of the whole stream, known beforehand.
func cosine(seeds []Document, stream []*row) []float64 {
	var docs []Document
	for _, r := range stream {
		docs = append(docs, r.document())
	}
	counts := map[string]float64{}
	for _, d := range docs {
		for _, t := range d.Terms {
			counts[t.Key]++
		}
	}
	vector := func(b Bag) map[string]float64 {
		v, sum := map[string]float64{}, 0.0
		for _, t := range b.Terms {
			v[t.Key] = (1 + math.Log(t.Count)) * math.Log((1+float64(len(docs)))/(1+counts[t.Key]))
			sum += v[t.Key] * v[t.Key]
		}
		for k := range v {
			v[k] /= math.Sqrt(sum) + 1e-9
		}
		return v
	}
	centroid := map[string]float64{}
	for _, s := range seeds {
		for k, w := range vector(s.Bag) {
			centroid[k] += w
		}
	}
	scores := make([]float64, len(docs))
	for i, d := range docs {
		for k, w := range vector(d.Bag) {
			scores[i] += w * centroid[k]
		}
	}
	return scores
}

// run scores a stream as it comes, with a new profile of what came before on each
// new day of it, and while little has come when there is half as much again, as
// the pipeline makes them.
func run(seeds []Document, before, stream []*row) []float64 {
	recent := documents(before)
	scores := make([]float64, len(stream))
	var p Profile
	day := ""
	for i, r := range stream {
		has := p.Background.Entries
		thin := has < 1000 && len(recent) >= max(has*3/2, 50)
		if d, _, _ := strings.Cut(strings.TrimSpace(r.Published), " "); d != day || i == 0 || thin {
			day = d
			p = Learn(Material{Seeds: seeds, Recent: recent[max(0, len(recent)-3000):]})
		}
		scores[i] = p.Score(r.bag).Value
		recent = append(recent, r.document())
	}
	return scores
}

// static scores a stream with one profile, learned from other entries. The same
// entries make it the first run, which counts first what it scores.
func static(seeds []Document, recent, stream []*row) []float64 {
	p := Learn(Material{Seeds: seeds, Recent: documents(recent)})
	scores := make([]float64, len(stream))
	for i, r := range stream {
		scores[i] = p.Score(r.bag).Value
	}
	return scores
}

func documents(rows []*row) (out []Document) {
	for _, r := range rows {
		out = append(out, r.document())
	}
	return out
}

var reutersTopics = []string{"earn", "acq", "money-fx", "grain", "crude", "trade", "interest", "wheat", "ship", "corn"}

// draw draws seeds of a topic from what came before the stream.
func draw(rows []*row, topic string, size, n int) []Document {
	var candidates []*row
	for _, r := range rows {
		if slices.Contains(r.Topics, topic) {
			candidates = append(candidates, r)
		}
	}
	var seeds []Document
	for _, i := range rand.New(rand.NewSource(int64(n))).Perm(len(candidates))[:size] {
		seeds = append(seeds, candidates[i].seed())
	}
	return seeds
}

// TestReutersTopics measures topics of very different frequency (0.6 to 30 in 100),
// beside the cosine to the seeds' centroid with its best threshold by hindsight.
// In short it measures three of the topics on a part of the stream.
func TestReutersTopics(t *testing.T) {
	rows := readRows(t, shared+"corpora/labelled/topics-reuters-train.jsonl")
	topics, length := reutersTopics, 3000
	if *draws == 1 {
		topics, length = []string{"grain", "crude", "interest"}, 1500
	}
	stream := rows[*from : *from+length]
	for _, size := range []int{2, 5} {
		var all, theirs figures
		for k, topic := range topics {
			relevant := make([]bool, len(stream))
			for i, r := range stream {
				relevant[i] = slices.Contains(r.Topics, topic)
			}
			var of, cos figures
			for n := range *draws {
				seeds := draw(rows[:3000], topic, size, n*100+k)
				of.add(measure(run(seeds, rows[*from-counted:*from], stream), relevant), float64(*draws))
				cos.add(measure(cosine(seeds, stream), relevant), float64(*draws))
			}
			t.Logf("topic %s seeds=%d %v, cosine: best f1=%.3f ap=%.3f", topic, size, of, cos.best, cos.ap)
			all.add(of, float64(len(topics)))
			theirs.add(cos, float64(len(topics)))
		}
		t.Logf("topic MACRO seeds=%d %v, cosine: best f1=%.3f ap=%.3f; ap ×%.2f f1 ×%.2f", size, all, theirs.best, theirs.ap, all.ap/theirs.ap, all.f1/theirs.best)
		if all.ap < 1.1*theirs.ap || all.f1 < 0.85*theirs.best {
			t.Errorf("%d seeds: average precision is %.3f, cosine's %.3f; f1 is %.3f, cosine's %.3f", size, all.ap, theirs.ap, all.f1, theirs.best)
		}
	}
}

// add adds a part of other figures.
func (f *figures) add(g figures, of float64) {
	f.n += g.n / of
	f.precision += g.precision / of
	f.recall += g.recall / of
	f.f1 += g.f1 / of
	f.ap += g.ap / of
	f.best += g.best / of
	f.doubtful += g.doubtful / of
}

func ukraineSeeds(t testing.TB) []Document {
	t.Helper()
	var seeds []Document
	for _, name := range []string{"000_e3a0e206cf63d5d6.txt", "002_b0d05918960f3062.txt"} {
		text, err := os.ReadFile(shared + "seeds/" + name)
		if err != nil {
			t.Skip("the seeds are absent: nothing is measured")
		}
		title, body, _ := strings.Cut(string(text), "\n")
		if len(title) > 150 {
			title, body = "", string(text)
		}
		seeds = append(seeds, Seed(name, words.Split(title), words.Split(body), ""))
	}
	return seeds
}

// TestUkraineAmongReuters has the real seeds find another phase of the same
// conflict, in three situations.
func TestUkraineAmongReuters(t *testing.T) {
	seeds := ukraineSeeds(t)
	positives := readRows(t, shared+"corpora/labelled/topic-ukraine-positives.jsonl")
	rows := readRows(t, shared+"corpora/labelled/topics-reuters-train.jsonl")
	var stream []*row
	next := 0
	for i, r := range rows[3000:6000] {
		stream = append(stream, r)
		for ; next < len(positives) && next*3000/len(positives) <= i; next++ {
			p := *positives[next]
			p.Published, p.Relevant = r.Published, true
			stream = append(stream, &p)
		}
	}
	for _, tt := range []struct {
		name              string
		scores            []float64
		precision, recall float64
	}{
		{"a new profile each day", run(seeds, rows[3000-counted:3000], stream), 0.95, 0.80},
		{"counted before it is scored", static(seeds, stream, stream), 0.95, 0.80},
		{"never seen before", static(seeds, rows[6000:9000], stream), 0.95, 0.70},
	} {
		f := measure(tt.scores, relevance(stream))
		t.Log(tt.name, f)
		show(t, tt.scores, stream, 5)
		if f.precision < tt.precision || f.recall < tt.recall {
			t.Errorf("%s: precision is %.3f, recall %.3f", tt.name, f.precision, f.recall)
		}
	}
}

func relevance(stream []*row) []bool {
	out := make([]bool, len(stream))
	for i, r := range stream {
		out[i] = r.Relevant
	}
	return out
}

// show logs the worst mistakes.
func show(t *testing.T, scores []float64, stream []*row, n int) {
	var wrong []int
	for i := range scores {
		if (scores[i] >= Threshold) != stream[i].Relevant {
			wrong = append(wrong, i)
		}
	}
	slices.SortStableFunc(wrong, func(a, b int) int { return cmp.Compare(math.Abs(scores[b]-.5), math.Abs(scores[a]-.5)) })
	for _, i := range wrong[:min(n, len(wrong))] {
		t.Logf("  %.2f %v %s", scores[i], stream[i].Relevant, stream[i].Title)
	}
}

// TestShortTexts measures a general news day of titles and short summaries, made
// up for it: one in 23 is relevant, and many of the others name the same
// presidents, capitals and armies.
func TestShortTexts(t *testing.T) {
	seeds := ukraineSeeds(t)
	stream := readRows(t, "testdata/short.jsonl")
	relevant := relevance(stream)
	t.Log("cosine to the centroid", measure(cosine(seeds, stream), relevant))
	t.Log("nothing counted", measure(static(seeds, nil, stream), relevant))
	t.Log("amid 978 older news", measure(static(seeds, append(olderNews(t), stream...), stream), relevant))
	scores := static(seeds, stream, stream)
	f := measure(scores, relevant)
	t.Log("counted before it is scored", f)
	show(t, scores, stream, 20)
	if f.f1 < 0.75 || f.ap < 0.75 {
		t.Errorf("f1 is %.3f, average precision %.3f", f.f1, f.ap)
	}
}

// olderNews are other news, cut to be as short.
func olderNews(t *testing.T) (out []*row) {
	for _, name := range []string{"stories-ecb", "stories-wikinews"} {
		for _, r := range readRows(t, shared+"corpora/labelled/"+name+".jsonl") {
			ws := r.text.Words
			r.text.Words = ws[min(len(ws), 20):min(len(ws), 45)]
			r.bag = Read(r.title, r.text, "")
			r.ID = name + r.ID
			out = append(out, r)
		}
	}
	return out
}

func TestTheShippedSeedsFindTheirTopic(t *testing.T) {
	names, err := filepath.Glob("../../seeds/*")
	if err != nil {
		t.Fatal(err)
	}
	var seeds []Document
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, Seed(name, words.Text{}, words.Split(tags.ReplaceAllString(string(text), " ")), ""))
	}
	stream := readRows(t, "testdata/short.jsonl")
	f := measure(static(seeds, stream, stream), relevance(stream))
	t.Log("all", len(seeds), "seeds", f)
	if f.f1 < 0.70 || f.ap < 0.70 {
		t.Errorf("f1 is %.3f, average precision %.3f", f.f1, f.ap)
	}
}

var tags = regexp.MustCompile(`<[^>]*>`)
