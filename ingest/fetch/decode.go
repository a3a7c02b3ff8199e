package fetch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// decoders undo content codings (RFC 9110, 8.4). The limit is on what comes
// out, so that a small body cannot fill the memory.
type decoders struct {
	limit   int64
	gzips   sync.Pool // of *gzip.Reader
	brotlis sync.Pool // of *brotli.Reader
	zstd    func() (*zstd.Decoder, error)
}

// zstdWindow is the largest window of the content coding (RFC 9659).
const zstdWindow = 8 << 20

func newDecoders(limit int64) *decoders {
	return &decoders{limit: limit, zstd: sync.OnceValues(func() (*zstd.Decoder, error) {
		// The library wants room for the window, however small the content is.
		room := uint64(max(limit, zstdWindow)) //nolint:gosec // positive
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0),
			zstd.WithDecoderMaxMemory(room), zstd.WithDecoderMaxWindow(room))
	})}
}

// maxCodings bounds how often a body may be packed.
const maxCodings = 3

// decode undoes the codings that the header's fields name, last first. The
// result is body itself if there is nothing to undo. Servers are taken at
// their bytes, not their word: a body that is said to be gzip and is not is
// left as it is, and one that is gzip though not said to be is unpacked.
func (d *decoders) decode(fields []string, body []byte) ([]byte, error) {
	codings := splitCodings(fields)
	if len(codings) > maxCodings {
		return nil, fmt.Errorf("it is packed %d times", len(codings))
	}
	out := body
	for i := len(codings) - 1; i >= 0; i-- {
		var err error
		if out, err = d.undo(codings[i], out); err != nil {
			return nil, err
		}
	}
	if isGzip(out) {
		return d.gunzip(out)
	}
	return out, nil
}

func splitCodings(fields []string) []string {
	var codings []string
	for _, field := range fields {
		for coding := range strings.SplitSeq(field, ",") {
			coding = strings.ToLower(strings.TrimSpace(coding))
			if coding != "" && coding != "identity" {
				codings = append(codings, coding)
			}
		}
	}
	return codings
}

// undo undoes one coding.
func (d *decoders) undo(coding string, body []byte) ([]byte, error) {
	if len(body) == 0 {
		return body, nil
	}
	switch coding {
	case "gzip", "x-gzip":
		if !isGzip(body) {
			return body, nil
		}
		return d.gunzip(body)
	case "br":
		return d.unbrotli(body)
	case "zstd":
		return d.unzstd(body)
	case "deflate":
		return d.inflate(body)
	}
	return nil, fmt.Errorf("its coding %q is unknown", coding)
}

func isGzip(b []byte) bool { return len(b) > 2 && b[0] == 0x1f && b[1] == 0x8b && b[2] == 8 }

func (d *decoders) gunzip(body []byte) ([]byte, error) {
	in := bytes.NewReader(body)
	z, ok := d.gzips.Get().(*gzip.Reader)
	if !ok {
		z = new(gzip.Reader)
	}
	defer d.gzips.Put(z)
	if err := z.Reset(in); err != nil {
		return nil, broken("gzip", err)
	}
	out, err := readAll(make([]byte, 0, d.gzipSize(body)), z, d.limit)
	if errors.Is(err, gzip.ErrHeader) && len(out) > 0 {
		return out, nil // something follows the end: some servers pad
	}
	return out, broken("gzip", err)
}

// gzipSize is the room to begin with: the size that the trailer tells
// (RFC 1952, 2.3.1), if it is one that deflate can reach.
func (d *decoders) gzipSize(body []byte) int64 {
	const mostPerByte = 1032
	said := int64(binary.LittleEndian.Uint32(body[max(len(body)-4, 0):][:min(len(body), 4)]))
	if said > int64(len(body))*mostPerByte {
		said = int64(len(body)) * 4
	}
	return min(said, d.limit) + 1
}

func (d *decoders) unbrotli(body []byte) ([]byte, error) {
	z, ok := d.brotlis.Get().(*brotli.Reader)
	if !ok {
		z = new(brotli.Reader)
	}
	defer d.brotlis.Put(z)
	if err := z.Reset(bytes.NewReader(body)); err != nil {
		return nil, broken("br", err)
	}
	out, err := readAll(make([]byte, 0, d.guess(body)), z, d.limit)
	return out, broken("br", err)
}

func (d *decoders) unzstd(body []byte) ([]byte, error) {
	z, err := d.zstd()
	if err != nil {
		return nil, err
	}
	out, err := z.DecodeAll(body, nil)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) || int64(len(out)) > d.limit {
		return nil, errTooLarge
	}
	return out, broken("zstd", err)
}

// inflate undoes deflate: zlib by the book (RFC 9110, 8.4.1.2), bare deflate
// from servers that read it otherwise.
func (d *decoders) inflate(body []byte) ([]byte, error) {
	var z io.ReadCloser
	var err error
	if len(body) > 1 && body[0]&0x0f == 8 && (int(body[0])<<8|int(body[1]))%31 == 0 {
		z, err = zlib.NewReader(bytes.NewReader(body))
	} else {
		z = flate.NewReader(bytes.NewReader(body))
	}
	if err != nil {
		return nil, broken("deflate", err)
	}
	defer z.Close()
	out, err := readAll(make([]byte, 0, d.guess(body)), z, d.limit)
	return out, broken("deflate", err)
}

// guess is the room to begin with where nothing tells the size.
func (d *decoders) guess(body []byte) int64 { return min(int64(len(body))*4, d.limit) + 1 }

// broken says that a coding's data are bad; size errors stay what they are.
func broken(coding string, err error) error {
	if err == nil || errors.Is(err, errTooLarge) {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("its %s data break off", coding)
	}
	return fmt.Errorf("its %s data are damaged", coding)
}
