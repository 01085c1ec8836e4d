"""Valid request heads as clients send them, in parts that mutations.py can bend: the start of every story."""

import base64
from dataclasses import dataclass, field

CRLF = b"\r\n"

METHODS = [b"GET"] * 12 + [b"POST", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"TRACE", b"CONNECT", b"PATCH", b"PROPFIND"]
PATHS = [
    b"/", b"/websockify", b"/?token=abc", b"/ws?token=a%20b&x=%2e%2E", b"/a/b/../c", b"//x", b"/%ff%00", b"/index.html",
    b"/vnc.html?autoconnect=true&password=1:2", b"/a;b=c,d", b"/'quoted'(x)*!~$", b"/%e2%82%ac", b"/?", b"/??a=?&b",
    b"/[x]", b'/{"a":1}|\\^`<>', b"/" + b"long/" * 80,
]
ABSOLUTE = [
    b"http://example.com/", b"http://example.com", b"http://example.com:80?x=1", b"HTTPS://[::1]:8443/a", b"ws://h/p",
    b"wss://h:1/p?q", b"http://user@h/", b"ftp://h/", b"http:///x", b"http://h:port/",
]
HOSTS = [
    b"example.com", b"localhost:6080", b"127.0.0.1", b"[::1]:8080", b"[2001:db8::1]", b"xn--bcher-kva.example",
    b"a.b-c_d.example:65535", b"h:", b"h%41",
]
AGENTS = [
    b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    b"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:128.0) Gecko/20100101 Firefox/128.0",
    b"curl/7.88.1", b"Python/3.11 websockets/10.4", b"Go-http-client/1.1", b"ws \xe4\xf6\xfc",
]
OTHERS = [
    (b"Accept", b"*/*"), (b"Accept-Encoding", b"gzip, deflate, br, zstd"), (b"Accept-Language", b"de,en-US;q=0.7"),
    (b"Cache-Control", b"no-cache"), (b"Pragma", b"no-cache"), (b"Cookie", b"a=b; c=\"d e\"; f=%00"), (b"DNT", b"1"),
    (b"Sec-Fetch-Dest", b"websocket"), (b"Sec-Fetch-Mode", b"websocket"), (b"Sec-Fetch-Site", b"same-origin"),
    (b"X-Forwarded-For", b"192.0.2.1, 198.51.100.7"), (b"Forwarded", b'for="[2001:db8::1]";proto=https'),
    (b"Authorization", b"Basic dXNlcjpwYXNz"), (b"Via", b"1.1 proxy"), (b"X-Empty", b""), (b"Expect", b"100-continue"),
    (b"TE", b"trailers"), (b"X-Text", b"caf\xc3\xa9 \x80\xff"), (b"!#$%&'*+-.^_`|~09", b"tchar"), (b"Priority", b"u=1"),
]
SUBPROTOCOLS = [b"binary", b"binary, base64", b"base64", b"mqtt", b"chat.v1, chat.v2", b"mqttv3.1,mqtt", b"a,b ,\tc"]
EXTENSIONS = [b"permessage-deflate", b"permessage-deflate; client_max_window_bits", b'x; a="b, c"']


@dataclass
class Head:
    """A head in parts; each line with its own end, so that they can differ."""

    method: bytes
    target: bytes
    version: bytes = b"HTTP/1.1"
    line_end: bytes = CRLF
    fields: list = field(default_factory=list)  # [name, what stands between, value, line end] each
    final: bytes = CRLF
    before: bytes = b""
    after: bytes = b""
    space: bytes = b" "  # between the parts of the request line

    def add(self, name, value, at=None):
        line = [name, b": ", value, CRLF]
        self.fields.insert(len(self.fields) if at is None else at, line)

    def named(self, *names):
        """The lines with one of these names."""
        return [line for line in self.fields if line[0].lower() in names]

    def __bytes__(self):
        request_line = self.space.join([self.method, self.target, self.version])
        lines = [b"".join(line) for line in self.fields]
        return b"".join([self.before, request_line, self.line_end, *lines, self.final, self.after])


def some(random, choices, most):
    return random.sample(choices, random.randint(0, most))


def random_key(random):
    return base64.b64encode(random.randbytes(16))


def any_case(random, name):
    return random.choice([name, name, name, name.lower(), name.upper(), name.swapcase()])


def upgrade(random):
    """A browser's or tool's WebSocket upgrade."""
    head = Head(b"GET", random.choice(PATHS))
    head.add(b"Host", random.choice(HOSTS))
    head.add(b"Upgrade", random.choice([b"websocket"] * 4 + [b"WebSocket", b"h2c, websocket", b"websocket,x/1"]))
    head.add(b"Connection", random.choice([b"Upgrade"] * 3 + [b"keep-alive, Upgrade", b"upgrade", b"close, upgrade"]))
    head.add(b"Sec-WebSocket-Key", random_key(random))
    head.add(b"Sec-WebSocket-Version", b"13")
    if random.random() < 0.4:
        head.add(b"Sec-WebSocket-Protocol", random.choice(SUBPROTOCOLS))
    if random.random() < 0.3:
        head.add(b"Sec-WebSocket-Extensions", random.choice(EXTENSIONS))
    if random.random() < 0.5:
        head.add(b"Origin", random.choice([b"http://example.com", b"null", b"https://[::1]:8443"]))
    return head


def plain(random):
    """A request for a file, with a body or without."""
    head = Head(random.choice(METHODS), random.choice(PATHS if random.random() < 0.85 else ABSOLUTE))
    if head.method == b"CONNECT":
        head.target = random.choice(HOSTS)
    elif head.method == b"OPTIONS" and random.random() < 0.5:
        head.target = b"*"
    head.add(b"Host", random.choice(HOSTS))
    if random.random() < 0.2:
        head.version = b"HTTP/1.0"
    if random.random() < 0.3:
        head.add(b"Connection", random.choice([b"close", b"keep-alive", b"Keep-Alive, TE", b"TE, close"]))
    body = random.random()
    if body < 0.12:
        head.add(b"Content-Length", random.choice([b"0", b"5", b"00", b"18446744073709551615", b"1000000"]))
    elif body < 0.2 and head.version == b"HTTP/1.1":
        head.add(b"Transfer-Encoding", random.choice([b"chunked", b"Chunked"]))
    return head


def valid_head(random):
    head = (upgrade if random.random() < 0.55 else plain)(random)
    if random.random() < 0.7:
        head.add(b"User-Agent", random.choice(AGENTS))
    for name, value in some(random, OTHERS, 6):
        head.add(name, value)
    for line in head.fields:
        line[0] = any_case(random, line[0])
        line[1] = random.choice([b": "] * 6 + [b":", b":  ", b":\t", b": \t "])
    if random.random() < 0.3:
        random.shuffle(head.fields)
    head.after = random.choice([
        b"", b"", b"hello", b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n", b"\x81\x85\x01\x02\x03\x04\x69\x67\x6f\x68\x6e",
        b"0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n", b"\r\n", b"\n",
    ])
    return head
