#!/usr/bin/env bash
# Measures Tieout beside what one would do without it and prints one table.
# docs/benchmarks.md says what each line is. Flags go to the bench program:
#
#   scripts/bench.sh                  # everything at full size; use a quiet machine
#   scripts/bench.sh -scale 0.05      # a twentieth, without the enterprise
#   scripts/bench.sh -only engine,peers
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}
export CGO_ENABLED=0
# A server of its own, so that no test's server is measured or stopped.
export TIEOUT_POSTGRES_DIR=${TIEOUT_POSTGRES_DIR:-${TMPDIR:-/tmp}/tieout-postgres-bench-$(id -u)}
bin=$(mktemp -d)
finish() {
	scripts/postgres.sh stop >/dev/null 2>&1 || echo "postgres did not stop cleanly" >&2
	rm -rf "$bin"
}
trap finish EXIT

${MAKE:-make} -s build
(cd bench && $GO build -trimpath -o "$bin/bench" .)
TIEOUT_TEST_POSTGRES=$(scripts/postgres.sh)
export TIEOUT_TEST_POSTGRES
echo "$(date -u +%Y-%m-%d), $(nproc 2>/dev/null || sysctl -n hw.ncpu) cores, load $(uptime | sed 's/.*load average[s]*: //'), commit $(git rev-parse --short HEAD)" >&2
"$bin/bench" -tieout bin/tieout "$@"
