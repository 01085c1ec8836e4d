"""Where tokens are looked up: an HTTP server, one for all runs, since the URL says which port the token leads to, and
a Redis server, in which each run has a key of its own; and where logs are sent to.
"""

import http.server
import json
import re
import socket
import threading

import harness

KNOWN = "vm-1"
OLDER_PROGRAM = re.compile(rb"(?:\w{3} [ \d]\d [\d:]{8} (?:\S+ )?)?(\w+)")  # behind a time and a host, where they stand
STATUSES = {KNOWN: 200, "empty": 200, "moved": 302, "busy": 503}  # of others 404


class Answers(http.server.BaseHTTPRequestHandler):
    """/base/PORT/TOKEN and /json/PORT/TOKEN: "moved" is the known one under another name, "busy" out of order, and
    "empty" without a target."""

    def do_GET(self):
        kind, port, token = self.path.removeprefix("/").split("/", 2)
        body = json.dumps({"host": "127.0.0.1", "port": int(port)}) if kind == "json" else f"127.0.0.1:{port}"
        body = "" if token == "empty" else body
        self.send_response(STATUSES.get(token, 404))
        if token == "moved":
            self.send_header("Location", KNOWN)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        """Nothing."""


class Lookup:
    def __init__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Redis(harness.Service):
    """A redis-server."""

    def __init__(self, folder):
        super().__init__(lambda port: ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                                       "--dir", str(folder)], folder / "redis.log")

    def set(self, key, value):
        with socket.create_connection(("127.0.0.1", self.port), harness.LIMIT_SECONDS) as connection:
            connection.sendall(f"SET {key} '{value}'\r\n".encode())
            assert connection.recv(100) == b"+OK\r\n"


class Syslog:
    """A daemon on a UDP port, or on a socket file."""

    HEAD = re.compile(rb"<(\d+)>(1 )?")
    QUIET_SECONDS = 0.3

    def __init__(self, path=None):
        self.sock = socket.socket(socket.AF_UNIX if path else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(str(path) if path else ("127.0.0.1", 0))
        self.port = None if path else self.sock.getsockname()[1]

    def lines(self):
        """What has come, until it is quiet."""
        self.sock.settimeout(self.QUIET_SECONDS)
        found = []
        while True:
            try:
                found.append(self.sock.recv(65536))
            except TimeoutError:
                return found

    def close(self):
        self.sock.close()


def shape(line):
    """What a syslog daemon sorts by: facility, which of the two protocols, program."""
    head = Syslog.HEAD.match(line)
    new = head[2] is not None
    rest = line[head.end():]
    program = rest.split()[2] if new else OLDER_PROGRAM.match(rest)[1]
    return int(head[1]) >> 3, "RFC 5424" if new else "older", program.decode()
