"""docs/MIGRATING.md says the truth: each row of its table about the program as it is, its log lines, and its
recipes, which are run as they stand there, but for ports and paths.
"""
# ctest: world

import base64
import json
import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess

import pytest

from harness import BINARY, LIMIT_SECONDS, RawClient, binary, free_port, tls_client_context, wait_until

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "docs/MIGRATING.md").read_text()
ROW = re.compile(r"^\| `--([a-z0-9-]+)` \| (same|differs|accepted) \|", re.MULTILINE)
ROWS = ROW.findall(PAGE)
WEBSOCKIFYS_OPTIONS = set("""
    help verbose traffic record daemon run-once timeout idle-timeout cert key key-password ssl-only ssl-target
    verify-client cafile ssl-version ssl-ciphers unix-listen unix-listen-mode unix-target inetd web web-auth
    file-only wrap-mode prefer-ipv6 libserver target-config token-plugin token-source host-token auth-plugin
    auth-source heartbeat log-file syslog legacy-syslog
""".split())


def blocks(kind):
    """The fenced blocks of that kind, in order."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def indented(word):
    """The lines of the one indented block that holds `word`."""
    found = [block for block in re.findall(r"(?:^    .*\n)+", PAGE, re.MULTILINE) if word in block]
    assert len(found) == 1, f"{len(found)} blocks have {word}"
    return [line[4:] for line in found[0].splitlines()]


# --- the table ---------------------------------------------------------------------------------------------


def test_the_table_has_each_option_once():
    names = [name for name, _ in ROWS]
    assert sorted(names) == sorted(WEBSOCKIFYS_OPTIONS)
    assert PAGE.count("\n| `--") == len(names), "a row that this test does not read"


def test_each_option_is_there():
    help_text = subprocess.check_output([binary(), "--help"], text=True)
    assert [name for name, _ in ROWS if not re.search(rf"^  (-\w, )?--{name}\b", help_text, re.MULTILINE)] == []


def test_links_within_the_page_lead_somewhere():
    headings = re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", PAGE)) <= anchors


# --- what you will notice --------------------------------------------------------------------------------


def test_log_lines_look_as_shown(wsluice, echo_backend, connect):
    bridge = wsluice(echo_backend)
    client = connect(bridge, "/websockify", {"Sec-WebSocket-Protocol": "binary"})
    client.send_frame(BINARY, b"through")
    client.recv_data(7)
    client.send_close(1000)
    client.expect_close(1000)
    bridge.wait_for_log("session ended")
    lines = [line for line in bridge.log.splitlines() if " session " in line]
    assert [shape(line) for line in lines] == [shape(line) for line in indented("session opened")]
    assert bridge.output == ""


def shape(line):
    """A log line without what differs from session to session."""
    line = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", line)
    line = re.sub(r"\[[0-9a-f]+\]", "ID", line)
    return re.sub(r"\b(client|target|duration|up|down)=\S+", r"\1=", line)


def test_it_is_found_by_the_name_that_it_was_started_by(wsluice, echo_backend, tmp_path):
    link = tmp_path / "websockify"
    link.symlink_to(os.path.abspath(binary()))
    instance = wsluice.run("127.0.0.1:0", *echo_backend.target_args, program=link).wait_until_listening()
    for how in ("-x", "-f"):  # as killall and pkill -f look for it
        found = subprocess.run(["pgrep", how, "websockify"], capture_output=True, text=True).stdout.split()
        assert str(instance.pid) in found


@pytest.mark.parametrize("listen,families", [("{}", ["127.0.0.1", "::1"]), ("0.0.0.0:{}", ["127.0.0.1"])])
def test_without_a_host_both_kinds_of_addresses_are_listened_on(wsluice, echo_backend, listen, families):
    bridge = wsluice(echo_backend, listen=listen.format(0))
    for host in ("127.0.0.1", "::1"):
        if host in families:
            RawClient(bridge.port, host=host).close()
        else:
            with pytest.raises(ConnectionRefusedError):
                RawClient(bridge.port, host=host)


# --- recipes -------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path, server_pair):
    """Stands for the machine of the recipes: pages, a certificate, tokens, and wsluice under both names."""
    for folder in ("bin", "novnc", "consoles"):
        (tmp_path / folder).mkdir()
    (tmp_path / "novnc/vnc.html").write_text("<title>noVNC</title>")
    (tmp_path / "novnc.pem").write_bytes(server_pair.both.read_bytes())
    for name in ("wsluice", "websockify"):
        (tmp_path / "bin" / name).symlink_to(os.path.abspath(binary()))
    return tmp_path


def on_site(text, site, port, target):
    """A recipe's text with this machine's paths and ports; all of them must be known."""
    places = {"/usr/share/novnc": f"{site}/novnc", "/etc/ssl/novnc.pem": f"{site}/novnc.pem", "/web": f"{site}/novnc",
              "/var/lib/consoles": f"{site}/consoles", "/usr/local/bin/wsluice": f"{site}/bin/wsluice"}
    for old in sorted(places, key=len, reverse=True):
        text = re.sub(rf"(?<![\w/]){old}", places[old], text)
    text = re.sub(r"\b(localhost|vnc|10\.0\.0\.7):59\d\d\b", f"127.0.0.1:{target}", text)
    return re.sub(r"\b6080\b", str(port), text)


def run_recipe(wsluice, words, site, tls=None, path="/websockify", headers=None):
    """Starts the words (the program's name first), serves a page and a session, stops."""
    instance = wsluice.run(*words[1:], program=site / "bin" / pathlib.Path(words[0]).name).wait_until_listening()
    with RawClient(instance.port, tls=tls) as client:
        lines = ["GET /vnc.html HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        assert client.request("\r\n".join([*lines, "", ""]).encode()).body == b"<title>noVNC</title>"
    with RawClient(instance.port, tls=tls) as client:
        client.upgrade(path, headers)
        client.send_frame(BINARY, b"through")
        assert client.recv_data(7) == b"through"
        client.send_close(1000)
        client.expect_close(1000)
    instance.stop()


def test_the_units_line_serves(wsluice, site, echo_backend, authority):
    line = re.search(r"^ExecStart=(.*)$", blocks("ini")[0], re.MULTILINE)[1]
    words = shlex.split(on_site(line, site, 0, echo_backend.port))
    run_recipe(wsluice, words, site, tls_client_context(authority.cert))


def test_systemd_takes_the_unit(site):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here")
    unit = site / "novnc.service"
    unit.write_text(on_site(blocks("ini")[0], site, 6080, 5901))
    seen = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=60)
    complaints = [line for line in (seen.stdout + seen.stderr).splitlines() if unit.name in line]
    assert (seen.returncode, complaints) == (0, []), seen.stdout + seen.stderr


@pytest.mark.parametrize("block", blocks("dockerfile"), ids=["websockify in an image", "the image"])
def test_the_containers_command_serves(wsluice, site, echo_backend, block):
    words = json.loads(on_site(re.search(r"^CMD (\[.*\])$", block, re.MULTILINE)[1], site, 0, echo_backend.port))
    if words[0] != "websockify":
        words = ["wsluice", *words]  # the image's entry point
    run_recipe(wsluice, words, site)


def test_programs_are_wrapped_as_shown(wsluice):
    """Those of the lines whose program is here everywhere."""
    lines = [line for line in indented("redis-server --port {port}") if "redis-server" in line]
    assert len(lines) == 2
    for line in lines:
        words = shlex.split(re.sub(r"\b6080\b", "127.0.0.1:0", line))
        assert words[0] == "wsluice"
        instance = wsluice.run(*words[1:], "--save", "").wait_until_listening()
        with RawClient(instance.port) as client:
            client.upgrade()
            client.send_frame(BINARY, b"PING\r\n")
            assert client.recv_data(7) == b"+PONG\r\n"
        instance.stop()


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="systemd-socket-activate is not here")
def test_inetds_line_serves(wsluice, site, echo_backend):
    """With systemd's tool in inetd's place: what stands behind the program's path is its command line."""
    words = on_site(blocks("inetd")[0], site, free_port(), echo_backend.port).split()
    log = site / "novnc.log"
    arguments = [word.replace("/var/log/novnc.log", str(log)) for word in words[7:]]
    manager = wsluice.run("--inetd", "-l", f"127.0.0.1:{words[0]}", site / "bin" / "websockify", *arguments,
                          program=shutil.which("systemd-socket-activate"))
    manager.wait_for_log("Listening on")
    with RawClient(int(words[0])) as client:
        client.upgrade()
        client.send_frame(BINARY, b"through")
        assert client.recv_data(7) == b"through"
    manager.stop()
    assert "inherited=inetd" in log.read_text()


def test_passwords_as_shown(wsluice, site, echo_backend, authority):
    making, starting = [on_site(line, site, 0, echo_backend.port).replace("/etc/novnc.users", f"{site}/users")
                        for line in indented("htpasswd")]
    subprocess.run(["htpasswd", "-i", *shlex.split(making)[1:]], input=b"secret", check=True, timeout=LIMIT_SECONDS)
    headers = {"Authorization": "Basic " + base64.b64encode(b"alice:secret").decode()}
    run_recipe(wsluice, shlex.split(starting), site, tls_client_context(authority.cert), headers=headers)


def test_a_directory_of_tokens_as_shown(wsluice, site, echo_backend):
    *making, starting = [on_site(line, site, 0, echo_backend.port) for line in indented("/var/lib/consoles")]
    subprocess.run(["sh", "-ec", "\n".join(making)], check=True, timeout=LIMIT_SECONDS)
    path = re.search(r"vnc\.html\?path=(\S+?)`", PAGE)[1].replace("%3F", "?").replace("%3D", "=")
    words = shlex.split(starting)
    assert words[0] == "websockify"
    run_recipe(wsluice, words, site, path=f"/{path}")


PLUGIN = """
class Plugin:
    def __init__(self, source):
        self.source = source

    def lookup(self, token):
        return self.source.split(":") if token == "a token/of ours" else None
"""


def test_a_plugin_in_python_answers_over_http(wsluice, site, echo_backend, tmp_path):
    port = free_port()
    (tmp_path / "consoles.py").write_text(PLUGIN)
    (tmp_path / "serve-plugin.py").write_text(blocks("python")[0].replace("8081", str(port)))
    serving, starting = (line.replace("8081", str(port)) for line in indented("serve-plugin.py"))
    words = shlex.split(serving.rstrip("&").replace("ARG", f"127.0.0.1:{echo_backend.port}"))
    with subprocess.Popen(["/usr/bin/python3", *words[1:]], cwd=tmp_path) as service:
        try:
            wait_until(lambda: listens(port), message="the plugin does not listen")
            words = [*shlex.split(on_site(starting, site, 0, echo_backend.port)), "--allow-target=127.0.0.1"]
            run_recipe(wsluice, words, site, path="/websockify?token=a%20token%2Fof%20ours")
        finally:
            service.terminate()


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except ConnectionRefusedError:
        return False
