"""Request heads (RFC 9112): what is read, what is refused and when, however the bytes arrive.

A byte that can't stand where it stands is a 400 at once: no row of the first table ends its line.
"""
# ctest: cost=15

import re
import time

import pytest

from harness import BINARY, upgrade_request

PLAIN = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.fixture
def bridge(wsluice, echo_backend, tmp_path):
    (tmp_path / "index.html").write_text("the index")
    return wsluice(echo_backend, "--web", tmp_path)


@pytest.fixture
def bridge_of_one(wsluice, echo_backend, tmp_path):
    (tmp_path / "index.html").write_text("the index")
    return wsluice(echo_backend, "--web", tmp_path, "--workers", "1", "--subprotocol", "mqtt",
                   "--origin", "https://a.example")


DELIVERIES = {"whole": {}, "byte by byte": {"chunk": 1}}
EACH_DELIVERY = pytest.mark.parametrize("delivery", DELIVERIES.values(), ids=DELIVERIES)

# Ends at the very byte that can't stand there.
FAULTY_BYTES = [
    ("a blank first", b" "),
    ("a NUL first", b"\0"),
    ("a colon first", b":"),
    ("an HTTP/2 frame", b"\x00\x00\x12\x04"),
    ("a second empty line", b"\r\n\r"),
    ("a CR alone", b"\rG"),
    ("a tab behind the method", b"GET\t"),
    ("a CR behind the method", b"GET\r"),
    ("a slash in the method", b"G/"),
    ("two blanks behind the method", b"GET  "),
    ("a byte over 127 in the target", b"GET /\xc3"),
    ("a tab in the target", b"GET /\t"),
    ("a NUL in the target", b"GET /\0"),
    ("a line end behind the target (HTTP/0.9)", b"GET /\r"),
    ("a bare line feed behind the target", b"GET /\n"),
    ("two blanks before the version", b"GET /  "),
    ("another protocol", b"GET / X"),
    ("small letters", b"GET / http"[:7]),
    ("a version without digits", b"GET / HTTP/x"),
    ("a version of two digits", b"GET / HTTP/1.10"),
    ("a blank behind the version", b"GET / HTTP/1.1 "),
    ("a CR alone behind the version", b"GET / HTTP/1.1\rH"),
    ("a folded first line", b"GET / HTTP/1.1\r\n "),
    ("an obs-fold", b"GET / HTTP/1.1\r\nA: b\r\n "),
    ("an obs-fold by a tab", b"GET / HTTP/1.1\r\nA: b\r\n\t"),
    ("a blank before the colon", b"GET / HTTP/1.1\r\nHost "),
    ("no name", b"GET / HTTP/1.1\r\n:"),
    ("a NUL in a name", b"GET / HTTP/1.1\r\nHo\0"),
    ("a byte over 127 in a name", b"GET / HTTP/1.1\r\nH\xc3"),
    ("a line without a colon", b"GET / HTTP/1.1\r\nHost\r"),
    ("a name in brackets", b"GET / HTTP/1.1\r\n[Host"[:17]),
    ("a NUL in a value", b"GET / HTTP/1.1\r\nHost: h\0"),
    ("an escape in a value", b"GET / HTTP/1.1\r\nHost: \x1b"),
    ("a DEL in a value", b"GET / HTTP/1.1\r\nHost: \x7f"),
    ("a CR alone in a value", b"GET / HTTP/1.1\r\nHost: h\rX"),
    ("a CR alone at the end", b"GET / HTTP/1.1\r\nHost: h\r\n\rX"),
]


@EACH_DELIVERY
@pytest.mark.parametrize("data", [row[1] for row in FAULTY_BYTES], ids=[row[0] for row in FAULTY_BYTES])
def test_a_faulty_byte_is_refused_at_once(bridge, connect, data, delivery):
    client = connect(bridge, path=None)
    client.send(data, **delivery)
    response = client.recv_response()
    assert response.status == 400
    assert response.header("Connection") == "close"
    client.expect_end("fin")


@pytest.mark.parametrize("data,status", [(b"GET / HTTP/2", 505), (b"GET / HTTP/0", 505), (b"GET / HTTP/3", 505)])
def test_another_major_version_is_refused(bridge, connect, data, status):
    client = connect(bridge, path=None)
    client.send(data + b".0")
    assert client.recv_response().status == status


SERVED = [
    ("CR LF", PLAIN),
    ("bare line feeds", PLAIN.replace(b"\r\n", b"\n")),
    ("an empty line before", b"\r\n" + PLAIN),
    ("a bare empty line before", b"\n" + PLAIN),
    ("absolute form", b"GET http://h/ HTTP/1.1\r\nHost: other\r\n\r\n"),
    ("absolute form without a path", b"GET http://h HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("absolute form, https", b"GET https://h:99/index.html?q HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n"),
    ("HTTP/1.0 with Host", b"GET / HTTP/1.0\r\nHost: h\r\n\r\n"),
    ("HTTP/1.9", b"GET / HTTP/1.9\r\nHost: h\r\n\r\n"),
    ("no blank behind the colon", b"GET / HTTP/1.1\r\nHost:h\r\n\r\n"),
    ("blanks round a value", b"GET / HTTP/1.1\r\nHost: \t h \t \r\n\r\n"),
    ("an empty value", b"GET / HTTP/1.1\r\nHost: h\r\nX:\r\nY: \r\n\r\n"),
    ("a fragment of bytes over 127 in a value", b"GET / HTTP/1.1\r\nHost: h\r\nX: \xff\xfe\r\n\r\n"),
    ("a query", b"GET /?a=b&c=%00 HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("an upgrade to something else", b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
    ("Content-Length: 0", b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"),
]


@EACH_DELIVERY
@pytest.mark.parametrize("data", [row[1] for row in SERVED], ids=[row[0] for row in SERVED])
def test_a_request_is_served_with(bridge, connect, data, delivery):
    client = connect(bridge, path=None)
    client.send(data, **delivery)
    response = client.recv_response()
    assert (response.status, response.body) == (200, b"the index")


REFUSED = [
    ("no Host", 400, b"GET / HTTP/1.1\r\n\r\n"),
    ("two Hosts", 400, b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    ("two Hosts of HTTP/1.0", 400, b"GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n"),
    ("a target that is no path", 400, b"GET index.html HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("a target of another scheme", 400, b"GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("an absolute target without a host", 400, b"GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("two different lengths", 400, b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
    ("a negative length", 400, b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n"),
    ("a length in hexadecimal", 400, b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x1\r\n\r\n"),
    ("a length and chunks", 400,
     b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ("chunks of HTTP/1.0", 400, b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ("a coding without chunks", 400, b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n"),
    ("chunks that hide", 400, b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, x\r\n\r\n"),
    ("POST", 405, b"POST / HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("OPTIONS *", 405, b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("TRACE", 405, b"TRACE / HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("get", 405, b"get / HTTP/1.1\r\nHost: h\r\n\r\n"),
]


@pytest.mark.parametrize("status,data", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_request_is_refused_with(bridge, connect, status, data):
    client = connect(bridge, path=None)
    client.send(data + b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
    response = client.recv_response()
    assert response.status == status
    assert response.header("Allow") == ("GET, HEAD" if status == 405 else None)
    assert response.header("Connection") == "close"
    client.expect_end("fin")  # what may be a body is not taken for a request


def test_connect_is_refused(bridge, connect):
    client = connect(bridge, path=None)
    client.send(b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n")
    assert client.recv_response().status in (400, 405)
    client.expect_end("fin")


def test_a_body_is_not_taken_for_the_next_request(bridge, connect):
    client = connect(bridge, path=None)
    body = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body + PLAIN)
    assert client.recv_response().status == 200
    client.expect_end("fin")


def test_a_head_cut_anywhere_is_not_mixed_up_with_that_of_another_client(bridge_of_one, connect):
    """Between the two pieces a whole request of somebody else passes through the same worker."""
    other = connect(bridge_of_one, path=None)
    others = b"GET / HTTP/1.1\r\nHost: h\r\n" + b"Sec-WebSocket-Protocol: a|b\r\nX-Y: z\r\n" * 10 + b"\r\n"
    headers = [("Origin", "https://a.example"), ("Sec-WebSocket-Protocol", "first, mqtt"), ("Cookie", "c")]
    head = upgrade_request(headers=headers)
    for cut in range(1, len(head)):
        client = connect(bridge_of_one, path=None)
        client.send(head[:cut])
        assert other.request(others).body == b"the index"
        client.send(head[cut:])
        response = client.recv_response()
        assert (response.status, response.header("Sec-WebSocket-Protocol")) == (101, "mqtt"), f"cut at {cut}"
        client.close()


# --- several requests on one connection ---


@EACH_DELIVERY
def test_pipelined_requests_are_answered_in_order_and_an_upgrade_may_be_the_last(bridge, connect, delivery):
    client = connect(bridge, path=None)
    head = b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"
    missing = b"GET /missing HTTP/1.1\r\nHost: h\r\n\r\n"
    client.send(PLAIN * 20 + head + missing + b"\r\n" + PLAIN + upgrade_request(), **delivery)
    for _ in range(20):
        assert client.recv_response().body == b"the index"
    assert client.recv_response(body_expected=False).header("Content-Length") == "9"
    assert client.recv_response().status == 404
    assert client.recv_response().body == b"the index"
    assert client.recv_response().status == 101
    client.send_frame(BINARY, b"x")
    assert client.recv_data(1) == b"x"


KEPT = [
    ("HTTP/1.1", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", True),
    ("HTTP/1.1, close", b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", False),
    ("HTTP/1.1, close in a list", b"GET / HTTP/1.1\r\nHost: h\r\nConnection: x, CLOSE\r\n\r\n", False),
    ("HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n", False),
    ("HTTP/1.0, keep-alive", b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
]


@pytest.mark.parametrize("data,kept", [row[1:] for row in KEPT], ids=[row[0] for row in KEPT])
def test_a_connection_is_kept_or_closed_as_the_client_says(bridge, connect, data, kept):
    client = connect(bridge, path=None)
    response = client.request(data)
    assert response.header("Connection") == ("keep-alive" if kept else "close")
    if kept:
        assert client.request(data).status == 200
    else:
        client.expect_end("fin")


def test_thousands_of_pipelined_requests_of_a_client_that_does_not_read(bridge, connect):
    """Bounded: it is held back, and gets all its answers when it reads."""
    client = connect(bridge, path=None, receive_buffer=4096)
    taken = client.send_until_stalled(PLAIN * 1000, quiet=0.5)
    assert taken < 64 << 20
    rest = (len(PLAIN) - taken % len(PLAIN)) % len(PLAIN)
    for _ in range(taken // len(PLAIN)):
        assert client.recv_response().status == 200
    if rest:
        client.send(PLAIN[len(PLAIN) - rest:])
        assert client.recv_response().status == 200


# --- answers can't be forged ---


@pytest.mark.parametrize("hook", [b"%0d%0aSet-Cookie:%20a=b", b"%0D%0A%0D%0A<script>", b"%00", b"%0a"])
def test_nothing_of_a_request_gets_into_an_answer_raw(bridge, connect, hook):
    client = connect(bridge, path=None)
    for path in (b"/" + hook, b"/x" + hook + b"/", b"/index.html?" + hook):
        response = client.request(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n")
        assert b"Set-Cookie" not in response.head and b"<script" not in response.head + response.body
        if response.header("Connection") == "close":
            client = connect(bridge, path=None)


def test_the_date_is_the_servers(bridge, connect):
    date = connect(bridge, path=None).request(PLAIN).header("Date")
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", date)
    then = time.mktime(time.strptime(date, "%a, %d %b %Y %H:%M:%S GMT"))
    assert abs(then - time.mktime(time.gmtime())) < 60
