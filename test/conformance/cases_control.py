"""Control frames in general, pings and pongs (RFC 6455 5.5, 5.5.2, 5.5.3). Close: cases_close.py."""

from harness import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT

from .case import BYE, ECHO, ECHOED, FINISH, Case, Close, Demand, Pong, frame
from .cases_framing import bytes_of, opcode_name, violation

LONG = Demand("RFC 6455 5.5", "MUST", "The payload of a control frame has 125 bytes at most.",
              outcome="Close 1002 at the second byte of the header, whatever the length says.")
WHOLE = Demand("RFC 6455 5.5", "MUST NOT", "Control frames are not fragmented.", outcome="Close 1002.")
ANSWER = Demand("RFC 6455 5.5.2", "MUST", "A ping is answered by a pong, unless a Close came before it.")
BEHIND_OURS = Demand(
    "RFC 6455 5.5.2", "MUST", "A ping between our Close and the client's is answered, too.",
    outcome="Not done, on purpose: nothing follows our Close. Clients take a frame behind a Close for an error "
            "(Chromium) or drop it (most libraries), and one that has read it has no use for a pong.")
SOON = Demand("RFC 6455 5.5.2", "SHOULD", "The pong comes as soon as is practical.",
              outcome="At once: behind the frame that is being written, before data that waits.")
SAME = Demand("RFC 6455 5.5.3", "MUST", "The pong carries the same bytes as its ping.")
NEWEST = Demand("RFC 6455 5.5.3", "MAY", "Of several unanswered pings only the newest is answered.",
                outcome="While pongs can leave each ping gets its own; what can't leave is reduced to the newest.")
UNSOLICITED = Demand("RFC 6455 5.5.3", "MAY", "A pong may come unasked; no answer to it is expected.",
                     outcome="Taken, and counts as a sign of life.")

SAMPLES = [b"", b"H", b"Hello", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", bytes_of(124), bytes_of(125)]
KINDS = (CLOSE, PING, PONG)

TOO_LONG = [
    violation(f"control/{opcode_name(opcode)}-of-{size}", LONG, "pings" if opcode != CLOSE else "close handling",
              [frame(opcode, bytes(size))], "125 bytes")
    for opcode in KINDS for size in (126, 127, 70000)
] + [
    violation(f"control/{opcode_name(opcode)}-length-{code}-alone", LONG, "pings" if opcode != CLOSE else
              "close handling", [bytes([0x80 | opcode, 0x80 | code])], "125 bytes")
    for opcode in KINDS for code in (126, 127)
]
FRAGMENTED = [
    violation(f"control/fragmented-{opcode_name(opcode)}", WHOLE, "fragmentation",
              [frame(opcode, b"", fin=False), frame(CONTINUATION, b"")], "Fragmented control")
    for opcode in KINDS
] + [
    violation(f"control/fragmented-{opcode_name(opcode)}-inside-a-message", WHOLE, "fragmentation",
              [frame(BINARY, b"a", fin=False), frame(opcode, b"x", fin=False)], "Fragmented control", up=b"a")
    for opcode in KINDS
]
PINGS = [
    Case(f"pings/of-{len(body)}", SAME, "pings", sends=[frame(PING, body), BYE], sees=(Pong(body), ECHOED))
    for body in SAMPLES
] + [
    Case("pings/empty-and-full", SAME, "pings", sends=[frame(PING), frame(PING, bytes_of(125)), BYE],
         sees=(Pong(b"", may_lack=True), Pong(bytes_of(125)), ECHOED)),
    Case("pings/between-messages", ANSWER, "pings",
         sends=[frame(TEXT, b"one"), frame(PING, b"p"), frame(BINARY, b"two"), BYE], sees=(Pong(b"p"), ECHOED),
         up=b"onetwo"),
    Case("pings/behind-close", ANSWER, "pings", sends=[BYE, frame(PING, b"too late")], sees=(ECHOED,)),
    Case("pings/before-and-behind-close", ANSWER, "pings",
         sends=[frame(PING, b"in time"), BYE, frame(PING, b"too late")], sees=(Pong(b"in time"), ECHOED)),
    Case("pings/ten", NEWEST, "pings", sends=[*(frame(PING, b"%d" % i) for i in range(10)), BYE],
         sees=(*(Pong(b"%d" % i, may_lack=True) for i in range(9)), Pong(b"9"), ECHOED)),
    Case("pings/five-hundred", NEWEST, "pings", sends=lambda: [*(frame(PING, b"%d" % i) for i in range(500)), BYE],
         sees=(*(Pong(b"%d" % i, may_lack=True) for i in range(499)), Pong(b"499"), ECHOED)),
    # The client says Close only when the pong has come: an answer that waits for anything never comes.
    Case("pings/answered-within-a-frame", SOON, "pings",
         sends=[frame(BINARY, b"a", fin=False), frame(PING, b"now"), frame(CONTINUATION, b"b", length=2)],
         finish="fin", sees=(Pong(b"now"), Close(1002, "ended inside a message")), up=b"ab", backend="reset"),
    Case("pings/behind-our-close", BEHIND_OURS, "pings", service=(FINISH,), sends_after="close",
         sends=[frame(PING, b"after your Close"), BYE], sees=(Close(1000, "Target closed"),)),
]
PONGS = [
    Case(f"pongs/unsolicited-{len(body)}", UNSOLICITED, "pings", sends=[frame(PONG, body), BYE], sees=(ECHOED,))
    for body in SAMPLES
] + [
    Case("pongs/unsolicited-before-a-ping", UNSOLICITED, "pings",
         sends=[frame(PONG, b"unasked"), frame(PING, b"asked"), BYE], sees=(Pong(b"asked"), ECHOED)),
    Case("pongs/unsolicited-between-fragments", UNSOLICITED, "pings",
         sends=[frame(TEXT, b"a", fin=False), frame(PONG, b"x"), frame(CONTINUATION, b"b"), BYE], sees=(ECHOED,),
         up=b"ab"),
    Case("pongs/many-and-data", UNSOLICITED, "pings", service=(ECHO,),
         sends=[piece for i in range(10) for piece in (frame(PONG, b"%d" % i), frame(BINARY, bytes([i])))],
         up=bytes(range(10)), down=bytes(range(10)), then=[BYE], sees=(ECHOED,)),
]

CASES = [*TOO_LONG, *FRAGMENTED, *PINGS, *PONGS]
UNTESTED = []
