package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"tributary/scheduler/cluster"
)

// composeFile is what is looked at of compose.cluster.yaml.
type composeFile struct {
	Services map[string]struct {
		Command     any
		Environment map[string]string
		Networks    []string
	}
	Networks map[string]struct {
		IPAM struct{ Config []struct{ Subnet string } }
	}
	Configs map[string]struct{ Content string }
}

// Compose is not at hand where tests run. What of its file is ours has to be right all the same.
func TestTheFileOfTheClusterConfiguresEachRole(t *testing.T) {
	text, err := os.ReadFile("../../compose.cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	given := strings.NewReplacer("${POSTGRES_PASSWORD:?put it into .env}", "pass0123456789ab", "${TRIBUTARY_TOKEN:?put it into .env}", "0123456789abcdef",
		"${TRIBUTARY_BASE_URL:-http://localhost:8080}", "http://localhost:8080").Replace(string(text))
	if left := regexp.MustCompile(`\$\{[^}]*\}`).FindString(given); left != "" {
		t.Errorf("%s stands for what this test does not know", left)
	}
	var file composeFile
	if err := yaml.Unmarshal([]byte(given), &file); err != nil {
		t.Fatal(err)
	}
	for _, role := range []cluster.Role{cluster.RoleWeb, cluster.RoleWorker} {
		service := file.Services[string(role)]
		command, _ := service.Command.([]any)
		if len(command) != 3 || command[0] != "serve" || command[1] != "--role" {
			t.Fatalf("%s runs %v", role, command)
		}
		var environ []string
		for name, value := range service.Environment {
			environ = append(environ, name+"="+value)
		}
		c, err := load(t, "", environ, value{"role", command[2].(string), "--role"})
		if err != nil {
			t.Fatalf("%s: %v", role, err)
		}
		if c.Role != role || !strings.HasPrefix(c.DatabaseURL, "postgres://tributary:pass0123456789ab@postgres:5432/tributary") || c.Token == "" {
			t.Errorf("%s: %+v", role, c)
		}
		if front := file.Networks["front"].IPAM.Config[0].Subnet; len(c.Proxies) != 1 || c.Proxies[0].String() != front {
			t.Errorf("%s trusts %v, and the proxy is in %s", role, c.Proxies, front)
		}
	}
	for _, want := range []string{"GET /readyz", "GET /healthz", "web:8080", "set-header X-Forwarded-For"} {
		if !strings.Contains(file.Configs["haproxy"].Content, want) {
			t.Errorf("the proxy's configuration lacks %s", want)
		}
	}
}
