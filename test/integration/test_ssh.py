"""OpenSSH's server behind wsluice: it speaks first, and answers our banner with its key exchange."""
# ctest: world

import os
import pathlib
import struct
import subprocess

import pytest

from harness import BINARY, Service

SSH_MSG_KEXINIT = 20
PRIVILEGE_SEPARATION_FOLDER = pathlib.Path("/run/sshd")


@pytest.fixture
def sshd(tmp_path):
    """A new server for each test: since 9.8 OpenSSH remembers who misbehaved and turns them away."""
    if os.geteuid() == 0:
        PRIVILEGE_SEPARATION_FOLDER.mkdir(mode=0o755, exist_ok=True)
    key = tmp_path / "host_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, timeout=30)

    def command(port):
        config = tmp_path / "sshd_config"
        config.write_text(f"Port {port}\nListenAddress 127.0.0.1\nHostKey {key}\nPidFile none\nUsePAM no\n")
        return ["/usr/sbin/sshd", "-D", "-e", "-f", str(config)]

    server = Service(command, tmp_path / "sshd.log")
    yield server
    server.stop()


def take(client, count, buffer):
    """`count` bytes of the stream; what a frame brings beyond them goes back into `buffer`."""
    while len(buffer) < count:
        buffer += client.recv_frame().payload
    data = bytes(buffer[:count])
    del buffer[:count]
    return data


def test_the_banner_comes_unasked_and_the_key_exchange_after_ours(wsluice, sshd, connect):
    client = connect(wsluice(sshd))
    buffer = bytearray()
    while b"\r\n" not in buffer:
        buffer += client.recv_frame().payload
    banner, _, rest = bytes(buffer).partition(b"\r\n")
    assert banner.startswith(b"SSH-2.0-OpenSSH_"), banner

    client.send_frame(BINARY, b"SSH-2.0-wsluice")
    client.send_frame(BINARY, b"_test\r\n")

    # RFC 4253 sections 6 and 7.1: packet length, padding length, then the message number.
    buffer = bytearray(rest)
    length, padding, message = struct.unpack(">IBB", take(client, 6, buffer))
    assert message == SSH_MSG_KEXINIT
    payload = take(client, length - 2, buffer)
    assert b"curve25519-sha256" in payload[:-padding]


def test_a_client_that_is_no_ssh_is_told_so_and_closed(wsluice, sshd, connect):
    client = connect(wsluice(sshd))
    client.send_frame(BINARY, b"GET / HTTP/1.1\r\n\r\n")
    data, close = client.recv_until_close()
    assert b"Invalid SSH identification string" in data
    assert close.close_code in (1000, 1011)  # sshd may reset: it leaves our bytes unread
