#!/usr/bin/env bash
# go.mod and go.sum are what `go mod tidy` would write, and no module was changed.
set -euo pipefail
cd "$(dirname "$0")/.."
go mod tidy -diff
go mod verify
