#!/bin/sh
# Formats every C file of ours in place, or with --check fails where that would change something.
#
# One major version of clang-format, since two versions are two formatters.
set -eu
cd "$(dirname "$0")/.."
major=19

formatter=
for candidate in clang-format-$major clang-format; do
  if "$candidate" --version 2>/dev/null | grep -q "version $major\."; then
    formatter=$candidate
    break
  fi
done
if [ -z "$formatter" ]; then
  echo "format: clang-format $major is needed (Debian: clang-format-$major)" >&2
  exit 1
fi

case ${1-} in
  '') options=-i ;;
  --check) options='--dry-run --Werror' ;;
  *)
    echo "usage: scripts/format.sh [--check]" >&2
    exit 2
    ;;
esac

set --
for folder in include src test examples bench; do
  [ ! -d $folder ] || set -- "$@" $folder
done
# shellcheck disable=SC2086 # options are words
find "$@" -name node_modules -prune -o -name '*.[ch]' -type f -print0 | xargs -0 -r "$formatter" $options
echo "format: done (clang-format $major)"
