#!/usr/bin/env bash
# Names the packages in which things run at once: their code or their tests start
# goroutines, lock, or serve. The race detector watches those, and in them all the
# packages they use.
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}
n=0
while read -r package dir; do
	if grep -qE '\bgo func|\bgo [a-zA-Z.]+\(|\bsync\.|\bsync/|errgroup|\.Go\(|t\.Parallel\(|httptest\.New(TLS)?Server' "$dir"/*.go; then
		printf '%s\n' "$package"
		n=$((n + 1))
	fi
done < <($GO list -f '{{.ImportPath}} {{.Dir}}' ./...)
[ "$n" -ge 30 ] || { echo "only $n packages were found in which things run at once" >&2; exit 1; }
