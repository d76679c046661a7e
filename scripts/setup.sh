#!/bin/sh
# Installs what the project needs and does not find: system packages, then the locked npm packages.
set -eu
cd "$(dirname "$0")/.."

# command:package, one a line.
scripts/install.sh \
  ip:iproute2 \
  nft:nftables \
  unshare:util-linux \
  ps:procps \
  tcpdump:tcpdump \
  ping:iputils-ping \
  /usr/bin/arping:iputils-arping \
  ndisc6:ndisc6 \
  keepalived:keepalived \
  /usr/lib/frr/bfdd:frr \
  bird:bird2 \
  gobgpd:gobgpd \
  exabgp:exabgp \
  faketime:faketime \
  ss:iproute2 \
  openssl:openssl \
  npm:npm

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
