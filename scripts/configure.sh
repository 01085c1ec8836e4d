#!/bin/sh
# Configures a preset's build folder: scripts/configure.sh <preset> [options of cmake].
#
# Takes ninja for a new folder where there is one (looked for now and not earlier, since it may just
# have been installed); a folder that exists keeps what it was made with.
set -eu
cd "$(dirname "$0")/.."

preset=$1
shift
folder=build
[ "$preset" = release ] || folder=build-$preset

if ! mkdir -p "$folder" 2>/dev/null || [ ! -w "$folder" ]; then
  echo "configure: no permission to write into $PWD/$folder" >&2
  exit 1
fi
if [ ! -e "$folder/CMakeCache.txt" ] && [ -z "${CMAKE_GENERATOR-}" ] && command -v ninja >/dev/null; then
  set -- -G Ninja "$@"
fi
echo "configure: preset $preset into $folder"
if ! log=$(cmake --log-level=NOTICE --preset "$preset" "$@"); then # warnings come by stderr
  printf '%s\n' "$log"
  exit 1
fi
touch "$folder/.configured"
