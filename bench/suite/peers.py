"""Who is measured: for each relay how to start it, which scheme it speaks, and what it can't do here.

To add one: a function that makes its command line from a Place, and a line in PEERS. It must stay in the
foreground, listen on 127.0.0.1:place.listen, dial 127.0.0.1:place.target, and use one processor (it is bound to
one anyway; a runtime that starts a thread a processor should be told). Its output goes to a log that is
shown when it fails.
"""

import glob
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
SCRIPTS = BENCH / "peers"
NODE_MODULES = SCRIPTS / "node_modules"
GO_PATH = "/usr/share/gocode"
GORILLA = "src/github.com/gorilla/websocket/conn.go"

BUFFER_BYTES = 256 * 1024
"""wsluice's --buffer-size by default; relays whose buffer can be chosen get the same."""

SMALL_BUFFER_BYTES = 64 * 1024

PROCESS_A_SESSION = 64
"""As many sessions as a relay is given that starts a process for each."""


@dataclass(frozen=True)
class Place:
    """Where a peer is to run: ports, a folder of its own that is removed afterwards, where programs are built."""

    listen: int
    target: int
    folder: Path
    builds: Path


@dataclass(frozen=True)
class Peer:
    name: str
    title: str
    scheme: str  # "ws", or "tcp" for those that relay bytes and know no WebSocket
    command: Callable  # Place -> list of words
    missing: Callable  # builds -> what is not here, or ""
    version: Callable  # builds -> text
    path: str = "/"
    subprotocol: str = ""  # offered by the load, where the peer chooses one in any case
    build: Callable = lambda builds: None  # before the first start
    like: str = ""  # the peer that this is a variant of: a cell's options for that one are for it, too
    sessions_max: int = 9900
    environment: dict = field(default_factory=dict)

    def url(self, port):
        return f"{self.scheme}://127.0.0.1:{port}{self.path if self.scheme == 'ws' else ''}"


def output_of(*words):
    """What a command says, on whichever stream; "" when it can't be started."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def first_match(pattern, text):
    found = re.search(pattern, text)
    return found[1] if found else "unknown"


def package_version(package):
    """By Debian's package manager, for what tells its version in no other way."""
    return first_match(r"(\S+)", output_of("dpkg-query", "-W", "-f=${Version}", package))


def needs_command(name):
    return lambda builds: "" if command_path(name) else f"{name} is not installed"


def needs_built(name):
    return lambda builds: "" if (builds / name).exists() else f"{name} is not built"


def needs_node_module(name):
    def missing(builds):
        if not command_path("node"):
            return "node is not installed"
        return "" if (NODE_MODULES / name).exists() else f"npm's {name} is not installed"

    return missing


def command_path(name):
    """Daemons are not on everybody's PATH."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def filled_in(template, place, **words):
    """A configuration file made from one of peers/, in the peer's folder."""
    text = (SCRIPTS / template).read_text(encoding="utf-8")
    words = {"LISTEN": place.listen, "TARGET": place.target, "FOLDER": place.folder, "BUFFER": BUFFER_BYTES, **words}
    for word, value in words.items():
        text = text.replace(f"@{word}@", str(value))
    path = place.folder / template
    path.write_text(text, encoding="utf-8")
    return path


def wsluice_command(place):
    addresses = [f"127.0.0.1:{place.listen}", f"127.0.0.1:{place.target}"]
    return [str(place.builds / "wsluice"), "--workers", "1", "--log-level", "error", *addresses]


def rawrelay_path(builds):
    return builds / "bench" / "rawrelay" / "rawrelay"


def rawrelay(buffer_bytes):
    return lambda place: [
        str(rawrelay_path(place.builds)),
        "--buffer-size",
        str(buffer_bytes),
        f"127.0.0.1:{place.listen}",
        f"127.0.0.1:{place.target}",
    ]


def rawrelay_missing(builds):
    return "" if rawrelay_path(builds).exists() else "rawrelay is not built"


def rawrelay_version(builds):
    return "libuv " + first_match(r"(\S+)", output_of("pkg-config", "--modversion", "libuv"))


def lighttpd_command(place):
    return [command_path("lighttpd"), "-D", "-f", str(filled_in("lighttpd.conf", place))]


def haproxy(splice):
    return lambda place: [command_path("haproxy"), "-db", "-f", str(filled_in("haproxy.cfg", place, SPLICE=splice))]


def haproxy_version(builds):
    return first_match(r"version (\S+)", output_of(command_path("haproxy") or "haproxy", "-v"))


def socat_command(place):
    listen = f"TCP-LISTEN:{place.listen},bind=127.0.0.1,fork,reuseaddr,nodelay,backlog=1024"
    return [command_path("socat"), "-b", str(BUFFER_BYTES), listen, f"TCP:127.0.0.1:{place.target},nodelay"]


def websockify_command(place):
    return [command_path("websockify"), f"127.0.0.1:{place.listen}", f"127.0.0.1:{place.target}"]


def node(script):
    return lambda place: [command_path("node"), str(SCRIPTS / script), str(place.listen), str(place.target)]


def node_version(module):
    def version(builds):
        described = (NODE_MODULES / module / "package.json").read_text(encoding="utf-8")
        runtime = first_match(r"v(\S+)", output_of("node", "--version"))
        return first_match(r'"version": "([^"]+)"', described) + f" on Node {runtime}"

    return version


def go_path():
    """Debian's own (its library of packages goes with it), else the one on the PATH."""
    return next(iter(sorted(glob.glob("/usr/lib/go*/bin/go"))), None) or shutil.which("go")


def gorilla_missing(builds):
    if not go_path():
        return "go is not installed"
    return "" if (Path(GO_PATH) / GORILLA).exists() else "golang-github-gorilla-websocket-dev is not installed"


def gorilla_path(builds):
    return builds / "bench" / "gorilla"


def gorilla_command(place):
    return [str(gorilla_path(place.builds)), f"127.0.0.1:{place.listen}", f"127.0.0.1:{place.target}"]


def build_gorilla(builds):
    """Without modules, and so without a network: from the sources that Debian installs."""
    program, source = gorilla_path(builds), SCRIPTS / "gorilla.go"
    program.parent.mkdir(parents=True, exist_ok=True)
    cache = {"GOCACHE": str(program.parent / "go-cache"), "GO111MODULE": "off", "GOPATH": GO_PATH, "GOFLAGS": ""}
    done = subprocess.run(
        [go_path(), "build", "-o", str(program), str(source)],
        env={**os.environ, **cache},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"go could not build gorilla.go: {done.stderr.strip()}")


def gorilla_version(builds):
    go = first_match(r"go(\d\S*)", output_of(go_path() or "go", "version"))
    return f"{package_version('golang-github-gorilla-websocket-dev')} on Go {go}"


PEERS = (
    Peer(
        "wsluice", "wsluice", "ws", wsluice_command, needs_built("wsluice"),
        lambda builds: first_match(r"wsluice (\S+)", output_of(str(builds / "wsluice"), "--version")),
    ),
    Peer(
        "rawrelay", "raw relay (libuv, no WebSocket)", "tcp", rawrelay(BUFFER_BYTES), rawrelay_missing, rawrelay_version,
    ),
    Peer(
        "rawrelay-64k", "raw relay, 64 KB buffer", "tcp", rawrelay(SMALL_BUFFER_BYTES), rawrelay_missing, rawrelay_version,
    ),
    Peer("haproxy", "HAProxy, mode tcp", "tcp", haproxy(""), needs_command("haproxy"), haproxy_version),
    Peer(
        "haproxy-splice", "HAProxy, mode tcp, splice-auto", "tcp", haproxy("option splice-auto"),
        needs_command("haproxy"), haproxy_version,
    ),
    Peer(
        "socat", "socat", "tcp", socat_command, needs_command("socat"),
        lambda builds: first_match(r"socat version (\S+)", output_of("socat", "-V")),
        sessions_max=PROCESS_A_SESSION,
    ),
    Peer(
        "lighttpd", "lighttpd, mod_wstunnel", "ws", lighttpd_command, needs_command("lighttpd"),
        lambda builds: first_match(r"lighttpd/(\S+)", output_of(command_path("lighttpd") or "lighttpd", "-v")),
        subprotocol="binary",
    ),
    Peer(
        "gorilla", "Go, gorilla/websocket", "ws", gorilla_command, gorilla_missing, gorilla_version,
        build=build_gorilla, environment={"GOMAXPROCS": "1"},
    ),
    Peer("node-ws", "Node, npm ws", "ws", node("node_ws.js"), needs_node_module("ws"), node_version("ws")),
    Peer(
        "node-websockify", "Node, @maximegris/node-websockify", "ws", node("node_websockify.js"),
        needs_node_module("@maximegris/node-websockify"), node_version("@maximegris/node-websockify"),
    ),
    Peer(
        "websockify", "websockify (Python)", "ws", websockify_command, needs_command("websockify"),
        lambda builds: package_version("websockify"),
        sessions_max=PROCESS_A_SESSION,
    ),
)


def variant(text):
    """A peer from NAME=[PROGRAM] [OPTIONS]: wsluice with other options, or another build of it (with a "/" in it), quoted as a
    shell reads it."""
    name, equals, rest = text.partition("=")
    words = shlex.split(rest)
    program = Path(words.pop(0)).resolve() if words and "/" in words[0] and words[0][0] != "-" else None
    if not equals or not name or name in [peer.name for peer in PEERS]:
        raise ValueError(f"a variant is NAME=[PROGRAM] [OPTIONS], with a name of its own, not {text!r}")
    if program is not None and not program.exists():
        raise ValueError(f"no program at {program}")

    def command(place):
        ours = wsluice_command(place)
        return [str(program or ours[0]), *ours[1:], *words]

    return Peer(
        name, f"{name}: wsluice {rest.strip()}" if program is None else name, "ws", command, PEERS[0].missing,
        PEERS[0].version, like="wsluice",
    )


def chosen(names):
    """The peers of these names, all without any."""
    known = {peer.name: peer for peer in PEERS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no peer {unknown[0]!r}; there are {', '.join(known)}")
    return [peer for peer in PEERS if not names or peer.name in names]
