#!/usr/bin/env bash
# Runs every fuzz target for a while, or for so many inputs, two at once:
# scripts/fuzz.sh [TIME or COUNTx], default 30s. A count ends in the middle of
# nothing; a time may end within an input, which Go then calls a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
export FUZZ_TIME=${1:-30s}
list=$(mktemp)
trap 'rm -f "$list"' EXIT

# one runs a target; what it printed is shown where it fails, and nothing more is begun.
one() {
	log=$(mktemp)
	if go test "$1" -run '^$' -fuzz "^$2\$" -fuzztime "$FUZZ_TIME" -fuzzminimizetime 5x -parallel 1 >"$log" 2>&1; then
		printf '%s %s\n' "$1" "$2"
		rm -f "$log"
		return
	fi
	cat "$log" >&2
	rm -f "$log"
	exit 255
}
export -f one

while read -r dir package; do
	for target in $(grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go 2>/dev/null | awk '{print $2}'); do
		printf '%s %s\n' "$package" "$target" >>"$list"
	done
done < <(go list -f '{{.Dir}} {{.ImportPath}}' ./...)
[ -s "$list" ] || { echo "no fuzz target was found" >&2; exit 1; }
xargs -P 2 -L 1 bash -c 'one "$0" "$1"' <"$list"
echo "$(wc -l <"$list") targets"
