"""Peers that renew their keys in the middle of a TLS 1.3 session (KeyUpdate), as OpenSSL does on a line "K" (which
asks for ours too) or "k": bytes go on in both directions, toward browsers and toward the target.
"""

import os
import select
import subprocess

import pytest

from harness import BINARY, LIMIT_SECONDS, encode_frame, free_port, upgrade_request
from harness.s_client import s_client_script, speaks_tls_1_3

pytestmark = pytest.mark.skipif(not speaks_tls_1_3(), reason="TLS 1.2 has no KeyUpdate")

ROUNDS = 12
SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]


def letter(round_number):
    return b"k\n" if round_number % 3 == 0 else b"K\n"


@pytest.mark.parametrize("suite", SUITES)
def test_a_client_renews_its_keys(wsluice, echo_backend, tls_options, suite):
    bridge = wsluice(echo_backend, *tls_options)
    steps = [(b"Verify return code", upgrade_request()), (b"101 Switching Protocols", b"")]
    awaited = b"\r\n\r\n"
    for number in range(ROUNDS):
        steps.append((awaited, letter(number)))
        steps.append((b"KEYUPDATE\n", encode_frame(BINARY, b"echo %d." % number)))
        awaited = b"echo %d." % number
    steps.append((awaited, b"Q\n"))
    said = s_client_script(bridge.port, "-tls1_3", "-ciphersuites", suite, steps=steps)
    assert said.cipher == suite
    assert said.alert is None, said


class Target:
    """`openssl s_server`: prints what it receives and sends the lines that are typed."""

    def __init__(self, pair, suite):
        self.port = free_port()
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert", pair.cert, "-key", pair.key, "-tls1_3",
             "-ciphersuites", suite], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.said = bytearray()

    def await_words(self, words):
        while (at := self.said.find(words)) < 0:
            ready = select.select([self.process.stdout], [], [], LIMIT_SECONDS)[0]  # it outlives its connections
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            assert data, f"s_server never said {words!r}: {bytes(self.said)}"
            self.said += data
        del self.said[:at + len(words)]

    def type(self, line):
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def stop(self):
        self.process.kill()
        self.process.communicate()


@pytest.mark.parametrize("suite", SUITES)
def test_a_target_renews_its_keys(wsluice, connect, authority, server_pair, suite):
    target = Target(server_pair, suite)
    try:
        target.await_words(b"ACCEPT")
        bridge = wsluice(f"localhost:{target.port}", "--ssl-target", "--ssl-target-ca", authority.cert)
        client = connect(bridge)
        for number in range(ROUNDS):
            target.type(letter(number))
            # It looks at what was typed before it looks at what was received: the letter has been read by then.
            client.send_frame(BINARY, b"up %d.\n" % number)
            target.await_words(b"up %d.\n" % number)
            target.type(b"down %d.\n" % number)
            assert client.recv_data(len(b"down %d.\n" % number)) == b"down %d.\n" % number
    finally:
        target.stop()
