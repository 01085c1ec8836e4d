#!/bin/sh
# Unpacks what its authors released of one of this release's Debian packages (without Debian's changes), for tests
# that need what the package leaves out, and prints the folder: scripts/debian-source.sh <package>
#
# It comes from the mirrors that apt uses here and is kept in ~/.cache/wsluice (XDG_CACHE_HOME).
set -eu
cd "$(dirname "$0")/.."
. scripts/apt-root.sh

package=$1
. /etc/os-release
out=${XDG_CACHE_HOME:-${HOME:-$PWD/build}/.cache}/wsluice/source-$package-$VERSION_CODENAME
[ ! -e "$out" ] || { echo "$out"; exit; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/apt

fetch() {
  for mirror in $(scripts/debian-mirrors.sh); do
    make_own_root "$mirror" "$VERSION_CODENAME" || continue
    (cd "$work" && in_own_root apt-get --download-only --only-source --tar-only source "$package") \
      >"$root.log" 2>&1 && return
    cat "$root.log" >&2
  done
  echo "debian-source: no mirror that apt is configured with here gave the source of $package" >&2
  return 1
}

fetch
mkdir "$work/source"
tar xf "$work"/*.orig.tar.* -C "$work/source" --strip-components 1
mkdir -p "${out%/*}"
mv "$work/source" "$out" 2>/dev/null || [ -e "$out" ] # another test was faster
echo "$out"
