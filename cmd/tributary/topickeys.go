package main

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"os"

	"golang.org/x/term"

	"tributary/feed"
)

// keys are what a person answers with. The end of them is io.EOF.
type keys interface {
	next(ctx context.Context) (string, error)
}

// keysFrom are single keys where in is a terminal, else a letter a line.
func keysFrom(in io.Reader) keys {
	if isTerminal(in) {
		return &keyboard{terminal: in.(*os.File)}
	}
	return typedLines{bufio.NewScanner(in)}
}

// typedLines is a letter a line.
type typedLines struct{ *bufio.Scanner }

func (l typedLines) next(ctx context.Context) (string, error) {
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if !l.Scan() {
		return "", cmp.Or(l.Err(), io.EOF)
	}
	return l.Text(), nil
}

// keyboard reads single keys from a terminal.
type keyboard struct {
	terminal *os.File
	ahead    []byte // typed, and not asked for yet
}

// Keys that mean what they do when a terminal is not raw.
const (
	ctrlC = 3
	ctrlD = 4
	enter = '\r'
)

// next waits for a key. One that sends several bytes, such as an arrow, is one
// key that means nothing: its last byte is a letter, and nobody typed that.
func (k *keyboard) next(ctx context.Context) (string, error) {
	if len(k.ahead) == 0 {
		var err error
		if k.ahead, err = k.read(ctx); err != nil {
			return "", err
		}
	}
	key := k.ahead[0]
	k.ahead = k.ahead[1:]
	switch {
	case key == ctrlC:
		return "", context.Canceled
	case key == ctrlD:
		return "", io.EOF
	case key == enter || key == '\n': // who is used to it may press it
		return k.next(ctx)
	case key < ' ' || key > '~':
		k.ahead = nil
		return "", nil
	}
	return string(key), nil
}

// read waits for input. The terminal is raw only meanwhile, so that no way out of
// the program leaves it so: a signal that stops the program ends ctx.
func (k *keyboard) read(ctx context.Context) ([]byte, error) {
	fd := int(k.terminal.Fd())
	was, err := term.MakeRaw(fd)
	if err != nil {
		return nil, feed.Errorf(feed.CodeUnavailable, "the terminal gives no single keys: %w; "+
			"decide with `tributary topic accept` and `tributary topic refuse`", err)
	}
	defer func() { _ = term.Restore(fd, was) }() // it fails where the terminal is gone
	type input struct {
		typed []byte
		err   error
	}
	read := make(chan input, 1)
	go func() { // where ctx ends first, it waits on until the program ends
		typed := make([]byte, 64)
		n, err := k.terminal.Read(typed)
		read <- input{typed[:n], err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case in := <-read:
		if len(in.typed) == 0 {
			return nil, cmp.Or(in.err, io.EOF)
		}
		return in.typed, nil
	}
}
