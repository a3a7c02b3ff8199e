package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/fetch"
	"tributary/ingest/folder"
	"tributary/store"
)

// finding is what a check came to.
type finding struct {
	Check  string `json:"check"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

func (p *program) checkCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Verify the configuration, the folders, the database and the sources' addresses",
		Long: "Verifies everything that can be verified without asking another host, and changes nothing.\n\n" +
			"Exit code 0 if all is well, 1 if something is wrong, 2 if the configuration is.",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := p.config()
			if err != nil {
				return err
			}
			return p.printFindings(checkAll(cmd.Context(), cfg), asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// checkAll makes every check there is.
func checkAll(ctx context.Context, cfg Config) []finding {
	file := cmp.Or(cfg.File, "no file, defaults only")
	all := []finding{{"configuration", true, file}, checkData(cfg), checkToken(cfg)}
	all = append(all, checkDatabase(ctx, cfg)...)
	all = append(all, checkSeeds(ctx, cfg)...)
	all = append(all, checkTopic(ctx, cfg)...)
	all = append(all, checkDoors(ctx, cfg)...)
	all = append(all, checkHub(ctx, cfg)...)
	return append(all, checkSources(cfg)...)
}

// printFindings prints what was found; an error says how much is wrong.
func (p *program) printFindings(all []finding, asJSON bool) error {
	rows, wrong := [][]string{}, 0
	for _, f := range all {
		word := "ok"
		if !f.OK {
			word = "WRONG"
			wrong++
		}
		rows = append(rows, []string{f.Check, word, f.Detail})
	}
	var err error
	if asJSON {
		err = p.json(all)
	} else {
		err = p.table([]string{"CHECK", "RESULT", "DETAIL"}, rows)
	}
	if err == nil && wrong > 0 {
		err = feed.Errorf(feed.CodeUnavailable, "%s wrong", map[bool]string{true: "1 thing is", false: fmt.Sprintf("%d things are", wrong)}[wrong == 1])
	}
	return err
}

// checkData tells whether the data folder can be written. A missing one is
// made by the first start, if its parent lets it.
func checkData(cfg Config) finding {
	if _, err := os.Stat(cfg.Data); errors.Is(err, fs.ErrNotExist) {
		return finding{"data", true, cfg.Data + " is not there yet; the first start makes it"}
	}
	if err := cfg.makeData(); err != nil {
		return finding{"data", false, err.Error()}
	}
	return finding{"data", true, cfg.Data}
}

// checkToken tells whether the token is for its owner's eyes only.
func checkToken(cfg Config) finding {
	const name = "token"
	if cfg.Token != "" {
		return finding{name, true, cfg.whereIs("token")}
	}
	info, err := os.Stat(cfg.tokenFile())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return finding{name, true, "not made yet; the first serve makes " + cfg.tokenFile()}
	case err != nil:
		return finding{name, false, fmt.Sprintf("%s cannot be looked at: %v; let user %s read the folder", cfg.tokenFile(), err, userOf())}
	case info.Mode().Perm()&0o077 != 0:
		return finding{name, false, fmt.Sprintf("%s can be read by others (%s); run: chmod 600 %s", cfg.tokenFile(), info.Mode().Perm(), cfg.tokenFile())}
	}
	if _, _, err := cfg.apiToken(); err != nil {
		return finding{name, false, err.Error()}
	}
	return finding{name, true, cfg.tokenFile()}
}

// checkDatabase opens the database and verifies it, if there is one.
func checkDatabase(ctx context.Context, cfg Config) []finding {
	const name = "database"
	if _, err := os.Stat(cfg.databaseFile()); cfg.DatabaseURL == "" && errors.Is(err, fs.ErrNotExist) {
		return []finding{{name, true, "not made yet; the first run makes " + cfg.databaseFile()}}
	}
	st, err := store.Open(ctx, store.Options{Path: cfg.databaseFile(), DSN: cfg.DatabaseURL})
	if err != nil {
		return []finding{{name, false, err.Error()}}
	}
	defer st.Close()
	if err := st.Check(ctx); err != nil {
		return []finding{{name, false, err.Error()}}
	}
	n, err := st.Totals(ctx)
	if err != nil {
		return []finding{{name, false, err.Error()}}
	}
	all := []finding{{name, true, fmt.Sprintf("%s: %s, %s, %s", st.Engine(), plural(n.Sources, "source"), plural(n.Items, "item"), entriesOf(n.Entries))}}
	sources, err := st.Sources(ctx)
	if err != nil {
		return []finding{{name, false, err.Error()}}
	}
	for _, s := range sources {
		if s.Origin == feed.OriginAdded {
			all = append(all, checkSecrets(cfg, s)...)
		}
	}
	return all
}

// checkSeeds reads the seeds folder as a run would and names the files that
// cannot be taken.
func checkSeeds(ctx context.Context, cfg Config) []finding {
	const name = "seeds"
	scan, err := folder.Scan(ctx, cfg.Seeds, nil, time.Now())
	if err != nil {
		return []finding{{name, false, fmt.Sprintf("%s: %v", cfg.whereIs("seeds"), err)}}
	}
	var wrong []finding
	for _, f := range scan.Files {
		if ctx.Err() != nil {
			return []finding{{name, false, ctx.Err().Error()}}
		}
		if _, err := folder.Read(cfg.Seeds, f, time.Now()); err != nil {
			wrong = append(wrong, finding{name, false, err.Error()})
		}
	}
	all := []finding{{name, true, fmt.Sprintf("%s: %s", cfg.Seeds, plural(len(scan.Files)-len(wrong), "document"))}}
	if len(scan.Files) == 0 {
		all[0] = finding{name, false, fmt.Sprintf("%s: %s holds no .txt, .md or .html document; put one there, or name another folder", cfg.whereIs("seeds"), cfg.Seeds)}
	}
	for _, s := range scan.Skipped {
		all = append(all, finding{name, false, s.Path + ": " + s.Why})
	}
	return append(all, wrong...)
}

// checkTopic says what decides about the topic. What is wrong with the database,
// its own check says.
func checkTopic(ctx context.Context, cfg Config) (all []finding) {
	_ = withExisting(ctx, cfg, func(st *store.Store) error {
		var head feed.Profile
		if st != nil {
			var err error
			if head, err = st.ProfileHead(ctx); err != nil {
				return err
			}
		}
		says := cfg.whoDecides(ctx, head.Version)
		if seeds, _ := seedFiles(ctx, cfg); seeds == 0 && head.Version != 0 && cfg.Filter == ingest.FilterLearned {
			says += " There is no seed now: that profile stays."
		}
		all = []finding{{"topic", true, says}}
		return nil
	})
	return all
}

// checkDoors says who can come in, and whether others could read the token on its
// way. What is wrong with the database, its own check says.
func checkDoors(ctx context.Context, cfg Config) (all []finding) {
	if strings.HasPrefix(cfg.BaseURL, "http:") && !isPrivateAddress(cfg.BaseURL) {
		all = append(all, finding{"base_url", true, cfg.BaseURL + " is without TLS: the token and reader keys can be read on their way; better write https:, with a proxy that speaks it"})
	}
	if !cfg.Closed {
		return all
	}
	_ = withExisting(ctx, cfg, func(st *store.Store) error {
		var keys []feed.ReaderKey
		if st != nil {
			var err error
			if keys, err = st.ReaderKeys(ctx); err != nil {
				return err
			}
		}
		says := plural(len(keys), "reader key") + " for the feeds"
		if len(keys) == 0 {
			says = "no feed reader can read yet; make a key for each with: tributary key add NAME"
		}
		all = append(all, finding{"private", true, says})
		return nil
	})
	return all
}

// checkSources tells which declared sources could not be fetched. That their
// addresses are well-formed was found when the configuration was read.
func checkSources(cfg Config) []finding {
	const name = "sources"
	var wrong []finding
	for _, s := range cfg.Sources {
		if s.Enabled && !cfg.Private && isPrivateAddress(s.URL) {
			wrong = append(wrong, finding{name, false, fmt.Sprintf("%s: %s is on this machine or a private network; set allow_private: true to let it be fetched", s.Slug, feed.Redacted(s.URL))})
		}
		wrong = append(wrong, checkSecrets(cfg, s)...)
	}
	if wrong != nil {
		return wrong
	}
	return []finding{{name, true, plural(len(cfg.Sources), "feed") + " declared"}}
}

// checkSecrets names the environment variables that a source needs and that
// are not set.
func checkSecrets(cfg Config, s feed.Source) []finding {
	names, err := fetch.References(s)
	if !s.Enabled || s.Kind != feed.KindFeed || err != nil {
		return nil // what is wrong with an address itself is no matter of the environment
	}
	var wrong []finding
	for _, name := range names {
		if cfg.getenv(name) == "" {
			wrong = append(wrong, finding{"sources", false, fmt.Sprintf("%s: the environment variable %s, which it names, is not set; set it for tributary", s.Slug, name)})
		}
	}
	return wrong
}

// isPrivateAddress tells whether a URL's host is by its looks one that
// fetching refuses. The real check is on the address that is dialled.
func isPrivateAddress(rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified())
}
