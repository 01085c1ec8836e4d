"""Options by environment variable, as containers give them: each option has one, the command line comes first,
and a misspelt one does not pass in silence.
"""

import pathlib
import re
import subprocess

import pytest

from harness import BINARY, binary

TARGET = "127.0.0.1:9"
WHERE = {"WSLUICE_LISTEN": "127.0.0.1:0", "WSLUICE_TARGET": TARGET}


def variable(option):
    return "WSLUICE_" + option.upper().replace("-", "_")


def exchange(client):
    client.send_frame(BINARY, b"through")
    assert client.recv_data(7) == b"through"


def refused(wsluice, env, *args):
    """Runs it to its end and returns the one line with which it refused (status 2)."""
    instance = wsluice.run(*args, env=env)
    instance.expected_status = 2
    assert instance.wait_for_exit() == 2, instance.log
    assert instance.log.startswith("wsluice: ") and instance.log.count("\n") == 1
    return instance.log


def options_of_help():
    """(name, argument or "") of each option, as --help has them."""
    text = subprocess.run([binary(), "--help"], check=True, capture_output=True, text=True).stdout
    return re.findall(r"^  (?:-\w, )?--([a-z0-9-]+)(?: ([A-Z]+))?(?:  |$)", text, re.M)


# ---- everything without a command line ----


def test_port_and_target_by_variable(wsluice, echo_backend, connect):
    env = {"WSLUICE_LISTEN": "127.0.0.1:0", "WSLUICE_TARGET": echo_backend.target_args[0]}
    exchange(connect(wsluice.run(env=env).wait_until_listening()))


def test_the_command_line_comes_first(wsluice, echo_backend, connect):
    env = {"WSLUICE_LISTEN": "192.0.2.1:1", "WSLUICE_TARGET": "nowhere.invalid:1", "WSLUICE_SUBPROTOCOL": "mqtt",
           "WSLUICE_WORKERS": "none at all"}
    bridge = wsluice(echo_backend, "--subprotocol", "stomp", "--workers", "1", env=env)
    client = connect(bridge, path=None)
    offer = {"Sec-WebSocket-Protocol": "x, mqtt, stomp"}
    assert client.upgrade(headers=offer).header("Sec-WebSocket-Protocol") == "stomp"
    exchange(client)


def test_a_port_on_the_command_line_and_the_target_by_variable(wsluice, echo_backend, connect):
    env = {"WSLUICE_TARGET": echo_backend.target_args[0], "WSLUICE_LISTEN": "192.0.2.1:1"}
    exchange(connect(wsluice.run("127.0.0.1:0", env=env).wait_until_listening()))


def test_a_target_that_options_name_makes_the_variable_superfluous(wsluice, unix_backend):
    env = {"WSLUICE_LISTEN": "127.0.0.1:0", "WSLUICE_UNIX_TARGET": unix_backend.target_args[1]}
    wsluice.run(env=env).wait_until_listening()


@pytest.mark.parametrize("name", ["TARGET", "LISTEN", "WEB", "CERT", "ORIGIN", "SUBPROTOCOL", "WORKERS"])
def test_an_empty_variable_is_refused(wsluice, name):
    # Not the same as none: an origin that got lost on its way must not open the door to all.
    assert f"WSLUICE_{name}" in refused(wsluice, {**WHERE, f"WSLUICE_{name}": ""})


def test_a_number_out_of_range_is_told_the_range(wsluice):
    log = refused(wsluice, {**WHERE, "WSLUICE_BUFFER_SIZE": "1K"})
    assert 'WSLUICE_BUFFER_SIZE="1K"' in log and "between 4K and 16M" in log


RIVALS = [
    ("a target", ["127.0.0.1:0", "{target}"], {"UNIX_TARGET": "/nowhere"}),
    ("a target, not tokens", ["127.0.0.1:0", "{target}"], {"TOKEN_PLUGIN": "TokenFile", "TOKEN_SOURCE": "/nowhere"}),
    ("a target, not the demo", ["127.0.0.1:0", "{target}"], {"DEMO": "1"}),
    ("a port", ["127.0.0.1:0", "{target}"], {"UNIX_LISTEN": "/nowhere/socket"}),
]


@pytest.mark.parametrize("args,env", [row[1:] for row in RIVALS], ids=[row[0] for row in RIVALS])
def test_what_the_command_line_answers_no_variable_answers_otherwise(wsluice, echo_backend, connect, args, env):
    args = [word.format(target=echo_backend.target_args[0]) for word in args]
    bridge = wsluice.run(*args, env={f"WSLUICE_{name}": value for name, value in env.items()})
    exchange(connect(bridge.wait_until_listening()))


# ---- values ----

OPTIONS = options_of_help()
ONLY_ON_THE_COMMAND_LINE = {"help", "version"}
NUMBERS = [name for name, argument in OPTIONS if argument in ("N", "SEC", "BYTES")]
FLAGS = [name for name, argument in OPTIONS if not argument and name not in ONLY_ON_THE_COMMAND_LINE]


def test_help_was_read():
    assert len(NUMBERS) > 10 and len(FLAGS) > 6


@pytest.mark.parametrize("name", NUMBERS + FLAGS)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(wsluice, name):
    line = refused(wsluice, {**WHERE, variable(name): "perhaps"})
    assert variable(name) in line and '"perhaps"' in line


@pytest.mark.parametrize("name", ["log-level", "log-format", "origin", "subprotocol", "ssl-version", "token-plugin",
                                  "unix-listen-mode", "frames", "line-end", "invalid-utf8"])
def test_a_wrong_word_is_refused_by_the_name_of_its_variable(wsluice, name):
    assert variable(name) in refused(wsluice, {**WHERE, variable(name): "http://a/(b)"})


ON = ["1", "true", "yes", "on", "TRUE", "Yes"]
OFF = ["0", "false", "no", "off", "", "No"]


@pytest.mark.parametrize("word", ON + OFF)
def test_how_a_flag_is_set(wsluice, word):
    # --host-token without tokens is a wrong usage, so the status tells whether the flag was set.
    instance = wsluice.run(env={**WHERE, "WSLUICE_HOST_TOKEN": word})
    if word in OFF:
        instance.wait_until_listening()
        return
    instance.expected_status = 2
    assert instance.wait_for_exit() == 2
    assert "--host-token" in instance.log


@pytest.mark.parametrize("separator", [" ", ",", ", ", "\n"])
def test_lists(wsluice, echo_backend, connect, separator):
    origins = separator.join(["https://a.example", "https://*.b.example"])
    bridge = wsluice(echo_backend, env={"WSLUICE_ORIGIN": origins})
    for origin in ("https://a.example", "https://x.b.example"):
        connect(bridge, headers={"Origin": origin})
    client = connect(bridge, path=None)
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                b"Origin: https://c.example\r\n\r\n")
    assert client.recv_response().status == 403


def test_a_list_on_the_command_line_replaces_that_of_the_variable(wsluice, echo_backend, connect):
    bridge = wsluice(echo_backend, "--subprotocol", "stomp", env={"WSLUICE_SUBPROTOCOL": "mqtt"})
    client = connect(bridge, path=None)
    offer = {"Sec-WebSocket-Protocol": "x, mqtt"}
    assert client.upgrade(headers=offer).header("Sec-WebSocket-Protocol") == "x"


# ---- names ----


def test_a_misspelt_variable_is_named_but_not_its_value(wsluice):
    bridge = wsluice(TARGET, env={"WSLUICE_KEY_PASWORD": "secret-of-mine", "WSLUICE_": "x"})
    bridge.wait_for_log(r"warn .*WSLUICE_KEY_PASWORD")
    assert "secret-of-mine" not in bridge.log


def test_a_password_does_not_stay_in_sight(wsluice):
    bridge = wsluice(TARGET, env={"WSLUICE_KEY_PASSWORD": "open sesame"})
    shown = pathlib.Path(f"/proc/{bridge.pid}/environ").read_bytes()
    assert b"WSLUICE_KEY_PASSWORD=" in shown and b"sesame" not in shown


def test_lower_case_names_are_not_taken(wsluice):
    bridge = wsluice(TARGET, env={"wsluice_workers": "none", "WSLUICE_workers": "none", "OTHER_WSLUICE_WORKERS": "none"})
    bridge.wait_for_log(r"warn .*WSLUICE_workers")


KUBERNETES = {
    "WSLUICE_VNC_SERVICE_HOST": "10.0.0.8",
    "WSLUICE_VNC_PORT": "tcp://10.0.0.8:5900",
    "WSLUICE_VNC_PORT_5900_TCP_ADDR": "10.0.0.8",
    "WSLUICE_SERVICE_HOST": "10.0.0.7",
    "WSLUICE_SERVICE_PORT": "6080",
    "WSLUICE_SERVICE_PORT_HTTP": "6080",
    "WSLUICE_PORT": "tcp://10.0.0.7:6080",
    "WSLUICE_PORT_6080_TCP": "tcp://10.0.0.7:6080",
    "WSLUICE_PORT_6080_TCP_PROTO": "tcp",
    "WSLUICE_PORT_6080_TCP_PORT": "6080",
    "WSLUICE_PORT_6080_TCP_ADDR": "10.0.0.7",
}


def test_what_kubernetes_sets_for_a_service_of_that_name_is_passed_over(wsluice, echo_backend, connect):
    bridge = wsluice(echo_backend, env=KUBERNETES)
    exchange(connect(bridge))
    bridge.stop()
    assert "WSLUICE_" not in bridge.log


def test_the_version_that_images_put_into_their_environment_is_no_option(wsluice):
    bridge = wsluice(TARGET, env={"WSLUICE_VERSION": "0.1.0"})
    bridge.stop()
    assert "WSLUICE_" not in bridge.log
