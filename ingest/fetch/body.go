package fetch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"tributary/feed"
)

// answer is what came back from one request.
type answer struct {
	status int
	header http.Header
	body   []byte // as received; in the poll's pooled buffer
}

var (
	errTimeout  = errors.New("the time for the request is over")
	errSilent   = errors.New("nothing came for too long")
	errTooLarge = errors.New("more bytes than allowed")
)

// watchdog ends a request that takes too long, or whose body dries up.
type watchdog struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	whole  *time.Timer
	idle   *time.Timer // runs while a body is read
}

func watch(ctx context.Context, left time.Duration) *watchdog {
	w := &watchdog{}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	w.whole = time.AfterFunc(left, func() { w.cancel(errTimeout) })
	return w
}

func (w *watchdog) stop() {
	w.whole.Stop()
	if w.idle != nil {
		w.idle.Stop()
	}
	w.cancel(nil)
}

// why is the watchdog's reason if it ended the request, else err.
func (w *watchdog) why(err error) error {
	if cause := context.Cause(w.ctx); cause != nil {
		return cause
	}
	return err
}

// steady reads a body, and tells the watchdog of each sign of life.
type steady struct {
	from  io.Reader
	timer *time.Timer
	limit time.Duration
}

func (s steady) Read(b []byte) (int, error) {
	n, err := s.from.Read(b)
	if n > 0 {
		s.timer.Reset(s.limit)
	}
	return n, err
}

const (
	errorPageBytes = 64 << 10 // read of an error page, to see whether it is a challenge
	redirectBytes  = 4 << 10  // read of a redirect's body, so that the connection can be used again
	keepBuffer     = 1 << 20  // larger buffers are not pooled
)

// receive reads an answer's body, as far as it is wanted, and closes it.
func (p *poll) receive(w *watchdog, resp *http.Response) (answer, error) {
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	wanted := resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusNonAuthoritativeInfo
	limit := int64(errorPageBytes)
	switch {
	case wanted:
		limit = p.c.options.MaxBytes
	case isRedirect(resp.StatusCode):
		limit = redirectBytes
	case resp.StatusCode == http.StatusNotModified:
		return a, nil
	}
	if wanted {
		if err := p.wanted(resp.Header); err != nil {
			return a, err
		}
		if resp.ContentLength > limit {
			return a, p.tooLarge()
		}
	}
	w.idle = time.AfterFunc(p.c.idle, func() { w.cancel(errSilent) })
	buf, err := readAll(p.buffer(resp.ContentLength, limit), steady{resp.Body, w.idle, p.c.idle}, limit)
	p.buf, a.body = buf, buf
	p.r.Bytes += int64(len(buf))
	if err == nil || !wanted {
		return a, nil
	}
	if errors.Is(err, errTooLarge) {
		return a, p.tooLarge()
	}
	return a, bodyError(p.r.Host, w.why(err), len(buf), p.c.idle, p.c.options.Timeout)
}

// buffer is a pooled buffer with room for a body of a length (-1: unknown).
func (p *poll) buffer(length, limit int64) []byte {
	buf := p.buf
	if buf == nil {
		if pooled, ok := p.c.buffers.Get().(*[]byte); ok {
			buf = *pooled
		}
	}
	// One byte more than the body: to see its end without growing. A length is
	// only a claim: not much is set aside for it.
	return slices.Grow(buf[:0], int(min(max(length, 4<<10), limit, keepBuffer-1))+1)
}

// recycle gives the buffer back.
func (p *poll) recycle() {
	if buf := p.buf; buf != nil && cap(buf) <= keepBuffer {
		p.c.buffers.Put(&buf)
	}
}

// readAll appends all of r to buf, or returns errTooLarge, with what was read,
// once there is more than limit.
func readAll(buf []byte, r io.Reader, limit int64) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, 1)
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return buf[:limit], errTooLarge
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		}
	}
}

// decode is an answer's body without its content codings, in memory of its own.
func (p *poll) decode(a answer) ([]byte, error) {
	body, err := p.c.decoders.decode(a.header.Values("Content-Encoding"), a.body)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, p.tooLarge()
	case err != nil:
		return nil, unavailable(err, "%s sent a body that cannot be unpacked: %s", p.r.Host, err)
	case len(body) == 0 || &body[0] != &p.buf[0]:
		return body, nil
	case cap(p.buf) > keepBuffer:
		p.buf = nil // handed over, since it would not go back to the pool
		return body, nil
	}
	return bytes.Clone(body), nil
}

func (p *poll) tooLarge() error {
	return feed.Errorf(feed.CodeTooLarge, "the document of %s is larger than %s, unpacked", p.r.Host, bytesText(p.c.options.MaxBytes))
}
