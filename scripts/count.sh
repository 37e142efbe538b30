#!/usr/bin/env bash
# Counts a `go test -json` log: fails if a test failed or skipped, or none ran,
# and closes with the plain line "N passed, N failed".
set -euo pipefail
log=$1
count() { awk -v want="\"Action\":\"$1\"" 'index($0, want) && index($0, "\"Test\":") { n++ } END { print n + 0 }' "$log"; }
passed=$(count pass) failed=$(count fail) skipped=$(count skip)
if [ "$skipped" -gt 0 ]; then
	echo "these tests skipped, and nothing may:" >&2
	grep '"Action":"skip"' "$log" | grep '"Test":' >&2
	exit 1
fi
[ "$passed" -gt 0 ] || { echo "no test ran" >&2; exit 1; }
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
