#!/bin/sh
# The codec on processors that this machine isn't: its unit tests and fuzz corpora, cross-compiled and run
# under qemu. arm64 has unmasking with NEON; s390x has the other byte order, and words only.
#
#   test/arch/check.sh [aarch64] [s390x]     both, without arguments
set -eu
cd "$(dirname "$0")/../.."

# What needs no library: neither the hash behind Sec-WebSocket-Accept nor anything above the codec.
unit_tests='test_unmask test_threads_unmask test_frame_decode test_frame_encode test_frame_stream test_utf8
  test_head test_path test_query'
fuzz_targets='payload frame_decode frame_encode head'
flags='-std=c11 -O2 -g -D_GNU_SOURCE -Iinclude -Isrc -Itest -Itest/unit -Itest/unit/codec
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -static'

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# build <arch> <program> <source>...
build() {
  compiler=$1-linux-gnu-gcc
  program=$2
  shift 2
  # shellcheck disable=SC2086 # a list of flags
  "$compiler" $flags "$@" -o "$program" -pthread
}

# run <arch> <program> [<argument>]: all that it prints if it fails
run() {
  arch=$1
  shift
  if ! "qemu-$arch-static" "$@" >"$out/log" 2>&1; then
    cat "$out/log" >&2
    echo "arch: failed on $arch" >&2
    exit 1
  fi
}

check_arch() {
  codec=''
  for source in src/codec/*.c; do
    case $source in
      */request.c | */upgrade.c | */token_line.c) ;; # use the hash, or addresses
      *) codec="$codec $source" ;;
    esac
  done
  for test in $unit_tests; do
    echo "$1: $test"
    # shellcheck disable=SC2086 # a list of files
    build "$1" "$out/$test" -Itest/arch "test/unit/codec/$test.c" $codec
    run "$1" "$out/$test"
  done
  for target in $fuzz_targets; do
    echo "$1: fuzz corpus of $target"
    # shellcheck disable=SC2086
    build "$1" "$out/$target" "test/fuzz/fuzz_$target.c" test/fuzz/fuzz.c test/fuzz/replay.c \
      test/fuzz/reference.c test/fuzz/story.c test/fuzz/head_text.c src/core/random.c $codec
    run "$1" "$out/$target" "test/fuzz/corpus/$target"
  done
}

[ $# -gt 0 ] || set -- aarch64 s390x
for arch in "$@"; do
  check_arch "$arch"
done
echo "arch: passed on $*"
