"""Which targets may be named by token files and by clients (--allow-target, --target-from): what is refused is
refused before anything is dialled, wherever it is known only by its address then too, and the log says how to
allow it.
"""
# ctest: threads

import jwt
import pytest

from harness import Backend, RawClient, UnixBackend, free_port


@pytest.fixture
def tokens(tmp_path):
    """tokens("a: h:1", ...) writes a token file and returns the options that name it."""

    def write(*lines):
        path = tmp_path / "tokens"
        path.write_text("".join(line + "\n" for line in lines))
        return ["--token-plugin", "TokenFile", "--token-source", path]

    return write


def allow(*patterns):
    return [word for pattern in patterns for word in ("--allow-target", pattern)]


def named(*patterns):
    """Clients name their target: ?address=host:port."""
    return ["--target-from", "query:address", *allow(*patterns)]


def refused(bridge, path, status=403):
    """The upgrade is refused with that status; returns the answer's text."""
    client = RawClient(bridge.port)
    response = client.upgrade(path, expect=status)
    client.close()
    return response.body.decode()


def echoes(connect, bridge, path):
    client = connect(bridge, path)
    client.send_frame(2, b"there and back")
    client.expect_frame(2, b"there and back")
    client.close()


def closed_with(connect, bridge, path):
    """The upgrade succeeds, and then the dial is refused."""
    return connect(bridge, path).expect_close(1008, "Failed to connect to target: The target is not allowed")


# ---- targets from files ----


def test_a_file_may_name_this_machine_by_default(wsluice, tokens, connect, echo_backend):
    bridge = wsluice(None, *tokens(f"a: 127.0.0.1:{echo_backend.port}"))
    echoes(connect, bridge, "/?token=a")


def test_no_file_may_name_a_metadata_service(wsluice, tokens):
    hosts = ["169.254.169.254", "[fe80::1%lo]", "[::ffff:169.254.169.254]", "100.100.100.200",
             "metadata.google.internal"]
    bridge = wsluice(None, *tokens(*(f"{number}: {host}:80" for number, host in enumerate(hosts))))
    for number, host in enumerate(hosts):
        assert refused(bridge, f"/?token={number}") == "this target is not allowed\n", host
    bridge.wait_for_log(r'target refused target=.* reason="it is .*--allow-target must name explicitly', count=len(hosts))


def test_a_list_bounds_files_too(wsluice, tokens, connect, echo_backend):
    other = free_port()
    lines = [f"a: 127.0.0.1:{echo_backend.port}", f"b: 127.0.0.1:{other}", f"c: localhost:{other}"]
    bridge = wsluice(None, *tokens(*lines), *allow(f"127.0.0.0/8:{echo_backend.port}"))
    echoes(connect, bridge, "/?token=a")
    refused(bridge, "/?token=b")
    bridge.wait_for_log(rf'target=127.0.0.1:{other} reason="it is a loopback.*\(as 127.0.0.1:{other}\)"')
    refused(bridge, "/?token=c")
    assert "a:" not in bridge.log


def test_a_wildcard_alone_opens_nothing_of_this_machine(wsluice, tokens, connect, echo_backend):
    lines = [f"a: 127.0.0.1:{echo_backend.port}", f"b: localhost:{echo_backend.port}"]
    bridge = wsluice(None, *tokens(*lines), *allow("*", "0.0.0.0/0"))
    refused(bridge, "/?token=a")
    closed_with(connect, bridge, "/?token=b")


def test_the_target_of_the_command_line_is_never_bounded(wsluice, connect, echo_backend):
    bridge = wsluice(f"127.0.0.1:{echo_backend.port}", *allow("10.0.0.0/8"))
    echoes(connect, bridge, "/")


def test_sockets_of_this_machine_are_named_by_path(wsluice, tokens, connect, unix_backend):
    lines = [f"a: unix_socket:{unix_backend.path}", "b: unix_socket:/run/other"]
    folder = unix_backend.path.rsplit("/", 1)[0]
    bridge = wsluice(None, *tokens(*lines), *allow(f"unix:{folder}/*"))
    unix_backend.serve(lambda wire: wire.send(b"here"))
    client = connect(bridge, "/?token=a")
    client.expect_frame(2, b"here")
    refused(bridge, "/?token=b")


# ---- targets that clients name ----


def test_a_client_names_its_target(wsluice, connect, echo_backend):
    bridge = wsluice(None, *named(f"127.0.0.1:{echo_backend.port}"))
    echoes(connect, bridge, f"/v1?address=127.0.0.1:{echo_backend.port}")
    echoes(connect, bridge, f"/?x=1&address=127.0.0.1%3A{echo_backend.port}")
    assert "listening on" in bridge.log and "target=by-client" in bridge.log


NO_TARGET = (400, "the request names no target")
NONE_SUCH = (400, "the target that the request names is not of the form host:port")
NOT_ALLOWED = (403, "this target is not allowed")
WORDS = [
    ("", NO_TARGET),
    ("?address=", NO_TARGET),
    ("?other=1", NO_TARGET),
    ("?address=db", NONE_SUCH),
    ("?address=db:0", NONE_SUCH),
    ("?address=db:99999", NONE_SUCH),
    ("?address=%00:80", NONE_SUCH),
    ("?address=a%0ab:80", NONE_SUCH),
    ("?address=http://db:80/", NONE_SUCH),
    ("?address=" + "a" * 300 + ":80", NONE_SUCH),
    ("?address=10.0.0.1:81", NOT_ALLOWED),
    ("?address=127.0.0.1:80", NOT_ALLOWED),
    ("?address=[::1]:80", NOT_ALLOWED),
    ("?address=localhost:80", NOT_ALLOWED),
    ("?address=:80", NOT_ALLOWED),
    ("?address=unix_socket:/run/docker.sock", NOT_ALLOWED),
]


def test_what_else_a_client_may_say(wsluice):
    bridge = wsluice(None, *named("*:80"))
    for query, (status, text) in WORDS:
        assert refused(bridge, "/v1" + query, status) == text + "\n", query


def test_loopback_is_refused_however_it_is_spelt(wsluice, echo_backend):
    """The C library's resolver takes such names for addresses."""
    bridge = wsluice(None, *named("*"), "--dial-first")
    for host in ("0x7f.1", "2130706433", "127.1", "0177.0.0.1"):
        assert refused(bridge, f"/?address={host}:{echo_backend.port}") == "The target is not allowed\n", host


def test_a_name_is_judged_by_its_address_too(wsluice, connect, echo_backend):
    """localhost stands for a name of the client's that has come to mean this machine."""
    path = f"/?address=localhost:{echo_backend.port}"
    bridge = wsluice(None, *named("10.0.0.0/8"))
    closed_with(connect, bridge, path)
    bridge.wait_for_log(r'target refused target=localhost:\d+ address=127.0.0.1:\d+ reason="it is a loopback address')
    early = wsluice(None, *named("10.0.0.0/8"), "--dial-first")
    assert refused(early, path) == "The target is not allowed\n"
    echoes(connect, wsluice(None, *named("127.0.0.0/8")), path)
    echoes(connect, wsluice(None, *named("localhost")), path)


def test_the_last_line_counts_what_was_refused(wsluice, connect):
    bridge = wsluice(None, *named("10.0.0.0/8:80"))
    refused(bridge, "/?address=10.0.0.1:81")
    closed_with(connect, bridge, "/?address=localhost:80")
    bridge.stop()
    assert " refused_targets=2" in bridge.log


# ---- what does not start ----


@pytest.mark.parametrize("options, sentence", [
    (["--target-from", "query:address", "0"], "list what they may choose with --allow-target"),
    (["--target-from", "nowhere", *allow("*"), "0"], "must be query:NAME"),
    (["--target-from", "host", *allow("*"), "0"], "a Host says where wsluice is"),
    (["--target-from", "query:a", *allow("*"), "0", "127.0.0.1:1"], "no target is given with --target-from"),
    (["--allow-target", "10.0.0.*", "0", "127.0.0.1:1"], "write networks as 10.0.0.0/8"),
    (["--allow-target", "db:0", "0", "127.0.0.1:1"], "ports are numbers from 1 to 65535"),
])
def test_a_mistake_is_explained(wsluice, options, sentence):
    bridge = wsluice.run(*options)
    bridge.expected_status = 2
    assert bridge.wait_for_exit() == 2
    assert sentence in bridge.log


# ---- this machine's addresses on its networks ----


@pytest.fixture
def own_service(network):
    """A backend on an address that stands for eth0's."""
    network.add_address("203.0.113.7")
    backend = Backend(host="203.0.113.7")
    yield backend
    backend.close()


@pytest.fixture
def secret(tmp_path):
    """The options for targets in signed tokens, which are lookups, and sign(host, port)."""
    path = tmp_path / "secret"
    path.write_text("a secret of more than thirty-two bytes")

    def sign(host, port):
        return jwt.encode({"host": host, "port": port}, path.read_bytes(), "HS256")

    return ["--token-plugin", "JWTTokenApi", "--token-source", path], sign


def test_no_lookup_leads_to_its_own_address(own_service, wsluice, secret):
    options, sign = secret
    bridge = wsluice(None, *options)
    refused(bridge, f"/?token={sign(own_service.host, own_service.port)}")
    bridge.wait_for_log(f'"it is an address of this machine, .*as 203.0.113.7:{own_service.port}')


def test_a_wildcard_does_not_open_its_own_address(own_service, wsluice):
    bridge = wsluice(None, *named("*", "0.0.0.0/0"))
    refused(bridge, f"/?address=203.0.113.7:{own_service.port}")


def test_a_network_that_holds_its_own_address_opens_it(own_service, wsluice, secret, connect):
    options, sign = secret
    bridge = wsluice(None, *options, *allow(f"203.0.113.0/24:{own_service.port}"))
    connect(bridge, f"/?token={sign(own_service.host, own_service.port)}").close()
