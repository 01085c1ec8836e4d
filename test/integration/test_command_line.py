"""The command line as a person meets it: one line that says what is wrong, an exit status, and where
wsluice then listens.
"""

import os
import re
import socket
import subprocess

import pytest

from harness import BINARY, RawClient, binary, free_port, wait_until

TARGET = "127.0.0.1:9"


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return False
    return True


def run(wsluice, *args):
    """Runs it to its end: (status, output, log)."""
    instance = wsluice.run(*args)
    instance.expected_status = None
    status = instance.wait_for_exit(10)
    return status, instance.output, instance.log


WRONG = [  # name, arguments, a word of the complaint
    ("nothing", [], "no port"),
    ("no target", ["6080"], "target"),
    ("one argument too many", ["6080", TARGET, "x"], '"x"'),
    ("an unknown option", ["--bogus", "6080", TARGET], "--bogus"),
    ("an unknown letter", ["-z", "6080", TARGET], "-z"),
    ("letters in one word", ["-vX"], "-vX"),
    ("what begins several names", ["--ver", "6080", TARGET], "--verbose, --verify-client?"),
    ("an option without its value", ["6080", TARGET, "--web"], "--web"),
    ("an empty value", ["6080", TARGET, "--cafile="], "--cafile"),
    ("TLS only, without a certificate", ["--ssl-only", "--cert=", "6080", TARGET], "needs a certificate"),
    ("a value for a flag", ["--dial-first=yes", "6080", TARGET], "--dial-first"),
    ("a port over 65535", ["65536", TARGET], "65536"),
    ("a negative port", ["-1", TARGET], "-1"),
    ("a port that is no number", ["http", TARGET], "http"),
    ("a port with a blank", [" 6080", TARGET], "port"),
    ("an empty port", ["localhost:", TARGET], "port"),
    ("an empty argument", ["", TARGET], "port"),
    ("a target without a port", ["6080", "localhost"], "localhost"),
    ("a target of nothing but a colon", ["6080", ":"], "port"),
    ("a target of port 0", ["6080", "localhost:0"], "port"),
    ("IPv6 without its end", ["6080", "[::1:80"], "bracket"),
    ("IPv6 without a port", ["6080", "[::1]"], "port"),
    ("no IPv6 in brackets", ["6080", "[localhost]:80"], "IPv6"),
    ("a URL", ["6080", "http://localhost:80"], "host"),
    ("a target beside --unix-target", ["--unix-target", "/x", "6080", TARGET], TARGET),
    ("a long Unix path", ["--unix-target", "/" + "x" * 108, "6080"], "unix-target"),
    ("a target beside --demo", ["--demo", "6080", TARGET], TARGET),
    ("--web beside --demo", ["--demo", "--web", "/tmp", "6080"], "--web"),
    ("listings of nothing", ["--list-dirs", "6080", TARGET], "--list-dirs needs --web"),
    ("listings and none", ["--list-dirs", "--file-only", "--web", "/tmp", "6080", TARGET], "contradict"),
    ("no duration", ["--heartbeat", "soon", "6080", TARGET], "--heartbeat"),
    ("a negative duration", ["--heartbeat=-1", "6080", TARGET], "--heartbeat"),
    ("no size", ["--max-frame-size", "64KB", "6080", TARGET], "--max-frame-size"),
    ("a frame size of 0", ["--max-frame-size", "0", "6080", TARGET], "--max-frame-size"),
    ("no workers", ["--workers", "0", "6080", TARGET], "--workers"),
    ("a million workers", ["--workers", "1000000", "6080", TARGET], "--workers"),
    ("workers beyond numbers", ["--workers", "99999999999999999999999", "6080", TARGET], "--workers"),
    ("no sessions", ["--max-sessions", "0", "6080", TARGET], "--max-sessions"),
    ("an unknown level", ["--log-level", "loud", "6080", TARGET], "--log-level"),
    ("an origin with a path", ["--origin", "http://a/b", "6080", TARGET], "--origin"),
    ("an empty origin", ["--origin", "", "6080", TARGET], "--origin"),
    ("a subprotocol of two words", ["--subprotocol", "a b", "6080", TARGET], "--subprotocol"),
    ("a line end", ["--bogus\nforged", "6080", TARGET], "--bogus"),
]


@pytest.mark.parametrize("args,word", [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_command_line_gets_one_line_and_status_2(wsluice, args, word):
    status, output, log = run(wsluice, *args)
    assert status == 2
    assert output == ""
    assert log.startswith("wsluice: ") and log.count("\n") == 1 and log.endswith("\n")
    assert word in log


def test_help_and_version(wsluice):
    for flag in ("--help", "-h"):
        status, output, log = run(wsluice, "6080", flag, "nonsense")
        assert (status, log) == (0, "")
        assert "usage: wsluice" in output and "--heartbeat" in output
        assert max(map(len, output.splitlines())) <= 80
    for flag in ("--version", "-V", "--vers"):
        status, output, log = run(wsluice, flag)
        assert (status, log) == (0, "")
        assert re.match(r"wsluice \d+\.\d+", output)


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_what_can_t_be_printed_is_no_success(flag):
    with open("/dev/full", "w") as full:
        done = subprocess.run([binary(), flag], stdout=full, stderr=subprocess.PIPE, text=True, timeout=10)
    assert done.returncode == 1
    assert done.stderr == "wsluice: can't write to standard output: No space left on device\n"


CANNOT_START = [
    ("an address of another machine", ["192.0.2.1:0", TARGET], "192.0.2.1"),
    ("an unknown host to listen on", ["no-such-host.invalid:0", TARGET], "no-such-host.invalid"),
    ("a missing --web", ["--web", "/nonexistent/dir", "127.0.0.1:0", TARGET], "/nonexistent/dir"),
    ("a file for --web", ["--web", "/etc/passwd", "127.0.0.1:0", TARGET], "/etc/passwd"),
]


def expect_cannot_start(wsluice, args, word):
    status, output, log = run(wsluice, *args)
    assert (status, output) == (1, "")
    lines = [line for line in log.splitlines() if line.startswith("wsluice: ")]
    assert len(lines) == 1 and word in lines[0]
    assert " info  listening on " not in log


@pytest.mark.parametrize("args,word", [row[1:] for row in CANNOT_START], ids=[row[0] for row in CANNOT_START])
def test_what_can_not_start_says_why_in_one_line_with_status_1(wsluice, args, word):
    expect_cannot_start(wsluice, args, word)


@pytest.mark.parametrize("host", ["127.0.0.1:", "[::1]:", "", "localhost:"])
@pytest.mark.parametrize("workers", ["1", "3"])
def test_a_second_instance_on_the_same_port_fails(wsluice, backend, host, workers):
    first = wsluice(backend, "--workers", workers, listen=f"{host}0")
    expect_cannot_start(wsluice, ["--workers", workers, f"{host}{first.port}", TARGET], str(first.port))
    RawClient(first.port, host="::1" if "::" in host else "127.0.0.1").close()


def test_a_port_of_another_program_is_in_use(wsluice):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        expect_cannot_start(wsluice, [f"127.0.0.1:{port}", TARGET], "in use")


def test_a_restart_finds_its_port_free(wsluice, echo_backend, connect):
    port = free_port()
    for _ in range(3):
        bridge = wsluice(echo_backend, listen=f"127.0.0.1:{port}")
        client = connect(bridge)
        client.send_frame(BINARY, b"x")
        client.recv_data(1)
        client.send_close()
        client.expect_close(1000)
        client.expect_end("fin")  # wsluice closes first: TIME_WAIT is on its side
        client.close()
        bridge.stop()


LISTEN = [
    ("", ["127.0.0.1", "::1"], []),
    ("0.0.0.0:", ["127.0.0.1"], ["::1"]),
    ("[::]:", ["::1", "127.0.0.1"], []),
    ("[::1]:", ["::1"], ["127.0.0.1"]),
    ("127.0.0.1:", ["127.0.0.1"], ["::1"]),
    ("127.0.0.2:", ["127.0.0.2"], ["127.0.0.1"]),
    (":", ["127.0.0.1", "::1"], []),
]


@pytest.mark.parametrize("listen,open_at,closed_at", LISTEN, ids=[row[0] or "no host" for row in LISTEN])
def test_where_it_listens(wsluice, echo_backend, connect, listen, open_at, closed_at):
    bridge = wsluice(echo_backend, listen=f"{listen}0")
    for host in open_at:
        client = connect(bridge, host=host)
        client.send_frame(BINARY, b"x")
        assert client.recv_data(1) == b"x"
    for host in closed_at:
        with pytest.raises(ConnectionRefusedError):
            RawClient(bridge.port, host=host)


def test_options_may_stand_anywhere_and_in_both_spellings(wsluice, echo_backend, connect):
    target = echo_backend.target_args[0]
    for args in (["127.0.0.1:0", target, "--subprotocol", "mqtt"], ["127.0.0.1:0", "--subprotocol=mqtt", target],
                 ["--subprotocol=mqtt", "--", "127.0.0.1:0", target]):
        bridge = wsluice.run(*args).wait_until_listening()
        client = connect(bridge, path=None)
        assert client.upgrade(headers={"Sec-WebSocket-Protocol": "a, mqtt"}).header("Sec-WebSocket-Protocol") == "mqtt"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_how_a_target_may_be_written(wsluice, serve, connect, host):
    backend = serve(lambda wire: wire.send(b"here"), host="::1" if ":" in host else "127.0.0.1")
    assert connect(wsluice(f"{host}:{backend.port}")).recv_data(4) == b"here"


def test_a_log_that_nobody_reads_any_more_is_no_reason_to_die(echo_backend):
    port = free_port()
    reading, writing = os.pipe()
    process = subprocess.Popen([binary(), f"127.0.0.1:{port}", *echo_backend.target_args], stderr=writing)
    os.close(writing)
    try:
        with os.fdopen(reading) as log:
            while "listening" not in log.readline():
                pass
        for _ in range(20):
            with RawClient(port) as client:
                client.upgrade()
                client.send_frame(BINARY, b"x")
                assert client.recv_data(1) == b"x"
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(10) == 0


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_are_not_given_to_sockets(echo_backend, closed):
    port = free_port()
    command = f'exec "$@" {closed}'
    arguments = [f"127.0.0.1:{port}", *echo_backend.target_args]
    process = subprocess.Popen(["/bin/sh", "-c", command, "sh", binary(), *arguments])
    try:
        wait_until(lambda: listens(port))
        with RawClient(port) as client:
            client.upgrade()
            client.send_frame(BINARY, b"x")
            assert client.recv_data(1) == b"x"
            client.send_close()
    finally:
        process.terminate()
        assert process.wait(10) == 0
