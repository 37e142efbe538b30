#!/bin/sh
# Prints the address (DSN) of a PostgreSQL server for tests, starting a private
# one if it has to. "scripts/postgres.sh stop" stops and removes what it started.
#
#   TIEOUT_TEST_POSTGRES=$(scripts/postgres.sh) go test ./store/...
#
# In this order: TIEOUT_TEST_POSTGRES as it is set; a server this script has
# started before; a new one from installed binaries; as root, Debian's package
# first. The private server listens on loopback only, with trust, never runs as
# root, and its data is thrown away by stop.
set -eu

dir=${TIEOUT_POSTGRES_DIR:-${TMPDIR:-/tmp}/tieout-postgres-$(id -u)}

fail() {
	echo "postgres.sh: $*" >&2
	exit 1
}

# The folder with initdb and pg_ctl, newest version first.
find_bin() {
	for d in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin 2>/dev/null | sort -rV) $(echo "$PATH" | tr ':' ' '); do
		if [ -x "$d/initdb" ] && [ -x "$d/pg_ctl" ]; then
			echo "$d"
			return 0
		fi
	done
	return 1
}

# Runs a command as the user who owns the server.
as_owner() {
	if [ "$(id -u)" -ne 0 ]; then
		(cd / && "$@")
	elif command -v runuser >/dev/null; then
		(cd / && runuser -u "$owner" -- "$@")
	else
		(cd / && su -s /bin/sh "$owner" -c '"$0" "$@"' -- "$@")
	fi
}

pick_owner() {
	owner=$(id -un)
	[ "$(id -u)" -ne 0 ] && return
	owner=postgres
	id "$owner" >/dev/null 2>&1 && return
	owner=tieout-postgres
	id "$owner" >/dev/null 2>&1 && return
	useradd --system --no-create-home --shell /usr/sbin/nologin "$owner" >&2 ||
		fail "cannot make the user $owner; PostgreSQL does not run as root"
}

install_package() {
	[ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null ||
		fail "no PostgreSQL here: install it (Debian: apt-get install postgresql) or set TIEOUT_TEST_POSTGRES to a server's DSN"
	export DEBIAN_FRONTEND=noninteractive
	# The package would start a server of its own, which nobody asked for.
	mkdir -p /etc/postgresql-common
	[ -e /etc/postgresql-common/createcluster.conf ] ||
		echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
	{
		apt-get -o DPkg::Lock::Timeout=900 install -y postgresql ||
			{ apt-get -o DPkg::Lock::Timeout=900 update && apt-get -o DPkg::Lock::Timeout=900 install -y postgresql; }
	} >&2 || fail "apt-get install postgresql failed; install it by hand or set TIEOUT_TEST_POSTGRES to a server's DSN"
}

stop() {
	if [ ! -d "$dir" ]; then
		return
	fi
	owner=$(cat "$dir/owner")
	bin=$(cat "$dir/bin")
	if as_owner "$bin/pg_ctl" -D "$dir/data" status >/dev/null 2>&1; then
		as_owner "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null
	fi
	rm -rf "$dir"
}

running() {
	[ -f "$dir/dsn" ] || return 1
	owner=$(cat "$dir/owner")
	as_owner "$(cat "$dir/bin")/pg_ctl" -D "$dir/data" status >/dev/null 2>&1
}

# Tries ports until the server can have one; two scripts at once get two.
start() {
	port=$((20000 + $$ % 20000))
	tries=0
	while [ $tries -lt 20 ]; do
		if as_owner "$bin/pg_ctl" -D "$dir/data" -l "$dir/data/log" -w -t 60 \
			-o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200" start >/dev/null 2>&1; then
			return 0
		fi
		port=$((port + 1))
		tries=$((tries + 1))
	done
	if [ -r "$dir/data/log" ]; then tail -5 "$dir/data/log" >&2; fi
	stop
	fail "the server did not start; see the lines above"
}

create() {
	[ ! -e "$dir" ] || stop
	bin=$(find_bin) || { install_package && bin=$(find_bin); } || fail "PostgreSQL is installed, but initdb and pg_ctl are not to be found"
	pick_owner
	mkdir -m 0755 "$dir" || fail "cannot make $dir"
	echo "$owner" >"$dir/owner"
	echo "$bin" >"$dir/bin"
	mkdir -m 0700 "$dir/data"
	[ "$(id -u)" -ne 0 ] || chown "$owner" "$dir/data"
	as_owner "$bin/initdb" -D "$dir/data" -U tieout -A trust -E UTF8 --no-sync >"$dir/initdb.log" 2>&1 ||
		{ cat "$dir/initdb.log" >&2; stop; fail "initdb failed; see the lines above"; }
	start
	echo "postgres://tieout@127.0.0.1:$port/postgres?sslmode=disable" >"$dir/dsn"
}

case ${1:-start} in
start)
	if [ -n "${TIEOUT_TEST_POSTGRES:-}" ]; then
		echo "$TIEOUT_TEST_POSTGRES"
		exit 0
	fi
	running || create
	cat "$dir/dsn"
	;;
stop) stop ;;
*) fail "usage: postgres.sh [start|stop]" ;;
esac
