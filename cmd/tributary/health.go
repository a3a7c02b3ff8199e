package main

import (
	"context"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"tributary/feed"
)

// healthTimeout is how long a healthy server may take to say so.
const healthTimeout = 4 * time.Second

func (p *program) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Ask the running program whether it is well (for HEALTHCHECK)",
		Args:  arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := p.config()
			if err != nil {
				return err
			}
			// By number: an image from scratch may have no /etc/hosts.
			if err := askHealth(cmd.Context(), "http://"+reachable(cfg.Listen, "127.0.0.1")+"/healthz"); err != nil {
				return err
			}
			p.say("ok")
			return nil
		},
	}
}

// askHealth is nil if a program that is well answers at the address.
func askHealth(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return feed.Errorf(feed.CodeInvalid, "%s cannot be asked: %w", address, err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // never by a proxy
	res, err := client.Do(req)
	if err != nil {
		return feed.Errorf(feed.CodeUnavailable, "%s does not answer (%w); is tributary serve running, with the same listen address?", address, bareError(err))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return feed.Errorf(feed.CodeUnavailable, "%s answers %s; see the log of tributary serve", address, res.Status)
	}
	return nil
}
