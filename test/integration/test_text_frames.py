"""What clients are sent with --frames and by their subprotocol, frame by frame: text, lines, base64, auto; what
their messages become; and what happens where the bytes are no text.
"""

import base64
import hashlib
import os
import random
import threading
import time

import pytest

from harness import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, encode_frame

IRC = "text.ircv3.net"
MEGABYTE = 1 << 20


@pytest.fixture
def talk(wsluice, backend, connect):
    """talk("--frames", "text", offers="a, b") gives (client, service, log so far) of one session."""

    def start(*options, offers=None):
        bridge = wsluice(backend, "--workers", "1", *options)
        client = connect(bridge, headers={"Sec-WebSocket-Protocol": offers} if offers else None)
        service = backend.accept()
        return client, service, bridge

    return start


def recv_texts(client):
    """The payloads of all text messages up to the Close, and the Close; nothing else may come."""
    texts = []
    while (frame := client.recv_frame()).opcode != CLOSE:
        assert frame.opcode == TEXT and frame.fin, frame
        texts.append(frame.payload.decode())
    return texts, frame


def expect(service, data):
    assert service.recv_exact(len(data)) == data


# --- which kind it is --------------------------------------------------------------------------------------


@pytest.mark.parametrize("options, offers, chosen, kind", [
    ([], None, None, "binary"),
    ([], "binary, base64", "binary", "binary"),
    ([], "base64, binary", "binary", "binary"),
    ([], "base64", "base64", "base64"),
    ([], "base64, chat", "chat", "binary"),
    (["--subprotocol", "base64"], "chat, base64", "base64", "base64"),
    (["--frames", "lines"], "binary", "binary", "lines"),
    (["--frames", "text"], "base64", "base64", "base64"),
    ([], f"{IRC}, binary.ircv3.net", IRC, "lines"),
    (["--frames", "auto"], f"binary.ircv3.net, {IRC}", "binary.ircv3.net", "binary-lines"),
])
def test_the_subprotocol_says_it_or_the_operator(wsluice, echo_backend, connect, options, offers, chosen, kind):
    bridge = wsluice(echo_backend, *options)
    client = connect(bridge, path=None)
    answer = client.upgrade("/", {"Sec-WebSocket-Protocol": offers} if offers else None)
    assert answer.header("Sec-WebSocket-Protocol") == chosen
    line = bridge.wait_for_log(r"session opened .*")[0]
    assert (f" frames={kind}" in line) if kind != "binary" else (" frames=" not in line)


# --- lines -------------------------------------------------------------------------------------------------


def test_a_message_a_line(talk):
    client, service, _ = talk("--frames", "lines")
    service.send("one\ntwo\r\n\nünï\nhal".encode())
    for line in ["one", "two", "", "ünï"]:
        client.expect_frame(TEXT, line.encode())
    time.sleep(0.1)
    service.send(b"f\nrest")
    client.expect_frame(TEXT, b"half")
    service.close()
    assert recv_texts(client)[0] == ["rest"]


def test_a_reset_of_the_service_comes_behind_its_last_line(talk):
    client, service, _ = talk("--frames", "lines")
    service.send(b"one\nlast words")
    client.expect_frame(TEXT, b"one")
    service.reset()
    texts, close = recv_texts(client)
    assert (texts, close.close_code) == (["last words"], 1011)


def test_messages_become_lines(talk):
    client, service, _ = talk("--frames", "lines")
    client.send(b"".join([
        encode_frame(TEXT, b"text"), encode_frame(BINARY, b"\xff binary"), encode_frame(TEXT, b""),
        encode_frame(TEXT, b"frag", fin=False), encode_frame(PING, b"p"), encode_frame(CONTINUATION, b"ments"),
        encode_frame(TEXT, b"ended\n"),
    ]))
    expect(service, b"text\n\xff binary\n\nfragments\nended\n")
    client.expect_frame(PONG, b"p")


@pytest.mark.parametrize("end, sent", [("lf", b"\n"), ("crlf", b"\r\n"), ("cr", b"\r")])
def test_the_line_end_is_an_option(talk, end, sent):
    client, service, _ = talk("--frames", "lines", "--line-end", end)
    client.send_frame(TEXT, b"one")
    client.send_frame(TEXT, b"two" + sent)
    expect(service, b"one" + sent + b"two" + sent)


@pytest.mark.parametrize("options, most", [([], 65536), (["--max-line", "1000"], 1000), (["--max-frame-size", "10"], 10)])
def test_long_lines_come_in_several_messages(talk, options, most):
    client, service, _ = talk("--frames", "lines", *options)
    line = "".join(random.Random(1).choices("aé€😀", k=2 * most))
    threading.Thread(target=lambda: (service.send(line.encode() + b"\nshort\n"), service.close()), daemon=True).start()
    texts, _ = recv_texts(client)
    assert "".join(texts[:-1]) == line and texts[-1] == "short"
    assert all(most - 4 < len(text.encode()) <= most for text in texts[:-2])


def test_a_line_of_a_megabyte_in_one_message(talk):
    client, service, _ = talk("--frames", "lines", "--max-line", "1M", "--max-frame-size", "1M")
    line = os.urandom(MEGABYTE // 2).hex().encode()
    threading.Thread(target=service.send, args=(line + b"\n",), daemon=True).start()
    client.expect_frame(TEXT, line)


def test_lines_of_irc_end_in_crlf(talk):
    client, service, _ = talk(offers=IRC)
    client.send_frame(TEXT, "PRIVMSG #köln :hallo".encode())
    expect(service, "PRIVMSG #köln :hallo\r\n".encode())
    service.send(b":a PRIVMSG #b :caf\xe9\r\n")
    client.expect_frame(TEXT, ":a PRIVMSG #b :caf�".encode())


def test_binary_lines_of_irc_may_hold_any_bytes(talk):
    client, service, _ = talk(offers="binary.ircv3.net")
    client.send_frame(BINARY, b"NICK \xe9")
    expect(service, b"NICK \xe9\r\n")
    service.send(b":\xe9\r\nPING :x\r\n")
    client.expect_frame(BINARY, b":\xe9")
    client.expect_frame(BINARY, b"PING :x")


# --- text --------------------------------------------------------------------------------------------------


def test_text_is_cut_between_characters(talk):
    client, service, _ = talk("--frames", "text", "--max-frame-size", "1000")
    text = "".join(random.Random(2).choices("aé€😀\n\r", k=100_000))
    threading.Thread(target=lambda: (service.send(text.encode(), chunk=777), service.close()), daemon=True).start()
    texts, close = recv_texts(client)
    assert "".join(texts) == text
    assert all(len(part.encode()) <= 1000 for part in texts)
    assert close.close_code == 1000


def test_a_cut_character_waits_for_its_rest(talk):
    client, service, _ = talk("--frames", "text")
    service.send(b"caf\xc3")
    client.expect_frame(TEXT, b"caf")
    service.send(b"\xa9")
    client.expect_frame(TEXT, "é".encode())


@pytest.mark.parametrize("sent", [b"caf\xe9!", b"\xff\xfe", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xc0\xaf", bytes(range(256))])
def test_bytes_that_are_no_text_are_replaced(talk, sent):
    client, service, bridge = talk("--frames", "text")
    service.send(sent)
    service.close()
    assert "".join(recv_texts(client)[0]) == sent.decode("utf-8", "replace")
    client.close()
    bridge.wait_for_log(r"invalid UTF-8: the client gets U\+FFFD")
    bridge.stop()
    bridge.wait_for_log(r"stopped .* replaced_text=1\b")


def test_bytes_that_are_no_text_close(talk):
    client, service, bridge = talk("--frames", "text", "--invalid-utf8", "close")
    service.send(b"fine \xff not")
    texts, close = recv_texts(client)
    assert (texts, close.close_code, close.close_reason) == (["fine "], 1007, "Target sent invalid UTF-8")
    client.send_close(1007)
    client.finish()
    bridge.wait_for_log(r'session ended side=backend cause="target sent invalid UTF-8" code=1007')


# --- base64 ------------------------------------------------------------------------------------------------


def test_base64_both_ways(talk):
    client, service, _ = talk(offers="base64")
    client.send_frame(TEXT, base64.b64encode(b"RFB 003.008\n"))
    expect(service, b"RFB 003.008\n")
    client.send_frame(BINARY, b"as it is")
    expect(service, b"as it is")
    data = os.urandom(300_000)
    threading.Thread(target=lambda: (service.send(data), service.close()), daemon=True).start()
    texts, _ = recv_texts(client)
    assert b"".join(base64.b64decode(text, validate=True) for text in texts) == data
    assert all(len(text) <= 65536 for text in texts)


def test_base64_of_a_megabyte_up_in_any_pieces(talk):
    client, service, _ = talk("--frames", "base64")
    data = os.urandom(MEGABYTE)
    text = base64.b64encode(data)
    sent = encode_frame(TEXT, text[:99_999], fin=False) + encode_frame(CONTINUATION, text[99_999:])
    threading.Thread(target=client.send, args=(sent, 4099), daemon=True).start()
    assert hashlib.sha256(service.recv_exact(MEGABYTE)).digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize("text", [b"a", b"ab=c", b"hello!!!", b"a-b_", b"===="])
def test_what_is_no_base64_closes(talk, text):
    client, service, _ = talk("--frames", "base64")
    client.send_frame(TEXT, text)
    client.expect_close(1007, "Text message is not base64")


# --- auto, and what is refused -----------------------------------------------------------------------------


def test_auto_follows_what_the_client_sends_first(talk):
    client, service, _ = talk("--frames", "auto")
    service.send(b"greeting")
    client.expect_frame(BINARY, b"greeting")
    client.send_frame(TEXT, b"hello")
    expect(service, b"hello")
    service.send("text é".encode())
    client.expect_frame(TEXT, "text é".encode())
    client.send_frame(BINARY, b"binary")
    expect(service, b"binary")
    service.send(b"still text")
    client.expect_frame(TEXT, b"still text")


def test_auto_stays_binary_for_who_sends_binary(talk):
    client, service, _ = talk("--frames", "auto")
    client.send_frame(BINARY, b"hello")
    expect(service, b"hello")
    data = os.urandom(MEGABYTE)
    threading.Thread(target=service.send, args=(data,), daemon=True).start()
    assert client.recv_data(MEGABYTE) == data


@pytest.mark.parametrize("kind", ["binary", "text", "lines", "base64", "auto"])
def test_refused_text_is_1003_whatever_is_sent(talk, kind):
    client, _, _ = talk("--frames", kind, "--refuse-text")
    client.send_frame(TEXT, b"YQ==")
    client.expect_close(1003)


@pytest.mark.parametrize("kind", ["binary", "text", "lines", "base64", "auto"])
def test_a_heartbeat_is_no_message(talk, kind):
    client, service, _ = talk("--frames", kind, "--heartbeat", "100ms")
    service.send(b"half a line")
    if kind != "lines":
        client.recv_frame()
    client.expect_frame(PING, b"")


def test_a_client_that_stalls_stops_the_service_and_gets_every_line(talk):
    client, service, _ = talk("--frames", "lines", "--send-buffer", "16K")
    lines = [f"line {number} äöü" for number in range(200_000)]
    threading.Thread(target=lambda: (service.send("\r\n".join(lines).encode()), service.close()), daemon=True).start()
    time.sleep(0.3)
    client.send_frame(PING, b"still there")
    got = []
    while (frame := client.recv_frame()).opcode != CLOSE:
        assert frame.opcode in (TEXT, PONG), frame
        if frame.opcode == TEXT:
            got.append(frame.payload.decode())
    assert got == lines
