"""Command lines as people start websockify with, found in unit files, Dockerfiles, supervisors and scripts: each
starts a wsluice that is called `websockify`, serves a session and a page, and stops with 0.

Ports and paths are ours, all else stands as it was found. docs/MIGRATING.md has what differs.
"""
# ctest: world waits cost=10

import ctypes
import hashlib
import os
import pathlib
import shlex
import signal
import socket
import subprocess
from typing import NamedTuple

import pytest

from harness import (
    BINARY,
    LIMIT_SECONDS,
    Backend,
    RawClient,
    UnixBackend,
    binary,
    echo,
    encrypt_key,
    free_port,
    openssl,
    tls_client_context,
    tls_server_context,
    wait_until,
)
from harness.process import STOP_SECONDS, own_environment
from harness.s_client import speaks_tls_1_3
from harness.tls import TlsSocket

PAGE = b"<title>a console</title>"
PAYLOAD = 300_000  # several buffers, several frames
START_ATTEMPTS = 5  # where another process takes the free port first
PR_SET_CHILD_SUBREAPER = 36  # prctl(2)


class Line(NamedTuple):
    name: str
    words: str  # {port}, {target}, {unix} are ours, {here} the folder of all that it names
    schemes: str = "ws"  # what is served; the other is refused
    path: str = "/websockify"
    host: str = "localhost:6080"
    cwd: str = "."
    ends_itself: bool = False  # after its session, without a signal


# --- in the foreground: units, containers, supervisors, shells -----------------------------------------

FOREGROUND = [
    Line("unit: pages and a desktop", "websockify --web={here}/web/ {port} localhost:{target}"),
    Line("unit: this machine only", "websockify --web {here}/web 127.0.0.1:{port} 127.0.0.1:{target}"),
    Line("unit: one file with certificate and key",
         "websockify --web={here}/web/ --cert={here}/novnc.pem {port} localhost:{target}", "ws wss"),
    Line("unit: two files, a heartbeat, a time limit",
         "websockify --web={here}/web/ --cert={here}/cert.pem --key={here}/key.pem --heartbeat=30 --timeout=300"
         " {port} localhost:{target}", "ws wss"),
    Line("unit: no pages", "websockify --heartbeat=30 127.0.0.1:{port} 127.0.0.1:{target}"),
    Line("unit: a log of its own",
         "websockify --log-file={here}/websockify.log 127.0.0.1:{port} 127.0.0.1:{target}"),
    Line("unit: a folder of tokens", "websockify --token-plugin=TokenFile --token-source={here}/tokens/ {port}",
         path="/?token=vm-1"),
    Line("unit: TLS only",
         "websockify --ssl-only --cert={here}/cert.pem --key={here}/key.pem 0.0.0.0:{port} 127.0.0.1:{target}", "wss"),
    Line("Dockerfile: nothing but ports", "websockify {port} localhost:{target}", path="/"),
    Line("Dockerfile: all addresses",
         "websockify --web={here}/web --heartbeat=30 0.0.0.0:{port} localhost:{target}"),
    Line("Dockerfile: a colon before the port", "websockify -v --web={here}/web :{port} localhost:{target}"),
    Line("Dockerfile: as verbose as can be", "websockify -v -v -v {port} localhost:{target}"),
    Line("Dockerfile: tokens over TLS, options behind the port",
         "websockify --cert {here}/novnc.pem --web {here}/web :{port} --token-plugin TokenFile"
         " --token-source {here}/tokens --ssl-only --ssl-version tlsv1_2", "wss", "/websockify?token=vm-2"),
    Line("supervisor: a Unix socket behind it", "websockify --unix-target={unix} --web={here}/web 127.0.0.1:{port}"),
    Line("supervisor: verbose", "websockify --verbose --web {here}/web/ 0.0.0.0:{port} 127.0.0.1:{target}"),
    Line("shell: tokens in one file, their options behind the port",
         "websockify --web {here}/web {port} --token-plugin=TokenFile --token-source={here}/vnc_tokens",
         path="/websockify?token=vm-1"),
    Line("shell: the plugin by its module",
         "websockify --token-plugin=websockify.token_plugins.TokenFile --token-source=vnc_tokens {port}",
         path="/?token=vm-2"),
    Line("shell: tokens read once",
         "websockify --web {here}/web --token-plugin ReadOnlyTokenFile --token-source vnc_tokens {port}",
         path="/?token=vm-2"),
    Line("shell: tokens by their old name", "websockify --target-config=vnc_tokens {port}", path="/?token=vm-1"),
    Line("shell: a folder of tokens by their old name, pages behind",
         "websockify --target-config={here}/tokens {port} --web={here}/web", path="/?token=vm-2"),
    Line("shell: the token is the host",
         "websockify --host-token --token-plugin TokenFile --token-source {here}/vnc_tokens {port}",
         host="vm-1:6080"),
    Line("shell: self.pem is there", "websockify {port} localhost:{target}", "ws wss", cwd="selfsigned"),
    Line("shell: self.pem is there, TLS only", "websockify --ssl-only --web ../web {port} localhost:{target}", "wss",
         cwd="selfsigned"),
    Line("shell: never too idle", "websockify -v --web {here}/web/ --idle-timeout=0 {port} 127.0.0.1:{target}"),
    Line("shell: IPv6", "websockify -6 --file-only --web {here}/web localhost:{port} localhost:{target}"),
    Line("shell: options behind all else",
         "websockify {port} localhost:{target} --web={here}/web --file-only --verbose --heartbeat 30"),
    Line("shell: ciphers and versions",
         "websockify --cert={here}/novnc.pem --ssl-version=tlsv1_2 --ssl-ciphers='HIGH:!aNULL:!MD5' {port}"
         " localhost:{target}", "ws wss"),
    Line("shell: a key under a password",
         "websockify --cert={here}/cert.pem --key={here}/locked.key --key-password=sesame {port} localhost:{target}",
         "ws wss"),
    Line("shell: for one client", "websockify --run-once --idle-timeout 60 --web {here}/web --cert {here}/novnc.pem"
         " {port} localhost:{target}", "wss ws", ends_itself=True),
    Line("shell: until nobody is left", "websockify --idle-timeout 3 {port} localhost:{target}", ends_itself=True),
]

DAEMONS = [
    Line("the tutorials' own", "websockify -D --web={here}/web/ --cert=novnc.pem {port} localhost:{target}", "ws wss"),
    Line("without TLS", "websockify -D --web={here}/web/ {port} localhost:{target}"),
    Line("one file for both, named twice",
         "websockify -D --web=web/ --cert={here}/novnc.pem --key={here}/novnc.pem {port} localhost:{target}", "ws wss"),
    Line("a log", "websockify --daemon --log-file={here}/ws1.log {port} localhost:{target}"),
    Line("behind all else",
         "websockify --token-plugin=TokenFile --token-source=./vnc_tokens 0.0.0.0:{port} --web=./web -D",
         path="/?token=vm-1"),
    Line("from a script, TLS only",
         "websockify --daemon --idle-timeout 300 --cert {here}/cert.pem --key {here}/key.pem --ssl-only"
         " {port} localhost:{target}", "wss"),
    Line("for one client", "websockify --run-once -D --timeout 30 --idle-timeout 30 {port} localhost:{target}",
         ends_itself=True),
]


# --- the machine that the lines are run on ---------------------------------------------------------------


@pytest.fixture
def places(tmp_path, serve, server_pair):
    """What the lines name, all in one folder, with a `websockify` on the PATH; and two services that echo."""
    here = tmp_path
    for folder in ("bin", "web", "tokens", "selfsigned"):
        (here / folder).mkdir()
    (here / "bin/websockify").symlink_to(os.path.abspath(binary()))
    (here / "web/vnc.html").write_bytes(PAGE)
    (here / "cert.pem").write_bytes(server_pair.cert.read_bytes())
    (here / "key.pem").write_bytes(server_pair.key.read_bytes())
    for both in ("novnc.pem", "selfsigned/self.pem"):
        (here / both).write_bytes(server_pair.both.read_bytes())
    lock_key(server_pair.key, here / "locked.key")
    service, unix = serve(echo), UnixBackend().serve(echo)
    target = f"127.0.0.1:{service.port}"
    (here / "vnc_tokens").write_text(f"# consoles\nvm-1: {target}\nvm-2:\t{target}\n")
    (here / "tokens/one.cfg").write_text(f"vm-1: {target}\n")
    (here / "tokens/two").write_text(f"vm-2: {target}\n")
    yield {"here": here, "target": service.port, "unix": unix.path}
    unix.close()


def lock_key(key, target):
    """Under the password "sesame"; mbedTLS 2.28 reads the traditional form only."""
    if speaks_tls_1_3():
        encrypt_key(key, "sesame", target)
    else:
        openssl("ec", "-in", key, "-aes256", "-passout", "pass:sesame", "-out", target)


def arguments(line, places, port):
    """The line's words without `websockify`, and how to start it: the program's name, environment, folder."""
    program, *words = shlex.split(line.words.format(**places, port=port))
    assert program == "websockify"
    path = f"{places['here']}/bin:{os.environ['PATH']}"
    return words, {"program": program, "env": {"PATH": path}, "cwd": places["here"] / line.cwd}


def where(line):
    """The address on which the line listens, as clients find it: localhost is ::1 first on many machines."""
    name = "localhost" if "localhost:{port}" in line.words else "127.0.0.1"
    return socket.getaddrinfo(name, 0, type=socket.SOCK_STREAM)[0][4][0]


def answers(line, port):
    """Whether somebody listens."""
    try:
        socket.create_connection((where(line), port), LIMIT_SECONDS).close()
    except ConnectionRefusedError:
        return False
    return True


def start(wsluice, line, places):
    """Starts the line in the foreground: (instance, port), listening. The connection with which that was
    found out has ended."""
    for _ in range(START_ATTEMPTS):
        port = free_port()
        words, process = arguments(line, places, port)
        instance = wsluice.run(*words, **process)
        wait_until(lambda: answers(line, port) or instance.process.poll() is not None)
        if instance.process.poll() is None:
            return instance, port
        instance.wait_for_exit()
        assert "in use" in instance.log, f"{line.words} did not start:\n{instance.log}"
        instance.expected_status = 1
    raise AssertionError(f"no port is free for {line.words}")


def client_to(line, port, scheme, ca):
    return RawClient(port, where(line), tls=tls_client_context(ca) if scheme in ("wss", "https") else None)


def use(line, port, ca):
    """A page and a session by each scheme that is served, a refusal by the other."""
    for scheme in ("ws", "wss"):
        if scheme in line.schemes.split():
            if "--web" in line.words:
                read_page(line, port, scheme.replace("ws", "http"), ca)
            if not (line.ends_itself and scheme != line.schemes.split()[0]):
                exchange(line, port, scheme, ca)
        elif scheme == "ws":
            with client_to(line, port, "ws", ca) as client:
                client.upgrade(line.path, expect=400)


def read_page(line, port, scheme, ca):
    with client_to(line, port, scheme, ca) as client:
        assert client.request(b"GET /vnc.html HTTP/1.1\r\nHost: localhost\r\n\r\n").body == PAGE


def exchange(line, port, scheme, ca):
    """A session with an echo of some size, ended in order."""
    data = os.urandom(PAYLOAD)
    with client_to(line, port, scheme, ca) as client:
        answer = client.upgrade(line.path, {"Host": line.host, "Sec-WebSocket-Protocol": "binary"})
        assert answer.header("Sec-WebSocket-Protocol") == "binary"
        client.send_frame(BINARY, data)
        assert hashlib.sha256(client.recv_data(PAYLOAD)).digest() == hashlib.sha256(data).digest()
        client.send_close(1000)
        client.expect_close(1000)


# --- the lines ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", FOREGROUND, ids=lambda line: line.name)
def test_a_line_starts_serves_and_stops(wsluice, places, authority, line):
    instance, port = start(wsluice, line, places)
    use(line, port, authority.cert)
    if line.ends_itself:
        assert instance.wait_for_exit() == 0
    else:
        instance.stop()  # SIGTERM; judges the status


@pytest.fixture
def daemons(places):
    """Starts lines that go into the background, and ends what they left. While it lasts this process
    inherits orphans, and so hears of how they end."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    started = []

    def run(line):
        for _ in range(START_ATTEMPTS):
            port = free_port()
            words, process = arguments(line, places, port)
            done = subprocess.run(
                ["websockify", *words], cwd=process["cwd"], env={**own_environment(), **process["env"]},
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=STOP_SECONDS,
            )
            if done.returncode == 0:
                started.append(process_with(["websockify", *words]))
                return started[-1], port
            assert done.returncode == 1 and "in use" in done.stderr, f"{line.words}:\n{done.stderr}"
        raise AssertionError(f"no port is free for {line.words}")

    yield run
    for pid in started:
        end(pid)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def process_with(words):
    """The one process with this command line."""
    wanted = "".join(f"{word}\0" for word in words).encode()
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if entry.read_bytes() == wanted:
                found.append(int(entry.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            pass
    assert len(found) == 1, f"{len(found)} processes run {words}"
    return found[0]


def status_of(pid):
    """The exit status of a process that has ended or is about to; 0 is an orderly end."""

    def reaped():
        ended, status = os.waitpid(pid, os.WNOHANG)
        return (os.waitstatus_to_exitcode(status),) if ended else None

    return wait_until(reaped, STOP_SECONDS, "the daemon did not end")[0]


def end(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass  # as it should be


@pytest.mark.parametrize("line", DAEMONS, ids=lambda line: line.name)
def test_a_line_goes_into_the_background_serves_and_stops(daemons, authority, line):
    pid, port = daemons(line)
    use(line, port, authority.cert)  # at once: the command has returned, so it listens
    if not line.ends_itself:
        os.kill(pid, signal.SIGTERM)
    assert status_of(pid) == 0


# --- what has to be looked at more closely ----------------------------------------------------------------


@pytest.fixture
def tls_service(server_pair):
    """A service that echoes over TLS, as a Mumble server speaks it, with a certificate of an authority that
    no system knows."""
    listening = Backend()
    context = tls_server_context(server_pair)

    def handler(wire):
        wire.sock = TlsSocket(wire.sock, context, server_side=True)
        echo(wire)

    yield listening.serve(handler)
    listening.close()


@pytest.mark.parametrize("words", ["--ssl-target-ca={ca}", "--ssl-target-insecure"])
def test_a_target_over_tls_is_reached_once_it_is_said_whom_to_trust(
        wsluice, places, authority, tls_service, words):
    line = Line("", "websockify --cert={here}/cert.pem --key={here}/key.pem --ssl-only --ssl-target --web={here}/web"
                " {port} localhost:{target} " + words.format(ca=authority.cert), "wss")
    instance, port = start(wsluice, line, {**places, "target": tls_service.port})
    use(line, port, authority.cert)
    instance.stop()


def test_a_target_over_tls_that_nobody_vouches_for_is_refused_in_words(wsluice, places, tls_service):
    line = Line("", "websockify --ssl-target --web {here}/web {port} localhost:{target}")
    instance, port = start(wsluice, line, {**places, "target": tls_service.port})
    with RawClient(port) as client:
        client.upgrade()
        client.expect_close(1011, "Failed to connect to target: ")
    instance.wait_for_log("TLS toward the target failed .*not signed by a trusted CA")


def test_a_unix_socket_to_listen_on(wsluice, places):
    path = places["here"] / "ws.sock"
    words = ["--unix-listen", path, "--unix-listen-mode", "0660", f"localhost:{places['target']}"]
    instance = wsluice.run(*words)
    instance.wait_for_log("listening on unix:")  # the file is there a moment before anybody answers
    assert path.stat().st_mode & 0o777 == 0o660
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(LIMIT_SECONDS)
        client.connect(str(path))
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(1024).startswith(b"HTTP/1.1 405 ")
    instance.stop()
    assert not path.exists()


# Classes of people's own in Python: the one thing that can't be there. Nobody is left guessing.
PYTHON = [
    ("tokens", "websockify {port} --token-plugin=nacos.token.Token", "nacos.token.Token"),
    ("logins", "websockify --auth-plugin=browser_auth.StationAuth --web={here}/web 127.0.0.1:{port} 127.0.0.1:{target}",
     "browser_auth.StationAuth"),
]


@pytest.mark.parametrize("words,named", [row[1:] for row in PYTHON], ids=[row[0] for row in PYTHON])
def test_what_can_not_be_there_is_named(wsluice, places, words, named):
    arguments_, process = arguments(Line("", words), places, free_port())
    instance = wsluice.run(*arguments_, **process)
    instance.expected_status = 2
    assert instance.wait_for_exit() == 2
    assert len(instance.log.splitlines()) == 1
    assert named in instance.log
