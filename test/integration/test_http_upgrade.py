"""The opening handshake (RFC 6455 4.2): which requests become WebSockets, which are refused and how,
which subprotocol is chosen, and which pages may connect.
"""

import base64
import os

import pytest

from harness import BINARY, Ended, upgrade_request

KEY = base64.b64encode(bytes(range(16))).decode()
LIST = "Sec-WebSocket-Protocol"


@pytest.fixture
def bridge(wsluice, echo_backend):
    return wsluice(echo_backend)


ACCEPTED = [
    ("as a browser sends it", {}),
    ("Upgrade in capitals", {"Upgrade": "WEBSOCKET"}),
    ("Upgrade with others", {"Upgrade": "h2c, WebSocket"}),
    ("Upgrade on two lines", [("Upgrade", "h2c"), ("Upgrade", "websocket")]),
    ("Connection as Firefox sends it", {"Connection": "keep-alive, Upgrade"}),
    ("Connection in small letters", {"Connection": "upgrade"}),
    ("Connection on two lines", [("Connection", "keep-alive"), ("Connection", "Upgrade")]),
    ("Connection with empty elements", {"Connection": ", ,Upgrade ,,"}),
    ("names of headers in any case", [("uPGRADE", "websocket"), ("CONNECTION", "upgrade"),
                                      ("sec-websocket-KEY", KEY), ("SEC-WEBSOCKET-VERSION", "13")]),
    ("blanks round values", {"Sec-WebSocket-Version": " \t13 \t", "Sec-WebSocket-Key": f"  {KEY}\t"}),
    ("the RFC's own key", {"Sec-WebSocket-Key": "AQIDBAUGBwgJCgsMDQ4PEC=="}),
    ("Content-Length: 0", {"Content-Length": "0"}),
    ("an extension", {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}),
    ("two extensions on two lines", [("Sec-WebSocket-Extensions", "a"), ("Sec-WebSocket-Extensions", "b; c=\"d\"")]),
    ("extensions that are no list", {"Sec-WebSocket-Extensions": ";;=,\"unclosed, \\"}),
    ("empty extensions", {"Sec-WebSocket-Extensions": ""}),
    ("header bytes over 127", {"X-Name": "J\u00fcrgen \u00e9"}),
    ("a header without a value", {"X-Empty": ""}),
    ("Origin null", {"Origin": "null"}),
    ("a strange Origin", {"Origin": "chrome-extension://abcdef"}),
    ("Host with a port", {"Host": "example.com:8080"}),
    ("Host with an IPv6 address", {"Host": "[::1]:6080"}),
]


@pytest.mark.parametrize("headers", [row[1] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED])
def test_an_upgrade_succeeds_with(bridge, connect, headers):
    client = connect(bridge, headers=headers)
    client.send_frame(BINARY, b"hello")
    assert client.recv_data(5) == b"hello"


@pytest.mark.parametrize("path", ["/", "/websockify", "/a/b?token=x&y=%20", "/%ff", "/?", "//x", "/a;b=c", "/" + "p" * 3000,
                                  "http://127.0.0.1/abs", "HTTP://example.com:99/x?y", "ws://h/", "http://h", "http://h?q"])
def test_any_path_is_an_endpoint(bridge, connect, path):
    client = connect(bridge, path=path)
    client.send_frame(BINARY, b"x")
    assert client.recv_data(1) == b"x"


def test_the_answer_to_an_upgrade_is_as_short_as_the_rfc_has_it(bridge, connect):
    client = connect(bridge, path=None)
    response = client.upgrade(headers={"Sec-WebSocket-Extensions": "permessage-deflate"})
    assert response.head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert response.header("Upgrade").lower() == "websocket"
    assert response.header("Connection").lower() == "upgrade"
    for absent in ("Sec-WebSocket-Extensions", LIST, "Content-Length", "Transfer-Encoding"):
        assert response.header(absent) is None


def double(name, first, second):
    return [(name, first), (name, second)]


REFUSED = [  # name, status, headers, other changes
    ("no key", 400, {}, {"omit": ["Sec-WebSocket-Key"]}),
    ("an empty key", 400, {"Sec-WebSocket-Key": ""}, {}),
    ("two keys", 400, double("Sec-WebSocket-Key", KEY, KEY), {}),
    ("a key of 15 bytes", 400, {"Sec-WebSocket-Key": base64.b64encode(b"x" * 15).decode()}, {}),
    ("a key of 17 bytes", 400, {"Sec-WebSocket-Key": base64.b64encode(b"x" * 17).decode()}, {}),
    ("a key of 18 bytes", 400, {"Sec-WebSocket-Key": base64.b64encode(b"x" * 18).decode()}, {}),
    ("a key without padding", 400, {"Sec-WebSocket-Key": KEY.rstrip("=")}, {}),
    ("a key in URL letters", 400, {"Sec-WebSocket-Key": "-_" + KEY[2:]}, {}),
    ("a key with a blank inside", 400, {"Sec-WebSocket-Key": KEY[:5] + " " + KEY[6:]}, {}),
    ("a key that is a list", 400, {"Sec-WebSocket-Key": f"{KEY}, {KEY}"}, {}),
    ("no version", 426, {}, {"omit": ["Sec-WebSocket-Version"]}),
    ("version 8", 426, {"Sec-WebSocket-Version": "8"}, {}),
    ("version 255", 426, {"Sec-WebSocket-Version": "255"}, {}),
    ("version 256", 400, {"Sec-WebSocket-Version": "256"}, {}),
    ("version 013", 400, {"Sec-WebSocket-Version": "013"}, {}),
    ("version 13.0", 400, {"Sec-WebSocket-Version": "13.0"}, {}),
    ("version 13, 8", 400, {"Sec-WebSocket-Version": "13, 8"}, {}),
    ("an empty version", 400, {"Sec-WebSocket-Version": ""}, {}),
    ("two versions", 400, double("Sec-WebSocket-Version", "13", "13"), {}),
    ("no Upgrade", 400, {}, {"omit": ["Upgrade"]}),
    ("Upgrade: websockets", 400, {"Upgrade": "websockets"}, {}),
    ("no Connection", 400, {}, {"omit": ["Connection"]}),
    ("Connection: close", 400, {"Connection": "close"}, {}),
    ("Connection: Upgraded", 400, {"Connection": "Upgraded"}, {}),
    ("POST", 405, {}, {"method": "POST"}),
    ("HEAD", 405, {}, {"method": "HEAD"}),
    ("get in small letters", 405, {}, {"method": "get"}),
    ("a body", 400, {"Content-Length": "5"}, {}),
    ("a body of two lengths", 400, double("Content-Length", "0", "5"), {}),
    ("two lengths of 0", 400, double("Content-Length", "0", "0"), {}),
    ("a list of lengths", 400, {"Content-Length": "0, 0"}, {}),
    ("a length that is no number", 400, {"Content-Length": "+0"}, {}),
    ("an empty length", 400, {"Content-Length": ""}, {}),
    ("a body in chunks", 400, {"Transfer-Encoding": "chunked"}, {}),
    ("no Host", 400, {}, {"omit": ["Host"]}),
    ("two Hosts", 400, double("Host", "a", "a"), {}),
    ("an empty Host", 400, {"Host": ""}, {}),
    ("a Host with a path", 400, {"Host": "a/b"}, {}),
    ("a Host with a user", 400, {"Host": "u@h"}, {}),
    ("a Host with two ports", 400, {"Host": "h:1:2"}, {}),
    ("a Host with a blank", 400, {"Host": "a b"}, {}),
    ("a Host that is a list", 400, {"Host": "a, b"}, {}),
    ("an empty subprotocol list", 400, {LIST: ""}, {}),
    ("a subprotocol with a blank", 400, {LIST: "binary, two words"}, {}),
    ("a subprotocol in quotes", 400, {LIST: '"binary"'}, {}),
    ("a subprotocol with a slash", 400, {LIST: "binary, a/b"}, {}),
]


@pytest.mark.parametrize("status,headers,changes", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_an_upgrade_is_refused_for(bridge, connect, status, headers, changes):
    client = connect(bridge, path=None)
    client.send(upgrade_request(headers=headers, **changes))
    response = client.recv_response(body_expected=changes.get("method") != "HEAD")
    assert response.status == status
    if changes.get("method") != "HEAD":
        assert len(response.body) > 10 and response.body.endswith(b"\n")  # a sentence for a person
    assert response.header("Allow") == ("GET" if status == 405 else None)
    about_version = status == 426 or any(name == "Sec-WebSocket-Version" for name in dict(headers))
    if about_version:
        assert response.header("Upgrade") == "websocket"
        assert response.header("Connection") == "Upgrade, close"
        assert response.header("Sec-WebSocket-Version") == "13"
    else:
        assert response.header("Connection") == "close"
    client.expect_end("fin")
    client.close()
    bridge.wait_for_log(rf"request refused status={status} client=127\.0\.0\.1:\d+ reason=")


def test_http_1_0_never_upgrades(bridge, connect):
    client = connect(bridge, path=None)
    client.send(upgrade_request(version="HTTP/1.0"))
    assert client.recv_response().status == 405
    client.expect_end("fin")


def test_a_plain_request_is_told_what_this_port_is(bridge, connect):
    client = connect(bridge, path=None)
    response = client.request(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert response.status == 405
    assert b"WebSocket" in response.body
    assert response.header("Allow") == "GET"


# --- subprotocols ---

OFFERS = [  # name, --subprotocol ..., offered, chosen
    ("none offered", [], None, None),
    ("one", [], "mqtt", "mqtt"),
    ("the first of several", [], "a, b", "a"),
    ("binary, anywhere", [], "base64, x, binary", "binary"),
    ("base64 is passed over", [], "base64, x", "x"),
    ("base64 alone", [], "base64", "base64"),
    ("configured before the first", ["mqtt"], "a, mqtt", "mqtt"),
    ("binary before configured", ["mqtt"], "mqtt, binary", "binary"),
    ("none of those configured", ["mqtt"], "a, b", "a"),
    ("the first offered of two configured", ["x", "y"], "y, x", "y"),
    ("names have their case", ["mqtt"], "a, MQTT", "a"),
    ("several lines", ["mqtt"], [(LIST, "a"), (LIST, "mqtt")], "mqtt"),
    ("empty elements", [], ",, a ,", "a"),
    ("configured, none offered", ["mqtt"], None, None),
    ("a name of every allowed mark", [], "!#$%&'*+-.^_`|~09az", "!#$%&'*+-.^_`|~09az"),
]


@pytest.mark.parametrize("configured,offered,chosen", [row[1:] for row in OFFERS], ids=[row[0] for row in OFFERS])
def test_subprotocol_choice(wsluice, echo_backend, connect, configured, offered, chosen):
    bridge = wsluice(echo_backend, *[word for name in configured for word in ("--subprotocol", name)])
    headers = offered if isinstance(offered, list) else {LIST: offered} if offered else {}
    client = connect(bridge, path=None)
    assert client.upgrade(headers=headers).header(LIST) == chosen


# --- origins ---

ORIGINS = [  # name, rules, Origin (None: none), Host, allowed
    ("any, by default", [], "http://evil.example", "h", True),
    ("same host", ["same"], "http://h.example", "h.example", True),
    ("same host, other case", ["same"], "http://H.example", "h.EXAMPLE", True),
    ("same host and port", ["same"], "http://h:6080", "h:6080", True),
    ("same host, its port left out", ["same"], "https://h", "h:443", True),
    ("same host, other port", ["same"], "http://h:81", "h:6080", False),
    ("other host", ["same"], "http://evil", "h", False),
    ("a host that begins alike", ["same"], "http://h.evil", "h", False),
    ("no Origin", ["same"], None, "h", False),
    ("no Origin, programs allowed", ["same", "none"], None, "h", True),
    ("null", ["same"], "null", "h", False),
    ("null, allowed", ["null"], "null", "h", True),
    ("an empty one", ["same"], "", "h", False),
    ("a listed one", ["https://a.example"], "https://a.example", "h", True),
    ("a listed one, other scheme", ["https://a.example"], "http://a.example", "h", False),
    ("below a listed domain", ["https://*.a.example"], "https://x.y.a.example", "h", True),
    ("the domain itself", ["https://*.a.example"], "https://a.example", "h", False),
    ("a domain that ends alike", ["https://*.a.example"], "https://xa.example", "h", False),
    ("a second rule", ["same", "b.example"], "https://b.example", "h", True),
    ("with a path", ["https://a.example"], "https://a.example/", "h", False),
    ("two in one", ["https://a.example"], "https://a.example https://b", "h", False),
]


@pytest.mark.parametrize("rules,origin,host,allowed", [row[1:] for row in ORIGINS], ids=[row[0] for row in ORIGINS])
def test_origin(wsluice, backend, connect, rules, origin, host, allowed):
    bridge = wsluice(backend, *[word for rule in rules for word in ("--origin", rule)])
    client = connect(bridge, path=None)
    headers = {"Host": host} | ({"Origin": origin} if origin is not None else {})
    client.upgrade(headers=headers, expect=101 if allowed else 403)
    if not allowed:
        backend.expect_no_dial(0.1)
        client.expect_end("fin")


def test_two_origins_are_none_that_could_be_judged(wsluice, backend, connect):
    bridge = wsluice(backend, "--origin", "https://a.example")
    client = connect(bridge, path=None)
    client.send(upgrade_request(headers=double("Origin", "https://a.example", "https://evil.example")))
    assert client.recv_response().status == 400


def test_the_open_door_is_warned_of_at_start(wsluice, backend):
    open_to_all, closed = wsluice(backend), wsluice(backend, "--origin", "same")
    for bridge in (open_to_all, closed):
        bridge.stop()  # then all of the log is here
    assert len([line for line in open_to_all.log.splitlines() if " warn " in line and "--origin" in line]) == 1
    assert "no --origin" not in closed.log


def test_an_upgrade_byte_by_byte_and_with_every_line_end(bridge, connect):
    for line_end in (b"\r\n", b"\n"):
        client = connect(bridge, path=None)
        client.send(upgrade_request(headers={"Cookie": "c" * 200}).replace(b"\r\n", line_end), chunk=1)
        assert client.recv_response().status == 101
        client.send_frame(BINARY, os.urandom(10))
        client.recv_data(10)
        client.send_close()
        with pytest.raises(Ended):
            while True:
                client.recv_frame()
