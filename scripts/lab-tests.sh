#!/bin/sh
# Runs the tests that need real packets, each file inside the private namespaces of the lab, one file at a time.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH:/usr/sbin:/sbin
[ $# -gt 0 ] || set -- 'test/lab/*.test.ts'
# shellcheck disable=SC2086
exec lab/enter node --test --test-concurrency=1 --test-timeout=300000 $*
