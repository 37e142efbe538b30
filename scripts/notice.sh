#!/usr/bin/env bash
# Writes THIRD_PARTY.md: every module linked into the tieout program, with the
# license its own license file states. Fails on one it does not recognize, so
# that nobody links an unknown license unseen.
set -euo pipefail
cd "$(dirname "$0")/.."
kind() {
	local text
	text=$(tr -s ' \n\t' ' ' <"$1" | tr '[:upper:]' '[:lower:]')
	case $text in
	*"apache license"*) echo Apache-2.0 ;;
	*"mozilla public license"*) echo MPL-2.0 ;;
	*"permission is hereby granted, free of charge"*) echo MIT ;;
	*"permission to use, copy, modify, and"*"distribute this software for any purpose"*) echo ISC ;;
	*"redistribution and use in source and binary forms"*"neither the name"*) echo BSD-3-Clause ;;
	*"redistribution and use in source and binary forms"*"names of its contributors may not"*) echo BSD-3-Clause ;;
	*"redistribution and use in source and binary forms"*) echo BSD-2-Clause ;;
	*) return 1 ;;
	esac
}
modules=$(go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/tieout | sort -u)
{
	echo "# Third-party modules"
	echo
	echo "What is linked into the \`tieout\` program, and under which license. Made by \`scripts/notice.sh\`; the license texts"
	echo "are in each module. Fonts in the report: Inter, Source Serif 4 and JetBrains Mono, SIL Open Font License 1.1, their texts"
	echo "in report/html/fonts and report/attest/pdf/fonts."
	echo
	echo "| module | version | license |"
	echo "|---|---|---|"
	while read -r path version dir; do
		file=$(find "$dir" -maxdepth 1 -type f \( -iname 'LICENSE*' -o -iname 'LICENCE*' -o -iname 'COPYING*' \) | sort | head -n 1)
		[ -n "$file" ] || { echo "$path has no license file" >&2; exit 1; }
		license=$(kind "$file") || { echo "$path: license of $file is not recognized" >&2; exit 1; }
		echo "| $path | $version | $license |"
	done <<<"$modules"
} >THIRD_PARTY.md.new
mv THIRD_PARTY.md.new THIRD_PARTY.md
