# ctest: threads
"""--unix-listen: clients by a Unix socket, what is cleared away for it and what is not, and its file mode."""

import os
import signal
import socket
import stat

import pytest

from harness import BINARY, RawClient, tls_client_context


@pytest.fixture
def listen(wsluice):
    """listen(path, target, *options) is a bridge that listens there."""

    def start(path, target, *options):
        bridge = wsluice.run("--unix-listen", path, *options, *target.target_args)
        bridge.wait_for_log("listening on unix:")
        return bridge

    return start


def fails(wsluice, *args):
    bridge = wsluice.run(*args)
    bridge.expected_status = 1
    assert bridge.wait_for_exit() == 1
    lines = bridge.log.splitlines()
    assert lines[-1].startswith("wsluice: can't listen on "), bridge.log
    return lines[-1]


def mode_of(path):
    status = os.lstat(path)
    assert stat.S_ISSOCK(status.st_mode)
    return stat.S_IMODE(status.st_mode)


def trip(path, text=b"through a file", **options):
    with RawClient(path, **options) as client:
        client.upgrade()
        client.send_frame(BINARY, text)
        assert client.recv_data(len(text)) == text
        client.send_close()
        client.expect_close(1000)


def test_sessions_and_files_over_it(listen, echo_backend, tmp_path):
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text("a page")
    path = tmp_path / "a name with blanks.sock"
    bridge = listen(path, echo_backend, "--web", tmp_path / "web", "--workers", "4")
    for _ in range(20):  # whichever worker is first
        trip(path)
    with RawClient(path) as client:
        assert client.request(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").body == b"a page"
    assert mode_of(path) == 0o600
    bridge.stop()
    assert not path.exists()


def test_tls_over_it(listen, echo_backend, authority, server_pair, tmp_path):
    path = tmp_path / "tls.sock"
    listen(path, echo_backend, "--cert", server_pair.both)
    trip(path, tls=tls_client_context(authority.cert))
    trip(path)


@pytest.mark.parametrize("mode", ["0660", "666", "0777", "0"])
def test_its_mode(listen, echo_backend, tmp_path, mode):
    path = tmp_path / "s"
    previous = os.umask(0o077)
    try:
        listen(path, echo_backend, "--unix-listen-mode", mode)
    finally:
        os.umask(previous)
    assert mode_of(path) == int(mode, 8)


def test_what_a_killed_one_left_is_replaced(listen, echo_backend, tmp_path):
    path = tmp_path / "s"
    first = listen(path, echo_backend)
    first.expected_status = -signal.SIGKILL
    os.kill(first.pid, signal.SIGKILL)
    first.process.wait()
    assert path.exists()
    listen(path, echo_backend)
    trip(path)


def test_a_second_one_is_told_and_the_first_goes_on(listen, wsluice, echo_backend, tmp_path):
    path = tmp_path / "s"
    listen(path, echo_backend)
    assert "another process listens there" in fails(wsluice, "--unix-listen", path, *echo_backend.target_args)
    trip(path)


@pytest.mark.parametrize("what", ["file", "directory", "link to a file", "dangling link"])
def test_anything_else_is_left_alone(wsluice, echo_backend, tmp_path, what):
    path = tmp_path / "precious"
    if what == "directory":
        path.mkdir()
    elif what == "file":
        path.write_text("precious")
    else:
        target = tmp_path / "elsewhere"
        if what == "link to a file":
            target.write_text("precious")
        path.symlink_to(target)
    assert "not a socket" in fails(wsluice, "--unix-listen", path, *echo_backend.target_args)
    assert path.is_symlink() or path.exists()


def test_a_directory_that_is_not_there(wsluice, echo_backend, tmp_path):
    assert "no such directory" in fails(wsluice, "--unix-listen", tmp_path / "no" / "s", *echo_backend.target_args)


def test_a_socket_that_took_the_name_since_is_not_removed(listen, echo_backend, tmp_path):
    path = tmp_path / "s"
    bridge = listen(path, echo_backend)
    os.unlink(path)
    other = socket.socket(socket.AF_UNIX)
    other.bind(str(path))
    bridge.stop()
    assert path.exists()
    other.close()


@pytest.mark.parametrize("args,word", [
    (["--unix-listen", "/" + "x" * 107, "127.0.0.1:9"], "--unix-listen"),
    (["--unix-listen", "", "127.0.0.1:9"], "--unix-listen"),
    (["--unix-listen", "/tmp/s"], "target"),
    (["--unix-listen", "/tmp/s", "6080", "127.0.0.1:9"], "6080"),
    (["--unix-listen", "/tmp/s", "--unix-listen-mode", "rw", "127.0.0.1:9"], "--unix-listen-mode"),
    (["--unix-listen", "/tmp/s", "--unix-listen-mode", "8", "127.0.0.1:9"], "--unix-listen-mode"),
    (["--unix-listen", "/tmp/s", "--unix-listen-mode", "10000", "127.0.0.1:9"], "--unix-listen-mode"),
    (["--unix-listen", "/tmp/s", "--demo"], "--unix-listen"),
])
def test_wrong_use(wsluice, args, word):
    bridge = wsluice.run(*args)
    bridge.expected_status = 2
    assert bridge.wait_for_exit() == 2
    assert word in bridge.log
