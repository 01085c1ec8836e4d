"""Request heads for cases, and the few shapes that most cases about HTTP have.

A head is a list of pieces, one for each line; those that nearly all requests have are cut inside by few cases only
(unusual()). Fields are given as whole lines ("Name: value"), since what stands round the colon is often what a case
is about.
"""

import base64
import hashlib
from pathlib import Path

from harness.client import ACCEPT_GUID

from .case import BYE, ECHOED, Case, Http
from .chunking import Usual
from .session import KEY

WEB_DIR = Path(__file__).resolve().parent / "web"
WEB = ("--web", str(WEB_DIR))
INDEX = b"the index\n"
HOST = "Host: h"
UPGRADE_FIELDS = (HOST, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                  f"Sec-WebSocket-Key: {KEY}")
USUAL_LINES = {"GET / HTTP/1.1", "GET /page.js HTTP/1.1", *UPGRADE_FIELDS}


def lines(*texts, end=b"\r\n"):
    """The lines as pieces of bytes; a str is Latin-1, as header fields are."""
    pieces = [(text.encode("latin-1") if isinstance(text, str) else text) + end for text in texts]
    return [Usual(piece) if text in USUAL_LINES else piece for text, piece in zip(texts, pieces)]


def unusual(pieces):
    """The same, to be cut at every place."""
    return [bytes(piece) for piece in pieces]


def get(*fields, target="/", method="GET", version="HTTP/1.1", host=HOST, end=b"\r\n"):
    """A plain request. `host`: a whole line, or None."""
    return lines(f"{method} {target} {version}", *([] if host is None else [host]), *fields, "", end=end)


def name_of(line):
    return line.partition(":")[0].lower()


def upgrade(*fields, omit=(), target="/", method="GET", version="HTTP/1.1", end=b"\r\n"):
    """An upgrade request. A field of the same name replaces a default; names in `omit` are left out."""
    given = {name_of(field) for field in fields} | {name.lower() for name in omit}
    defaults = [line for line in UPGRADE_FIELDS if name_of(line) not in given]
    return lines(f"{method} {target} {version}", *defaults, *fields, "", end=end)


def accept_of(key):
    """RFC 6455 4.2.2, item 5.4."""
    return base64.b64encode(hashlib.sha1((key + ACCEPT_GUID).encode()).digest()).decode()


ACCEPT = accept_of(KEY)
OK = Http(200, {"Connection": "keep-alive"}, INDEX)
OK_LAST = Http(200, {"Connection": "close"}, INDEX)
FOLLOWING = lines("GET /page.js HTTP/1.1", HOST, "")  # a request that must, or must not, be answered
FOLLOWED = Http(200, {"Connection": "keep-alive"}, b"let js;\n")


def upgraded(name, demand, request, headers=None, **more):
    """The upgrade succeeds, and the session ends by a Close."""
    response = Http(101, {"Sec-WebSocket-Accept": ACCEPT, **(headers or {})})
    return Case(name, demand, "handshake", **{"request": request, "http": (response,), "sends": [Usual(BYE)],
                                              "sees": (ECHOED,), **more})


def answered(name, demand, request, *responses, kept=True, options=WEB, **more):
    """Plain requests and their answers; no backend is dialled."""
    return Case(name, demand, "http", request=request, http=responses, backend=None, options=options,
                client="kept" if kept else "fin", **more)


def served(name, demand, request, response=OK, **more):
    """One request that gets a file, on a connection that is kept (or not: OK_LAST)."""
    return answered(name, demand, request, response, kept=response.headers["Connection"] == "keep-alive", **more)


def refused(name, demand, request, status=400, headers=None, **more):
    """The connection ends behind the refusal, whatever the client has sent behind the request."""
    return answered(name, demand, request, refusal(status, headers), kept=False, **more)


def refusal(status=400, headers=None, **more):
    return Http(status, {"Connection": "close", **(headers or {})}, **more)
