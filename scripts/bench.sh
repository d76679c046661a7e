#!/bin/sh
# Runs the benches one after another (all, or those named), each alone on the machine; figures go to bench/results/.
set -u
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH:/usr/sbin:/sbin
mkdir -p bench/results
failed=
for file in bench/*.ts; do
  # The others are parts of benches.
  grep -q "from './report.ts'" "$file" || continue
  name=$(basename "$file" .ts)
  [ $# = 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
  echo "== $name" >&2
  node "$file" ${QUICK:+--quick} >"bench/results/$name.json" || failed="$failed $name"
done
[ -z "$failed" ] || { echo "bench: bounds missed or errors in:$failed" >&2; exit 1; }
