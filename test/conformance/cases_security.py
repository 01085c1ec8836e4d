"""Security considerations (RFC 6455 section 10), and extensions (section 9), of which there are none."""

from harness import BINARY, PING, TEXT, upgrade_request

from .case import BYE, ECHO, ECHOED, Case, Close, Demand, Http, Pong, frame
from .cases_framing import bytes_of
from .session import KEY

NOT_ASKED = Demand("RFC 6455 9", "MUST NOT", "The server answers with an extension that was not asked for.",
                   outcome="Nor with one that was: wsluice has none. That leaves out the public suite's sections 12 "
                           "and 13, compression: most payload of a bridge is compressed or encrypted already.")
MALFORMED = Demand("RFC 6455 9.1", "MUST", "An offer of extensions that breaks the grammar fails the connection.",
                   outcome="Not done, on purpose: the field is not read. Whatever a client offers, it gets none, and "
                           "nothing depends on the offer.")
ORIGIN = Demand("RFC 6455 10.2", "SHOULD", "A server for certain sites only verifies the Origin.",
                outcome="With `--origin`.")
FORBIDDEN = Demand("RFC 6455 10.2", "SHOULD", "An origin that is not accepted gets 403.")
MASKED_ONLY = Demand("RFC 6455 10.3", "", "Masking keeps what a page sends from looking like a request on the wire.",
                     outcome="So not one byte without a mask is taken: 5.1.")
TLS = Demand("RFC 6455 10.6", "MUST", "TLS is supported.", outcome="Every case runs over wss too: TLS 1.3 and 1.2.")
INTEGRITY = Demand("RFC 6455 10.6", "", "TLS provides integrity.", outcome="A stream that ends without close_notify "
                   "(RFC 8446 6.1) is not known to be whole: Close 1002, and the backend is reset.")
VALIDATED = Demand("RFC 6455 10.7", "MUST", "What comes is validated, always.")
INVALID_CLOSE = Demand("RFC 6455 10.7", "SHOULD", "Invalid data behind the handshake gets a Close with a fitting code.")
INVALID_STATUS = Demand("RFC 6455 10.7", "SHOULD", "Invalid data in the handshake gets a fitting HTTP status.")


def request(headers=None, **more):
    head = upgrade_request("/", [("Sec-WebSocket-Key", KEY), *(headers or [])], **more)
    return [line + b"\r\n" for line in head.split(b"\r\n")[:-1]]


NO_EXTENSION = Http(101, {"Sec-WebSocket-Extensions": None, "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="})
ONE_SITE = ("--origin", "https://good.example")


def offering(name, offer, demand=NOT_ASKED):
    return Case(f"extensions/{name}", demand, "extensions", sends=[BYE], sees=(ECHOED,), http=(NO_EXTENSION,),
                request=request([("Sec-WebSocket-Extensions", offer)]))


EXTENSIONS = [
    Case("extensions/none-offered", NOT_ASKED, "extensions", request=request(), sends=[BYE], sees=(ECHOED,),
         http=(NO_EXTENSION,)),
    offering("deflate-offered", "permessage-deflate; client_max_window_bits"),
    offering("unknown-offered", "x-unheard-of"),
    offering("malformed-offer", ";;=,", MALFORMED),
    Case("extensions/deflate-used-all-the-same", NOT_ASKED, "extensions", http=(NO_EXTENSION,), backend="reset",
         request=request([("Sec-WebSocket-Extensions", "permessage-deflate")]), sees=(Close(1002, "Reserved bit"),),
         sends=[frame(TEXT, bytes.fromhex("f248cdc9c90700"), rsv=4)]),  # RFC 7692 7.2.3.1
]
ORIGINS = [
    Case("origin/expected", ORIGIN, "handshake", options=ONE_SITE, sends=[frame(BINARY, b"hi"), BYE], up=b"hi",
         request=request([("Origin", "https://good.example")]), sees=(ECHOED,)),
    Case("origin/another", FORBIDDEN, "handshake", options=ONE_SITE, backend=None, http=(Http(403),),
         request=request([("Origin", "https://bad.example")])),
    Case("origin/another-scheme", FORBIDDEN, "handshake", options=ONE_SITE, backend=None, http=(Http(403),),
         request=request([("Origin", "http://good.example")])),
    Case("origin/not-asked-for", ORIGIN, "handshake", sends=[BYE], sees=(ECHOED,),
         request=request([("Origin", "https://anything.example")])),
]
OTHERS = [
    Case("masking/a-request-instead-of-frames", MASKED_ONLY, "masking", backend="reset",
         sends=[b"GET /script.js HTTP/1.1\r\nHost: target.example\r\n\r\n"], sees=(Close(1002, ""),)),
    Case("tls/echo", TLS, "handshake", transports=("wss",), service=(ECHO,), sends=[frame(BINARY, bytes_of(120))],
         up=bytes_of(120), down=bytes_of(120), then=[BYE], sees=(ECHOED,)),
    Case("tls/cut-between-messages", INTEGRITY, "handshake", transports=("wss",), sends=[frame(BINARY, b"all?")],
         finish="cut", up=b"all?", backend="reset", sees=(Close(1002, "close_notify"),)),
    Case("tls/cut-inside-a-message", INTEGRITY, "handshake", transports=("wss",), finish="cut", up=b"part",
         sends=[frame(BINARY, b"part", fin=False)], backend="reset", sees=(Close(1002, "close_notify"),)),
    Case("validation/nonsense-behind-the-handshake", VALIDATED, "framing", sends=[b"\xff" * 30], backend="reset",
         sees=(Close(1002, "Reserved bit"),)),
    Case("validation/good-then-nonsense", INVALID_CLOSE, "framing", backend="reset", up=b"good",
         sends=[frame(PING, b"p"), frame(BINARY, b"good"), b"nonsense"], sees=(Pong(b"p"), Close(1002, "Reserved"))),
    Case("validation/nonsense-instead-of-a-request", INVALID_STATUS, "handshake", backend=None, http=(Http(400),),
         request=[b"nonsense\r\n", b"\r\n"]),
]

CASES = [*EXTENSIONS, *ORIGINS, *OTHERS]
UNTESTED = [
    Demand("RFC 6455 10.1", "", "A server does not trust that its peer is a browser, or that input is valid.",
           reason="What sections 4 and 5 demand of input is what can be seen of this; fuzzing looks for the rest."),
    Demand("RFC 6455 10.3", "MUST", "Clients take an unpredictable new key for each frame.", reason="A client's duty."),
    Demand("RFC 6455 10.5", "", "Clients may be authenticated by any means that HTTP or TLS have.",
           reason="Nothing is demanded; `--auth-plugin` and `--verify-client` are tested in test/integration."),
    Demand("RFC 6455 10.6", "SHOULD", "TLS is employed.",
           reason="The operator's choice; `--ssl-only` refuses all else."),
    Demand("RFC 6455 10.8", "", "SHA-1 serves no security here.", reason="Nothing is demanded."),
]
