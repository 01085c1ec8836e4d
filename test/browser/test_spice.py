"""spice-html5 (Debian), which offers the subprotocol `binary` and opens a WebSocket for each channel, on a virtual
machine's SPICE server (qemu): the screen with the words of its BIOS is seen.
"""
# ctest: world

import pathlib

import pytest

from harness import Service, run_node, wait_until

PAGES = pathlib.Path("/usr/share/spice-html5")


@pytest.fixture
def machine(tmp_path):
    def command(port):
        return ["qemu-system-x86_64", "-M", "pc,accel=tcg", "-m", "64", "-nodefaults", "-display", "none",
                "-device", "qxl-vga", "-spice", f"addr=127.0.0.1,port={port},disable-ticketing=on"]

    service = Service(command, tmp_path / "qemu.log")
    yield service
    service.stop()


def test_a_machine_s_screen(wsluice, machine):
    bridge = wsluice(machine, "--web", PAGES)
    screen = run_node("browser/spice.mjs", url=bridge.url("/spice_auto.html", scheme="http"))
    assert screen["width"] >= 640 and screen["lit"] > 500, screen
    opened = [line for line in bridge.log.splitlines() if "session opened" in line]
    assert len(opened) >= 3 and all("subprotocol=binary" in line for line in opened), bridge.log
    wait_until(lambda: bridge.log.count("session ended") == len(opened))
