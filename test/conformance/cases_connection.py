"""Keeping, closing and upgrading a connection (RFC 9112 sections 8 and 9; RFC 9110 7.6.1, 7.8, 15.5.22)."""

from .case import BYE, ECHOED, Case, Demand, Http
from .heads import (ACCEPT, FOLLOWED, FOLLOWING, INDEX, OK, OK_LAST, WEB, answered, get, refusal, refused,
                    served, unusual, upgrade, upgraded)

INCOMPLETE = Demand("RFC 9112 8", "MAY", "A request that ends early gets an error response before the connection is "
                    "closed.", outcome="400, and FIN.")
LAST_CLOSE = Demand("RFC 9112 9.3", "", "Persistent unless: close is an option; HTTP/1.0 without keep-alive.")
WHOLE_OR_CLOSE = Demand("RFC 9112 9.3", "MUST", "The whole body is read, or the connection closed behind the response.")
FINAL_STATUS = Demand("RFC 9112 9.3", "", "Errors do not end a connection by themselves.",
                      outcome="404 and 301 keep it. Behind 400, 405, 414, 426, 431, 501 and 505 it ends.")
ORDER = Demand("RFC 9112 9.3.2", "MUST", "Pipelined requests are answered in their order.")
GRACE = Demand("RFC 9112 9.5", "SHOULD", "A connection is closed gracefully.", outcome="FIN, behind all answers.")
OTHER_SIDE = Demand("RFC 9112 9.5", "SHOULD", "The other side's close is noticed and answered.",
                    outcome="A client that has only ended its own half gets all its answers.")
CLOSES = Demand("RFC 9112 9.6", "MUST", "Behind the response to a request with close the server ends the connection.")
SAYS_CLOSE = Demand("RFC 9112 9.6", "SHOULD", "That response says close, too.")
NO_MORE = Demand("RFC 9112 9.6", "MUST NOT", "Requests behind one with close are processed.")
OWN_CLOSE = Demand("RFC 9112 9.6", "MUST NOT", "Requests behind a response with close are processed.")
STAGES = Demand("RFC 9112 9.6", "", "The connection is closed in stages, so that a client that still sends can read "
                "the last response.", outcome="FIN, then up to 2 s or 1 MB are read and dropped: never a reset.")
TLS_END = Demand("RFC 9112 9.8", "MUST", "Closing alerts are exchanged before a TLS connection is closed.",
                 outcome="close_notify, then FIN: looked for at the end of every connection over wss.")
TLS_CUT = Demand("RFC 9112 9.8", "SHOULD", "A server is prepared for an incomplete close of the client's.",
                 outcome="Requests that came are answered.")
OPTION_CASE = Demand("RFC 9110 7.6.1", "", "Connection options are case-insensitive.")
OPTION_UNKNOWN = Demand("RFC 9110 7.6.1", "", "Unknown connection options mean nothing.")
UPGRADE_OF_1_0 = Demand("RFC 9110 7.8", "MUST", "Upgrade in HTTP/1.0 is ignored.")
UPGRADE_IGNORED = Demand("RFC 9110 7.8", "MAY", "An Upgrade is ignored.",
                         outcome="One to anything but websocket is, h2c among them.")
ONLY_INDICATED = Demand("RFC 9110 7.8", "MUST NOT", "The server switches to a protocol that the client did not name.")
SAYS_UPGRADE = Demand("RFC 9110 7.8", "MUST", "A 101 and a 426 have Upgrade, which is a connection option then.",
                      outcome="Looked for in every response.")
UPGRADE_OPTION = Demand("RFC 9110 7.8", "MUST", "A sender of Upgrade lists it in Connection.",
                        outcome="A websocket without it is refused; anything else is ignored.")
CONTINUE_FIRST = Demand("RFC 9110 7.8", "MUST", "Before a 101 a 100 is sent, where both were asked for.",
                        outcome="Not done: a handshake has no body to go on with (400 else), and 10.1.1 frees from a "
                                "100 where none follows. Clients expect the 101 to come first (RFC 6455 4.1).")
SAYS_426 = Demand("RFC 9110 15.5.22", "MUST", "A 426 has Upgrade.")
SAYS_101 = Demand("RFC 9110 15.2.2", "MUST", "A 101 has an Upgrade that names the protocol behind its empty line.",
                  outcome="websocket; the next byte is a frame's.")
NO_1XX = Demand("RFC 9110 15.2", "MUST NOT", "A 1xx is sent to HTTP/1.0.")

MISSING = get(target="/missing")
NOT_FOUND = Http(404, {"Connection": "keep-alive"}, b"Not Found\n")
OF_1_0 = "HTTP/1.0"


def last(name, demand, request, *before, sends=FOLLOWING, response=OK_LAST, **more):
    """Whatever follows is not answered."""
    return answered(f"connection/{name}", demand, request, *before, response, kept=False, sends=sends, **more)


def kept(name, demand, request, *responses, **more):
    return answered(f"connection/{name}", demand, [*request, *FOLLOWING], *responses, FOLLOWED, **more)


PERSISTENCE = [
    kept("of-1.1", LAST_CLOSE, get(), OK),
    kept("of-1.1-keep-alive", LAST_CLOSE, get("Connection: keep-alive"), OK),
    kept("of-1.0-keep-alive", LAST_CLOSE, get("Connection: keep-alive", version=OF_1_0), OK),
    kept("of-1.0-keep-alive-in-a-list", LAST_CLOSE, get("Connection: x, Keep-Alive", version=OF_1_0), OK),
    last("of-1.0", LAST_CLOSE, get(version=OF_1_0)),
    last("of-1.0-keep-alive-field-only", LAST_CLOSE, get("Keep-Alive: timeout=5", version=OF_1_0)),
    last("of-1.0-behind-1.1", LAST_CLOSE, [*get(), *get(version=OF_1_0)], OK),
    last("close-and-keep-alive", LAST_CLOSE, get("Connection: keep-alive, close")),
    last("close-and-keep-alive-of-1.0", LAST_CLOSE, get("Connection: keep-alive", "Connection: close", version=OF_1_0)),
    last("close", CLOSES, get("Connection: close")),
    last("close-of-a-file-that-is-not-there", SAYS_CLOSE, get("Connection: close", target="/missing"),
         response=refusal(404)),
    last("close-of-a-directory", SAYS_CLOSE, get("Connection: close", target="/sub"), response=refusal(301)),
    last("close-of-a-head", SAYS_CLOSE, get("Connection: close", method="HEAD"),
         response=Http(200, {"Connection": "close"}, to_head=True)),
    last("close-behind-others", NO_MORE, [*get(), *MISSING, *get("Connection: close")], OK, NOT_FOUND),
    last("close-before-an-upgrade", NO_MORE, get("Connection: close"), sends=upgrade()),
    last("body-before-a-request", WHOLE_OR_CLOSE, get("Content-Length: 3"), sends=[b"abc", *FOLLOWING]),
    last("capitals", OPTION_CASE, get("Connection: CLOSE")),
    last("mixed", OPTION_CASE, get("Connection: cLoSe")),
    kept("unknown-option", OPTION_UNKNOWN, get("Connection: x-hop, Host", "X-Hop: 1"), OK),
    kept("proxy-connection", OPTION_UNKNOWN, get("Proxy-Connection: close"), OK),
    kept("behind-404", FINAL_STATUS, MISSING, NOT_FOUND),
    kept("behind-301", FINAL_STATUS, get(target="/sub"), Http(301, {"Location": "/sub/", "Connection": "keep-alive"})),
    *(last(f"behind-{status}", OWN_CLOSE, request, response=refusal(status)) for status, request in [
        (400, get(host=None)), (405, get(method="POST")), (501, get("Transfer-Encoding: gzip, chunked")),
        (505, get(version="HTTP/2.0")), (431, get(*["X: y"] * 100)),
    ]),
    last("behind-426", OWN_CLOSE, upgrade("Sec-WebSocket-Version: 8"),
         response=Http(426, {"Connection": "Upgrade, close"})),
]
PIPELINES = [
    answered("connection/three-in-order", ORDER, unusual([*get(), *MISSING, *FOLLOWING]), OK, NOT_FOUND, FOLLOWED),
    answered("connection/heads-between", ORDER, [*get(method="HEAD"), *get(), *get(method="HEAD", target="/missing"),
                                                 *FOLLOWING],
             Http(200, {"Content-Length": str(len(INDEX))}, b"", to_head=True), OK,
             Http(404, {"Content-Length": "10"}, b"", to_head=True), FOLLOWED),
    answered("connection/fifty", ORDER, [*get()[:2], b"\r\n"] * 50, *[OK] * 50),
    Case("connection/upgrade-behind-three", ORDER, "http", options=WEB, request=[*get(), *MISSING, *get(), *upgrade()],
         http=(OK, NOT_FOUND, OK, Http(101, {"Sec-WebSocket-Accept": ACCEPT})), sends=[BYE], sees=(ECHOED,)),
    answered("connection/refused-behind-two", ORDER, [*get(), *get(), *get(host=None), *FOLLOWING], OK, OK, refusal(),
             kept=False),
]
ENDS = [
    answered("connection/ended-behind-a-request", OTHER_SIDE, get(), OK, kept=False, finish="fin"),
    answered("connection/ended-behind-three", OTHER_SIDE, [*get(), *MISSING, *FOLLOWING], OK, NOT_FOUND, FOLLOWED,
             kept=False, finish="fin"),
    answered("connection/ended-inside-a-request", INCOMPLETE, get()[:-1], refusal(), kept=False, finish="fin"),
    answered("connection/ended-without-a-request", GRACE, [b"\r\n"], kept=False, finish="fin"),
    last("still-sending-100-kb", STAGES, get("Connection: close"), sends=lambda: [b"x" * 100_000]),
    last("still-sending-a-body", STAGES, get("Content-Length: 200000"), sends=lambda: [b"x" * 200_000]),
    last("still-sending-behind-a-400", STAGES, get(host=None), response=refusal(), sends=lambda: [b"x" * 100_000]),
    answered("connection/tls-ends-in-order", TLS_END, get("Connection: close"), OK_LAST, kept=False,
             transports=("wss",)),
    answered("connection/tls-ended-by-the-client", TLS_END, get(), OK, kept=False, finish="fin", transports=("wss",)),
    answered("connection/tls-cut-behind-close", TLS_CUT, get("Connection: close"), OK_LAST, kept=False, finish="cut",
             transports=("wss",)),
]
UPGRADES = [
    *(kept(f"upgrade-to-{name}", UPGRADE_IGNORED, get(f"Upgrade: {value}", "Connection: Upgrade"), OK)
      for name, value in [("h2c", "h2c"), ("tls", "TLS/1.0"), ("nothing", ""), ("irc", "IRC/6.9, RTA/x11")]),
    kept("upgrade-to-h2c-with-settings", ONLY_INDICATED,
         get("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQAAP__"), OK),
    kept("upgrade-without-the-option", UPGRADE_OPTION, get("Upgrade: h2c"), OK),
    refused("connection/websocket-without-the-option", UPGRADE_OPTION, upgrade(omit=["Connection"])),
    kept("option-without-upgrade", UPGRADE_IGNORED, get("Connection: Upgrade"), OK),
    last("upgrade-of-1.0", UPGRADE_OF_1_0, upgrade(version=OF_1_0)),
    kept("upgrade-of-1.0-keep-alive", UPGRADE_OF_1_0, upgrade("Connection: Upgrade, keep-alive", version=OF_1_0), OK),
    last("no-101-to-1.0", NO_1XX, upgrade("Expect: 100-continue", version=OF_1_0)),
    upgraded("connection/101-says-upgrade", SAYS_UPGRADE, upgrade(),
             {"Upgrade": "websocket", "Connection": "Upgrade"}),
    Case("connection/frames-right-behind-the-101", SAYS_101, "handshake", request=upgrade(), service=(b"first",),
         down=b"first", then=[BYE], sees=(ECHOED,), http=(Http(101, {"Upgrade": "websocket"}),)),
    refused("connection/426-says-upgrade", SAYS_426, upgrade(omit=["Sec-WebSocket-Version"]), 426,
            {"Upgrade": "websocket", "Connection": "Upgrade, close"}),
    upgraded("connection/expects-100-before-101", CONTINUE_FIRST, upgrade("Expect: 100-continue")),
    served("connection/websocket-in-another-field", ONLY_INDICATED, get("X-Upgrade: websocket")),
]

CASES = [*PERSISTENCE, *PIPELINES, *ENDS, *UPGRADES]
UNTESTED = [
    Demand("RFC 9112 9.3", "MUST", "A server that has no persistent connections says close in each response.",
           reason="It has."),
    Demand("RFC 9112 9.1", "", "How a connection is established.", reason="Nothing is demanded of a server."),
    Demand("RFC 9112 9.2", "", "Responses are matched to requests by their order.",
           reason="A client's duty; that ours have that order is looked at under 9.3.2."),
    Demand("RFC 9112 9.4", "", "A client limits its connections to a server.",
           reason="A client's duty; `--max-sessions` and test/integration/test_limits.py."),
    Demand("RFC 9112 9.7", "", "A TLS client begins with its handshake.",
           reason="A client's duty; each case over wss does, on the port that also speaks plain HTTP."),
    Demand("RFC 9112 9.3", "MUST NOT", "A proxy keeps connections to HTTP/1.0 clients.", reason="wsluice is no proxy."),
    Demand("RFC 9112 9.3.1", "", "Who may repeat which requests.", reason="A client's duty."),
    Demand("RFC 9112 9.5", "", "Time limits and their ends.",
           reason="408 and silent ends are looked at in test/integration/test_http_limits.py; they take seconds."),
    Demand("RFC 9112 9.6", "MUST", "A client that has sent close sends no more requests.", reason="A client's duty."),
    Demand("RFC 9112 9.8", "", "A server may close without waiting for the client's closing alert.",
           reason="It waits up to 2 s, for the client's FIN (test/integration/test_tls_endings.py)."),
    Demand("RFC 9110 7.6.1", "MUST", "Intermediaries take out the fields that Connection names.",
           reason="wsluice forwards no HTTP."),
    Demand("RFC 9110 7.6.2", "MUST", "Intermediaries count Max-Forwards.", reason="wsluice forwards no HTTP."),
    Demand("RFC 9110 7.6.3", "MUST", "Gateways and proxies send Via.", reason="wsluice forwards no HTTP."),
    Demand("RFC 9110 7.7", "MUST NOT", "Proxies change what they forward.", reason="wsluice forwards no HTTP."),
    Demand("RFC 9110 7.4", "", "A request for another server may get 421.",
           reason="Any Host is taken for the server's, unless tokens are read from it (--host-token)."),
]
