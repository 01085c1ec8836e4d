"""TLS toward the target: verified unless told otherwise, by name or by address. Targets that do not speak
it are noticed at once, and the log says what was wrong and on which side."""

import hashlib
import os
import ssl

import pytest

from harness import BINARY, Authority, Sink, TlsSocket, Wire, echo, source, tls_server_context

MEGABYTE = 1 << 20
PIECE = 1 << 16


def over_tls(pair, handler, version=None):
    """A backend's handler, with TLS before it."""
    context = tls_server_context(pair, version)

    def handle(wire):
        handler(Wire(TlsSocket(wire.sock, context, server_side=True)))

    return handle


def greet(wire):
    """As SSH, SMTP and VNC servers do."""
    wire.send(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
    wire.recv_some()


def be_silent(wire):
    while wire.recv_some():
        pass


def hang_up(wire):
    wire.recv_some()


@pytest.fixture
def trusting(authority):
    return ["--ssl-target", "--ssl-target-ca", authority.cert]


def failed(bridge, words):
    """The one line about it."""
    bridge.wait_for_log(rf'TLS toward the target failed target=\S+ reason="[^"]*{words}')
    assert bridge.log.count("toward the target failed") == 1, bridge.log


@pytest.mark.parametrize("version", [None, ssl.TLSVersion.TLSv1_2], ids=["best", "1.2"])
def test_what_the_client_sends_arrives(wsluice, serve, connect, server_pair, trusting, version):
    sink = Sink()
    client = connect(wsluice(serve(over_tls(server_pair, sink, version)), *trusting))
    data = os.urandom(4 * MEGABYTE)
    for at in range(0, len(data), PIECE):
        client.send_frame(BINARY, data[at:at + PIECE])
    client.send_close()
    sink.expect(data)


@pytest.mark.parametrize("version", [None, ssl.TLSVersion.TLSv1_2], ids=["best", "1.2"])
def test_what_the_target_sends_arrives_and_its_end(wsluice, serve, connect, server_pair, trusting, version):
    data = os.urandom(4 * MEGABYTE)
    client = connect(wsluice(serve(over_tls(server_pair, source(data), version)), *trusting))
    received = client.recv_data(len(data))
    assert hashlib.sha256(received).digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize(
    "certificate, options, reason",
    [
        ({}, [], None),
        ({"names": "DNS:db.test"}, ["--ssl-target-name", "db.test"], None),
        ({"names": "DNS:db.test"}, [], "made for another address"),
        ({}, ["--ssl-target-name", "db.test"], "made for another name"),
        ({"usage": "clientAuth"}, [], "not made for this use"),
        ({"names": "DNS:db.test"}, ["--ssl-target-insecure"], None),
    ],
    ids=["address", "name", "no such address", "no such name", "a client's", "insecure"],
)
def test_the_certificate_is_checked(wsluice, serve, connect, authority, tmp_path, certificate, options, reason):
    pair = authority.issue(f"target-{tmp_path.name}", **certificate)
    ca = [] if "--ssl-target-insecure" in options else ["--ssl-target-ca", authority.cert]
    bridge = wsluice(serve(over_tls(pair, echo)), "--ssl-target", *ca, *options)
    client = connect(bridge)
    client.send_frame(BINARY, b"hello")
    if reason is None:
        assert client.recv_data(5) == b"hello"
        assert "failed" not in bridge.log
    else:
        client.expect_close(1011)
        failed(bridge, reason)


def test_another_authority_is_not_trusted(wsluice, serve, connect, trusting, tmp_path):
    stranger = Authority(tmp_path, name="another authority").issue("target")
    bridge = wsluice(serve(over_tls(stranger, echo)), *trusting)
    connect(bridge).expect_close(1011)
    failed(bridge, "signed by nobody whom we trust")


def test_the_systems_authorities_are_the_default(wsluice, serve, connect, authority, server_pair):
    backend = serve(over_tls(server_pair, echo))
    connect(wsluice(backend, "--ssl-target")).expect_close(1011)
    client = connect(wsluice(backend, "--ssl-target", env={"SSL_CERT_FILE": str(authority.cert)}))
    client.send_frame(BINARY, b"hello")
    assert client.recv_data(5) == b"hello"


@pytest.mark.parametrize(
    "handler, words",
    [(greet, "does not speak TLS"), (hang_up, "went away during the handshake"), (be_silent, "in time")],
    ids=["greets", "hangs up", "silent"],
)
@pytest.mark.parametrize("order", [[], ["--dial-first"]], ids=["upgrade first", "dial first"])
def test_a_target_without_tls_is_told(wsluice, serve, connect, trusting, handler, words, order):
    # A greeting must be noticed without any time-out; only silence may run into it.
    patience = "1" if handler is be_silent else "600"
    bridge = wsluice(serve(handler), *trusting, *order, "--dial-timeout", patience)
    if order:
        connect(bridge, path=None).upgrade(expect=504 if handler is be_silent else 502)
    else:
        connect(bridge).expect_close(1011)
    failed(bridge, words)


def test_a_target_cut_off_is_no_orderly_end(wsluice, serve, connect, server_pair, trusting):
    def cut(wire):
        wire.send(b"half a")
        wire.sock.cut()
        wire.recv_some()

    client = connect(wsluice(serve(over_tls(server_pair, cut)), *trusting))
    assert client.recv_data(6) == b"half a"
    client.expect_close(1011)
