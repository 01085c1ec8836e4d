"""64 MB of random bytes each way through npm `ws` in Node, plain and over TLS, odd sizes and fragments
included, must arrive as they were sent."""
# ctest: world

import hashlib
import os

import pytest

from harness import Sink, run_node, source

TOTAL = 64 * 1024 * 1024


@pytest.fixture(params=["ws", "wss"])
def bulk(request, wsluice, authority, tls_options):
    """bulk(backend, up=..., down=...) runs one transfer and returns Node's report."""

    def run(backend, **options):
        if request.param == "ws":
            bridge = wsluice(backend)
        else:
            bridge = wsluice(backend, *tls_options)
            options["ca"] = str(authority.cert)
        url = bridge.url(scheme=request.param, host="localhost")
        return run_node("integration/clients/bulk_ws.mjs", url=url, **options)

    return run


def test_upload_arrives_whole_before_the_backend_sees_the_end(bulk, serve):
    sink = Sink()
    report = bulk(serve(sink), up=TOTAL, down=0)
    sink.expect_sent(TOTAL, report["sentHash"])
    assert report["code"] == 1000


def test_download_arrives_whole_and_ends_with_1000(bulk, serve):
    data = os.urandom(TOTAL)
    report = bulk(serve(source(data)), up=0, down=TOTAL, expectServerClose=True)
    assert report["receivedBytes"] == TOTAL
    assert report["receivedHash"] == hashlib.sha256(data).hexdigest()
    assert (report["code"], report["reason"]) == (1000, "Target closed")


def test_both_directions_at_once(bulk, echo_backend):
    report = bulk(echo_backend, up=TOTAL, down=TOTAL)
    assert report["receivedBytes"] == TOTAL
    assert report["receivedHash"] == report["sentHash"]
