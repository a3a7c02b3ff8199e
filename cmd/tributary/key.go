package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"tributary/feed"
	"tributary/store"
)

func (p *program) keyCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "key",
		Short: "Make, list and remove reader keys, with which a feed reader sees what was held, what needs a look, and a private site's feeds",
	}, p.keyAddCommand(), p.keyListCommand(), p.keyRemoveCommand())
}

func (p *program) keyAddCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "add NAME",
		Short: "Make a reader key and print it, this once",
		Long: "Makes a key for the reader that NAME says. It opens /held.atom, what was held, and /ops.atom, what needs a look " +
			"(which names private sources too), and with private: true the feeds; nothing else. " +
			"It is printed this once: only a hash of it is stored.",
		Args: arguments(1, 1, "name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := keyName(args[0])
			if err != nil {
				return usage(cmd, err)
			}
			return p.withStore(cmd.Context(), func(cfg Config, st *store.Store) error {
				return p.keyAdd(cmd.Context(), cfg, st, name)
			})
		},
	}
}

// longestKeyName is how many characters a reader key's name has at most.
const longestKeyName = 60

func keyName(v string) (string, error) {
	name, err := parseLine(v)
	if err == nil && (name == "" || utf8.RuneCountInString(name) > longestKeyName) {
		err = fmt.Errorf("%q is no name for a key; write a word or two, such as phone", v)
	}
	if err != nil {
		return "", feed.Errorf(feed.CodeInvalid, "%w", err)
	}
	return name, nil
}

// keyAdd makes a key. What goes to standard output is the key alone.
func (p *program) keyAdd(ctx context.Context, cfg Config, st *store.Store, name string) error {
	key, err := readerKeys{st}.Make(ctx, name)
	if err != nil {
		return err
	}
	p.say("%s", key)
	document := "held"
	if cfg.Closed {
		document = "feed"
	}
	fmt.Fprintf(p.stderr, "tributary: it is shown this once; subscribe to %s/%s.atom?key=%s\n", cfg.withBaseURL(cfg.Listen).BaseURL, document, key)
	return nil
}

// readerKeys makes and removes reader keys of a store.
type readerKeys struct{ store *store.Store }

// Make makes a key. Only its hash is stored.
func (k readerKeys) Make(ctx context.Context, name string) (string, error) {
	name, err := keyName(name)
	if err != nil {
		return "", err
	}
	key, hash := newReaderKey()
	return key, k.store.AddReaderKey(ctx, name, hash, time.Now())
}

// Remove ends a key: who has it is not let in any more.
func (k readerKeys) Remove(ctx context.Context, name string) error {
	return k.store.DropReaderKey(ctx, name)
}

// newReaderKey makes a key of 256 random bits, as it stands in addresses, and
// the hash that is stored: SHA-256 in hexadecimal. So much chance needs no salt.
func newReaderKey() (key, hash string) {
	var secret [32]byte
	rand.Read(secret[:]) // never fails
	key = base64.RawURLEncoding.EncodeToString(secret[:])
	sum := sha256.Sum256([]byte(key))
	return key, hex.EncodeToString(sum[:])
}

// keyView is a reader key as --json prints it.
type keyView struct {
	Name string    `json:"name"`
	Made time.Time `json:"made"`
}

func (p *program) keyListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the reader keys by name; the keys themselves are nowhere stored",
		Args:  arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withStore(cmd.Context(), func(cfg Config, st *store.Store) error {
				keys, err := st.ReaderKeys(cmd.Context())
				if err != nil {
					return err
				}
				views, rows := []keyView{}, [][]string{}
				for _, k := range keys {
					views = append(views, keyView(k))
					rows = append(rows, []string{k.Name, when(k.Made, cfg.TimeZone)})
				}
				if asJSON {
					return p.json(views)
				}
				return p.table([]string{"NAME", "MADE"}, rows)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func (p *program) keyRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Remove a reader key: who has it is not let in any more",
		Args:  arguments(1, 1, "name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withStore(cmd.Context(), func(_ Config, st *store.Store) error {
				err := readerKeys{st}.Remove(cmd.Context(), args[0])
				if err == nil {
					p.say("removed %s", args[0])
				}
				return err
			})
		},
	}
}
