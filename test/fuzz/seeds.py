"""Seeds of the fuzz targets, made by hand: what a target should know of from the start.

`of(target)` gives (label, bytes) for each; run.py writes them beside the corpora. An input ends in the choices
that its target takes from its end (see the target's first lines): CUTS and the like below.
"""

import random
import struct

WHOLE = b"\x00\x00"  # how a stream is cut: all at once
BYTES = b"\x00\x01"  # byte by byte
SOMEHOW = b"\x12\x34"

MASK = bytes([0x37, 0xFA, 0x21, 0x3D])


def frame(opcode, payload=b"", fin=True, mask=MASK):
    """A client's frame (RFC 6455 5.2)."""
    length = len(payload)
    if length < 126:
        extended = bytes([0x80 | length])
    elif length < 1 << 16:
        extended = b"\xfe" + length.to_bytes(2, "big")
    else:
        extended = b"\xff" + length.to_bytes(8, "big")
    masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bytes([(0x80 if fin else 0) | opcode]) + extended + mask + masked


TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

STREAMS = {
    "hello": frame(TEXT, b"Hello"),
    "fragments": frame(BINARY, b"one", fin=False) + frame(PING, b"p") + frame(0, b"two", fin=False) + frame(0),
    "characters": frame(TEXT, "\u00b5 \u20ac \U0001f600".encode()),
    "cut-character": frame(TEXT, b"\xe2\x82", fin=False) + frame(PONG) + frame(0, b"\xac"),
    "length-16": frame(BINARY, bytes(range(256))),
    "length-64": frame(BINARY, b"x" * 70000)[:300],
    "close": frame(CLOSE, b"\x03\xe8bye"),
    "close-empty": frame(BINARY, b"last") + frame(CLOSE),
    "length-16-of-125": b"\x82\xfe\x00\x7d" + MASK + bytes(125),
    "length-16-of-126": b"\x82\xfe\x00\x7e" + MASK + bytes(126),
    "length-64-of-65535": b"\x82\xff" + bytes(6) + b"\xff\xff" + MASK,
    "length-64-of-65536": b"\x82\xff" + bytes(5) + b"\x01\x00\x00" + MASK + b"x",
    "length-63-bits": b"\x82\xff\x7f" + b"\xff" * 7 + MASK + b"x",
    "length-64-bits": b"\x82\xff\x80",
    "ping-of-125": frame(PING, bytes(125)),
    "ping-of-126": frame(PING, bytes(126)),
    "reserved-bit": b"\xc2\x80" + MASK,
    "not-masked": b"\x82\x00",
    "stray-continuation": frame(0, b"x"),
    "message-in-message": frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"),
    "close-half-a-code": frame(CLOSE, b"\x03"),
    "close-not-utf8": frame(CLOSE, b"\x03\xe8\xff"),
    "cut-at-the-end": frame(TEXT, b"a", fin=False) + frame(PING) + frame(0, b"\xf0\x9f\x98"),
    "broken-behind-a-ping": frame(TEXT, b"ab\xf0\x9f", fin=False) + frame(PING) + frame(0, b"\x98x"),
    "plain-mask": frame(BINARY, b"not masked at all", mask=b"\0\0\0\0"),
}


CLOSE_CODES = [999, 1000, 1003, 1004, 1005, 1006, 1007, 1014, 1015, 2999, 3000, 4999, 5000]

# RFC 3629: the first and last of each length, and what lies just outside.
SEQUENCES = ["7f", "80", "c080", "c1bf", "c280", "dfbf", "e09fbf", "e0a080", "ed9fbf", "eda080", "edbfbf", "ee8080",
             "efbfbf",
             "f08fbfbf", "f0908080", "f48fbfbf", "f4908080", "f5808080", "ff", "c3c3", "e282", "f09f98"]


def frame_decode():
    for code in CLOSE_CODES:
        yield f"close-{code}", frame(CLOSE, code.to_bytes(2, "big")) + WHOLE + b"\x00"
    for label, stream in STREAMS.items():
        yield label, stream + SOMEHOW + b"\x00"
    yield "text-refused", STREAMS["hello"] + WHOLE + b"\x01"


def payload():
    for number, sequence in enumerate(SEQUENCES):
        yield f"sequence-{number}", b"a" + bytes.fromhex(sequence) + b"b" + MASK + b"\x05" + BYTES
    texts = ["Hello".encode(), "\u00b5\u20ac\U0001f600".encode(), bytes(range(0x70, 0x100))]
    for number, text in enumerate(texts):
        yield f"text-{number}", text + MASK + b"\x05" + SOMEHOW
        yield f"long-{number}", text * 30 + MASK + b"\x00" + BYTES


def frame_encode():
    for length, shift in ((125, 0), (126, 0), (127, 0), (65534, 0), (65535, 0), (0x8000, 1), (0xFFFF, 47)):
        yield f"header-{length << shift}", b"x" + bytes([shift, 0x03, 0xE8]) + length.to_bytes(2, "big") + WHOLE
    ending = b"\x07\x03\xe8\x01\x00" + SOMEHOW
    yield "text", b"\x0c\x05Hello" + b"\x80\x01p" + b"\xc0\x03bye" + ending
    yield "fragments", b"\x00\x03one\x81\x00\x00\x03two\x04\x00" + ending
    yield "long", b"\x14\x40" + bytes(256) + b"\x34\xc8" + bytes(200) + ending
    yield "longest", b"\x34\xc9" + bytes(200) + ending


UPGRADE = (
    b"GET /websockify?token=a HTTP/1.1\r\nHost: example.com:6080\r\nUpgrade: websocket\r\n"
    b"Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary, base64\r\nOrigin: https://example.com\r\n"
    b"User-Agent: Mozilla/5.0\r\n\r\n"
)
HEADS = {
    "upgrade": UPGRADE,
    "get": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "bare-lf": b"\nHEAD /a%20b?c HTTP/1.0\nConnection: keep-alive\n\nrest",
    "absolute": b"GET http://[::1]:80/x HTTP/1.1\r\nHost: b\r\nContent-Length: 0, 0\r\n\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n",
    "connect": b"CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n",
    "http-2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "folded": b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
}


REFUSED = {
    "version-013": UPGRADE.replace(b"Version: 13", b"Version: 013"),
    "version-8": UPGRADE.replace(b"Version: 13", b"Version: 8"),
    "no-version": UPGRADE.replace(b"Sec-WebSocket-Version: 13\r\n", b""),
    "post": UPGRADE.replace(b"GET", b"POST"),
    "short-key": UPGRADE.replace(b"25jZQ==", b"25jZ=="),
    "two-origins": UPGRADE.replace(b"User-Agent", b"Origin"),
    "two-hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "no-host": b"GET / HTTP/1.1\r\n\r\n",
    "two-ends": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two-lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
    "gzip": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "not-chunked": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
    "chunked-1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
}


def head():
    for label, text in HEADS.items():
        yield label, text + b"\x00" + SOMEHOW
    for limits in range(6):
        yield f"limits-{limits}", HEADS["get"] + bytes([limits]) + WHOLE


def request():
    for label, text in HEADS.items():
        yield label, text + b"\x00"
        yield label + "-configured", text + b"\x01"
    for label, text in REFUSED.items():
        yield label, text + b"\x00"
    base64_only = UPGRADE.replace(b"binary, base64", b"base64 , chat")
    yield "subprotocol", base64_only + b"\x01"


def static_path():
    paths = ["/", "/a", "/d/e/c", "/in", "/deep/c", "/whole/a", "/out/etc/passwd", "/up", "/loop", "/pipe", "/one",
             "/deep/climb",
             "/a%20b/./c//", "/%2e%2e/x", "/d/%2E./a", "/whole/whole/whole/whole/whole/whole/a", "/whole/whole/d/b",
             "/bad%zz", "/nul%00"]
    for number, path in enumerate(paths):
        yield f"path-{number}", path.encode() + b"\x1f"


def logins():
    """The last byte: credentials, a line of htpasswd, cookies."""
    for number, text in enumerate((b"YWxpY2U6c2VjcmV0", b" dGVzdDoxMjPCow==", b"dGVzdDoxMjOj", b"Og==", b"YTpiOmM", b"YWI=")):
        yield f"basic-{number}", text + b"\x00"
    lines = (
        b"alice:$2y$05$bQRk3ccjR98iz/6hpDOaGunfLEPusQyG/CL0Q0Xjgok.U2U3RRq..",
        b"bob:{SHA}2PRZAyDhNDqRW2OUFwZQqPNdaSY=\r",
        b"dora:$5$4fMb1jgZv65/Jpdd$2tmgrjxpkJCquoBPPHDpaR1TmuaK1EYGIT418eICVUC",
        b"erik:$6$rounds=5000$xw8VWHBiBbz9cxcx$i5ilLeRWuBXQ0gQCVsVJvUcZFclpBJWk6LR.mJKWDDv"
        b"/u2jqrbHCGQYo21XPm06kGLCDnBVT9hV25deOqSRuD0",
        b"carl:$apr1$VpCM8ReQ$ZyX1CTvW09oQditTPL.KR0",
        b"# nobody",
    )
    for number, line in enumerate(lines):
        yield f"line-{number}", line + b"\x01"
    for number, text in enumerate((b"\x01", b"a=b; \x01 ; c", b"x\x01", b"\x01; \x01")):
        yield f"cookie-{number}", text + b"\x02"


def query():
    queries = ["token=a", "x=1&token=a%20b+c&token=second", "path=%3Ftoken%3Dx", "token", "token=&token=x", "a+b=%zz%4"]
    for number, text in enumerate(queries):
        yield f"query-{number}", text.encode() + bytes([5, number % 5])


def http_answer():
    """The last two bytes say how it is cut."""
    ok = "HTTP/1.1 200 OK\r\n"
    answers = [ok + "Content-Length: 3\r\n\r\nh:1", ok + "\r\nh:1", "HTTP/1.0 404 No\r\n\r\nx",
               ok + "Transfer-Encoding: chunked\r\n\r\n1;x=y\r\nh\r\n2\r\n:1\r\n0\r\nX: y\r\n\r\n",
               "HTTP/1.1 100 Continue\r\n\r\n" + ok + "content-length: 0\n\n",
               "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 204 No\r\n\r\n",
               ok + "Cache-Control: public, max-age=30\r\nAge: 3\r\nContent-Length: 0\r\n\r\n",
               ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", ok + "X: y\r\n z\r\n\r\n"]
    for number, text in enumerate(answers):
        yield f"answer-{number}", text.encode() + bytes([number, 0])


def url():
    """A URL, or a cookie's name; behind the line's end a token, a reference, or a Cookie header."""
    lines = ["http://h/%s\na/b", "https://u:p@[::1]:8443/x?t=%s&y=%%41\n\x00\xff", "http://h?x\n?y", "http://h/a/b\nc",
             "http://h/a\n//x/y", "http://h\nhttps://h:444/", "token\nx=1; token=\"a\"; token=b", "http://h%s/\nx"]
    for number, text in enumerate(lines):
        yield f"url-{number}", text.encode("latin-1")


def conditions():
    """The first byte of a line chooses its field (modulo 7)."""
    match, none, since, unmodified, if_range, part, encoding = (chr(ord("F") + n) for n in range(7))
    heads = [f'{none}"a", W/"t-1"', f"{none}*", f'{match}"t-1"\n{none}"x"', f'{part}bytes=1-5\n{if_range}"t-1"',
             f"{since}Sun, 06 Nov 1994 08:49:37 GMT", f"{unmodified}Sunday, 06-Nov-94 08:49:37 GMT",
             f"{part}bytes=-7\n{if_range}Sun Nov  6 08:49:37 1994", f"{encoding}gzip;q=0.5, *;q=0", f"{part}bytes=3-"]
    for number, text in enumerate(heads):
        yield f"conditions-{number}", text.encode() + bytes([1, 100, 0, 0])
    yield "date", b"Sun, 06 Nov 1994 08:49:37 GMT" + bytes(4)


def jwt():
    claims = ['{"host":"h","port":1}', '{"host":"::1","port":"80","nbf":1,"exp":2e9}', '{"host":"a\\u0041","port":65536}',
              '{"exp":"x","host":"h","port":1}', '{"host":"h","host":"i","port":1.5}', "[" * 60]
    for number, text in enumerate(claims):
        yield f"claims-{number}", b'{"alg":"HS256"}\n' + text.encode()
    for number, header in enumerate(['{"alg":"none"}', '{"alg":"HS384","crit":["exp"]}', '{"alg":"HS256","zip":"DEF"}']):
        yield f"header-{number}", header.encode() + b'\n{"host":"h","port":1}'
    # {"alg":"HS256"}, {"alg":"none"}, {"alg":"dir","enc":"A256GCM"}, {"alg":"RSA-OAEP","enc":"A128CBC-HS256"}
    yield "signed", b"eyJhbGciOiJIUzI1NiJ9.e30.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    yield "unsigned", b"eyJhbGciOiJub25lIn0.e30."
    yield "direct", b"eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"
    yield "sealed", (b"eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkExMjhDQkMtSFMyNTYifQ." + b"A" * 342 + b".AAAAAAAAAAAAAAAAAAAAAA."
                     b"AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA")


def proxy_header():
    signature = b"\r\n\r\n\0\r\nQUIT\n"
    lines = [b"TCP4 203.0.113.5 198.51.100.1 40000 443", b"TCP6 2001:db8::7 ::1 65535 0", b"UNKNOWN", b"UNKNOWN x y"]
    for number, line in enumerate(lines):
        yield f"v1-{number}", b"PROXY " + line + b"\r\nGET"
    v2 = [b"\x21\x11\0\x0c" + bytes(12), b"\x21\x21\0\x24" + bytes(range(36)), b"\x20\0\0\0",
          b"\x21\x11\0\x11" + bytes(12) + b"\x04\0\x02zz", b"\x21\x31\0\x03xxx"]
    for number, rest in enumerate(v2):
        yield f"v2-{number}", signature + rest + b"GET"


def forwarded():
    values = ['for=192.0.2.43', 'for="[2001:db8::7]:4711";proto=https', 'for=unknown, for=_x', 'for=1.2.3.4;x="',
              '1.2.3.4, [::1]:80, unknown', 'for="1\\.2', ';', 'by=x;host="a,b"']
    for number, value in enumerate(values):
        yield f"forwarded-{number}", value.encode() + bytes([number])


def target_rules():
    patterns = ["10.0.0.0/8:5900-5999", "*.vm.example:22,80", "[2001:db8::]/32:22", "unix:/run/vnc/*", "db-?.example",
                "127.0.0.0/8", "::1", "localhost", "*", "[::ffff:10.0.0.0/104]:*"]
    hosts = ["10.1.2.3", "a.vm.example", "2001:db8::7", "db-1.EXAMPLE.", "127.0.0.1"]
    addresses = [bytes([127, 0, 0, 1]), bytes([169, 254, 169, 254]), bytes([10, 0, 0, 1])]
    for number, pattern in enumerate(patterns):
        host, address = hosts[number % len(hosts)], addresses[number % len(addresses)]
        yield f"rule-{number}", f"{pattern}\n{host}".encode() + address.ljust(16, b"\0")[::-1] + b"\1"


def redis():
    """Steps, each modulo 12: 0 ask, 2 give up, 3 serve, 4 say, 5 end, 6 reset, 7 wait, 8 dial, 9 fail, 10 rest."""
    stories = [b"\0\3\3\3\0\0\3\3", b"\0\0\0\2\1\3\3\3\3\3", b"\0\3\0\5\0\3\3\3\x0a\0\3", b"\x09\0\0\x09\0\7\1\0\3\3",
               b"\0\4\5$-1\r\n\0\4\11$3\r\nh:1\r\n", b"\0\4\x10-LOADING later\r\n", b"\0\0\7\xc8\0", b"\0\6\0\3\3\3",
               b"\0\4\x0d*2\r\n$1\r\na\r\n", b"\0\4\x0c$999999999\r\n"]
    for number, story in enumerate(stories):
        yield f"at-once-{number}", story + bytes([4 + number % 4, number % 3])
        yield f"later-{number}", b"\0\x08" + story + bytes([number % 4, 0])


def token_files():
    text = (b"\xef\xbb\xbf# tokens\r\na: localhost:5900\r\n b:c : [::1]:80 # comment\n"
            b"d: ::1:80\ne: unix_socket:/run/x y\n"
            b"none\nf:x:1\ng: host\n: h:1\nlast: h:65535")
    for label, cuts in (("whole", WHOLE), ("bytes", BYTES), ("somehow", SOMEHOW)):
        yield label, text + cuts
        yield f"longest-{label}", b"\x01" * 4 + b"x" * 384 + b"\n" + cuts
        yield f"too-long-{label}", b"\x01" * 4 + b"x" * 385 + b"\n" + cuts
        yield f"long-{label}", b"a: h:1\n" + b"\x01" * 5 + b"\nb: h:2\n\x01\x01: h:3\n" + b"\x01" * 20 + cuts


def origin():
    rules = b"https://example.com\n*.example.com\nsame\nhttps://*.example.com:8443"
    for number, page in enumerate([b"https://example.com", b"http://www.example.com:8080", b"null", b"-",
                                   b"https://a.example.com:8443", b"http://[::1]:80",
                                   b"https://.example.com", b"https://badexample.com", b"ftp://example.com"]):
        yield f"rules-{number}", page + b"\nexample.com:443\n" + rules
        yield f"word-{number}", page + b"\n[::1]\nsame\nnull\nnone"


def options():
    lines = ["6080 localhost:5900", "--demo -vD", "--web=/srv --cert c.pem --key k.pem 0.0.0.0:6080 [::1]:5900",
             "--token-plugin TokenFile --token-source /etc/tokens 6080", "--help", "--version", "6080 -- Xvnc :1",
             "--heartbeat 1.5 --max-frame-size=64K --origin same --origin null --subprotocol mqtt 1 a:1",
             "--unix-listen /run/a --unix-listen-mode 0660 --unix-target /run/b --log-format json --log-level debug",
             "WSLUICE_LISTEN=6080 WSLUICE_TARGET=a:1 WSLUICE_SSL_ONLY=yes WSLUICE_ORIGIN=same,null WSLUICE_X=1",
             "--key-password secret --key-password=secret WSLUICE_KEY_PASSWORD=secret 1 a:1"]
    for number, line in enumerate(lines):
        yield f"line-{number}", line.replace(" ", "\0").encode()


def log_line():
    texts = [b"/index.html", b'"quoted" \\ back', "\u00b5\u20ac\U0001f600".encode(), b"\xff\x00\x1b[31m\r\n",
             b"1234", b"a=b c=\"d e=f",
             b"x" * 1000, b"\xe2\x82", b"time=1 level=2 id=3 event=4", "\u202e".encode() * 200]
    for number, text in enumerate(texts):
        yield f"text-{number}", text + bytes([0x3F, number])


def words():
    texts = ["6080", "0.0.0.0:6080", "[::1]:80", "::1:80", "fe80::1%lo:1", "[::ffff:1.2.3.4]:5", "localhost:5900",
             "1.5m", "500ms",
             "64K", "18446744073709551615", "18446744073709551616", "17179869183G", "17179869184G", "ALL:HIGH:ALL",
             "ALL", "0.0000001h", "HIGH:!aNULL:!MD5", "ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256",
             "DEFAULT@SECLEVEL=1:@STRENGTH", "ECDHE+AESGCM,-CHACHA20 +AES256", "tlsv1_3", "TLS1.2", "TokenFile",
             "websockify.token_plugins.ReadOnlyTokenFile", "debug", "json", "index.HTML", "200000 100000",
             "max 100000", "/run/x.sock"]
    for number, text in enumerate(texts):
        yield f"word-{number}", text.encode() + b"\xff" + bytes([number % 5])


def pem():
    """The target makes certificate and key itself, see there."""
    files = [b"\x01\x02", b"\x02\x01", b"\x01\x01\x02", b"\x01\x05\x02", b"\x01", b"\x02", b"",
             b"\x03\x00\x80x\x02", b"\x01\x04\x00\x60x",
             b"\x30\x82\x01", b"\xff\xfe-\x00",
             b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n\x01",
             b"Proc-Type: 4,ENCRYPTED\n\x01\x02", b"-----BEGIN EC PARAMETERS-----\n\x01\x02", b"\x01\x00\x01\x02",
             b"-----BEGIN CERTIFICATE REQUEST-----\n", b"-----BEGIN OPENSSH PRIVATE KEY-----",
             b"\x01-----BEGIN CERTIFICATE-----\n\x02",
             b"\x01-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n\x02"]
    for number, text in enumerate(files):
        yield f"file-{number}", text + b"\x00"
        yield f"password-{number}", text + b"\x01"


def tls_bytes():
    yield "there-and-back", bytes([0, 10, 2, 5, 1, 100, 2, 255, 4, 200, 4, 10, 3, 1, 5, 3, 6, 255])


(SAY_FRAME, SAY_BYTES, CLIENT_ENDS, CLIENT_TAKES, BACKEND_SAYS, BACKEND_ENDS, BACKEND_TAKES, TIME_PASSES,
 DIAL_IS_ANSWERED,
 GO_AWAY, EDGE_FOR_NOTHING, RESET_UNHEARD, LOOP_RESTS) = range(13)


def session_bytes():
    plain = bytes([0, 0, 0, 0, 0, 0, 0, 3])  # early bytes; backend, client; times, dialling, pool
    small = bytes([0, 0x1B, 1, 0x1B, 1, 1, 2, 1])
    hello = bytes([SAY_FRAME, BINARY, 5]) + b"hello"
    fragment = bytes([SAY_FRAME, TEXT, 0x40 | 3]) + b"abc"
    ping = bytes([SAY_FRAME, PING, 2]) + b"hi"
    close = bytes([SAY_FRAME, CLOSE, 5]) + b"\x03\xe8bye"
    changed = bytes([SAY_FRAME, BINARY, 0x80 | 4]) + b"abcd" + bytes([0, 0x40])
    says = bytes([BACKEND_SAYS, 60])
    stories = {
        "talk": hello + says + ping + close,
        "backend-ends": says + hello + bytes([BACKEND_ENDS, 0]) + hello + close,
        "fragments": fragment + ping + bytes([SAY_FRAME, 0, 2]) + b"de" + bytes([CLIENT_ENDS, 0]),
        "violation": hello + changed + says,
        "stalled": bytes([CLIENT_TAKES, 0, BACKEND_TAKES, 0]) + hello * 3 + says * 2 + bytes([TIME_PASSES, 40,
                         CLIENT_TAKES, 9]),
        "reset": hello + says + bytes([BACKEND_ENDS, 1]) + hello,
        "truncated": fragment + bytes([CLIENT_ENDS, 2]) + says,
        "go-away": hello + bytes([GO_AWAY]) + says + close,
        "raw": bytes([SAY_BYTES, len(STREAMS["cut-character"])]) + STREAMS["cut-character"] + bytes([LOOP_RESTS]),
        "silent": bytes([TIME_PASSES, 255, DIAL_IS_ANSWERED, TIME_PASSES, 255, EDGE_FOR_NOTHING, 1, RESET_UNHEARD]),
    }
    for label, story in stories.items():
        yield label, story + plain
        yield label + "-small", story + small


def session():
    """Plans as chance draws them: any bytes are one."""
    for number in range(24):
        yield f"plan-{number}", random.Random(number).randbytes(40 + 13 * number)


TEXT_FORM, LINES_FORM, BINARY_LINES_FORM, BASE64_FORM, BASE64_UP = range(5)


def messages():
    """A stream, then the longest message, which form, and how it is cut."""
    streams = [b"one\ntwo\r\n\n\rthree\r", "gr\u00fc\u00dfe \u20ac \U0001f600\r\n".encode() * 20, b"x" * 600,
               b"ab\xff\xc3\n\xe2\x82\n\xed\xa0\x80", bytes(range(256))]
    for number, stream in enumerate(streams):
        for form in (TEXT_FORM, LINES_FORM, BINARY_LINES_FORM, BASE64_FORM):
            for most in (0, 1, 121, 255):
                yield f"stream-{number}-{form}-{most}", stream + bytes([most, form]) + SOMEHOW
    for number, text in enumerate([b"Zm9vYmFy", b"Zm9v Yg==\r\n", b"Zg=", b"Zm8", b"Z", b"ab=c", b"a-_"]):
        yield f"base64-{number}", text + bytes([0, BASE64_UP]) + BYTES


ET_EXEC, ET_DYN = 2, 3
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE = 1, 2, 3, 4
DT_FLAGS_1, DF_1_PIE = 0x6FFFFFFB, 0x08000000


def elf(kind, *segments):
    """A 64-bit program for x86-64 with these (type, content), the contents behind the table."""
    at = 64 + 56 * len(segments)
    table = contents = b""
    for segment, content in segments:
        table += struct.pack("<IIQQQQQQ", segment, 4, at + len(contents), 0, 0, len(content), len(content), 8)
        contents += content
    head = struct.pack("<4sBBB9xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, kind, 62, 1, 0x400000, 64, 0, 0, 64, 56,
                       len(segments), 0, 0, 0)
    return head + table + contents


def note(owner, content):
    return struct.pack("<III", len(owner), len(content), 4) + owner + content


def program_file():
    code, loader = (PT_LOAD, b"\x90" * 16), (PT_INTERP, b"/lib64/ld-linux-x86-64.so.2\0")
    marked = (PT_DYNAMIC, struct.pack("<QQQQ", DT_FLAGS_1, DF_1_PIE, 0, 0))
    gnu, go = note(b"GNU\0", bytes(20)), note(b"Go\0\0", b"build id")
    yield "dynamic", elf(ET_DYN, loader, code, marked)
    yield "static", elf(ET_EXEC, code, (PT_NOTE, gnu))
    yield "static-pie", elf(ET_DYN, code, marked)
    yield "loader", elf(ET_DYN, code, (PT_DYNAMIC, struct.pack("<QQQQ", 14, 1, 0, 0)))
    yield "go", elf(ET_EXEC, loader, code, (PT_NOTE, gnu + go))
    yield "script", b"#!/bin/sh -e\necho\n"
    yield "script-env", b"#!/usr/bin/env -S A=b sh -e\n"
    yield "script-nowhere", b"#! \n"


# By target; each function yields (label, bytes).
SEEDS = {
    "conditions": conditions,
    "forwarded": forwarded,
    "frame_decode": frame_decode,
    "frame_encode": frame_encode,
    "head": head,
    "log_line": log_line,
    "messages": messages,
    "options": options,
    "origin": origin,
    "payload": payload,
    "pem": pem,
    "jwt": jwt,
    "logins": logins,
    "program_file": program_file,
    "proxy_header": proxy_header,
    "query": query,
    "redis": redis,
    "request": request,
    "session": session,
    "session_bytes": session_bytes,
    "static_path": static_path,
    "tls_bytes": tls_bytes,
    "target_rules": target_rules,
    "token_files": token_files,
    "words": words,
}


def of(target):
    """(label, bytes) of each seed of `target`."""
    return list(SEEDS[target]()) if target in SEEDS else []
