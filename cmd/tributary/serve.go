package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tributary/feed"
	"tributary/scheduler/cluster"
	"tributary/store"
	"tributary/web"
)

// stopWithin is how long running work may take to finish when the program is
// told to stop. Supervisors kill after 10 s.
const stopWithin = 8 * time.Second

func (p *program) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Watch the sources and serve the feed",
		Long: "Ingests what is due, on schedule and when a document in the seeds folder changes, and serves the feed.\n" +
			"SIGHUP reads the configuration again and ingests; SIGTERM and SIGINT stop.",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withStore(cmd.Context(), func(cfg Config, st *store.Store) error {
				return p.serve(cmd.Context(), cfg, st)
			})
		},
	}
	cmd.Flags().String(roleFlag.flag, "", roleFlag.help)
	return cmd
}

// serve runs everything until ctx ends.
func (p *program) serve(ctx context.Context, cfg Config, st *store.Store) error {
	token, tokenFile, err := cfg.apiToken()
	if err != nil {
		return err
	}
	if err := syncSources(ctx, cfg, st); err != nil {
		return err
	}
	id, err := st.FeedID(ctx, mintFeedID(cfg))
	if err != nil {
		return err
	}
	listener, err := listen(ctx, cfg)
	if err != nil {
		return err
	}
	a, err := newApp(ctx, cfg, st, newLogger(p.stderr), cfg.Role)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := a.join(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}
	s := &server{program: p, app: a, id: id, token: token, role: cfg.Role, listening: listener.Addr().String()}
	if err = s.tellTopic(ctx); err == nil {
		err = s.greet(ctx, p, tokenFile)
	}
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	return s.run(ctx, listener)
}

// feedNamespace is the UUID namespace of feed ids (RFC 9562, 5.5). It never changes.
var feedNamespace = uuid.MustParse("0c1f7a52-6b0f-5f0e-8d57-2f6f4c9d3e18")

// mintFeedID makes the id of the combined feed, which is stored and kept from
// then on: the same again for a database that is rebuilt from the same
// configuration, and no address or folder is in it.
func mintFeedID(cfg Config) string {
	return uuid.NewSHA1(feedNamespace, []byte(cfg.Title+"\n"+cfg.Description+"\n"+cfg.Author)).String()
}

// listen opens the address to serve on.
func listen(ctx context.Context, cfg Config) (net.Listener, error) {
	var how net.ListenConfig
	l, err := how.Listen(ctx, "tcp", cfg.Listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, feed.Errorf(feed.CodeConflict, "%s: another program listens on %s; stop it, or choose another address with --listen",
			cfg.whereIs("listen"), cfg.Listen)
	case err != nil:
		return nil, feed.Errorf(feed.CodeInvalid, "%s: %s cannot be listened on: %w; choose another address with --listen",
			cfg.whereIs("listen"), cfg.Listen, err)
	}
	return l, nil
}

// server is a program that serves.
type server struct {
	*app
	program   *program
	id        string // of the combined feed
	token     string
	role      cluster.Role
	listening string // the real address, where cfg leaves the port open
	topicTold string // what the log said last of who decides about the topic

	front    atomic.Pointer[web.Server] // a new one when what it shows is configured anew
	stopWeb  context.CancelFunc         // ends the present one's watch
	watching errgroup.Group
	pushed   atomic.Pointer[subscriber]
}

// ServeHTTP passes each request to the present front.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handler := s.front.Load().Handler()
	if s.role == cluster.RoleWorker {
		handler = s.workerPaths(handler)
	}
	handler.ServeHTTP(w, r)
}

// greet tells a person where to go, what there is, and what happens next.
func (s *server) greet(ctx context.Context, p *program, tokenFile string) error {
	n, err := s.store.Totals(ctx)
	if err != nil {
		return err
	}
	base := s.site().BaseURL
	if s.role == cluster.RoleWorker {
		p.say("Tributary %s works on %q", version, s.cfg.Title)
		p.say("  health http://%s/healthz, and /readyz, /metrics", s.listening)
		p.say("%s, %s", plural(n.Sources, "source"), plural(n.Items, "item"))
		return nil
	}
	p.say("Tributary %s serves %q", version, s.cfg.Title)
	p.say("  page   %s/", base)
	p.say("  Atom   %s/feed.atom", base)
	p.say("  RSS    %s/feed.rss", base)
	p.say("  JSON   %s/feed.json", base)
	s.greetHub(p, base)
	if base != "http://"+s.listening {
		p.say("  listens on %s", s.listening)
	}
	if tokenFile != "" {
		p.say("  token to log in, and for the API: %s", tokenFile)
	}
	if s.cfg.Closed {
		p.say("  private: the page asks for the token, feeds need a reader key (tributary key add NAME)")
	}
	if s.role == cluster.RoleWeb {
		s.greetReplica(p, tokenFile)
		p.say("%s, %s; processes of the role worker look for more", plural(n.Sources, "source"), plural(n.Items, "item"))
		return nil
	}
	if s.cluster != nil {
		p.say("%s, %s; what is due is looked for every minute", plural(n.Sources, "source"), plural(n.Items, "item"))
		return nil
	}
	p.say("%s, %s; a run begins now, the next one is at %s", plural(n.Sources, "source"), plural(n.Items, "item"),
		when(s.cfg.nextRun(time.Now()), s.cfg.TimeZone))
	return nil
}

// greetReplica says what all who serve have to say alike, and do not.
func (s *server) greetReplica(p *program, tokenFile string) {
	if tokenFile != "" {
		p.say("  if others serve too, give all the same token (TRIBUTARY_TOKEN): a log-in at one is none at the next else")
	}
	if s.cfg.BaseURL == "" {
		p.say("  if others serve too, give all the same base_url: it is in every document")
	}
}

// tellTopic logs what decides about the topic, unless it said so before.
func (s *server) tellTopic(ctx context.Context) error {
	head, err := s.store.ProfileHead(ctx)
	if err != nil {
		return err
	}
	if says := s.cfg.whoDecides(ctx, head.Version); says != s.topicTold {
		s.log.Info("topic", "filter", s.cfg.Filter, "decides", says)
		s.topicTold = says
	}
	return nil
}

// run serves until ctx ends, then lets what is under way finish.
func (s *server) run(ctx context.Context, listener net.Listener) error {
	g, ctx := errgroup.WithContext(ctx)
	s.newFront(ctx)
	httpServer := s.front.Load().HTTP(s.listening)
	httpServer.Handler = s
	g.Go(func() error { return s.scheduler.Run(ctx) })
	g.Go(func() error { return s.reloads(ctx) })
	if s.role != cluster.RoleWorker {
		ops := s.newWatcher()
		g.Go(func() error { return ops.run(ctx) })
	}
	g.Go(func() error {
		if err := httpServer.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return feed.Errorf(feed.CodeUnavailable, "serving ended: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		s.log.Info("stopping: running work may finish", "within", stopWithin)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		var serving sync.WaitGroup
		serving.Go(func() {
			if httpServer.Shutdown(last) != nil {
				_ = httpServer.Close() // requests that outlast it are cut off
			}
		})
		s.pushed.Load().Drain(last) // what hubs were told has come is taken in
		s.scheduler.Stop(last)
		serving.Wait()
		return nil
	})
	err := g.Wait()
	s.stopWeb()
	return errors.Join(err, s.watching.Wait())
}

// site is what the feed says of itself.
func (s *server) site() feed.Site {
	c := s.cfg.withBaseURL(s.listening)
	return feed.Site{
		ID: s.id, Title: c.Title, Description: c.Description, Language: c.Language, Author: c.Author,
		Icon: c.Icon, Contact: c.Contact, BaseURL: c.BaseURL, Version: version,
		Started: beforeAnyItem, Refresh: c.refresh(beforeAnyItem),
	}
}

// beforeAnyItem dates a feed that has no item yet. It is the same at every
// start, so that an empty feed does not look changed.
var beforeAnyItem = time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)

// newFront makes the web server for the present configuration and has it
// watch the store in place of the one before.
func (s *server) newFront(ctx context.Context) {
	site := s.site()
	hub := s.newHub(site.BaseURL)
	pushed := s.newSubscriber(site.BaseURL)
	front := web.New(web.Options{
		Site: site, Token: s.token, UserAgent: s.cfg.fetching().UserAgent, MaxAge: site.Refresh, Location: s.cfg.TimeZone, Logger: s.log,
		Private: s.cfg.Closed, NoPictures: !s.cfg.Pictures, TrustedProxies: s.cfg.Proxies, Keys: readerKeys{s.store},
		HubURL: s.cfg.hubURL(site.BaseURL), Hub: hub.handler(), Changed: hub.changed, Pushed: pushed,
		Corrector: editor(s.store), Moderator: editor(s.store), Replayer: replayer{editor(s.store), s.store, s.policy.Filter}, Filter: func() string { return s.policy.Filter().Mode },
	}, s.store, s.scheduler, s.sources)
	if s.stopWeb != nil {
		s.stopWeb()
	}
	ctx, s.stopWeb = context.WithCancel(ctx)
	s.front.Store(front)
	s.pushed.Store(pushed)
	if s.role == cluster.RoleWorker {
		return // there is nobody to serve
	}
	s.watching.Go(func() error { front.Watch(ctx); return nil })
	hub.run(ctx, front, &s.watching)
	pushed.run(ctx, &s.watching)
}

// reloads reads the configuration again at each SIGHUP until ctx ends.
func (s *server) reloads(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			if err := s.reload(ctx); err != nil {
				s.log.Error("the configuration stays as it was, since the new one is wrong", "error", err)
			}
		}
	}
}

// reload carries out the configuration as it is now, then ingests. What needs
// a new start is named in the log.
func (s *server) reload(ctx context.Context) error {
	cfg, err := s.program.config()
	if err != nil {
		return err
	}
	if err := syncSources(ctx, cfg, s.store); err != nil {
		return err
	}
	if keys := fixed(s.cfg, cfg); len(keys) > 0 {
		s.log.Warn("some changes take effect at the next start", "keys", strings.Join(keys, " "))
		cfg = keepFixed(cfg, s.cfg)
	}
	old, before := s.cfg, s.site()
	s.cfg = cfg
	if s.site() != before || !old.servesLike(cfg) {
		s.newFront(ctx)
	}
	s.policy.use(cfg)
	if !old.fetchesLike(cfg) {
		if err := s.fetchAnew(ctx); err != nil {
			return err
		}
	}
	s.log.Info("configuration read again", "file", cfg.File, "sources", len(cfg.Sources)+1)
	s.scheduler.Reload(cfg.scheduling())
	return s.tellTopic(ctx)
}

// servesLike tells whether two configurations serve the same site in the same way.
func (c Config) servesLike(other Config) bool {
	return c.TimeZone.String() == other.TimeZone.String() && c.Closed == other.Closed && c.Pictures == other.Pictures &&
		slices.Equal(c.Proxies, other.Proxies) && c.hubsLike(other)
}

// fixed names the keys that differ and need a new start.
func fixed(old, now Config) []string {
	var keys []string
	for _, k := range []struct {
		key     string
		changed bool
	}{
		{"listen", old.Listen != now.Listen},
		{"data", old.Data != now.Data},
		{"database_url", old.DatabaseURL != now.DatabaseURL},
		{"token", old.Token != now.Token},
		{"role", old.Role != now.Role},
	} {
		if k.changed {
			keys = append(keys, k.key)
		}
	}
	return keys
}

// keepFixed is now with those keys as in old.
func keepFixed(now, old Config) Config {
	now.Listen, now.Data, now.DatabaseURL, now.Token, now.Role = old.Listen, old.Data, old.DatabaseURL, old.Token, old.Role
	return now
}
