#!/bin/sh
# Installs the system packages (Debian's apt) whose commands are missing.
#   scripts/install.sh COMMAND:PACKAGE ...
set -eu
PATH=$PATH:/usr/sbin:/sbin
missing=
for need in "$@"; do
  command -v "${need%%:*}" >/dev/null 2>&1 || missing="$missing ${need##*:}"
done
[ -n "$missing" ] || exit 0

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
if command -v apt-get >/dev/null 2>&1 && { [ -z "$as_root" ] || command -v sudo >/dev/null 2>&1; }; then
  echo "setup: installing system packages:$missing" >&2
  # shellcheck disable=SC2086
  $as_root apt-get update -qq
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
  echo "setup: please install these first (Debian's package names):$missing" >&2
  exit 1
fi
