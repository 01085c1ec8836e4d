# ctest: timeout=1800
"""Generated and mutated request heads, read by wsluice, by Node's llhttp, by h11 and, where they upgrade, by wsproto.

    DIFFERENTIAL_N=1000000 DIFFERENTIAL_SEED=7 /usr/bin/python3 -m pytest test/differential/test_heads.py

A head that fails is printed as it was and as short as it can be made. Once the bug is mended it goes to HEADS below.
"""

import os
from random import Random

import pytest

from .decisions import DECISIONS, decision_for
from .grammar import valid_head
from .judge import Verdict, found_in, judge, refusal_of, shrink
from .mutations import head_of
from .reading import read_with_h11, read_with_llhttp, read_with_wsluice
from .tools import SANITIZED

COUNT = int(os.environ.get("DIFFERENTIAL_N", 3_000 if SANITIZED else 20_000))
SEED = int(os.environ.get("DIFFERENTIAL_SEED", 1))
BATCH = 10_000
SHOWN = 3  # findings that are made short

KEY = b"Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

# Heads that differed once, and those that are known to be read in different ways elsewhere.
HEADS = [
    b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\nGET /tunnelled HTTP/1.1\r\nHost: h\r\n\r\n",
    b"\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : h\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n Transfer-Encoding: chunked\r\n\r\nhello",
    b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\rHost: h\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\nX: a\rContent-Length: 5\r\n\r\nhello",
    b"GET / HTTP/1.1\r\nHost: h\n\r\nX: y\r\n\r\n",
    b"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n" + KEY + b"Content-Length: 0\r\n\r\n\x81\x80\0\0\0\0",
    b"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n" + KEY + b"Content-Length: 5\r\n\r\nhello",
    b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close, upgrade\r\n" + KEY + b"\r\n",
    b"GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\t\r\n\r\n",
    b"GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive, upgrade\r\n" + KEY + b"\r\n",
]


def drawn(number):
    """Head `number` of this run's seed."""
    return head_of(Random(SEED << 40 | number))


@pytest.fixture(scope="module")
def verdict():
    """Of the whole run."""
    whole = Verdict()
    for start in range(0, COUNT, BATCH):
        judge([drawn(number) for number in range(start, min(start + BATCH, COUNT))], whole)
        done = min(start + BATCH, COUNT)
        print(f"{done} heads, {whole.accepted} accepted, {len(whole.findings)} findings", flush=True)
    return whole


def explain(findings):
    """For a person: one finding of each kind, made short."""
    kinds = {finding.kind: finding for finding in reversed(findings)}
    texts = [f"{shrink(finding)}\n  drawn:  {finding.head!r}" for finding in list(kinds.values())[:SHOWN]]
    return f"{len(findings)} differences that no decision covers (seed {SEED}):\n" + "\n".join(texts)


def test_no_head_is_read_otherwise_but_by_decision(verdict):
    assert verdict.findings == [], explain(verdict.findings)


def test_enough_heads_are_accepted_for_that_to_mean_something(verdict):
    assert verdict.accepted > COUNT / 5


def test_well_known_heads_are_read_alike():
    findings = judge(HEADS).findings
    assert findings == [], explain(findings)


def test_what_clients_send_is_accepted():
    """Unbent heads that both others accept: a refusal of ours may only be about the target."""
    heads = [bytes(valid_head(Random(SEED << 40 | number))) for number in range(COUNT // 10)]
    readings = zip(heads, read_with_wsluice(heads), read_with_llhttp(heads), read_with_h11(heads))
    refused = [(ours.reason, head) for head, ours, *others in readings
               if ours.verdict != "accepted" and all(other.verdict == "accepted" for other in others)]
    assert [(reason, head) for reason, head in refused if "request target" not in reason] == []


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: decision.what)
def test_every_decision_is_about_a_difference(decision):
    ours, llhttp, h11 = (read([decision.example])[0] for read in (read_with_wsluice, read_with_llhttp, read_with_h11))
    found = found_in(decision.example, ours, llhttp, h11)
    covered = {decision_for(parser, word, decision.example, ours, refusal_of(theirs))
               for parser, word, theirs in found}
    assert decision in covered, found
