# shellcheck shell=bash disable=SC2016,SC2154
# `check` of a tracker of 1,000 items with 10,000 evidence files: sourced by scripts/bench, which brings $bin, $folder
# and the table.

bench_tracker() {
  local items=${ITEMS:-1000} each=10 seed page item file took memory round best='' root=$folder/tracker
  printf 'Tracker: %s items with %s evidence files.\n' "$items" $((items * each))
  mkdir -p "$root/ev"
  # A page that the tool itself made; its Notes, which no seal covers, tell one copy from the other.
  (cd "$root" && "$bin/evidence-report" capture --check bench.page --evidence "$root/seed.md" --quiet -- true)
  seed=$(cat "$root/seed.md")
  {
    printf '# Track\n'
    for ((item = 1; item <= items; item++)); do
      printf '\n## %s) Item\n- Status: `done`\n- Owner: `SRE`\n- Target: `Before beta`\n- Evidence:\n' "$item"
      for ((file = 0; file < each; file++)); do
        page=ev/$item-$file.md
        printf '  - Report: `%s`\n' "$page"
        printf '%s\n\nCopy %s of %s.\n' "$seed" "$file" "$item" >"$root/$page"
      done
    done
  } >"$root/track.md"
  git -C "$root" init -q && git -C "$root" add .
  for ((round = 0; round < rounds; round++)); do
    read -r took memory < <(cd "$root" && /usr/bin/time -f '%e %M' "$bin/evidence-report" check track.md --root . \
      --quiet 2>&1 >/dev/null | tail -n 1)
    if [ -z "$best" ] || awk -v a="$took" -v b="$best" 'BEGIN {exit !(a < b)}'; then best=$took; fi
  done
  table+=('' "| $items items, $((items * each)) evidence files of $(stat -c %s "$root/ev/1-0.md") bytes | Time | Peak memory |" '|---|---|---|')
  table+=("| evidence-report check | $best s (goal: under 2) | $((memory / 1024)) MiB (goal: under 128) |")
}
