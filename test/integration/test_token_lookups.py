"""Targets that are looked up over HTTP and HTTPS (BaseTokenAPI, JSONTokenApi): what servers of every kind answer,
slowly, in pieces, wrongly or not at all; and that a thousand lookups hold nobody up.
"""

import base64
import http.server
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from harness import BINARY, Backend, Ended, Sink, free_port, wait_until
from harness.tls import tls_server_context

ALLOW = ["--allow-target", "127.0.0.0/8", "--allow-target", "localhost"]  # else lookups may not name them


class Api(http.server.ThreadingHTTPServer):
    """An HTTP server on a free port. `answers` maps a token to what is sent for /t/TOKEN: a target, or a function
    of the request's handler. `asked` has the requests, in order."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), Answerer)
        self.answers, self.asked, self.connections = {}, [], 0
        self.context = context
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def process_request(self, request, client_address):
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request, client_address):
        """Clients that leave are what some tests are about."""

    @property
    def url(self):
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.server_address[1]}/t/%s"


class Answerer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        if self.server.context:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def do_GET(self):
        self.server.asked.append(self)
        answer = self.server.answers.get(self.path.removeprefix("/t/"), 404)
        if callable(answer):
            answer(self)
        elif isinstance(answer, int):
            self.answer(b"nothing\n", answer)
        else:
            self.answer(answer.encode())

    def answer(self, body=b"", status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def api():
    """An Api of the test's own."""
    server = Api()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def secure_api(server_pair):
    server = Api(tls_server_context(server_pair))
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def services(serve):
    """Two services that say who they are: b"one" and b"two"."""

    def greet(name):
        def handler(wire):
            wire.send(name)
            while data := wire.recv_some():
                wire.send(data)

        return handler

    return {name: serve(greet(name.encode())) for name in ("one", "two")}


def address(service):
    return f"127.0.0.1:{service.port}"


@pytest.fixture
def start(wsluice):
    """start(url, ...) runs wsluice with lookups there."""

    def run(url, *options, plugin="BaseTokenAPI"):
        return wsluice(None, "--token-plugin", plugin, "--token-source", url, *ALLOW, *options)

    return run


def expect_service(client, name):
    assert client.recv_data(len(name)) == name.encode()
    client.send_frame(BINARY, b"ping")
    assert client.recv_data(4) == b"ping"


def expect_refusal(connect, bridge, token, status):
    client = connect(bridge, path=None)
    response = client.upgrade(f"/?token={token}", expect=status)
    with pytest.raises(Ended):
        client.recv_frame()
    client.close()
    return response


def test_the_answer_is_the_target(start, api, services, connect):
    api.answers = {"a": address(services["one"]), "b": f"  {address(services['two'])}\r\n"}
    bridge = start(api.url)
    expect_service(connect(bridge, "/?token=a"), "one")
    expect_service(connect(bridge, "/?token=b"), "two")
    expect_refusal(connect, bridge, "c", 404)
    head = api.asked[0]
    assert head.command == "GET" and head.headers["Host"] == f"127.0.0.1:{api.server_address[1]}"
    assert head.headers["Accept-Encoding"] == "identity"


JSON = [
    ("a number", '{"host": "127.0.0.1", "port": %d}'),
    ("a text", '{"port": "%d", "host": "127.0.0.1"}'),
    ("all in the host", '{"host": "127.0.0.1:%d"}'),
    ("more than that", '{"id": 7, "host": "127.0.0.1", "port": %d, "deep": [[{"host": null}]]}'),
    ("blanks round it", '\r\n {"host":"127.0.0.1","port":%d}\n\n'),
    ("a name", '{"host": "localhost", "port": %d}'),
]


@pytest.mark.parametrize("text", [row[1] for row in JSON], ids=[row[0] for row in JSON])
def test_an_answer_in_json(start, api, services, connect, text):
    api.answers = {"a": text % services["one"].port}
    bridge = start(api.url, plugin="websockify.token_plugins.JSONTokenApi")
    expect_service(connect(bridge, "/?token=a"), "one")
    assert "application/json" in api.asked[0].headers["Accept"]


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


def test_an_answer_that_holds_no_target_is_502_and_said(start, api, connect):
    for plugin in ("BaseTokenAPI", "JSONTokenApi"):
        bridge = start(api.url, plugin=plugin)
        for plugin_of_row, text in NO_TARGETS:
            if plugin_of_row == plugin:
                api.answers = {"SECRET": text}
                expect_refusal(connect, bridge, "SECRET", 502)
        count = len([row for row in NO_TARGETS if row[0] == plugin])
        bridge.wait_for_log(r'token lookup failed url="http://127\.0\.0\.1:\d+/t/\*\*\*" reason="', count=count)
        assert "SECRET" not in bridge.log


STATUSES = [(400, 404), (401, 404), (403, 404), (404, 404), (410, 404), (204, 404), (408, 502), (429, 502),
            (500, 502), (503, 502), (300, 502), (304, 502)]


def test_what_a_status_means(start, api, connect):
    bridge = start(api.url)
    for theirs, ours in STATUSES:
        api.answers = {"a": theirs}
        expect_refusal(connect, bridge, "a", ours)
    for theirs in (408, 429, 500, 503, 300, 304):
        bridge.wait_for_log(f'reason="status {theirs}"')


def raw(text, pieces=None, pause=0.0):
    """A handler for `serve`: reads a head, sends `text` in pieces, ends."""

    def handler(wire):
        wire.recv_until(b"\r\n\r\n")
        wire.send(text, chunk=pieces, pause=pause)

    return handler


def framed(kind, target):
    """An answer with this target, its body framed in one of three ways."""
    half = len(target) // 2
    chunks = b"".join(b"%x;x=\"y\"\r\n%s\r\n" % (len(part), part) for part in (target[:half], target[half:]))
    return b"HTTP/1.1 200 OK\r\n" + {
        "length": b"Content-Length: %d\r\n\r\n%s" % (len(target), target),
        "chunked": b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nX-Trailer: 1\r\n\r\n",
        "end": b"Connection: close\r\n\r\n" + target,
        "bare line feeds": b"Content-Length: %d\r\n\r\n%s".replace(b"\r", b"") % (len(target), target),
        "interim": b"Server: x\r\n\r\nHTTP/1.1 200\r\nContent-Length: %d\r\n\r\n%s" % (len(target), target),
    }[kind]


@pytest.mark.parametrize("kind", ["length", "chunked", "end", "bare line feeds", "interim"])
def test_every_framing_in_any_pieces(start, serve, services, connect, kind):
    text = framed(kind, address(services["one"]).encode())
    if kind == "interim":
        text = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + text.replace(b"200 OK", b"100 Continue", 1)
    for pieces, pause in ((None, 0.0), (1, 0.001), (7, 0.002)):
        server = serve(raw(text, pieces, pause))
        bridge = start(f"http://127.0.0.1:{server.port}/%s")
        expect_service(connect(bridge, "/?token=a"), "one")


def test_a_server_that_keeps_its_connection_open_is_not_waited_for(start, serve, services, connect):
    text = framed("length", address(services["one"]).encode())

    def handler(wire):
        wire.recv_until(b"\r\n\r\n")
        wire.send(text)
        wire.recv_some()  # until wsluice ends it

    bridge = start(f"http://127.0.0.1:{serve(handler).port}/%s")
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
def test_a_broken_answer_is_502_and_said(start, serve, connect, text, reason):
    bridge = start(f"http://127.0.0.1:{serve(raw(text)).port}/%s")
    expect_refusal(connect, bridge, "a", 502)
    bridge.wait_for_log(f'token lookup failed url=.* reason=".*({reason})')


def test_nobody_there_and_nobody_of_that_name(start, connect):
    bridge = start(f"http://127.0.0.1:{free_port()}/%s")
    expect_refusal(connect, bridge, "a", 502)
    bridge.wait_for_log('token lookup failed .*reason="Connection refused"')


def test_a_server_that_does_not_answer_is_504_in_time(start, serve, connect):
    silent = serve(Sink())
    bridge = start(f"http://127.0.0.1:{silent.port}/%s", "--token-timeout", "0.3")
    expect_refusal(connect, bridge, "a", 504)
    bridge.wait_for_log("status=504 .*the token's lookup takes too long")
    bridge.process.terminate()
    assert bridge.wait_for_exit() == 0
    assert "lookups=1 lookups_failed=1" in bridge.log


TOKENS = ["a/b", "a b", "../x", "a?b=c&d", "a#b", "100%25", "é", "a\r\nX: y", "\x00", "a;b", "%s"]


@pytest.mark.parametrize("place", ["/t/%s", "/t/?x=1&token=%s&y=2"])
def test_no_token_changes_what_is_asked_for(start, serve, connect, place):
    lines = []

    def handler(wire):
        lines.append(wire.recv_until(b"\r\n\r\n").split(b"\r\n")[0])
        wire.send(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")

    from urllib.parse import quote
    bridge = start(f"http://127.0.0.1:{serve(handler).port}{place}")
    for token in TOKENS:
        expect_refusal(connect, bridge, quote(token, safe=""), 404)
    assert lines == [f"GET {place % quote(token, safe='-._~')} HTTP/1.1".encode() for token in TOKENS]


def test_credentials_of_the_url_are_sent_and_never_logged(start, api, services, connect):
    api.answers = {"a": address(services["one"])}
    url = api.url.replace("http://", "http://ops:pass%3Aw%40rd@") + "?key=HIDDEN"
    api.answers["a?key=HIDDEN"] = api.answers["a"]
    bridge = start(url, "--log-level", "debug")
    expect_service(connect(bridge, "/?token=a"), "one")
    assert api.asked[0].headers["Authorization"] == "Basic " + base64.b64encode(b"ops:pass:w@rd").decode()
    expect_refusal(connect, bridge, "b", 404)
    assert "pass" not in bridge.log and "HIDDEN" not in bridge.log and "ops" not in bridge.log


# --- redirects ---


def redirect(location, status=302):
    return lambda handler: handler.answer(status=status, Location=location)


def test_redirects_on_the_same_host_are_followed(start, api, services, connect):
    there = f"http://127.0.0.1:{api.server_address[1]}/t/found"
    api.answers = {"found": address(services["one"]), "absolute": redirect(there, 301), "rooted": redirect("/t/found"),
                   "relative": redirect("found", 307), "network": redirect(there.removeprefix("http:"), 308),
                   "twice": redirect("rooted", 303), "four": redirect("loop"), "loop": redirect("loop")}
    bridge = start(api.url)
    for token in ("absolute", "rooted", "relative", "network", "twice"):
        expect_service(connect(bridge, f"/?token={token}"), "one")
    expect_refusal(connect, bridge, "loop", 502)
    bridge.wait_for_log("too many redirects")


def test_redirects_elsewhere_are_not_followed(start, api, secure_api, backend, connect, authority):
    port = backend.port
    api.answers = {"host": redirect(f"http://localhost:{port}/t/x"), "scheme": redirect("ftp://127.0.0.1/x"),
                   "none": redirect(""), "https": redirect(f"https://127.0.0.1:{port}/x"),
                   "user": redirect(f"http://127.0.0.1@localhost:{port}/x")}
    secure_api.answers = {"down": redirect(f"http://127.0.0.1:{port}/x")}
    bridge = start(api.url)
    for token in api.answers:
        expect_refusal(connect, bridge, token, 502)
    bridge.wait_for_log("redirect to another host", count=2)
    bridge.wait_for_log("redirect to https, which is not followed: write https")
    bridge = start(secure_api.url, "--token-ca", authority.cert)
    expect_refusal(connect, bridge, "down", 502)
    bridge.wait_for_log("redirect from https to http")
    backend.expect_no_dial()


# --- TLS ---


def test_https_with_a_ca_of_the_operator_s(start, secure_api, services, connect, authority):
    secure_api.answers = {"a": json.dumps({"host": "127.0.0.1", "port": services["one"].port})}
    bridge = start(secure_api.url, "--token-ca", authority.cert, plugin="JSONTokenApi")
    expect_service(connect(bridge, "/?token=a"), "one")
    expect_refusal(connect, bridge, "b", 404)


def test_https_that_is_not_trusted_or_is_none(start, api, secure_api, connect, tmp_path):
    stranger = tmp_path / "other"
    stranger.mkdir()
    from harness.certificates import Authority
    bridge = start(secure_api.url, "--token-ca", Authority(stranger).cert)
    expect_refusal(connect, bridge, "SECRET", 502)
    bridge.wait_for_log('token lookup failed url="https://127.0.0.1:.*reason="')
    assert not secure_api.asked
    bridge = start(api.url.replace("http", "https"), "--token-ca", Authority(tmp_path).cert)
    expect_refusal(connect, bridge, "SECRET", 502)
    assert "SECRET" not in bridge.log


# --- caches ---


def test_an_answer_is_asked_for_each_time_unless_it_may_be_kept(start, api, services, connect):
    target = address(services["one"]).encode()
    api.answers = {"each": target.decode(), "kept": lambda h: h.answer(target, Cache_Control="max-age=30"),
                   "short": lambda h: h.answer(target, Cache_Control="max-age=1"),
                   "private": lambda h: h.answer(target, Cache_Control="private, max-age=30"),
                   "no": lambda h: h.answer(b"", 404, Cache_Control="max-age=30")}
    bridge = start(api.url, "--workers", "1")

    def asked(token):
        return len([handler for handler in api.asked if handler.path == f"/t/{token}"])

    for _ in range(3):
        for token in ("each", "kept", "private"):
            expect_service(connect(bridge, f"/?token={token}"), "one")
        expect_refusal(connect, bridge, "no", 404)
    assert (asked("each"), asked("kept"), asked("private"), asked("no")) == (3, 1, 3, 3)
    expect_service(connect(bridge, "/?token=short"), "one")
    time.sleep(1.1)
    expect_service(connect(bridge, "/?token=short"), "one")
    assert asked("short") == 2


# --- many at once ---


def test_a_thousand_lookups_hold_nobody_up(start, serve, services, connect):
    """At most so many are at the server at once, the others wait; a session beside them goes on."""
    here, most, lock, go = [0], [0], threading.Lock(), threading.Event()
    target = framed("length", address(services["one"]).encode())

    def handler(wire):
        wire.recv_until(b"\r\n\r\n")
        with lock:
            here[0] += 1
            most[0] = max(most[0], here[0])
        go.wait(20)
        with lock:
            here[0] -= 1
        wire.send(target)

    server = serve(handler)
    bridge = start(f"http://127.0.0.1:{server.port}/%s", "--workers", "1", "--token-timeout", "30")
    go.set()
    beside = connect(bridge, "/?token=beside")
    expect_service(beside, "one")
    go.clear()
    most[0] = 0
    clients = [connect(bridge, path=None) for _ in range(1000)]
    for i, client in enumerate(clients):
        client.send(f"GET /?token={i} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
    wait_until(lambda: here[0] >= 64, message="no 64 lookups")
    for _ in range(20):
        beside.send_frame(BINARY, b"ping")
        assert beside.recv_data(4) == b"ping"
    for client in clients[500:]:
        client.reset()
    go.set()
    for client in clients[:500]:
        assert client.recv_response(body_expected=False).status == 101
        expect_service(client, "one")
    assert most[0] == 64


def test_a_stop_does_not_wait_for_lookups(start, serve, connect):
    here = []

    def silent(wire):
        here.append(wire)
        while wire.recv_some():
            pass

    bridge = start(f"http://127.0.0.1:{serve(silent).port}/%s")
    clients = [connect(bridge, path=None) for _ in range(100)]
    for client in clients:
        client.send(b"GET /?token=a HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    wait_until(lambda: len(here) >= 64, message="no 64 lookups")
    bridge.process.terminate()
    for client in clients:
        assert client.recv_response().status == 503
        client.close()
    assert bridge.wait_for_exit() == 0


# --- the source ---

SOURCES = [
    ("no mark", "http://h/", "wants one %s"), ("two marks", "http://h/%s/%s", "wants one %s"),
    ("only an escaped one", "http://h/%%s", "wants one %s"), ("in the host", "http://x%s/", "path or the query"),
    ("in the password", "http://a:%s@h/", "path or the query"), ("in the fragment", "http://h/#%s", "path or the query"),
    ("no scheme", "h/%s", "http:// or https://"), ("another scheme", "ftp://h/%s", "http:// or https://"),
    ("no host", "http:///%s", "host is missing"), ("a blank", "http://h/ %s", "percent-encoded"),
    ("a port too high", "http://h:65536/%s", "port"), ("bare IPv6", "http://::1/%s", "brackets"),
    ("an open bracket", "http://[::1/%s", "bracket"), ("a file", "/etc/tokens", "http:// or https://"),
]


@pytest.mark.parametrize("url, reason", [row[1:] for row in SOURCES], ids=[row[0] for row in SOURCES])
def test_a_source_that_is_no_such_url_is_a_usage_error(wsluice, url, reason):
    bridge = wsluice.run("--token-plugin", "JSONTokenApi", "--token-source", url, "127.0.0.1:0")
    bridge.expected_status = 2
    assert bridge.wait_for_exit() == 2
    assert "--token-source" in bridge.log and reason in bridge.log


def test_a_missing_ca_stops_the_start(wsluice, tmp_path):
    bridge = wsluice.run("--token-plugin", "BaseTokenAPI", "--token-source", "https://h/%s", "--token-ca",
                         tmp_path / "none", "127.0.0.1:0")
    bridge.expected_status = 1
    assert bridge.wait_for_exit() == 1
    assert str(tmp_path / "none") in bridge.log
