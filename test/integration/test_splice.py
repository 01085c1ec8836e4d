"""Large frames through pipes (--max-frame-size of 512 KB or more): no byte is lost, whatever stalls, breaks or
comes in between. A frame that is longer than --buffer-size can only have been spliced.
"""

import hashlib
import os
import subprocess
import threading
import time

import pytest

from harness import BINARY, CLOSE, LIMIT_SECONDS, PING, PONG, binary, encode_frame, tls_client_context

MEGABYTE = 1 << 20
LARGE = ["--max-frame-size", "1M", "--buffer-size", "64K"]
BUFFER_BYTES = 64 << 10


def send_in_background(service, data):
    """Sends all and ends the stream; a client that leaves earlier is no failure."""
    def send():
        try:
            service.send(data)
            service.finish()
        except OSError:
            pass

    threading.Thread(target=send, daemon=True).start()


def receive(client, pauses=0):
    """(bytes, longest frame, pongs) up to the Close, which is returned last; stops reading now and then."""
    data, longest, pongs = bytearray(), 0, []
    while True:
        frame = client.recv_frame()
        if frame.opcode == CLOSE:
            return bytes(data), longest, pongs, frame.close_code
        if frame.opcode == PONG:
            pongs.append(frame.payload)
            continue
        assert (frame.opcode, frame.fin) == (BINARY, True)
        assert 0 < len(frame.payload) <= MEGABYTE
        data += frame.payload
        longest = max(longest, len(frame.payload))
        if pauses > 0:
            pauses -= 1
            time.sleep(0.05)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def test_a_stream_with_stalls_arrives_whole(open_session):
    _, client, service = open_session(*LARGE)
    sent = os.urandom(48 * MEGABYTE)
    send_in_background(service, sent)
    got, longest, _, code = receive(client, pauses=20)
    assert digest(got) == digest(sent)
    assert longest > BUFFER_BYTES, "nothing was spliced: this was no test"
    assert code == 1000


def test_many_workers_share_the_pipes(open_session):
    """More workers than the kernel allows pipes by default: whoever has a stream gets one."""
    _, client, service = open_session(*LARGE, "--workers", "40")
    sent = os.urandom(24 * MEGABYTE)
    send_in_background(service, sent)
    got, longest, _, _ = receive(client)
    assert digest(got) == digest(sent)
    assert longest > BUFFER_BYTES


def test_the_log_says_that_the_kernel_allows_no_pipes(tmp_path):
    """A limit of a single page, in a view of /proc/sys that nobody else has."""
    limit = tmp_path / "limit"
    limit.write_text("1\n")
    bind = 'mount --bind "$0" /proc/sys/fs/pipe-user-pages-soft || exit 77; exec "$@"'
    start = ["unshare", "--map-root-user", "--mount", "sh", "-c", bind, limit, binary(), "--timeout", "0.01"]
    for size, told in ("1M", True), ("511K", False):
        run = subprocess.run([*start, "--max-frame-size", size, "127.0.0.1:0", "127.0.0.1:1"], capture_output=True,
                             text=True, timeout=LIMIT_SECONDS, check=False)
        if "listening on" not in run.stderr:
            pytest.skip(f"this process may not mount: {run.stderr}")
        assert ("fs.pipe-user-pages-soft" in run.stderr) == told, run.stderr


def test_pings_are_answered_between_the_frames(open_session):
    _, client, service = open_session(*LARGE)
    sent = os.urandom(32 * MEGABYTE)
    send_in_background(service, sent)
    for number in range(10):
        client.send(encode_frame(PING, b"%d" % number))
        time.sleep(0.01)
    got, longest, pongs, _ = receive(client)
    assert digest(got) == digest(sent)
    assert longest > BUFFER_BYTES
    assert pongs and pongs[-1] == b"9"


def test_a_unix_target_is_read(open_session, unix_backend):
    _, client, service = open_session(*LARGE, target=unix_backend)
    sent = os.urandom(16 * MEGABYTE)
    send_in_background(service, sent)
    got, longest, _, _ = receive(client)
    assert digest(got) == digest(sent)
    assert longest <= BUFFER_BYTES


def test_tls_is_read_and_written(open_session, authority, tls_options):
    _, client, service = open_session(*LARGE, *tls_options, tls=tls_client_context(authority.cert))
    sent = os.urandom(8 * MEGABYTE)
    send_in_background(service, sent)
    got, longest, _, _ = receive(client)
    assert digest(got) == digest(sent)
    assert longest <= BUFFER_BYTES


def open_descriptors(bridge):
    return len(os.listdir(f"/proc/{bridge.pid}/fd"))


@pytest.mark.parametrize("leaver", ["client", "service"])
def test_pipes_with_bytes_in_them_are_closed(open_session, connect, backend, leaver):
    """Sessions that are reset while a client stalls in a frame; then one whose client must get its own bytes only."""
    bridge, client, service = open_session(*LARGE)
    for _ in range(12):
        send_in_background(service, b"old" * (16 * MEGABYTE // 3))
        client.recv_exact(3 * MEGABYTE)
        if leaver == "client":
            client.reset()
        else:
            service.reset()
            client.close()
        client, service = connect(bridge), backend.accept()
    sent = os.urandom(16 * MEGABYTE)
    send_in_background(service, sent)
    assert digest(receive(client)[0]) == digest(sent)
    client.close()
    assert open_descriptors(bridge) < 60
