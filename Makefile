# Facet. `make run` needs Go, git and make; nothing else.
SHELL := /bin/bash
GO ?= go
DATA ?= ./data
OUT ?= ./out
FUZZTIME ?= 60s
export CGO_ENABLED ?= 0

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: web
web: ## build the web wallet (WASM, scripts, styles) into web/dist
	@$(GO) run ./web/bundle

.PHONY: build
build: web ## build bin/facet with the web wallet inside
	@mkdir -p bin && $(GO) build -trimpath -o bin/facet ./cmd/facet

.PHONY: run
run: build ## build everything and start issuer, wallet, verifier and newsroom on this machine
	@./bin/facet demo --data $(DATA)

.PHONY: check
check: ## fmt, vet, staticcheck, tsc, house
	@test/scripts/check

.PHONY: test
test: web ## everything a change must pass; installs Chromium and PostgreSQL from the system's packages if missing and permitted
	@test/scripts/need-browser
	@test/scripts/need-postgres
	@$(GO) test -timeout 20m ./...

.PHONY: interop
interop: web ## against implementations nobody here wrote (needs Node)
	@test/scripts/interop

.PHONY: look
look: web ## the journey in Chromium: pictures, logs and the data scan into ./out
	@test/scripts/need-browser
	@rm -rf $(OUT) && mkdir -p $(OUT)
	@test/scripts/look $(abspath $(OUT))

.PHONY: bench
bench: web ## one line per work: CPU, floor, ratio, budget, ok or OVER
	@$(GO) run ./test/bench
	@echo && echo "beside another Go library:" && cd test/interop && $(GO) test -count=1 -run 'TestBenchVerify$$' -v . | sed -n 's/.*bench_test.go:[0-9]*: /  /p'

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (60s)
	@test/scripts/fuzz $(FUZZTIME)

.PHONY: soak
soak: web ## the same tests at full counts: hours
	@test/scripts/need-browser
	@test/scripts/need-postgres
	@FACET_SOAK=1 $(GO) test ./... -count=1 -timeout 12h
	@FACET_SOAK=1 test/scripts/interop

.PHONY: clean
clean: ## remove what was built (never ./data)
	@rm -rf bin $(OUT) && find web/dist -type f ! -name .placeholder -delete
