"""In the background (-D) and with a file that holds its process id: who starts wsluice so knows from the exit
status whether it serves, and from the file whom to signal.
"""

import os
import pathlib
import select
import signal
import socket
import subprocess

import pytest

from harness import BINARY, LIMIT_SECONDS, RawClient, binary, free_port, tls_client_context, wait_until

TARGET = "127.0.0.1:9"
PARENT_SECONDS = 30  # it hangs where the daemon keeps one of its streams


def environment(extra=None):
    mine = {name: value for name, value in os.environ.items() if not name.startswith("WSLUICE_")}
    return {**mine, **(extra or {})}


def runs(pid):
    """Whether the process exists and is no zombie that nobody has reaped."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


class Daemons:
    """Starts wsluice -D in a folder of the test's own, and ends what was started."""

    def __init__(self, folder):
        self.folder = folder
        self.pids = []

    def start(self, *args, env=None, **options):
        """What the parent left: status, output, errors; and the daemon's process id, or None."""
        pid_file = self.folder / "wsluice.pid"
        done = subprocess.run([binary(), "-D", *map(str, args)], cwd=self.folder, capture_output=True, text=True,
                              timeout=PARENT_SECONDS, env=environment(env), stdin=subprocess.DEVNULL, **options)
        pid = int(pid_file.read_text()) if done.returncode == 0 and pid_file.exists() else None
        if pid is not None:
            self.pids.append(pid)
        return done, pid

    def stop(self, pid, signum=signal.SIGTERM):
        if runs(pid):
            os.kill(pid, signum)
            wait_until(lambda: not runs(pid), LIMIT_SECONDS)

    def stop_all(self):
        for pid in self.pids:
            self.stop(pid)


@pytest.fixture
def daemons(tmp_path):
    started = Daemons(tmp_path)
    yield started
    started.stop_all()


def exchange(port, **options):
    with RawClient(port, **options) as client:
        client.upgrade()
        client.send_frame(BINARY, b"through")
        assert client.recv_data(7) == b"through"


def start_echo(daemons, echo_backend, *options, **more):
    port = free_port()
    done, pid = daemons.start("--pid-file", "wsluice.pid", *options, f"127.0.0.1:{port}", *echo_backend.target_args,
                              **more)
    assert done.returncode == 0, done.stderr
    return done, pid, port


def test_the_parent_returns_when_the_port_is_open(daemons, echo_backend):
    done, pid, port = start_echo(daemons, echo_backend, "--log-file", "log")
    exchange(port)  # at once, without a second try
    assert done.stdout == ""
    assert "can't" not in done.stderr
    assert runs(pid)


def test_the_daemon_has_let_go_of_whoever_started_it(daemons, echo_backend):
    reading, writing = os.pipe()
    _, pid, _ = start_echo(daemons, echo_backend, "--log-file", "log", pass_fds=(writing,))
    os.close(writing)
    assert os.getsid(pid) != os.getsid(0)
    assert [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in range(3)] == ["/dev/null"] * 3
    with os.fdopen(reading, "rb") as inherited:  # a script that waits for its end would wait for ever
        assert select.select([inherited], [], [], LIMIT_SECONDS)[0], "the daemon keeps a descriptor it inherited"
        assert inherited.read() == b""


def test_a_daemon_without_a_log_file_says_so_before_it_goes(daemons, echo_backend):
    done, _, _ = start_echo(daemons, echo_backend)
    assert "--log-file" in done.stderr
    done, pid, _ = start_echo(daemons, echo_backend, "--pid-file", "other.pid", "--log-file", "log")
    daemons.pids.append(int((daemons.folder / "other.pid").read_text()))
    assert "--log-file" not in done.stderr


def test_it_stops_on_sigterm_and_takes_its_pid_file_along(daemons, echo_backend):
    _, pid, port = start_echo(daemons, echo_backend, "--log-file", "log")
    exchange(port)
    daemons.stop(pid)
    assert not (daemons.folder / "wsluice.pid").exists()
    assert "stopped connections=1" in (daemons.folder / "log").read_text()


def test_relative_paths_mean_what_they_meant(daemons, echo_backend, server_pair):
    folder = daemons.folder
    (folder / "both.pem").write_bytes(server_pair.both.read_bytes())
    (folder / "pages").mkdir()
    (folder / "pages" / "hello.txt").write_text("hello")
    _, pid, port = start_echo(daemons, echo_backend, "--log-file", "log", "--cert", "both.pem", "--web", "pages")
    context = tls_client_context()
    with socket.create_connection(("127.0.0.1", port), LIMIT_SECONDS) as plain:
        context.wrap_socket(plain, server_hostname="localhost").close()
    with RawClient(port) as client:
        client.send(b"GET /hello.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert client.recv_response().body == b"hello"
    (folder / "log").rename(folder / "log.1")
    os.kill(pid, signal.SIGUSR1)
    wait_until(lambda: (folder / "log").exists(), LIMIT_SECONDS)


def test_the_default_certificate_is_that_of_the_directory_it_was_started_in(daemons, echo_backend, server_pair):
    (daemons.folder / "self.pem").write_bytes(server_pair.both.read_bytes())
    start_echo(daemons, echo_backend, "--log-file", "log")
    wait_until(lambda: "self.pem" in (daemons.folder / "log").read_text())


CANNOT_START = [
    ("an address of another machine", ["--log-file", "log"], "192.0.2.1:0", 1, "192.0.2.1"),
    ("a missing --web", ["--web", "missing"], "127.0.0.1:0", 1, "missing"),
    ("a missing certificate", ["--cert", "missing.pem"], "127.0.0.1:0", 1, "missing.pem"),
    ("a log file that can't be opened", ["--log-file", "missing/log"], "127.0.0.1:0", 1, "missing/log"),
    ("a wrong option", ["--workers", "many"], "127.0.0.1:0", 2, "--workers"),
    ("--ssl-only without a certificate", ["--ssl-only"], "127.0.0.1:0", 2, "--ssl-only"),
]


@pytest.mark.parametrize("options,listen,status,word", [row[1:] for row in CANNOT_START],
                         ids=[row[0] for row in CANNOT_START])
def test_a_daemon_that_can_not_start_says_so_where_it_was_started(daemons, options, listen, status, word):
    done, _ = daemons.start("--pid-file", "wsluice.pid", *options, listen, TARGET)
    assert done.returncode == status
    complaints = [line for line in done.stderr.splitlines() if line.startswith("wsluice: ")]
    assert len(complaints) == 1 and word in complaints[0]
    assert not (daemons.folder / "wsluice.pid").exists()


def test_a_pid_file_that_can_not_be_written_ends_the_start(daemons):
    port = free_port()
    done, _ = daemons.start("--pid-file", "missing/wsluice.pid", "--log-file", "log", f"127.0.0.1:{port}", TARGET)
    assert done.returncode == 1
    assert "--pid-file" in done.stderr and "missing/wsluice.pid" in done.stderr
    with pytest.raises(ConnectionRefusedError):  # the parent ends when the child has
        socket.create_connection(("127.0.0.1", port), LIMIT_SECONDS)


def test_a_port_in_use_is_the_parents_failure_too(daemons):
    with socket.create_server(("127.0.0.1", 0)) as other:
        done, _ = daemons.start(f"127.0.0.1:{other.getsockname()[1]}", TARGET)
    assert done.returncode == 1
    assert "in use" in done.stderr


# ---- the file, with and without -D ----


def pid_in(path):
    return int(path.read_text())


def test_the_pid_file_is_there_once_it_listens_and_goes_with_it(wsluice, tmp_path):
    path = tmp_path / "wsluice.pid"
    bridge = wsluice(TARGET, "--pid-file", path)
    wait_until(lambda: path.exists() and path.read_text() != "", LIMIT_SECONDS)
    assert path.read_text() == f"{bridge.pid}\n"
    bridge.stop()
    assert not path.exists()


def test_a_second_instance_with_the_same_pid_file_is_refused(wsluice, echo_backend, tmp_path, connect):
    path = tmp_path / "wsluice.pid"
    first = wsluice(echo_backend, "--pid-file", path)
    wait_until(lambda: path.exists() and path.read_text() != "", LIMIT_SECONDS)
    second = wsluice.run("--pid-file", path, "127.0.0.1:0", TARGET)
    second.expected_status = 1
    assert second.wait_for_exit() == 1
    complaint = [line for line in second.log.splitlines() if line.startswith("wsluice: ")]
    assert len(complaint) == 1 and str(path) in complaint[0] and str(first.pid) in complaint[0]
    assert pid_in(path) == first.pid
    client = connect(first)
    client.send_frame(BINARY, b"x")
    assert client.recv_data(1) == b"x"


@pytest.mark.parametrize("left", ["4194304\n", "1\n", ""], ids=["nobody's", "another program's", "empty"])
def test_a_pid_file_left_behind_is_replaced(wsluice, tmp_path, left):
    path = tmp_path / "wsluice.pid"
    path.write_text(left)
    bridge = wsluice(TARGET, "--pid-file", path)
    wait_until(lambda: path.read_text() == f"{bridge.pid}\n", LIMIT_SECONDS)


def test_a_killed_instance_does_not_keep_the_next_from_starting(wsluice, tmp_path):
    path = tmp_path / "wsluice.pid"
    first = wsluice(TARGET, "--pid-file", path)
    wait_until(lambda: path.exists() and path.read_text() != "", LIMIT_SECONDS)
    first.expected_status = None
    first.signal(signal.SIGKILL)
    first.wait_for_exit()
    second = wsluice(TARGET, "--pid-file", path)
    wait_until(lambda: path.read_text() == f"{second.pid}\n", LIMIT_SECONDS)


def test_a_file_that_holds_something_else_is_not_overwritten(wsluice, tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("dear reader\n")
    instance = wsluice.run("--pid-file", path, "127.0.0.1:0", TARGET)
    instance.expected_status = 1
    assert instance.wait_for_exit() == 1
    assert str(path) in instance.log
    assert path.read_text() == "dear reader\n"


@pytest.mark.parametrize("name", ["missing/wsluice.pid", "."], ids=["no directory", "a directory"])
def test_a_pid_file_that_can_not_be_written(wsluice, tmp_path, name):
    instance = wsluice.run("--pid-file", tmp_path / name, "127.0.0.1:0", TARGET)
    instance.expected_status = 1
    assert instance.wait_for_exit() == 1
    assert "--pid-file" in instance.log


def test_a_start_that_fails_leaves_no_pid_file(wsluice, tmp_path):
    path = tmp_path / "wsluice.pid"
    instance = wsluice.run("--pid-file", path, "192.0.2.1:0", TARGET)
    instance.expected_status = 1
    assert instance.wait_for_exit() == 1
    assert not path.exists()
