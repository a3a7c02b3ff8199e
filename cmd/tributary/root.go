package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tributary/feed"
)

// root is the command tree.
func (p *program) root() *cobra.Command {
	root := group(&cobra.Command{
		Use:   "tributary",
		Short: "Many sources flow into one feed",
		Long: "Tributary watches a folder of documents and any number of feeds, throws out duplicates and\n" +
			"what is off topic, and serves what is new as one Atom, RSS and JSON feed.",
		SilenceErrors: true,
		SilenceUsage:  true,
	},
		p.serveCommand(), p.ingestCommand(), p.sourceCommand(), p.itemCommand(), p.topicCommand(),
		p.keyCommand(), p.checkCommand(), p.workersCommand(), p.backupCommand(), p.migrateCommand(), p.healthCommand(), p.versionCommand(),
	)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage(cmd, err) })
	p.addFlags(root.PersistentFlags())
	root.PersistentPreRun = func(cmd *cobra.Command, _ []string) { p.readFlags(cmd.Flags()) }
	return root
}

// settingFlag is a flag that sets a key of the configuration.
type settingFlag struct{ flag, key, help string }

// switchFlags are those whose value is yes or no: without one it is yes.
var switchFlags = []settingFlag{
	{"allow-private", "allow_private", "let sources be on loopback and private addresses"},
	{"private", "private", "put the pages behind the log-in, and the feeds behind reader keys"},
}

// settingFlags are the others.
var settingFlags = []settingFlag{
	{"listen", "listen", "serve on `host:port` (default 127.0.0.1:8080)"},
	{"data", "data", "keep the database and the token in `folder` (default ./data)"},
	{"seeds", "seeds", "`folder` of the documents that define the topic (default ./seeds)"},
	{"base-url", "base_url", "`url` where readers reach the program (default http:// and the address to serve on)"},
	{"pictures", "pictures", "`on` or off: whether the pages of items show pictures of other sites (default on)"},
	{"trusted-proxies", "trusted_proxies", "`networks` of reverse proxies that are believed whom they pass on, such as 10.0.0.0/8"},
	{"database-url", "database_url", "postgres:// `url` to use instead of SQLite in the data folder"},
}

// roleFlag is one of serve alone.
var roleFlag = settingFlag{"role", "role", "with PostgreSQL: `web` to serve only, worker to ingest only (default all)"}

// addFlags declares the flags that every command has.
func (p *program) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&p.configFile, "config", "", "configuration `file` (default tributary.yaml, if there is one)")
	for _, f := range settingFlags {
		flags.String(f.flag, "", f.help)
	}
	for _, f := range switchFlags {
		flags.Bool(f.flag, false, f.help)
	}
}

// readFlags keeps the settings that the command line really gave.
func (p *program) readFlags(flags *pflag.FlagSet) {
	p.flags = nil
	for _, f := range append(slices.Concat(settingFlags, switchFlags), roleFlag) {
		if given := flags.Lookup(f.flag); given != nil && given.Changed {
			p.flags = append(p.flags, value{f.key, given.Value.String(), "--" + f.flag})
		}
	}
}

// config reads the configuration for this call.
func (p *program) config() (Config, error) {
	return loadConfig(p.configFile, p.environ, p.flags)
}

// group makes a command that only has commands. Called alone it shows its
// help; a wrong word is an error that names the right ones.
func group(cmd *cobra.Command, children ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(children...)
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		names := cmd.SuggestionsFor(args[0])
		hint := "did you mean " + strings.Join(names, " or ") + "?"
		if len(names) == 0 {
			hint = "see " + cmd.CommandPath() + " --help"
		}
		return feed.Errorf(feed.CodeInvalid, "there is no command %s %s; %s", cmd.CommandPath(), args[0], hint)
	}
	return cmd
}

// usage is an error about the command line, with the right form of it.
func usage(cmd *cobra.Command, err error) error {
	return feed.Errorf(feed.CodeInvalid, "%w\nusage: %s", err, cmd.UseLine())
}

// arguments checks the number of arguments: from low to high, or any number
// from low where high is negative. what names them for the message.
func arguments(low, high int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch n := len(args); {
		case n < low:
			return usage(cmd, feed.Errorf(feed.CodeInvalid, "say which %s", what))
		case high >= 0 && n > high:
			return usage(cmd, feed.Errorf(feed.CodeInvalid, "%s is one word too many", strconv.Quote(args[high])))
		}
		return nil
	}
}
