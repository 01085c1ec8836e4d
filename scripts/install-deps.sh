#!/bin/sh
# Installs what a step needs and this machine lacks, on Debian 12 and 13.
#
#   scripts/install-deps.sh build|test|bench|bench-profile|sim|sim-gdb|soak|image|arch|coverage|format|lint|fuzz...
#
# Each need is checked by what it is for (a command, a header, a module), so tools that came from
# elsewhere are taken as they are, and when nothing is missing nothing is called: no apt, no sudo,
# no network. Packages start no service: a temporary policy-rc.d says no while they are installed,
# and services that came new are not started at the next boot either.
set -eu
cd "$(dirname "$0")/.."

# One need a line: how to see that it is there, and Debian's package for it. Debian 12's mbedTLS is too old, so
# scripts/build-mbedtls.sh takes a source package apart there.
build_needs='
cmd:cc                                        gcc
header:stdlib.h                               libc6-dev
cmd:cmake                                     cmake
cmd:ninja                                     ninja-build
cmd:pkg-config                                pkgconf
pc:libuv                                      libuv1-dev
pc:libcares                                   libc-ares-dev
header:crypt.h                                libcrypt-dev
pc:jansson                                    libjansson-dev
pc:hiredis                                    libhiredis-dev
header:mbedtls/version.h                      libmbedtls-dev
debian12:dpkg-source                          dpkg-dev
'
test_needs="$build_needs"'
pc:cmocka                                     libcmocka-dev
path:/usr/bin/python3                         python3
python:pytest                                 python3-pytest
python:websockets                             python3-websockets
python:h11                                    python3-h11
python:wsproto                                python3-wsproto
python:jwt                                    python3-jwt
cmd:chromium                                  chromium
cmd:Xtigervnc                                 tigervnc-standalone-server
cmd:xterm                                     xterm
cmd:xsetroot                                  x11-xserver-utils
cmd:mosquitto                                 mosquitto
cmd:redis-server                              redis-server
path:/usr/sbin/ngircd                         ngircd
path:/usr/lib/postgresql/*/bin/initdb         postgresql
cmd:sshd                                      openssh-server
cmd:openssl                                   openssl
cmd:curl                                      curl
cmd:wget                                      wget
cmd:busybox                                   busybox-static
cmd:qemu-system-x86_64                        qemu-system-x86
path:/usr/share/seabios/bios-256k.bin         seabios
path:/usr/share/spice-html5/main.js           spice-html5
cmd:mono                                      mono-runtime
cmd:mcs                                       mono-mcs
path:/usr/lib/mono/4.5/System.dll             libmono-system4.0-cil
path:/usr/lib/mono/4.5/System.Core.dll        libmono-system-core4.0-cil
cmd:htpasswd                                  apache2-utils
path:/usr/sbin/rsyslogd                       rsyslog
cmd:sslscan                                   sslscan
cmd:certutil                                  libnss3-tools
cmd:ps                                        procps
cmd:strace                                    strace
path:/usr/lib/go-*/bin/go                     golang-go
cmd:systemd-socket-activate                   systemd
cmd:socat                                     socat
cmd:ip                                        iproute2
cmd:inetd                                     openbsd-inetd
path:/usr/share/novnc/utils/*                 novnc
cmd:node                                      nodejs
cmd:npm                                       npm
cmd:websockify                                websockify
python:jwcrypto                               python3-jwcrypto
python:cryptography                           python3-cryptography
python:redis                                  python3-redis
python:requests                               python3-requests
python:simplejson                             python3-simplejson
cmd:haproxy                                   haproxy
cmd:man                                       man-db
cmd:mandoc                                    mandoc
cmd:zsh                                       zsh
cmd:fish                                      fish
path:/etc/ssl/certs/ca-certificates.crt       ca-certificates
'
arch_needs='
cmd:aarch64-linux-gnu-gcc                     gcc-aarch64-linux-gnu
path:/usr/aarch64-linux-gnu/include/stdlib.h  libc6-dev-arm64-cross
cmd:s390x-linux-gnu-gcc                       gcc-s390x-linux-gnu
path:/usr/s390x-linux-gnu/include/stdlib.h    libc6-dev-s390x-cross
cmd:qemu-aarch64-static                       qemu-user-static
'
image_needs='
cmd:dockerd                                   docker.io
debian13:docker                               docker-cli
cmd:docker-compose                            docker-compose
python:yaml                                   python3-yaml
cmd:iptables                                  iptables
cmd:debootstrap                               debootstrap
'
coverage_needs="$build_needs"'
cmd:gcc                                       gcc
pc:cmocka                                     libcmocka-dev
path:/usr/bin/python3                         python3
cmd:openssl                                   openssl
cmd:gcovr                                     gcovr
'
sim_needs="$build_needs"'
pc:cmocka                                     libcmocka-dev
path:/usr/bin/python3                         python3
'
sim_gdb_needs='
cmd:gdb                                       gdb
'
soak_needs="$build_needs"'
path:/usr/bin/python3                         python3
cmd:openssl                                   openssl
'
format_needs='
cmd:clang-format-19                           clang-format-19
'
lint_needs="$build_needs$format_needs"'
pc:cmocka                                     libcmocka-dev
path:/usr/bin/python3                         python3
cmd:clang                                     clang
path:/usr/lib/llvm-*/lib/clang/*/lib/linux    libclang-rt-dev
cmd:clang-tidy-19                             clang-tidy-19
cmd:cppcheck                                  cppcheck
cmd:shellcheck                                shellcheck
'
bench_quick_needs="$build_needs"'
path:/usr/bin/python3                         python3
'
bench_needs="$bench_quick_needs"'
cmd:lighttpd                                  lighttpd
cmd:haproxy                                   haproxy
cmd:socat                                     socat
cmd:websockify                                websockify
cmd:node                                      nodejs
cmd:npm                                       npm
path:/usr/lib/go*/bin/go                      golang-go
path:/usr/share/gocode/src/github.com/gorilla/websocket/conn.go  golang-github-gorilla-websocket-dev
cmd:gnuplot                                   gnuplot-nox
'
bench_profile_needs='
cmd:strace                                    strace
cmd:perf                                      linux-perf
'
fuzz_needs="$build_needs"'
pc:cmocka                                     libcmocka-dev
path:/usr/bin/python3                         python3
cmd:clang                                     clang
path:/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a  libclang-rt-dev
'

# Packages of the sets above that bring a service: package, its units.
services='
mosquitto       mosquitto.service
redis-server    redis-server.service
postgresql      postgresql.service
ngircd          ngircd.service
rsyslog         rsyslog.service
openssh-server  ssh.service ssh.socket
openbsd-inetd   openbsd-inetd.service inetd.service
docker.io       docker.service docker.socket
lighttpd        lighttpd.service
haproxy         haproxy.service
'

policy_file=/usr/sbin/policy-rc.d
policy_mark='wsluice: temporary, made by scripts/install-deps.sh'

say() {
  printf 'deps: %s\n' "$*"
}

fail() {
  printf 'deps: %s\n' "$@" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

header_exists() {
  for dir in /usr/local/include /usr/include /usr/include/*-linux-gnu*; do
    [ ! -e "$dir/$1" ] || return 0
  done
  return 1
}

# Whether any file fits the pattern; the pattern is meant to be expanded.
path_exists() {
  for path in $1; do
    [ ! -e "$path" ] || return 0
  done
  return 1
}

is_there() {
  kind=${1%%:*}
  what=${1#*:}
  case $kind in
    cmd) PATH="$PATH:/usr/sbin:/sbin" command -v "$what" >/dev/null 2>&1 ;;
    pc) pkg-config --exists "$what" 2>/dev/null ;;
    header) header_exists "$what" ;;
    path) path_exists "$what" ;;
    debian12 | debian13) # a command that is needed, or packaged apart, in that release only
      ! grep -qs "^VERSION_ID=\"${kind#debian}\"" /etc/os-release || command -v "$what" >/dev/null 2>&1
      ;;
    python) /usr/bin/python3 -c "import $what" 2>/dev/null ;;
    *) fail "unknown kind of check: $1" ;;
  esac
}

# Prints the packages behind the needs (on standard input) that are not met, on one line.
missing_packages() {
  while read -r check package; do
    if [ -n "$check" ] && ! is_there "$check"; then
      printf '%s ' "$package"
    fi
  done
}

# Refuses, with the list, where we can't or should not install.
check_may_install() {
  distribution=$(. /etc/os-release 2>/dev/null && printf '%s' "${ID:-unknown}") || distribution=unknown
  if [ "$distribution" != debian ] || ! command -v apt-get >/dev/null; then
    fail "missing here, by the names of Debian's packages: $1" \
      "This script installs on Debian only; this is \"$distribution\". Install what corresponds to" \
      "these with your own tools, then run the same command again (see \"Building\" in README.md)."
  fi
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    fail "missing: $1" \
      "Installing needs root, and there is no sudo. As root, run" \
      "  apt-get install --no-install-recommends $1" \
      "and then the same command again."
  fi
  as_root true ||
    fail "missing: $1" \
      "Installing needs root, and sudo refused. As root, run" \
      "  apt-get install --no-install-recommends $1" \
      "and then the same command again."
}

# Removes a policy-rc.d that is ours, also one that a killed run has left; keeps anybody else's.
remove_policy() {
  if grep -qs "$policy_mark" $policy_file; then
    as_root rm -f $policy_file
  fi
}

add_policy() {
  if [ -e $policy_file ]; then
    return
  fi
  trap remove_policy EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  as_root sh -c "printf '#!/bin/sh\n# %s\nexit 101\n' '$policy_mark' >$policy_file && chmod 755 $policy_file"
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@" </dev/null
}

# A service that came with a package just installed stays off at the next boot too.
keep_services_off() {
  printf '%s' "$services" | while read -r package units; do
    case " $1 " in
      *" $package "*) ;;
      *) continue ;;
    esac
    for unit in $units; do
      if command -v systemctl >/dev/null; then
        as_root systemctl --quiet disable "$unit" >/dev/null 2>&1 </dev/null || true
      fi
      if [ -e "/etc/init.d/${unit%.service}" ]; then
        as_root update-rc.d "${unit%.service}" disable >/dev/null 2>&1 </dev/null || true
      fi
    done
    say "$package is installed for the tests; its service was not started and is disabled"
  done
}

# install_packages <the set's name> <packages, separated by spaces>
install_packages() {
  check_may_install "$2"
  say "to $1, this machine needs: $2"
  say "installing with apt-get"
  remove_policy
  add_policy
  apt update || say "apt-get update had trouble; going on with the package lists that are there"
  # shellcheck disable=SC2086 # a list of packages
  apt install -y --no-install-recommends $2 ||
    fail "apt-get could not install: $2" \
      "Its own messages are above: often it is the network, or a proxy that apt does not know of."
  keep_services_off "$2"
  remove_policy
}

# install_set <name> <needs>
install_set() {
  packages=$(printf '%s' "$2" | missing_packages)
  if [ -z "$packages" ]; then
    say "all that is needed to $1 is here"
    return
  fi
  install_packages "$1" "${packages% }"
  packages=$(printf '%s' "$2" | missing_packages)
  [ -z "$packages" ] || fail "installed, but still not found: what these packages bring: $packages"
}

# install_node_modules <folder> <whose>: the folder's npm packages, exactly as its lock file names
# them, once per lock file.
install_node_modules() {
  lock=$1/package-lock.json
  stamp=$1/node_modules/.installed-lock
  if cmp -s "$lock" "$stamp"; then
    return
  fi
  if [ -L "$1/node_modules" ]; then # npm ci empties the folder first, and that is somebody else's then
    fail "$1/node_modules is a link to $(readlink "$1/node_modules"), which $lock has outgrown: remove the link, or bring that folder up to date"
  fi
  say "installing $2 npm packages into $1/node_modules"
  npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund </dev/null ||
    fail "npm could not install what $lock names; its own messages are above (often: the network)"
  cp "$lock" "$stamp"
}

[ $# -gt 0 ] || fail "usage: scripts/install-deps.sh build|test|bench|bench-profile|sim|sim-gdb|image|arch|coverage|format|lint|fuzz..."
for set in "$@"; do
  case $set in
    build) install_set build "$build_needs" ;;
    test)
      install_set test "$test_needs"
      install_node_modules test "the tests'"
      ;;
    image) install_set image "$image_needs" ;;
    arch) install_set arch "$arch_needs" ;;
    sim) install_set sim "$sim_needs" ;;
    sim-gdb) install_set sim-gdb "$sim_gdb_needs" ;;
    soak) install_set soak "$soak_needs" ;;
    bench)
      install_set bench "$bench_needs"
      install_node_modules bench/peers "the bench's"
      ;;
    bench-quick) install_set bench-quick "$bench_quick_needs" ;;
    bench-profile) install_set bench-profile "$bench_profile_needs" ;;
    coverage) install_set coverage "$coverage_needs" ;;
    format) install_set format "$format_needs" ;;
    lint) install_set lint "$lint_needs" ;;
    fuzz) install_set fuzz "$fuzz_needs" ;;
    *) fail "unknown set \"$set\": build, test, bench, bench-profile, sim, sim-gdb, soak, image, arch, coverage, format, lint or fuzz" ;;
  esac
done
