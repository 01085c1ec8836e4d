#!/bin/sh
# Everything that a reader would rather not have to check: the rooms' map, sizes, the shell scripts,
# warnings of gcc and clang (as errors, tests included), cppcheck, clang-tidy.
#
# Runs all checks and says at the end which failed.
set -u
cd "$(dirname "$0")/.." || exit
tidy_major=19 # one version, since each finds other things; in Debian 12 and 13

failed=''

# check <name> <command>...
check() {
  echo "== $1"
  name=$1
  shift
  "$@" || failed="$failed $name"
}

# Compiles everything with a preset, tests included.
compile() {
  scripts/configure.sh "$1" -DWSLUICE_TESTS=ON -DWSLUICE_WERROR=ON && cmake --build --preset "$1"
}

# The analysers ask the compile commands how a file is compiled. The tests are left out here: cppcheck
# does not know that cmocka's assertions end a test.
run_cppcheck() {
  mkdir -p build-clang/cppcheck
  cppcheck --project=build-clang/compile_commands.json --cppcheck-build-dir=build-clang/cppcheck \
    -i build-clang -i test --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
    --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches --quiet -j "$(nproc)"
}

run_clang_tidy() {
  tidy=clang-tidy-$tidy_major
  command -v "$tidy" >/dev/null || tidy=clang-tidy
  # Not run-clang-tidy, which prints a page for every file. The counts of suppressed warnings that
  # come by stderr are of interest only when something failed.
  find src examples bench test/unit -name '*.c' -print0 2>/dev/null |
    xargs -0 -r -n 4 -P "$(nproc)" "$tidy" --quiet -p build-clang 2>build-clang/clang-tidy.log ||
    { cat build-clang/clang-tidy.log >&2; return 1; }
}

check includes scripts/check-includes.py
check sizes scripts/check-sizes.py
# The file may miss elsewhere; what is sourced (/etc/os-release) is not ours.
check shellcheck shellcheck --exclude=SC1091 scripts/*.sh .ci/run
check gcc compile release
check clang compile clang
check cppcheck run_cppcheck
check clang-tidy run_clang_tidy

if [ -n "$failed" ]; then
  echo "lint: failed:$failed" >&2
  exit 1
fi
echo "lint: clean"
