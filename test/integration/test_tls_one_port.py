# ctest: timeout=400
"""ws, wss, http and https on one port; what --ssl-only says to those without TLS; and which files TLS starts
with, down to those that it can't start with."""

import os
import re
import shutil
import subprocess

import pytest

from harness import (
    BINARY,
    RawClient,
    binary,
    encrypt_key,
    openssl,
    s_client,
    tls_client_context,
    upgrade_request,
)
from harness.process import own_environment

SECRET = b"what the page says\n"


@pytest.fixture
def web(tmp_path):
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "page.txt").write_bytes(SECRET)
    return folder


@pytest.fixture
def context(authority):
    return tls_client_context(authority.cert)


@pytest.fixture
def free_client(connect):
    return lambda bridge: connect(bridge, path=None)


def trip(client, data=b"there and back"):
    client.send_frame(BINARY, data)
    assert client.recv_data(len(data)) == data


def get(client, path="/page.txt"):
    return client.request(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode())


# ---- one port ----


@pytest.mark.parametrize("workers", ["1", "4"])
def test_four_protocols_on_one_port(wsluice, echo_backend, connect, server_pair, context, web, workers):
    bridge = wsluice(echo_backend, "--cert", server_pair.both, "--web", web, "--workers", workers)
    for _ in range(4):
        trip(connect(bridge))
        trip(connect(bridge, tls=context))
        assert get(connect(bridge, path=None)).body == SECRET
        secured = connect(bridge, path=None, tls=context)
        assert get(secured).body == SECRET
        assert get(secured).body == SECRET, "the connection is kept"
        secured.upgrade()
        trip(secured)


def test_the_first_bytes_may_come_alone(wsluice, echo_backend, server_pair, free_client):
    """TLS told by its first byte, whatever the segments: here hellos that never become one."""
    bridge = wsluice(echo_backend, "--cert", server_pair.both, "--handshake-timeout", "1")
    clients = [free_client(bridge) for _ in range(4)]
    for client, first in zip(clients, [b"\x16", b"\x16\x03", b"\x16\x03\x01", b"\x16\x03\x01\x00\x05"]):
        client.send(first)
    for client in clients:
        data, how = client.recv_to_end()
        assert b"HTTP" not in data and how == "fin", (data, how)


# ---- --ssl-only ----

PLAIN = {
    "GET": b"GET /page.txt HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET of HTTP/1.0": b"GET /page.txt HTTP/1.0\r\n\r\n",
    "GET of a folder without its slash": b"GET /folder HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "POST": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
    "upgrade": upgrade_request(),
    "upgrade and frames": upgrade_request() + b"\x81\x80\x00\x00\x00\x00" * 3,
    "garbage": b"\x00\x01\x02\x03 not HTTP at all\r\n\r\n",
    "no words": b"\r\n\r\nx\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "HTTP/2 with prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "SSLv2 hello": bytes.fromhex("802e0103010015000000100100800300800600400200800400800000ff") + bytes(20),
    "an alert without TLS": bytes.fromhex("15030100020228"),
    "application data without a handshake": bytes.fromhex("1703030010") + bytes(16),
}


@pytest.fixture
def strict(wsluice, backend, server_pair, web):
    (web / "folder").mkdir()
    bridge = wsluice(backend, "--cert", server_pair.both, "--ssl-only", "--web", web, "--handshake-timeout", "1")
    yield bridge
    backend.expect_no_dial(0.1)


@pytest.mark.parametrize("what", PLAIN)
def test_ssl_only_answers_in_plain_text(strict, free_client, what):
    client = free_client(strict)
    client.send(PLAIN[what])
    data, how = client.recv_to_end()
    assert data.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 408 ")), (data, how)
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"Content-Type: text/plain" in head and b"Location" not in head and b"Connection: close" in head, head
    assert SECRET not in data and how == "fin", (data, how)
    if b" 408 " not in head.partition(b"\r\n")[0]:
        assert b"https://" in body and b"wss://" in body, data
        strict.wait_for_log("request refused status=400 .*this port accepts only TLS")


def test_ssl_only_answers_head_without_a_body(strict, free_client):
    client = free_client(strict)
    client.send(b"HEAD /page.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
    data, how = client.recv_to_end()
    assert data.startswith(b"HTTP/1.1 400 ") and data.endswith(b"\r\n\r\n") and how == "fin", data


def test_ssl_only_waits_for_nobody_forever(strict, free_client):
    clients = {sent: free_client(strict) for sent in (b"", b"G", b"GET / HTTP/1.1\r\nHost: loc", b"\r\n")}
    for sent, client in clients.items():
        if sent:
            client.send(sent)
    for sent, client in clients.items():
        data, how = client.recv_to_end()
        assert how == "fin" and (not data or data.startswith(b"HTTP/1.1 4")), (sent, data, how)


def test_ssl_only_serves_those_with_tls(strict, backend, connect, context):
    trip_client = connect(strict, tls=context)
    service = backend.accept()
    trip_client.send_frame(BINARY, b"up")
    assert service.recv_exact(2) == b"up"
    assert get(connect(strict, path=None, tls=context)).body == SECRET


# ---- TLS without a certificate ----


def test_tls_to_a_port_without_certificate_ends_at_once(wsluice, backend, tmp_path):
    bridge = wsluice(backend)
    for i in range(3):
        said = s_client(bridge.port, "-tls1_2")
        assert not said.cipher and "unexpected eof" in said.text, said
        bridge.wait_for_log(r"TLS handshake with the client failed client=\S+ reason=\"no certificate is given \(--cert\)\"",
                            count=i + 1)
    backend.expect_no_dial(0.1)


# ---- which certificate ----


@pytest.fixture
def start_in(wsluice, tmp_path):
    """Starts it in an empty folder, whatever the tests' own holds."""
    return lambda *args: wsluice.run(*args, cwd=tmp_path)


def test_self_pem_is_picked_up(start_in, echo_backend, connect, server_pair, context, tmp_path):
    shutil.copyfile(server_pair.both, tmp_path / "self.pem")
    bridge = start_in("127.0.0.1:0", *echo_backend.target_args).wait_until_listening()
    bridge.wait_for_log('no --cert given: using "self.pem" of the working directory')
    trip(connect(bridge, tls=context))
    trip(connect(bridge))


def test_no_self_pem_no_tls_no_word(start_in, echo_backend, connect):
    bridge = start_in("127.0.0.1:0", *echo_backend.target_args).wait_until_listening()
    trip(connect(bridge))
    assert "self.pem" not in bridge.log and "certificate" not in bridge.log


@pytest.mark.parametrize("option", ["--ssl-only", "--verify-client"])
def test_tls_only_without_the_default_certificate_is_wrong_usage(start_in, option):
    bridge = start_in(option, "127.0.0.1:0", "127.0.0.1:1")
    bridge.expected_status = 2
    assert bridge.wait_for_exit() == 2
    assert option in bridge.log and "--cert" in bridge.log, bridge.log


def test_a_named_certificate_that_is_missing_is_no_wrong_usage(start_in):
    bridge = start_in("--ssl-only", "--cert", "self.pem", "127.0.0.1:0", "127.0.0.1:1")
    bridge.expected_status = 1
    assert bridge.wait_for_exit() == 1
    assert "self.pem" in bridge.log, bridge.log


def csr(pair, target):
    openssl("req", "-new", "-key", pair.key, "-subj", "/CN=request", "-out", target)


def public_key(pair, target):
    openssl("pkey", "-in", pair.key, "-pubout", "-out", target)


def der(pair, target):
    openssl("x509", "-in", pair.cert, "-outform", "DER", "-out", target)


def cut(pair, target):
    target.write_bytes(pair.cert.read_bytes()[:300])


def damaged(pair, target):
    lines = pair.cert.read_text().splitlines()
    lines[3] = lines[3][::-1]
    target.write_text("\n".join(lines) + "\n")


BROKEN = {
    # what: (makes the file, what the line says besides its path, whether it takes the certificate's place)
    "missing": (None, "no such file", "cert"),
    "empty": (lambda pair, target: target.write_bytes(b""), "empty|no certificate|PEM", "cert"),
    "garbage": (lambda pair, target: target.write_bytes(os.urandom(3000)), "PEM|certificate", "cert"),
    "words": (lambda pair, target: target.write_text("my certificate\n"), "PEM|certificate", "cert"),
    "a CSR": (csr, "request", "cert"),
    "a public key": (public_key, "public key", "cert"),
    "DER": (der, "DER|PEM", "cert"),
    "cut": (cut, "PEM|cut|certificate", "cert"),
    "damaged": (damaged, "certificate", "cert"),
    "a folder": (lambda pair, target: target.mkdir(), "directory", "cert"),
    "only a key": (lambda pair, target: shutil.copyfile(pair.key, target), "key|certificate", "cert"),
    "no key": (lambda pair, target: shutil.copyfile(pair.cert, target), "key", "alone"),
    "key missing": (None, "no such file", "key"),
    "key empty": (lambda pair, target: target.write_bytes(b""), "key", "key"),
    "key is garbage": (lambda pair, target: target.write_bytes(os.urandom(3000)), "key|PEM", "key"),
    "key is a certificate": (lambda pair, target: shutil.copyfile(pair.cert, target), "key", "key"),
    "key is a public one": (public_key, "public", "key"),
    "key is a folder": (lambda pair, target: target.mkdir(), "directory", "key"),
    "key without its password": (lambda pair, target: encrypt_key(pair.key, "x", target), "password|encrypted", "key"),
}


def complaints(log):
    """Its lines, but for the one about an old mbedTLS."""
    return [line for line in log.splitlines() if "built with mbedTLS 2.28" not in line]


def expect_refusal(bridge, path, words):
    """Exit 1 with one line that names the file and says `words`."""
    bridge.expected_status = 1
    assert bridge.wait_for_exit() == 1, bridge.log
    assert len(complaints(bridge.log)) == 1, bridge.log
    assert str(path) in bridge.log and re.search(words, bridge.log), bridge.log


@pytest.mark.parametrize("what", BROKEN)
def test_a_file_that_is_not_what_it_should_be(wsluice, server_pair, tmp_path, what):
    make, words, place = BROKEN[what]
    path = tmp_path / "named.pem"
    if make:
        make(server_pair, path)
    files = {
        "cert": ["--cert", path, "--key", server_pair.key],
        "alone": ["--cert", path],
        "key": ["--cert", server_pair.cert, "--key", path],
    }[place]
    expect_refusal(wsluice.run(*files, "127.0.0.1:0", "127.0.0.1:1"), path, words)


def test_a_key_of_another_certificate(wsluice, authority, server_pair):
    other = authority.issue("some-other")
    bridge = wsluice.run("--cert", server_pair.cert, "--key", other.key, "127.0.0.1:0", "127.0.0.1:1")
    expect_refusal(bridge, other.key, "does not (fit|match|belong)")


def test_a_kind_of_key_that_is_not_known(wsluice, authority):
    pair = authority.issue("edwards", key="ed25519")
    expect_refusal(wsluice.run("--cert", pair.both, "127.0.0.1:0", "127.0.0.1:1"), pair.both, "Ed25519|kind of key|supported")


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_wrong_password(wsluice, authority, tmp_path, kind):
    pair = authority.issue(f"locked-{kind}", key=kind)
    key = encrypt_key(pair.key, "right", tmp_path / "locked.key")
    bridge = wsluice.run("--cert", pair.cert, "--key", key, "--key-password", "wrong-one", "127.0.0.1:0", "127.0.0.1:1")
    expect_refusal(bridge, key, "password")
    assert "wrong-one" not in bridge.log


def test_an_unreadable_file(start_in, server_pair, tmp_path):
    """As somebody who may not read it: root may read all."""
    if os.getuid() != 0:
        pytest.skip("needs root to become somebody else")
    secret = tmp_path / "secret.pem"
    shutil.copyfile(server_pair.both, secret)
    secret.chmod(0o600)
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_uid == os.getuid() and str(folder) != "/" and str(folder) != "/tmp":
            folder.chmod(folder.stat().st_mode | 0o055)
    run = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", binary(), "--cert", secret,
                          "127.0.0.1:0", "127.0.0.1:1"], capture_output=True, text=True, timeout=30, env=own_environment())
    if "Permission denied" in run.stderr and binary() in run.stderr:
        pytest.skip("the program itself can't be run by others here")
    assert run.returncode == 1 and len(complaints(run.stderr)) == 1, run.stderr
    assert str(secret) in run.stderr and "no permission to read it" in run.stderr, run.stderr


@pytest.mark.parametrize("content, words", [(None, "No such file"), ("folder", "directory")])
def test_a_password_file_that_is_none(wsluice, server_pair, tmp_path, content, words):
    path = tmp_path / "password"
    if content:
        path.mkdir()
    bridge = wsluice.run("--cert", server_pair.both, "--key-password-file", path, "127.0.0.1:0", "127.0.0.1:1")
    expect_refusal(bridge, path, words)


def test_cafile_that_is_none(wsluice, server_pair, tmp_path):
    path = tmp_path / "authorities.pem"
    path.write_text("nobody\n")
    bridge = wsluice.run("--cert", server_pair.both, "--verify-client", "--cafile", path, "127.0.0.1:0", "127.0.0.1:1")
    expect_refusal(bridge, path, "certificate")


def test_an_expired_certificate_starts_with_a_warning(wsluice, echo_backend, connect, authority):
    pair = authority.issue("yesterday", days=-1)
    bridge = wsluice(echo_backend, "--cert", pair.both)
    bridge.wait_for_log("warn .*has expired on")
    with RawClient(bridge.port, tls=tls_client_context()) as client:
        client.upgrade()
        trip(client)
