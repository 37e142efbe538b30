#!/usr/bin/env bash
# Runs every fuzz target for a while, or for so many inputs, two packages at once:
# scripts/fuzz.sh [TIME or COUNTx], default 30s. A count ends in the middle of
# nothing; a time may end within an input, which Go then calls a failure. A package
# is built once for all its targets: for a time with the counters that guide the
# search, for a count, too short to be guided, as the tests build it. What is found
# new is kept where `go test -fuzz` keeps it, and an input that fails is written
# into the package's testdata.
set -euo pipefail
cd "$(dirname "$0")/.."
export FUZZ_TIME=${1:-30s}
FUZZ_CACHE=$(go env GOCACHE)/fuzz
export FUZZ_CACHE
guided=-fuzz=.
case $FUZZ_TIME in *x) guided= ;; esac
export guided
work=$(mktemp -d)
export work
trap 'rm -rf "$work"' EXIT

# package runs the targets of one package, in its folder; what a target printed is
# shown where it fails, and nothing more is begun.
package() {
	local name=$1 dir=$2
	shift 2
	local at="$work/${name//\//-}"
	go test -c ${guided:+"$guided"} -o "$at.test" "$name" >"$at.log" 2>&1 || { cat "$at.log" >&2; exit 255; }
	cd "$dir"
	for target in "$@"; do
		if ! "$at.test" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$FUZZ_TIME" -test.fuzzminimizetime 5x -test.parallel 1 -test.fuzzcachedir "$FUZZ_CACHE/$name" >"$at.log" 2>&1; then
			cat "$at.log" >&2
			exit 255
		fi
		printf '%s %s\n' "$name" "$target"
	done
	rm -f "$at.test" "$at.log"
}
export -f package

while read -r dir name; do
	targets=$(cat "$dir"/*_test.go 2>/dev/null | sed -nE 's/^func (Fuzz[A-Za-z0-9_]+).*/\1/p' | paste -sd ' ')
	[ -z "$targets" ] || printf '%s %s %s\n' "$name" "$dir" "$targets" >>"$work/list"
done < <(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}} {{.ImportPath}}{{end}}' ./...)
[ -s "$work/list" ] || { echo "no fuzz target was found" >&2; exit 1; }
xargs -P 2 -L 1 bash -c 'package "$@"' package <"$work/list"
echo "$(awk '{ n += NF - 2 } END { print n }' "$work/list") targets in $(wc -l <"$work/list") packages"
