#!/bin/sh
# Installs what the project needs and does not find: system packages (Debian's apt), then the locked npm packages.
set -eu
cd "$(dirname "$0")/.."

# command:package, one a line; only what a command is missing for is installed.
needs='
ip:iproute2
nft:nftables
unshare:util-linux
ps:procps
tcpdump:tcpdump
ping:iputils-ping
arping:iputils-arping
ndisc6:ndisc6
keepalived:keepalived
/usr/lib/frr/bfdd:frr
bird:bird2
npm:npm
'
PATH=$PATH:/usr/sbin:/sbin
missing=
for need in $needs; do
  command -v "${need%%:*}" >/dev/null 2>&1 || missing="$missing ${need##*:}"
done

if [ -n "$missing" ]; then
  as_root=
  [ "$(id -u)" = 0 ] || as_root=sudo
  if command -v apt-get >/dev/null 2>&1 && { [ -z "$as_root" ] || command -v sudo >/dev/null 2>&1; }; then
    echo "setup: installing system packages:$missing" >&2
    $as_root apt-get update -qq
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
  else
    echo "setup: please install these first (Debian's package names):$missing" >&2
    exit 1
  fi
fi

# A user namespace of one's own is all the lab needs; some systems forbid it to ordinary users.
if ! unshare -Urnm true 2>/dev/null; then
  echo 'setup: this system forbids private user namespaces (unshare -Urnm), which the lab needs; run as root, or allow them' >&2
  echo '       (sysctl kernel.unprivileged_userns_clone=1, and on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0)' >&2
  exit 1
fi

if [ ! -x node_modules/.bin/node ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo 'setup: installing npm packages' >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
  # npm keeps the marker's time when nothing changed; make it newer than the lock file.
  touch node_modules/.package-lock.json
fi
