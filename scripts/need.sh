#!/usr/bin/env bash
# Installs the programs the tests use where they are missing: git, openssl, qpdf,
# a C compiler for the race detector. LibreOffice and
# pdftotext open documents. PostgreSQL is scripts/postgres.sh's.
set -euo pipefail
missing=()
command -v git >/dev/null || missing+=(git)
command -v openssl >/dev/null || missing+=(openssl)
command -v qpdf >/dev/null || missing+=(qpdf)
command -v gcc >/dev/null || missing+=(gcc libc6-dev)
command -v soffice >/dev/null || missing+=(libreoffice-writer-nogui)
command -v pdftotext >/dev/null || missing+=(poppler-utils)
[ ${#missing[@]} -eq 0 ] && { echo "all there"; exit 0; }
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "install these and run again: ${missing[*]}" >&2
	exit 1
fi
apt-get -o DPkg::Lock::Timeout=900 update -qq
DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=900 install -y -qq --no-install-recommends "${missing[@]}"
