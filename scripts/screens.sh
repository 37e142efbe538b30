#!/usr/bin/env bash
# Opens every screen in Chromium, as each role of the startup demo: no finding of
# axe, no sideways scroll, no error in the console, no request to another server,
# forms that work with scripts off, the words that nobody may say, print, and a
# walk by keyboard. Prints what each screen weighs beside its budget. Pictures of
# all screens go to artifacts/screens. What is checked stands in scripts/screens/.
set -euo pipefail
cd "$(dirname "$0")/.."
peers=${TIEOUT_PEERS:-$PWD/.peers}
out=${1:-artifacts/screens}
tieout=${TIEOUT_BIN:-bin/tieout}
work=$(mktemp -d)
server=
finish() {
	if [ -n "$server" ] && kill -INT "$server" 2>/dev/null; then
		wait "$server" || [ $? -eq 130 ] || echo "the demo's server did not stop cleanly" >&2
	fi
	rm -rf "$work"
}
trap finish EXIT

[ -x "$tieout" ] || ${MAKE:-make} -s build
"$tieout" demo "$work/demo" >"$work/demo.log" 2>&1 &
server=$!
address=
for _ in $(seq 600); do
	address=$(sed -nE 's#.*(http://localhost:[0-9]+).*#\1#p' "$work/demo.log" | head -n 1)
	[ -z "$address" ] || break
	kill -0 "$server" 2>/dev/null || break
	sleep 0.5
done
if [ -z "$address" ]; then
	echo "the demo did not come to serve its screens:" >&2
	cat "$work/demo.log" >&2
	exit 1
fi
rm -rf "$out"
mkdir -p "$out"
node scripts/screens/main.mjs "$address" "$work/demo.log" "$peers/node_modules" "$out"
