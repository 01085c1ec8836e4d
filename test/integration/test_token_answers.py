"""What HTTP servers answer to a lookup of a token: every status, every framing in any pieces, bodies that hold no
target, and answers that are none.
"""
# ctest: threads

import time

import pytest

from harness.lookup import address, expect_no_target, expect_service, framed


NO_TARGETS = [
    ("BaseTokenAPI", ""), ("BaseTokenAPI", "host"), ("BaseTokenAPI", "host:0"), ("BaseTokenAPI", "host:65536"),
    ("BaseTokenAPI", "a:1\nb:2"), ("BaseTokenAPI", "<html>404</html>"), ("BaseTokenAPI", "a\0b:1"),
    ("JSONTokenApi", ""), ("JSONTokenApi", "h:1"), ("JSONTokenApi", "[]"), ("JSONTokenApi", '{"host": "h"'),
    ("JSONTokenApi", '{"host": 7, "port": 1}'), ("JSONTokenApi", '{"host": "h", "port": 1.5}'),
    ("JSONTokenApi", '{"host": "h", "port": -1}'), ("JSONTokenApi", '{"host": "h", "port": true}'),
    ("JSONTokenApi", '{"host": "h", "host": "x", "port": 1}'), ("JSONTokenApi", '{"host": "h\\u0000", "port": 1}'),
    ("JSONTokenApi", "[" * 5000), ("JSONTokenApi", '{"host": "h", "port": 1} x'),
    ("JSONTokenApi", '{"host": "h", "port": 99999999999999999999999}'), ("JSONTokenApi", '{"port": 1}'),
]


def test_an_answer_that_holds_no_target_is_502_and_said(look_up, lookup_api, connect):
    for plugin in ("BaseTokenAPI", "JSONTokenApi"):
        bridge = look_up(lookup_api.url, plugin=plugin)
        for plugin_of_row, text in NO_TARGETS:
            if plugin_of_row == plugin:
                lookup_api.answers = {"SECRET": text}
                expect_no_target(connect, bridge, "SECRET", 502)
        count = len([row for row in NO_TARGETS if row[0] == plugin])
        bridge.wait_for_log(r'token lookup failed url="http://127\.0\.0\.1:\d+/t/\*\*\*" reason="', count=count)
        assert "SECRET" not in bridge.log


STATUSES = [(400, 404), (401, 404), (403, 404), (404, 404), (410, 404), (204, 404), (408, 502), (429, 502),
            (500, 502), (503, 502), (300, 502), (304, 502)]


def test_what_a_status_means(look_up, lookup_api, connect):
    bridge = look_up(lookup_api.url)
    for theirs, ours in STATUSES:
        lookup_api.answers = {"a": theirs}
        expect_no_target(connect, bridge, "a", ours)
    for theirs in (408, 429, 500, 503, 300, 304):
        bridge.wait_for_log(f'reason="status {theirs}"')


def raw(text, pieces=None, pause=0.0):
    """A handler for `serve`: reads a head, sends `text` in pieces, ends."""

    def handler(wire):
        wire.recv_until(b"\r\n\r\n")
        wire.send(text, chunk=pieces, pause=pause)

    return handler


@pytest.mark.parametrize("kind", ["length", "chunked", "end", "bare line feeds", "interim"])
def test_every_framing_in_any_pieces(look_up, serve, two_services, connect, kind):
    text = framed(kind, address(two_services["one"]).encode())
    if kind == "interim":
        text = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + text.replace(b"200 OK", b"100 Continue", 1)
    for pieces, pause in ((None, 0.0), (1, 0.001), (7, 0.002)):
        server = serve(raw(text, pieces, pause))
        bridge = look_up(f"http://127.0.0.1:{server.port}/%s")
        expect_service(connect(bridge, "/?token=a"), "one")


def test_a_server_that_keeps_its_connection_open_is_not_waited_for(look_up, serve, two_services, connect):
    text = framed("length", address(two_services["one"]).encode())

    def handler(wire):
        wire.recv_until(b"\r\n\r\n")
        wire.send(text)
        wire.recv_some()  # until wsluice ends it

    bridge = look_up(f"http://127.0.0.1:{serve(handler).port}/%s")
    begun = time.monotonic()
    expect_service(connect(bridge, "/?token=a"), "one")
    assert time.monotonic() - begun < 4


BROKEN = [
    ("nothing", b"", "ended without an answer"),
    ("half a head", b"HTTP/1.1 200 OK\r\nContent-Le", "ended inside the answer"),
    ("half a body", b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nh:1", "ended inside the answer"),
    ("half a chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nh:1", "ended inside the answer"),
    ("no HTTP", b"220 mail.example ESMTP\r\n", "not an answer of HTTP/1"),
    ("TLS", b"\x15\x03\x01\x00\x02\x02\x46", "ended inside|control character"),
    ("another length", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nh:1", "two Content-Lengths"),
    ("both framings", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nh:1\r\n0\r\n\r\n",
     "both Content-Length and Transfer-Encoding"),
    ("compressed", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nh:1", "compressed"),
    ("a huge length", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nh:1", "body that is too long"),
    ("a huge body", b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 200_000, "body that is too long"),
    ("a huge head", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000, "head that is too long"),
    ("another protocol", b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", "another protocol"),
]


@pytest.mark.parametrize("text, reason", [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_broken_answer_is_502_and_said(look_up, serve, connect, text, reason):
    bridge = look_up(f"http://127.0.0.1:{serve(raw(text)).port}/%s")
    expect_no_target(connect, bridge, "a", 502)
    bridge.wait_for_log(f'token lookup failed url=.* reason=".*({reason})')
