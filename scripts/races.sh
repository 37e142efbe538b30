#!/usr/bin/env bash
# Names the packages in which things run at once: their code or their tests start
# goroutines or lock. The race detector watches those, and in them all the
# packages of Tieout they use. The longest come first, so that no core waits for them.
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}
long=() short=()
while read -r package dir; do
	grep -qE '\bgo func|\bgo [a-zA-Z.]+\(|\bsync\.|\bsync/|errgroup|\.Go\(|t\.Parallel\(' "$dir"/*.go || continue
	case $package in
	tieout/reader/web | tieout/cmd/tieout | tieout/period) long+=("$package") ;;
	*) short+=("$package") ;;
	esac
done < <($GO list -f '{{.ImportPath}} {{.Dir}}' ./...)
[ ${#short[@]} -ge 30 ] || { echo "only ${#short[@]} packages were found in which things run at once" >&2; exit 1; }
printf '%s\n' "${long[@]}" "${short[@]}"
