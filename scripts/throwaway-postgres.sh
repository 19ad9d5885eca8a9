# shellcheck shell=bash
# Sourced by demo and bench: a PostgreSQL server of our own, reachable by a unix socket only, which is stopped and
# forgotten afterwards. It knows nothing of what is stored in it.

# postgres_bin: the folder of the newest installed server's programs.
postgres_bin() {
  local newest
  newest=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
  [ -x "$newest" ] || newest=$(command -v initdb)
  dirname "$newest"
}

# PostgreSQL refuses to run as root.
postgres_as_itself() {
  if [ "$(id -u)" = 0 ]; then
    (cd / && exec setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@")
  else
    "$@"
  fi
}

# postgres_start FOLDER [-c SETTING=VALUE…]: FOLDER is new, empty and short (a socket's path ends at 107 bytes).
# Sets postgres_pid; connect with host=FOLDER user=postgres.
postgres_start() {
  # A name of its own: a trap that runs meanwhile sees our locals.
  local cluster=$1 bin
  shift
  bin=$(postgres_bin)
  if [ "$(id -u)" = 0 ]; then chown postgres:postgres "$cluster"; fi
  if ! postgres_as_itself "$bin/initdb" -D "$cluster/data" -U postgres --auth=trust --no-sync --no-locale -E UTF8 \
    >"$cluster.initdb.log" 2>&1; then
    cat "$cluster.initdb.log" >&2
    return 1
  fi
  rm -f "$cluster.initdb.log"
  local become=()
  if [ "$(id -u)" = 0 ]; then become=(setpriv --reuid=postgres --regid=postgres --clear-groups --); fi
  # Not through a function: $! has to be the server itself.
  "${become[@]}" "$bin/postgres" -D "$cluster/data" -k "$cluster" -c listen_addresses= -c fsync=off \
    -c synchronous_commit=off -c max_wal_size=4GB -c logging_collector=off "$@" >"$cluster.log" 2>&1 </dev/null &
  postgres_pid=$!
  local tries=0
  until "$bin/pg_isready" -q -h "$cluster"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ] || ! kill -0 "$postgres_pid" 2>/dev/null; then
      printf 'PostgreSQL did not come up:\n' >&2
      tail -n 20 "$cluster.log" >&2
      return 1
    fi
    sleep 0.1
  done
}

# postgres_stop: a fast shutdown of the server that postgres_start started.
postgres_stop() {
  [ -n "${postgres_pid:-}" ] || return 0
  kill -INT "$postgres_pid" 2>/dev/null || true
  wait "$postgres_pid" 2>/dev/null || true
  postgres_pid=
}
