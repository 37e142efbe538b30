#!/usr/bin/env bash
# Runs every fuzz target for a while, or for so many inputs: scripts/fuzz.sh
# [TIME or COUNTx], default 30s. A count ends in the middle of nothing; a time may
# end within an input, which Go then calls a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-30s}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
targets=0
while read -r dir package; do
	for target in $(grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go 2>/dev/null | awk '{print $2}'); do
		printf '%s %s\n' "$package" "$target"
		go test "$package" -run '^$' -fuzz "^${target}\$" -fuzztime "$time" -fuzzminimizetime 5x >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
		targets=$((targets + 1))
	done
done < <(go list -f '{{.Dir}} {{.ImportPath}}' ./...)
[ "$targets" -gt 0 ] || { echo "no fuzz target was found" >&2; exit 1; }
echo "$targets targets"
