#!/bin/sh
# Stands in for initdb where clusters are made by the dozen. PostgreSQL's own makes the first of each kind; the others
# are copies of it, each with a system identifier of its own, as every cluster has.
set -eu
here=${0%/*}
data='' before=''
for word; do
  if [ "$before" = --pgdata ]; then data=$word; fi
  before=$word
done
# Whatever else was said makes another kind; so do another user, and what initdb asks the environment for.
kind=$(for word in "$(id -u)" "${TZ-}" "$@"; do [ "$word" = "$data" ] || printf '%s\n' "$word"; done | sha256sum)
first=$here/first/${kind%% *}

if [ ! -d "$first" ]; then
  "$here/initdb.own" "$@"
  if new=$(mktemp -d "$here/first/new-XXXXXX" 2>/dev/null); then
    # Of several that come at once the first stays.
    { cp -a "$data" "$new/data" && mv -T "$new/data" "$first"; } 2>/dev/null || :
    rm -rf "$new"
  fi
  exit 0
fi

cp -a "$first" "$data"
# The identifier is the first word of the control file (pg_control.h), its last byte the highest of a time. The checksum
# that fits no longer, and a log of that identifier, are for pg_resetwal.
head -c 7 /dev/urandom | dd of="$data/global/pg_control" conv=notrunc 2>/dev/null
exec "$here/pg_resetwal" --force --pgdata "$data" >/dev/null
