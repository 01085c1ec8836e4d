"""A person opens noVNC in a browser and works on a real desktop: page, library and desktop all come
through wsluice's one port, plain or over TLS.

What noVNC painted is read back from its canvas, and a command typed there must have run (conftest.py).
"""
# ctest: world cost=12

import pathlib
import shutil

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture
def web_folder(tmp_path):
    """What `--web` gets: our page and noVNC's library."""
    folder = tmp_path / "web"
    folder.mkdir()
    shutil.copy(TESTS / "browser" / "novnc.html", folder)
    for part in ("core", "vendor"):
        shutil.copytree(TESTS / "node_modules/@novnc/novnc" / part, folder / "novnc" / part)
    return folder


def test_a_person_sees_and_uses_a_desktop(wsluice, desktop, web_folder, work_on_desktop):
    bridge = wsluice(desktop, "--web", web_folder)
    seen = work_on_desktop(bridge.url("/novnc.html", scheme="http"))
    assert (seen["state"], seen["protocol"]) == ("connect", "ws:")


def test_over_tls_the_browser_trusts_what_it_sees(wsluice, desktop, web_folder, work_on_desktop, home, server_pair):
    bridge = wsluice(desktop, "--web", web_folder, "--cert", server_pair.cert, "--key", server_pair.key, "--ssl-only")
    seen = work_on_desktop(bridge.url("/novnc.html", scheme="https", host="localhost"), home=home)
    assert (seen["state"], seen["protocol"]) == ("connect", "wss:")
