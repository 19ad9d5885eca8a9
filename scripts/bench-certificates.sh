# shellcheck shell=bash disable=SC2154
# Certificates, beside the peers on the same farm in the same run: sourced by scripts/bench, which brings $bin,
# $folder and the table. What is timed is the whole command; CPU is user and system time of everything that a tool
# starts, a daemon's included.

readonly endpoints=${ENDPOINTS:-1000} files=${FILES:-10000} wide=${WIDE:-30000}

# measured COMMAND…: runs it; sets wall and cpu, in milliseconds. Its output goes to a log, shown when it fails.
measured() {
  local TIMEFORMAT='%R %U %S' times
  if ! times=$({ time "$@" >"$folder/output.log" 2>&1 </dev/null; } 2>&1); then
    cat "$folder/output.log" >&2
    return 1
  fi
  read -r wall cpu <<<"$(awk '{printf "%.0f %.0f\n", $1 * 1000, ($2 + $3) * 1000}' <<<"$times")"
}
# best NAME COMMAND…: keeps the fastest of the rounds in best_wall[NAME], and its CPU in best_cpu[NAME].
declare -A best_wall best_cpu
best() {
  local name=$1 wall cpu
  shift
  measured "$@"
  if [ -z "${best_wall[$name]:-}" ] || [ "$wall" -lt "${best_wall[$name]}" ]; then
    best_wall[$name]=$wall best_cpu[$name]=$cpu
  fi
}
# both_in_turn: a round of ours and of blackbox_exporter; prints time and CPU of the one and of the other.
both_in_turn() {
  local wall cpu daemon_before round
  measured by_scan
  round="$wall $cpu"
  daemon_before=$(daemon_cpu)
  measured by_blackbox
  printf '%s %s %s\n' "$round" "$wall" "$((cpu + $(daemon_cpu) - daemon_before))"
}
# CPU of blackbox_exporter so far, in milliseconds.
daemon_cpu() { awk -v tick="$(getconf CLK_TCK)" '{printf "%.0f", ($14 + $15) * 1000 / tick}' "/proc/$blackbox/stat"; }

# started NAME COMMAND…: in the background, its output to a log; the process id is in $pid. finish ends it.
started() {
  local name=$1
  shift
  "$@" </dev/null >"$folder/$name.log" 2>&1 &
  pid=$!
  background+=("$pid")
}
# wait_for NAME COMMAND…: until it succeeds, for 60 s.
wait_for() {
  local name=$1 tries=600
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    if [ "$tries" = 0 ] || ! kill -0 "$pid" 2>/dev/null; then
      cat "$folder/$name.log" >&2
      return 1
    fi
    sleep 0.1
  done
}
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
  local port
  for port in $(seq "$1" $(($1 + 99))); do
    if ! listens "$port"; then
      printf '%s' "$port"
      return
    fi
  done
  return 1
}
# peak COMMAND…: its peak memory in KiB, its time in milliseconds: sets rss and wall. Its exit code may be 2 or 3.
peak() {
  /usr/bin/time -q -f '%e %M' -o "$folder/time" "$@" >"$folder/output.log" 2>&1 </dev/null || true
  read -r wall rss < <(awk 'END {printf "%.0f %s\n", $1 * 1000, $2}' "$folder/time")
}

by_scan() {
  "$bin/cert-expiry-check" scan --targets "$folder/tls/targets.txt" --roots "$folder/tls/ca.pem" --evidence none \
    --no-progress
}
by_blackbox() { curl -sS --no-progress-meter -Z --parallel-max 8 -K "$folder/probes" 2>"$folder/curl.log"; }
by_sslscan() {
  xargs -a "$folder/tls/targets.txt" -P 8 -n 1 sslscan --no-colour --tls13 --no-ciphersuites --no-compression \
    --no-fallback --no-groups --no-heartbleed --no-renegotiation >"$folder/sslscan.out"
  [ "$(grep -c 'Not valid after' "$folder/sslscan.out")" = "$endpoints" ]
}
by_openssl() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  xargs -a "$folder/tls/targets.txt" -P 8 -I '{}' sh -c \
    'openssl s_client -connect "$1" </dev/null 2>/dev/null | openssl x509 -noout -enddate' _ '{}' >"$folder/dates"
  [ "$(grep -c '^notAfter=' "$folder/dates")" = "$endpoints" ]
}

serve_with_nginx() {
  "$bin/wide-farm" --folder "$folder/tls" --endpoints "$endpoints" --nginx
  started nginx nginx -p "$folder/tls" -c "$folder/tls/nginx.conf"
  wait_for nginx listens "$(sed -n '$s/.*://p' "$folder/tls/targets.txt")"
}
serve_blackbox() {
  local port
  port=$(free_port 19115)
  cat >"$folder/blackbox.yml" <<EOT
modules:
  tls: {prober: tcp, timeout: 10s, tcp: {tls: true, tls_config: {ca_file: $folder/tls/ca.pem}}}
EOT
  started blackbox prometheus-blackbox-exporter --config.file="$folder/blackbox.yml" \
    --web.listen-address="127.0.0.1:$port" --log.level=error
  blackbox=$pid
  wait_for blackbox listens "$port"
  sed "s|.*|url = \"http://127.0.0.1:$port/probe?module=tls\&target=&\"|" "$folder/tls/targets.txt" >"$folder/probes"
  # Once untimed, and every probe has succeeded: the peer verifies as we do.
  [ "$(by_blackbox | grep -c '^probe_success 1$')" = "$endpoints" ]
  sed -i 's|$|\noutput = "/dev/null"|' "$folder/probes"
}

endpoint_row() { # endpoint_row LABEL NAME
  local per_second each
  per_second=$(awk -v n="$endpoints" -v ms="${best_wall[$2]}" 'BEGIN {printf "%.0f", n * 1000 / ms}')
  each=$(awk -v n="$endpoints" -v ms="${best_cpu[$2]}" 'BEGIN {printf "%.2f", ms / n}')
  table+=("| $1 | $per_second/s | $each ms | $(ratio "${best_wall[$2]}" "${best_wall[ours]}") |")
}

bench_endpoints() {
  local round
  printf 'Certificates: %s TLS endpoints, by nginx.\n' "$endpoints"
  serve_with_nginx
  serve_blackbox
  by_scan >"$folder/first.log"
  grep -q '^PASSED' "$folder/first.log" || { cat "$folder/first.log" >&2; return 1; }
  # The two take turns. The round in the middle counts: the machine's own speed moves by a third within a minute, so
  # the fastest of each would compare two different machines.
  for ((round = 0; round < 15; round++)); do
    both_in_turn >>"$folder/rounds"
  done
  read -r "best_wall[ours]" "best_cpu[ours]" "best_wall[blackbox]" "best_cpu[blackbox]" < <(
    awk '{print $3 / $1, $0}' "$folder/rounds" | sort -g | sed -n '8s/[^ ]* //p')
  best sslscan by_sslscan
  best openssl by_openssl
  table+=('' "| $endpoints TLS endpoints | endpoints | client CPU each | we are so many times as fast |" '|---|---|---|---|')
  endpoint_row 'cert-expiry-check scan (goal: 0.35 ms)' ours
  endpoint_row 'blackbox_exporter, curl -Z --parallel-max 8 (goal: 2.5)' blackbox
  endpoint_row 'sslscan, xargs -P8, all optional tests off' sslscan
  endpoint_row 'openssl s_client and x509, xargs -P8' openssl
}

bench_files() {
  local round
  printf 'Certificates: %s PEM files.\n' "$files"
  "$bin/wide-farm" --folder "$folder/files" --endpoints "$files" --files
  for ((round = 0; round < 5; round++)); do
    best files "$bin/cert-expiry-check" scan "$folder/files" --evidence none --no-progress
  done
  table+=('' '| Files | Certificates a second | Time |' '|---|---|---|')
  table+=("| $files PEM files of two certificates in one folder (goal: 20000/s) | $(awk -v n="$files" -v ms="${best_wall[files]}" 'BEGIN {printf "%.0f", 2 * n * 1000 / ms}')/s | ${best_wall[files]} ms |")
}

bench_wide() {
  local number wall rss unchecked
  printf 'Certificates: %s TLS endpoints on addresses of 127.0.0.0/8, 5 %% of them dead.\n' "$wide"
  started wide "$bin/wide-farm" --folder "$folder/wide" --endpoints "$wide" --dead 5
  wait_for wide test -s "$folder/wide/targets.txt"
  table+=('' '| Targets, 5 % dead | Deadline | Time | Not checked | Peak memory |' '|---|---|---|---|---|')
  for number in $((wide / 30)) $((wide / 3)) "$wide"; do
    head -n "$number" "$folder/wide/targets.txt" >"$folder/some.txt"
    scan_wide "$number" 600
  done
  scan_wide "$wide" 10
}
scan_wide() { # scan_wide NUMBER DEADLINE
  peak "$bin/cert-expiry-check" scan --targets "$folder/some.txt" --roots "$folder/wide/ca.pem" --evidence none \
    --no-progress --timeout "${2}s" --format json
  unchecked=$(awk -F '[:,]' '/"not_checked":/ {sum += $2} END {print sum + 0}' "$folder/output.log")
  table+=("| $1 | $2 s | $(awk -v ms="$wall" 'BEGIN {printf "%.1f", ms / 1000}') s | $unchecked | $(awk -v k="$rss" 'BEGIN {printf "%.1f", k / 1024}') MiB |")
}

bench_certificates() {
  bench_endpoints
  bench_files
  bench_wide
}
