"""64 MB of random bytes each way through Chromium's own WebSocket, plain and over TLS, as ArrayBuffers and as
Blobs in odd sizes, must arrive as they were sent, from a page that wsluice itself served."""
# ctest: once cost=35

import hashlib
import os
import pathlib
import shutil

import pytest

from harness import Sink, run_node, source

TOTAL = 64 * 1024 * 1024
# What wsluice puts into one frame at most by default; a page gets whole messages only.
MAX_FRAME = 65536


@pytest.fixture(params=["http", "https"])
def bulk(request, wsluice, tmp_path, home, tls_options):
    """bulk(backend, ...) runs one transfer in a page and returns its report."""
    shutil.copy(pathlib.Path(__file__).with_name("bulk.html"), tmp_path)

    def run(backend, **options):
        bridge = wsluice(backend, "--web", tmp_path, *(tls_options if request.param == "https" else []))
        page = bridge.url("/bulk.html", scheme=request.param, host="localhost")
        return run_node("browser/bulk.mjs", url=page, home=home, path="/any/path?at=all", **options)

    return run


def test_upload_arrives_whole_before_the_backend_sees_the_end(bulk, serve):
    sink = Sink()
    report = bulk(serve(sink), up=TOTAL, down=0, binaryType="arraybuffer")
    sink.expect_sent(TOTAL, report["sentHash"])
    assert (report["code"], report["wasClean"]) == (1000, True)


@pytest.mark.parametrize("binary_type", ["arraybuffer", "blob"])
def test_download_arrives_whole_and_ends_with_1000(bulk, serve, binary_type):
    data = os.urandom(TOTAL)
    report = bulk(serve(source(data)), up=0, down=TOTAL, binaryType=binary_type, expectServerClose=True)
    assert report["count"] == TOTAL
    assert report["receivedHash"] == hashlib.sha256(data).hexdigest()
    assert (report["code"], report["reason"], report["wasClean"]) == (1000, "Target closed", True)
    assert report["largest"] <= MAX_FRAME


def test_both_directions_at_once(bulk, echo_backend):
    report = bulk(echo_backend, up=TOTAL, down=TOTAL, binaryType="arraybuffer")
    assert report["count"] == TOTAL
    assert report["receivedHash"] == report["sentHash"]
    assert (report["code"], report["wasClean"]) == (1000, True)
