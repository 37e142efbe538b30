#!/usr/bin/env bash
# Everything that guards main: vet, lint, generated files, all tests on both
# stores with nothing skipped, every screen in a browser, the race detector, a
# short run of every fuzz target. Installs what is missing. Ends with "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."
export CI=true
GO=${GO:-go}
TOOL="$GO tool -modfile=tools/go.mod"
LOG=$(mktemp -d)
finish() { scripts/postgres.sh stop >/dev/null 2>&1 || echo "postgres did not stop cleanly" >&2; rm -rf "$LOG"; }
trap finish EXIT

# Each part says how far in it began: what to shorten is read off.
say() { printf '\n== %s (at %d:%02d)\n' "$*" $((SECONDS / 60)) $((SECONDS % 60)); }

say "tools the tests need"
scripts/need.sh

say "counterparts of sources"
scripts/peers.sh

say "vet and lint"
$GO vet ./...
(cd bench && $GO vet ./...)
$TOOL golangci-lint run ./...

say "module files are tidy and verified"
scripts/tidy.sh

say "generated files are up to date"
scripts/generated.sh

say "PostgreSQL"
TIEOUT_TEST_POSTGRES=$(scripts/postgres.sh)
export TIEOUT_TEST_POSTGRES
echo "ready"

say "every screen in a browser, as every role"
scripts/screens.sh

say "who may open what: the table the tests hold every address to"
cat reader/web/testdata/matrix.txt reader/web/testdata/matrix-firm.txt

# SQLite (C, translated) and the stretching of passwords are computed without the
# detector: they share nothing with what calls them, and take most of the time.
say "race detector, short tests of all in which things run at once"
# shellcheck disable=SC2046 # one argument a package
CGO_ENABLED=1 $GO test -race -short -gcflags='modernc.org/...=-race=false' -gcflags='golang.org/x/crypto/...=-race=false' $(scripts/races.sh)

say "fuzz every parser, shortly"
scripts/fuzz.sh "${FUZZTIME:-1000x}"

say "all tests"
$TOOL gotestsum --format pkgname --jsonfile "$LOG/tests.json" -- -count=1 -timeout 20m ./...
(cd bench && $GO test -count=1 ./...)
scripts/count.sh "$LOG/tests.json"
