# `make` or `make help` lists what can be made.

GO        ?= go
FUZZTIME  ?= 60s
IMAGE     ?= tributary
VALIDATOR ?=
CORPORA   ?= ../shared/corpora
EVAL_DB   ?=

TOOLS         := $(CURDIR)/.tools
GOLANGCI      := v2.15.0
GOLANGCI_LINT := $(TOOLS)/golangci-lint-$(GOLANGCI)

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: serve
serve: ## run the program as it is shipped, at http://127.0.0.1:8080/
	$(GO) run ./cmd/tributary serve

.PHONY: build
build: ## build the static program as ./tributary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o tributary ./cmd/tributary

.PHONY: test
test: check-deps ## check the format, vet, and run every test with the race detector
	@.ci/test

.PHONY: check-deps
check-deps: ## install the Debian packages that tests need, or say which are missing
	@.ci/deps test

.PHONY: lint
lint: $(GOLANGCI_LINT) ## run the linters of .golangci.yaml
	$(GOLANGCI_LINT) run ./...

# Kept out of go.mod: its hundreds of dependencies are none of the program's.
$(GOLANGCI_LINT):
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI)
	mv $(TOOLS)/golangci-lint $@

.PHONY: fuzz
fuzz: ## run each fuzz test for FUZZTIME (60s)
	@.ci/fuzz $(FUZZTIME)

.PHONY: bench
bench: build ## measure the program beside a floor of the same work, in one run
	CGO_ENABLED=0 $(GO) run ./cmd/bench ingest ./tributary
	CGO_ENABLED=0 $(GO) run ./cmd/bench serve ./tributary
	CGO_ENABLED=0 $(GO) run ./cmd/bench decide

.PHONY: bench-decide
bench-decide: ## measure what deciding one entry takes with up to a million in the store (some minutes, 6 GB)
	CGO_ENABLED=0 $(GO) run ./cmd/bench decide -sizes 10000,100000,1000000

.PHONY: bench-cluster
bench-cluster: build ## measure several processes on one PostgreSQL, then kill them (about half an hour)
	CGO_ENABLED=0 $(GO) run ./cmd/bench cluster ./tributary

.PHONY: parity
parity: ## compare what is parsed with what others parse, on the documents in CORPORA
	$(GO) run ./cmd/evaluate parse $(CORPORA)/feeds $(CORPORA)/feeds/reference.jsonl

.PHONY: eval
eval: ## compare copies, stories and topic with labels, on the collections in CORPORA (EVAL_DB=url: on PostgreSQL)
	$(GO) run ./cmd/evaluate stories $(EVAL_IN) $(CORPORA)/labelled/stories-ecb.jsonl $(CORPORA)/labelled/stories-wikinews.jsonl
	$(GO) run ./cmd/evaluate copies $(EVAL_IN) $(CORPORA)/labelled/topics-reuters-train.jsonl \
		$(CORPORA)/labelled/neardup-reuters-train.tsv $(CORPORA)/labelled/neardup-reuters-train-conflicts.tsv
	$(GO) run ./cmd/evaluate topic $(EVAL_IN) --seeds $(CORPORA)/../seeds ingest/topic/testdata/short.jsonl

eval: EVAL_IN = $(if $(EVAL_DB),--database-url '$(EVAL_DB)')

.PHONY: golden
golden: ## write the golden files anew; look at the difference before you keep it
	$(GO) test $$(grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -rn1 dirname | sort -u) -update

.PHONY: validate
validate: ## check served feeds with the W3C feed validator at VALIDATOR=path
	VALIDATOR=$(VALIDATOR) $(GO) test -count 1 -v -run Validator ./feed/... ./web/...

.PHONY: image
image: ## build the container image IMAGE (tributary) with docker, podman or buildah
	@.ci/image build $(IMAGE)
