#!/bin/sh
# The name that trackers link to; the work is done by observability-smoke.
set -eu
if ! command -v observability-smoke >/dev/null 2>&1; then
  printf '%s\n' 'observability_smoke.sh: observability-smoke is not on the PATH, so nothing was checked.' \
    'Build it with "cargo build --release -p observability-smoke" and put target/release on the PATH.' >&2
  exit 3
fi
exec observability-smoke "$@"
