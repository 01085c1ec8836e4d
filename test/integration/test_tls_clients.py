"""Clients that people have, over https and wss, each with the certificate verified: curl, Python's ssl module
and Node. (Bulk through python3-websockets, npm ws and Chromium: test_bulk_*.py; mqtt.js: test_mqtt.py.)
"""
# ctest: world cost=13

import hashlib
import http.client
import os
import re
import socket
import ssl
import struct
import subprocess

import pytest

from harness import (
    BINARY,
    CLOSE,
    LIMIT_SECONDS,
    Authority,
    encode_frame,
    run_node,
    tls_client_context,
    upgrade_request,
)
from harness.s_client import speaks_tls_1_3

SMALL = b"<title>small</title>"
LARGE = 64 * 1024 * 1024
needs_tls_1_3 = pytest.mark.skipif(not speaks_tls_1_3(), reason="built with mbedTLS 2.28: TLS 1.2 only")
VERSIONS = ["1.2", pytest.param("1.3", marks=needs_tls_1_3)]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A folder with a small and a large file, and the large one's hash."""
    folder = tmp_path_factory.mktemp("web")
    data = os.urandom(LARGE)
    (folder / "large.bin").write_bytes(data)
    (folder / "small.html").write_bytes(SMALL)
    return folder, hashlib.sha256(data).hexdigest()


@pytest.fixture
def site(wsluice, echo_backend, tls_options, large):
    """wsluice with files and an echo, plain and over TLS."""
    return wsluice(echo_backend, "--web", large[0], *tls_options)


# --- curl --------------------------------------------------------------------------------------------------


def curl(*args, status=0):
    """What it prints, having ended with this status."""
    run = subprocess.run(["curl", "--silent", "--show-error", "--max-time", "60", *map(str, args)],
                         capture_output=True, timeout=90)
    assert run.returncode == status, f"curl {args}: {run.returncode}, {run.stderr.decode()}"
    return run.stdout if status == 0 else run.stderr


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_curl_gets_files(site, authority, large, version, host):
    options = ["--cacert", authority.cert, f"--tlsv{version}", "--tls-max", version]
    url = site.url(scheme="https", host=host)
    said = curl(*options, "--write-out", "%{http_code} %{http_version} %{size_download}", "--output", os.devnull,
                f"{url}large.bin")
    assert said == f"200 1.1 {LARGE}".encode(), "1.1, though curl offers h2 as well"
    assert hashlib.sha256(curl(*options, f"{url}large.bin")).hexdigest() == large[1]
    assert curl(*options, "--head", f"{url}small.html").startswith(b"HTTP/1.1 200 ")
    assert curl(*options, "--write-out", "%{http_code}", "--output", os.devnull, f"{url}missing") == b"404"


def test_curl_gets_many_files_over_one_connection(site, authority):
    url = site.url("/small.html", "https")
    said = curl("--cacert", authority.cert, "--write-out", "%{num_connects}", *([url] * 5))
    assert said == SMALL + b"1" + (SMALL + b"0") * 4


def test_curl_gets_files_without_tls_on_the_same_port(site):
    assert curl(site.url("/small.html", "http")) == SMALL


def test_curl_does_not_take_a_certificate_that_it_does_not_know(site):
    assert b"certificate" in curl(site.url("/small.html", "https"), status=60)
    site.wait_for_log("unknown_ca|unknown CA")


def test_curl_refuses_a_name_that_the_certificate_does_not_bear(site, authority):
    name = f"elsewhere.example:{site.port}"
    curl("--cacert", authority.cert, "--connect-to", f"{name}:127.0.0.1:{site.port}", f"https://{name}/small.html",
         status=60)
    assert curl("--insecure", "--connect-to", f"{name}:127.0.0.1:{site.port}", f"https://{name}/small.html") == SMALL


@pytest.mark.parametrize("version", VERSIONS)
def test_curl_with_and_without_a_certificate_of_its_own(wsluice, echo_backend, tls_options, authority, large, version):
    bridge = wsluice(echo_backend, "--web", large[0], *tls_options, "--verify-client", "--cafile", authority.cert)
    client = authority.issue(f"client {version}", usage="clientAuth")
    url = bridge.url("/small.html", "https")
    options = ["--cacert", authority.cert, "--tls-max", version]
    assert curl(*options, "--cert", client.cert, "--key", client.key, url) == SMALL
    # curl's status depends on the version: with 1.3 its own handshake is over before the server objects.
    assert b"alert" in curl(*options, url, status=35 if version == "1.2" else 56)
    bridge.wait_for_log("no client certificate was shown")
    assert curl(bridge.url("/small.html", "http"), "--write-out", "%{http_code}", "--output", os.devnull) == b"400"


# --- Python's ssl module, on sockets ---------------------------------------------------------------------


def tls_version(number):
    return {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[number]


@pytest.mark.parametrize("version", VERSIONS)
def test_http_client_gets_files(site, authority, large, version):
    context = tls_client_context(authority.cert, tls_version(version))
    connection = http.client.HTTPSConnection("localhost", site.port, context=context, timeout=LIMIT_SECONDS)
    for _ in range(2):  # over one connection
        connection.request("GET", "/large.bin")
        assert hashlib.sha256(connection.getresponse().read()).hexdigest() == large[1]
    assert connection.sock.version() == f"TLSv{version}"
    connection.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_over_pythons_own_sockets(site, authority, version):
    context = tls_client_context(authority.cert, tls_version(version))
    with socket.create_connection(("127.0.0.1", site.port), LIMIT_SECONDS) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as sock:
            stream = sock.makefile("rb")
            sock.sendall(upgrade_request())
            assert stream.readline().startswith(b"HTTP/1.1 101 ")
            while stream.readline() != b"\r\n":
                pass
            for size in (1, 125, 126, 16384, 65535):
                data = os.urandom(size)
                sock.sendall(encode_frame(BINARY, data))
                assert read_data(stream, size) == data
            sock.sendall(encode_frame(CLOSE, struct.pack(">H", 1000)))
            assert stream.read() == b"\x88\x02\x03\xe8", "the Close, then close_notify: else read() raises"


def client_certificates(authority, folder):
    """Each kind that is refused, and the alert that says so."""
    stranger = Authority(folder, "unknown")
    return [
        ("missing", None, "NO_CERTIFICATE|HANDSHAKE_FAILURE|CERTIFICATE_REQUIRED"),
        ("of somebody else's", stranger.issue("stranger", usage="clientAuth"), "UNKNOWN_CA"),
        ("expired", authority.issue("late", usage="clientAuth", days=-1), "CERTIFICATE_EXPIRED"),
        ("a server's", authority.issue("a server", usage="serverAuth"), "UNSUPPORTED_CERTIFICATE|BAD_CERTIFICATE"),
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_hears_what_is_wrong_with_its_certificate(wsluice, echo_backend, tls_options, authority, tmp_path,
                                                           version):
    bridge = wsluice(echo_backend, *tls_options, "--verify-client", "--cafile", authority.cert)
    for name, pair, alert in client_certificates(authority, tmp_path):
        context = tls_client_context(authority.cert, tls_version(version), cert=pair)
        with socket.create_connection(("127.0.0.1", bridge.port), LIMIT_SECONDS) as plain:
            with pytest.raises(ssl.SSLError) as refused:
                with context.wrap_socket(plain, server_hostname="localhost") as sock:
                    sock.recv(1)  # in 1.3 the client is done before the server has looked
        assert re.search(alert, str(refused.value)), f"{name}: {refused.value}"


def read_data(stream, count):
    """`count` bytes of payload, over as many frames as they take."""
    data = b""
    while len(data) < count:
        first, length = stream.read(2)
        assert first == 0x80 | BINARY
        if length == 126:
            length = struct.unpack(">H", stream.read(2))[0]
        assert length < 126 or length > 125
        data += stream.read(length)
    return data


# --- Node --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_node_over_each_version(site, authority, version):
    seen = run_node("integration/clients/tls_session.mjs", port=site.port, ca=str(authority.cert),
                    version=f"TLSv{version}")
    assert seen["protocol"] == f"TLSv{version}"
    assert seen["page"] == SMALL.decode()
    assert seen["echo"] == "through TLS"
    assert seen["resumed"], "the second connection brought the first one's ticket"
    assert (seen["code"], seen["unknown"]) == (1000, "UNABLE_TO_VERIFY_LEAF_SIGNATURE")
