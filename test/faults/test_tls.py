# ctest: timeout=900 cost=30
"""Sessions over `wss`, and over TLS toward the target, while the n-th request for memory is refused: both
versions, full and resumed handshakes, clients' certificates, renewed keys."""

import os
import select
import ssl
import subprocess

import pytest

from harness import (
    BINARY,
    TlsSocket,
    Wire,
    encode_frame,
    speaks_tls_1_3,
    tls_client_context,
    tls_server_context,
    upgrade_request,
)
from scene import LIMIT_SECONDS, CleanEnd, Recorder, begins_late, endure, endure_first

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
needs_1_3 = pytest.mark.skipif(not speaks_tls_1_3(), reason="mbedTLS 2.28 has no TLS 1.3")
VERSIONS = pytest.mark.parametrize(
    "version", [pytest.param(TLS12, id="1.2"), pytest.param(TLS13, id="1.3", marks=needs_1_3)])
# The handshakes' numbers alone ask for memory hundreds of times.
FEW = 24


def talk(scene, **options):
    client = scene.connect(**options)
    client.upgrade("/", {"Origin": "https://localhost"})
    for data in (b"a few bytes", bytes(range(256)) * 600):
        scene.sent += data
        client.trip(data)
    client.say_goodbye()
    return client


@pytest.mark.parametrize("count", [1, 20])
@VERSIONS
def test_talk(scene, recorder, tls_options, authority, version, count):
    start = scene(recorder, *tls_options, tls=tls_client_context(authority.cert, version))
    endure(start, talk, share=4 if count == 1 else FEW, count=count)


@VERSIONS
def test_first_talk(scene, recorder, tls_options, authority, version):
    start = scene(recorder, *tls_options, tls=tls_client_context(authority.cert, version))
    endure_first(start, talk, share=FEW)


@VERSIONS
def test_resumed_talk(scene, recorder, tls_options, authority, version):
    sessions = []

    def resume(scene):
        client = talk(scene, session=sessions[-1] if sessions else None)
        sessions.append(client.sock.tls.session)
        reused.append(client.sock.tls.session_reused)

    reused = []
    endure(scene(recorder, *tls_options, tls=tls_client_context(authority.cert, version)), resume, share=6)
    assert reused[-1], "no session was resumed"


@VERSIONS
def test_client_certificate(scene, recorder, tls_options, authority, version):
    pair = authority.issue(f"client-{version.name}", usage="clientAuth")
    tls = tls_client_context(authority.cert, version, cert=pair)
    start = scene(recorder, *tls_options, "--verify-client", "--cafile", authority.cert, tls=tls)
    endure(start, talk, share=FEW)


def secured_by(context):
    def secure(wire):
        return Wire(TlsSocket(wire.sock, context, server_side=True), LIMIT_SECONDS)

    return secure


@pytest.fixture
def secure_recorder(server_pair, version):
    recording = Recorder(secure=secured_by(tls_server_context(server_pair, version)))
    yield recording
    recording.close()


@VERSIONS
def test_target(scene, secure_recorder, authority, version):
    endure(scene(secure_recorder, "--ssl-target", "--ssl-target-ca", authority.cert), talk, share=FEW)


class Renewer:
    """`openssl s_client`, which renews its keys when told to."""

    def __init__(self, port):
        self.process = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.said = bytearray()

    def close(self):
        self.process.kill()
        self.process.communicate()

    def type(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def await_words(self, words):
        while (at := self.said.find(words)) < 0:
            assert select.select([self.process.stdout], [], [], LIMIT_SECONDS)[0], f"no {words!r}: {self.said}"
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise CleanEnd("s_client has ended")
            self.said += data
        del self.said[:at + len(words)]


@begins_late
def renew_keys(scene):
    client = Renewer(scene.bridge.port)
    scene.clients.append(client)
    client.await_words(b"Verify return code")
    client.type(upgrade_request())
    client.await_words(b"\r\n\r\n")
    scene.begin()
    for letter in b"Kk":
        client.type(b"%c\n" % letter)
        client.await_words(b"KEYUPDATE\n")
        scene.sent += b"echo %c." % letter
        client.type(encode_frame(BINARY, b"echo %c." % letter))
        client.await_words(b"echo %c." % letter)
    client.type(b"Q\n")
    client.process.wait(LIMIT_SECONDS)


@needs_1_3
def test_renewed_keys(scene, recorder, tls_options):
    endure(scene(recorder, *tls_options), renew_keys, share=8)
