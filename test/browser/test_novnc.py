"""A person opens noVNC in a browser and works on a real desktop: page, library and desktop all come
through wsluice's one port.

The desktop is TigerVNC's X server with a root window of one known colour and an xterm of another;
what noVNC painted is read back from its canvas, and a command typed there must have run.
"""

import os
import pathlib
import shlex
import shutil
import subprocess

import pytest

from harness import Service, run_node, wait_until

TESTS = pathlib.Path(__file__).resolve().parents[1]
WIDTH, HEIGHT = 800, 600
ROOT_COLOUR = (0x20, 0x60, 0x40)
TERMINAL_COLOUR = (0xFF, 0xFF, 0xCC)
TERMINAL_AT = (20, 20)


def hexadecimal(colour):
    return "#%02x%02x%02x" % colour


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
def web_folder(tmp_path):
    """What `--web` gets: our page and noVNC's library."""
    folder = tmp_path / "web"
    folder.mkdir()
    shutil.copy(TESTS / "browser" / "novnc.html", folder)
    for part in ("core", "vendor"):
        shutil.copytree(TESTS / "node_modules/@novnc/novnc" / part, folder / "novnc" / part)
    return folder


def test_a_person_sees_and_uses_a_desktop(wsluice, desktop, web_folder, tmp_path):
    bridge = wsluice(desktop, "--web", web_folder)
    proof = tmp_path / "proof"

    seen = run_node(
        "browser/novnc.mjs",
        url=bridge.url("/novnc.html", scheme="http"),
        root=ROOT_COLOUR,
        terminal=TERMINAL_COLOUR,
        typeAt=[TERMINAL_AT[0] + 100, TERMINAL_AT[1] + 100],
        text=f"echo typed $((6 * 7)) > {shlex.quote(proof.name)}",
    )

    assert (seen["width"], seen["height"]) == (WIDTH, HEIGHT)
    root_pixels, terminal_pixels = seen["counts"]
    # The xterm covers about a fifth; text, border and pointer the odd pixel.
    assert root_pixels > 0.7 * WIDTH * HEIGHT, f"the root window is not there: {seen}"
    assert 0.1 * WIDTH * HEIGHT < terminal_pixels < 0.3 * WIDTH * HEIGHT, f"the xterm is not there: {seen}"
    assert seen["state"] == "connect"
    wait_until(lambda: proof.exists() and proof.read_text(), message="the typed command did not run")
    assert proof.read_text() == "typed 42\n"
