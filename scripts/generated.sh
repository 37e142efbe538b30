#!/usr/bin/env bash
# Runs every generator and fails if a committed file would differ.
set -euo pipefail
cd "$(dirname "$0")/.."
before=$(git status --porcelain)
go generate ./...
after=$(git status --porcelain)
if [ "$before" != "$after" ]; then
	echo "generated files differ; run 'make generate' and commit:" >&2
	diff <(printf '%s\n' "$before") <(printf '%s\n' "$after") >&2 || exit 1
	exit 1
fi
echo "up to date"
