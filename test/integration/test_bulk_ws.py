"""64 MB of random bytes each way through npm `ws` in Node, odd sizes and fragments included, must
arrive as they were sent."""
# ctest: world

import hashlib
import os

from harness import Sink, run_node, source

TOTAL = 64 * 1024 * 1024


def bulk(bridge, **options):
    return run_node("integration/clients/bulk_ws.mjs", url=bridge.url(), **options)


def test_upload_arrives_whole_before_the_backend_sees_the_end(wsluice, serve):
    sink = Sink()
    report = bulk(wsluice(serve(sink)), up=TOTAL, down=0)
    sink.expect_sent(TOTAL, report["sentHash"])
    assert report["code"] == 1000


def test_download_arrives_whole_and_ends_with_1000(wsluice, serve):
    data = os.urandom(TOTAL)
    report = bulk(wsluice(serve(source(data))), up=0, down=TOTAL, expectServerClose=True)
    assert report["receivedBytes"] == TOTAL
    assert report["receivedHash"] == hashlib.sha256(data).hexdigest()
    assert (report["code"], report["reason"]) == (1000, "Target closed")


def test_both_directions_at_once(wsluice, echo_backend):
    report = bulk(wsluice(echo_backend), up=TOTAL, down=TOTAL)
    assert report["receivedBytes"] == TOTAL
    assert report["receivedHash"] == report["sentHash"]
