"""The programs that are compared: our codec's tools and Node, each with records in and a line of JSON for each."""

import json
import os
import struct
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUN_SECONDS = 240  # a batch takes one or two; a sanitizer on a busy machine ten times that
SANITIZED = bool(os.environ.get("WSLUICE_SANITIZE"))


def codec_tool(name):
    """The command of a tool that was built beside $WSLUICE_BIN."""
    program = Path(os.environ.get("WSLUICE_BIN", HERE.parents[1] / "build" / "wsluice"))
    return [program.resolve().parent / "test" / "differential" / name]


def node_script(name):
    return ["node", "--no-deprecation", HERE / name]


def records(items):
    """The bytes of records, as pipe.h has them."""
    return b"".join(struct.pack("<I", len(item)) + item for item in items)


def ask(command, items):
    """What the program says of each record."""
    done = subprocess.run(command, input=records(items), capture_output=True, timeout=RUN_SECONDS)
    assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stderr.decode(errors='replace')}"
    return [json.loads(line) for line in done.stdout.splitlines()]
