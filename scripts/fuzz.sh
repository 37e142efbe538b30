#!/usr/bin/env bash
# Runs every fuzz target for a short while: scripts/fuzz.sh [TIME], default 30s.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-30s}
grep -rlE '^func Fuzz' --include='*_test.go' . | sort | while read -r file; do
	dir=$(dirname "$file")
	grep -oE '^func (Fuzz[A-Za-z0-9_]+)' "$file" | awk '{print $2}' | while read -r target; do
		printf '%s %s\n' "$dir" "$target"
		go test "$dir" -run '^$' -fuzz "^${target}\$" -fuzztime "$time" -fuzzminimizetime 5x >/tmp/fuzz.$$ 2>&1 || { cat /tmp/fuzz.$$ >&2; exit 1; }
		rm -f /tmp/fuzz.$$
	done
done
