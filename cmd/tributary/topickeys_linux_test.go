package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/term"
)

// pseudoTerminal is a terminal and the end that a person sits at.
func pseudoTerminal(t *testing.T) (person, terminal *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminal here:", err)
	}
	var locked, number int32
	for request, arg := range map[uintptr]*int32{syscall.TIOCSPTLCK: &locked, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, person.Fd(), request, uintptr(unsafe.Pointer(arg))); errno != 0 {
			t.Skip("no pseudo-terminal here:", errno)
		}
	}
	terminal, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminal here:", err)
	}
	t.Cleanup(func() { person.Close(); terminal.Close() }) // in this order: the first ends what still reads
	return person, terminal
}

// modeOf gives a terminal's settings.
func modeOf(t *testing.T, terminal *os.File) term.State {
	t.Helper()
	s, err := term.GetState(int(terminal.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return *s
}

// typist is a person who types the next keys when the program waits for some.
type typist struct {
	*keyboard
	t      *testing.T
	person *os.File
	usual  term.State
	typed  []string
}

func (p *typist) next(ctx context.Context) (string, error) {
	if strings.Trim(string(p.ahead), "\r") == "" && len(p.typed) > 0 {
		keys := p.typed[0]
		p.typed = p.typed[1:]
		go func() {
			awaitRaw(p.t, p.terminal, p.usual)
			if _, err := p.person.WriteString(keys); err != nil {
				p.t.Error(err)
			}
		}()
	}
	return p.keyboard.next(ctx)
}

// awaitRaw waits until the terminal gives single keys.
func awaitRaw(t *testing.T, terminal *os.File, usual term.State) {
	for end := time.Now().Add(patience); modeOf(t, terminal) == usual; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Error("the terminal is not made raw")
			return
		}
	}
}

// within fails a test that hangs.
func within(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatal("it waits for more")
		return nil
	}
}

func TestOnATerminalOneKeyDecides(t *testing.T) {
	person, terminal := pseudoTerminal(t)
	usual := modeOf(t, terminal)
	for _, c := range []struct {
		typed []string
		want  []string
		err   error
	}{
		{[]string{"a", "R", "s"}, []string{"accept 11", "refuse 12"}, nil},
		{[]string{"aur", "q"}, []string{"accept 11", "undo 11", "refuse 11"}, nil},
		{[]string{"a\r", "q"}, []string{"accept 11"}, nil},
		{[]string{"\x1b[A", "\x1bOR", "é", "q"}, nil, nil}, // up, F3: no A, no R
		{[]string{"a", "\x04"}, []string{"accept 11"}, nil},
		{[]string{"a", "\x03"}, []string{"accept 11"}, context.Canceled},
	} {
		m := &spoken{}
		r, out := reviewOf("", m)
		r.keys = &typist{keysFrom(terminal).(*keyboard), t, person, usual, c.typed}
		done := make(chan error, 1)
		go func() { done <- r.run(t.Context()) }()
		if err := within(t, done); !errors.Is(err, c.err) {
			t.Errorf("%q ends with %v, want %v", c.typed, err, c.err)
		}
		if diff := cmp.Diff(c.want, m.told); diff != "" {
			t.Errorf("%q says other things (-want +got):\n%s", c.typed, diff)
		}
		if !strings.HasSuffix(out.String(), " left\n") {
			t.Errorf("%q: no sum at the end of\n%s", c.typed, out)
		}
		if modeOf(t, terminal) != usual {
			t.Errorf("%q leaves the terminal raw", c.typed)
		}
	}
}

func TestASignalGivesTheTerminalBack(t *testing.T) {
	_, terminal := pseudoTerminal(t)
	usual := modeOf(t, terminal)
	ctx, signalled := context.WithCancel(t.Context())
	r, _ := reviewOf("", &spoken{})
	r.keys = keysFrom(terminal)
	done := make(chan error, 1)
	go func() { done <- r.run(ctx) }()
	awaitRaw(t, terminal, usual)
	signalled()
	if err := within(t, done); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if modeOf(t, terminal) != usual {
		t.Error("the terminal stays raw")
	}
}
