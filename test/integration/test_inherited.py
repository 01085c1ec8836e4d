"""Sockets that whoever starts wsluice has opened: --inetd under a real inetd and systemd-socket-activate, systemd's
LISTEN_FDS for several of them, one client alone, what is left to the next one, and what is no socket.
"""
# ctest: world timeout=300

import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from harness import BINARY, LIMIT_SECONDS, RawClient, binary, free_port, tls_client_context, wait_until

ACTIVATE = shutil.which("systemd-socket-activate")
INETD = shutil.which("inetd", path=os.environ.get("PATH", "") + ":/usr/sbin")
needs_systemd = pytest.mark.skipif(ACTIVATE is None, reason="systemd-socket-activate is not here")
needs_inetd = pytest.mark.skipif(INETD is None, reason="inetd is not here (Debian: openbsd-inetd)")

# Puts descriptors named by the first argument where systemd does, and says so. LISTEN_PID must be the program's.
AS_SYSTEMD = """
import os, sys
for number, fd in enumerate(sys.argv[1].split(",")):
    os.dup2(int(fd), 3 + number, inheritable=True)
os.environ.setdefault("LISTEN_PID", str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


def trip(place, text=b"handed down", **options):
    with RawClient(place, **options) as client:
        client.upgrade()
        client.send_frame(BINARY, text)
        assert client.recv_data(len(text)) == text
        client.send_close()
        client.expect_close(1000)


def listening_socket(family=socket.AF_INET, place=("127.0.0.1", 0)):
    listener = socket.socket(family)
    listener.bind(str(place) if family == socket.AF_UNIX else place)
    listener.listen(50)
    return listener


def port_of(listener):
    return listener.getsockname()[1]


def expect_failure(instance, status, *words):
    instance.expected_status = status
    assert instance.wait_for_exit() == status, instance.log
    for word in words:
        assert word in instance.log
    assert len(instance.log.splitlines()) == 1


@pytest.fixture
def activated(wsluice):
    """activated(sockets, *args, names=...) starts wsluice with these as LISTEN_FDS."""

    def start(sockets, *args, names=None, env=None):
        # Copies above what their numbers will be, lest one be overwritten by another.
        copies = [os.dup(s.fileno()) for s in sockets]
        variables = {"LISTEN_FDS": str(len(sockets)), **({"LISTEN_FDNAMES": names} if names else {}), **(env or {})}
        instance = wsluice.run("-c", AS_SYSTEMD, ",".join(map(str, copies)), binary(), *args,
                               program="/usr/bin/python3", descriptors=copies, env=variables)
        for copy in copies:
            os.close(copy)
        return instance

    return start


@pytest.fixture
def socket_activate(wsluice):
    """socket_activate(place, *args, how=(...)) has systemd-socket-activate listen there and start wsluice."""

    def start(place, *args, how=()):
        # -E: what a sanitizer's build is told by the environment
        passed = [f"-E{name}" for name in os.environ if name.endswith("SAN_OPTIONS")]
        instance = wsluice.run(*how, *passed, "-l", place, binary(), *args, program=ACTIVATE)
        instance.wait_for_log(r"Listening on .* as 3")
        return instance

    return start


@pytest.fixture
def inetd(tmp_path):
    """inetd(wait, *args) has a real inetd run wsluice --inetd so; returns the port."""
    started = []
    program = tmp_path / "wsluice"
    program.symlink_to(os.path.abspath(binary()))  # inetd.conf has no way to write a path with a blank

    def start(wait, *args):
        port = free_port()
        words = " ".join(["wsluice", "--inetd", *map(str, args)])
        config = tmp_path / f"inetd-{port}.conf"
        config.write_text(f"127.0.0.1:{port} stream tcp {wait} {os.environ.get('USER', 'root')} {program} {words}\n")
        log = open(tmp_path / f"inetd-{port}.log", "w")
        started.append(subprocess.Popen([INETD, "-d", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        wait_until(lambda: answers(port), LIMIT_SECONDS, f"inetd does not listen on {port}")
        return port

    yield start
    for process in started:
        process.terminate()
        process.wait(LIMIT_SECONDS)


def answers(port):
    """Whether the kernel says that somebody listens there: to connect would make inetd start something."""
    entry = f"0100007F:{port:04X} 00000000:0000 0A"
    with open("/proc/net/tcp") as table:
        return any(entry in line for line in table)


# --- systemd ---------------------------------------------------------------------------------------------


@needs_systemd
def test_started_on_demand_and_gone_when_idle(socket_activate, echo_backend):
    port = free_port()
    bridge = socket_activate(f"127.0.0.1:{port}", "--idle-timeout", "300ms", *echo_backend.target_args,
                             how=["--fdname=web"])
    trip(port)
    bridge.wait_for_log(rf"listening on 127\.0\.0\.1:{port} .*inherited=web\n")
    assert bridge.wait_for_exit() == 0


@needs_systemd
def test_a_process_for_each_client(socket_activate, echo_backend):
    port = free_port()
    manager = socket_activate(f"127.0.0.1:{port}", *echo_backend.target_args, how=["--accept"])
    manager.expected_status = None
    for _ in range(2):
        trip(port)
    manager.wait_for_log("serving one client client=127.0.0.1", count=2)
    manager.wait_for_log(r"Child \d+ died with code 0", count=2)


@needs_systemd
@pytest.mark.parametrize("how", [["--inetd"], ["--inetd", "--accept"]])
def test_as_descriptor_0(socket_activate, echo_backend, how):
    port = free_port()
    manager = socket_activate(f"127.0.0.1:{port}", "--inetd", "--idle-timeout", "300ms", *echo_backend.target_args,
                              how=how)
    trip(port)
    if "--accept" in how:
        manager.wait_for_log(r"Child \d+ died with code 0")
        manager.expected_status = None
    else:
        assert manager.wait_for_exit() == 0


def test_several_sockets_with_names(activated, echo_backend, tmp_path):
    tcp, unix = listening_socket(), listening_socket(socket.AF_UNIX, tmp_path / "s")
    bridge = activated([tcp, unix], *echo_backend.target_args, "--workers", "3", names="http:local\nname")
    for _ in range(10):
        trip(port_of(tcp))
        trip(tmp_path / "s")
    bridge.wait_for_log(rf"listening on 127\.0\.0\.1:{port_of(tcp)} workers=3 .*inherited=http\n")
    bridge.wait_for_log(r"inherited=local\\nname")
    bridge.stop()
    assert (tmp_path / "s").exists()  # not ours


def test_a_port_that_was_handed_down_may_be_given_too(activated, echo_backend):
    listener = listening_socket()
    bridge = activated([listener], f"127.0.0.1:{port_of(listener)}", *echo_backend.target_args)
    trip(port_of(listener))
    bridge.wait_for_log("among the inherited sockets")


def test_another_port_is_listened_on_as_well(activated, echo_backend, tmp_path):
    listener, unix = listening_socket(), listening_socket(socket.AF_UNIX, tmp_path / "s")
    other = free_port()
    bridge = activated([listener, unix], f"127.0.0.1:{other}", *echo_backend.target_args)
    bridge.wait_for_log("listening on ", count=3)
    for place in (port_of(listener), other, tmp_path / "s"):
        trip(place)


def test_in_the_background(activated, echo_backend, tmp_path):
    listener = listening_socket()
    parent = activated([listener], "-D", "--pid-file", tmp_path / "pid", *echo_backend.target_args)
    assert parent.wait_for_exit() == 0
    trip(port_of(listener))
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)
    wait_until(lambda: not (tmp_path / "pid").exists())


def test_variables_for_another_process_mean_nothing(activated, echo_backend):
    listener = listening_socket()
    bridge = activated([listener], "127.0.0.1:0", *echo_backend.target_args, env={"LISTEN_PID": "1"})
    assert bridge.wait_until_listening().port != port_of(listener)


def test_who_is_queued_at_the_end_is_left_to_the_next(activated, echo_backend):
    listener = listening_socket()
    first = activated([listener], "--max-sessions", "1", *echo_backend.target_args)
    with RawClient(port_of(listener)) as served:
        served.upgrade()
        waiting = RawClient(port_of(listener))
        waiting.send(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
        first.ask_to_stop()
        served.expect_close(1001)
    first.stop()
    activated([listener], *echo_backend.target_args)
    assert waiting.recv_response(body_expected=False).status == 101
    waiting.close()


# --- inetd -----------------------------------------------------------------------------------------------


@needs_inetd
def test_inetd_that_waits(inetd, echo_backend, tmp_path):
    log = tmp_path / "log"
    port = inetd("wait", "--idle-timeout", "200ms", "--log-file", log, *echo_backend.target_args)
    for run in (1, 2):
        for _ in range(3):
            trip(port)
        wait_until(lambda: len(re.findall("stopped connections=", log.read_text())) == run)


@needs_inetd
def test_inetd_with_a_process_for_each_client(inetd, echo_backend, server_pair, authority, tmp_path):
    log = tmp_path / "log"
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text("a page")
    port = inetd("nowait", "--cert", server_pair.both, "--web", tmp_path / "web", "--log-file", log,
                 *echo_backend.target_args)
    trip(port, tls=tls_client_context(authority.cert))
    trip(port)
    with RawClient(port) as client:
        assert client.request(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").body == b"a page"
    wait_until(lambda: len(re.findall("stopped connections=1 ", log.read_text())) == 3)


@needs_inetd
@pytest.mark.parametrize("options", [["--no-such-option"], ["--web", "/no/such/directory"], ["-v"]])
def test_a_client_of_inetd_reads_no_line_of_ours(inetd, echo_backend, options, tmp_path):
    port = inetd("nowait", *options, *echo_backend.target_args)
    with RawClient(port) as client:
        if options == ["-v"]:
            client.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer, _ = client.recv_to_end()
    assert answer == b"" if options != ["-v"] else answer.startswith(b"HTTP/1.1 ") and b"debug" not in answer


@needs_inetd
def test_messages_of_a_start_that_failed_are_in_the_log_file(inetd, echo_backend, tmp_path):
    log = tmp_path / "log"
    port = inetd("nowait", "--log-file", log, "--web", "/no/such/directory", *echo_backend.target_args)
    RawClient(port).close()
    wait_until(lambda: log.exists() and "/no/such/directory" in log.read_text())


def test_the_background_is_not_for_inetd(wsluice, echo_backend, tmp_path):
    listener = listening_socket()
    bridge = wsluice.run("--inetd", "-D", *echo_backend.target_args, stdin=listener)
    bridge.wait_for_log("--daemon has no effect with --inetd")
    trip(port_of(listener))


# --- what can't be served -----------------------------------------------------------------------------------


def test_descriptor_0_must_be_a_socket(wsluice, tmp_path):
    expect_failure(wsluice.run("--inetd", "127.0.0.1:9"), 1, "--inetd", "descriptor 0 is not a socket")


def test_descriptor_0_must_be_a_stream(wsluice):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        expect_failure(wsluice.run("--inetd", "127.0.0.1:9", stdin=datagrams), 1, "descriptor 0 is no stream socket")


def test_descriptor_0_must_be_in_use(wsluice):
    with socket.socket() as idle:
        expect_failure(wsluice.run("--inetd", "127.0.0.1:9", stdin=idle), 1, "neither listens nor is connected")


def test_listed_descriptors_must_be_sockets(activated, tmp_path):
    with open(tmp_path / "file", "w") as file, listening_socket() as listener:
        expect_failure(activated([listener, file], "127.0.0.1:9", names="a:b"), 1, "descriptor 4 (b) is not a socket")
        expect_failure(activated([listener], "127.0.0.1:9", env={"LISTEN_FDS": "2"}), 1, "descriptor 4")
        for count in ("two", "65", "-1", ""):
            expect_failure(activated([listener], "127.0.0.1:9", env={"LISTEN_FDS": count}), 1, "LISTEN_FDS")


def test_a_client_can_not_be_served_beside_a_listener(activated):
    with listening_socket() as listener, socket.create_connection(listener.getsockname()) as client:
        expect_failure(activated([listener, client], "127.0.0.1:9"), 1, "is a client's connection")


@pytest.mark.parametrize("args,word", [
    (["--inetd", "6080", "127.0.0.1:9"], "6080"),
    (["--inetd", "--unix-listen", "/tmp/s", "127.0.0.1:9"], "--unix-listen"),
    (["--inetd", "--demo"], "--inetd"),
    (["--inetd"], "target"),
])
def test_wrong_use(wsluice, args, word):
    expect_failure(wsluice.run(*args), 2, word)
