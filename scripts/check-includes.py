#!/usr/bin/env python3
"""Holds the sources to the map of rooms (docs/ARCHITECTURE.md): who may include whom.

Reads every #include of src/, include/ and bench/loadgen, and names each that breaks a rule, with file,
line and the rule. Exit status 1 when there is one. A room is a folder of src/, or bench/loadgen; the public
headers in include/wsluice belong to codec, but for those in PUBLIC_OF_CORE. Folders in a room are for the reader's
eye, and may know less of each other than the room does (INSIDE).

    scripts/check-includes.py [root of the tree]
"""

import re
import sys
from pathlib import Path, PurePath

# The map: each room and the rooms that it may include besides itself.
MAY_INCLUDE = {
    "core": set(),
    "codec": {"core"},
    "net": {"core"},
    "route": {"net", "codec", "core"},
    "bridge": {"net", "codec", "core"},
    "server": {"bridge", "route", "net", "codec", "core"},
    "ops": {"server", "core"},
    "app": {"ops", "server", "bridge", "route", "net", "codec", "core"},
    "preload": set(),  # a library in programs of strangers: nothing of ours
    "loadgen": {"net", "codec", "core"},  # wsluice-bench: must stay good for any bridge, so it knows none of ours
}
# Within a room: which of its folders a folder may include besides itself (the room's name: the files right in it).
INSIDE = {
    "codec": set(),  # what include/wsluice publishes can be taken out of here
    "codec/text": {"codec"},
    "codec/http": {"codec", "codec/text"},
    "net": set(),
    "net/program": {"net"},
    "net/tls": {"net"},
    "route/jose": set(),
    "route/auth": {"route"},
    "route/token": {"route", "route/jose"},
    "server/files": {"server"},
    "server/connection": {"server", "server/files"},
}
ELSEWHERE = {"loadgen": "bench"}  # rooms that are not in src/
PUBLIC_OF_CORE = {"span.h"}

# The codec is pure: what ISO C has (without the file and time interfaces), and vector instructions.
PURE_HEADERS = {
    "assert.h", "ctype.h", "inttypes.h", "limits.h", "stdalign.h", "stdbool.h", "stddef.h",
    "stdint.h", "stdlib.h", "string.h",
    "arm_neon.h", "emmintrin.h", "immintrin.h", "smmintrin.h", "tmmintrin.h",
}

# Headers from outside that only some may include: pattern, the rooms (or folders, or files), the reason.
OUTSIDE = [
    (r"crypt\.h", {"route/auth/password_hash"}, "passwords are hashed in one place"),
    (r"uv(/.*)?\.h", {"net", "server", "ops", "app", "loadgen"}, "the event loop is not for rooms that a simulator runs"),
    (r"ares.*\.h", {"net", "app/versions"}, "names are resolved in net"),
    (r"mbedtls/.*|psa/.*", {"core/hash", "net", "app/versions", "route/jose"},
     "mbedTLS is behind core/hash, net's TLS and route's tokens"),
    (r"hiredis/.*", {"route", "app/versions"}, "Redis is spoken in route"),
    (r"jansson.*\.h", {"route", "app/versions"}, "JSON is read in route"),
    (r"sys/(socket|epoll|event|un)\.h|netdb\.h", {"net", "server", "ops", "app", "preload", "loadgen"}, "sockets belong to net"),
]

# What may not be reached by way of our own headers either: the session runs under simulation.
NOT_REACHABLE = {"core": "uv.h", "codec": "uv.h", "bridge": "uv.h", "route": "uv.h"}

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes_of(path):
    """(line number, '<' or '"', name) of each #include in a file."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def room_of_public(name):
    return "core" if name in PUBLIC_OF_CORE else "codec"


def room_of(path, root):
    """The room that a source file belongs to, or None for a file outside the rooms."""
    parts = path.relative_to(root).parts
    if parts[0] == "include":
        return room_of_public(parts[-1])
    return parts[1] if parts[1] in MAY_INCLUDE else None


def unit_of(path, root):
    """A source file as the maps name it: "route/jose/key" for src/route/jose/key.c."""
    return "/".join(path.relative_to(root).with_suffix("").parts[1:])


def folder_of(path):
    """The folder, as in INSIDE, of a path that begins with its room."""
    return str(PurePath(path).parent)


def check_own(room, folder, quote, name):
    """What is wrong with including one of our own headers, or None."""
    if quote == "<":
        target = room_of_public(name.removeprefix("wsluice/"))
    else:
        target = name.split("/")[0]
        if target not in MAY_INCLUDE or "/" not in name:
            return f'"{name}" does not name its room: write "<room>/<file>"'
    if target != room and target not in MAY_INCLUDE[room]:
        allowed = ", ".join(sorted(MAY_INCLUDE[room])) or "nothing of ours"
        return f"{room} may not include {target} (it may include {allowed})"
    if target == room and quote == '"' and folder_of(name) not in INSIDE.get(folder, {folder_of(name)}) | {folder}:
        return f"{folder} may not include {folder_of(name)}"
    return None


def check_outside(room, unit, name):
    """What is wrong with including a header that is not ours, or None."""
    if room == "codec" and name not in PURE_HEADERS:
        return f"codec is pure: no <{name}>"
    for pattern, allowed, reason in OUTSIDE:
        if re.fullmatch(pattern, name) and not {unit, *map(str, PurePath(unit).parents)} & allowed:
            return f"{room} may not include <{name}>: {reason}"
    return None


def check_line(room, unit, quote, name):
    if quote == '"' or name.startswith("wsluice/"):
        return check_own(room, folder_of(unit), quote, name)
    return check_outside(room, unit, name)


def find_own(root, quote, name):
    """The file behind an #include of ours, or None."""
    folder = ELSEWHERE.get(name.split("/")[0], "src") if quote == '"' else "include"
    path = root / folder / name
    return path if path.is_file() else None


def way_to(root, path, wanted, seen):
    """The names by which `path` comes to include <wanted> through our headers; [] when it does not."""
    for _, quote, name in includes_of(path):
        if quote == "<" and name == wanted:
            return [name]
        header = find_own(root, quote, name)
        if header and header not in seen:
            seen.add(header)
            rest = way_to(root, header, wanted, seen)
            if rest:
                return [name, *rest]
    return []


def check_file(root, path):
    room = room_of(path, root)
    where = path.relative_to(root)
    if room is None:
        yield f"{where}:1: src/{where.parts[1]} is not a room of the map"
        return
    for number, quote, name in includes_of(path):
        wrong = check_line(room, unit_of(path, root), quote, name)
        if wrong:
            yield f"{where}:{number}: {wrong}"
    way = way_to(root, path, NOT_REACHABLE[room], set()) if room in NOT_REACHABLE else []
    if len(way) > 1:
        yield f"{where}:1: {room} comes to <{way[-1]}> by way of {', '.join(way[:-1])}"


def main(arguments):
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    files = sorted(path for folder in ("include", "src", "bench/loadgen") for path in (root / folder).rglob("*.[ch]"))
    findings = [finding for path in files for finding in check_file(root, path)]
    for finding in findings:
        print(finding, file=sys.stderr)
    print(f"includes: {len(files)} files, {len(findings)} against the map")
    return 1 if findings or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
