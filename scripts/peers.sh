#!/usr/bin/env bash
# Installs the counterparts that sources are tested against, where they are
# missing: slapd, restic, borg, pgBackRest and a Java runtime from the system's
# packages; the AWS emulator moto, SCIM clients
# and a client of the Model Context Protocol into .peers/python; Prism, WireMock, an OpenID
# provider and GitHub's OpenAPI description into .peers/node_modules. The screens
# are walked in Chromium, from the system's packages, by playwright-core, which
# brings no browser of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
peers=${TIEOUT_PEERS:-$PWD/.peers}
mkdir -p "$peers"

packages=()
[ -x /usr/sbin/slapd ] || command -v slapd >/dev/null || packages+=(slapd)
command -v ldapadd >/dev/null || packages+=(ldap-utils)
command -v restic >/dev/null || packages+=(restic)
command -v borg >/dev/null || packages+=(borgbackup)
command -v pgbackrest >/dev/null || packages+=(pgbackrest)
command -v java >/dev/null || packages+=(default-jre-headless)
command -v node >/dev/null || packages+=(nodejs)
command -v npm >/dev/null || packages+=(npm)
command -v chromium >/dev/null || packages+=(chromium fonts-liberation)
command -v python3 >/dev/null || packages+=(python3)
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
if [ ${#packages[@]} -gt 0 ]; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "install these and run again: ${packages[*]}" >&2
		exit 1
	fi
	export DEBIAN_FRONTEND=noninteractive
	# slapd is started by the tests, on loopback; the package's own server is not wanted.
	[ -d /run/systemd/system ] || export RUNLEVEL=1
	apt-get -o DPkg::Lock::Timeout=900 update -qq
	apt-get -o DPkg::Lock::Timeout=900 install -y -qq --no-install-recommends "${packages[@]}" >"$peers/apt.log" 2>&1 ||
		{ cat "$peers/apt.log" >&2; exit 1; }
fi

# Installed whole or not at all: the mark is written last.
want=$(cat scripts/peers-python.txt scripts/peers-node.json | cksum)
if [ "$(cat "$peers/installed" 2>/dev/null)" != "$want" ]; then
	rm -rf "$peers/python" "$peers/node_modules"
	python3 -m venv "$peers/python"
	"$peers/python/bin/pip" install -q --disable-pip-version-check -r scripts/peers-python.txt
	cp scripts/peers-node.json "$peers/package.json"
	npm install --prefix "$peers" --silent --no-audit --no-fund --no-package-lock
	echo "$want" >"$peers/installed"
fi
echo "$peers"
