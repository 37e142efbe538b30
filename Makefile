# Two commands do everything on a fresh machine with Go:
#   make demo   builds Tieout and runs it on Halyard, an invented company
#   make test   installs what the tests need where it is missing, then runs everything

GO      ?= go
TOOL    := $(GO) tool -modfile=tools/go.mod
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)
export CGO_ENABLED ?= 0

.PHONY: demo test build bench lint generate race fuzz dist clean

build: bin/tieout

bin/tieout: FORCE
	@mkdir -p bin
	@$(GO) build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/tieout ./cmd/tieout

FORCE:

demo: build
	@./bin/tieout demo demo-halyard --replace

test: build
	@scripts/test.sh

bench: build
	@scripts/bench.sh

lint:
	@$(TOOL) golangci-lint run ./...

generate:
	@$(GO) generate ./...

race:
	@CGO_ENABLED=1 $(GO) test -race -short ./...

fuzz:
	@scripts/fuzz.sh

clean:
	@rm -rf bin demo-halyard artifacts
