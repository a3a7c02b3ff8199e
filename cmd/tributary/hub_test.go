package main

import (
	"strings"
	"testing"
)

func TestWhereHubsSend(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"base_url: https://news.example.org/feeds", "https://news.example.org/feeds/push/"},
		{"base_url: https://news.example.org\npush: auto\nprivate: true", "https://news.example.org/push/"},
		{"base_url: http://news.example.org", ""},
		{"base_url: https://news.lan", ""},
		{"push: on\nbase_url: http://news.lan", "http://news.lan/push/"},
		{"push: off\nbase_url: https://news.example.org", ""},
	} {
		cfg, err := load(t, c.config, nil)
		if err != nil {
			t.Errorf("%q: %v", c.config, err)
			continue
		}
		if got := cfg.pushBase(cfg.BaseURL); got != c.want {
			t.Errorf("%q: hubs send to %q, want %q", c.config, got, c.want)
		}
	}
	if _, err := load(t, "push: always", nil); err == nil || !strings.Contains(err.Error(), "tributary.yaml:1: push: this is neither on, nor off, nor auto") {
		t.Error(err)
	}
}

func TestWhichHubTheFeedsName(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"base_url: https://news.example.org/feeds", "https://news.example.org/feeds/hub"},
		{"base_url: http://news.example.org", ""},
		{"base_url: https://news.lan", ""},
		{"base_url: https://192.168.1.5", ""},
		{"hub: own\nbase_url: http://news.lan", "http://news.lan/hub"},
		{"hub: off\nbase_url: https://news.example.org", ""},
		{"hub: false\nbase_url: https://news.example.org", ""},
		{"hub: https://hub.example.org/\nbase_url: http://news.lan", "https://hub.example.org/"},
		{"private: true\nbase_url: https://news.example.org", ""},
	} {
		cfg, err := load(t, c.config, nil)
		if err != nil {
			t.Errorf("%q: %v", c.config, err)
			continue
		}
		if got := cfg.hubURL(cfg.BaseURL); got != c.want {
			t.Errorf("%q: the hub is %q, want %q", c.config, got, c.want)
		}
	}
	for config, says := range map[string]string{
		"hub: yes please":                 "tributary.yaml:1: hub: this is neither own, nor off, nor the plain address of a hub",
		"hub: own\nprivate: true":         "tributary.yaml:1: hub: a private site's feeds are sent to nobody; remove this key, or private",
		"hub: [https://hub.example.org/]": "tributary.yaml:1: hub: this should be one value",
	} {
		if _, err := load(t, config, nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", config, err)
		}
	}
}
