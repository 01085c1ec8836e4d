#!/bin/sh
# Builds mbedTLS 3.6 from Debian's source package, for machines whose own packages are older (Debian 12), and
# prints the folder that it is installed in, below build/deps.
#
#   scripts/build-mbedtls.sh plain|address|thread
#
# The package comes from the mirror that apt uses here, through an apt root of its own (nothing of the
# machine's is touched, root is not needed): its signatures are checked against Debian's archive keyring, its
# files against cmake/mbedtls/source.pin. What was fetched stays in ~/.cache/wsluice (XDG_CACHE_HOME), so that it is
# fetched once. Static libraries, with the instructions for AES on amd64, the same bytes wherever it is built.
set -eu
cd "$(dirname "$0")/.."

. scripts/apt-root.sh
pin=cmake/mbedtls/source.pin
config=cmake/mbedtls/wsluice_mbedtls_config.h
variant=${1:-plain}

say() {
  printf 'mbedtls: %s\n' "$*" >&2
}

fail() {
  say "$@"
  exit 1
}

pinned() {
  sed -n "s/^$1 //p" $pin
}

version=$(pinned version)
cache=${XDG_CACHE_HOME:-${HOME:-$PWD/build}/.cache}/wsluice

flags=''
hardened='-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2' # as ours; costs nothing measurable
case $(uname -m) in
  x86_64 | amd64)
    flags='-maes -mpclmul' # without them the slow path for AES-GCM is built
    hardened="$hardened -fcf-protection"
    ;;
esac
case $variant in
  plain) flags="$flags $hardened" ;;
  address) flags="$flags -g -fsanitize=address -fno-omit-frame-pointer" ;;
  thread) flags="$flags -g -fsanitize=thread" ;;
  *) fail "unknown variant \"$variant\": plain, address or thread" ;;
esac
compiler=${CC:-cc}

# What the result depends on, so that a change of any of it builds anew.
recipe=$({ cat $pin $config "$0"; echo "$flags"; $compiler --version | head -n 1; } | sha256sum | cut -c 1-12)
out=$PWD/build/deps/mbedtls-${version%%-*}-$variant-$recipe

# Says where it is, and each time when it is not the one that was looked at.
finish() {
  built=$(cat "$out/.complete")
  [ "$built" = "$(pinned version)" ] ||
    say "WARNING: $(pinned version) has left the mirror; $built serves, which is signed but not pinned in $pin"
  printf '%s\n' "$out"
  exit
}

[ ! -e "$out/.complete" ] || finish

# Sets $version to the pinned one, or to a newer one of 3.6: those replace it on mirrors, as well signed, just not
# looked at yet. Anything else is refused.
choose_version() {
  in_own_root apt-cache showsrc mbedtls 2>/dev/null | sed -n 's/^Version: //p' | sort -V >"$root/versions"
  if grep -qxF "$version" "$root/versions"; then
    return
  fi
  newest=$(grep '^3\.6\.' "$root/versions" | tail -n 1)
  if [ -z "$newest" ] || dpkg --compare-versions "$newest" lt "$version"; then
    say "$url has neither mbedTLS $version nor a newer 3.6; it has: $(tr '\n' ' ' <"$root/versions")"
    return 1
  fi
  version=$newest
}

# fetch_from <mirror>: puts the package's files into $work.
fetch_from() {
  url=$1
  root=$work/apt
  say "fetching the source package of $(pinned suite) from $url"
  make_own_root "$url" "$(pinned suite)" || return 1
  choose_version || return 1
  (cd "$work" && in_own_root apt-get --download-only --only-source source "mbedtls=$version") \
    >"$work/apt.log" 2>&1 || { cat "$work/apt.log" >&2; return 1; }
}

fetch() {
  for tool in apt-get dpkg dpkg-source sha256sum; do
    command -v $tool >/dev/null || fail "$tool is missing (Debian: dpkg-dev)"
  done
  [ -e $keyring ] || fail "$keyring is missing (Debian: debian-archive-keyring)"
  for mirror in $(scripts/debian-mirrors.sh); do
    ! fetch_from "$mirror" || return 0
  done
  fail "no mirror that apt is configured with here gave the source package"
}

# All of the pin's files are in the folder, unchanged.
check_pins() {
  (cd "$1" && pinned_sums | sha256sum --quiet -c -) >/dev/null 2>&1
}

pinned_sums() {
  sed -n 's/^sha256 //p' "$repository/$pin"
}

# copy_pinned <from> <to>: other versions may lie there, too.
copy_pinned() {
  pinned_sums | while read -r _ file; do
    cp "$1/$file" "$2/" || return
  done
}

# Leaves the package's files in $work.
obtain() {
  if check_pins "$cache"; then
    copy_pinned "$cache" "$work"
    return
  fi
  fetch
  if [ "$version" = "$(pinned version)" ]; then
    check_pins "$work" || fail "the fetched files are not those that $pin names"
    { mkdir -p "$cache" && copy_pinned "$work" "$cache"; } 2>/dev/null || say "not kept for the next time in $cache"
  fi
}

build() {
  generator='Unix Makefiles'
  ! command -v ninja >/dev/null || generator=Ninja
  (cd "$work" && dpkg-source --no-check -x ./*.dsc source) >"$work/unpack.log" 2>&1 ||
    { cat "$work/unpack.log" >&2; fail "the source package could not be unpacked"; }
  say "building mbedTLS $version ($variant)"
  cp $config "$work/source/include/"
  {
    cmake -S "$work/source" -B "$work/build" -G "$generator" -DCMAKE_C_COMPILER="$compiler" \
      -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$out" -DCMAKE_INSTALL_LIBDIR=lib \
      -DUSE_STATIC_MBEDTLS_LIBRARY=ON -DUSE_SHARED_MBEDTLS_LIBRARY=OFF -DENABLE_PROGRAMS=OFF \
      -DENABLE_TESTING=OFF -DGEN_FILES=OFF -DMBEDTLS_FATAL_WARNINGS=OFF \
      -DMBEDTLS_USER_CONFIG_FILE="$work/source/include/${config##*/}" \
      -DCMAKE_C_FLAGS="$flags -fPIE -ffile-prefix-map=$work=." &&
      cmake --build "$work/build" --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-2}" &&
      rm -rf "$out" && cmake --install "$work/build"
  } >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log" >&2; fail "the build failed"; }
  cp $config "$out/include/"
  printf '%s\n' "$version" >"$out/.complete"
}

repository=$PWD
mkdir -p build/deps
exec 9>build/deps/.lock
! command -v flock >/dev/null || flock 9 # another preset may be building it
if [ ! -e "$out/.complete" ]; then
  work=$(mktemp -d /tmp/wsluice-mbedtls-XXXXXX) # its path must not hold blanks: it goes into flags
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  obtain
  build
fi
finish
