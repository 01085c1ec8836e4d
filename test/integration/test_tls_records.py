# ctest: timeout=900 threads cost=30
"""Bytes through TLS whatever the records: every size, cut at any byte, joined, split across frames, together
with the handshake's last message, in bulk; and as few records as fit on the way down."""

import hashlib
import os
import ssl
import struct
import threading
import time

import pytest

from harness import BINARY, Sink, encode_frame, source, speaks_tls_1_3, tls_client_context, upgrade_request

RECORD_MAX = 16384
MEGABYTE = 1 << 20
# Under ThreadSanitizer, where a byte of AES takes twenty times as long, only what threads have a part in, and less.
TSAN = os.environ.get("WSLUICE_SANITIZE") == "thread"
BULK = (8 if TSAN else 64) * MEGABYTE
not_about_threads = pytest.mark.skipif(TSAN, reason="threads have no part in it")
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
VERSIONS = [
    pytest.param(TLS12, id="1.2"),
    pytest.param(TLS13, id="1.3", marks=pytest.mark.skipif(not speaks_tls_1_3(), reason="mbedTLS 2.28")),
]
# What a record carries besides its header and plaintext, with AES-GCM (RFC 5288 3, RFC 8446 5.2).
OVERHEAD = {TLS12: 8 + 16, TLS13: 1 + 16}
# mbedTLS pads TLS 1.3's records to multiples of 16 with their type's byte.
PADDING = {TLS12: 1, TLS13: 16}
RECORD_FULL = {TLS12: RECORD_MAX, TLS13: RECORD_MAX - 1}
# Gives wsluice the time to read what came, so that the next bytes are a read of their own.
A_MOMENT = 0.001


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture
def open_client(connect, authority, version):
    context = tls_client_context(authority.cert, version)
    return lambda bridge, **options: connect(bridge, tls=context, **options)


@pytest.fixture
def start(wsluice, server_pair):
    return lambda backend, *options: wsluice(backend, "--cert", server_pair.both, *options)


# ---- every size ----


@not_about_threads
def test_records_of_every_size_up(start, open_client, serve, version):
    """One frame over records of 1, 2, 3, ... 16384 bytes."""
    total = RECORD_MAX * (RECORD_MAX + 1) // 2
    data = os.urandom(MEGABYTE) * (total // MEGABYTE + 1)
    sink = Sink()
    client = open_client(start(serve(sink), "--workers", "1"))
    client.send(encode_frame(BINARY, mask=bytes(4), length=total))
    digest, at, sealed = hashlib.sha256(), 0, bytearray()
    for size in range(1, RECORD_MAX + 1):
        piece = data[at:at + size]
        digest.update(piece)
        at += size
        sealed += client.sock.seal(piece)
        if len(sealed) > MEGABYTE or size == RECORD_MAX:
            client.sock.send_raw(sealed)
            sealed.clear()
    client.send_close()
    sink.expect_sent(total, digest.hexdigest())


@not_about_threads
def test_frames_and_answers_of_every_size(start, open_client, echo_backend, version):
    """Frames of 1 to 16384 bytes of payload, each a record or two, there and back."""
    client = open_client(start(echo_backend, "--workers", "1"))
    data = os.urandom(2 * RECORD_MAX)
    for base in range(0, RECORD_MAX, 16):
        sizes = range(base + 1, base + 17)
        client.sock.send_raw(b"".join(
            client.sock.seal(encode_frame(BINARY, data[size:2 * size], mask=b"\xa5\x5a\x01\xff")) for size in sizes))
        wanted = b"".join(data[size:2 * size] for size in sizes)
        assert client.recv_data(len(wanted)) == wanted, f"sizes from {base + 1}"


# ---- ciphertext cut and joined ----


@not_about_threads
def test_everything_byte_by_byte(start, open_client, echo_backend):
    """Handshake, request, frames: no two bytes in one send."""
    bridge = start(echo_backend)
    client = open_client(bridge, chunk=1)
    for size in (1, 125, 126, 3000):
        data = os.urandom(size)
        client.send_frame(BINARY, data)
        assert client.recv_data(size) == data
    client.send_close()
    client.expect_close(1000)
    client.expect_end("fin")


@not_about_threads
def test_records_cut_at_any_byte(start, open_client, echo_backend):
    client = open_client(start(echo_backend))
    words = [b"first", b"the second of them", b"3"]
    message = b"".join(words)
    for cut in range(1, 400):
        sealed = b"".join(client.sock.seal(encode_frame(BINARY, word)) for word in words)
        if cut >= len(sealed):
            break
        client.sock.send_raw(sealed[:cut])
        time.sleep(A_MOMENT)
        client.sock.send_raw(sealed[cut:])
        assert client.recv_data(len(message)) == message, f"cut after {cut} of {len(sealed)} bytes"
    assert cut > 100


@not_about_threads
def test_frames_split_across_records_at_any_byte(start, open_client, echo_backend):
    """Two records whose border is anywhere in the frames, sent in one segment, and in two."""
    client = open_client(start(echo_backend))
    frames = b"".join(encode_frame(BINARY, word) for word in (b"first", b"x" * 200, b"", b"end"))
    message = b"first" + b"x" * 200 + b"end"
    for cut in range(1, len(frames)):
        first, second = client.sock.seal(frames[:cut]), client.sock.seal(frames[cut:])
        client.sock.send_raw(first + second)
        assert client.recv_data(len(message)) == message, f"joined, border at {cut}"
        first, second = client.sock.seal(frames[:cut]), client.sock.seal(frames[cut:])
        client.sock.send_raw(first)
        time.sleep(A_MOMENT)
        client.sock.send_raw(second)
        assert client.recv_data(len(message)) == message, f"apart, border at {cut}"


@pytest.mark.parametrize("plaintext", [1, 2, 13, 14, 15])
def test_many_tiny_records_in_one_segment(start, open_client, echo_backend, plaintext):
    client = open_client(start(echo_backend))
    message = os.urandom(4000)
    frames = encode_frame(BINARY, message[:1000]) + encode_frame(BINARY, message[1000:])
    pieces = [frames[at:at + plaintext] for at in range(0, len(frames), plaintext)]
    client.sock.send_raw(b"".join(client.sock.seal(piece) for piece in pieces))
    assert client.recv_data(len(message)) == message


# ---- together with the handshake ----


@pytest.mark.parametrize("resumed", [False, True], ids=["full", "resumed"])
def test_data_with_the_last_message_of_the_handshake(start, connect, echo_backend, authority, version, resumed):
    """In TLS 1.2 only a resumed client speaks last and may go on at once."""
    bridge = start(echo_backend)
    context = tls_client_context(authority.cert, version)
    session = None
    if resumed:
        before = connect(bridge, tls=context)
        before.send_frame(BINARY, b"for the tickets")
        before.recv_data(15)
        session = before.sock.tls.session
    for size in (0, 10, 5000, 60000):
        payload = os.urandom(size)
        first = upgrade_request() + (encode_frame(BINARY, payload) if size else b"")
        client = connect(bridge, path=None, tls=context, session=session, first=first)
        assert client.sock.tls.session_reused is resumed
        assert client.recv_response().status == 101
        if size:
            assert client.recv_data(size) == payload
        client.send_frame(BINARY, b"and later ones")
        assert client.recv_data(14) == b"and later ones"


# ---- bulk ----


def test_64_megabytes_up(start, open_client, serve):
    data = os.urandom(BULK)
    sink = Sink()
    client = open_client(start(serve(sink), "--workers", "4"))
    for at in range(0, BULK, MEGABYTE):
        client.send_frame(BINARY, data[at:at + MEGABYTE])
    client.send_close()
    sink.expect(data)
    client.expect_close(1000)


def test_64_megabytes_down(start, open_client, serve):
    data = os.urandom(BULK)
    client = open_client(start(serve(source(data)), "--workers", "4"))
    got, close = client.recv_until_close()
    assert close.close_code == 1000 and hashlib.sha256(got).digest() == hashlib.sha256(data).digest()


def test_many_clients_both_ways_at_once(start, open_client, echo_backend):
    """Eight sessions over four workers, each direction full."""
    bridge = start(echo_backend, "--workers", "4")
    total = (1 if TSAN else 4) * MEGABYTE
    failures = []

    def talk(client):
        data = os.urandom(total)
        sender = threading.Thread(
            target=lambda: [client.send_frame(BINARY, data[at:at + 50000]) for at in range(0, total, 50000)])
        sender.start()
        try:
            assert client.recv_data(total) == data
        except AssertionError as failure:
            failures.append(failure)
        finally:
            sender.join()

    threads = [threading.Thread(target=talk, args=(open_client(bridge),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


# ---- few records ----


def records(client, version, plaintext):
    """The sizes of the records, seen in the ciphertext, that carry the next `plaintext` bytes; and how many
    receives they took."""
    raw, data, sizes, receives = client.sock.raw, bytearray(), [], 0
    while sum(sizes) < plaintext:
        more = raw.recv(1 << 20)
        assert more, "the stream ended"
        receives += 1
        data += more
        while len(data) >= 5 and len(data) >= 5 + struct.unpack(">H", data[3:5])[0]:
            length = struct.unpack(">H", data[3:5])[0]
            assert data[0] == 0x17, f"a record of type {data[0]:#x}"
            sizes.append(length - OVERHEAD[version])
            del data[:5 + length]
    padding = len(sizes) * (PADDING[version] - 1)
    assert not data and sum(sizes) - padding <= plaintext, (sizes, len(data), plaintext)
    return sizes, receives


def expect_full(sizes, version, plaintext):
    full = RECORD_FULL[version]
    assert len(sizes) == -(-plaintext // full), sizes
    assert sizes[:-1] == [full] * (len(sizes) - 1), sizes


@pytest.mark.parametrize("size", [1, 100, 126, 4096, 16000, RECORD_MAX - 4, RECORD_MAX, 20000, 32000])
def test_a_burst_takes_as_few_records_as_fit(start, open_client, backend, version, size):
    """A frame's header is not a record of its own, nor a segment."""
    client = open_client(start(backend))
    service = backend.accept()
    service.send(os.urandom(size))
    header = 2 if size < 126 else 4
    sizes, receives = records(client, version, header + size)
    expect_full(sizes, version, header + size)
    if size <= RECORD_MAX:  # more than a segment's worth may be met half received
        assert receives == 1


@pytest.mark.parametrize("frame", [1000, 4000, 16000])
def test_several_frames_of_one_read_share_records(start, open_client, backend, version, frame):
    client = open_client(start(backend, "--max-frame-size", frame))
    service = backend.accept()
    size = 30000
    service.send(os.urandom(size))
    headers = 4 * -(-size // frame)
    sizes, _ = records(client, version, size + headers)
    expect_full(sizes, version, size + headers)
