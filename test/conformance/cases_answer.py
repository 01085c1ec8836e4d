"""The opening handshake: the server's part (RFC 6455 1.3, 4.2.2 to 4.4, and 11.3 where it limits fields)."""

from harness import BINARY

from .case import BYE, ECHOED, Case, Demand, Http, frame
from .heads import KEY, WEB, refused, unusual, upgrade, upgraded

TLS_FIRST = Demand("RFC 6455 4.2.2", "MUST", "1: On a TLS port all goes through TLS; a failed TLS handshake ends the "
                   "connection.", outcome="Each case over wss; failures: test/integration/test_tls_handshake.py.")
ORIGIN = Demand("RFC 6455 4.2.2", "MUST", "4: A connection that is not wanted for its Origin gets an HTTP error.",
                outcome="403. Without `--origin` any is wanted.")
LOWERCASE = Demand("RFC 6455 4.2.2", "", "4: Origins are compared in lower case.")
VERSION = Demand("RFC 6455 4.2.2", "MUST", "4: A version that is not understood gets an HTTP error and the versions "
                 "that are.", outcome="426 with Upgrade (RFC 9110 15.5.22); 400 where it is no number of 0 to 255 "
                                      "without leading zeros (4.3).")
CHOSEN = Demand("RFC 6455 4.2.2", "MUST", "4: The subprotocol is one of those that the client offers.",
                outcome="`binary` if offered, else the first configured, else the first but `base64`, else that.")
NOT_CHOSEN = Demand("RFC 6455 4.2.2", "MUST NOT", "4: Sec-WebSocket-Protocol is answered when none was offered or none "
                    "is agreed to.")
STATUS = Demand("RFC 6455 4.2.2", "MUST", "5: An accepted connection gets a valid response: 101, Upgrade, Connection, "
                "Sec-WebSocket-Accept.")
ACCEPT = Demand("RFC 6455 4.2.2", "", "5.4: Sec-WebSocket-Accept is the base64 of the SHA-1 of the key as it was sent, "
                "and the GUID.", outcome="The RFC's example; the keys under 4.2.1 have their own hashes.")
OPEN = Demand("RFC 6455 4.2.2", "", "Behind its response the server may begin to send.",
              outcome="What the backend says first comes right behind the head.")
ABNF = Demand("RFC 6455 4.3", "", "A version is a number of 0 to 255 without leading zeros.", outcome="400 else.")
VERSIONS = Demand("RFC 6455 4.4", "MUST", "The answer to another version lists all that the server is willing to use.",
                  outcome="13 alone.")
AGAIN = Demand("RFC 6455 4.4", "", "The client then tries again with a version that is listed.",
               outcome="On a new connection: behind a refusal ours ends.")
ONCE = Demand("RFC 6455 11.3.3", "MUST NOT", "Sec-WebSocket-Accept stands in a response more than once.",
              outcome="No field does, in any response.")
PROTOCOL_ONCE = Demand("RFC 6455 11.3.4", "MUST NOT", "Sec-WebSocket-Protocol stands in a response more than once.")
ONE_VERSION = Demand("RFC 6455 11.3.5", "MUST NOT", "Sec-WebSocket-Version stands in a request more than once.")
EXAMPLE = Demand("RFC 6455 1.3", "", "The handshake of the overview is accepted.")

PROTOCOL = "Sec-WebSocket-Protocol"
ONE_SITE = ("--origin", "https://good.example")
CONFIGURED = ("--subprotocol", "mqtt", "--subprotocol", "amqp")
SAME_SITE = ("--origin", "https://good.example", "--origin", "same")  # the first is the probe's
A_101 = {"Upgrade": "websocket", "Connection": "Upgrade", "Content-Length": None, PROTOCOL: None,
         "Sec-WebSocket-Extensions": None, "Sec-WebSocket-Version": None}


def offered(name, demand, offers, chosen, options=()):
    lines = [f"{PROTOCOL}: {offer}" for offer in offers]
    return upgraded(f"subprotocol/{name}", demand, upgrade(*lines), {PROTOCOL: chosen}, options=options)


def site(name, demand, origin, host, allowed, options=SAME_SITE):
    request = upgrade(f"Host: {host}", *([] if origin is None else [f"Origin: {origin}"]))
    if allowed:
        return upgraded(f"site/{name}", demand, request, options=options)
    return refused(f"site/{name}", demand, request, 403, options=options)


def wrong_version(name, demand, *lines, status=426, omit=()):
    headers = {"Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Connection": "Upgrade, close"}
    return refused(f"version/{name}", demand, upgrade(*lines, omit=omit), status, headers, options=())


ORIGINS = [
    site("listed", ORIGIN, "https://good.example", "h", True),
    site("same-host", ORIGIN, "http://h.example", "h.example", True),
    site("same-host-and-port", ORIGIN, "http://h:6080", "h:6080", True),
    site("another-port", ORIGIN, "http://h:81", "h:6080", False),
    site("begins-alike", ORIGIN, "http://h.evil", "h", False),
    site("ends-alike", ORIGIN, "https://xgood.example", "h", False),
    site("null", ORIGIN, "null", "h", False),
    site("none", ORIGIN, None, "h", False),
    site("empty", ORIGIN, "", "h", False),
    site("with-a-path", ORIGIN, "https://good.example/", "h", False, ONE_SITE),
    site("two-in-one", ORIGIN, "https://good.example https://h", "h", False, ONE_SITE),
    site("capital-origin", LOWERCASE, "HTTPS://GOOD.example", "h", True),
    site("capital-host", LOWERCASE, "http://h.example", "H.EXAMPLE", True),
    refused("site/two-origins", ORIGIN, upgrade("Origin: https://good.example", "Origin: https://evil.example"),
            options=ONE_SITE),
]
VERSIONS_SENT = [
    wrong_version("missing", VERSION, omit=["Sec-WebSocket-Version"]),
    *(wrong_version(f"{number}", VERSIONS, f"Sec-WebSocket-Version: {number}")
      for number in (0, 7, 8, 12, 14, 25, 255)),
    *(wrong_version(name, ABNF, f"Sec-WebSocket-Version: {text}", status=400) for name, text in [
        ("256", "256"), ("leading-zero", "013"), ("two-zeros", "00"), ("fraction", "13.0"), ("listed", "13, 8"),
        ("empty", ""), ("sign", "+13"), ("words", "thirteen"), ("long", "1" * 40), ("hexadecimal", "0xd"),
    ]),
    wrong_version("twice", ONE_VERSION, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13", status=400),
    wrong_version("on-two-lines", ONE_VERSION, "Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 13", status=400),
    upgraded("version/13-between-blanks", VERSION, upgrade("Sec-WebSocket-Version: \t13 ")),
    refused("version/another-then-13", AGAIN, upgrade("Sec-WebSocket-Version: 25"), 426,
            {"Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Connection": "Upgrade, close"}, options=(),
            sends=upgrade()),
]
SUBPROTOCOLS = [
    upgraded("subprotocol/none-offered", NOT_CHOSEN, upgrade(), {PROTOCOL: None}),
    upgraded("subprotocol/none-offered-some-configured", NOT_CHOSEN, upgrade(), {PROTOCOL: None}, options=CONFIGURED),
    offered("only-base64", CHOSEN, ["base64"], "base64"),
    offered("one", CHOSEN, ["chat"], "chat"),
    offered("first", CHOSEN, ["chat, superchat"], "chat"),
    offered("binary", CHOSEN, ["base64, chat, binary"], "binary"),
    offered("not-base64", CHOSEN, ["base64, chat"], "chat"),
    offered("configured", CHOSEN, ["chat, mqtt"], "mqtt", CONFIGURED),
    offered("clients-order", CHOSEN, ["amqp, mqtt"], "amqp", CONFIGURED),
    offered("case-matters", CHOSEN, ["chat, MQTT"], "chat", CONFIGURED),
    offered("none-configured", CHOSEN, ["chat, stomp"], "chat", CONFIGURED),
    offered("on-two-lines", PROTOCOL_ONCE, ["chat", "mqtt"], "mqtt", CONFIGURED),
]
OTHERS = [
    upgraded("answer/of-1.3", EXAMPLE, upgrade(
        "Host: server.example.com", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {KEY}",
        "Origin: http://example.com", f"{PROTOCOL}: chat, superchat", "Sec-WebSocket-Version: 13", target="/chat"),
        {PROTOCOL: "chat", "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}),
    upgraded("answer/101", STATUS, unusual(upgrade()), A_101),
    upgraded("answer/101-to-many-wishes", STATUS, upgrade(
        "Connection: keep-alive, Upgrade", "Upgrade: h2c, websocket", "Sec-WebSocket-Extensions: permessage-deflate"),
        A_101),
    upgraded("answer/accept", ACCEPT, upgrade(), {"Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}),
    upgraded("answer/accept-once", ONCE, upgrade(), A_101),
    Case("answer/then-the-backend-speaks", OPEN, "handshake", request=upgrade(), service=(b"hello",), down=b"hello",
         sends=[frame(BINARY, b"and you?")], up=b"and you?", then=[BYE], sees=(ECHOED,)),
    Case("answer/over-tls", TLS_FIRST, "handshake", request=upgrade(), transports=("wss",), sends=[BYE],
         sees=(ECHOED,), options=WEB, http=(Http(101),)),
]

CASES = [*ORIGINS, *VERSIONS_SENT, *SUBPROTOCOLS, *OTHERS]
UNTESTED = [
    Demand("RFC 6455 4.2.2", "", "2: The server may ask the client to authenticate, with 401.",
           reason="With `--auth-plugin`: test/integration/test_auth_basic.py."),
    Demand("RFC 6455 4.2.2", "MAY", "3: The server redirects the client.", reason="wsluice does not."),
    Demand("RFC 6455 4.2.2", "MUST", "4: A service that is not available gets an HTTP error such as 404.",
           reason="One target takes every path; unknown tokens get 404 in test/integration/test_tokens.py."),
    Demand("RFC 6455 4.2.2", "MUST NOT", "4: Extensions that the client did not list are answered.",
           reason="None ever is: looked at in section 9."),
]
