# ctest: timeout=300
"""--verify-client: only clients whose certificate leads to --cafile get in; everybody else is refused by an
alert and by a log line that says why."""

import re
import ssl

import pytest

from harness import (
    BINARY,
    Authority,
    Pair,
    openssl,
    s_client,
    speaks_tls_1_3,
    tls_client_context,
    upgrade_request,
    wait_until,
)

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture(params=[pytest.param(TLS12, id="1.2"), pytest.param(
    TLS13, id="1.3", marks=pytest.mark.skipif(not speaks_tls_1_3(), reason="mbedTLS 2.28 has no TLS 1.3"))])
def version(request):
    return request.param


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    """The authority whose clients may come in; servers' certificates are another's."""
    return Authority(tmp_path_factory.mktemp("members"), "members")


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("strangers"), "strangers")


def self_signed(folder, name):
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key", None)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", pair.key,
            "-out", pair.cert, "-days", "30", "-subj", f"/CN={name}", "-addext", "extendedKeyUsage=clientAuth")
    return pair


@pytest.fixture(scope="module")
def certificates(members, strangers, tmp_path_factory):
    """What clients show, by what it is."""
    folder = tmp_path_factory.mktemp("shown")
    impostor = Authority(folder, "members")  # the same name, another key
    return {
        "good": members.issue("good", usage="clientAuth"),
        "good, RSA": members.issue("good-rsa", key="rsa", usage="clientAuth"),
        "good, P-384": members.issue("good-384", key="ec384", usage="clientAuth"),
        "good for both uses": members.issue("both", usage="clientAuth,serverAuth"),
        "good, without any name": members.issue("nameless", usage="clientAuth", names=None),
        "of another authority": strangers.issue("stranger", usage="clientAuth"),
        "of an authority of the same name": impostor.issue("impostor", usage="clientAuth"),
        "expired": members.issue("expired", usage="clientAuth", days=-1),
        "self-signed": self_signed(folder, "self"),
        "for servers only": members.issue("server", usage="serverAuth"),
        "missing": None,
    }


@pytest.fixture
def start(wsluice, echo_backend, tls_options, members):
    return lambda *options: wsluice(echo_backend, *tls_options, "--verify-client", "--cafile", members.cert, *options)


def trip(client, data=b"there and back"):
    client.send_frame(BINARY, data)
    assert client.recv_data(len(data)) == data


GOOD = ["good", "good, RSA", "good, P-384", "good for both uses", "good, without any name"]


@pytest.mark.parametrize("what", GOOD)
def test_good_ones_come_in_and_resume(start, connect, authority, certificates, version, what):
    bridge = start("--workers", "4")
    context = tls_client_context(authority.cert, version, certificates[what])
    first = connect(bridge, tls=context)
    trip(first)
    for _ in range(6):
        again = connect(bridge, tls=context, session=first.sock.tls.session)
        assert again.sock.tls.session_reused
        trip(again)


# what: (words of the log, alerts that fit)
REFUSED = {
    "of another authority": ("not signed by a trusted CA", "unknown ca"),
    "of an authority of the same name": ("not signed by a trusted CA", "unknown ca|bad certificate"),
    "expired": ("expired", "certificate expired"),
    "self-signed": ("not signed by a trusted CA", "unknown ca"),
    "for servers only": ("not made for this use", "unsupported certificate|bad certificate"),
    # mbedTLS 3.6 says no_certificate where RFC 8446 would have certificate_required.
    "missing": ("no client certificate was shown", "certificate required|no certificate|handshake failure"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_others_are_refused(start, connect, backend, authority, certificates, version, what):
    words, alerts = REFUSED[what]
    bridge = start()
    with pytest.raises(ssl.SSLError) as refusal:  # in TLS 1.3 the client learns it with its first read
        connect(bridge, tls=tls_client_context(authority.cert, version, certificates[what]))
    said = refusal.value.reason.lower().replace("_", " ")
    assert "alert" in said and re.search(alerts, said), said
    bridge.wait_for_log(f"TLS handshake with the client failed client=.*{words}")
    assert "session opened" not in bridge.log
    trip(connect(bridge, tls=tls_client_context(authority.cert, version, certificates["good"])))


def test_a_chain_of_the_clients_own(wsluice, echo_backend, connect, authority, tls_options, version, tmp_path):
    floors = Authority(tmp_path, "floors", intermediate=True)
    bridge = wsluice(echo_backend, *tls_options, "--verify-client", "--cafile", floors.cert)
    trip(connect(bridge, tls=tls_client_context(authority.cert, version, floors.issue("upstairs", usage="clientAuth"))))


def test_a_folder_of_authorities(wsluice, echo_backend, connect, authority, tls_options, members, strangers,
                                 certificates, tmp_path):
    (tmp_path / "one.pem").write_bytes(members.cert.read_bytes())
    (tmp_path / "two.pem").write_bytes(strangers.cert.read_bytes())
    bridge = wsluice(echo_backend, *tls_options, "--verify-client", "--cafile", tmp_path)
    for what in ("good", "of another authority"):
        trip(connect(bridge, tls=tls_client_context(authority.cert, cert=certificates[what])))


def test_without_cafile_the_systems_authorities_count(wsluice, echo_backend, connect, authority, tls_options,
                                                      members, strangers, certificates):
    bridge = wsluice(echo_backend, *tls_options, "--verify-client", env={"SSL_CERT_FILE": str(members.cert)})
    trip(connect(bridge, tls=tls_client_context(authority.cert, cert=certificates["good"])))
    with pytest.raises(ssl.SSLError):
        connect(bridge, tls=tls_client_context(authority.cert, cert=certificates["of another authority"]))


@pytest.mark.parametrize("request_bytes", [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", upgrade_request()],
                         ids=["GET", "upgrade"])
def test_plain_clients_get_400(start, connect, request_bytes):
    client = connect(start(), path=None)
    client.send(request_bytes)
    data, how = client.recv_to_end()
    assert data.startswith(b"HTTP/1.1 400 ") and b"https://" in data and how == "fin", data


def test_a_certificate_is_asked_for_with_the_names_of_those_who_sign(start):
    """In TLS 1.2, where browsers choose by them; mbedTLS 3.6 sends none in TLS 1.3."""
    said = s_client(start().port, "-tls1_2")
    assert "Acceptable client certificate CA names" in said.text and "CN = members" in said.text, said


def test_a_ticket_of_one_server_opens_no_other(start, wsluice, echo_backend, connect, tls_options, authority,
                                               strangers, certificates, version):
    """What one instance has found good, another with other authorities has not."""
    context = tls_client_context(authority.cert, version, certificates["good"])
    first = connect(start(), tls=context)
    trip(first)
    other = wsluice(echo_backend, *tls_options, "--verify-client", "--cafile", strangers.cert)
    with pytest.raises(ssl.SSLError):
        connect(other, tls=context, session=first.sock.tls.session)


def test_authorities_renewed_refuse_tickets_of_before(wsluice, echo_backend, connect, tls_options, authority, members,
                                                      strangers, certificates, tmp_path, version):
    """Who lost its authority is out, ticket or not."""
    cafile = tmp_path / "cafile.pem"
    cafile.write_bytes(members.cert.read_bytes())
    bridge = wsluice(echo_backend, *tls_options, "--verify-client", "--cafile", cafile)
    context = tls_client_context(authority.cert, version, certificates["good"])
    first = connect(bridge, tls=context)
    trip(first)
    cafile.write_bytes(strangers.cert.read_bytes())
    bridge.signal(1)
    bridge.wait_for_log("certificate renewed")
    # The log says it before every worker has heard of it.
    wait_until(lambda: refuses(connect, bridge, tls=context, session=first.sock.tls.session),
               message="still taken")
    trip(first)
    trip(connect(bridge, tls=tls_client_context(authority.cert, version, certificates["of another authority"])))


def refuses(connect, bridge, **options):
    try:
        connect(bridge, **options)
    except ssl.SSLError:
        return True
    return False
