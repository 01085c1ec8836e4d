"""The two programs side by side: Debian's websockify, and wsluice by a link of that name. Each run has a folder,
a port and services of its own, so that any number of them go on at once.
"""

import contextlib
import os
import pathlib
import resource
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from harness import LIMIT_SECONDS, Backend, UnixBackend, binary
from harness.process import own_environment

from lookup import Syslog
from service import Service

REAL = "/usr/bin/websockify"
START_ATTEMPTS = 5  # where another process takes the free port first
# websockify -D closes every number up to the hard limit.
DESCRIPTORS = 1024
POLL_SECONDS = 0.02
PATIENCE_SECONDS = 2
CREDENTIALS = "console:pass:word"  # for --auth-source
JWT_SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I"  # base64url, as the library wants it
LISTEN_STATE = "0A"  # of /proc/net/tcp


def programs(folder):
    """{name: the command} of both; ours is a link in that folder."""
    link = folder / "websockify"
    link.symlink_to(os.path.abspath(binary()))
    return {"websockify": REAL, "wsluice": str(link)}


# Listens on the port that it is told, as VNC servers do: on all addresses. With "once" it ends after a client.
ECHO = """
import socket, sys
with socket.create_server(("", int(sys.argv[1]))) as listener:
    while True:
        client, _ = listener.accept()
        while data := client.recv(65536):
            client.sendall(data)
        client.close()
        if sys.argv[2:] == ["once"]:
            break
"""


class Ports:
    """Ports that nobody is given by chance, below those that the kernel hands out: of two runs one may listen on
    IPv6 only, and the other would seem to answer for it."""

    FIRST, LAST = 12_000, 32_000

    def __init__(self):
        self.lock = threading.Lock()
        self.at = self.FIRST + os.getpid() * 97 % (self.LAST - self.FIRST)

    def next(self):
        with self.lock:
            while True:
                self.at = self.at + 1 if self.at < self.LAST else self.FIRST
                with socket.socket(socket.AF_INET6) as probe:  # both families
                    try:
                        probe.bind(("::", self.at))
                        return self.at
                    except OSError:
                        pass  # taken


PORTS = Ports()


class Pages:
    """What stands in every run's folder: pages, certificates, tokens."""

    def __init__(self, authority, server_pair, client_pair, locked_key, issuer_key, lookup_port, redis):
        self.authority = authority
        self.lookup_port = lookup_port
        self.redis = redis
        self.pairs = {"cert.pem": server_pair.cert, "key.pem": server_pair.key, "both.pem": server_pair.both,
                      "locked.key": locked_key, "issuer.pem": issuer_key, "ca.pem": authority.cert}
        self.client_pair = client_pair

    def furnish(self, here, words):
        """`words` are the places that a command line names."""
        for folder in ("web/sub", "web/empty", "web/with index", "tokens", "names", "selfsigned", "logs"):
            (here / folder).mkdir(parents=True)
        for name, content in FILES.items():
            (here / "web" / name).write_bytes(content)
        for name, source in self.pairs.items():
            shutil.copy(source, here / name)
        shutil.copy(self.pairs["both.pem"], here / "selfsigned/self.pem")
        target = f"127.0.0.1:{words['target']}"
        (here / "tokens/one").write_text(f"# consoles\nvm-1: {target}\nsock: unix_socket:{words['unix']}\n")
        (here / "echo.py").write_text(ECHO)
        (here / "jwt.key").write_text(JWT_SECRET)
        (here / "names/vm-1").write_text(f"{target}\n")
        (here / "names/sock").write_text(f"unix_socket:{words['unix']}")
        (here / "tokens/two").write_text(f"127.0.0.1: {target}\n")


FILES = {
    "vnc.html": b"<title>a console</title>",
    "sub/app.js": b"export const a = 1;\n",
    "sub/style.css": b"body { color: black }\n",
    "sub/picture.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "sub/data.json": b"{}",
    "sub/picture.png": b"\x89PNG\r\n\x1a\n",
    "sub/plain": b"no suffix",
    "sub/<b>&.txt": b"text",
    "with index/index.html": b"the index",
}


def is_listening(port):
    """Without a connection, which would be counted: a bind() fails where somebody listens (SO_REUSEADDR), in either
    family. The kernel's tables would say it too, but take milliseconds to read."""
    with socket.socket(socket.AF_INET6) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("::", port))
        except OSError:
            return True
    return False


def owner_of(port):
    """The process that listens on the port, as long as it has no children."""
    inodes = {line.split()[9] for table in ("tcp", "tcp6")
              for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]
              if line.split()[3] == LISTEN_STATE and int(line.split()[1].rpartition(":")[2], 16) == port}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            links = {os.readlink(entry) for entry in (process / "fd").iterdir()}
        except OSError:
            continue
        if any(f"socket:[{inode}]" in links for inode in inodes):
            return int(process.name)
    return None


def processes_with(variable):
    """Those that have it in their environment and live: however they came to be in a session of their own."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has gone
            if variable in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return found


class Run:
    """One of the programs, running, with whatever it has started in turn: close() ends all of that."""

    def __init__(self, command, pages, words, cwd="."):
        self.folder = tempfile.TemporaryDirectory(prefix="wsluice-pair-")
        self.here = pathlib.Path(self.folder.name)
        self.pages = pages
        self.service, self.tls_service = Service(Backend()), Service(Backend(), pages.pairs)
        self.unix = Service(UnixBackend())
        self.udp_log, self.unix_log = Syslog(), Syslog(self.here / "log.sock")
        self.process, self.daemon = None, None
        self.environment = {**own_environment(), "PAIR_RUN": self.folder.name}
        self.mark = f"PAIR_RUN={self.folder.name}".encode()
        self.places = {"here": self.here, "target": self.service.port, "unix": self.unix.backend.path,
                       "tls": self.tls_service.port, "dead": PORTS.next(), "udp": self.udp_log.port,
                       "sockets": os.path.dirname(self.unix.backend.path), "lookup": pages.lookup_port,
                       "redis": pages.redis.port}
        pages.furnish(self.here, self.places)
        self._start(command, words, self.here / cwd)

    def _start(self, command, words, cwd):
        for _ in range(START_ATTEMPTS):
            self.port = PORTS.next()
            self.words = shlex.split(words.format(port=self.port, **self.places))
            self.is_daemon = any(word in ("-D", "--daemon") for word in self.words)
            self.output, self.log = (open(self.here / name, "w+b") for name in ("stdout", "stderr"))
            with self._standard_input() as stdin:
                self.process = subprocess.Popen(
                    [command, *self.words], cwd=cwd, env=self.environment, stdin=stdin, stdout=self.output,
                    stderr=self.log)
            if self._listens() or b"in use" not in self.said(self.log):
                return

    def _standard_input(self):
        """Nothing, or what inetd hands down."""
        if "--inetd" in self.words:
            return socket.create_server(("127.0.0.1", self.port))
        return open(os.devnull, "rb")

    def _listens(self):
        """Whether it comes so far; a daemon's command has then ended."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            ended = self.process.poll() is not None
            if is_listening(self.port) and (ended or not self.is_daemon):
                self.daemon = owner_of(self.port) if self.is_daemon else None
                if self.daemon or not self.is_daemon:
                    return True
            if ended and (not self.is_daemon or self.process.returncode != 0):
                return False
            time.sleep(POLL_SECONDS)
        return False

    def said(self, stream):
        stream.seek(0)
        return stream.read()

    def signal(self, number=signal.SIGTERM):
        """To the one that serves."""
        os.kill(self.daemon or self.process.pid, number)

    def wait(self, limit=LIMIT_SECONDS):
        """The exit status of the command, or "still runs"."""
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            return "still runs"

    def stop(self):
        """The status after SIGTERM."""
        self.ask_to_stop()
        return self.wait()

    def ask_to_stop(self):
        """SIGTERM. websockify can miss it, or wait for ever for a child that did, while it has clients; so these get
        some time to go."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._has_children() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        self.signal()

    def _has_children(self):
        pid = self.daemon or self.process.pid
        return bool(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text())

    def wait_until_silent(self, limit=LIMIT_SECONDS):
        """Whether nobody listens any more."""
        deadline = time.monotonic() + limit
        while is_listening(self.port) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return not is_listening(self.port)

    def close(self):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (left := processes_with(self.mark)) and time.monotonic() < deadline:  # they may start others meanwhile
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
        for service in (self.service, self.tls_service, self.unix, self.udp_log, self.unix_log):
            service.close()
        for stream in (self.output, self.log):
            stream.close()
        self.folder.cleanup()


def limit_descriptors():
    """Of this process, for all that it starts."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))


def usage(command, words, cwd):
    """What a command line that starts nothing says: status, and whether there is something on either stream."""
    done = subprocess.run([command, *shlex.split(words)], cwd=cwd, env=own_environment(), stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=LIMIT_SECONDS)
    return {"status": done.returncode, "stdout": bool(done.stdout), "stderr": bool(done.stderr)}


