"""A real desktop for the browser tests: TigerVNC's X server with a root window of one known colour and an xterm
of another, and a person who works on it in noVNC.
"""

import os
import shlex
import subprocess

import pytest

from harness import Service, run_node, trusting_home, wait_until

WIDTH, HEIGHT = 800, 600
ROOT_COLOUR = (0x20, 0x60, 0x40)
TERMINAL_COLOUR = (0xFF, 0xFF, 0xCC)
TERMINAL_AT = (20, 20)


def expect_desktop(seen):
    """That what was seen of it on a canvas is all there: the xterm covers about a fifth; text, border and pointer
    the odd pixel."""
    root_pixels, terminal_pixels = seen["counts"]
    assert root_pixels > 0.7 * WIDTH * HEIGHT, f"the root window is not there: {seen}"
    assert 0.1 * WIDTH * HEIGHT < terminal_pixels < 0.3 * WIDTH * HEIGHT, f"the xterm is not there: {seen}"


def hexadecimal(colour):
    return "#%02x%02x%02x" % colour


@pytest.fixture(scope="session")
def home(authority, tmp_path_factory):
    """A home directory in which Chromium trusts this run's authority."""
    return str(trusting_home(tmp_path_factory.mktemp("browser"), authority.cert))


@pytest.fixture
def vnc_server(tmp_path):
    """A VNC server on a display that it chose itself."""
    reader, writer = os.pipe()

    def command(port):
        return [
            "Xtigervnc", "-displayfd", str(writer), "-rfbport", str(port), "-localhost",
            "-SecurityTypes", "None", "-geometry", f"{WIDTH}x{HEIGHT}", "-depth", "24",
        ]

    server = Service(command, tmp_path / "vnc.log", pass_fds=[writer])
    os.close(writer)
    with os.fdopen(reader) as display_pipe:
        server.display = f":{display_pipe.readline().strip()}"
    yield server
    server.stop()


@pytest.fixture
def desktop(vnc_server, tmp_path):
    """Its desktop: a root window of one colour, and an xterm whose shell is in `tmp_path`."""
    display = {**os.environ, "DISPLAY": vnc_server.display}
    subprocess.run(["xsetroot", "-solid", hexadecimal(ROOT_COLOUR)], env=display, check=True, timeout=10)
    terminal = subprocess.Popen(
        ["xterm", "-geometry", "60x20+%d+%d" % TERMINAL_AT, "-bg", hexadecimal(TERMINAL_COLOUR), "-e", "sh"],
        env=display, cwd=tmp_path, stderr=subprocess.DEVNULL,
    )
    yield vnc_server
    terminal.terminate()
    terminal.wait(10)


@pytest.fixture
def work_on_desktop(desktop, tmp_path):
    """work_on_desktop(url) opens noVNC's page at that URL: the desktop's pixels must be there, and a command
    typed into its terminal must run. Returns what the page says of itself."""
    proof = tmp_path / "proof"

    def run(url, **options):
        seen = run_node(
            "browser/novnc.mjs",
            url=url,
            root=ROOT_COLOUR,
            terminal=TERMINAL_COLOUR,
            typeAt=[TERMINAL_AT[0] + 100, TERMINAL_AT[1] + 100],
            text=f"echo typed $((6 * 7)) > {shlex.quote(proof.name)}",
            **options,
        )
        assert (seen["width"], seen["height"]) == (WIDTH, HEIGHT)
        expect_desktop(seen)
        wait_until(lambda: proof.exists() and proof.read_text(), message="the typed command did not run")
        assert proof.read_text() == "typed 42\n"
        return seen

    return run


@pytest.fixture
def watch_desktop_played():
    """watch_desktop_played(url) opens noVNC's playback page at that URL: the desktop must be seen while it plays.
    Returns what the page says in the end."""

    def run(url):
        seen = run_node("browser/playback.mjs", url=url, root=ROOT_COLOUR, terminal=TERMINAL_COLOUR)
        expect_desktop(seen)
        return seen["messages"]

    return run
