"""websockify's other plugins: ExpectOrigin by the page that asks, ClientCertCNAuth by the certificate that TLS
has verified, never by a header that a client can send."""

import ssl

import pytest

from harness import BINARY, Authority, speaks_tls_1_3, tls_client_context

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
NO_1_3 = pytest.mark.skipif(not speaks_tls_1_3(), reason="mbedTLS 2.28 has no TLS 1.3")
HEADER = {"SSL_CLIENT_S_DN_CN": "alice", "SSL-Client-S-DN-CN": "alice"}


def trip(client, data=b"there and back"):
    client.send_frame(BINARY, data)
    assert client.recv_data(len(data)) == data


@pytest.fixture
def attempt(connect):
    """attempt(bridge, headers): the status of an upgrade with them; what gets 101 works."""

    def run(bridge, headers=None, **options):
        client = connect(bridge, path=None, **options)
        status = client.upgrade("/x", headers, expect=None).status
        if status == 101:
            trip(client)
        return status

    return run


@pytest.fixture
def web(tmp_path):
    (tmp_path / "index.html").write_text("<p>in")
    return tmp_path


def get(connect, bridge, *headers, **options):
    request = "\r\n".join(["GET / HTTP/1.1", "Host: h", *headers]) + "\r\n\r\n"
    return connect(bridge, path=None, **options).request(request.encode()).status


# --- ExpectOrigin ------------------------------------------------------------------------------------------


ORIGINS = {
    "http://one.example": 101,
    "https://two.example:8443": 101,
    "http://one.example:80": 403,  # to the letter
    "https://one.example": 403,
    "HTTP://one.example": 403,
    "http://one.exampl": 403,
    "http://one.example https://two.example:8443": 403,
    "null": 403,
    "": 403,
}


def test_only_pages_of_these_origins(wsluice, echo_backend, attempt):
    bridge = wsluice(echo_backend, "--auth-plugin", "ExpectOrigin", "--auth-source",
                     " http://one.example\thttps://two.example:8443\n")
    for origin, status in ORIGINS.items():
        assert attempt(bridge, {"Origin": origin}) == status, origin
    assert attempt(bridge) == 403, "a program without an Origin"
    bridge.wait_for_log('reason="pages of this origin may not connect here" origin="null"')


def test_both_rules_must_allow_an_origin(wsluice, echo_backend, attempt):
    bridge = wsluice(echo_backend, "--auth-plugin", "ExpectOrigin", "--auth-source", "http://a.example http://b.example",
                     "--origin", "http://b.example", "--origin", "http://c.example")
    origins = [f"http://{name}.example" for name in "abc"]
    assert [attempt(bridge, {"Origin": origin}) for origin in origins] == [403, 101, 403]


def test_pages_of_these_origins_get_files(wsluice, echo_backend, connect, web):
    bridge = wsluice(echo_backend, "--auth-plugin", "ExpectOrigin", "--auth-source", "http://a.example", "--web", web,
                     "--web-auth")
    assert get(connect, bridge) == 403
    assert get(connect, bridge, "Origin: http://a.example") == 200


# --- ClientCertCNAuth --------------------------------------------------------------------------------------


@pytest.fixture(params=[pytest.param(TLS12, id="1.2"), pytest.param(TLS13, id="1.3", marks=NO_1_3)])
def version(request):
    return request.param


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("members"), "members")


@pytest.fixture(scope="module")
def certificates(members, tmp_path_factory):
    """What clients show: (certificate, whether its name may connect)."""
    strangers = Authority(tmp_path_factory.mktemp("strangers"), "strangers")

    def issue(name, common_name="alice", by=members, **options):
        return by.issue(name, common_name=common_name, usage="clientAuth", **options)

    return {
        "alice": (issue("alice"), True),
        "alice by RSA": (issue("rsa", key="rsa"), True),
        "bob": (issue("bob", "bob"), True),
        "the last of two names": (issue("two", "carl/CN=alice"), True),
        "the first of two names": (issue("first", "alice/CN=carl"), False),
        "in another case": (issue("case", "Alice"), False),
        "the beginning": (issue("beginning", "alic"), False),
        "more": (issue("more", "alice.example"), False),
        "both names in one": (issue("both", "alice bob"), False),
        "in the alternative names only": (issue("san", "carl", names="DNS:alice"), False),
        "of another authority": (issue("stranger", by=strangers), False),
        "expired": (issue("old", days=-1), False),
        "none": (None, False),
    }


@pytest.fixture
def start(wsluice, echo_backend, tls_options, members):
    return lambda *options: wsluice(echo_backend, *tls_options, "--auth-plugin", "ClientCertCNAuth", "--auth-source",
                                    "alice bob", "--cafile", members.cert, *options)


def test_the_name_of_a_verified_certificate_decides(start, attempt, authority, certificates, version):
    bridge = start("-v")
    for what, (certificate, allowed) in certificates.items():
        context = tls_client_context(authority.cert, version, certificate)
        assert attempt(bridge, HEADER, tls=context) == (101 if allowed else 403), what
    bridge.wait_for_log('session opened .*user="bob"')
    for why in ("not signed by a trusted CA", "expired", "none was shown"):
        bridge.wait_for_log(f"no name from a client certificate: {why}")


def test_plain_clients_have_no_name_whatever_they_send(start, attempt):
    assert attempt(start(), HEADER) == 403


def test_with_verify_client_others_do_not_even_get_a_page(start, connect, attempt, authority, certificates, version):
    bridge = start("--verify-client")
    with pytest.raises(ssl.SSLError):
        connect(bridge, tls=tls_client_context(authority.cert, version))
    for what in ("alice", "in another case"):
        certificate, allowed = certificates[what]
        context = tls_client_context(authority.cert, version, certificate)
        assert attempt(bridge, tls=context) == (101 if allowed else 403)


@pytest.mark.parametrize("options", [[], ["--verify-client"]], ids=["asked", "demanded"])
def test_a_second_handshake_shows_the_certificate_again(start, connect, authority, certificates, version, options):
    """A ticket does not carry the name: so there is none."""
    bridge = start(*options)
    context = tls_client_context(authority.cert, version, certificates["alice"][0])
    first = connect(bridge, tls=context)
    trip(first)
    again = connect(bridge, tls=context, session=first.sock.tls.session)
    assert not again.sock.tls.session_reused
    trip(again)


def test_files_need_the_name_too(start, connect, authority, certificates, web):
    bridge = start("--web", web, "--web-auth")
    for what in ("alice", "in another case", "none"):
        certificate, allowed = certificates[what]
        status = get(connect, bridge, tls=tls_client_context(authority.cert, cert=certificate))
        assert status == (200 if allowed else 403)


def test_without_a_certificate_of_its_own_it_warns_and_refuses(wsluice, echo_backend, attempt):
    bridge = wsluice(echo_backend, "--auth-plugin", "ClientCertCNAuth", "--auth-source", "alice")
    assert attempt(bridge, HEADER) == 403
    bridge.wait_for_log("ClientCertCNAuth without --cert")
