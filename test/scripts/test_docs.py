# Every option of --help is in the manual page and in the README, and they name none that is not there.
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WSLUICE = os.environ.get("WSLUICE_BIN", str(ROOT / "build" / "wsluice"))
OPTION = re.compile(r"(?<![-\w])--([a-z][a-z-]+)")
ELSEWHERE = {  # the forms, cmake's, docker's, systemctl's
    "option", "preset", "build", "test-dir", "output-on-failure", "install", "prefix", "parallel",
    "user", "read-only", "cap-drop", "network", "rm", "name", "env", "publish", "volume", "now",
}


def options_of_help():
    text = subprocess.run([WSLUICE, "--help"], check=True, capture_output=True, text=True).stdout
    return {match.group(1) for match in re.finditer(r"^  (?:-\w, )?--([a-z-]+)", text, re.M)}


def options_named_in(path):
    text = (ROOT / path).read_text().replace("\\-", "-")
    return set(OPTION.findall(text)) - ELSEWHERE


def test_help_names_options():
    assert len(options_of_help()) > 20


def test_the_manual_page_has_each_option():
    assert options_named_in("docs/wsluice.1") == options_of_help()


def test_the_readme_has_each_option():
    assert options_named_in("README.md") == options_of_help()


def test_the_bench_manual_page_has_each_option():
    built = os.environ.get("WSLUICE_BENCH_BIN", str(Path(WSLUICE).parent / "bench/loadgen/wsluice-bench"))
    text = subprocess.run([built, "--help"], check=True, capture_output=True, text=True).stdout
    options = set(re.findall(r"^  --([a-z-]+)", text, re.M))
    assert len(options) > 20
    assert options_named_in("docs/wsluice-bench.1") == options
