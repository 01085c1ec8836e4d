"""The closing handshake and failing (RFC 6455 5.5.1, section 7): who says Close, who ends TCP, and which codes."""

from harness import BINARY, CLOSE, CONTINUATION, PING, TEXT

from .case import BYE, ECHO, ECHOED, FINISH, RESET, Case, Close, Demand, close_frame, frame
from .cases_framing import bytes_of, violation

BODY = Demand("RFC 6455 5.5.1", "MUST", "The body of a Close, if there is one, begins with a code of two bytes.",
              outcome="Close 1002 for half a code; an empty Close is answered by an empty one.")
REASON = Demand("RFC 6455 5.5.1", "MAY", "Behind the code stands a reason in UTF-8.",
                outcome="Not echoed; Close 1007 where it is not UTF-8.")
CLOSE_MASK = Demand("RFC 6455 5.5.1", "MUST", "A client's Close is masked.", outcome="Close 1002 else.")
SILENCE = Demand("RFC 6455 5.5.1", "MUST NOT", "Data frames follow a Close.",
                 outcome="Nothing at all follows ours: looked for in every case. What a client sends behind its own is "
                         "dropped.")
ANSWER = Demand("RFC 6455 5.5.1", "MUST", "A Close is answered by a Close, unless one was sent before.",
                outcome="With the code that came.")
SOON = Demand("RFC 6455 5.5.1", "SHOULD", "The answer comes as soon as is practical.",
              outcome="Behind the frame that has been begun; it waits for no backend.")
TCP = Demand("RFC 6455 5.5.1", "MUST", "After a Close each way the server ends TCP at once.",
             outcome="FIN right behind the second Close; over TLS close_notify first.")
CROSSING = Demand("RFC 6455 5.5.1", "", "When both send Close at the same time, both have sent and received one.")
CLEAN = Demand("RFC 6455 7.1.1", "SHOULD", "TCP, and TLS, end cleanly, and trailing bytes are dropped.",
               outcome="FIN, never a reset, also when the client goes on sending (for 2 s or 1 MB).")
FIRST = Demand("RFC 6455 7.1.1", "SHOULD", "The server ends TCP first, and at once when it is to close.")
START = Demand("RFC 6455 7.1.2", "MUST", "The closing handshake begins with a Close that has the code and the reason.",
               outcome="1000 when the backend has ended, 1011 when it broke; what the client sends until its own Close "
                       "still goes up.")
BOTH_SEEN = Demand("RFC 6455 7.1.2", "SHOULD", "Having sent and received Close, an endpoint closes the connection.")
CODE = Demand("RFC 6455 7.1.5", "", "The code of the connection is that of the first Close received; 1005 when it has "
              "none, 1006 when none came.", outcome="Logged; what lost its end is reset toward the backend.")
FAIL = Demand("RFC 6455 7.1.7", "MUST", "To fail the connection the server closes it.")
FAIL_LOG = Demand("RFC 6455 7.1.7", "SHOULD", "The server logs why it failed a connection.",
                  outcome="One line with side, cause and code.")
FAIL_CODE = Demand("RFC 6455 7.1.7", "SHOULD", "A Close with a fitting code goes before it.",
                   outcome="1002, 1003 or 1007, and a reason in words.")
FAIL_STOP = Demand("RFC 6455 7.1.7", "MUST NOT", "Anything behind the failure is processed, a Close among it.",
                   outcome="Nothing of it goes up and nothing is answered; it is read and dropped.")
NORMAL = Demand("RFC 6455 7.3", "", "Whoever wants to close starts the closing handshake.",
                outcome="The backend's FIN is followed by its last bytes and Close 1000.")
CODES = Demand("RFC 6455 7.4.1", "MAY", "The defined codes are used.",
               outcome="Accepted: 1000 to 1003 and 1007 to 1014 (registered since), echoed as they came.")
RESERVED = Demand("RFC 6455 7.4.1", "MUST NOT", "1005, 1006 and 1015 stand in a Close.",
                  outcome="Close 1002; 1004 too, which has no meaning. No case sees us send one.")
RANGES = Demand("RFC 6455 7.4.2", "", "0 to 999 are not used; 1000 to 2999 are the protocol's, 3000 to 3999 "
                "registered, 4000 to 4999 private.", outcome="What is not used, or not defined yet, gets 1002.")

GOOD_CODES = {CODES: [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014],
              RANGES: [3000, 3001, 3999, 4000, 4999]}
BAD_CODES = {RESERVED: [1004, 1005, 1006, 1015],
             RANGES: [0, 1, 999, 1016, 1100, 2000, 2999, 5000, 32768, 65535]}
TEXT_REASON = "Zu Ende: größer als €".encode()


def closes(name, demand, sends, sees=(ECHOED,), **more):
    return Case(f"close/{name}", demand, "close handling", sends=sends, sees=sees, **more)


def fails(name, demand, sends, words, code=1002, up=b"", **more):
    return closes(name, demand, sends, (Close(code, words),), up=up, backend="reset", **more)


ACCEPTED = [closes(f"code-{code}", demand, [close_frame(code)], (Close(code),))
            for demand, codes in GOOD_CODES.items() for code in codes]
REFUSED = [fails(f"code-{code}", demand, [close_frame(code)], "not allowed")
           for demand, codes in BAD_CODES.items() for code in codes]
BODIES = [
    closes("empty", BODY, [close_frame(None)], (Close(1005),)),
    fails("of-one-byte", BODY, [frame(CLOSE, b"\x03")], "half a code"),
    fails("of-one-zero", BODY, [frame(CLOSE, b"\x00")], "half a code"),
    closes("of-two-bytes", BODY, [close_frame(1000)]),
    *(closes(f"reason-of-{size}", REASON, [close_frame(1000, b"r" * size)]) for size in (1, 5, 122, 123)),
    violation("close/reason-of-124", REASON, "close handling", [close_frame(1000, b"r" * 124)], "125 bytes"),
    closes("reason-in-words", REASON, [close_frame(3333, TEXT_REASON)], (Close(3333),)),
    closes("reason-of-non-characters", REASON, [close_frame(1000, "\ufffe\U0010ffff".encode())]),
    fails("reason-not-utf8", REASON, [close_frame(1000, b"ok \xff")], "reason is not UTF-8", 1007),
    fails("reason-incomplete", REASON, [close_frame(1000, b"ok \xe2\x82")], "reason is not UTF-8", 1007),
    fails("reason-surrogate", REASON, [close_frame(1000, b"\xed\xa0\x80")], "reason is not UTF-8", 1007),
    fails("reason-overlong", REASON, [close_frame(1000, b"\xc0\xaf")], "reason is not UTF-8", 1007),
    violation("close/unmasked", CLOSE_MASK, "close handling", [close_frame(1000, mask=None)], "without a mask"),
]
BEHIND = [
    closes("then-data", SILENCE, [BYE, frame(BINARY, b"late")]),
    closes("then-text-and-ping", SILENCE, [BYE, frame(TEXT, b"late"), frame(PING, b"late")]),
    closes("then-another-close", SILENCE, [close_frame(1001), close_frame(1000)], (Close(1001),)),
    closes("then-nonsense", CLEAN, [BYE, b"\xff" * 40]),
    closes("then-half-a-header", CLEAN, [BYE, b"\x82"]),
    closes("then-100-kb", CLEAN, lambda: [BYE, frame(BINARY, bytes_of(100_000))]),
    closes("then-the-backend-speaks", SILENCE, [frame(BINARY, b"quit"), BYE], up=b"quit", service=(ECHO,),
           down=b"quit", down_may_stop=True),
    closes("behind-data", ANSWER, [frame(BINARY, b"last words"), BYE], up=b"last words"),
    closes("inside-a-message", ANSWER, [frame(TEXT, b"part", fin=False), BYE], up=b"part"),
    closes("at-once", SOON, [BYE]),
    closes("behind-a-long-frame", SOON, lambda: [frame(BINARY, bytes_of(50_000)), BYE], up=lambda: bytes_of(50_000)),
    closes("tcp-ends", TCP, [close_frame(4001)], (Close(4001),)),
    closes("then-fin", TCP, [BYE], finish="fin"),
    closes("server-ends-first", FIRST, [BYE], logs='side=client cause="client closed" code=1000'),
]
TARGET_CLOSED = Close(1000, "Target closed")
BY_BACKEND = [
    closes("backend-ends", NORMAL, [BYE], (TARGET_CLOSED,), service=(FINISH,), sends_after="close"),
    closes("backend-ends-behind-data", NORMAL, [BYE], (TARGET_CLOSED,), service=(b"bye\n", FINISH), down=b"bye\n",
           sends_after="close"),
    closes("backend-ends-behind-a-megabyte", NORMAL, [BYE], (TARGET_CLOSED,), sends_after="close",
           service=(lambda: bytes_of(1 << 20), FINISH), down=lambda: bytes_of(1 << 20)),
    closes("data-behind-our-close", START, [frame(BINARY, b"not done"), frame(TEXT, b" yet"), BYE], (TARGET_CLOSED,),
           service=(FINISH,), sends_after="close", up=b"not done yet"),
    closes("answer-with-another-code", BOTH_SEEN, [close_frame(4000, b"so be it")], (TARGET_CLOSED,),
           service=(FINISH,), sends_after="close"),
    closes("answer-without-a-code", BOTH_SEEN, [close_frame(None)], (TARGET_CLOSED,), service=(FINISH,),
           sends_after="close"),
    closes("crossing", CROSSING, [BYE], (Close(1000, ""),), service=(FINISH,)),
    closes("crossing-in-a-message", CROSSING, [frame(TEXT, b"a", fin=False), BYE], (Close(1000, ""),),
           service=(FINISH,), up=b"a"),
    closes("backend-breaks", START, [BYE], (Close(1011, "reset"),), service=(RESET,), sends_after="close",
           backend="ours"),
    closes("fault-behind-our-close", FAIL, [frame(BINARY, b"good"), frame(BINARY, b"bad", rsv=1)], (TARGET_CLOSED,),
           service=(FINISH,), sends_after="close", up=b"good", backend="reset"),
]
WITHOUT = [
    closes("fin-instead", CODE, [frame(BINARY, b"all")], (TARGET_CLOSED,), finish="fin", up=b"all",
           service=(FINISH,), sends_after="close"),
    closes("fin-between-messages", CODE, [frame(BINARY, b"all")], (TARGET_CLOSED,), finish="fin", up=b"all",
           service=(ECHO,), down=b"all"),
    closes("fin-inside-a-message", CODE, [frame(BINARY, b"part", fin=False)], (Close(1002, "inside a message"),),
           finish="fin", up=b"part", backend="reset", logs="inside a message"),
    closes("fin-inside-a-header", CODE, [frame(BINARY, b"all"), b"\x82"], (Close(1002, "inside a message"),),
           finish="fin", up=b"all", backend="reset"),
    closes("reset-instead", CODE, [frame(BINARY, b"all")], (), finish="reset", up=b"all", client="ours",
           backend="reset", logs="client reset"),
]
FAILING = [
    fails("fault-is-logged", FAIL_LOG, [frame(BINARY, b"bad", rsv=2)], "Reserved",
          logs='session ended side=client cause="Reserved bit set in a frame" code=1002'),
    fails("fault-in-text-is-logged", FAIL_LOG, [frame(TEXT, b"\xff")], "UTF-8", 1007,
          logs='session ended side=client cause="Text message is not UTF-8" code=1007'),
    fails("fault-has-a-code", FAIL_CODE, [frame(CONTINUATION, b"bad")], "Continuation"),
    fails("fault-then-close", FAIL_STOP, [frame(0x3), BYE], "opcode"),
    fails("fault-then-ping-and-data", FAIL_STOP, [frame(BINARY, b"x", rsv=4), frame(PING), frame(BINARY, b"y"), BYE],
          "Reserved"),
    fails("fault-behind-data", FAIL, [frame(BINARY, b"good"), frame(BINARY, b"bad", mask=None)], "without a mask",
          up=b"good"),
    fails("fault-then-300-kb", CLEAN, lambda: [frame(0x7, b"bad"), frame(BINARY, bytes_of(300_000))], "opcode"),
]

CASES = [*ACCEPTED, *REFUSED, *BODIES, *BEHIND, *BY_BACKEND, *WITHOUT, *FAILING]
UNTESTED = [
    Demand("RFC 6455 5.5.1", "MUST NOT", "A client shows the reason to its user.", reason="A client's duty."),
    Demand("RFC 6455 7.1.1", "SHOULD", "A client waits for the server to end TCP.", reason="A client's duty."),
    Demand("RFC 6455 7.1.7", "SHOULD NOT", "A client closes the connection without need.", reason="A client's duty."),
    Demand("RFC 6455 7.2.1", "MUST", "A client fails the connection when the transport is lost.",
           reason="A client's duty."),
    Demand("RFC 6455 7.2.2", "MUST", "To abort during the opening handshake the server just closes.",
           reason="wsluice answers refused requests by HTTP, and then closes: the cases of section 4."),
    Demand("RFC 6455 7.2.3", "SHOULD", "Clients wait, and ever longer, before they connect anew.",
           reason="A client's duty."),
    Demand("RFC 6455 7.3", "SHOULD NOT", "A client closes arbitrarily.", reason="A client's duty."),
    Demand("RFC 6455 7.4.1", "SHOULD", "The reason of a 1010 lists the extensions that were missed.",
           reason="Only clients send it; wsluice takes it as it is."),
]
