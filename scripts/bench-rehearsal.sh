# shellcheck shell=bash disable=SC2154
# A whole rehearsal beside the bare commands that it cannot do without: sourced by scripts/bench, which brings $bin,
# $folder, $parts and the table.

# rehearsal_database PARTS: so many schemas of about 90 MB each: numbers, times, texts, JSON, bytes, arrays, with
# keys, indexes and references between them.
rehearsal_database() {
  local part
  "${psql[@]}" -d postgres -c 'CREATE DATABASE varied'
  for ((part = 1; part <= $1; part++)); do
    "${psql[@]}" -d varied <<EOT
SET client_min_messages = warning;
CREATE SCHEMA part_$part;
SET search_path = part_$part;
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, settings jsonb NOT NULL, created_at timestamptz NOT NULL);
INSERT INTO customers SELECT i, 'Customer ' || i, jsonb_build_object('locale', 'en', 'seats', i % 50, 'since', md5('c$part' || i)),
       timestamptz '2025-01-01 00:00:00+00' + i * interval '7 minutes' FROM generate_series(1, 40000) AS i;
CREATE TABLE entries (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int NOT NULL REFERENCES customers,
       amount numeric(12, 2) NOT NULL, booked_at timestamptz NOT NULL, reference uuid NOT NULL, note text, tags text[]);
INSERT INTO entries (customer_id, amount, booked_at, reference, note, tags)
SELECT 1 + (i * 7919::bigint) % 40000, ((i * 31) % 100000) / 100.0, timestamptz '2026-01-01 00:00:00+00' + i * interval '53 seconds',
       md5('e$part' || i)::uuid, CASE WHEN i % 5 = 0 THEN 'reversal of ' || (i - 1) END, ARRAY['region-' || i % 5]
FROM generate_series(1, 350000) AS i;
CREATE INDEX ON entries (customer_id, booked_at);
CREATE TABLE events (received_at timestamp NOT NULL, payload json NOT NULL, signature bytea NOT NULL);
INSERT INTO events SELECT timestamp '2026-09-01' + i * interval '40 seconds',
       json_build_object('id', md5('v$part' || i), 'attempt', i % 4, 'body', md5('a' || i) || md5('b' || i)), decode(md5('s' || i), 'hex')
FROM generate_series(1, 100000) AS i;
CREATE INDEX ON events (received_at);
EOT
  done
  "${psql[@]}" -d varied -c 'VACUUM ANALYZE'
}

# The settings that the copy of a rehearsal has; whoever restores by hand sets the same.
readonly as_a_copy=(-c listen_addresses= -c archive_mode=off -c wal_level=minimal -c max_wal_senders=0 -c fsync=on
  -c autovacuum=off -c maintenance_work_mem=256MB -c max_wal_size=8GB -c checkpoint_timeout=30min
  -c max_locks_per_transaction=1024 -c dynamic_shared_memory_type=mmap)

# The bare commands. Its server is left to by_bare_afterwards, which is not timed.
# shellcheck disable=SC2317 # called by bench_rehearsal, by name
by_bare() {
  local bare=$folder/bare programs become=()
  programs=$(postgres_bin)
  if [ "$(id -u)" = 0 ]; then become=(setpriv --reuid=postgres --regid=postgres --clear-groups --); fi
  "$programs/pg_dump" -h "$folder/pg" -U postgres -Fd -Z1 -j2 --no-sync -f "$folder/bare.dump" varied
  (cd / && exec "${become[@]}" "$programs/initdb" -D "$bare/data" -U postgres --auth=trust --no-sync --no-locale -E UTF8)
  # Not through a function: $! has to be the server itself.
  "${become[@]}" "$programs/postgres" -D "$bare/data" -k "$bare" "${as_a_copy[@]}" >"$bare.log" 2>&1 </dev/null &
  printf '%s\n' "$!" >"$folder/bare.pid"
  until "$programs/pg_isready" -q -h "$bare"; do
    kill -0 "$(cat "$folder/bare.pid")" || return 1
    sleep 0.02
  done
  "$programs/createdb" -h "$bare" -U postgres varied
  "$programs/pg_restore" -h "$bare" -U postgres -j2 -d varied "$folder/bare.dump"
}

bare_make_room() {
  mkdir "$folder/bare"
  if [ "$(id -u)" = 0 ]; then chown postgres:postgres "$folder/bare"; fi
}

bare_take_away() {
  local process
  process=$(cat "$folder/bare.pid" 2>/dev/null || true)
  if [ -n "$process" ]; then
    kill -QUIT "$process" 2>/dev/null || true
    while kill -0 "$process" 2>/dev/null; do sleep 0.02; done
  fi
  rm -rf "$folder/bare" "$folder/bare.dump" "$folder/bare.log" "$folder/bare.pid"
}

# shellcheck disable=SC2317 # called by bench_rehearsal, by name
by_rehearsal() {
  "$bin/backup-restore-smoke" rehearse --source "host=$folder/pg user=postgres dbname=varied" --jobs 2 \
    --scratch "$folder" --scratch-shares-filesystem --quiet --no-progress --evidence none --fail-on failure \
    --format "json=$folder/rehearsal.json"
}

# stage NAME: its milliseconds in the last rehearsal.
stage() {
  python3 -c 'import json, sys
stages = json.load(open(sys.argv[1]))["timeline"]["stages"]
print(sum(s["end_ms"] - s["start_ms"] for s in stages if s["name"].startswith(sys.argv[2])))' \
    "$folder/rehearsal.json" "$1"
}

bench_rehearsal() {
  local pieces=${PARTS:-12} turns=5 round bare whole apart ours ratios=() lines=()
  printf 'Rehearsal: a varied database of %s schemas of about 90 MB.\n' "$pieces"
  mkdir "$folder/pg"
  postgres_start "$folder/pg" -c max_locks_per_transaction=256
  psql=("$(postgres_bin)/psql" -qXAt -v ON_ERROR_STOP=1 -h "$folder/pg" -U postgres)
  rehearsal_database "$pieces"
  size=$("${psql[@]}" -d varied -c 'SELECT pg_size_pretty(pg_database_size(current_database()))')
  for ((round = 0; round < turns; round++)); do
    bare_make_room
    bare=$(milliseconds by_bare)
    bare_take_away
    whole=$(milliseconds by_rehearsal)
    apart=$(stage fingerprint)
    ours=$((whole - apart))
    ratios+=("$(ratio "$ours" "$bare")")
    lines+=("| $whole ms | $apart ms | $ours ms | $bare ms | $(ratio "$ours" "$bare") |")
  done
  table+=('' "| a whole rehearsal of $size, two jobs | its two fingerprints | without them | pg_dump, initdb, start, pg_restore by a shell script | ratio |" '|---|---|---|---|---|')
  table+=("${lines[@]}" "| | | | median (goal: at most 1.10) | $(printf '%s\n' "${ratios[@]}" | sort -n | sed -n "$(((turns + 1) / 2))p") |")
  postgres_stop
  rm -rf "$folder/pg" "$folder/pg.log"
}
