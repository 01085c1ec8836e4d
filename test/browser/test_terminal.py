"""A shell in a page: xterm.js with its attach addon, on a program that wsluice runs on a terminal (--exec --pty), and on
a telnet daemon (busybox) that knows nothing of the Web.
"""
# ctest: world once

import pathlib
import shutil

import pytest

from harness import Service, run_node

TESTS = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture
def web_folder(tmp_path):
    folder = tmp_path / "web"
    folder.mkdir()
    shutil.copy(TESTS / "browser" / "terminal.html", folder)
    for package in ("xterm", "addon-attach"):
        shutil.copytree(TESTS / "node_modules/@xterm" / package, folder / package)
    return folder


def work_in(url, *steps, **options):
    return run_node("browser/terminal.mjs", url=url, steps=steps, **options)


def test_a_shell_on_a_terminal(wsluice, web_folder):
    bridge = wsluice(None, "--web", web_folder, "--exec", "/bin/sh", "--pty", "--exec-env", "PS1=ready ")
    seen = work_in(
        bridge.url("/terminal.html?cols=100&rows=30", scheme="http"),
        {"expect": "^ready"},
        {"type": "stty size; tty\n", "expect": "^30 100$"},
        {"type": "echo grüße $((6 * 7))\n", "expect": "^grüße 42$"},
        {"type": "cat\n"},
        {"type": "echoed", "press": "Control+c", "expect": r"\^C"},
        {"type": "exit 0\n"},
        ends=True,
    )
    assert any(line.startswith("/dev/pts/") for line in seen["screen"])
    assert seen["state"].startswith("closed 1000"), seen["state"]


@pytest.fixture
def telnetd(tmp_path):
    shell = tmp_path / "shell"
    shell.write_text("#!/bin/sh\nPS1='ready ' exec /bin/sh -i\n")
    shell.chmod(0o755)

    def command(port):
        return ["busybox", "telnetd", "-F", "-b", "127.0.0.1", "-p", str(port), "-l", str(shell)]

    service = Service(command, tmp_path / "telnetd.log")
    yield service
    service.stop()


def test_a_telnet_daemon(wsluice, web_folder, telnetd):
    bridge = wsluice(telnetd, "--web", web_folder)
    seen = work_in(
        bridge.url("/terminal.html?telnet", scheme="http"),
        {"expect": "^ready"},
        {"type": "echo $((6 * 7)) by telnet\n", "expect": "^42 by telnet$"},
        {"type": "exit\n"},
        ends=True,
    )
    assert seen["state"].startswith("closed 1000"), seen
