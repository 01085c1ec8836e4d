#!/bin/sh
# The codec on processors that this machine isn't, under qemu: its unit tests and fuzz corpora on arm64 (which
# unmasks with NEON) and s390x (which has the other byte order), cross-compiled; and on x86-64 without AVX-512
# and without AVX2, what chooses among the variants of unmasking.
#
#   test/arch/check.sh [aarch64] [s390x] [x86_64]     all that can be, without arguments
set -eu
cd "$(dirname "$0")/../.."

# What needs no library: neither the hash behind Sec-WebSocket-Accept nor anything above the codec.
unit_tests='test_unmask test_threads_unmask test_frame_decode test_frame_encode test_frame_stream test_utf8
  test_utf8_repair test_messages test_base64 test_head test_path test_query test_percent test_url test_cookie
  test_forwarded test_conditions test_http_answer test_jose test_proxy_protocol test_redis_source test_token_line'
fuzz_targets='payload frame_decode frame_encode head messages'
x86_models='Nehalem Haswell' # SSE2 only; AVX2
flags='-std=c11 -O2 -g -D_GNU_SOURCE -Iinclude -Isrc -Itest -Itest/unit -Itest/unit/codec
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -static'

codec='src/core/text.c src/core/parse.c src/core/ip_text.c src/core/http_date.c'
for source in src/codec/*.c src/codec/*/*.c; do
  case $source in
    */request.c | */upgrade.c | */basic.c | */htpasswd_line.c) ;; # use the hash, or wipe as its library does
    *) codec="$codec $source" ;;
  esac
done

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# build <arch> <program> <source>...: with the codec
build() {
  compiler=$1-linux-gnu-gcc
  program=$2
  shift 2
  # shellcheck disable=SC2086 # lists of flags and of files
  "$compiler" $flags "$@" $codec -o "$program" -pthread
}

# run <arch> <program> [<argument>]: all that it prints if it fails
run() {
  emulator=qemu-$1-static
  shift
  if ! "$emulator" "$@" >"$out/log" 2>&1; then
    cat "$out/log" >&2
    echo "arch: failed under $emulator" >&2
    exit 1
  fi
}

check_arch() {
  for test in $unit_tests; do
    echo "$1: $test"
    build "$1" "$out/$test" -Itest/arch "test/unit/codec/$test.c"
    run "$1" "$out/$test"
  done
  for target in $fuzz_targets; do
    echo "$1: fuzz corpus of $target"
    build "$1" "$out/$target" "test/fuzz/fuzz_$target.c" test/fuzz/fuzz.c test/fuzz/replay.c \
      test/fuzz/reference.c test/fuzz/story.c test/fuzz/head_text.c src/core/random.c
    run "$1" "$out/$target" "test/fuzz/corpus/$target"
  done
}

check_x86_models() {
  for test in test_unmask test_threads_unmask; do
    build x86_64 "$out/$test" -Itest/arch "test/unit/codec/$test.c"
    for model in $x86_models; do
      echo "x86_64, $model: $test"
      QEMU_CPU=$model run x86_64 "$out/$test"
    done
  done
}

if [ $# -eq 0 ]; then
  set -- aarch64 s390x
  ! command -v x86_64-linux-gnu-gcc >/dev/null || set -- "$@" x86_64
fi
for arch in "$@"; do
  if [ "$arch" = x86_64 ]; then
    check_x86_models
  else
    check_arch "$arch"
  fi
done
echo "arch: passed on $*"
