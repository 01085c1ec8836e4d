"""Bends a valid head: where parsers are known to differ first (line ends, white space, doubled framing fields), then
at random bytes. Each mutation is a function of a random generator and a Head, or of the head's bytes."""

from .grammar import ABSOLUTE, HOSTS, PATHS, any_case, random_key, valid_head

ODD_LINE_ENDS = [b"\r", b"\r\r\n", b"\n\r", b"\n\n", b"\r\n\r", b"", b" \r\n", b"\t\n", b"\x0b", b"\0\r\n"]
LINE_ENDS = [b"\r\n"] * 3 + [b"\n"] * 3 + ODD_LINE_ENDS
BLANKS = [b"", b" ", b"\t", b"  ", b" \t ", b"\r\n ", b"\n\t", b"\x0b", b"\x0c", b"\0", b"\xa0", b"\x85", b"\r"]
COLONS = [
    b":", b" :", b"\t: ", b": ", b"::", b"", b"=", b" ", b":\0", b":\r\n ", b":\n\t", b":\x0b", b"\0:",
    b":" + b" " * 40,
]
LEADS = [
    b"\r\n", b"\n", b"\r\n\r\n", b"\n\n", b"\r", b" ", b"\t\r\n", b"\r\r\n", b"\n\r\n", b"\0", b" \r\n",
]
VERSIONS = [
    b"HTTP/1.0", b"HTTP/1.1", b"HTTP/1.2", b"HTTP/1.9", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.10", b"HTTP/1", b"HTTP/1.",
    b"HTTP/.1", b"http/1.1", b"HTTP/1,1", b"HTTP/ 1.1", b"HTTP /1.1", b"HTTP/01.1", b"ICE/1.0", b"", b"HTTP/1.1 ",
    b"HTTP/1.1\t", b"HTTP/1.1x", b"HTTP/+1.1", b"RTSP/1.0",
]
METHODS = [
    b"GETT", b"G", b"get", b"Get", b"GE T", b"", b"G\tT", b"M-SEARCH", b"PRI", b"SOURCE", b"GET\0", b"\x16\x03\x01",
    b"QUERY", b"X" * 300, b"!#$%&'*+-.^_`|~", b"G(T", b"G\xc4T", b"SEARCH", b"BREW",
]
TARGETS = [
    b"", b"*", b"x", b"?a", b"example.com:80", b"h:1", b"/\t", b"/ x", b"/#f", b"/?#", b"/\xe4", b"/\x7f", b"/\0",
    b"/\x01", b"/%zz", b"/%", b"http:/x", b"http//x", b"http://h\\x", b"h2://x", b"1http://h/", b"http://[::1/",
    b"http://h/#", b"http://a@b@c/", b"//h/x", b"/" + b"a" * 17000, b"/" + b"a" * 16365, b"mailto:a@b", b"*/", b"**",
    b"http://?x", b"ws:/",
]
LENGTHS = [
    b"+5", b"-5", b" 5", b"5 ", b"5,5", b"5, 5", b"5,6", b"5,05", b",5", b"5,", b"", b"0x5", b"5\t", b"5 5", b"5;5",
    b"1e3", b"18446744073709551616", b"99999999999999999999", b"9" * 30, b"0", b"0,0", b"00000", b"\xb2", b"5.0",
    b"0" * 30, b"18446744073709551614", b"9223372036854775808", b"000000000000000000005",
]
CODINGS = [
    b"chunked", b"Chunked", b"chunked, chunked", b"gzip, chunked", b"chunked, gzip", b"identity", b"", b"xchunked",
    b"chunked;q=1", b" chunked", b"chunked ", b"chunked,", b",chunked", b"\x0bchunked", b"chunked\0", b"chunked\tx",
    b"'chunked'", b"gzip", b"chun ked",
]
CONNECTIONS = [
    b"Upgrade", b"close", b"keep-alive", b"close, keep-alive", b"upgrade,close", b"", b",", b"Upgrade, , x",
    b"upgrade keep-alive", b"upgraded", b"keep-alive,Upgrade", b"Up grade", b"upgrade;x", b"\tupgrade\t",
    b"keep-alive\t,\tclose", b"close upgrade", b"closed", b"keep-alive, close", b"Content-Length",
]
UPGRADES = [
    b"websocket", b"WEBSOCKET", b"h2c", b"", b"websocket/13", b"websocket, h2c", b"web socket", b"TLS/1.0",
    b",websocket,",
]
SOCKET_VERSIONS = [b"13", b"8", b"013", b"13, 8", b"", b"+13", b"13 ", b"255", b"256", b"1e1", b"12", b"0"]
KEYS = [
    b"", b"dGhlIHNhbXBsZSBub25jZQ==", b"AQIDBAUGBwgJCgsMDQ4PEC==", b"short", b"dGhlIHNhbXBsZSBub25jZQ", b"=" * 24,
    b"dGhlIHNhbXBsZSBub25jZQ==, x",
]
OFFERS = [
    b"", b",", b"a b", b"a,,b", b"a;b", b"(x)", b"\xe4", b"base64", b"binary\0", b",binary", b'"a"', b"a, binary ,b",
]
ORIGINS = [b"", b"null", b"http://a http://b", b"http://\xe4"]
BAD_HOSTS = [
    b"", b"a b", b"a,b", b"a/b", b"a@b", b"h:x", b"h:1:2", b"[::1", b"::1", b"\xe4.example", b"h\0", b"%zz", b"h%",
    b"?", b"#", b"a\tb",
]
FRAMING = {
    b"Host": HOSTS + BAD_HOSTS, b"Content-Length": LENGTHS, b"Transfer-Encoding": CODINGS, b"Connection": CONNECTIONS,
    b"Upgrade": UPGRADES, b"Sec-WebSocket-Version": SOCKET_VERSIONS, b"Sec-WebSocket-Key": KEYS,
    b"Sec-WebSocket-Protocol": OFFERS, b"Origin": ORIGINS,
}
INTERESTING = [
    0, 1, 8, 9, 10, 11, 12, 13, 13, 10, 32, 32, 34, 35, 37, 40, 44, 44, 47, 58, 58, 59, 64, 92, 127, 128, 133, 160,
    255,
]


def line_of(random, head):
    """Any field line; one is made where there is none."""
    if not head.fields:
        head.add(b"X-Made", b"1")
    return random.choice(head.fields)


# --- mutations of the parts --------------------------------------------------------------------------


def end_lines_otherwise(random, head):
    ends = [random.choice(LINE_ENDS)] if random.random() < 0.5 else LINE_ENDS
    for line in random.sample(head.fields, min(len(head.fields), random.randint(0, 3))):
        line[3] = random.choice(ends)
    if random.random() < 0.3:
        head.line_end = random.choice(ends)
    if random.random() < 0.3:
        head.final = random.choice(ends)


def end_all_lines_with_lf(_random, head):
    head.line_end = head.final = b"\n"
    for line in head.fields:
        line[3] = b"\n"


def move_the_colon(random, head):
    line_of(random, head)[1] = random.choice(COLONS)


def pad_the_value(random, head):
    line = line_of(random, head)
    line[2] = random.choice(BLANKS) + line[2] + random.choice(BLANKS)


def fold_a_value(random, head):
    line = line_of(random, head)
    at = random.randint(0, len(line[2]))
    line[2] = line[2][:at] + random.choice([b"\r\n ", b"\n ", b"\r\n\t", b"\r\n", b"\r ", b"\n"]) + line[2][at:]


def spoil_a_name(random, head):
    line = line_of(random, head)
    at = random.randint(0, len(line[0]))
    spoilt = random.choice([b" ", b"\t", b"\0", b"(", b"\xc4", b'"', b"@", b"\r\n", b"\x7f", b""])
    line[0] = line[0][:at] + spoilt + line[0][at:]


def replace_framing(random, head):
    name = random.choice(list(FRAMING))
    lines = head.named(name.lower())
    if lines and random.random() < 0.8:
        random.choice(lines)[2] = random.choice(FRAMING[name])
    else:
        head.add(any_case(random, name), random.choice(FRAMING[name]), random.randint(0, len(head.fields)))


def double_a_line(random, head):
    framing = head.named(*(name.lower() for name in FRAMING))
    line = list(random.choice(framing) if framing and random.random() < 0.8 else line_of(random, head))
    name = next((known for known in FRAMING if known.lower() == line[0].lower()), None)
    if name and random.random() < 0.5:
        line[2] = random.choice(FRAMING[name])
    head.fields.insert(random.randint(0, len(head.fields)), line)


def drop_a_line(random, head):
    if head.fields:
        head.fields.pop(random.randrange(len(head.fields)))


def change_method(random, head):
    head.method = random.choice(METHODS)


def change_target(random, head):
    head.target = random.choice(TARGETS + ABSOLUTE + HOSTS)


def change_version(random, head):
    head.version = random.choice(VERSIONS)


def change_spaces(random, head):
    head.space = random.choice([b"  ", b"\t", b" \t", b"\x0b", b"\r", b"\0", b"\xa0", b"", b"\r\n "])


def lead_with_lines(random, head):
    head.before = random.choice(LEADS)


def lengthen(random, head):
    line = line_of(random, head)
    line[random.choice([0, 2])] += random.choice([b"a", b"%"]) * random.choice([100, 1000, 20_000, 70_000])


def add_many_lines(random, head):
    for number in range(random.choice([30, 33, 80, 95, 100, 120])):
        head.add(b"X-%d" % number, b"v%d" % number)


def change_both_lengths(random, head):
    head.add(b"Transfer-Encoding", random.choice(CODINGS))
    head.add(b"Content-Length", random.choice(LENGTHS), random.randint(0, len(head.fields)))


def give_another_key(random, head):
    for line in head.named(b"sec-websocket-key"):
        line[2] = random_key(random)[:random.randint(0, 24)]


def escape_the_target(random, head):
    path = random.choice(PATHS)
    at = random.randint(0, len(path))
    head.target = path[:at] + b"%" + random.choice([b"00", b"2f", b"zz", b"", b"%25", b"e4"]) + path[at:]


OF_PARTS = [
    end_lines_otherwise, end_all_lines_with_lf, move_the_colon, move_the_colon, pad_the_value, pad_the_value,
    fold_a_value, spoil_a_name, replace_framing, replace_framing, replace_framing, double_a_line, double_a_line,
    drop_a_line, change_method, change_target, change_target, change_version, change_spaces, lead_with_lines,
    change_both_lengths, give_another_key, escape_the_target,
]
RARELY = [lengthen, add_many_lines]


# --- mutations of the bytes --------------------------------------------------------------------------


def set_byte(random, head):
    at = random.randrange(len(head))
    return head[:at] + bytes([random.choice(INTERESTING)]) + head[at + 1:]


def flip_bit(random, head):
    at = random.randrange(len(head))
    return head[:at] + bytes([head[at] ^ 1 << random.randrange(8)]) + head[at + 1:]


def insert_byte(random, head):
    at = random.randint(0, len(head))
    return head[:at] + bytes([random.choice(INTERESTING)]) + head[at:]


def drop_bytes(random, head):
    at = random.randrange(len(head))
    return head[:at] + head[at + random.randint(1, 4):]


def repeat_bytes(random, head):
    at = random.randrange(len(head))
    return head[:at] + head[at:at + random.randint(1, 40)] + head[at:]


def cut(random, head):
    return head[:random.randint(1, len(head))]


OF_BYTES = [set_byte, set_byte, flip_bit, insert_byte, insert_byte, drop_bytes, repeat_bytes, cut]


def head_of(random):
    """A head, drawn: an eighth valid, most bent once to thrice, a third of all with random bytes as well."""
    head = valid_head(random)
    style = random.random()
    if style < 0.125:
        return bytes(head)
    if style < 0.8:
        for _ in range(random.choice([1, 1, 1, 2, 3])):
            random.choice(RARELY if random.random() < 0.01 else OF_PARTS)(random, head)
    data = bytes(head)
    if style > 0.65:
        for _ in range(random.choice([1, 1, 2, 3, 6])):
            data = random.choice(OF_BYTES)(random, data) or b"\r"
    return data
