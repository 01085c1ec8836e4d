"""A session that wsluice recorded is played by noVNC's own playback page, from the sources of Debian's package (the
package itself leaves the page out): the desktop that was seen is seen again.
"""
# ctest: world once

import pathlib
import shutil
import subprocess

import pytest

from harness import wait_until

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def novnc_source():
    run = subprocess.run([REPOSITORY / "scripts/debian-source.sh", "novnc"], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    return pathlib.Path(run.stdout.strip())


@pytest.fixture
def web_folder(novnc_source, tmp_path):
    """noVNC with its tests, and room for recordings where the page looks for them."""
    folder = tmp_path / "novnc"
    for part in ("app", "core", "vendor", "tests"):
        shutil.copytree(novnc_source / part, folder / part)
    shutil.copy(REPOSITORY / "test/browser/novnc.html", folder)
    (folder / "novnc").symlink_to(".")
    (folder / "recordings").mkdir()
    return folder


def test_a_recording_plays_in_novnc(wsluice, desktop, web_folder, work_on_desktop, watch_desktop_played):
    recordings = web_folder / "recordings"
    bridge = wsluice(desktop, "--web", web_folder, "--record", recordings / "desktop")
    work_on_desktop(bridge.url("/novnc.html", scheme="http"))
    recording = recordings / "desktop.1"
    wait_until(lambda: recording.exists() and recording.read_bytes().endswith(b"'EOF'];\n"))
    page = bridge.url("/tests/vnc_playback.html?data=desktop.1&iterations=1", scheme="http")
    messages = watch_desktop_played(page)
    assert "1 iterations took" in messages and "disconnected" not in messages, messages
