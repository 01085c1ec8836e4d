# ctest: timeout=600 threads cost=30
"""Handshakes as clients of all kinds begin them: versions, suites, groups, names, protocols, resumption and
what must be refused; and the certificates and keys that people have."""

import hashlib
import re
import ssl
import subprocess

import pytest

from harness import (
    BINARY,
    Authority,
    Pair,
    encrypt_key,
    openssl,
    s_client,
    s_client_script,
    speaks_tls_1_3,
    tls_client_context,
    wait_until,
)

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
needs_1_3 = pytest.mark.skipif(not speaks_tls_1_3(), reason="mbedTLS 2.28 has no TLS 1.3")
VERSIONS = [pytest.param(TLS12, id="1.2"), pytest.param(TLS13, id="1.3", marks=needs_1_3)]
FLAGS = [pytest.param("-tls1_2", id="1.2"), pytest.param("-tls1_3", id="1.3", marks=needs_1_3)]

HANDSHAKE_FAILURE, PROTOCOL_VERSION, NO_APPLICATION_PROTOCOL = 40, 70, 120
KINDS = ["ec", "ec384", "rsa"]
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def pairs(authority):
    return {kind: authority.issue(f"handshake-{kind}", key=kind) for kind in KINDS}


@pytest.fixture
def start(wsluice, echo_backend, pairs):
    """start("--option", ..., pair=..., kind=...) is a bridge with one certificate."""

    def run(*options, pair=None, kind="ec"):
        pair = pair or pairs[kind]
        return wsluice(echo_backend, "--log-level", "debug", "--cert", pair.cert, "--key", pair.key, *options)

    return run


def ask(bridge, *options):
    """An HTTP request through s_client, to the end of the answer."""
    return s_client_script(bridge.port, *options, "-ign_eof", steps=[(b"---\n", b""), (b"---\n", REQUEST)])


def trip(client, data=b"there and back"):
    client.send_frame(BINARY, data)
    assert client.recv_data(len(data)) == data


# ---- versions and suites ----


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", VERSIONS)
def test_both_versions_with_every_kind_of_key(start, connect, authority, kind, version):
    client = connect(start(kind=kind), tls=tls_client_context(authority.cert, version))
    assert client.sock.tls.version() == version.name.replace("v1_", "v1.")
    trip(client)


SUITES_1_2 = [
    ("ec", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ("ec", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    ("ec", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    ("rsa", "ECDHE-RSA-AES128-GCM-SHA256"),
    ("rsa", "ECDHE-RSA-AES256-GCM-SHA384"),
    ("rsa", "ECDHE-RSA-CHACHA20-POLY1305"),
]
SUITES_1_3 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_each_suite_alone(start, kind):
    bridge = start(kind=kind)
    for suite in [name for of, name in SUITES_1_2 if of == kind]:
        said = s_client(bridge.port, "-tls1_2", "-cipher", suite)
        assert (said.version, said.cipher) == ("TLSv1.2", suite), said
        assert "Extended master secret: yes" in said.text, said
    for suite in SUITES_1_3 if speaks_tls_1_3() else []:
        said = s_client(bridge.port, "-tls1_3", "-ciphersuites", suite)
        assert (said.version, said.cipher) == ("TLSv1.3", suite), said


REFUSED = {
    "CBC": ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0"),
    "RSA key exchange": ("-tls1_2", "-cipher", "kRSA:@SECLEVEL=0"),
    "DHE": ("-tls1_2", "-cipher", "kDHE:@SECLEVEL=0"),
    "PSK": ("-tls1_2", "-cipher", "kPSK:kECDHEPSK:@SECLEVEL=0", "-psk", "00112233"),
    "anonymous": ("-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"),
    "no encryption": ("-tls1_2", "-cipher", "eNULL:@SECLEVEL=0"),
    "CCM": ("-tls1_2", "-cipher", "AESCCM:@SECLEVEL=0"),
    "Camellia and ARIA": ("-tls1_2", "-cipher", "CAMELLIA:ARIA:@SECLEVEL=0"),
    "secp256k1": ("-tls1_2", "-groups", "secp256k1"),
    "brainpool": ("-tls1_2", "-groups", "brainpoolP256r1"),
    "TLS 1.1": ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"),
    "TLS 1.0": ("-tls1", "-cipher", "ALL:@SECLEVEL=0"),
}
REFUSED_1_3 = {
    "CCM in 1.3": ("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"),
    "FFDHE": ("-tls1_3", "-groups", "ffdhe2048:ffdhe3072"),
}


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_what_is_weak_or_rare_is_refused_with_an_alert(start, kind):
    bridge = start(kind=kind)
    offers = {**REFUSED, **(REFUSED_1_3 if speaks_tls_1_3() else {})}
    for i, (name, options) in enumerate(offers.items(), 1):
        said = s_client(bridge.port, *options)
        wanted = PROTOCOL_VERSION if name.startswith("TLS 1.") else HANDSHAKE_FAILURE
        assert said.alert == wanted and not said.cipher, f"{name}: {said}"
        bridge.wait_for_log("TLS handshake with the client failed client=", count=i)
    assert 'in common"' in bridge.log
    assert s_client(bridge.port).cipher, "refusing others must not stop the service"


@pytest.mark.parametrize("group", ["X25519", "P-256", "P-384", "P-521", "X448"])
@pytest.mark.parametrize("version", FLAGS)
def test_groups_are_taken_as_they_come(start, version, group):
    if group == "X448" and not speaks_tls_1_3():
        pytest.skip("mbedTLS 2.28 has no X448 in TLS")
    # With an ECDSA certificate OpenSSL would want its curve among the groups in TLS 1.2.
    said = s_client(start(kind="rsa").port, version, "-groups", group, "-msg")
    assert said.cipher, said
    if version == "-tls1_3":  # one hello of each: no HelloRetryRequest
        assert said.messages()[:2] == ["> ClientHello", "< ServerHello"], said
        assert said.messages().count("> ClientHello") == 1, said


@needs_1_3
@pytest.mark.parametrize("groups", ["X25519:P-256", "P-256:X25519", "P-384:X25519:P-256"])
def test_the_share_that_was_sent_is_used(start, groups):
    said = s_client(start().port, "-tls1_3", "-groups", groups, "-msg")
    assert said.messages().count("> ClientHello") == 1, said
    used = said.field(r"^Server Temp Key: (?:ECDH, )?(\w+)")
    assert used == {"X25519": "X25519", "P-256": "prime256v1", "P-384": "secp384r1"}[groups.split(":")[0]], said


@needs_1_3
def test_a_share_of_an_unknown_group_costs_one_more_round_trip(start):
    said = s_client(start().port, "-tls1_3", "-groups", "ffdhe2048:P-256", "-msg")
    assert said.cipher and said.messages().count("> ClientHello") == 2, said


@pytest.mark.parametrize("wanted", ["tlsv1_3", "TLSv1.3", "1.3"])
@needs_1_3
def test_ssl_version_shuts_1_2_out(start, wanted):
    bridge = start("--ssl-version", wanted)
    said = s_client(bridge.port, "-tls1_2")
    assert said.alert == PROTOCOL_VERSION, said
    assert s_client(bridge.port).version == "TLSv1.3"
    bridge.wait_for_log('reason="no TLS version in common"')


@pytest.mark.parametrize("wanted", ["tlsv1_1", "tlsv1_2", "default"])
def test_ssl_version_of_old_scripts(start, wanted):
    bridge = start("--ssl-version", wanted)
    assert s_client(bridge.port, "-tls1_2").version == "TLSv1.2"
    assert s_client(bridge.port, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0").alert == PROTOCOL_VERSION


# ---- the operator's list of suites ----

LISTS = {
    # list: (what TLS 1.2 then chooses of all, the preferred suite of TLS 1.3; None: nothing in common)
    "ECDHE-RSA-AES256-GCM-SHA384": ("ECDHE-RSA-AES256-GCM-SHA384", "any"),
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256": ("ECDHE-RSA-CHACHA20-POLY1305", "any"),
    "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384": ("ECDHE-RSA-AES256-GCM-SHA384", "any"),
    "HIGH": ("ECDHE-RSA-AES128-GCM-SHA256", "any"),
    "HIGH:!AES128": ("ECDHE-RSA-AES256-GCM-SHA384", "any"),
    "HIGH:!AESGCM": ("ECDHE-RSA-CHACHA20-POLY1305", "any"),
    "HIGH:!aNULL:!MD5:!RC4": ("ECDHE-RSA-AES128-GCM-SHA256", "any"),
    "ECDHE-ECDSA-AES128-GCM-SHA256": (None, "any"),
    "TLS_CHACHA20_POLY1305_SHA256": (None, "TLS_CHACHA20_POLY1305_SHA256"),
    "TLS_AES_256_GCM_SHA384:ECDHE-RSA-AES128-GCM-SHA256": ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_AES_256_GCM_SHA384"),
}


@pytest.mark.parametrize("ciphers", LISTS)
def test_ssl_ciphers(start, ciphers):
    chosen, chosen_1_3 = LISTS[ciphers]
    if not speaks_tls_1_3() and chosen is None and chosen_1_3 != "any":
        pytest.skip("nothing is left of this list without TLS 1.3")
    bridge = start("--ssl-ciphers", ciphers, kind="rsa")
    said = s_client(bridge.port, "-tls1_2")
    assert said.cipher == (chosen or ""), said
    if chosen is None:
        assert said.alert == HANDSHAKE_FAILURE, said
    if speaks_tls_1_3():
        said = s_client(bridge.port, "-tls1_3")
        assert said.cipher in (SUITES_1_3 if chosen_1_3 == "any" else [chosen_1_3]), said


def test_unknown_suites_are_named(start):
    bridge = start("--ssl-ciphers", "FANTASY-SUITE:ECDHE-ECDSA-AES128-GCM-SHA256:!nonsense")
    bridge.wait_for_log("warn.*--ssl-ciphers: .*FANTASY-SUITE, !nonsense")
    assert s_client(bridge.port, "-tls1_2").cipher == "ECDHE-ECDSA-AES128-GCM-SHA256"


@pytest.mark.parametrize("ciphers", ["AES128-SHA", "HIGH:!ALL", "RC4", "FANTASY-SUITE", "kRSA:!ECDHE", ":::"])
def test_no_suite_left_is_no_start(wsluice, pairs, ciphers):
    bridge = wsluice.run("--cert", pairs["ec"].both, "--ssl-ciphers", ciphers, "127.0.0.1:0", "127.0.0.1:1")
    bridge.expected_status = 1
    assert bridge.wait_for_exit() == 1
    assert "only ECDHE with AES-GCM or ChaCha20-Poly1305 is supported" in bridge.log and "listening" not in bridge.log, bridge.log
    assert "FANTASY" not in ciphers or "unknown: FANTASY-SUITE" in bridge.log


# ---- resumption ----


def first_and_second(open_client, context, session_of=lambda client: client.sock.tls.session):
    """Two connections, the second with the first's ticket."""
    first = open_client(context)
    trip(first)  # TLS 1.3's tickets come behind the handshake
    assert not first.sock.tls.session_reused
    second = open_client(context, session=session_of(first))
    trip(second)
    return second


@pytest.mark.parametrize("version", VERSIONS)
def test_sessions_resume(start, connect, authority, version):
    bridge = start()
    context = tls_client_context(authority.cert, version)
    second = first_and_second(lambda tls, **options: connect(bridge, tls=tls, **options), context)
    assert second.sock.tls.session_reused
    bridge.wait_for_log("TLS established .* resumed")


@pytest.mark.parametrize("version", VERSIONS)
def test_sessions_resume_on_every_worker(start, connect, authority, version):
    bridge = start("--workers", "4")
    context = tls_client_context(authority.cert, version)
    first = connect(bridge, tls=context)
    trip(first)
    clients = [connect(bridge, tls=context, session=first.sock.tls.session) for _ in range(24)]
    assert all(client.sock.tls.session_reused for client in clients)
    for client in clients:
        trip(client)


@pytest.mark.parametrize("version", VERSIONS)
def test_sessions_resume_when_the_certificate_was_renewed(start, connect, authority, tmp_path, version):
    paths = Pair(tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "both.pem")

    def put(pair):
        paths.key.write_bytes(pair.key.read_bytes())
        paths.cert.write_bytes(pair.cert.read_bytes())

    put(authority.issue(f"before-{version.name}"))
    bridge = start(pair=paths)
    context = tls_client_context(authority.cert, version)
    first = connect(bridge, tls=context)
    trip(first)
    put(authority.issue(f"after-{version.name}"))
    bridge.wait_for_log("certificate renewed")
    second = connect(bridge, tls=context, session=first.sock.tls.session)
    assert second.sock.tls.session_reused
    trip(second)


@pytest.mark.parametrize("version", FLAGS)
def test_openssl_resumes(start, tmp_path, version):
    bridge = start()
    session = tmp_path / "session.pem"
    ask(bridge, version, "-sess_out", session)
    for _ in range(3):
        said = s_client(bridge.port, version, "-sess_in", session)
        assert said.resumed, said
    bridge.wait_for_log("TLS established .* resumed", count=3)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_ticket_of_somebody_else_is_no_more_than_none(start, connect, authority, version):
    context = tls_client_context(authority.cert, version)
    other = connect(start(), tls=context)
    trip(other)
    client = connect(start(), tls=context, session=other.sock.tls.session)
    assert not client.sock.tls.session_reused
    trip(client)


def allow_early_data(session_pem):
    """The same session, whose ticket now claims to allow 16384 bytes of 0-RTT data: OpenSSL's SSL_SESSION with
    the field [15] that the server did not ask for."""
    der = openssl("asn1parse", "-in", session_pem, "-noout", "-out", "/dev/stdout")
    assert der[0] == 0x30 and der[1] == 0x82, der[:4]
    body, at = der[4:], 0
    while at < len(body) and body[at] < 0xAF:  # tags in order; what follows [15] goes behind it
        length, start = body[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            length, start = int.from_bytes(body[start:start + count], "big"), start + count
        at = start + length
    body = body[:at] + bytes.fromhex("af0402024000") + body[at:]
    return ssl.DER_cert_to_PEM_cert(b"\x30\x82" + len(body).to_bytes(2, "big") + body).replace(
        "CERTIFICATE", "SSL SESSION PARAMETERS")


@needs_1_3
def test_early_data_is_never_answered(start, tmp_path):
    bridge = start()
    session, early = tmp_path / "session.pem", tmp_path / "early"
    early.write_bytes(REQUEST)
    ask(bridge, "-tls1_3", "-sess_out", session)
    assert "Max Early Data: 0" in openssl("sess_id", "-in", session, "-noout", "-text").decode()
    assert "Early data was not sent" in s_client(bridge.port, "-sess_in", session, "-early_data", early).text
    session.write_text(allow_early_data(session))
    said = s_client(bridge.port, "-sess_in", session, "-early_data", early)
    assert "Early data was accepted" not in said.text and "HTTP/1.1" not in said.text, said
    assert "Early data was not sent" not in said.text, "the client did not even try: mend the test"
    assert s_client(bridge.port, "-sess_in", session).resumed


# ---- extensions ----

PROTOCOLS = {
    "only http/1.1": ("http/1.1", "http/1.1"),
    "h2 first": ("h2,http/1.1", "http/1.1"),
    "http/1.1 first": ("http/1.1,h2", "http/1.1"),
    "among strangers": ("spdy/3,x,http/1.1", "http/1.1"),
    "only h2": ("h2", None),
    "http/1.0": ("http/1.0", "http/1.0"),
    "both, the old one first": ("http/1.0,http/1.1", "http/1.1"),
}


@pytest.mark.parametrize("version", FLAGS)
@pytest.mark.parametrize("offer", PROTOCOLS)
def test_application_protocols(start, offer, version):
    offered, chosen = PROTOCOLS[offer]
    bridge = start()
    said = s_client(bridge.port, version, "-alpn", offered)
    if chosen:
        assert f"ALPN protocol: {chosen}\n" in said.text, said
    else:
        assert said.alert == NO_APPLICATION_PROTOCOL and not said.cipher, said
        bridge.wait_for_log('reason="no application protocol in common' if speaks_tls_1_3() else "handshake .* failed")


def test_no_application_protocol_at_all(start):
    assert "No ALPN negotiated" in s_client(start().port).text


NAMES = [("-noservername",), ("-servername", "localhost"), ("-servername", "no.such.name.example"),
         ("-servername", "a" * 63 + ".example"), ("-servername", "127.0.0.1"), ("-servername", "xn--nxasmq6b")]


@pytest.mark.parametrize("version", FLAGS)
def test_any_server_name_and_none(start, version):
    bridge = start()
    for options in NAMES:
        said = s_client(bridge.port, version, *options)
        assert said.cipher and said.alert is None, f"{options}: {said}"


@pytest.mark.parametrize("options", [(), ("-legacy_renegotiation",)], ids=["secure", "legacy"])
def test_renegotiation_is_refused(start, options):
    bridge = start()
    said = s_client_script(bridge.port, "-tls1_2", "-msg", *options, steps=[(b"---\n", b""), (b"---\n", b"R\n")])
    assert "RENEGOTIATING" in said.text and said.messages().count("> ClientHello") == 2, said
    assert said.messages().count("< ServerHello") == 1, said
    assert "no renegotiation" in said.text or "unexpected" in said.text, said
    bridge.wait_for_log("TLS with the client failed")
    assert s_client(bridge.port).cipher


# ---- what openssl can be told to do with records and messages ----

ODD = {
    "SHA-384 signatures": ("-sigalgs", "ECDSA+SHA384:ECDSA+SHA256"),
    "fragments of 512": ("-max_send_frag", "512"),
    "tiny fragments asked for": ("-maxfraglen", "512"),
    "no tickets": ("-no_ticket",),
    "no encrypt-then-mac": ("-no_etm",),
    "middlebox compatibility off": ("-no_middlebox",),
    "non-blocking": ("-nbio_test",),
    "certificate status": ("-status",),
    "compression offered": ("-comp",),
    "signed certificate timestamps": ("-serverinfo", "18"),
    "unknown PSK": ("-psk", "0011223344556677"),
}


@pytest.mark.parametrize("mode", ODD)
def test_openssl_in_many_modes(start, mode):
    bridge = start()
    said = ask(bridge, *ODD[mode])
    assert said.cipher and "Compression: NONE" in said.text and "HTTP/1.1 405" in said.text, said


@needs_1_3
def test_a_client_that_was_talked_down_notices(start):
    """mbedTLS 3.6 knows no TLS_FALLBACK_SCSV (RFC 7507); what RFC 8446 4.1.3 puts into the server's random
    does its work for every client that has TLS 1.3."""
    bridge = start()
    assert "inappropriate fallback" in s_client(bridge.port, "-tls1_2", "-fallback_scsv").text
    bridge.wait_for_log('reason="the client sent the alert illegal_parameter"')


# ---- certificates and keys ----


@pytest.mark.parametrize("version", FLAGS)
def test_a_chain_with_an_intermediate(start, tmp_path, version):
    below = Authority(tmp_path, "two floors", intermediate=True)
    said = s_client(start(pair=below.issue("leaf")).port, version, "-CAfile", below.cert, "-verify_return_error",
                    "-verify_hostname", "localhost")
    assert "Verify return code: 0 (ok)" in said.text and said.cipher, said
    assert re.search(r"^ 1 s:CN = two floors below", said.text, re.MULTILINE), said


def test_certificate_and_key_in_one_file(wsluice, echo_backend, connect, authority, pairs):
    for kind in KINDS:
        bridge = wsluice(echo_backend, "--cert", pairs[kind].both)
        trip(connect(bridge, tls=tls_client_context(authority.cert)))


def test_key_before_certificate_in_one_file(wsluice, echo_backend, connect, authority, pairs, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(b"noise around\n" + pairs["rsa"].key.read_bytes() + b"\n" + pairs["rsa"].cert.read_bytes())
    trip(connect(wsluice(echo_backend, "--cert", both), tls=tls_client_context(authority.cert)))


PASSWORD = "correct horse 'battery' staple"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["--key-password WORD", "--key-password=WORD", "--key-password-file"])
def test_encrypted_keys(wsluice, echo_backend, connect, authority, pairs, tmp_path, kind, form):
    key = tmp_path / "encrypted.key"
    if speaks_tls_1_3():
        encrypt_key(pairs[kind].key, PASSWORD, key)
    else:  # mbedTLS 2.28 reads no PBES2 with AES, and says so
        openssl("pkey", "-traditional", "-aes256", "-in", pairs[kind].key, "-out", key, "-passout", f"pass:{PASSWORD}")
    options = {
        "--key-password WORD": ["--key-password", PASSWORD],
        "--key-password=WORD": [f"--key-password={PASSWORD}"],
        "--key-password-file": ["--key-password-file", tmp_path / "password"],
    }[form]
    (tmp_path / "password").write_text(PASSWORD + "\nand nothing of this\n")
    bridge = wsluice(echo_backend, *options, "--cert", pairs[kind].cert, "--key", key)
    trip(connect(bridge, tls=tls_client_context(authority.cert)))
    shown = open(f"/proc/{bridge.pid}/cmdline", "rb").read()
    assert PASSWORD.encode() not in shown and str(key).encode() in shown, shown
    assert "horse" not in subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(bridge.pid)], capture_output=True,
                                         text=True).stdout
    assert "horse" not in bridge.log


@pytest.mark.parametrize("cipher", ["-aes256", "-des3"])
def test_keys_encrypted_as_of_old(wsluice, echo_backend, connect, authority, pairs, tmp_path, cipher):
    """PKCS#1 with "Proc-Type: 4,ENCRYPTED", as openssl rsa -traditional and a thousand HOWTOs write it."""
    key = tmp_path / "old.key"
    openssl("rsa", "-traditional", cipher, "-in", pairs["rsa"].key, "-out", key, "-passout", "pass:old")
    assert "Proc-Type: 4,ENCRYPTED" in key.read_text()
    bridge = wsluice(echo_backend, "--key-password", "old", "--cert", pairs["rsa"].cert, "--key", key)
    trip(connect(bridge, tls=tls_client_context(authority.cert)))


# ---- curl ----


@pytest.mark.parametrize("options", [("--tlsv1.2", "--tls-max", "1.2"), ("--tlsv1.3",), ("--http2",), ("--http1.0",)],
                         ids=" ".join)
def test_curl(start, authority, tmp_path, options):
    if "--tlsv1.3" in options and not speaks_tls_1_3():
        pytest.skip("mbedTLS 2.28 has no TLS 1.3")
    (tmp_path / "web").mkdir()
    page = hashlib.sha256(b"page").digest() * 20000
    (tmp_path / "web" / "page.bin").write_bytes(page)
    bridge = start("--web", tmp_path / "web")
    got = subprocess.run(["curl", "-sS", "--fail", "--cacert", str(authority.cert), *options,
                          f"https://localhost:{bridge.port}/page.bin", "--resolve", f"localhost:{bridge.port}:127.0.0.1"],
                         capture_output=True, timeout=60)
    assert got.returncode == 0 and got.stdout == page, got.stderr
    wait_until(lambda: "TLS established" in bridge.log)
