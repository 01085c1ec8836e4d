# shellcheck shell=sh disable=SC2154 # sourced; whoever sources it sets $root
# An apt root of its own, for sources that the machine is not configured for: nothing of the machine's is touched,
# root is not needed, signatures are checked against Debian's archive keyring. Sourced by other scripts.
#
#   root=<folder>; make_own_root <mirror> <suite>; in_own_root apt-get --only-source source PACKAGE

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Writes the root anew, for source packages of `main`; what apt complains about goes to $root.log.
make_own_root() {
  rm -rf "$root"
  mkdir -p "$root/lists/partial" "$root/cache/archives/partial"
  : >"$root/status"
  echo "deb-src [signed-by=$keyring] $1 $2 main" >"$root/sources.list"
  if ! in_own_root apt-get update >"$root.log" 2>&1; then
    grep '^[EW]:' "$root.log" >&2 || cat "$root.log" >&2
    return 1
  fi
}

# in_own_root <program of apt> <arguments>...
in_own_root() {
  program=$1
  shift
  "$program" -q -o Dir::Etc::sourcelist="$root/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State="$root" -o Dir::State::lists="$root/lists" -o Dir::State::status="$root/status" \
    -o Dir::Cache="$root/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none \
    -o APT::Update::Error-Mode=any -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 \
    -o Acquire::AllowInsecureRepositories=false -o APT::Get::AllowUnauthenticated=false "$@"
}
