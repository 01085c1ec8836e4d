"""--syslog: lines as RFC 5424 and the older form want them, over UDP and Unix sockets, a daemon that goes and
comes back or reads nothing, and a real one (rsyslog) that understands what it gets.
"""

import os
import re
import signal
import socket
import subprocess
import time

import pytest

from harness import BINARY, binary, wait_until

# RFC 5424 section 6: PRI VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG
RFC5424 = re.compile(r"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([!-~]{1,255}) ([!-~]{1,48}) (\d+) - - ([ -~]+)")
LEGACY = re.compile(r"<(\d{1,3})>([!-~]{1,48})\[(\d+)\]: ([ -~]+)")
USER, DAEMON = 1, 3


class Daemon:
    """What a syslog daemon is to its clients: a socket with datagrams."""

    def __init__(self, family, address):
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(5)
        self.lines = []

    def line_with(self, words):
        """The next line that holds `words`."""
        while True:
            self.lines.append(self.socket.recv(4096).decode("ascii"))
            if words in self.lines[-1]:
                return self.lines[-1]

    def close(self):
        self.socket.close()


@pytest.fixture
def unix_daemon(tmp_path):
    daemon = Daemon(socket.AF_UNIX, str(tmp_path / "log"))
    daemon.server = str(tmp_path / "log")
    yield daemon
    daemon.close()


@pytest.fixture
def udp_daemon():
    family, *_, address = socket.getaddrinfo("localhost", 0, type=socket.SOCK_DGRAM)[0]  # Debian's own hosts: ::1
    daemon = Daemon(family, address)
    daemon.server = "localhost:%d" % daemon.socket.getsockname()[1]
    yield daemon
    daemon.close()


@pytest.fixture(params=["unix", "udp"])
def daemon(request):
    return request.getfixturevalue(f"{request.param}_daemon")


def test_lines_of_rfc_5424(wsluice, backend, connect, daemon):
    bridge = wsluice(backend, "--syslog", daemon.server)
    client = connect(bridge)
    opened = RFC5424.fullmatch(daemon.line_with("session opened"))
    priority, _, host, name, pid, text = opened.groups()
    assert int(priority) == 8 * USER + 6
    assert (host, name, int(pid)) == (socket.gethostname(), "wsluice", bridge.pid)
    assert re.match(r"\[[0-9a-f]+\] session opened client=127\.0\.0\.1", text)
    client.reset()
    assert RFC5424.fullmatch(daemon.line_with("session ended"))
    bridge.wait_for_log("session opened")  # there, too
    warning = next(line for line in daemon.lines if "no --origin" in line)
    assert warning.startswith(f"<{8 * USER + 4}>1 ")


def test_the_older_form(wsluice, backend, unix_daemon):
    bridge = wsluice(backend, "--syslog", unix_daemon.server, "--legacy-syslog")
    priority, name, pid, text = LEGACY.fullmatch(unix_daemon.line_with("listening on")).groups()
    assert (int(priority), name, int(pid)) == (8 * USER + 6, "wsluice", bridge.pid)
    assert text.startswith("listening on ")


def test_what_a_client_sends_forges_no_line(wsluice, backend, connect, unix_daemon):
    bridge = wsluice(backend, "--syslog", unix_daemon.server)
    client = connect(bridge, path="/a%0a<0>1%20forged\"\\")
    assert RFC5424.fullmatch(unix_daemon.line_with("session opened"))
    client.reset()


@pytest.mark.parametrize("name, seen", [("my bridge", "my_bridge"), ("brücke", "br__cke"), ("x" * 60, "x" * 48)])
def test_any_name_of_the_program_is_one_word(wsluice, backend, unix_daemon, tmp_path, name, seen):
    link = tmp_path / name
    link.symlink_to(os.path.abspath(binary()))
    wsluice.run("--syslog", unix_daemon.server, "127.0.0.1:0", *backend.target_args, program=link)
    assert RFC5424.fullmatch(unix_daemon.line_with("listening on"))[4] == seen


def test_in_the_background_it_is_a_daemon(wsluice, backend, udp_daemon, tmp_path):
    pid_file = tmp_path / "pid"
    instance = wsluice.run("-D", "--pid-file", pid_file, "--syslog", udp_daemon.server, "127.0.0.1:0", f"127.0.0.1:{backend.port}")
    assert instance.wait_for_exit() == 0
    pid = int(pid_file.read_text())
    try:
        line = RFC5424.fullmatch(udp_daemon.line_with("listening on"))
        assert (int(line[1]), int(line[5])) == (8 * DAEMON + 6, pid)
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"))
    assert "stopped" in udp_daemon.line_with("stopped")


def test_a_daemon_that_comes_back_is_found(wsluice, backend, connect, tmp_path):
    path = str(tmp_path / "log")
    first = Daemon(socket.AF_UNIX, path)
    bridge = wsluice(backend, "--syslog", path)
    first.line_with("listening")
    first.close()
    os.unlink(path)
    connect(bridge).reset()
    wait_until(lambda: "session ended" in bridge.log)
    second = Daemon(socket.AF_UNIX, path)
    time.sleep(1.1)  # it is looked for once a second
    connect(bridge).reset()
    assert int(re.search(r"(\d+) log lines lost", second.line_with("log lines lost"))[1]) >= 2
    assert RFC5424.fullmatch(second.line_with("session opened"))
    second.close()


def test_a_daemon_may_come_later(wsluice, backend, connect, tmp_path):
    """Containers have none; websockify starts all the same."""
    path = str(tmp_path / "log")
    bridge = wsluice(backend, "--syslog", path)
    bridge.wait_for_log(re.escape(f'no daemon at --syslog "{path}" (No such file or directory)'))
    daemon = Daemon(socket.AF_UNIX, path)
    time.sleep(1.1)  # it is looked for once a second
    connect(bridge).reset()
    assert RFC5424.fullmatch(daemon.line_with("session opened"))
    daemon.close()


def test_a_daemon_that_reads_nothing_holds_nobody_up(wsluice, echo_backend, connect, unix_daemon):
    """Linux queues ten datagrams for a Unix socket."""
    bridge = wsluice(echo_backend, "--syslog", unix_daemon.server)
    for number in range(30):
        client = connect(bridge)
        client.send_frame(BINARY, b"%d" % number)
        client.expect_frame(BINARY, b"%d" % number)
        client.reset()
    wait_until(lambda: bridge.log.count("session ended") == 30)
    while True:
        if "log lines lost" in unix_daemon.socket.recv(4096).decode():
            break
        connect(bridge).reset()


def test_a_stream_where_the_daemon_has_one(wsluice, backend, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "log"))
        listener.listen()
        bridge = wsluice(backend, "--syslog", tmp_path / "log")
        stream, _ = listener.accept()
        with stream, stream.makefile() as lines:
            stream.settimeout(5)
            assert RFC5424.fullmatch(lines.readline().rstrip("\n"))
        assert bridge.process.poll() is None


@pytest.mark.parametrize("arguments, status, words", [
    (["--legacy-syslog"], 2, "--legacy-syslog needs --syslog"),
    (["--syslog", "localhost:port"], 2, "--syslog"),
    (["--syslog", ""], 2, "--syslog"),
    (["--syslog", "no-such-host.invalid:514"], 1, "can't log to --syslog"),
])
def test_what_can_not_be(wsluice, arguments, status, words):
    instance = wsluice.run(*arguments, "127.0.0.1:0", "127.0.0.1:1")
    instance.expected_status = status
    assert instance.wait_for_exit() == status
    assert words in instance.log


def test_rsyslog_understands_it(wsluice, backend, connect, tmp_path):
    (tmp_path / "conf").write_text(
        'module(load="imuxsock" SysSock.Use="off")\n'
        f'input(type="imuxsock" Socket="{tmp_path}/log" UseSpecialParser="off")\n'
        'template(name="seen" type="string" string="%protocol-version%|%syslogfacility-text%|%syslogseverity-text%|'
        '%app-name%|%procid%|%msg%\\n")\n'
        f'action(type="omfile" file="{tmp_path}/seen" template="seen")\n')
    rsyslog = subprocess.Popen(["rsyslogd", "-n", "-iNONE", "-f", tmp_path / "conf"], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: (tmp_path / "log").exists())
        bridge = wsluice(backend, "--syslog", tmp_path / "log")
        connect(bridge).reset()
        seen = tmp_path / "seen"
        wait_until(lambda: seen.exists() and "session ended" in seen.read_text())
        line = next(line for line in seen.read_text().splitlines() if "session opened" in line)
        version, facility, severity, name, pid, text = line.split("|")
        assert (version, facility, severity, name, int(pid)) == ("1", "user", "info", "wsluice", bridge.pid)
        assert " session opened client=" in text
    finally:
        rsyslog.terminate()
        rsyslog.wait(10)
