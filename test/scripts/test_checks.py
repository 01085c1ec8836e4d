"""The lint step's own scripts: what breaks a rule is named with file and line, what keeps it is not."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def run(script, root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return subprocess.run([sys.executable, SCRIPTS / script, root], capture_output=True, text=True, check=False)


VIOLATIONS = {
    "a room above": ("src/net/tcp.c", '#include "bridge/session.h"', "net may not include bridge"),
    "a room beside": ("src/route/pick.c", '#include "bridge/session.h"', "route may not include bridge"),
    "ops past the server": ("src/ops/admin.c", '#include "net/stream.h"', "ops may not include net"),
    "public header of codec in net": ("src/net/tcp.c", "#include <wsluice/frame.h>", "net may not include codec"),
    "libuv in codec": ("src/codec/frame.c", "#include <uv.h>", "codec is pure: no <uv.h>"),
    "sockets in codec": ("src/codec/frame.c", "#  include <sys/socket.h>", "codec is pure"),
    "a clock in codec": ("include/wsluice/frame.h", "#include <time.h>", "codec is pure"),
    "libuv in bridge": ("src/bridge/up.c", "#include <uv.h>", "bridge may not include <uv.h>"),
    "mbedTLS outside core/hash": ("src/core/list.c", "#include <mbedtls/sha1.h>", "mbedTLS is behind core/hash"),
    "a folder beside": ("src/route/jose/jws.c", '#include "route/token/kind.h"', "route/jose may not include route/token"),
    "mbedTLS in another folder": ("src/route/token/kind.c", "#include <mbedtls/pk.h>", "mbedTLS is behind core/hash"),
    "no room named": ("src/net/tcp.c", '#include "transport.h"', "does not name its room"),
    "a folder that is no room": ("src/util/misc.c", "#include <stdio.h>", "src/util is not a room"),
}


@pytest.mark.parametrize(("name", "line", "wanted"), VIOLATIONS.values(), ids=VIOLATIONS.keys())
def test_include_against_the_map(tmp_path, name, line, wanted):
    result = run("check-includes.py", tmp_path, {name: f"/* top */\n{line}\n"})
    assert result.returncode == 1, result.stdout
    assert wanted in result.stderr
    assert result.stderr.startswith(f"{name}:"), result.stderr


def test_includes_that_keep_the_map(tmp_path):
    result = run("check-includes.py", tmp_path, {
        "include/wsluice/span.h": "#include <stddef.h>\n",
        "include/wsluice/frame.h": "#include <wsluice/span.h>\n",
        "src/core/hash.c": '#include <mbedtls/sha1.h>\n#include "core/hash.h"\n',
        "src/core/hash.h": "",
        "src/codec/frame.c": '#include <string.h>\n#include <wsluice/frame.h>\n#include "core/hash.h"\n',
        "src/route/jose/key.c": '#include <mbedtls/pk.h>\n#include "route/jose/key.h"\n',
        "src/route/token/jwt.c": '#include "route/jose/key.h"\n#include "route/router.h"\n',
        "src/net/tcp.c": '#include <uv.h>\n#include <wsluice/span.h>\n#include "core/hash.h"\n',
        "src/app/main.c": '#include <uv.h>\n#include "core/hash.h"\n#include "net/tcp.h"\n',
    })
    assert (result.returncode, result.stderr) == (0, "")


def test_libuv_reached_through_a_header(tmp_path):
    result = run("check-includes.py", tmp_path, {
        "src/net/poller.h": "#include <uv.h>\n",
        "src/net/transport.h": '#include "net/poller.h"\n',
        "src/bridge/up.c": '#include "net/transport.h"\n',
    })
    assert result.returncode == 1
    assert "bridge comes to <uv.h> by way of net/transport.h, net/poller.h" in result.stderr


def test_an_empty_tree_is_no_success(tmp_path):
    assert run("check-includes.py", tmp_path, {}).returncode == 1


def c_function(lines, comment=""):
    return comment + "static int\nanswer(int a,\n       int b) {\n" + "  a++;\n" * (lines - 4) + "}\n"


SIZES = {
    "a function of 60": ("src/core/a.c", c_function(60), ""),
    "a function of 61": ("src/core/a.c", "#include <a.h>\n\n" + c_function(61), "src/core/a.c:3: answer has 61 lines"),
    "with a reason": ("src/core/a.c", c_function(90, "/* One table.\n * Long because it is one. */\n"), ""),
    "in a test": ("test/unit/core/test_a.c", c_function(90), ""),
    "a file of 601": ("src/core/a.h", "int a;\n" * 601, "src/core/a.h:1: 601 lines"),
    "a file of 601 with a reason": ("src/core/a.h", "/* Long because. */\n" + "int a;\n" * 600, ""),
}


@pytest.mark.parametrize(("name", "text", "wanted"), SIZES.values(), ids=SIZES.keys())
def test_sizes(tmp_path, name, text, wanted):
    result = run("check-sizes.py", tmp_path, {name: text})
    assert result.returncode == (1 if wanted else 0)
    assert wanted in result.stderr
    assert wanted or not result.stderr
