"""The log: one line an event, whatever clients send; lines of one session share its id; nobody can
forge a line or colour a terminal.
"""

import re

import pytest

from harness import BINARY, Ended, RawClient, free_port, upgrade_request, wait_until

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn |info |debug) .+")


def expect_clean(bridge):
    for line in bridge.log.splitlines():
        assert LINE.fullmatch(line), f"not a line of the log: {line!r}"
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\uffff]", bridge.log), "control characters or raw bytes"


HOSTILE = [
    ("header injection in Origin", upgrade_request(headers={"Origin": "x\" side=\"forged"})),
    ("bytes over 127 in Origin", upgrade_request(headers={"Origin": "\u009b31m\u00ff"})),
    ("escapes in the path", upgrade_request(path="/%1b[31m%0d%0a2026-01-01T00:00:00.000Z info  forged")),
    ("quotes in the path", upgrade_request(path='/"x"\\y')),
    ("a very long path", upgrade_request(path="/" + "p" * 10_000)),
    ("a very long Origin", upgrade_request(headers={"Origin": "http://" + "o" * 10_000})),
    ("a file of the same", b"GET /%1b%0a%0dforged%22 HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("raw bytes for a request", bytes(range(256))),
    ("an escape for a method", b"\x1b[31m"),
    ("a tab in a header", upgrade_request(headers={"Origin": "a\tb"})),
    ("a subprotocol", upgrade_request(headers={"Sec-WebSocket-Protocol": "a|b`c"})),
    ("a close reason", upgrade_request() + b"\x88\x88\0\0\0\0\x03\xe8\n\r\x1b\x07ab"),
]


@pytest.mark.parametrize("level", ["info", "debug"])
@pytest.mark.parametrize("rules", [[], ["--origin", "https://a.example"]], ids=["any origin", "one origin"])
def test_no_client_can_forge_a_line(wsluice, echo_backend, connect, tmp_path, level, rules):
    bridge = wsluice(echo_backend, "--web", tmp_path, "--log-level", level, *rules)
    for name, data in HOSTILE:
        client = connect(bridge, path=None)
        client.send(data)
        client.finish()
        client.recv_to_end()
        client.close()
    bridge.process.terminate()
    assert bridge.wait_for_exit() == 0
    expect_clean(bridge)
    assert not re.search(r"^\S+ info  forged", bridge.log, re.MULTILINE)
    assert ' side="forged' not in bridge.log.replace('\\"', "")


def test_a_query_is_not_logged(wsluice, echo_backend, connect):
    """Tokens live there."""
    bridge = wsluice(echo_backend, "--log-level", "debug")
    connect(bridge, path="/ws?token=SECRET").close()
    bridge.wait_for_log("session ended")
    assert 'path="/ws"' in bridge.log
    assert "SECRET" not in bridge.log


def test_a_session_is_two_lines_with_one_id(wsluice, echo_backend, connect):
    bridge = wsluice(echo_backend)
    clients = [connect(bridge, path=f"/{number}", headers={"Origin": "http://o"}) for number in range(3)]
    for number, client in enumerate(clients):
        client.send_frame(BINARY, b"x" * (number + 1))
        client.recv_data(number + 1)
        client.send_close(4000 + number)
        with pytest.raises(Ended):
            client.recv_frame()
            client.recv_exact(1)
        client.close()
    bridge.wait_for_log("session ended", count=3)
    opened = dict(re.findall(r"\[(\d+)\] session opened client=127\.0\.0\.1:\d+ path=\"/(\d)\" target=\S+ origin=", bridge.log))
    ended = dict(re.findall(r"\[(\d+)\] session ended side=client cause=\"client closed\" code=400(\d) "
                            r"duration=\d+\.\d{3}s up=\d down=\d\n", bridge.log))
    assert len(opened) == 3 and opened == ended
    for _, number in opened.items():
        size = int(number) + 1
        assert f"code=400{number}" in bridge.log and f"up={size} down={size}\n" in bridge.log


def answers(port):
    try:
        client = RawClient(port)
    except ConnectionRefusedError:
        return False
    client.upgrade()
    client.close()
    return True


@pytest.mark.parametrize("level,seen,absent", [
    ("error", "", " warn "), ("warn", " warn ", " info "), ("info", " info ", " debug "), ("debug", " debug ", "\0"),
])
def test_log_levels(wsluice, echo_backend, level, seen, absent):
    port = free_port()  # at these levels nothing may tell one that the system chose
    bridge = wsluice.run("--log-level", level, f"127.0.0.1:{port}", *echo_backend.target_args)
    wait_until(lambda: answers(port))
    bridge.process.terminate()
    assert bridge.wait_for_exit() == 0
    assert seen in bridge.log and absent not in bridge.log
    assert bridge.log or level == "error"
