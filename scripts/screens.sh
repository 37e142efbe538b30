#!/usr/bin/env bash
# Opens every screen of both rooms of the startup demo in Chromium, Halyard's and its
# audit firm's, as each role: no finding of
# axe, no sideways scroll, no error in the console, no request to another server,
# forms that work with scripts off, the words that nobody may say, print, and a
# walk by keyboard. Prints what each screen weighs beside its budget. Then a
# passkey is made, used and removed, and a new company goes from an empty folder to
# its first list of gaps, with the time of each step. The HTML twin of a service
# auditor's report is looked at in four views. Pictures of
# all screens go to artifacts/screens. What is checked stands in scripts/screens/.
set -euo pipefail
cd "$(dirname "$0")/.."
peers=${TIEOUT_PEERS:-$PWD/.peers}
out=${1:-artifacts/screens}
tieout=${TIEOUT_BIN:-bin/tieout}
work=$(mktemp -d)
server=
newcomer=
stop() {
	if [ -n "$1" ] && kill -INT "$1" 2>/dev/null; then
		wait "$1" || [ $? -eq 130 ] || echo "$2 did not stop cleanly" >&2
	fi
}
finish() {
	stop "$server" "the demo's server"
	stop "$newcomer" "the new company's server"
	rm -rf "$work"
}
trap finish EXIT

[ -x "$tieout" ] || ${MAKE:-make} -s build
: >"$work/demo.log" # it is read before the other process has opened it
"$tieout" demo "$work/demo" >>"$work/demo.log" 2>&1 &
server=$!
address=
for _ in $(seq 1200); do
	address=$(sed -nE 's#^Halyard, operated by .*(http://localhost:[0-9]+).*#\1#p' "$work/demo.log")
	[ "$(grep -c '^Open http://localhost' "$work/demo.log")" != 2 ] || break
	kill -0 "$server" 2>/dev/null || break
	sleep 0.5
done
if [ "$(grep -c '^Open http://localhost' "$work/demo.log")" != 2 ]; then
	echo "the demo did not come to serve its screens:" >&2
	cat "$work/demo.log" >&2
	exit 1
fi
rm -rf "$out"
mkdir -p "$out"
failed=0
mkdir "$out/firm"
node scripts/screens/main.mjs company "$work/demo.log" "$peers/node_modules" "$out" || failed=1
node scripts/screens/main.mjs firm "$work/demo.log" "$peers/node_modules" "$out/firm" || failed=1
node scripts/screens/passkeys.mjs "$address" "$work/demo.log" "$peers/node_modules" "$out" || failed=1

mkdir "$work/twins"
go test ./report/attest/html -run TestWriteTwins -twins "$work/twins" >/dev/null
node scripts/screens/twin.mjs "$work/twins" "$peers/node_modules" "$out" || failed=1

"$tieout" -w "$work/new" init --yes --name "Marrow Labs" >"$work/new.log" 2>&1
: >"$work/serve.log"
"$tieout" -w "$work/new" serve --listen 127.0.0.1:0 >>"$work/serve.log" 2>&1 &
newcomer=$!
link=
for _ in $(seq 120); do
	link=$(sed -nE 's#.*(http://localhost:[0-9]+/setup\?key=[A-Za-z0-9_-]+).*#\1#p' "$work/serve.log" | head -n 1)
	[ -z "$link" ] || break
	kill -0 "$newcomer" 2>/dev/null || break
	sleep 0.5
done
if [ -z "$link" ]; then
	echo "a new workspace did not come to serve its screens:" >&2
	cat "$work/new.log" "$work/serve.log" >&2
	exit 1
fi
node scripts/screens/newcomer.mjs "$link" "$peers/node_modules" "$out" || failed=1
exit $failed
