#!/bin/sh
# The name that trackers link to; the work is done by cert-expiry-check.
set -eu
if ! command -v cert-expiry-check >/dev/null 2>&1; then
  printf '%s\n' 'cert_expiry_check.sh: cert-expiry-check is not on the PATH, so nothing was checked.' \
    'Build it with "cargo build --release -p cert-expiry-check" and put target/release on the PATH.' >&2
  exit 3
fi
exec cert-expiry-check "$@"
