package topic

import "math"

// How logistic regression goes.
const (
	epochs       = 8
	pull         = 6   // weights begin at, and are drawn to, the centre times this
	decay        = 0.5 // towards it, an epoch, times the step
	seedTimes    = 10  // a seed, or what a person decided, counts as ten entries
	startingBias = -4
	firstStep    = 2 // of the descent; it becomes shorter
)

// fit learns a model by gradient descent in a fixed order, with the seeds of
// one part left out: maximum a posteriori logistic regression whose prior is
// the seeds' centre.
func (l *learner) fit(without int, labels []float64) model {
	centre := l.centre(without)
	d := descent{change: make([]float64, len(l.keys)), factor: 1, centre: centre, bias: startingBias}
	for epoch := range epochs {
		d.step = firstStep / (1 + 0.3*float64(epoch))
		l.epoch(&d, without, labels)
		d.factor *= 1 - min(0.5, decay*d.step)
	}
	w := make([]float64, len(l.keys))
	for t := range w {
		w[t] = pull*centre[t] + d.factor*d.change[t]
	}
	return model{weights: w, bias: d.bias}
}

// epoch goes once through the entries, and ten times, in between, through what
// people gave.
func (l *learner) epoch(d *descent, without int, labels []float64) {
	for turn := range seedTimes {
		from, to := turn*len(l.recent)/seedTimes, (turn+1)*len(l.recent)/seedTimes
		for i := from; i < to; i++ {
			d.learn(l.recent[i], labels[i])
		}
		for i, x := range l.seeds {
			if l.part(i) != without {
				d.learn(x, 1)
			}
		}
		for _, x := range l.accepted {
			d.learn(x, 1)
		}
		for _, x := range l.rejected {
			d.learn(x, 0)
		}
	}
}

// descent is the state of gradient descent: the weights are pull·centre +
// factor·change.
type descent struct {
	centre, change []float64
	factor, bias   float64
	step           float64
}

// learn takes a step towards scoring a text as one that is on topic with such a
// likelihood.
func (d *descent) learn(x []feature, likely float64) {
	s := d.bias
	for _, f := range x {
		s += (pull*d.centre[f.term] + d.factor*d.change[f.term]) * f.weight
	}
	e := 1/(1+math.Exp(-s)) - likely
	d.bias -= 0.1 * d.step * e
	e *= d.step / d.factor
	for _, f := range x {
		d.change[f.term] -= e * f.weight
	}
}
