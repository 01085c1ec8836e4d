# ctest: timeout=400 threads cost=20
"""--ssl-target: TLS toward the service, verified by authority and name; what is wrong with it is said to the
page in words and in the log as "toward the target"; and the ends of its stream are passed on truly."""

import hashlib
import os
import re
import ssl
import threading

import pytest

from harness import (
    BINARY,
    Authority,
    Backend,
    TlsSocket,
    Wire,
    speaks_tls_1_3,
    tls_client_context,
    tls_server_context,
    upgrade_request,
)

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
VERSIONS = [pytest.param(TLS12, id="1.2"), pytest.param(
    TLS13, id="1.3", marks=pytest.mark.skipif(not speaks_tls_1_3(), reason="mbedTLS 2.28 has no TLS 1.3"))]
# Under ThreadSanitizer a byte of AES takes twenty times as long, and threads have no part in it.
BULK = (1 if os.environ.get("WSLUICE_SANITIZE") == "thread" else 16) << 20


def over_tls(context, handler):
    """A handler for a Backend: the handshake, then handler(wire) over TLS."""

    def handle(wire):
        try:
            secured = TlsSocket(wire.sock, context, server_side=True)
        except (ssl.SSLError, OSError):
            return
        handler(Wire(secured, wire.limit))

    return handle


def echo(wire):
    while data := wire.recv_some():
        wire.send(data)
    wire.sock.say_close()


class Service:
    """A TLS service that a test plays: accept() gives a wire whose handshake is over."""

    def __init__(self, context):
        self.context = context
        self.backend = Backend()
        self.target_args = self.backend.target_args

    def accept(self):
        plain = self.backend.accept()
        plain.sock.settimeout(10)
        return Wire(TlsSocket(plain.sock, self.context, server_side=True))


@pytest.fixture
def service(server_pair):
    playing = Service(tls_server_context(server_pair))
    yield playing
    playing.backend.close()


@pytest.fixture
def start(wsluice, authority):
    """Verifies against this run's authority unless the options say otherwise."""

    def run(target, *options, trust=True):
        return wsluice(target, "--ssl-target", *(["--ssl-target-ca", authority.cert] if trust else []), *options)

    return run


def trip(client, data=b"there and back"):
    client.send_frame(BINARY, data)
    assert client.recv_data(len(data)) == data


# ---- good ones ----


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("order", ["its order", "ours"])
def test_a_verified_target(start, serve, connect, authority, version, kind, order):
    """A target of TLS 1.2 alone that goes by its own order signs with RSA-PSS, which mbedTLS 3.6 can't check there:
    it is dialled once more, without TLS 1.3."""
    context = tls_server_context(authority.issue(f"target-{kind}-{version.name}-{order[0]}", key=kind), version)
    if order == "ours":
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    bridge = start(serve(over_tls(context, echo)))
    client = connect(bridge)
    trip(client)
    trip(client, os.urandom(300000))


@pytest.mark.parametrize("dial_first", [False, True], ids=["", "dial-first"])
def test_tls_on_both_sides(start, serve, connect, authority, server_pair, tls_options, dial_first):
    bridge = start(serve(over_tls(tls_server_context(server_pair), echo)), *tls_options,
                   *(["--dial-first"] if dial_first else []))
    client = connect(bridge, tls=tls_client_context(authority.cert))
    trip(client, os.urandom(100000))
    client.send_close()
    client.expect_close(1000)
    client.expect_end("fin")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("secured", [False, True], ids=["ws", "wss"])
def test_megabytes_each_way(start, serve, connect, authority, server_pair, tls_options, version, secured):
    bridge = start(serve(over_tls(tls_server_context(server_pair, version), echo)), *tls_options, "--workers", "4")
    client = connect(bridge, tls=tls_client_context(authority.cert) if secured else None)
    data = os.urandom(BULK)
    sender = threading.Thread(
        target=lambda: [client.send_frame(BINARY, data[at:at + 100000]) for at in range(0, BULK, 100000)])
    sender.start()
    got = client.recv_data(BULK)
    sender.join()
    assert hashlib.sha256(got).digest() == hashlib.sha256(data).digest()


def test_the_first_bytes_of_a_target_that_speaks_first(start, serve, connect, server_pair):
    def greet(wire):
        wire.send(b"220 welcome")
        echo(wire)

    client = connect(start(serve(over_tls(tls_server_context(server_pair), greet))))
    assert client.recv_data(11) == b"220 welcome"
    trip(client)


# ---- whom to trust ----


@pytest.fixture(scope="module")
def shown(authority, tmp_path_factory):
    """What targets show, by what it is."""
    folder = tmp_path_factory.mktemp("targets")
    return {
        "for another name": authority.issue("t-elsewhere", names="DNS:elsewhere.example"),
        "for another address": authority.issue("t-address", names="IP:127.0.0.9"),
        "without any name": authority.issue("t-nameless", names=None),
        "expired": authority.issue("t-expired", days=-1),
        "of another authority": Authority(folder, "t strangers").issue("t-stranger"),
        "for clients only": authority.issue("t-client", usage="clientAuth"),
    }


WORDS = {
    "for another name": "issued for another (name|address)",
    "for another address": "issued for another (name|address)",
    "without any name": "issued for another (name|address)",
    "expired": "expired",
    "of another authority": "not signed by a trusted CA",
    "for clients only": "not made for this use",
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("what", WORDS)
def test_an_untrusted_target(start, serve, connect, shown, version, what):
    bridge = start(serve(over_tls(tls_server_context(shown[what], version), echo)))
    client = connect(bridge)
    close = client.expect_close(1011)
    assert "certificate" in close.close_reason.lower() or "TLS" in close.close_reason, close
    bridge.wait_for_log(f"toward the target.*{WORDS[what]}")


def test_a_name_is_checked_where_the_target_is_given_by_name(wsluice, authority, serve, connect, shown, server_pair):
    for pair, good in ((server_pair, True), (shown["for another name"], False)):
        backend = serve(over_tls(tls_server_context(pair), echo))
        bridge = wsluice(f"localhost:{backend.port}", "--ssl-target", "--ssl-target-ca", authority.cert)
        client = connect(bridge)
        trip(client) if good else client.expect_close(1011)


def test_a_name_of_the_operators(start, serve, connect, shown):
    """--ssl-target-name is what is asked for (SNI) and what the certificate must bear."""
    asked = []
    context = tls_server_context(shown["for another name"])
    context.sni_callback = lambda sock, name, _: asked.append(name)
    backend = serve(over_tls(context, echo))
    trip(connect(start(backend, "--ssl-target-name", "elsewhere.example")))
    assert asked == ["elsewhere.example"]
    connect(start(backend, "--ssl-target-name", "nowhere.example")).expect_close(1011)


def test_the_systems_authorities_are_the_default(start, wsluice, authority, serve, connect, server_pair):
    backend = serve(over_tls(tls_server_context(server_pair), echo))
    connect(start(backend, trust=False)).expect_close(1011)
    trip(connect(wsluice(backend, "--ssl-target", env={"SSL_CERT_FILE": str(authority.cert)})))


@pytest.mark.parametrize("what", WORDS)
def test_insecure_takes_them_all(start, serve, connect, shown, what):
    if what == "for clients only":
        pytest.skip("OpenSSL would not even start such a server everywhere")
    bridge = start(serve(over_tls(tls_server_context(shown[what]), echo)), "--ssl-target-insecure", trust=False)
    trip(connect(bridge))


@pytest.mark.parametrize("what, status", [("expired", 502), ("of another authority", 502)])
def test_dial_first_says_it_by_status(start, serve, connect, shown, what, status):
    bridge = start(serve(over_tls(tls_server_context(shown[what]), echo)), "--dial-first")
    client = connect(bridge, path=None)
    assert client.upgrade(expect=status).status == status
    bridge.wait_for_log(f"toward the target.*{WORDS[what]}")


# ---- targets without TLS ----


def speaks_first(wire):
    wire.send(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n")
    while wire.recv_some():
        pass


def answers_400(wire):
    wire.recv_some()
    wire.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def hangs_up(wire):
    wire.recv_some()


def sends_an_alert(wire):
    wire.recv_some()
    wire.send(bytes.fromhex("15030300020228"))


def sends_a_record_of_64_kb(wire):
    wire.recv_some()
    wire.send(b"\x16\x03\x03\xff\xff" + bytes(65535))


PLAIN = {
    "speaks first": (speaks_first, "does not speak TLS"),
    "HTTP": (answers_400, "does not speak TLS"),
    "hangs up": (hangs_up, "went away during the handshake|broke off"),
    "refuses": (sends_an_alert, "alert handshake_failure"),
    "sends too large a record": (sends_a_record_of_64_kb, "the target sent a malformed record"),
}


@pytest.mark.parametrize("what", PLAIN)
def test_a_target_without_tls_is_noticed_at_once(start, serve, connect, what):
    handler, words = PLAIN[what]
    bridge = start(serve(handler), "--dial-timeout", "60")  # nobody waits for that
    close = connect(bridge).expect_close(1011)
    assert close.close_reason, close
    bridge.wait_for_log(f"toward the target.*({words})")


def silent(wire):
    while wire.recv_some():
        pass


def test_a_silent_target_runs_out_of_time(start, serve, connect):
    bridge = start(serve(silent), "--dial-timeout", "0.5")
    connect(bridge).expect_close(1011)
    bridge.wait_for_log("toward the target.*in time")


@pytest.mark.parametrize("handler, status", [(speaks_first, 502), (silent, 504)])
def test_dial_first_and_no_tls(start, serve, connect, handler, status):
    bridge = start(serve(handler), "--dial-first", "--dial-timeout", "0.5")
    client = connect(bridge, path=None)
    client.send(upgrade_request())
    assert client.recv_response().status == status


# ---- ends ----


def test_the_targets_close_notify_is_an_orderly_end(start, connect, service):
    client = connect(start(service))
    wire = service.accept()
    wire.send(b"last words")
    wire.finish()
    data, close = client.recv_until_close()
    assert (data, close.close_code, close.close_reason) == (b"last words", 1000, "Target closed")


def test_a_cut_stream_is_none(start, connect, service):
    bridge = start(service)
    client = connect(bridge)
    wire = service.accept()
    wire.send(b"all of this")
    wire.sock.cut()
    data, close = client.recv_until_close()
    assert data == b"all of this" and close.close_code == 1011 and "cut off" in close.close_reason, close
    client.send_close(1011)
    client.close()  # else the session waits for it
    bridge.wait_for_log("side=backend .*close_notify.* code=1011 ")


def test_a_damaged_record_of_the_targets(start, connect, service):
    bridge = start(service)
    client = connect(bridge)
    wire = service.accept()
    wire.send(b"good")
    sealed = bytearray(wire.sock.seal(b"never to arrive"))
    sealed[-1] ^= 1
    wire.sock.send_raw(sealed)
    data, close = client.recv_until_close()
    assert data == b"good" and close.close_code == 1011, close
    bridge.wait_for_log("TLS with the target failed|TLS toward the target failed")


def test_the_clients_close_comes_as_close_notify(start, connect, service):
    client = connect(start(service))
    wire = service.accept()
    client.send_frame(BINARY, b"all")
    client.send_close()
    client.expect_close(1000)
    assert wire.recv_to_end() == (b"all", "fin")


def test_a_client_that_was_cut_off_comes_as_a_reset(start, connect, service):
    client = connect(start(service))
    wire = service.accept()
    client.send_frame(BINARY, b"bad", mask=None)
    client.expect_close(1002)
    assert wire.was_reset()


# ---- files ----


def test_an_authority_file_that_is_none(wsluice, tmp_path):
    path = tmp_path / "authority.pem"
    path.write_text("nobody\n")
    bridge = wsluice.run("--ssl-target", "--ssl-target-ca", path, "127.0.0.1:0", "127.0.0.1:1")
    bridge.expected_status = 1
    assert bridge.wait_for_exit() == 1
    assert len(re.findall("^wsluice: ", bridge.log, re.MULTILINE)) == 1 and str(path) in bridge.log, bridge.log
