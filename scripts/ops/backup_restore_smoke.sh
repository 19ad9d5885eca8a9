#!/bin/sh
# The name that trackers link to; the work is done by backup-restore-smoke.
set -eu
if ! command -v backup-restore-smoke >/dev/null 2>&1; then
  printf '%s\n' 'backup_restore_smoke.sh: backup-restore-smoke is not on the PATH, so nothing was checked.' \
    'Build it with "cargo build --release -p backup-restore-smoke" and put target/release on the PATH.' >&2
  exit 3
fi
exec backup-restore-smoke "$@"
