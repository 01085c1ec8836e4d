# ctest: timeout=600 threads cost=35
"""How TLS ends: close_notify on every orderly end; truncation, damage and alerts told from it and passed on as
a reset; handshakes that stop anywhere, which cost nothing afterwards."""

import os
import re
import socket
import ssl
import struct
import threading
import time

import pytest

from harness import (
    BINARY,
    Authority,
    RawClient,
    TlsSocket,
    encode_frame,
    processor_seconds,
    resident_kib,
    s_client_script,
    speaks_tls_1_3,
    tls_client_context,
    upgrade_request,
    wait_until,
)

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
needs_1_3 = pytest.mark.skipif(not speaks_tls_1_3(), reason="mbedTLS 2.28 has no TLS 1.3")
SANITIZED = bool(os.environ.get("WSLUICE_SANITIZE"))
MEGABYTE = 1 << 20
# Under ThreadSanitizer a byte of AES takes twenty times as long, and threads have no part in it.
BULK = (1 if os.environ.get("WSLUICE_SANITIZE") == "thread" else 8) * MEGABYTE
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(params=[pytest.param(TLS12, id="1.2"), pytest.param(TLS13, id="1.3", marks=needs_1_3)])
def version(request):
    return request.param


@pytest.fixture
def context(authority, version):
    return tls_client_context(authority.cert, version)


@pytest.fixture
def start(wsluice, tls_options):
    return lambda backend, *options: wsluice(backend, *tls_options, *options)


@pytest.fixture
def session(open_session, tls_options, context):
    """(bridge, client, service) of one session over TLS."""
    return lambda *options: open_session(*tls_options, *options, tls=context)


def trip(client, data=b"there and back"):
    client.send_frame(BINARY, data)
    assert client.recv_data(len(data)) == data


# ---- orderly ends ----


def test_the_clients_close(session):
    _, client, service = session()
    client.send(encode_frame(BINARY, b"all") + encode_frame(8, struct.pack(">H", 1000)))
    client.expect_close(1000)
    client.expect_end("fin")
    assert service.recv_to_end() == (b"all", "fin")


def test_the_targets_end(session):
    _, client, service = session()
    service.send(b"last words")
    service.finish()
    data, close = client.recv_until_close()
    assert data == b"last words" and close.close_code == 1000
    client.send_close()
    client.expect_end("fin")
    service.expect_end("fin")


def test_a_violation(session):
    _, client, service = session()
    client.send_frame(BINARY, b"bad", mask=None)
    client.expect_close(1002)
    client.expect_end("fin")
    assert service.was_reset()


def test_a_stop(session):
    bridge, client, service = session()
    bridge.signal(15)
    client.expect_close(1001)
    client.send_close(1001)
    client.expect_end("fin")
    service.close()
    client.close()  # else it lingers for two seconds
    assert bridge.wait_for_exit() == 0


ANSWERS = {
    "400": b"GET / HTTP/1.1\r\n\r\n",
    "405": GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
    "garbage": b"\x00\xff garbage, but over TLS\r\n\r\n",
    "another TLS inside": b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
    "431": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 70000 + b"\r\n\r\n",
    "HTTP/1.0": b"GET / HTTP/1.0\r\n\r\n",
    "half a request": b"GET / HT",
    "nothing": b"",
}


@pytest.mark.parametrize("what", ANSWERS)
def test_http_answers_that_end_the_connection(start, backend, connect, context, what):
    client = connect(start(backend, "--handshake-timeout", "1"), path=None, tls=context)
    if ANSWERS[what]:
        client.send(ANSWERS[what])
    data, how = client.recv_to_end()
    assert how == "fin" and (not data or data.startswith(b"HTTP/1.1 4")), (data, how)
    assert data or what == "nothing"


def test_a_kept_connection_that_stays_idle(start, backend, connect, context, tmp_path):
    (tmp_path / "a").write_text("a page")
    client = connect(start(backend, "--web", tmp_path, "--handshake-timeout", "1"), path=None, tls=context)
    assert client.request(GET.replace(b"/ ", b"/a ")).body == b"a page"
    client.expect_end("fin")


@pytest.mark.parametrize("how", ["close_notify", "close_notify and FIN"])
def test_a_http_client_that_takes_leave(start, backend, connect, context, tmp_path, how):
    (tmp_path / "a").write_text("a page")
    client = connect(start(backend, "--web", tmp_path), path=None, tls=context)
    assert client.request(GET.replace(b"/ ", b"/a ")).body == b"a page"
    client.sock.say_close() if how == "close_notify" else client.finish()
    client.expect_end("fin")


def test_a_dial_that_fails_first(start, connect, context):
    client = connect(start("127.0.0.1:1", "--dial-first"), path=None, tls=context)
    client.send(upgrade_request())
    data, how = client.recv_to_end()
    assert data.startswith(b"HTTP/1.1 502 ") and how == "fin", (data, how)


def test_a_dial_that_fails(start, connect, context):
    client = connect(start("127.0.0.1:1"), tls=context)
    client.expect_close(1011)
    client.send_close(1011)
    client.expect_end("fin")


# ---- close_notify without a Close ----


@pytest.mark.parametrize("fin", [False, True], ids=["alone", "with FIN"])
def test_close_notify_between_messages_is_a_half_close(session, fin):
    bridge, client, service = session("--close-timeout", "0.3")
    client.send_frame(BINARY, b"question")
    client.finish() if fin else client.sock.say_close()
    assert service.recv_to_end() == (b"question", "fin")
    used = processor_seconds(bridge.pid)
    time.sleep(0.6)  # longer than the close time: nothing is closing
    if not SANITIZED:
        assert processor_seconds(bridge.pid) - used < 0.1
    answer = os.urandom(MEGABYTE)
    service.send(answer)
    service.close()
    # Python's ssl reads nothing behind its own close_notify, so the ciphertext must do.
    got = recv_ciphertext_to_end(client)
    assert len(got) > len(answer)


def recv_ciphertext_to_end(client):
    got = bytearray()
    client.sock.raw.settimeout(client.limit)
    while data := client.sock.raw.recv(1 << 20):
        got += data
    return bytes(got)


def test_close_notify_inside_a_message_is_a_violation(session):
    bridge, client, service = session()
    client.send(encode_frame(BINARY, b"begun but not ended", length=1000))
    client.sock.say_close()
    assert service.recv_to_end() == (b"begun but not ended", "reset")
    bridge.wait_for_log("session ended side=client .* code=1002 ")


# ---- truncation, reset ----


@pytest.mark.parametrize("where", ["between messages", "inside a message", "inside a record"])
def test_fin_without_close_notify_is_no_end(session, where):
    bridge, client, service = session()
    client.send_frame(BINARY, b"all of this")
    if where == "inside a message":
        client.send(encode_frame(BINARY, b" and this", length=1000))
    if where == "inside a record":
        client.sock.send_raw(client.sock.seal(encode_frame(BINARY, b"cut"))[:-1])
    client.sock.cut()
    client.expect_close(1002)
    client.expect_end("fin")
    wanted = b"all of this" + (b" and this" if where == "inside a message" else b"")
    assert service.recv_to_end() == (wanted, "reset")
    bridge.wait_for_log("session ended side=client .*close_notify.* code=1002 ")


def test_a_cut_behind_much_data_loses_none_of_it(session):
    data = os.urandom(BULK)
    _, client, service = session()
    sender = threading.Thread(target=lambda: (client.send_frame(BINARY, data), client.sock.cut()))
    sender.start()
    got, how = service.recv_to_end()
    sender.join()
    assert got == data and how == "reset"


def test_a_reset_of_the_client(session):
    bridge, client, service = session()
    client.send_frame(BINARY, b"before it")
    assert service.recv_exact(9) == b"before it"
    reset(client)
    assert service.was_reset()
    bridge.wait_for_log("session ended side=client ")


def reset(client):
    client.sock.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sock.raw.close()


# ---- damage and alerts ----


def flip(position):
    def damage(sealed):
        sealed[position] ^= 0x20
    return damage


def put(position, value):
    def damage(sealed):
        sealed[position:position + len(value)] = value
    return damage


# what: (what is done to a record, the alert that comes back or None for any, by version where it differs)
DAMAGE = {
    "a bit of the ciphertext": (flip(15), "bad record mac"),
    "a bit of the tag": (flip(-1), "bad record mac"),
    "the type, to handshake": (put(0, b"\x16"), None),
    "the type, to alert": (put(0, b"\x15"), None),
    "the type, to one that is none": (put(0, b"\x40"), None),
    "the version": (put(1, b"\x02"), None),
    "the length, to more than there may be": (put(3, b"\xff\xff"), None),
    "the length, to nothing": (put(3, b"\x00\x00"), None),
    "the length, to less": (put(3, b"\x00\x18"), "bad record mac"),
    "all of it, to HTTP": (put(0, GET), None),
    "all of it, to zeroes": (put(0, bytes(60)), None),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_record(session, what):
    damage, alert = DAMAGE[what]
    bridge, client, service = session()
    client.send_frame(BINARY, b"good")
    assert service.recv_exact(4) == b"good"
    sealed = bytearray(client.sock.seal(encode_frame(BINARY, b"never to arrive anywhere, whatever it is")))
    damage(sealed)
    client.sock.send_raw(sealed)
    with pytest.raises(ssl.SSLError) as said:
        client.recv_to_end()
    assert alert is None or alert in str(said.value), said.value
    assert "ALERT" in said.value.reason.upper(), said.value
    client.close()
    assert service.recv_to_end() == (b"", "reset")
    bridge.wait_for_log("session ended side=client ")
    assert bridge.log.count("TLS with the client failed") == 1, bridge.log
    assert "-0x" not in bridge.log, bridge.log


def send_alert(client):
    """Makes OpenSSL find fault with what it gets, which it says by bad_record_mac."""
    client.sock._in.write(b"\x17\x03\x03\x00\x30" + bytes(48))
    with pytest.raises(ssl.SSLError):
        client.sock.recv(1)


def test_an_alert_of_the_client(session):
    bridge, client, service = session()
    client.send_frame(BINARY, b"good")
    send_alert(client)
    assert service.recv_to_end() == (b"good", "reset")
    bridge.wait_for_log("the client sent the alert bad_record_mac")
    assert bridge.log.count("TLS with the client failed") == 1, bridge.log


def test_an_alert_between_two_requests_is_no_failed_handshake(start, backend, context, tmp_path):
    (tmp_path / "page").write_text("page")
    bridge = start(backend, "--web", tmp_path)
    client = RawClient(bridge.port, tls=context)
    client.send(b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert client.recv_until(b"page").startswith(b"HTTP/1.1 200")
    send_alert(client)
    bridge.wait_for_log(r'TLS with the client failed client=127\.0\.0\.1:\d+ reason="the client sent the alert bad_')
    client.close()
    assert "TLS handshake with the client failed" not in bridge.log
    bridge.signal(15)
    bridge.wait_for_log(" tls=1 .*tls_failed=0")


def test_a_refused_authority_is_named(start, backend, connect, tmp_path, version):
    bridge = start(backend)
    stranger = tls_client_context(Authority(tmp_path, "strangers").cert, version)
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(bridge, tls=stranger)
    bridge.wait_for_log('reason="the client sent the alert unknown_ca"')


def test_an_expired_certificate_is_named(wsluice, backend, connect, authority, context):
    bridge = wsluice(backend, "--cert", authority.issue(f"stale-{os.urandom(4).hex()}", days=-1).both)
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(bridge, tls=context)
    bridge.wait_for_log('reason="the client sent the alert certificate_expired"')


def test_a_wrong_name_is_named(start, backend, connect, context):
    bridge = start(backend)
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(bridge, tls=context, server_hostname="elsewhere.example")
    bridge.wait_for_log('reason="the client sent the alert bad_certificate"')


def test_plain_http_behind_the_handshake(start, backend, connect, context):
    bridge = start(backend)
    client = connect(bridge, path=None, tls=context)
    client.sock.send_raw(GET * 3)
    with pytest.raises(ssl.SSLError):
        client.recv_to_end()
    bridge.wait_for_log("TLS .*failed")


# ---- handshakes that stop ----


class Enough(Exception):
    """The byte budget of a handshake is used up."""


class Aborting(TlsSocket):
    """Sends the first `budget` bytes of a handshake, and then nothing more."""

    def __init__(self, raw, context, budget):
        self.budget = budget
        self.sent = 0
        super().__init__(raw, context)

    def send_raw(self, data):
        allowed = data[:self.budget - self.sent]
        self.raw.sendall(allowed)
        self.sent += len(allowed)
        if len(allowed) < len(data) or self.sent == self.budget:
            raise Enough


def connected(bridge):
    raw = socket.create_connection(("127.0.0.1", bridge.port), 10)
    raw.settimeout(10)
    return raw


def abort(bridge, context, budget):
    """Sends so many bytes of a handshake and leaves in one of three ways. False when it was over before."""
    raw = connected(bridge)
    try:
        Aborting(raw, context, budget)
    except Enough:
        way = budget % 3
        if way == 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if way == 1:
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(65536):
                pass
        return True
    finally:
        raw.close()
    return False


def descriptors(bridge):
    return len(os.listdir(f"/proc/{bridge.pid}/fd"))


def abort_at_every_byte(bridge, context):
    count = 0
    while abort(bridge, context, count + 1):
        count += 1
    return count


def test_handshakes_aborted_at_every_byte_leave_nothing(start, echo_backend, connect, context):
    bridge = start(echo_backend, "--workers", "4")
    trip(connect(bridge, tls=context))
    open_before = descriptors(bridge)
    abort_at_every_byte(bridge, context)  # what the allocator keeps once, it keeps
    resident_before = resident_kib(bridge.pid)
    assert abort_at_every_byte(bridge, context) >= 200
    wait_until(lambda: descriptors(bridge) <= open_before,
               message=lambda: f"{descriptors(bridge)} descriptors, {open_before} before")
    if not SANITIZED:
        assert resident_kib(bridge.pid) - resident_before < 2048
    trip(connect(bridge, tls=context))


def half_open(bridge, context, budget):
    """A connection on which so many bytes of a handshake were sent."""
    raw = connected(bridge)
    if budget:
        with pytest.raises(Enough):
            Aborting(raw, context, budget)
    return raw


def test_half_open_handshakes_end(start, echo_backend, connect, context):
    """All side by side, since each has to wait for its time limit."""
    bridge = start(echo_backend, "--handshake-timeout", "1", "--log-level", "debug")
    budgets = [0, 1, 5, 6, 60, 200, first_flight(context), whole_handshake(bridge, context) - 1]
    for raw in [half_open(bridge, context, budget) for budget in budgets]:
        while raw.recv(65536):
            pass
        raw.close()
    told = "TLS handshake with the client failed .*did not end in time"
    wait_until(lambda: len(re.findall(told, bridge.log)) == len(budgets) - 1,  # nothing at all is no TLS
               message=lambda: f"the log:\n{bridge.log}")
    trip(connect(bridge, tls=context))


def first_flight(context):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.pending


def whole_handshake(bridge, context):
    raw = connected(bridge)
    counting = Aborting(raw, context, 1 << 30)
    raw.close()
    return counting.sent


# ---- KeyUpdate ----


def frame_of(text):
    return encode_frame(BINARY, text, mask=bytes(4))


@needs_1_3
def test_key_updates_in_the_middle_of_data(start, echo_backend):
    """s_client types K (new keys for its own data) and k (asks for ours, too) between frames."""
    bridge = start(echo_backend)
    said = s_client_script(bridge.port, "-tls1_3", "-msg", steps=[
        (b"---\n", b""),
        (b"TLSv1.3", upgrade_request()),
        (b"HTTP/1.1 101", frame_of(b"one")),
        (b"one", b"k\n"),
        (b"KeyUpdate", frame_of(b"two")),
        (b"two", b"K\n"),
        (b"KeyUpdate", frame_of(b"three")),
        (b"three", b"K\n"),
        (b"KeyUpdate", frame_of(b"four")),
        (b"four", b"Q\n"),
    ])
    assert said.messages().count("> KeyUpdate") == 3, said
    assert said.messages().count("< KeyUpdate") == 2, said
    assert "alert" not in bridge.log, bridge.log


# ---- stalled ----

STALLED = 16
# Two buffers of 64 KiB, what was sealed of a third, and the kernel's share is not counted.
ALLOWED_KIB = 400


def test_stalled_clients_cost_a_bounded_sum(start, serve, echo_backend, connect, context, backend, version):
    """Sixteen clients take nothing of 16 MB each, and others go on."""
    bridge = start(backend, "--workers", "4", "--buffer-size", "64K")
    warm = connect(bridge, tls=context)
    services = [backend.accept()]
    before = resident_kib(bridge.pid)
    clients = [connect(bridge, tls=context, receive_buffer=4096) for _ in range(STALLED)]
    services += [backend.accept() for _ in clients]
    data = os.urandom(MEGABYTE)

    def push(service):
        service.limit = 2
        try:
            for _ in range(16):
                service.send(data)
        except (TimeoutError, OSError):
            pass

    threads = [threading.Thread(target=push, args=(service,)) for service in services[1:]]
    for thread in threads:
        thread.start()
    warm.send_frame(BINARY, b"still here")
    assert services[0].recv_exact(10) == b"still here"
    services[0].send(b"of course")
    assert warm.recv_data(9) == b"of course"
    for thread in threads:
        thread.join()
    if not SANITIZED:
        assert resident_kib(bridge.pid) - before < STALLED * ALLOWED_KIB
    first = clients[0].recv_frame().payload
    assert first and first == data[:len(first)]


def test_others_are_served_while_many_shake_hands(start, echo_backend, context):
    """Two hundred connections in the midst of a handshake are nothing that the next one waits for."""
    bridge = start(echo_backend)
    halves = [connected(bridge) for _ in range(200)]
    for raw in halves:
        raw.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(100))
    with RawClient(bridge.port, tls=context) as client:
        client.upgrade()
        trip(client)
    for raw in halves:
        raw.close()
