"""Requests that have a body, which wsluice never reads (RFC 9112 sections 6, 7 and 11.2; RFC 9110 8.6, 9.3, 10.1.1).

What would be the body is in every case something that must not be taken for a request.
"""

from .case import Demand, Http
from .chunking import Usual
from .heads import FOLLOWED, FOLLOWING, INDEX, OK, OK_LAST, answered, get, refused, served

PRESENCE = Demand("RFC 9112 6", "", "A body is announced by Content-Length or Transfer-Encoding, whatever the method.",
                  outcome="A request with one is answered, and the connection then ends: nothing of a body is taken "
                          "for a request.")
CHUNKED = Demand("RFC 9112 6.1", "MUST", "A recipient is able to parse chunked.",
                 outcome="No body is read: a request with one is answered, and the connection then ends.")
UNKNOWN_CODING = Demand("RFC 9112 6.1", "SHOULD", "A transfer coding that is not understood gets 501.")
BOTH = Demand("RFC 9112 6.1", "MUST", "Behind a request with Content-Length and Transfer-Encoding the connection is "
              "closed, whether it was refused (MAY) or read by its Transfer-Encoding.", outcome="400.")
CODING_OF_1_0 = Demand("RFC 9112 6.1", "MUST", "Transfer-Encoding in HTTP/1.0 is faulty framing, also beside "
                       "Content-Length: the connection ends.", outcome="400.")
NOT_LAST = Demand("RFC 9112 6.3", "MUST", "4: A request whose last transfer coding is not chunked gets 400 and the "
                  "connection is closed.")
BAD_LENGTH = Demand("RFC 9112 6.3", "MUST", "5: An invalid Content-Length gets 400 and the connection is closed.")
EQUAL_LENGTHS = Demand("RFC 9112 6.3", "", "5: A list of equal lengths may be read as one.", outcome="It is.")
LENGTH = Demand("RFC 9112 6.3", "MUST", "6: A connection that ends before all of the body has come makes the request "
                "incomplete, and is closed.", outcome="The connection is closed behind the answer in any case.")
NO_BODY = Demand("RFC 9112 6.3", "", "7: Without either field a request has no body.",
                 outcome="What follows is the next request.")
PARAMETERS = Demand("RFC 9112 7.1", "SHOULD", "Parameters of chunked are an error.", outcome="400.")
CODING_CASE = Demand("RFC 9112 7", "", "Names of transfer codings are case-insensitive.")
SMUGGLING = Demand("RFC 9112 11.2", "", "What other recipients could read otherwise is not guessed at.",
                   outcome="400 or 501, and the connection ends.")
OVERFLOW = Demand("RFC 9110 8.6", "MUST", "Large lengths do not overflow.")
LENGTH_GRAMMAR = Demand("RFC 9110 8.6", "", "A Content-Length is digits only.")
GET_BODY = Demand("RFC 9110 9.3.1", "", "Content of a GET has no meaning; a server may refuse it and close.",
                  outcome="Answered, not read, and closed.")
EXPECT = Demand("RFC 9110 10.1.1", "MUST", "100-continue gets a 100 or a final status at once.",
                outcome="The final status; no body is ever waited for.")
EXPECT_SAYS = Demand("RFC 9110 10.1.1", "SHOULD", "A final status instead of the body's reading says whether the "
                     "connection goes on.", outcome="Connection: close.")
EXPECT_NONE = Demand("RFC 9110 10.1.1", "MAY", "No 100 is sent where no content follows.")
EXPECT_OF_1_0 = Demand("RFC 9110 10.1.1", "MUST", "100-continue in HTTP/1.0 is ignored.")
EXPECT_OTHER = Demand("RFC 9110 10.1.1", "MAY", "Another expectation gets 417.", outcome="It is ignored.")
EXPECT_CASE = Demand("RFC 9110 10.1.1", "", "Expectations are case-insensitive.")

SMUGGLED = Usual(b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
METHOD_REFUSED = {"Allow": "GET, HEAD"}


def bad(name, demand, *fields, status=400, version="HTTP/1.1"):
    return refused(f"body/{name}", demand, get(*fields, version=version), status, sends=[SMUGGLED])


def last(name, demand, *fields, body=SMUGGLED, method="GET", response=OK_LAST, **more):
    """Answered; what lies behind it is not looked at."""
    return answered(f"body/{name}", demand, get(*fields, method=method), response, kept=False, sends=[body], **more)


def length(value):
    return f"Content-Length: {value}"


def coding(value):
    return f"Transfer-Encoding: {value}"


LENGTHS = [
    last("of-36", PRESENCE, length(len(SMUGGLED))),
    last("of-36-and-a-request", PRESENCE, length(len(SMUGGLED)), body=SMUGGLED * 2),
    last("of-a-post", PRESENCE, length(len(SMUGGLED)), method="POST",
         response=Http(405, {"Connection": "close", **METHOD_REFUSED})),
    last("of-a-delete", PRESENCE, coding("chunked"), method="DELETE",
         response=Http(405, {"Connection": "close", **METHOD_REFUSED})),
    last("of-a-head", PRESENCE, length(5), method="HEAD",
         response=Http(200, {"Connection": "close", "Content-Length": str(len(INDEX))}, b"", to_head=True)),
    last("although-keep-alive", PRESENCE, length(5), "Connection: keep-alive"),
    answered("body/cut-short", LENGTH, get(length(100)), OK_LAST, kept=False, sends=[b"part"], finish="fin"),
    answered("body/cut-before-it", LENGTH, get(length(100)), OK_LAST, kept=False, finish="fin"),
    answered("body/none", NO_BODY, [*get(), *FOLLOWING], OK, FOLLOWED),
    answered("body/of-0", NO_BODY, [*get(length(0)), *FOLLOWING], OK, FOLLOWED),
    answered("body/of-000", LENGTH_GRAMMAR, [*get(length("000")), *FOLLOWING], OK, FOLLOWED),
    answered("body/of-0-twice", EQUAL_LENGTHS, [*get(length(0), length(0)), *FOLLOWING], OK, FOLLOWED),
    answered("body/of-0-listed", EQUAL_LENGTHS, [*get(length("0, 0")), *FOLLOWING], OK, FOLLOWED),
    last("of-5-twice", EQUAL_LENGTHS, length(5), length(5)),
    last("of-5-listed", EQUAL_LENGTHS, length("5, 5")),
    bad("of-0-and-5", BAD_LENGTH, length(0), length(5)),
    bad("of-5-and-0", BAD_LENGTH, length(5), length(0)),
    bad("of-5-and-6-listed", BAD_LENGTH, length("5, 6")),
    bad("of-5-listed-with-nothing", BAD_LENGTH, length("5,")),
    bad("of-5-listed-behind-nothing", BAD_LENGTH, length(", 5")),
    *(bad(f"length-{name}", BAD_LENGTH, length(text)) for name, text in [
        ("empty", ""), ("sign", "+5"), ("negative", "-1"), ("minus-zero", "-0"), ("hexadecimal", "0x5"),
        ("fraction", "5.0"), ("letters", "five"), ("blank-inside", "1 0"), ("tab-inside", "1\t0"), ("exponent", "1e1"),
        ("quoted", '"5"'), ("underscore", "1_0"), ("semicolon", "5;"), ("high-byte", "5\xb2"), ("comma-only", ","),
    ]),
    last("length-with-leading-zeros", LENGTH_GRAMMAR, length("0005")),
    last("length-of-2^64-1", OVERFLOW, length(2**64 - 1)),
    bad("length-of-2^64", OVERFLOW, length(2**64)),
    bad("length-of-2^64-and-a-wrap", OVERFLOW, length(2**64 + len(SMUGGLED))),
    bad("length-of-1000-digits", OVERFLOW, length("9" * 1000)),
    last("length-of-2^32", OVERFLOW, length(2**32)),
]
CODINGS = [
    last("chunked", CHUNKED, coding("chunked"), body=b"24\r\n" + SMUGGLED + b"\r\n0\r\n\r\n"),
    last("chunked-empty", CHUNKED, coding("chunked"), body=b"0\r\n\r\n" + SMUGGLED),
    last("chunked-nonsense", CHUNKED, coding("chunked")),
    last("chunked-capitals", CODING_CASE, coding("CHUNKED")),
    last("chunked-with-empty-elements", CODING_CASE, coding(", chunked,")),
    *(bad(name, UNKNOWN_CODING, coding(text), status=501) for name, text in [
        ("gzip-then-chunked", "gzip, chunked"), ("unheard-of-then-chunked", "x-unheard-of, chunked"),
        ("identity-then-chunked", "identity, chunked"), ("chunked-twice", "chunked, chunked"),
    ]),
    bad("chunked-on-two-lines", UNKNOWN_CODING, coding("chunked"), coding("chunked"), status=501),
    *(bad(name, NOT_LAST, coding(text)) for name, text in [
        ("gzip", "gzip"), ("chunked-then-gzip", "chunked, gzip"), ("identity", "identity"), ("no-coding", ""),
        ("commas", ","), ("chunked-then-identity", "chunked, identity"),
    ]),
    bad("chunked-then-gzip-on-lines", NOT_LAST, coding("chunked"), coding("gzip")),
    *(bad(name, PARAMETERS, coding(text)) for name, text in [
        ("chunked-with-a-parameter", "chunked;a=b"), ("chunked-with-a-semicolon", "chunked;"),
    ]),
    *(bad(name, SMUGGLING, coding(text)) for name, text in [
        ("xchunked", "xchunked"), ("chunked-and-a-blank", "chunked x"), ("chunked-quoted", '"chunked"'),
        ("chunke", "chunke"), ("chunked-high-byte", "chunked\xa0"),
    ]),
    bad("chunked-behind-a-vertical-tab", SMUGGLING, coding("\x0bchunked")),
    bad("chunked-behind-a-blank-name", SMUGGLING, "Transfer-Encoding : chunked"),
    bad("chunked-folded", SMUGGLING, "X: y\r\n Transfer-Encoding: chunked"),
    bad("chunked-behind-a-bare-cr", SMUGGLING, "X: y\rTransfer-Encoding: chunked"),
    last("chunked-behind-a-bare-lf", SMUGGLING, "X: y\nTransfer-Encoding: chunked"),
    answered("body/another-field-that-begins-alike", SMUGGLING, [*get("Transfer-Encodings: chunked"), *FOLLOWING], OK,
             FOLLOWED),
    *(bad(name, BOTH, *fields) for name, fields in [
        ("both", [length(5), coding("chunked")]), ("both-the-other-way-round", [coding("chunked"), length(5)]),
        ("both-of-0", [length(0), coding("chunked")]), ("both-gzip", [length(5), coding("gzip, chunked")]),
        ("both-in-any-case", ["content-LENGTH: 5", "TRANSFER-encoding: Chunked"]),
    ]),
    *(bad(name, CODING_OF_1_0, *fields, version="HTTP/1.0") for name, fields in [
        ("chunked-of-1.0", [coding("chunked")]), ("both-of-1.0", [coding("chunked"), length(5)]),
        ("chunked-of-1.0-keep-alive", [coding("chunked"), "Connection: keep-alive"]),
    ]),
]
EXPECTATIONS = [
    last("of-a-get", GET_BODY, length(5), body=b"hello"),
    answered("body/expected", EXPECT, get("Expect: 100-continue", length(5)), OK_LAST, kept=False),
    answered("body/expected-by-a-post", EXPECT, get("Expect: 100-continue", length(5), method="POST"),
             Http(405, METHOD_REFUSED), kept=False),
    answered("body/expected-chunked", EXPECT_SAYS, get("Expect: 100-continue", coding("chunked")), OK_LAST, kept=False),
    answered("body/expected-and-sent-at-once", EXPECT_SAYS, get("Expect: 100-continue", length(36)), OK_LAST,
             kept=False, sends=[SMUGGLED]),
    answered("body/expected-but-none", EXPECT_NONE, [*get("Expect: 100-continue"), *FOLLOWING], OK, FOLLOWED),
    served("body/expected-in-capitals", EXPECT_CASE, get("Expect: 100-CONTINUE")),
    served("body/expected-of-1.0", EXPECT_OF_1_0, get("Expect: 100-continue", version="HTTP/1.0"), OK_LAST),
    served("body/expected-something-else", EXPECT_OTHER, get("Expect: a-miracle")),
]

CASES = [*LENGTHS, *CODINGS, *EXPECTATIONS]
UNTESTED = [
    Demand("RFC 9110 15.5.14", "MAY", "Content that is larger than is wanted gets 413.",
           reason="It is not read, so its size does not matter: 10.1.1 and RFC 9112 9.3."),
    Demand("RFC 9112 6.3", "MAY", "A body without Content-Length gets 411.",
           reason="Chunked is taken, by not reading it."),
    Demand("RFC 9112 6.1", "MUST NOT", "Transfer-Encoding is sent to HTTP/1.0, in a 1xx, a 204, or to CONNECT.",
           reason="It is never sent: looked for in every response of every case."),
    Demand("RFC 9112 6.2", "MUST NOT", "Content-Length is sent beside Transfer-Encoding.",
           reason="Transfer-Encoding is never sent."),
    Demand("RFC 9112 6.3", "SHOULD", "Responses have a length, rather than end with the connection.",
           reason="Looked for in every response of every case."),
    Demand("RFC 9112 7.1", "MUST", "Chunks are decoded: sizes without overflow, unknown extensions ignored, trailers.",
           reason="Not applicable: no body is read, and none is sent in chunks."),
    Demand("RFC 9112 7.4", "MUST", "TE is a connection option.", reason="A client's duty; no coding is sent."),
    Demand("RFC 9110 8.6", "MUST NOT", "Content-Length is sent in a 1xx, a 204, or to CONNECT.",
           reason="The only 1xx is 101, whose fields are compared under RFC 6455 4.2.2; 204 is never sent."),
]
