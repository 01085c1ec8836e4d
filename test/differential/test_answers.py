"""What wsluice answers, as the clients' side of llhttp, h11 and wsproto reads it."""

import random

import h11
import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, Pong, Request, TextMessage

from harness import upgrade_request

from .tools import ask, node_script

SMALL = 1000  # bytes that wsproto can take one by one in time
TEXT = "\u00e4\u20ac\U0001f600"
FILE = b"what is in the file\n"
PLAIN = "{} HTTP/1.1\r\nHost: h\r\n{}\r\n"
REQUESTS = [
    # (what is asked for, the request's bytes, status)
    ("a file", PLAIN.format("GET /f.txt", "").encode(), 200),
    ("a file's head", PLAIN.format("HEAD /f.txt", "").encode(), 200),
    ("a file, the last one", PLAIN.format("GET /f.txt", "Connection: close\r\n").encode(), 200),
    ("an empty file", PLAIN.format("GET /empty", "").encode(), 200),
    ("a file for an old client", b"GET /f.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200),
    ("a folder", PLAIN.format("GET /sub", "").encode(), 301),
    ("nothing there", PLAIN.format("GET /none", "").encode(), 404),
    ("nothing there's head", PLAIN.format("HEAD /none", "").encode(), 404),
    ("a method not served", PLAIN.format("PUT /f.txt", "").encode(), 405),
    ("no host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("a space before the colon", b"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400),
    ("a long target", b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414),
    ("many lines", PLAIN.format("GET /", "X: y\r\n" * 200).encode(), 431),
    ("an unknown coding", PLAIN.format("POST /", "Transfer-Encoding: gzip, chunked\r\n").encode(), 501),
    ("another version", b"GET / HTTP/3.0\r\nHost: h\r\n\r\n", 505),
    ("an old WebSocket", upgrade_request(headers={"Sec-WebSocket-Version": "8"}), 426),
    ("a WebSocket", upgrade_request(), 101),
    ("a WebSocket with subprotocols", upgrade_request(headers={"Sec-WebSocket-Protocol": "a, binary"}), 101),
]


@pytest.fixture
def bridge(wsluice, echo_backend, tmp_path):
    (tmp_path / "f.txt").write_bytes(FILE)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "sub").mkdir()
    return wsluice(echo_backend, "--web", tmp_path)


@pytest.fixture
def answer_to(bridge, connect):
    """answer_to(request, status): all bytes of the answer, and the answer as the harness reads it."""

    def ask_for(request, status):
        client = connect(bridge, path=None)
        client.send(request)
        response = client.recv_response(body_expected=not request.startswith(b"HEAD "))
        assert response.status == status
        return response.head + response.body, response

    return ask_for


def read_with_h11(request, answer):
    """(the head's event, body) of an answer that must be whole."""
    method = request.split(b" ")[0]
    client = h11.Connection(h11.CLIENT)
    asked = [("Host", "h"), ("Upgrade", "websocket"), ("Connection", "Upgrade")]
    client.send(h11.Request(method=method, target="/", headers=asked))
    client.send(h11.EndOfMessage())
    client.receive_data(answer)
    head, body = client.next_event(), b""
    if isinstance(head, h11.InformationalResponse):
        assert client.next_event() is h11.PAUSED
        return head, body
    for event in iter(client.next_event, h11.NEED_DATA):
        if isinstance(event, h11.EndOfMessage):
            break
        body += event.data
    assert isinstance(event, h11.EndOfMessage) and client.trailing_data[0] == b""
    return head, body


@pytest.mark.parametrize("request_bytes, status", [pytest.param(*row[1:], id=row[0]) for row in REQUESTS])
def test_answers_are_read_as_they_are_meant(answer_to, request_bytes, status):
    raw, response = answer_to(request_bytes, status)
    head, body = read_with_h11(request_bytes, raw)
    assert (head.status_code, head.reason.decode(), body) == (status, response.phrase, response.body)
    fields = [(name.decode(), value.decode()) for name, value in head.headers.raw_items()]
    assert fields == response.headers

    said, = ask(node_script("llhttp_answers.cjs"), [request_bytes[:1] + raw])
    assert said["error"] == "" and said["whole"] and said["rest"] == 0
    assert (said["status"], said["phrase"], said["body"].encode("latin-1")) == (status, response.phrase, response.body)
    assert [tuple(field) for field in said["fields"]] == response.headers and said["version"] == "1.1"
    assert said["upgrade"] == (status == 101)
    closes = "close" in (response.header("Connection") or "")
    assert said["keep_alive"] == (not closes)


class WsprotoClient:
    """wsproto's client over a connection to wsluice, its bytes sent and taken in random pieces."""

    def __init__(self, wire, draws):
        self.wire, self.draws = wire, draws
        self.connection = WSConnection(ConnectionType.CLIENT)
        self.seen = []

    def send(self, event):
        data = self.connection.send(event)
        while data:
            size = self.draws.randint(1, len(data))
            self.wire.send(data[:size])
            data = data[size:]

    def next(self):
        """The next event, a message's fragments as they come."""
        while not self.seen:
            data = self.wire.recv_some()
            step = self.draws.choice([1, 7] if len(data) < SMALL else [1000, 5000, len(data)])
            for at in range(0, len(data), step):
                self.connection.receive_data(data[at:at + step])
                self.seen += self.connection.events()
        return self.seen.pop(0)

    def next_bytes(self, count):
        """That many bytes, and the pongs that came before the last of them."""
        data, pongs = b"", []
        while len(data) < count:
            event = self.next()
            assert isinstance(event, (BytesMessage, Pong)), event
            if isinstance(event, Pong):
                pongs.append(event.payload)
            else:
                data += event.data
        return data, pongs


@pytest.mark.parametrize("seed", range(4))
def test_a_session_with_wsproto(bridge, connect, seed):
    draws = random.Random(seed)
    client = WsprotoClient(connect(bridge, path=None), draws)
    client.send(Request(host="h", target="/", subprotocols=["binary", "chat"]))
    accepted = client.next()
    assert isinstance(accepted, AcceptConnection) and accepted.subprotocol == "binary" and accepted.extensions == []
    for length in (1, 125, 126, 65_535, 65_536, 200_000):
        data = draws.randbytes(length)
        client.send(BytesMessage(data=data))
        assert client.next_bytes(length) == (data, [])
    client.send(TextMessage(data=TEXT, message_finished=False))
    client.send(Ping(payload=b"are you there"))
    client.send(TextMessage(data="\u00fc", message_finished=True))
    assert client.next_bytes(len(f"{TEXT}\u00fc".encode())) == (f"{TEXT}\u00fc".encode(), [b"are you there"])
    client.send(CloseConnection(code=4000, reason="\u00fcber"))
    closed = client.next()
    assert isinstance(closed, CloseConnection) and closed.code == 4000
