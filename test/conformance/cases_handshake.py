"""The opening handshake: reading the client's (RFC 6455 4.1, 4.2.1, and 11.3 where it limits fields)."""

import base64

from harness import BINARY, PING

from .case import BYE, ECHOED, Case, Demand, Http, Pong, frame
from .heads import KEY, WEB, accept_of, answered, get, refusal, refused, unusual, upgrade, upgraded

NO_FILES = ()

REQUEST = Demand("RFC 6455 4.2.1", "MUST", "A handshake that is not as described, or breaks a field's grammar, is not "
                 "processed further and gets a fitting HTTP error.",
                 outcome="Refused, the backend is not dialled, and frames sent behind it are dropped.")
ITEM_1 = Demand("RFC 6455 4.2.1", "", "1: a GET request of HTTP/1.1 or higher.",
                outcome="405 for other methods. HTTP/1.0 never upgrades (RFC 9110 7.8): it gets a plain answer.")
RESOURCE = Demand("RFC 6455 4.2.1", "", "1: the target is a resource name, or an absolute URL that holds one.",
                  outcome="Any path is an endpoint; http, https, ws and wss are taken as schemes.")
ITEM_2 = Demand("RFC 6455 4.2.1", "", "2: a Host with the server's authority.",
                outcome="400 without one, with two, or with what is none; any name is taken for the server's.")
ITEM_3 = Demand("RFC 6455 4.2.1", "", "3: Upgrade holds websocket, in any case.",
                outcome="Also in a list, and on one of several lines.")
ITEM_4 = Demand("RFC 6455 4.2.1", "", "4: Connection holds Upgrade, in any case.",
                outcome="Also in a list, and on one of several lines.")
ITEM_5 = Demand("RFC 6455 4.2.1", "", "5: Sec-WebSocket-Key is 16 bytes in base64.",
                outcome="400 else. The four bits that its last digit has too many may be set: the RFC's own example "
                        "in 4.1 has it so.")
ITEM_6 = Demand("RFC 6455 4.2.1", "", "6: Sec-WebSocket-Version is 13.")
ITEM_7 = Demand("RFC 6455 4.2.1", "SHOULD NOT", "7: A client without an Origin is taken for a browser.",
                outcome="It is not: with `--origin` it needs the rule `none`.")
ITEM_8 = Demand("RFC 6455 4.2.1", "", "8: Sec-WebSocket-Protocol is a list of names.",
                outcome="400 for what is no list of tokens. A name that is there twice (4.1 forbids it to clients) "
                        "does no harm and is taken.")
ITEM_9 = Demand("RFC 6455 4.2.1", "", "9: Sec-WebSocket-Extensions lists what the client would like.",
                outcome="Not read: none is taken (section 9).")
ITEM_10 = Demand("RFC 6455 4.2.1", "", "10: Other fields may be there; unknown ones are ignored.")
ORDER = Demand("RFC 6455 4.2.1", "", "The order of the fields means nothing.")
NO_BODY = Demand("RFC 6455 4.2.1", "", "The handshake is a GET without a body.",
                 outcome="400: a body would be taken for frames.")
NAMES = Demand("RFC 6455 4.1", "", "Names of fields are case-insensitive.")
WAITS = Demand("RFC 6455 4.1", "MUST", "The client sends nothing more before the answer has come.",
               outcome="Some do: frames behind the head are taken, and not lost. Nearly every case of a 101 sends "
                        "them.")
ONE_KEY = Demand("RFC 6455 11.3.1", "MUST NOT", "Sec-WebSocket-Key stands in a request more than once.")
MANY_EXTENSIONS = Demand("RFC 6455 11.3.2", "MAY", "Sec-WebSocket-Extensions stands in a request more than once.")
MANY_PROTOCOLS = Demand("RFC 6455 11.3.4", "MAY", "Sec-WebSocket-Protocol stands in a request more than once.",
                        outcome="All lines are one list.")


def taken(name, demand, *fields, **request):
    return upgraded(f"handshake/{name}", demand, upgrade(*fields, **request))


def spoiled(name, demand, *fields, status=400, headers=None, sends=(), **request):
    return refused(f"handshake/{name}", demand, upgrade(*fields, **request), status, headers, options=NO_FILES,
                   sends=sends)


def key_of(count):
    return f"Sec-WebSocket-Key: {base64.b64encode(bytes(range(count))).decode()}"


def with_key(name, key):
    """Another key, and the hash that answers it."""
    return upgraded(f"handshake/key-{name}", ITEM_5, upgrade(f"Sec-WebSocket-Key: {key}"),
                    {"Sec-WebSocket-Accept": accept_of(key)})


METHODS = [
    upgraded("handshake/get", ITEM_1, unusual(upgrade()), sends=[BYE]),
    taken("http-1.2", ITEM_1, version="HTTP/1.2"),
    taken("http-1.9", ITEM_1, version="HTTP/1.9"),
    *(spoiled(f"method-{method}", ITEM_1, method=method, status=405, headers={"Allow": "GET"})
      for method in ("POST", "PUT", "OPTIONS", "get", "GETS", "GE")),
    Case("handshake/method-HEAD", ITEM_1, "handshake", request=upgrade(method="HEAD"), backend=None,
         http=(refusal(405, {"Allow": "GET"}, to_head=True),)),
    spoiled("http-1.0", ITEM_1, version="HTTP/1.0", status=405),
    answered("handshake/http-1.0-beside-files", ITEM_1, upgrade(version="HTTP/1.0"),
             Http(200, {"Upgrade": None, "Connection": "close"}), kept=False),
    spoiled("http-2.0", ITEM_1, version="HTTP/2.0", status=505),
    spoiled("http-0.9", ITEM_1, version="HTTP/0.9", status=505),
]
RESOURCES = [
    *(taken(f"target-{name}", RESOURCE, target=target) for name, target in [
        ("path", "/websockify"), ("deep", "/a/b/c"), ("query", "/?token=x&y=%20"), ("empty-query", "/?"),
        ("two-slashes", "//x"), ("parameters", "/a;b=c"), ("escapes", "/%ff%00"), ("dots", "/../x"),
        ("http", "http://h/x"), ("https", "https://h:99/x?y"), ("ws", "ws://h/x"), ("wss", "wss://h/"),
        ("capitals", "HTTP://H/"), ("absolute-without-path", "http://h"), ("absolute-query-only", "http://h?q"),
        ("absolute-ipv6", "http://[::1]:80/"),
    ]),
    *(spoiled(f"target-{name}", REQUEST, target=target) for name, target in [
        ("fragment", "/#x"), ("fragment-in-query", "/?a#x"), ("asterisk", "*"), ("no-slash", "chat"),
        ("another-scheme", "ftp://h/"), ("no-authority", "http:///x"), ("user", "http://me@h/"),
        ("bad-port", "http://h:8a/"), ("only-authority", "h:80"), ("high-byte", "/\xfc"),
    ]),
]
HOSTS = [
    *(taken(f"host-{name}", ITEM_2, f"Host: {value}") for name, value in [
        ("port", "example.com:8080"), ("empty-port", "example.com:"), ("ipv4", "127.0.0.1:1"), ("ipv6", "[::1]:6080"),
        ("another", "somewhere.else.example"), ("escape", "a%2Db"),
    ]),
    spoiled("host-missing", ITEM_2, omit=["Host"]),
    *(spoiled(f"host-{name}", ITEM_2, f"Host: {value}") for name, value in [
        ("of-two", "a, b"), ("slash", "a/b"), ("user", "me@a"), ("letters-in-port", "a:8o"), ("blank", "a b"),
        ("open-bracket", "[::1"), ("bad-escape", "a%2"),
    ]),
    spoiled("host-twice", ITEM_2, "Host: h", "Host: h"),
]
UPGRADES = [
    *(taken(f"upgrade-{name}", ITEM_3, *fields) for name, fields in [
        ("capitals", ["Upgrade: WEBSOCKET"]), ("mixed", ["Upgrade: WebSocket"]),
        ("listed-last", ["Upgrade: h2c, websocket"]), ("listed-first", ["Upgrade: websocket,h2c"]),
        ("two-lines", ["Upgrade: h2c", "Upgrade: websocket"]), ("empty-elements", ["Upgrade: ,, websocket ,"]),
    ]),
    spoiled("upgrade-missing", ITEM_3, omit=["Upgrade"]),
    *(spoiled(f"upgrade-{name}", ITEM_3, f"Upgrade: {value}") for name, value in [
        ("empty", ""), ("longer", "websockets"), ("shorter", "websocke"), ("another", "h2c"),
        ("blank-inside", "web socket"), ("version", "websocket/13"),
    ]),
]
CONNECTIONS = [
    *(taken(f"connection-{name}", ITEM_4, *fields) for name, fields in [
        ("small", ["Connection: upgrade"]), ("capitals", ["Connection: UPGRADE"]),
        ("as-firefox", ["Connection: keep-alive, Upgrade"]), ("listed-first", ["Connection: Upgrade,keep-alive"]),
        ("two-lines", ["Connection: keep-alive", "Connection: Upgrade"]),
        ("empty-elements", ["Connection: ,\t,Upgrade ,,"]), ("close", ["Connection: close, Upgrade"]),
    ]),
    spoiled("connection-missing", ITEM_4, omit=["Connection"]),
    *(spoiled(f"connection-{name}", ITEM_4, f"Connection: {value}") for name, value in [
        ("empty", ""), ("another", "keep-alive"), ("longer", "Upgraded"), ("blank-inside", "Up grade"),
    ]),
]
KEYS = [
    with_key("of-zeros", "AAAAAAAAAAAAAAAAAAAAAA=="), with_key("of-ones", "/////////////////////w=="),
    with_key("of-plus", "+++++++++++++++++++++A=="), with_key("of-4.1", "AQIDBAUGBwgJCgsMDQ4PEC=="),
    upgraded("handshake/key-between-blanks", ITEM_5, upgrade(f"Sec-WebSocket-Key: \t {KEY}\t ")),
    upgraded("handshake/key-right-behind-the-colon", ITEM_5, upgrade(f"Sec-WebSocket-Key:{KEY}")),
    spoiled("key-missing", ITEM_5, omit=["Sec-WebSocket-Key"]),
    *(spoiled(f"key-of-{count}", ITEM_5, key_of(count)) for count in (0, 1, 15, 17, 18, 24)),
    *(spoiled(f"key-{name}", ITEM_5, f"Sec-WebSocket-Key: {key}") for name, key in [
        ("unpadded", KEY.rstrip("=")), ("padded-once", KEY[:-1]), ("padded-thrice", KEY + "="),
        ("url-letters", "-_" + KEY[2:]), ("blank-inside", KEY[:5] + " " + KEY[6:]), ("listed", f"{KEY}, {KEY}"),
        ("quoted", f'"{KEY}"'), ("padding-inside", "dGhlIHNh==SBub25jZXh4eHg"), ("high-byte", "\xe4" + KEY[1:]),
    ]),
    spoiled("key-twice", ONE_KEY, f"Sec-WebSocket-Key: {KEY}", f"Sec-WebSocket-Key: {KEY}"),
    spoiled("key-and-another", ONE_KEY, f"Sec-WebSocket-Key: {KEY}", key_of(16)),
]
OTHER_FIELDS = [
    taken("version-right-behind-the-colon", ITEM_6, "Sec-WebSocket-Version:13"),
    spoiled("version-missing", ITEM_6, omit=["Sec-WebSocket-Version"], status=426,
            headers={"Sec-WebSocket-Version": "13", "Connection": "Upgrade, close"}),
    taken("origin-null", ITEM_7, "Origin: null"),
    *(taken(f"protocol-{name}", ITEM_8, f"Sec-WebSocket-Protocol: {value}") for name, value in [
        ("one", "chat"), ("every-mark", "!#$%&'*+-.^_`|~09azAZ"), ("twice", "a, a"), ("empty-elements", ",, a ,"),
    ]),
    *(spoiled(f"protocol-{name}", ITEM_8, f"Sec-WebSocket-Protocol: {value}") for name, value in [
        ("empty", ""), ("commas-only", ", ,"), ("blank-inside", "a b"), ("quoted", '"a"'), ("slash", "a/b"),
        ("parameter", "a;b"), ("high-byte", "caf\xe9"), ("one-bad-of-three", "a, b@, c"),
    ]),
    taken("protocols-on-two-lines", MANY_PROTOCOLS, "Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: b"),
    taken("extensions", ITEM_9, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15"),
    taken("extensions-on-two-lines", MANY_EXTENSIONS, "Sec-WebSocket-Extensions: a", "Sec-WebSocket-Extensions: b"),
    taken("unknown-fields", ITEM_10, "X-Unheard-Of: 1", "Sec-WebSocket-Unheard-Of: ;;,", "Cookie: a=b; c"),
    taken("authorization", ITEM_10, "Authorization: Basic dTpw"),
    upgraded("handshake/backwards", ORDER, [upgrade()[0], *upgrade()[-2:0:-1], b"\r\n"]),
    taken("capital-names", NAMES, "UPGRADE: websocket", "CONNECTION: Upgrade", f"SEC-WEBSOCKET-KEY: {KEY}",
          "SEC-WEBSOCKET-VERSION: 13"),
    taken("small-names", NAMES, "upgrade: websocket", "connection: Upgrade", f"sec-websocket-key: {KEY}",
          "sec-websocket-version: 13"),
]
BODIES = [
    taken("length-0", NO_BODY, "Content-Length: 0"),
    spoiled("length-1", NO_BODY, "Content-Length: 1"),
    spoiled("chunked", NO_BODY, "Transfer-Encoding: chunked", sends=[b"0\r\n\r\n"]),
]
EARLY = [
    upgraded("handshake/frames-behind-it", WAITS, upgrade(),
             sends=[frame(PING, b"early"), frame(BINARY, b"bird"), BYE], sees=(Pong(b"early"), ECHOED), up=b"bird"),
    spoiled("frames-behind-a-refused-one", REQUEST, omit=["Sec-WebSocket-Key"],
            sends=[frame(PING, b"p"), frame(BINARY, b"data"), BYE]),
    spoiled("another-behind-a-refused-one", REQUEST, "Sec-WebSocket-Version: 13", "Connection: close",
            sends=upgrade()),
    Case("handshake/ends-inside", REQUEST, "handshake", request=upgrade()[:-1], finish="fin", http=(refusal(),),
         backend=None),
    Case("handshake/ends-inside-its-key", REQUEST, "handshake", request=[b"".join(upgrade())[:-10]], finish="fin",
         http=(refusal(),), backend=None),
    upgraded("handshake/behind-a-plain-request", REQUEST, [*get(), *upgrade()], options=WEB,
             http=(Http(200), Http(101))),
]

CASES = [*METHODS, *RESOURCES, *HOSTS, *UPGRADES, *CONNECTIONS, *KEYS, *OTHER_FIELDS, *BODIES, *EARLY]
UNTESTED = [
    Demand("RFC 6455 4.1", "MUST", "What the client sends and checks in its handshake.",
           reason="A client's duty; what it sends is looked at under 4.2.1."),
    Demand("RFC 6455 4.1", "MUST", "One connection to a host is opened at a time, through the proxy that is set.",
           reason="A client's duty."),
    Demand("RFC 6455 4.2", "MAY", "The connection's management is left to other agents such as balancers.",
           reason="Nothing is demanded."),
    Demand("RFC 6455 3", "MUST NOT", "A URI of ws or wss has a fragment.",
           reason="A client's duty; a target with one is refused all the same (4.2.1)."),
]
