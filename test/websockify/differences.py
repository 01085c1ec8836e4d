"""Where wsluice answers otherwise than websockify, on purpose. Each entry names its row (a pattern of
fnmatch), what was looked at, both answers, and words of docs/MIGRATING.md that say so. A difference that is not here
fails the tests, and so does an entry that is not seen any more.

An answer is a value, a pattern of re that fits all of it, or ANY.
"""

import fnmatch
import re
from typing import Any, NamedTuple


class _Any:
    def __repr__(self):
        return "ANY"


ANY = _Any()


class Difference(NamedTuple):
    id: str
    row: str
    aspect: str
    websockify: Any
    wsluice: Any
    page: str  # stands in docs/MIGRATING.md
    always: bool = True  # False: websockify's answer depends on the moment

    def explains(self, row, aspect, websockify, wsluice):
        return (fnmatch.fnmatchcase(row, self.row) and fnmatch.fnmatchcase(aspect, self.aspect)
                and fits(self.websockify, websockify) and fits(self.wsluice, wsluice))


def fits(expected, seen):
    if isinstance(expected, re.Pattern):
        return isinstance(seen, str) and expected.fullmatch(seen) is not None
    return expected is ANY or expected == seen


NO_CLOSE, NO_ANSWER = "no Close but end", "closed without an answer"
NO_TARGET = "1011 Failed to connect to downstream server"
LATE = "What a client has sent arrives even when it vanishes without a Close"
BROKEN_FRAMES = "Frames that break the protocol"
REQUESTS = "Requests that are no upgrade"
THIS_MACHINE = "A token does not lead to this machine (127.0.0.1, or its address on a network) or to a cloud's metadata"
SUBPROTOCOLS = "websockify takes `binary` or nothing and answers 400 to the rest"

DIFFERENCES = [
    # --- endings ---
    Difference("reset is told", "closing", "service resets: Close", NO_CLOSE, "1011 Target reset the connection",
               "A target that resets the connection is Close 1011"),
    Difference("reasons are not echoed", "closing", "Close with a reason", "1000 bye", "1000",
               "A client's Close is answered with its code, without its reason"),
    Difference("FIN is answered", "closing", "client's FIN: what comes", NO_CLOSE, "1000 Target closed", LATE),
    Difference("bytes before a FIN", "closing", "client's FIN: service", ANY, [(b"last words", "fin")], LATE,
               always=False),
    Difference("why no target", "*", "Close", NO_TARGET, re.compile("1011 Failed to connect to target: .+"),
               "A target that can't be reached is Close 1011 with the cause"),
    Difference("stopping is told", "SIGTERM", "client sees", NO_CLOSE, "1001 Going away",
               "At a stop every client gets Close 1001"),
    Difference("SIGHUP", "SIGHUP", "SIGHUP", -1, None, "SIGHUP, which ends websockify, reads the certificates again"),
    Difference("SIGHUP, then SIGTERM", "SIGHUP", "status at the end", None, 0,
               "SIGHUP, which ends websockify, reads the certificates again"),
    # --- frames, subprotocols ---
    Difference("text", "messages", "text", (("close", "1003"),), (("binary", b"caf\xc3\xa9x"),),
               "websockify closes with 1003; `--refuse-text` does so here"),
    Difference("reserved bits", "messages", "reserved bit", (("binary", b"abx"),), (("close", "1002"),), BROKEN_FRAMES),
    Difference("reserved opcodes", "messages", "reserved opcode", (("close", "1003"),), (("close", "1002"),),
               BROKEN_FRAMES),
    Difference("long pings", "messages", "long ping", (("pong", b"p" * 126), ("binary", b"x")), (("close", "1002"),),
               BROKEN_FRAMES),
    Difference("binary among others", "subprotocols", "*binary", 400, "101 binary", SUBPROTOCOLS),
    Difference("any subprotocol", "subprotocols", "mqtt", 400, "101 mqtt", SUBPROTOCOLS),
    Difference("base64", "subprotocols", "base64", 400, "101 base64",
               "`base64`, which old versions of noVNC and websockify spoke, is chosen where a client offers nothing else"),
    Difference("empty list", "subprotocols", "an empty list", "101 without subprotocol", 400,
               "A `Sec-WebSocket-Protocol` that names nothing gets 400"),
    # --- requests ---
    Difference("methods", "*", "*", 501, 405, REQUESTS),
    Difference("versions", "bad handshakes", "version 8", 101, 426, REQUESTS),
    Difference("no version", "bad handshakes", "no version", 400, 426, REQUESTS),
    Difference("no HTTP", "bad handshakes", "garbage", NO_ANSWER, 400, REQUESTS),
    Difference("another upgrade", "bad handshakes", "no upgrade", 405, 400, REQUESTS),
    # --- addresses ---
    Difference("IPv6 as well", "*host", "::1", "refused by the kernel", "101 binary",
               "without a host it listens on IPv6 as well as IPv4"),
    Difference("brackets are for IPv6", "IPv4 in brackets", "start", "serves", "ends with 2",
               "Brackets are for IPv6 addresses only"),
    # --- TLS ---
    Difference("a certificate that is missing", "--cert names nothing", "start", "serves", "ends with 1",
               "A file that is *named* and missing or broken ends the start with status 1"),
    Difference("a certificate that is none", "--cert is no certificate", "start", "serves", "ends with 1",
               "A file that is *named* and missing or broken ends the start with status 1"),
    Difference("a key that is missing", "--key names nothing", "start", "serves", "ends with 1",
               "must name files that exist and match each other"),
    Difference("a key for nothing", "--key alone", "start", "serves", "ends with 2",
               "refused without a certificate, neither `--cert` nor `self.pem`"),
    Difference("recordings for nowhere", "--record in no folder", "start", "serves", "ends with 1",
               "The folder must exist at the start"),
    Difference("a wrong password", "--key-password is wrong", "start", "serves", "ends with 1",
               "must name files that exist and match each other"),
    Difference("ciphers that nobody has", "--ssl-ciphers of none", "start", "serves", "ends with 1",
               "when no suite is left it does not start"),
    Difference("clients' certificates without TLS", "--verify-client without a certificate", "start", "serves", "ends with 2",
               "It needs `--cert` or a `self.pem`"),
    Difference("named certificate, --ssl-only", "usage: --ssl-only --cert no-such.pem *", "status", 2, 1,
               "A file that is *named* and missing or broken ends the start with status 1"),
    Difference("plain is answered", "--ssl-only", "upgrade", NO_ANSWER, 400, "a plain request gets 400 and a sentence"),
    Difference("plain is answered, pages", "--ssl-only", "page", NO_ANSWER, 400, "a plain request gets 400 and a sentence"),
    Difference("no way round", "--verify-client", "plain", "101 binary", 400,
               "implies `--ssl-only`; with websockify a client can simply connect without TLS"),
    Difference("unverified: nothing comes", "--ssl-target", "echo", ANY, b"", "certificate and name are checked", always=False),
    Difference("unverified: Close", "--ssl-target", "Close", ANY,
               "1011 Failed to connect to target: The peer's certificate is not accepted", "certificate and name are checked",
               always=False),
    Difference("unverified: nothing goes", "--ssl-target", "service", ANY, "was not dialled",
               "certificate and name are checked"),
    # --- tokens ---
    Difference("a source that is not there", "TokenFile that is not there", "start", "serves", "ends with 1",
               "a source that does not exist ends the start"),
    Difference("a plugin of newer versions", "TokenFileName", "start", re.compile("ends with .*"), "serves",
               "`TokenFileName` is there, which websockify 0.10 has not", always=False),
    Difference("lookups that find nothing", "*TokenA[Pp][iI]", "token vm-1%3Fx", NO_ANSWER, 404,
               "A status of 400 to 499 is an unknown token (404)"),
    Difference("lookups that fail", "*TokenA[Pp][iI]", "token [be]*", NO_ANSWER, 502, "500 and more a failed lookup (502)"),
    Difference("tokens that change the path", "*TokenA[Pp][iI]", "token *%2*", "101 binary", 404,
               "write the token percent-encoded into the URL"),
    Difference("sockets that are not there", "UnixDomainSocketDirectory", "token ?*", NO_ANSWER, 404,
               "one with an unknown token 404"),
    Difference("no socket's name", "UnixDomainSocketDirectory", "token ", NO_ANSWER, 403,
               "A request without a token gets 403"),
    Difference("unknown tokens", "*Token[FA]*", "unknown", NO_ANSWER, 404, "one with an unknown token 404"),
    Difference("no token", "*Token[FA]*", "none", NO_ANSWER, 403, "A request without a token gets 403"),
    Difference("unknown keys", "TokenRedis", "unknown", NO_ANSWER, 404, "one with an unknown token 404"),
    Difference("no key", "TokenRedis", "none", NO_ANSWER, 403, "A request without a token gets 403"),
    Difference("keys that lead nowhere", "TokenRedis", "no JSON", NO_ANSWER, 502, "as is a value that is no target"),
    Difference("an empty token", "*TokenFile*", "empty", NO_ANSWER, 403, "A request without a token gets 403"),
    Difference("encrypted, and never signed", "JWTTokenApi of an RSA key", "never signed", "101 binary", 404,
               "websockify takes claims that were encrypted twice and never signed"),
    Difference("signed tokens that are not good", "JWTTokenApi*", "*", NO_ANSWER, 404, "one with an unknown token 404"),
    Difference("a token for this machine", "JWTTokenApi", "lasting", "101 binary", 403, THIS_MACHINE),
    Difference("a token for this machine: upgrade", "JWTTokenApi", "upgrade", "101 binary", 403, THIS_MACHINE),
    Difference("a token for this machine: no more", "JWTTokenApi", "*", ANY, None, THIS_MACHINE),
    # --- programs as targets ---
    Difference("its status", "-- PROGRAM, which ends", "ends by itself", 0, 7, "`--wrap-mode=exit` ends with the program's status"),
    # --- who may connect ---
    Difference("names in plain", "ClientCertCNAuth", "plain", 403, 400,
               "implies `--ssl-only`; with websockify a client can simply connect without TLS"),
    Difference("names in a header", "ClientCertCNAuth", "a header instead", "101 binary", 400,
               "websockify believes a header `SSL_CLIENT_S_DN_CN` that any client can send"),
    Difference("Python classes", "usage: --*-plugin=no_such*", "status", 1, 2, "Python classes of your own can't be loaded"),
    # --- the rest ---
    Difference("log file", "--log-file", "stderr", True, False, "nothing goes to standard error then"),
    Difference("--libserver", "--libserver", "status at the end", -15, 0, "has no effect here"),
]
