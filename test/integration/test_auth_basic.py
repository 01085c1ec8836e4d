"""Who may come in with a user and a password: one from the command line, or those of a file that Apache's own
htpasswd has written; by a cookie where a browser sends no password; and how those fare who guess."""
# ctest: threads waits cost=10

import base64
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness import BINARY, tls_client_context, upgrade_request, wait_until

CHALLENGE = 'Basic realm="Websockify"'


def basic(user, password, encoding="utf-8"):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode(encoding)).decode()}


def page_request(path="/", method="GET", **headers):
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def htpasswd(path, user, password, *options):
    """Adds or changes a user with Apache's program."""
    create = [] if path.exists() else ["-c"]
    run = subprocess.run(["htpasswd", "-b", *create, *options, path, user, password], capture_output=True, timeout=30)
    assert run.returncode == 0, run.stderr


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
        client.close()
        return status

    return run


@pytest.fixture
def web(tmp_path):
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "index.html").write_text("<p>in")
    (folder / "big.bin").write_bytes(bytes(300_000))
    return folder


@pytest.fixture
def passwords(tmp_path):
    return tmp_path / "htpasswd"


def one_user(wsluice, target, *options, **process):
    return wsluice(target, "--auth-plugin", "BasicHTTPAuth", "--auth-source", "alice:se:cret", *options, **process)


# --- one user ----------------------------------------------------------------------------------------------


CREDENTIALS = {
    "right": (basic("alice", "se:cret"), 101),
    "none": ({}, 401),
    "wrong password": (basic("alice", "se:creT"), 401),
    "shorter": (basic("alice", "se:cre"), 401),
    "wrong user": (basic("Alice", "se:cret"), 401),
    "empty": (basic("", ""), 401),
    "very long": (basic("alice", "x" * 3000), 401),
    "scheme in another case": ({"Authorization": "bAsIc YWxpY2U6c2U6Y3JldA=="}, 101),
    "another scheme": ({"Authorization": "Bearer YWxpY2U6c2U6Y3JldA=="}, 403),
    "no scheme": ({"Authorization": "YWxpY2U6c2U6Y3JldA=="}, 403),
    "no credentials behind the scheme": ({"Authorization": "Basic"}, 403),
    "no base64": ({"Authorization": "Basic alice:se:cret"}, 403),
    "base64 without its end": ({"Authorization": "Basic YWxpY2U6c2U6Y3JldA"}, 403),
    "base64 with something behind it": ({"Authorization": "Basic YWxpY2U6c2U6Y3JldA== x"}, 403),
    "no colon": ({"Authorization": "Basic YWxpY2U="}, 403),
    "a NUL": ({"Authorization": "Basic YWxpY2U6c2U6Y3JldAA="}, 403),
    "twice": ([*basic("alice", "se:cret").items(), *basic("alice", "se:cret").items()], 403),
}


def test_what_credentials_bring(wsluice, echo_backend, attempt):
    """In one story, since more wrong ones would be made to wait: those that are counted are few."""
    bridge = one_user(wsluice, echo_backend)
    for name, (headers, status) in CREDENTIALS.items():
        assert attempt(bridge, headers) == status, name


def test_the_challenge_and_a_second_try_on_the_same_connection(wsluice, echo_backend, connect):
    bridge = one_user(wsluice, echo_backend)
    client = connect(bridge, path=None)
    first = client.upgrade("/x", expect=401)
    assert first.header("WWW-Authenticate") == CHALLENGE
    assert first.header("Cache-Control") == "no-store"
    client.upgrade("/x", basic("alice", "se:cret"))
    trip(client)
    bridge.wait_for_log(r'session opened .* path="/x" .*user="alice"')


def test_pages_are_open_to_all_unless_told_otherwise(wsluice, echo_backend, connect, web):
    bridge = one_user(wsluice, echo_backend, "--web", web)
    answer = connect(bridge, path=None).request(page_request())
    assert (answer.status, answer.header("Set-Cookie")) == (200, None)


def test_the_password_is_to_be_seen_nowhere(wsluice, echo_backend, attempt):
    bridge = wsluice(echo_backend, "--auth-plugin=BasicHTTPAuth", "--auth-source=alice:secret", "-v",
                     env={"WSLUICE_AUTH_SOURCE": "alice:secret"})
    assert attempt(bridge, basic("alice", "secret")) == 101
    assert attempt(bridge, basic("alice", "sesame")) == 401
    for name in ("cmdline", "environ"):
        assert b"secret" not in Path(f"/proc/{bridge.pid}/{name}").read_bytes()
    for secret in ("secret", "sesame", base64.b64encode(b"alice:secret").decode()):
        assert secret not in bridge.log


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_both_encodings_of_browsers(wsluice, echo_backend, attempt, encoding):
    bridge = wsluice(echo_backend, "--auth-plugin", "BasicHTTPAuth", "--auth-source", "zoë:grün")
    assert attempt(bridge, basic("zoë", "grün", encoding)) == 101


# --- files of Apache's htpasswd ----------------------------------------------------------------------------


KINDS = {"bcrypt": "-B", "SHA-1": "-s", "SHA-256": "-2", "SHA-512": "-5"}


def test_every_kind_of_hash(wsluice, echo_backend, attempt, passwords):
    for name, option in KINDS.items():
        htpasswd(passwords, name, f"pass of {name}", option)
    bridge = wsluice(echo_backend, "--auth-file", passwords)
    for name in KINDS:
        assert attempt(bridge, basic(name, f"pass of {name}")) == 101, name
    for name in ["SHA-1", "bcrypt", "nobody"]:
        assert attempt(bridge, basic(name, "pass of another")) == 401, name
    bridge.wait_for_log(r'session opened .*user="', count=4)


def test_what_is_too_weak_is_named_and_left_out(wsluice, echo_backend, attempt, passwords):
    htpasswd(passwords, "md5", "secret", "-m")
    htpasswd(passwords, "clear", "secret", "-p")
    htpasswd(passwords, "dear", "secret", "-B")
    passwords.write_text(passwords.read_text().replace("$2y$05$", "$2y$16$"))  # making one takes seconds, too
    htpasswd(passwords, "good", "secret", "-B")
    bridge = wsluice(echo_backend, "--auth-file", passwords)
    for line in (1, 2, 3):
        bridge.wait_for_log(f'htpasswd" line {line} is ignored: .*htpasswd -B')
    assert "secret" not in bridge.log
    for name in ("md5", "clear", "dear"):
        assert attempt(bridge, basic(name, "secret")) == 401, name
    assert attempt(bridge, basic("good", "secret")) == 101


@pytest.mark.parametrize("how", ["written over", "renamed", "SIGHUP"])
def test_a_change_counts_at_once(wsluice, echo_backend, attempt, passwords, how):
    htpasswd(passwords, "alice", "old", "-B")
    bridge = wsluice(echo_backend, "--auth-file", passwords)
    assert attempt(bridge, basic("alice", "old")) == 101
    changed = passwords.with_name("new") if how == "renamed" else passwords
    htpasswd(changed, "alice", "new", "-B")
    if how == "renamed":
        changed.rename(passwords)
    if how == "SIGHUP":
        bridge.signal(signal.SIGHUP)
    bridge.wait_for_log("passwords read again .*users=1")
    assert attempt(bridge, basic("alice", "old")) == 401
    assert attempt(bridge, basic("alice", "new")) == 101


def test_a_file_that_goes_leaves_the_passwords_in_force(wsluice, echo_backend, attempt, passwords):
    htpasswd(passwords, "alice", "secret", "-B")
    bridge = wsluice(echo_backend, "--auth-file", passwords)
    passwords.unlink()
    bridge.wait_for_log("can't be read again, the old passwords stay in force: Not found|No such file")
    assert attempt(bridge, basic("alice", "secret")) == 101


def test_a_source_without_a_colon_is_a_file(wsluice, echo_backend, attempt, passwords):
    htpasswd(passwords, "alice", "secret", "-B")
    bridge = wsluice(echo_backend, "--auth-plugin", "BasicHTTPAuth", "--auth-source", passwords)
    assert attempt(bridge, basic("alice", "secret")) == 101


# --- pages and the cookie ----------------------------------------------------------------------------------


def guarded(wsluice, target, web, *options, **process):
    return one_user(wsluice, target, "--web", web, "--web-auth", *options, **process)


def log_in(bridge, connect, **options):
    """A page's answer, and the cookie that it sets as a browser sends it back."""
    answer = connect(bridge, path=None, **options).request(page_request("/", **basic("alice", "se:cret")))
    assert answer.status == 200, answer
    return answer, answer.header("Set-Cookie").split(";")[0]


def test_pages_need_the_login_too(wsluice, echo_backend, connect, web):
    bridge = guarded(wsluice, echo_backend, web)
    client = connect(bridge, path=None)
    for path in ("/", "/big.bin", "/not-there"):
        answer = client.request(page_request(path))
        assert (answer.status, answer.header("WWW-Authenticate")) == (401, CHALLENGE)
        assert answer.header("Set-Cookie") is None
    assert client.request(page_request("/", "HEAD"), body_expected=False).status == 401
    assert client.request(page_request("/", "POST")).status in (405, 501)
    client = connect(bridge, path=None)
    assert client.request(page_request("/big.bin", **basic("alice", "se:cret"))).body == bytes(300_000)
    assert client.request(page_request("/not-there", **basic("alice", "se:cret"))).status == 404


def test_the_cookie_of_a_page_opens_the_upgrade(wsluice, echo_backend, connect, attempt, web):
    """As Safari does it: no Authorization there."""
    bridge = guarded(wsluice, echo_backend, web)
    answer, cookie = log_in(bridge, connect)
    attributes = [part.strip() for part in answer.header("Set-Cookie").split(";")[1:]]
    assert attributes == ["Path=/", "Max-Age=3600", "HttpOnly", "SameSite=Strict"]
    assert answer.header("Cache-Control") == "private, no-cache"
    same = f"http://127.0.0.1:{bridge.port}"
    host = {"Host": f"127.0.0.1:{bridge.port}"}
    assert attempt(bridge, {**host, "Cookie": cookie, "Origin": same}) == 101
    assert attempt(bridge, {**host, "Cookie": f"a=b; {cookie}; c", "Origin": same}) == 101
    assert attempt(bridge, {**host, "Cookie": cookie}) == 101  # no browser leaves out its Origin
    for origin in ("http://evil.example", f"http://127.0.0.1:{bridge.port + 1}", "null"):
        assert attempt(bridge, {**host, "Cookie": cookie, "Origin": origin}) == 403, origin
    page = connect(bridge, path=None).request(page_request("/", Cookie=cookie))
    assert page.status == 401, "it is for upgrades"


def test_a_cookie_that_was_touched_is_none(wsluice, echo_backend, connect, attempt, web):
    bridge = guarded(wsluice, echo_backend, web)
    _, cookie = log_in(bridge, connect)
    name, value = cookie.split("=")
    assert len(value) == 112
    for at in range(0, len(value), 7):
        touched = value[:at] + ("0" if value[at] != "0" else "1") + value[at + 1:]
        assert attempt(bridge, {"Cookie": f"{name}={touched}"}) == 401, at
    for other in ("", value[:-2], value + "00", value.replace(value[3], "x")):
        assert attempt(bridge, {"Cookie": f"{name}={other}"}) == 401, other
    assert attempt(bridge, {"Cookie": f"{name}={value}"}) == 101


def test_a_cookie_ends_by_itself_and_with_its_password(wsluice, echo_backend, connect, attempt, web, passwords):
    htpasswd(passwords, "alice", "se:cret", "-B")
    bridge = wsluice(echo_backend, "--auth-file", passwords, "--web", web, "--web-auth", "--auth-cookie-time", "2")
    _, cookie = log_in(bridge, connect)
    assert attempt(bridge, {"Cookie": cookie}) == 101
    wait_until(lambda: attempt(bridge, {"Cookie": cookie}) == 401, message="it is good for ever")
    _, cookie = log_in(bridge, connect)
    htpasswd(passwords, "alice", "another", "-B")
    bridge.wait_for_log("passwords read again")
    assert attempt(bridge, {"Cookie": cookie}) == 401


def test_a_shared_key_outlives_a_restart(wsluice, echo_backend, connect, attempt, web, tmp_path):
    key = tmp_path / "key"
    key.write_bytes(b"0123456789abcdef")
    first, other = (guarded(wsluice, echo_backend, web, "--auth-cookie-key", key) for _ in range(2))
    stranger = guarded(wsluice, echo_backend, web)
    _, cookie = log_in(first, connect)
    assert attempt(other, {"Cookie": cookie}) == 101
    assert attempt(stranger, {"Cookie": cookie}) == 401
    _, second = log_in(stranger, connect)
    assert second.split("=")[0] != cookie.split("=")[0], "cookies don't know ports"


def test_no_cookie_where_none_is_wanted(wsluice, echo_backend, connect, web):
    bridge = guarded(wsluice, echo_backend, web, "--auth-cookie-time", "0")
    answer = connect(bridge, path=None).request(page_request("/", **basic("alice", "se:cret")))
    assert (answer.status, answer.header("Set-Cookie")) == (200, None)


def test_a_cookie_that_is_good_is_not_set_again(wsluice, echo_backend, connect, web):
    bridge = guarded(wsluice, echo_backend, web)
    _, cookie = log_in(bridge, connect)
    answer = connect(bridge, path=None).request(page_request("/", Cookie=cookie, **basic("alice", "se:cret")))
    assert (answer.status, answer.header("Set-Cookie")) == (200, None)


# --- guessing ----------------------------------------------------------------------------------------------


def test_guesses_are_slowed_down_and_others_are_not(wsluice, echo_backend, connect, attempt):
    bridge = one_user(wsluice, echo_backend, "-v", listen="0")
    assert attempt(bridge, basic("alice", "se:cret")) == 101
    for guess in range(5):
        assert attempt(bridge, basic("alice", f"guess {guess}")) == 401
    begun = time.monotonic()
    first = connect(bridge, path=None)
    first.send(upgrade_request("/x", basic("alice", "another")))
    bridge.wait_for_log("connection head -> authorizing", count=1 + 5 + 1)
    for number in range(11):
        connect(bridge, path=None).send(upgrade_request("/x", basic("alice", f"number {number}")))
    bridge.wait_for_log("status=429", count=8)  # four wait
    assert attempt(bridge, basic("alice", "se:cret")) == 101, "whoever was right lately does not wait"
    assert attempt(bridge, basic("alice", "wrong"), host="::1") == 401, "another network does not wait"
    assert first.recv_response().status == 401
    assert time.monotonic() - begun >= 1
    assert bridge.log.count("session opened") == 2


def test_refused_guesses_do_not_tell_which_password_is_right(wsluice, echo_backend, connect, attempt):
    """A login that was right lately is answered at once: who guesses by the thousand must not learn from that."""

    def crowd():
        """As many as may wait, and some more: the places that a pause has freed meanwhile are taken again."""
        for number in range(6):
            connect(bridge, path=None).send(upgrade_request("/x", basic("alice", f"number {number}")))

    bridge = one_user(wsluice, echo_backend, listen="0")
    assert attempt(bridge, basic("alice", "se:cret"), host="::1") == 101
    for guess in range(5):
        assert attempt(bridge, basic("alice", f"guess {guess}")) == 401
    while bridge.log.count("status=429") < 20:
        crowd()
        time.sleep(0.02)
    crowd()
    assert attempt(bridge, basic("alice", "se:cret")) == 429
    assert attempt(bridge, basic("alice", "se:cret"), host="::1") == 101


def test_the_summary_counts(wsluice, echo_backend, attempt):
    bridge = one_user(wsluice, echo_backend)
    for _ in range(2):
        attempt(bridge, basic("alice", "wrong"))
    bridge.ask_to_stop()
    bridge.wait_for_log("stopped .*auth_failures=2 auth_delays=0")


def test_those_that_wait_are_given_up_when_they_reset_and_at_the_stop(wsluice, echo_backend, connect, attempt):
    bridge = one_user(wsluice, echo_backend, "-v")
    for guess in range(5):
        attempt(bridge, basic("alice", f"guess {guess}"))
    leaving, staying = (connect(bridge, path=None) for _ in range(2))
    for client in (leaving, staying):
        client.send(upgrade_request("/x", basic("alice", "another")))
    bridge.wait_for_log("connection head -> authorizing", count=7)
    leaving.reset()
    bridge.wait_for_log("dropped while authorizing: the client has reset")
    bridge.ask_to_stop()
    assert staying.recv_response().status == 503


def test_behind_a_proxy_the_client_counts_and_not_the_proxy(wsluice, echo_backend, connect, attempt, web):
    bridge = guarded(wsluice, echo_backend, web, "--trust-forwarded", "127.0.0.0/8", "-v")
    for guess in range(5):
        assert attempt(bridge, {"X-Forwarded-For": "192.0.2.1", **basic("alice", f"guess {guess}")}) == 401
    assert attempt(bridge, {"X-Forwarded-For": "192.0.2.2", **basic("alice", "wrong")}) == 401
    waiting = connect(bridge, path=None)
    waiting.send(upgrade_request("/x", {"X-Forwarded-For": "192.0.2.1", **basic("alice", "another")}))
    bridge.wait_for_log("connection head -> authorizing", count=7)
    assert attempt(bridge, {"X-Forwarded-For": "192.0.2.2", **basic("alice", "wrong")}) == 401
    waiting.expect_silence()


def test_behind_a_proxy_that_speaks_tls_the_cookie_is_bound_to_it(wsluice, echo_backend, connect, web):
    bridge = guarded(wsluice, echo_backend, web, "--trust-forwarded", "127.0.0.0/8")
    headers = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https", **basic("alice", "se:cret")}
    cookie = connect(bridge, path=None).request(page_request("/", **headers)).header("Set-Cookie")
    assert cookie.startswith("__Host-wsluice_") and cookie.endswith("; Secure")
    foreign = guarded(wsluice, echo_backend, web)  # which trusts nobody
    cookie = connect(foreign, path=None).request(page_request("/", **headers)).header("Set-Cookie")
    assert cookie.startswith("wsluice_") and "Secure" not in cookie


def test_a_program_learns_who_it_is(wsluice, connect):
    bridge = wsluice(None, "--auth-plugin", "BasicHTTPAuth", "--auth-source", "alice:se:cret", "--exec", "/usr/bin/env")
    client = connect(bridge, headers={**basic("alice", "se:cret"), "Remote-User": "root"})
    words = client.recv_until_close()[0].decode().split("\n")
    assert "REMOTE_USER=alice" in words
    assert not [word for word in words if "se:cret" in word or "AUTHORIZATION" in word]


# --- the command line --------------------------------------------------------------------------------------


WRONG_USE = {
    "a source alone": ["--auth-source", "a:b"],
    "files alone": ["--web-auth"],
    "files without files": ["--auth-plugin", "BasicHTTPAuth", "--auth-source", "a:b", "--web-auth"],
    "no source": ["--auth-plugin", "BasicHTTPAuth"],
    "no origins": ["--auth-plugin", "ExpectOrigin"],
    "no names": ["--auth-plugin", "ClientCertCNAuth"],
    "two sources": ["--auth-plugin", "BasicHTTPAuth", "--auth-source", "a:b", "--auth-file", "/dev/null"],
    "half a login": ["--auth-plugin", "BasicHTTPAuth", "--auth-source", "secret"],
    "no user": ["--auth-plugin", "BasicHTTPAuth", "--auth-source", ":b"],
    "a file of origins": ["--auth-plugin", "ExpectOrigin", "--auth-source", "x", "--auth-file", "/dev/null"],
    "a class of the user's": ["--auth-plugin", "mine.Auth", "--auth-source", "x"],
    "no class": ["--auth-plugin", "a/b", "--auth-source", "x"],
    "a key for nothing": ["--auth-plugin", "ExpectOrigin", "--auth-source", "x", "--auth-cookie-key", "/dev/null"],
}


@pytest.mark.parametrize("what", WRONG_USE)
def test_wrong_use_has_status_2_and_one_line(wsluice, what):
    bridge = wsluice.run(*WRONG_USE[what], "127.0.0.1:0", "127.0.0.1:9")
    bridge.expected_status = 2
    assert bridge.wait_for_exit() == 2
    assert bridge.log.startswith("wsluice: --") or bridge.log.startswith("wsluice: give"), bridge.log
    assert bridge.log.count("\n") == 1
    assert "secret" not in bridge.log


@pytest.mark.parametrize("name", ["BasicHTTPAuth", "auth_plugins.BasicHTTPAuth", "websockify.auth_plugins.BasicHTTPAuth"])
def test_names_as_websockify_has_them(wsluice, echo_backend, attempt, name):
    bridge = wsluice(echo_backend, "--auth-plugin", name, "--auth-source", "a:b")
    assert attempt(bridge, basic("a", "b")) == 101


CANNOT_START = {
    "no file": ("--auth-file", None, "--auth-file .*No such|Not found"),
    "no usable user": ("--auth-file", "# nobody\n", "it contains no usable user"),
    "only weak ones": ("--auth-file", "a:secret\n", "it contains no usable user"),
    "no key": ("--auth-cookie-key", None, "--auth-cookie-key"),
    "a short key": ("--auth-cookie-key", "short", "16 bytes or more"),
}


@pytest.mark.parametrize("what", CANNOT_START)
def test_what_it_cannot_start_with_has_status_1(wsluice, tmp_path, what):
    option, content, words = CANNOT_START[what]
    path = tmp_path / "file"
    if content is not None:
        path.write_text(content)
    options = ["--auth-plugin", "BasicHTTPAuth", option, path]
    if option != "--auth-file":
        options += ["--auth-source", "a:b"]
    bridge = wsluice.run(*options, "127.0.0.1:0", "127.0.0.1:9")
    bridge.expected_status = 1
    assert bridge.wait_for_exit() == 1
    assert re.search(words, bridge.log), bridge.log


def test_passwords_over_plain_connections_are_warned_of(wsluice, echo_backend, tls_options):
    assert "passwords are sent over plain" not in one_user(wsluice, echo_backend).log
    one_user(wsluice, echo_backend, listen="0").wait_for_log("passwords are sent over plain ws://")
    one_user(wsluice, echo_backend, *tls_options, listen="0").wait_for_log("passwords are accepted over plain ws:// .* too")
    assert "plain ws" not in one_user(wsluice, echo_backend, *tls_options, "--ssl-only", listen="0").log


def test_over_tls_the_cookie_is_bound_to_host_and_tls(wsluice, echo_backend, connect, attempt, web, tls_options):
    bridge = guarded(wsluice, echo_backend, web, *tls_options)
    answer, cookie = log_in(bridge, connect, tls=tls_client_context())
    assert cookie.startswith("__Host-wsluice_")
    assert answer.header("Set-Cookie").endswith("; HttpOnly; SameSite=Strict; Secure")
    assert attempt(bridge, {"Cookie": cookie}, tls=tls_client_context()) == 101
    assert attempt(bridge, {"Cookie": cookie}) == 401
    assert attempt(bridge, {"Cookie": cookie.removeprefix("__Host-")}, tls=tls_client_context()) == 401
