#!/bin/sh
# Pipes frames through echo_decoder and compares what comes out: payload, control frames, exit status.
# Usage: test_echo_decoder.sh path/to/echo_decoder
#
# Bytes are octal, as printf(1) of any POSIX shell knows them. MASK is that of RFC 6455 5.7; the payloads
# are masked with it: \177\237\115\121\130 is "Hello".
set -u

program=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0

MASK='\067\372\041\075'
HELLO='\177\237\115\121\130'

# check NAME INPUT PAYLOAD STDERR STATUS: all but STATUS in printf's notation
check() {
  # shellcheck disable=SC2059  # the arguments are formats
  printf "$2" | "$program" >"$work/out" 2>"$work/err"
  status=$?
  # shellcheck disable=SC2059
  printf "$3" >"$work/out.expected"
  # shellcheck disable=SC2059
  printf "$4" >"$work/err.expected"
  if [ "$status" -eq "$5" ] && cmp "$work/out" "$work/out.expected" && cmp "$work/err" "$work/err.expected"; then
    echo "ok: $1"
  else
    echo "FAILED: $1: status $status instead of $5; standard error:"
    cat "$work/err"
    failures=$((failures + 1))
  fi
}

check 'nothing' '' '' '' 0
check 'a text message' "\201\205$MASK$HELLO" 'Hello' '' 0
check 'two fragments with a ping between' \
  "\001\203$MASK\177\237\115\211\205$MASK$HELLO\200\202$MASK\133\225" 'Hello' 'ping of 5 bytes\n' 0
check 'a pong' "\212\200$MASK" '' 'pong of 0 bytes\n' 0
check 'a message, then a Close' \
  "\202\205$MASK$HELLO\210\202$MASK\064\022" 'Hello' 'close 1000\n' 0
check 'a frame that is not masked' \
  "\201\205$MASK$HELLO\201\005Hello" 'Hello' 'violation 1002: Frame from a client without a mask\n' 1
check 'a stream cut short' "\201\205$MASK\177\237" 'He' 'the stream ended inside a message\n' 1

# 70,000 bytes in one frame with a 64-bit length and an all-zero mask: more than one buffer
big() {
  head -c 70000 /dev/zero | tr '\000' 'x'
}
{
  printf '\202\377\000\000\000\000\000\001\021\160\000\000\000\000'
  big
} | "$program" >"$work/out" 2>"$work/err"
status=$?
big >"$work/out.expected"
if [ "$status" -eq 0 ] && cmp "$work/out" "$work/out.expected" && [ ! -s "$work/err" ]; then
  echo 'ok: a frame of 70,000 bytes'
else
  echo "FAILED: a frame of 70,000 bytes: status $status"
  failures=$((failures + 1))
fi

exit $((failures > 0))
