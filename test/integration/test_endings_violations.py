"""A client that breaks the protocol: it is told with the right code and a reason, the service gets
all that came before, nothing of the frame at fault, and a reset instead of an end.
"""

import os
import struct

import pytest

from harness import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, encode_frame

GOOD = encode_frame(BINARY, b"good ") + encode_frame(PING, b"in between") + encode_frame(TEXT, b"words")
BROKEN_TEXT = "gr\u00fc\u00df".encode()  # two characters of two bytes


def frame(*args, **bits):
    return encode_frame(*args, **bits)


# name, bytes at fault, code, words of the reason, payload that still goes up
ROWS = [
    ("unmasked", frame(BINARY, b"bad", mask=None), 1002, "without a mask", b""),
    ("unmasked and empty", frame(BINARY, b"", mask=None), 1002, "without a mask", b""),
    ("reserved bit", frame(BINARY, b"bad", rsv=4), 1002, "Reserved bit", b""),
    ("reserved opcode", frame(0x3, b"bad"), 1002, "Reserved opcode", b""),
    ("reserved control opcode", frame(0xB, b"bad"), 1002, "Reserved opcode", b""),
    ("length of 16 bits for 5 bytes", frame(BINARY, b"bad!!", form=16), 1002, "shortest", b""),
    ("length of 64 bits for 5 bytes", frame(BINARY, b"bad!!", form=64), 1002, "shortest", b""),
    ("length of 64 bits for 60,000 bytes", frame(BINARY, b"b" * 60000, form=64), 1002, "shortest", b""),
    ("length over 63 bits", frame(BINARY, b"bad", length=1 << 63, form=64), 1002, "63 bits", b""),
    ("fragmented ping", frame(PING, b"bad", fin=False), 1002, "Fragmented", b""),
    ("fragmented Close", frame(CLOSE, b"", fin=False), 1002, "Fragmented", b""),
    ("ping of 126 bytes", frame(PING, b"b" * 126), 1002, "125", b""),
    ("Close of 126 bytes", frame(CLOSE, b"\x03\xe8" + b"b" * 124), 1002, "125", b""),
    ("continuation of nothing", frame(CONTINUATION, b"bad"), 1002, "Continuation", b""),
    ("new message inside a message", frame(BINARY, b"part", fin=False) + frame(BINARY, b"bad"),
     1002, "New message", b"part"),
    ("new text inside a text", frame(TEXT, b"part", fin=False) + frame(TEXT, b"bad"), 1002, "New message", b"part"),
    ("Close of one byte", frame(CLOSE, b"\x03"), 1002, "half a code", b""),
    ("Close with a code not allowed", frame(CLOSE, b"\x03\xed"), 1002, "not allowed", b""),
    ("Close with a reason that is not UTF-8", frame(CLOSE, b"\x03\xe8\xff"), 1007, "UTF-8", b""),
    ("text that is not UTF-8", frame(TEXT, b"ok \xff bad"), 1007, "UTF-8", b"ok "),
    ("text of a lone surrogate", frame(TEXT, b"ok \xed\xa0\x80 bad"), 1007, "UTF-8", b"ok "),
    ("text in an overlong form", frame(TEXT, b"ok \xc0\xaf bad"), 1007, "UTF-8", b"ok "),
    ("text beyond U+10FFFF", frame(TEXT, b"ok \xf4\x90\x80\x80 bad"), 1007, "UTF-8", b"ok "),
    ("text that ends inside a character", frame(TEXT, b"ok \xc3"), 1007, "UTF-8", b"ok "),
    ("third fragment of a text",
     frame(TEXT, BROKEN_TEXT[:3], fin=False) + frame(CONTINUATION, BROKEN_TEXT[3:5], fin=False)
     + frame(CONTINUATION, b"x"), 1007, "UTF-8", BROKEN_TEXT[:4]),
]
IDS = [row[0] for row in ROWS]


# Bytes of a character that was begun, and forwarded before it was seen to be none, stay forwarded.
BEGUN = {
    "text of a lone surrogate": b"\xed",
    "text beyond U+10FFFF": b"\xf4",
    "text that ends inside a character": b"\xc3",
    "third fragment of a text": b"\xc3",
}


@pytest.mark.parametrize("delivery", ["one segment", "byte by byte"])
@pytest.mark.parametrize("name,bad,code,words,before", ROWS, ids=IDS)
def test_a_fault_behind_good_frames(open_session, name, bad, code, words, before, delivery):
    bridge, client, service = open_session()
    if delivery == "one segment":
        client.send(GOOD + bad)
    else:
        client.send(GOOD)
        client.send(bad[:200], chunk=1, pause=0.0003)
        client.send(bad[200:])
    client.expect_frame(PONG, b"in between")
    close = client.expect_close(code, words)
    assert len(close.payload) <= 125
    client.expect_end("fin")
    data, how = service.recv_to_end()
    assert how == "reset"
    begun = BEGUN.get(name, b"") if delivery == "byte by byte" else b""
    assert data in (b"good words" + before, b"good words" + before + begun)
    client.close()
    bridge.wait_for_log(rf'session ended side=client cause="[^"]*{words}[^"]*" code={code}')


@pytest.mark.parametrize("first", [b"", frame(PING, b"p")], ids=["alone", "behind a ping"])
def test_a_fault_that_comes_with_the_request_head(wsluice, backend, connect, first):
    """The service has been dialled by then: even without a byte it sees no orderly end."""
    client = connect(wsluice(backend), path=None)
    client.upgrade(first_frames=first + frame(BINARY, b"bad", mask=None))
    if first:
        client.expect_frame(PONG, b"p")
    client.expect_close(1002)
    client.expect_end("fin")
    backend.accept().expect_end("reset")


@pytest.mark.parametrize("behind", [frame(BINARY, b"behind"), os.urandom(900_000)], ids=["a frame", "900 KB"])
def test_what_follows_a_fault_is_dropped_and_does_not_destroy_the_answer(open_session, behind):
    _, client, service = open_session()
    client.send(GOOD + frame(BINARY, b"bad", rsv=2) + behind)
    client.expect_frame(PONG, b"in between")
    client.expect_close(1002)
    client.expect_end("fin")
    assert service.recv_to_end() == (b"good words", "reset")


def test_a_client_that_floods_on_after_a_fault_is_cut(open_session):
    _, client, service = open_session()
    client.send(frame(BINARY, b"bad", mask=None))
    client.expect_close(1002)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        for _ in range(64):
            client.send(bytes(1 << 20))
    assert service.recv_to_end() == (b"", "reset")


def test_bytes_of_the_service_that_were_on_their_way_end_with_a_whole_frame(open_session):
    """The Close comes behind the frame that was begun, so the client can read it."""
    _, client, service = open_session(receive_buffer=65536)
    sent = os.urandom(1 << 20)
    service.send_until_stalled(sent, quiet=0.5)
    client.send(frame(BINARY, b"good") + frame(0x7, b"bad"))
    data, close = client.recv_until_close()
    assert close.close_code == 1002
    assert data == (sent * (len(data) // len(sent) + 1))[:len(data)]
    client.expect_end("fin")
    assert service.was_reset()


@pytest.mark.parametrize("fragments", [1, 3])
def test_refused_text_gets_1003_and_nothing_of_it_goes_up(open_session, fragments):
    _, client, service = open_session("--refuse-text")
    client.send(frame(BINARY, b"fine") + frame(TEXT, b"text", fin=fragments == 1))
    client.expect_close(1003, "Text messages are not accepted")
    client.expect_end("fin")
    assert service.recv_to_end() == (b"fine", "reset")


def test_a_client_that_ignores_our_close_after_a_fault_is_not_waited_for(open_session):
    bridge, client, _ = open_session()
    client.send(frame(BINARY, b"bad", rsv=1))
    client.expect_close(1002)
    client.expect_end("fin")  # and the client keeps its side open
    bridge.wait_for_log("session ended")


def test_a_valid_close_behind_a_fault_changes_nothing(open_session):
    _, client, service = open_session()
    client.send(frame(BINARY, b"bad", rsv=1) + frame(CLOSE, struct.pack(">H", 1000)))
    client.expect_close(1002)
    client.expect_end("fin")
    service.expect_end("reset")
