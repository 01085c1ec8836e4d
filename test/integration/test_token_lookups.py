"""Targets that are looked up over HTTP and HTTPS (BaseTokenAPI, JSONTokenApi): what is asked, redirects, TLS, kept
answers, servers that are slow or gone; and that a thousand lookups hold nobody up.
"""
# ctest: threads

import base64
import json
import threading
import time
from urllib.parse import quote

import pytest

from harness import BINARY, Authority, Sink, free_port, wait_until
from harness.lookup import address, expect_no_target, expect_service, framed


def test_the_answer_is_the_target(look_up, lookup_api, two_services, connect):
    lookup_api.answers = {"a": address(two_services["one"]), "b": f"  {address(two_services['two'])}\r\n"}
    bridge = look_up(lookup_api.url)
    expect_service(connect(bridge, "/?token=a"), "one")
    expect_service(connect(bridge, "/?token=b"), "two")
    expect_no_target(connect, bridge, "c", 404)
    head = lookup_api.asked[0]
    assert head.command == "GET" and head.headers["Host"] == f"127.0.0.1:{lookup_api.server_address[1]}"
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
def test_an_answer_in_json(look_up, lookup_api, two_services, connect, text):
    lookup_api.answers = {"a": text % two_services["one"].port}
    bridge = look_up(lookup_api.url, plugin="websockify.token_plugins.JSONTokenApi")
    expect_service(connect(bridge, "/?token=a"), "one")
    assert "application/json" in lookup_api.asked[0].headers["Accept"]


def test_nobody_there_and_nobody_of_that_name(look_up, connect):
    bridge = look_up(f"http://127.0.0.1:{free_port()}/%s")
    expect_no_target(connect, bridge, "a", 502)
    bridge.wait_for_log('token lookup failed .*reason="Connection refused"')


def test_a_server_that_does_not_answer_is_504_in_time(look_up, serve, connect):
    silent = serve(Sink())
    bridge = look_up(f"http://127.0.0.1:{silent.port}/%s", "--token-timeout", "0.3")
    expect_no_target(connect, bridge, "a", 504)
    bridge.wait_for_log('token lookup given up url="http://.*" waited_for="the answer"')
    bridge.wait_for_log("status=504 .*the token's lookup takes too long")
    bridge.process.terminate()
    assert bridge.wait_for_exit() == 0
    assert "lookups=1 lookups_failed=1" in bridge.log


TOKENS = ["a/b", "a b", "../x", "a?b=c&d", "a#b", "100%25", "é", "a\r\nX: y", "\x00", "a;b", "%s"]


@pytest.mark.parametrize("place", ["/t/%s", "/t/?x=1&token=%s&y=2"])
def test_no_token_changes_what_is_asked_for(look_up, serve, connect, place):
    lines = []

    def handler(wire):
        lines.append(wire.recv_until(b"\r\n\r\n").split(b"\r\n")[0])
        wire.send(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")

    bridge = look_up(f"http://127.0.0.1:{serve(handler).port}{place}")
    for token in TOKENS:
        expect_no_target(connect, bridge, quote(token, safe=""), 404)
    assert lines == [f"GET {place % quote(token, safe='-._~')} HTTP/1.1".encode() for token in TOKENS]


def test_credentials_of_the_url_are_sent_and_never_logged(look_up, lookup_api, two_services, connect):
    lookup_api.answers = {"a": address(two_services["one"])}
    url = lookup_api.url.replace("http://", "http://ops:pass%3Aw%40rd@") + "?key=HIDDEN"
    lookup_api.answers["a?key=HIDDEN"] = lookup_api.answers["a"]
    bridge = look_up(url, "--log-level", "debug")
    expect_service(connect(bridge, "/?token=a"), "one")
    assert lookup_api.asked[0].headers["Authorization"] == "Basic " + base64.b64encode(b"ops:pass:w@rd").decode()
    expect_no_target(connect, bridge, "b", 404)
    assert "pass" not in bridge.log and "HIDDEN" not in bridge.log and "ops" not in bridge.log


# --- redirects ---


def redirect(location, status=302):
    return lambda handler: handler.answer(status=status, Location=location)


def test_redirects_on_the_same_host_are_followed(look_up, lookup_api, two_services, connect):
    there = f"http://127.0.0.1:{lookup_api.server_address[1]}/t/found"
    lookup_api.answers = {
        "found": address(two_services["one"]), "absolute": redirect(there, 301), "rooted": redirect("/t/found"),
        "relative": redirect("found", 307), "network": redirect(there.removeprefix("http:"), 308),
        "twice": redirect("rooted", 303), "loop": redirect("loop"),
    }
    bridge = look_up(lookup_api.url)
    for token in ("absolute", "rooted", "relative", "network", "twice"):
        expect_service(connect(bridge, f"/?token={token}"), "one")
    expect_no_target(connect, bridge, "loop", 502)
    bridge.wait_for_log("too many redirects")


def test_redirects_elsewhere_are_not_followed(look_up, lookup_api, secure_lookup_api, backend, connect, authority):
    port = backend.port
    lookup_api.answers = {"host": redirect(f"http://localhost:{port}/t/x"), "scheme": redirect("ftp://127.0.0.1/x"),
                   "none": redirect(""), "https": redirect(f"https://127.0.0.1:{port}/x"),
                   "user": redirect(f"http://127.0.0.1@localhost:{port}/x"),
                   "port": redirect(f"http://127.0.0.1:{port}/x")}
    secure_lookup_api.answers = {"down": redirect(f"http://127.0.0.1:{port}/x")}
    bridge = look_up(lookup_api.url)
    for token in lookup_api.answers:
        expect_no_target(connect, bridge, token, 502)
    bridge.wait_for_log("redirect to another host", count=2)
    bridge.wait_for_log("redirect to another port")
    bridge.wait_for_log("redirect to https, which is not followed: write https")
    bridge = look_up(secure_lookup_api.url, "--token-ca", authority.cert)
    expect_no_target(connect, bridge, "down", 502)
    bridge.wait_for_log("redirect from https to http")
    backend.expect_no_dial()


# --- TLS ---


def test_https_with_a_ca_of_the_operator_s(look_up, secure_lookup_api, two_services, connect, authority):
    secure_lookup_api.answers = {"a": json.dumps({"host": "127.0.0.1", "port": two_services["one"].port})}
    bridge = look_up(secure_lookup_api.url, "--token-ca", authority.cert, plugin="JSONTokenApi")
    expect_service(connect(bridge, "/?token=a"), "one")
    expect_no_target(connect, bridge, "b", 404)


def test_https_that_is_not_trusted_or_is_none(look_up, lookup_api, secure_lookup_api, connect, tmp_path):
    stranger = tmp_path / "other"
    stranger.mkdir()
    bridge = look_up(secure_lookup_api.url, "--token-ca", Authority(stranger).cert)
    expect_no_target(connect, bridge, "SECRET", 502)
    bridge.wait_for_log('token lookup failed url="https://127.0.0.1:.*reason="')
    assert not secure_lookup_api.asked
    bridge = look_up(lookup_api.url.replace("http", "https"), "--token-ca", Authority(tmp_path).cert)
    expect_no_target(connect, bridge, "SECRET", 502)
    assert "SECRET" not in bridge.log


# --- caches ---


def test_an_answer_is_asked_for_each_time_unless_it_may_be_kept(look_up, lookup_api, two_services, connect):
    target = address(two_services["one"]).encode()
    lookup_api.answers = {"each": target.decode(), "kept": lambda h: h.answer(target, Cache_Control="max-age=30"),
                   "short": lambda h: h.answer(target, Cache_Control="max-age=1"),
                   "private": lambda h: h.answer(target, Cache_Control="private, max-age=30"),
                   "no": lambda h: h.answer(b"", 404, Cache_Control="max-age=30")}
    bridge = look_up(lookup_api.url, "--workers", "1")

    def asked(token):
        return len([handler for handler in lookup_api.asked if handler.path == f"/t/{token}"])

    for _ in range(3):
        for token in ("each", "kept", "private"):
            expect_service(connect(bridge, f"/?token={token}"), "one")
        expect_no_target(connect, bridge, "no", 404)
    assert (asked("each"), asked("kept"), asked("private"), asked("no")) == (3, 1, 3, 3)
    expect_service(connect(bridge, "/?token=short"), "one")
    time.sleep(1.1)
    expect_service(connect(bridge, "/?token=short"), "one")
    assert asked("short") == 2


# --- many at once ---


def test_a_thousand_lookups_hold_nobody_up(look_up, serve, two_services, connect):
    """At most so many are at the server at once, the others wait; a session beside them goes on."""
    here, most, lock, go = [0], [0], threading.Lock(), threading.Event()
    target = framed("length", address(two_services["one"]).encode())

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
    bridge = look_up(f"http://127.0.0.1:{server.port}/%s", "--workers", "1", "--token-timeout", "30")
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


def test_a_stop_does_not_wait_for_lookups(look_up, serve, connect):
    here = []

    def silent(wire):
        here.append(wire)
        while wire.recv_some():
            pass

    bridge = look_up(f"http://127.0.0.1:{serve(silent).port}/%s")
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
    ("no mark", "http://h/", "the URL must have one %s"), ("two marks", "http://h/%s/%s", "the URL must have one %s"),
    ("only an escaped one", "http://h/%%s", "the URL must have one %s"), ("in the host", "http://x%s/", "path or the query"),
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
