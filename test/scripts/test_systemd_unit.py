# contrib/systemd: systemd takes the unit, and the variables that it names are options.
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WSLUICE = os.environ.get("WSLUICE_BIN", str(ROOT / "build" / "wsluice"))
UNIT = ROOT / "contrib" / "systemd" / "wsluice@.service"
SOCKET = ROOT / "contrib" / "systemd" / "wsluice@.socket"


def test_systemd_takes_it(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here")
    unit = tmp_path / "wsluice@test.service"
    unit.write_text(UNIT.read_text().replace("/usr/local/bin/wsluice", f'"{WSLUICE}"'))
    seen = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=60)
    complaints = [line for line in (seen.stdout + seen.stderr).splitlines() if "wsluice@" in line]
    assert (seen.returncode, complaints) == (0, []), seen.stdout + seen.stderr


def test_systemd_takes_the_socket_beside_it(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here")
    (tmp_path / "wsluice@test.service").write_text(UNIT.read_text().replace("/usr/local/bin/wsluice", f'"{WSLUICE}"'))
    unit = tmp_path / "wsluice@test.socket"
    unit.write_text(SOCKET.read_text().replace("\n[Socket]\n", "\n[Socket]\nListenStream=6080\n"))
    seen = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=60)
    complaints = [line for line in (seen.stdout + seen.stderr).splitlines() if "wsluice@" in line]
    assert (seen.returncode, complaints) == (0, []), seen.stdout + seen.stderr


def test_its_variables_are_options():
    help_text = subprocess.run([WSLUICE, "--help"], check=True, capture_output=True, text=True).stdout
    known = {"WSLUICE_" + name.upper().replace("-", "_") for name in re.findall(r"--([a-z0-9-]+)", help_text)}
    named = set(re.findall(r"\b(WSLUICE_[A-Z0-9_]+)", UNIT.read_text() + SOCKET.read_text()))
    assert named <= known | {"WSLUICE_LISTEN", "WSLUICE_TARGET"}
    assert len(named) > 3
