"""The frame itself (RFC 6455 5.1 to 5.3, 5.7): masks, lengths and their forms, reserved bits, opcodes."""

from harness import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT

from .case import BYE, ECHO, ECHOED, Case, Close, Demand, Pong, frame

UNMASKED = Demand(
    "RFC 6455 5.1", "MUST", "The connection is closed upon a frame without a mask.",
    outcome="Close 1002 (which is a MAY); nothing of the frame reaches the backend, which is reset.")
SERVER_MASK = Demand("RFC 6455 5.1", "MUST NOT", "The server masks no frame.",
                     outcome="Looked for in every frame of every case.")
ANY_TIME = Demand("RFC 6455 5.1", "MAY", "Data goes either way from the end of the handshake on, in any order.")
RESERVED_BITS = Demand("RFC 6455 5.2", "MUST", "A frame with a reserved bit fails the connection when no extension "
                       "has given the bit a meaning.", outcome="Close 1002; no extension is ever agreed on.")
OPCODES = Demand("RFC 6455 5.2", "MUST", "An unknown opcode fails the connection.", outcome="Close 1002.")
LENGTHS = Demand("RFC 6455 5.2", "", "A length stands in 7, 16 or 64 bits, in network byte order.",
                 outcome="Every length at the borders of the forms, text and binary, as the payload that goes up.")
SHORTEST = Demand("RFC 6455 5.2", "MUST", "A length takes the smallest form that holds it.",
                  outcome="Close 1002 for any longer form; our own frames are looked at in every case.")
TOP_BIT = Demand("RFC 6455 5.2", "MUST", "The highest bit of a 64-bit length is 0.", outcome="Close 1002.")
UNMASK = Demand("RFC 6455 5.3", "", "Octet i of the payload is what came, XOR octet i mod 4 of the key; the length "
                "does not count the key.", outcome="Every chunking changes the phase at which a read begins.")
EXAMPLES = Demand("RFC 6455 5.7", "", "The frames of the examples, byte by byte as printed.",
                  outcome="The unmasked ones are a server's; from a client they are refused.")

MINIMAL = b"\x00\x01\x02\xfe\xff"


def text_of(size):
    """So many bytes of UTF-8, of characters of one to four bytes."""
    sample = "aä€𝄞".encode()
    whole = sample * (size // len(sample) + 1)
    return whole[:size].decode(errors="ignore").encode().ljust(size, b".")


def bytes_of(size):
    return (bytes(range(256)) * (size // 256 + 1))[:size]


def violation(name, demand, area, bad, words, code=1002, up=b"", before=()):
    return Case(name, demand, area, sends=[*before, *bad], sees=(Close(code, words),), up=up, backend="reset")


def opcode_name(opcode):
    names = {CONTINUATION: "continuation", TEXT: "text", BINARY: "binary", CLOSE: "close", PING: "ping", PONG: "pong"}
    return names.get(opcode, f"opcode-{opcode:x}")


# --- sizes, both ways ---

SIZES = [0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 128, 255, 256, 65534, 65535, 65536, 65537]


def echoed(kind, opcode, size, payload):
    return Case(f"framing/{kind}-{size}", LENGTHS, "framing", sends=lambda: [frame(opcode, payload(size))],
                service=(ECHO,), up=lambda: payload(size), down=lambda: payload(size), then=[BYE], sees=(ECHOED,))


SIZED = [echoed(kind, opcode, size, payload) for kind, opcode, payload in
         [("binary", BINARY, bytes_of), ("text", TEXT, text_of)] for size in SIZES]
DOWN = [
    Case(f"framing/down-{size}", SHORTEST, "framing", service=(lambda size=size: bytes_of(size),),
         down=lambda size=size: bytes_of(size), then=[BYE], sees=(ECHOED,))
    for size in (1, 125, 126, 127, 65535, 65536, 65537, 1_000_000)
]

# --- lengths in the wrong form ---

NOT_SHORTEST = [
    violation(f"framing/length-{declared}-in-{form}-bits-{opcode_name(opcode)}", SHORTEST, "framing",
              [frame(opcode, bytes(sent), length=declared, form=form)],
              "125 bytes" if opcode >= CLOSE else "shortest")
    for opcode, declared, form, sent in [
        (BINARY, 0, 16, 0), (BINARY, 5, 16, 5), (BINARY, 124, 16, 124), (TEXT, 125, 16, 20),
        (BINARY, 0, 64, 0), (BINARY, 125, 64, 20), (BINARY, 126, 64, 20), (TEXT, 65535, 64, 20), (BINARY, 256, 64, 20),
        (PING, 5, 16, 5), (PING, 5, 64, 5), (PONG, 0, 16, 0), (CLOSE, 2, 16, 2), (CLOSE, 0, 64, 0)]
]
TOP_BITS = [
    violation(f"framing/length-{name}", TOP_BIT, "framing", [frame(BINARY, b"bad", length=length, form=64)], "63 bits")
    for name, length in [("2^63", 1 << 63), ("2^64-1", (1 << 64) - 1), ("2^63+5", (1 << 63) + 5)]
]

# --- reserved bits and opcodes ---

ALL_OPCODES = (TEXT, BINARY, CLOSE, PING, PONG)
RSV = [
    violation(f"reserved-bits/rsv-{rsv}-{opcode_name(opcode)}", RESERVED_BITS, "reserved bits",
              [frame(opcode, b"", rsv=rsv)], "Reserved bit")
    for rsv in range(1, 8) for opcode in ALL_OPCODES
] + [
    violation(f"reserved-bits/rsv-{rsv}-continuation", RESERVED_BITS, "reserved bits",
              [frame(TEXT, b"a", fin=False), frame(CONTINUATION, b"b", rsv=rsv)], "Reserved bit", up=b"a")
    for rsv in range(1, 8)
] + [
    violation(f"reserved-bits/rsv-{rsv}-fragment-before-ping", RESERVED_BITS, "reserved bits",
              [frame(BINARY, b"bad", fin=False, rsv=rsv), frame(PING)], "Reserved bit")
    for rsv in range(1, 8)
] + [
    violation(f"reserved-bits/rsv-{rsv}-behind-a-message", RESERVED_BITS, "reserved bits",
              [frame(TEXT, b"good"), frame(BINARY, b"bad", rsv=rsv), frame(PING, b"?")], "Reserved bit", up=b"good")
    for rsv in (1, 2, 4, 7)
]
RESERVED_OPCODES = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]
UNKNOWN = [
    case for opcode in RESERVED_OPCODES for case in (
        violation(f"opcodes/{opcode}-first", OPCODES, "opcodes", [frame(opcode)], "Reserved opcode"),
        violation(f"opcodes/{opcode}-with-payload", OPCODES, "opcodes", [frame(opcode, b"bad"), frame(PING)],
                  "Reserved opcode"),
        violation(f"opcodes/{opcode}-behind-a-message", OPCODES, "opcodes", [frame(opcode, b"bad")],
                  "Reserved opcode", up=b"good", before=[frame(TEXT, b"good")]),
        violation(f"opcodes/{opcode}-inside-a-message", OPCODES, "opcodes",
                  [frame(opcode, b"bad"), frame(CONTINUATION, b"c")], "Reserved opcode", up=b"a",
                  before=[frame(TEXT, b"a", fin=False)]),
        violation(f"opcodes/{opcode}-without-fin", OPCODES, "opcodes", [frame(opcode, b"bad", fin=False)],
                  "Reserved opcode"),
    )
]

# --- masks ---

NO_MASK = [
    violation(f"masking/none-on-{opcode_name(opcode)}-{len(payload)}", UNMASKED, "masking",
              [frame(opcode, payload, mask=None)], "without a mask")
    for opcode in ALL_OPCODES for payload in (b"", b"\x03\xe8bad")
] + [
    violation("masking/none-on-continuation", UNMASKED, "masking",
              [frame(BINARY, b"a", fin=False), frame(CONTINUATION, b"b", mask=None)], "without a mask", up=b"a"),
    violation("masking/none-on-the-second-message", UNMASKED, "masking",
              [frame(TEXT, b"good"), frame(BINARY, bytes(200), mask=None)], "without a mask", up=b"good"),
    violation("masking/none-on-a-long-frame", UNMASKED, "masking",
              [frame(BINARY, bytes(70000), mask=None)], "without a mask"),
    Case("masking/none-on-the-very-first-frame", UNMASKED, "masking", greets=False,
         sends=[frame(BINARY, b"bad", mask=None)], sees=(Close(1002, "without a mask"),), backend="reset"),
]
KEYS = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\1\0\0\0", b"\0\0\0\1", b"\x00\xff\x00\xff", b"\x80\x40\x20\x10"]
MASKS = [
    Case(f"masking/key-{key.hex()}", UNMASK, "masking",
         sends=[frame(BINARY, bytes_of(37), mask=key), frame(TEXT, b"abc", mask=key), frame(PING, b"five!", mask=key),
                BYE], sees=(Pong(b"five!"), ECHOED), up=bytes_of(37) + b"abc") for key in KEYS
] + [
    Case("masking/a-new-key-in-each-frame", UNMASK, "masking",
         sends=[*(frame(BINARY, bytes_of(size), mask=key) for size, key in zip(range(1, 7), KEYS)), BYE],
         sees=(ECHOED,), up=b"".join(bytes_of(size) for size in range(1, 7))),
    Case("masking/long", UNMASK, "masking", sends=lambda: [frame(BINARY, bytes_of(70_001), mask=KEYS[5]), BYE],
         sees=(ECHOED,), up=lambda: bytes_of(70_001)),
    # The masked bytes look like frames, the unmasked ones are plain zeros.
    Case("masking/payload-that-looks-like-frames", UNMASK, "masking",
         sends=[frame(BINARY, bytes(40), mask=b"\x88\x80\x81\x85"), BYE], sees=(ECHOED,), up=bytes(40)),
]

# --- order, and the examples ---

HELLO = bytes.fromhex("818537fa213d7f9f4d5158")
OTHERS = [
    Case("framing/backend-speaks-first", ANY_TIME, "framing", service=(b"220 ready\r\n",), down=b"220 ready\r\n",
         then=[BYE], sees=(ECHOED,)),
    Case("framing/echo-of-many", ANY_TIME, "framing", sends=[frame(BINARY, bytes([i])) for i in range(20)],
         service=(ECHO,), up=bytes(range(20)), down=bytes(range(20)), then=[BYE], sees=(ECHOED,)),
    Case("framing/client-data-behind-the-request-head", ANY_TIME, "framing", greets=False,
         sends=[frame(BINARY, MINIMAL), BYE], sees=(ECHOED,), up=MINIMAL),
    Case("masking/server-frames-bear-none", SERVER_MASK, "masking", service=(b"x" * 300,), down=b"x" * 300,
         sends=[frame(PING, b"p")], then=[BYE], sees=(Pong(b"p"), ECHOED)),
    Case("framing/example-masked-hello", EXAMPLES, "framing", sends=[HELLO, BYE], sees=(ECHOED,), up=b"Hello"),
    violation("framing/example-unmasked-hello", EXAMPLES, "framing", [bytes.fromhex("810548656c6c6f")],
              "without a mask"),
    violation("framing/example-unmasked-fragments", EXAMPLES, "framing", [bytes.fromhex("010348656c80026c6f")],
              "without a mask"),
    violation("framing/example-unmasked-ping", EXAMPLES, "framing", [bytes.fromhex("890548656c6c6f")],
              "without a mask"),
    Case("framing/example-masked-pong", EXAMPLES, "framing", sends=[bytes.fromhex("8a8537fa213d7f9f4d5158"), BYE],
         sees=(ECHOED,)),
    violation("framing/example-256-bytes-unmasked", EXAMPLES, "framing", [b"\x82\x7e\x01\x00" + bytes(256)],
              "without a mask"),
    violation("framing/example-64-kib-unmasked", EXAMPLES, "framing",
              [b"\x82\x7f" + (65536).to_bytes(8, "big") + bytes(65536)], "without a mask"),
]

CASES = [*SIZED, *DOWN, *NOT_SHORTEST, *TOP_BITS, *RSV, *UNKNOWN, *NO_MASK, *MASKS, *OTHERS]
UNTESTED = [
    Demand("RFC 6455 5.1", "MUST", "A client masks what it sends, and closes upon a masked frame.",
           reason="A client's duty."),
    Demand("RFC 6455 5.3", "MUST", "Keys are fresh, unpredictable and from a strong source.",
           reason="A client's duty; a server can't tell."),
    Demand("RFC 6455 5.8", "MUST", "Extensions are negotiated in the opening handshake.",
           reason="wsluice offers none: see section 9 and the reserved bits of 5.2."),
]
