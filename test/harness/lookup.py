"""Lookups of tokens over HTTP: a server that tells tokens' targets, answers byte by byte, and what a client sees of
what was found.
"""

import http.server
import threading

import pytest

from .client import BINARY
from .wire import Ended

# Else answers to lookups may not name this machine.
ALLOW_LOCAL = ["--allow-target", "127.0.0.0/8", "--allow-target", "localhost"]


class LookupApi(http.server.ThreadingHTTPServer):
    """An HTTP server on a free port. `answers` maps a token to what is sent for /t/TOKEN: a target, or a function
    of the request's handler. `asked` has the requests, in order."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), Answerer)
        self.answers, self.asked, self.connections = {}, [], 0
        self.context = context
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def process_request(self, request, client_address):
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request, client_address):
        """Clients that leave are what some tests are about."""

    def close(self):
        self.shutdown()
        self.server_close()

    @property
    def url(self):
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.server_address[1]}/t/%s"


class Answerer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        if self.server.context:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def do_GET(self):
        self.server.asked.append(self)
        answer = self.server.answers.get(self.path.removeprefix("/t/"), 404)
        if callable(answer):
            answer(self)
        elif isinstance(answer, int):
            self.answer(b"nothing\n", answer)
        else:
            self.answer(answer.encode())

    def answer(self, body=b"", status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def framed(kind, target):
    """An answer with this target, its body framed in one of three ways."""
    half = len(target) // 2
    chunks = b"".join(b"%x;x=\"y\"\r\n%s\r\n" % (len(part), part) for part in (target[:half], target[half:]))
    return b"HTTP/1.1 200 OK\r\n" + {
        "length": b"Content-Length: %d\r\n\r\n%s" % (len(target), target),
        "chunked": b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nX-Trailer: 1\r\n\r\n",
        "end": b"Connection: close\r\n\r\n" + target,
        "bare line feeds": b"Content-Length: %d\r\n\r\n%s".replace(b"\r", b"") % (len(target), target),
        "interim": b"Server: x\r\n\r\nHTTP/1.1 200\r\nContent-Length: %d\r\n\r\n%s" % (len(target), target),
    }[kind]


def address(service):
    return f"127.0.0.1:{service.port}"


def greet(name):
    """A service that says who it is, and then echoes."""

    def handler(wire):
        wire.send(name.encode())
        while data := wire.recv_some():
            wire.send(data)

    return handler


def expect_service(client, name):
    assert client.recv_data(len(name)) == name.encode()
    client.send_frame(BINARY, b"ping")
    assert client.recv_data(4) == b"ping"


def expect_no_target(connect, bridge, token, status):
    client = connect(bridge, path=None)
    client.upgrade(f"/?token={token}", expect=status)
    with pytest.raises(Ended):
        client.recv_frame()
    client.close()
