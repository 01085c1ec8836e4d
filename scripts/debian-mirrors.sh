#!/bin/sh
# Prints the mirrors of Debian itself that apt uses here, one URL a line: scripts/debian-mirrors.sh [folder]
#
# Reads both kinds of apt's files below the folder (/etc). What others offer for this release may be among them,
# so whoever asks goes through the list until one has what he wants.
set -eu
etc=${1:-/etc}

codename=$(sed -n 's/^VERSION_CODENAME=//p' "$etc/os-release" 2>/dev/null | tr -d '"') || codename=''

# Lines such as "deb [options] URL SUITE COMPONENT..." as stanzas of the newer kind.
as_stanzas() {
  sed 's/\[[^]]*\]//' "$@" | awk '$1 == "deb" {
    url = $2; suite = $3; $1 = $2 = $3 = ""
    printf "Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\n\n", url, suite, $0
  }'
}

all_stanzas() {
  for file in "$etc"/apt/sources.list.d/*.sources; do
    [ ! -e "$file" ] || { cat "$file"; printf '\n\n'; }
  done
  for file in "$etc"/apt/sources.list "$etc"/apt/sources.list.d/*.list; do
    [ ! -e "$file" ] || as_stanzas "$file"
  done
}

all_stanzas | awk -v suites=" $codename stable oldstable testing unstable sid " '
  function has(words, wanted,    parts, i) {
    for (i = split(words, parts); i > 0; i--)
      if (index(wanted, " " parts[i] " ")) return 1
    return 0
  }
  function print_urls(    urls, i, n) {
    if (has(field["types"], " deb ") && has(field["suites"], suites) && has(field["components"], " main ") &&
        tolower(field["enabled"]) !~ /no|false/)
      for (n = split(field["uris"], urls); i++ < n;)
        if (urls[i] !~ /^cdrom:/ && !seen[urls[i]]++) print urls[i]
    split("", field)
  }
  /^#/ { next }
  /^[ \t]*$/ { print_urls(); next }
  /^[^ \t]/ { name = tolower(substr($0, 1, index($0, ":") - 1)); sub(/^[^:]*:/, "") }
  { field[name] = field[name] " " $0 }
  END { print_urls() }'
