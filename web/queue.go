package web

import (
	"context"
	"net/http"

	"tributary/feed"
)

// queue lets so many work at once, and so many wait for them to be done. More
// are turned away: who waits costs memory, and hardly anybody waits for long.
type queue struct {
	inside chan struct{} // who works or waits
	work   chan struct{} // who works
}

func newQueue(atOnce, waiting int) *queue {
	return &queue{make(chan struct{}, atOnce+waiting), make(chan struct{}, atOnce)}
}

// errBusy is for who is turned away, or has waited for too long.
var errBusy = feed.Errorf(feed.CodeUnavailable, "Too much is asked for at once. Please try again in half a minute.")

// enter waits for one's turn, as long as ctx lasts. Who gets it must leave.
func (q *queue) enter(ctx context.Context) error {
	select {
	case q.inside <- struct{}{}:
	default:
		return errBusy
	}
	select {
	case q.work <- struct{}{}:
		return nil
	case <-ctx.Done():
		<-q.inside
		return errBusy
	}
}

func (q *queue) leave() {
	<-q.work
	<-q.inside
}

// shelf is a cache for what strangers ask for, with the queue of those for whom
// it is to be made.
type shelf struct {
	*cache
	turns *queue
}

// inTurn is document, made when it is its turn. The time to wait and to make it
// is bounded.
func (f shelf) inTurn(r *http.Request, key string, stamp int64, render func(context.Context) (*document, error)) (*document, error) {
	return f.document(key, stamp, func() (*document, error) {
		// Others may wait for the same document: it does not end with this request.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), renderTimeout)
		defer cancel()
		if err := f.turns.enter(ctx); err != nil {
			return nil, err
		}
		defer f.turns.leave()
		return render(ctx)
	})
}
