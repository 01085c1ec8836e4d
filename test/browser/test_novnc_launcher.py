"""noVNC's own launcher script, as its package installs it, with a `websockify` on the PATH that is wsluice: it
starts, shows a desktop in a browser, passes its options on, and stops both when it is stopped.

The script looks after a second whether the process that it started still lives.
"""
# ctest: world once cost=15

import os
import pathlib
import re
import signal
import socket
import subprocess
import threading

import pytest

from harness import (
    BINARY,
    LIMIT_SECONDS,
    RawClient,
    binary,
    free_port,
    tls_client_context,
    wait_until,
)
from harness.process import SANITIZER_REPORT, STOP_SECONDS, own_environment

UTILITIES = pathlib.Path("/usr/share/novnc/utils")
SCRIPTS = ("novnc_proxy", "launch.sh")  # its name of today, and that of old packages
START_ATTEMPTS = 5  # where another process takes the free port first


def script():
    found = [UTILITIES / name for name in SCRIPTS if (UTILITIES / name).exists()]
    assert found, f"no {' or '.join(SCRIPTS)} in {UTILITIES}: install the package novnc"
    return found[0]


class Launcher:
    """The script at work. `log` is all that it and wsluice have said."""

    def __init__(self, folder, options):
        self.port = free_port()
        self.lines = []
        self.process = subprocess.Popen(
            [script(), "--listen", str(self.port), *map(str, options)],
            cwd=folder, env={**own_environment(), "PATH": f"{folder}/bin:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        self.reader = threading.Thread(target=self._collect, daemon=True)
        self.reader.start()

    def _collect(self):
        for line in self.process.stdout:
            self.lines.append(line.decode(errors="backslashreplace"))

    @property
    def log(self):
        return "".join(self.lines)

    def wait_for(self, pattern):
        return wait_until(lambda: re.search(pattern, self.log), LIMIT_SECONDS, lambda: f"no {pattern!r}:\n{self.log}",
                          give_up=lambda: not self.reader.is_alive())

    def stop(self, signum=signal.SIGTERM):
        """The end of the pipe is the end of all that it started."""
        if self.process.poll() is None:
            self.process.send_signal(signum)
        self.reader.join(STOP_SECONDS)
        assert not self.reader.is_alive(), f"something that it started goes on:\n{self.log}"
        self.process.wait(LIMIT_SECONDS)
        assert not SANITIZER_REPORT.search(self.log), self.log


@pytest.fixture
def launch(tmp_path):
    """launch("--vnc", ...) runs the script in a folder with nothing but `websockify`; it has found wsluice
    alive when this returns."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/websockify").symlink_to(os.path.abspath(binary()))
    started = []

    def run(*options):
        for _ in range(START_ATTEMPTS):
            launcher = Launcher(tmp_path, options)
            started.append(launcher)
            wait_until(lambda: "Navigate to this URL" in launcher.log or not launcher.reader.is_alive(),
                       message=lambda: f"it waits:\n{launcher.log}")
            if "in use" not in launcher.log:
                return launcher
        raise AssertionError("no port is free")

    yield run
    for launcher in started:
        launcher.stop()


def exchange(port, tls=None):
    with RawClient(port, tls=tls) as client:
        page = client.request(b"GET /vnc.html HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (page.status, page.body) == (200, (UTILITIES.parent / "vnc.html").read_bytes())
    with RawClient(port, tls=tls) as client:
        client.upgrade("/websockify", {"Sec-WebSocket-Protocol": "binary"})
        client.send_frame(BINARY, b"RFB 003.008\n")
        assert client.recv_data(12) == b"RFB 003.008\n"
        client.send_close(1000)
        client.expect_close(1000)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_serves_and_stops_all_that_it_started(launch, echo_backend, signum):
    launcher = launch("--vnc", f"localhost:{echo_backend.port}")
    launcher.wait_for(r"Using installed websockify at \S*/bin/websockify")
    launcher.wait_for("Navigate to this URL")
    exchange(launcher.port)
    launcher.stop(signum)
    launcher.wait_for(r"stopped connections=\d")


def test_its_options_reach_wsluice(launch, echo_backend, authority, server_pair, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(str(tmp_path / "log"))
        expect_options(launch, echo_backend, authority, server_pair, tmp_path)
        assert b" websockify " in syslog.recv(4096)


def expect_options(launch, echo_backend, authority, server_pair, tmp_path):
    launcher = launch("--vnc", f"localhost:{echo_backend.port}", "--cert", server_pair.cert, "--key", server_pair.key,
                      "--ssl-only", "--heartbeat", "30", "--idle-timeout", "300", "--timeout", "600",
                      "--web", UTILITIES.parent, "--record", tmp_path / "recording", "--syslog", tmp_path / "log")
    launcher.wait_for("https://")
    exchange(launcher.port, tls_client_context(authority.cert))
    with RawClient(launcher.port) as plain:
        plain.upgrade("/websockify", expect=400)
    wait_until(lambda: (tmp_path / "recording.1").exists())


def test_self_pem_beside_it_is_taken(launch, echo_backend, authority, server_pair, tmp_path):
    (tmp_path / "self.pem").write_bytes(server_pair.both.read_bytes())
    launcher = launch("--vnc", f"localhost:{echo_backend.port}")
    exchange(launcher.port)
    exchange(launcher.port, tls_client_context(authority.cert))


def test_it_says_so_when_wsluice_does_not_start(launch, echo_backend, tmp_path):
    (tmp_path / "broken.pem").write_text("no certificate\n")
    launcher = launch("--vnc", f"localhost:{echo_backend.port}", "--cert", tmp_path / "broken.pem")
    launcher.wait_for("Failed to start WebSockets proxy")
    launcher.wait_for(r"websockify: .*broken\.pem")
    assert launcher.process.wait(LIMIT_SECONDS) == 1


def test_a_desktop_over_tls_in_novncs_own_page(launch, desktop, work_on_desktop, home, server_pair):
    launcher = launch("--vnc", f"localhost:{desktop.port}", "--cert", server_pair.both, "--ssl-only")
    url = f"https://localhost:{launcher.port}/vnc_lite.html?host=localhost&port={launcher.port}"
    seen = work_on_desktop(url, home=home)
    assert seen["status"].startswith("Connected")
    launcher.wait_for(r"session opened client=\S+ path=\"/websockify\"")
