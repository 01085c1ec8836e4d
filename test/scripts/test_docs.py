# Every option of --help is in the manual page and in the README, and they name none that is not there; the manual
# pages are such that man and mandoc find nothing to say about them.
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WSLUICE = os.environ.get("WSLUICE_BIN", str(ROOT / "build" / "wsluice"))
OPTION = re.compile(r"(?<![-\w])--([a-z][a-z0-9-]+)")
ELSEWHERE = {  # the forms, cmake's, docker's, systemctl's, redis's
    "option", "preset", "build", "test-dir", "output-on-failure", "install", "prefix", "parallel",
    "user", "read-only", "cap-drop", "network", "rm", "name", "env", "publish", "volume", "now", "port",
}


def plain(roff):
    return re.sub(r"\\f[BIRP]", "", roff).replace("\\-", "-")


def options_in_order(program):
    text = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    return re.findall(r"^  (?:-\w, )?--([a-z0-9-]+)", text, re.M)


def options_of_help():
    return set(options_in_order(WSLUICE))


def options_named_in(path):
    text = plain((ROOT / path).read_text())
    return set(OPTION.findall(text)) - ELSEWHERE


def test_help_names_options():
    assert len(options_of_help()) > 20


def test_the_manual_page_has_each_option():
    assert options_named_in("docs/wsluice.1") == options_of_help()


def test_the_manual_page_has_each_paragraph_once_in_the_order_of_help():
    page = plain((ROOT / "docs/wsluice.1").read_text())
    tags = re.findall(r"^\.TP\n(?:-\w, )?--([a-z0-9-]+)", page, re.M)
    assert tags == options_in_order(WSLUICE)


@pytest.mark.parametrize("page", ["docs/wsluice.1", "docs/wsluice-bench.1"])
@pytest.mark.parametrize("check", [["mandoc", "-Tlint"], ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"]],
                         ids=["mandoc", "man"])
def test_manual_pages_are_well_formed(page, check):
    if not shutil.which(check[0]):
        pytest.skip(f"no {check[0]} here")
    seen = subprocess.run([*check, ROOT / page], capture_output=True, text=True, timeout=30)
    said = seen.stdout + seen.stderr if check[0] == "mandoc" else seen.stderr
    assert said == ""


def test_the_readme_has_each_option():
    assert options_named_in("README.md") == options_of_help()


def test_the_bench_manual_page_has_each_option():
    built = os.environ.get("WSLUICE_BENCH_BIN", str(Path(WSLUICE).parent / "bench/loadgen/wsluice-bench"))
    options = set(options_in_order(built))
    assert len(options) > 20
    assert options_named_in("docs/wsluice-bench.1") == options
