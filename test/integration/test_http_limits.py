"""Requests that are too long, too slow, or none at all: 414, 431, 408, and silence where nobody has
asked for anything.
"""
# ctest: waits cost=20

import os
import threading
import time

import pytest

from harness import processor_seconds, upgrade_request, wait_until

PLAIN = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.fixture
def start(wsluice, echo_backend, tmp_path):
    (tmp_path / "index.html").write_text("the index")

    def start(*options):
        return wsluice(echo_backend, "--web", tmp_path, "--workers", "1", *options)

    return start


def request_line(length):
    return b"GET /?" + b"q" * (length - len(b"GET /? HTTP/1.1")) + b" HTTP/1.1"


def head_of(length):
    start, end = b"GET / HTTP/1.1\r\nHost: h\r\nCookie: ", b"\r\n\r\n"
    return start + b"c" * (length - len(start) - len(end)) + end


def head_of_lines(count):
    return b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * (count - 1) + b"\r\n"


LIMITS = [  # name, options, bytes that just fit, bytes that do not, status
    ("request line", [], request_line(16384) + b"\r\nHost: h\r\n\r\n", request_line(16385), 414),
    ("head", [], head_of(65536), head_of(65537), 431),
    ("head in many lines", [], None, b"GET / HTTP/1.1\r\n" + (b"X: " + b"y" * 1000 + b"\r\n") * 66, 431),
    ("header lines", [], head_of_lines(100), head_of_lines(101)[:-2], 431),
    ("request line, as told", ["--max-request-line", "100"],
     request_line(100) + b"\r\nHost: h\r\n\r\n", request_line(101), 414),
    ("head, as told", ["--max-head", "200"], head_of(200), head_of(201), 431),
    ("header lines, as told", ["--max-header-lines", "3"], head_of_lines(3), head_of_lines(4)[:-2], 431),
    ("a larger head, as told", ["--max-head", "1M"], head_of(1 << 20), head_of((1 << 20) + 1), 431),
]


@pytest.mark.parametrize("chunk", [None, 997], ids=["whole", "in pieces"])
@pytest.mark.parametrize("options,fits,exceeds,status", [row[1:] for row in LIMITS], ids=[row[0] for row in LIMITS])
def test_limit_of(start, connect, options, fits, exceeds, status, chunk):
    bridge = start(*options)
    if fits:
        client = connect(bridge, path=None)
        client.send(fits, chunk=chunk)
        assert client.recv_response().status == 200
    client = connect(bridge, path=None)
    client.send(exceeds, chunk=chunk)  # the byte too many is the last: nothing more is waited for
    response = client.recv_response()
    assert response.status == status
    assert response.header("Connection") == "close"
    client.expect_end("fin")


def test_what_is_still_arriving_does_not_destroy_a_refusal(start, connect):
    client = connect(start(), path=None)
    client.send(request_line(900_000))
    assert client.recv_response().status == 414
    client.expect_end("fin")


def test_big_cookies_of_browsers_fit(start, connect):
    cookies = {f"X-Cookie-{number}": "c" * 4000 for number in range(12)}
    client = connect(start(), path=None)
    client.upgrade(headers=cookies)


# --- time ---


def test_a_begun_request_is_answered_408_when_its_time_is_over(start, connect):
    bridge = start("--handshake-timeout", "0.5")
    client = connect(bridge, path=None)
    client.send(PLAIN[:-2])
    response = client.recv_response()
    assert response.status == 408
    assert response.header("Connection") == "close"
    client.expect_end("fin")
    bridge.wait_for_log("request refused status=408")


@pytest.mark.parametrize("sent", [b"", b"\r\n"], ids=["nothing", "an empty line"])
def test_a_connection_without_a_request_ends_silently(start, connect, sent):
    bridge = start("--handshake-timeout", "0.5", "--log-level", "debug")
    client = connect(bridge, path=None)
    client.send(sent)
    client.expect_end("fin")
    bridge.wait_for_log(r"debug \[1\] connection closed: no request in time")
    assert "refused" not in bridge.log


@pytest.mark.parametrize("start_of_request", [b"", b"GET /", b"GET / HTTP/1.1\r\nHost: h\r\nCookie: "],
                         ids=["method", "target", "header"])
def test_trickling_does_not_extend_the_time(start, connect, start_of_request):
    client = connect(start("--handshake-timeout", "1"), path=None)
    client.send(start_of_request)
    stop = threading.Event()

    def trickle():
        while not stop.wait(0.05):
            try:
                client.sock.send(b"c")
            except OSError:
                return

    thread = threading.Thread(target=trickle, daemon=True)
    thread.start()
    assert client.recv_response().status == 408
    stop.set()
    thread.join()


def test_the_time_counts_from_the_connection_not_from_the_first_byte(start, connect):
    bridge = start("--handshake-timeout", "2")
    early, late = connect(bridge, path=None), connect(bridge, path=None)
    early.send(b"GET /")
    time.sleep(1.5)
    late.send(b"GET /")
    assert early.recv_response().status == 408
    late.limit = 0.8  # 1.5 if its time had begun with its first byte
    assert late.recv_response().status == 408


def test_the_time_of_a_kept_connection_begins_anew(start, connect):
    """Idle as long as the time allows, then as long again from a request's first byte."""
    client = connect(start("--handshake-timeout", "1.5"), path=None)
    for _ in range(3):
        assert client.request(PLAIN).status == 200
        time.sleep(0.9)
        client.send(PLAIN[:5])
        time.sleep(0.9)
        client.send(PLAIN[5:])
        assert client.recv_response().status == 200
    client.expect_end("fin")  # silently


def test_an_upgrade_may_come_late_on_a_kept_connection(start, connect):
    client = connect(start("--handshake-timeout", "1"), path=None)
    assert client.request(PLAIN).status == 200
    time.sleep(0.6)
    client.upgrade()
    time.sleep(0.8)  # the handshake's time is over, the session's has no end
    client.send_frame(0x9, b"?")
    client.expect_frame(0xA, b"?")


# --- nobody there, or somebody else ---


def test_a_client_that_leaves_inside_its_request_gets_400(start, connect):
    bridge = start()
    client = connect(bridge, path=None)
    client.send(PLAIN[:-2])
    client.finish()
    assert client.recv_response().status == 400
    client.expect_end("fin")


@pytest.mark.parametrize("sent", [b"", b"\r\n"], ids=["nothing", "an empty line"])
def test_a_port_scan_is_a_debug_line_only(start, connect, sent):
    bridge = start("--log-level", "debug")
    client = connect(bridge, path=None)
    client.send(sent)
    client.finish()
    client.expect_end("fin")
    bridge.wait_for_log(r"debug \[1\] connection closed by the client")
    assert " info  [1]" not in bridge.log and " warn  [1]" not in bridge.log


CLIENT_HELLO = bytes.fromhex("1603010200010001fc0303") + bytes(500)


@pytest.mark.parametrize("hello", [CLIENT_HELLO, CLIENT_HELLO[:1]], ids=["whole", "first byte"])
def test_tls_on_a_plain_port_is_closed_at_once_and_said_in_the_log(start, connect, hello):
    bridge = start()
    client = connect(bridge, path=None)
    client.send(hello)
    client.expect_end()  # no bytes: nothing that TLS could read
    bridge.wait_for_log(r"TLS handshake with the client failed client=127\.0\.0\.1:\d+ reason=\"no certificate is given")


def test_a_second_request_that_begins_like_tls_is_a_400(start, connect):
    client = connect(start(), path=None)
    assert client.request(PLAIN).status == 200
    client.send(CLIENT_HELLO)
    assert client.recv_response().status == 400


def test_incomplete_requests_have_a_ceiling_together(start, connect):
    """Beyond --head-memory a client gets 503 instead of the machine's memory."""
    bridge = start("--head-memory", "64K")
    clients = [connect(bridge, path=None) for _ in range(12)]
    statuses = []
    for client in clients:
        client.send(head_of(20_000)[:-4])
    time.sleep(0.3)
    for client in clients:
        client.sock.setblocking(False)
        try:
            client.pending += client.sock.recv(4000)
        except BlockingIOError:
            continue
        response = client.recv_response()
        statuses.append((response.status, response.header("Retry-After")))
    assert statuses and set(statuses) == {(503, "1")}
    for client in clients:
        client.close()
    wait_until(lambda: connect(bridge, path=None).request(PLAIN).status == 200)


def test_waiting_clients_cost_no_cpu(start, connect):
    bridge = start()
    clients = [connect(bridge, path=None) for _ in range(20)]
    for number, client in enumerate(clients):
        client.send([b"", PLAIN[:1], PLAIN[:-1], os.urandom(0), upgrade_request()][number % 5])
    time.sleep(0.3)
    used = processor_seconds(bridge.pid)
    time.sleep(1)
    assert processor_seconds(bridge.pid) - used < 0.1
