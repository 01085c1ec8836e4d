"""Lines, versions, the request line and its target (RFC 9112 sections 2 and 3; RFC 9110 2.5, 4.2, 15.5.15, 15.6.6)."""

from .case import Demand
from .heads import (FOLLOWED, FOLLOWING, HOST, OK, OK_LAST, WEB, answered, get, lines, refused, served, unusual,
                    upgrade, upgraded)

OCTETS = Demand("RFC 9112 2.2", "MUST", "A message is parsed as octets, not as text in some encoding.")
BARE_LF = Demand("RFC 9112 2.2", "MAY", "A single LF is taken for the end of a line, a CR before it ignored.",
                 outcome="Taken.")
BARE_CR = Demand("RFC 9112 2.2", "MUST", "A CR without LF makes its element invalid, or stands for a blank.",
                 outcome="400 at the byte behind it.")
EMPTY_LINE = Demand("RFC 9112 2.2", "SHOULD", "At least one empty line before the request line is ignored.",
                    outcome="One is; a second gets 400.")
BLANK_FIRST = Demand("RFC 9112 2.2", "MUST", "White space between start line and first field is refused, or its lines "
                     "are dropped.", outcome="400.")
NOT_HTTP = Demand("RFC 9112 2.2", "SHOULD", "What does not match the grammar gets 400, and the connection is closed.",
                  outcome="At the first byte that can't stand where it stands.")
CASE = Demand("RFC 9112 2.3", "", "The version is case-sensitive.")
DOWNGRADE = Demand("RFC 9112 2.3", "SHOULD NOT", "HTTP/1.0 is answered to HTTP/1.1.", outcome="Ours is 1.1, always.")
LINE = Demand("RFC 9112 3", "", "A request line is a method, one blank, a target, one blank, a version.",
              outcome="No other white space is taken for a blank, which would be a MAY.")
INVALID_LINE = Demand("RFC 9112 3.2", "SHOULD", "An invalid request line gets 400 or a redirect.")
NO_CORRECTION = Demand("RFC 9112 3.2", "SHOULD NOT", "A target with white space is corrected and then processed.")
LONG_METHOD = Demand("RFC 9112 3", "SHOULD", "A method longer than any that is implemented gets 501.",
                     outcome="405, as every other method does: see RFC 9110 9.1. 414 beyond the line's limit.")
LONG_TARGET = Demand("RFC 9112 3", "MUST", "A target longer than the server wants to parse gets 414.",
                     outcome="At the byte too many; `--max-request-line`, 16 KB by default.")
LENGTH_8000 = Demand("RFC 9112 3", "SHOULD", "Request lines of 8000 octets are supported.")
METHOD = Demand("RFC 9112 3.1", "", "A method is a token, and case-sensitive.")
TARGET_BLANK = Demand("RFC 9112 3.2", "", "No white space is in a target.")
NO_HOST = Demand("RFC 9112 3.2", "MUST", "HTTP/1.1 without Host, more than one Host, or an invalid one get 400.",
                 outcome="Of any version; an empty Host only with HTTP/1.0, since no http URL has an empty authority.")
ORIGIN_FORM = Demand("RFC 9112 3.2.1", "", "origin-form: an absolute path, and perhaps a query.")
ABSOLUTE_FORM = Demand("RFC 9112 3.2.2", "MUST", "The absolute form is accepted.")
ABSOLUTE_HOST = Demand("RFC 9112 3.2.2", "MUST", "With it Host is ignored, and the target's authority is used.",
                       outcome="Seen where it decides: by `--origin same`.")
AUTHORITY_FORM = Demand("RFC 9112 3.2.3", "", "authority-form is for CONNECT only.",
                        outcome="405 to CONNECT, 400 else.")
ASTERISK_FORM = Demand("RFC 9112 3.2.4", "", "asterisk-form is for OPTIONS only.", outcome="405 to OPTIONS, 400 else.")
RECONSTRUCTED = Demand("RFC 9112 3.3", "", "The authority is Host's, and the default port the scheme's.",
                       outcome="Seen where it decides: by `--origin same`.")
SAME_MAJOR = Demand("RFC 9110 2.5", "", "A higher minor version is understood as the highest that is known.")
ANSWER_VERSION = Demand("RFC 9110 2.5", "SHOULD", "The response has the highest version that is conformed to, of no "
                        "higher major version than the request's.", outcome="HTTP/1.1, looked for in every response.")
OTHER_MAJOR = Demand("RFC 9110 2.5", "MAY", "A major version that is not spoken gets 505.")
SAYS_505 = Demand("RFC 9110 15.6.6", "SHOULD", "A 505 says why, and which protocols are spoken.")
EMPTY_HOST = Demand("RFC 9110 4.2.1", "MUST", "An http URL with an empty host is refused.")
EMPTY_HTTPS_HOST = Demand("RFC 9110 4.2.2", "MUST", "An https URL with an empty host is refused.")
NORMAL_FORM = Demand("RFC 9110 4.2.3", "", "Scheme and host are case-insensitive, and an empty path is \"/\".")
USERINFO = Demand("RFC 9110 4.2.4", "SHOULD", "Userinfo in an http URL from elsewhere is taken for an error.")

SAME = ("--origin", "https://probe.example", "--origin", "same")  # the first is what the engine's own client has


def raw(name, demand, *texts, status=400, headers=None):
    """Bytes as they are; the last of them is the one that is refused."""
    return refused(f"request-line/{name}", demand, list(texts), status, headers)


def line_of(length):
    """A request line of so many bytes."""
    start, end = b"GET /?", b" HTTP/1.1"
    return start + b"q" * (length - len(start) - len(end)) + end


def same_site(name, demand, target, host, origin, allowed):
    request = upgrade(f"Host: {host}", f"Origin: {origin}", target=target)
    if allowed:
        return upgraded(f"request-line/{name}", demand, request, options=SAME)
    return refused(f"request-line/{name}", demand, request, 403, options=SAME)


LINES = [
    answered("request-line/two-whole-requests", LINE, unusual([*get(), *FOLLOWING]), OK, FOLLOWED),
    served("request-line/octets-over-127", OCTETS, get("X: \xff\xfe\xc3(")),
    served("request-line/half-a-character-before-the-line-end", OCTETS, get("X: \xe2\x82")),
    served("request-line/bare-lf", BARE_LF, get("X: y", end=b"\n")),
    served("request-line/mixed-line-ends", BARE_LF, [b"GET / HTTP/1.1\n", b"Host: h\r\n", b"X: y\n", b"\r\n"]),
    upgraded("request-line/upgrade-with-bare-lf", BARE_LF, unusual(upgrade(end=b"\n"))),
    raw("bare-cr-behind-the-version", BARE_CR, b"GET / HTTP/1.1\rH"),
    raw("bare-cr-in-a-value", BARE_CR, b"GET / HTTP/1.1\r\n", b"Host: h\rX"),
    raw("bare-cr-before-a-cr-lf", BARE_CR, b"GET / HTTP/1.1\r\n", b"Host: h\r\r"),
    raw("bare-cr-in-a-name", BARE_CR, b"GET / HTTP/1.1\r\n", b"Ho\r"),
    raw("bare-cr-at-the-end", BARE_CR, b"GET / HTTP/1.1\r\n", b"Host: h\r\n", b"\rX"),
    raw("bare-cr-first", BARE_CR, b"\rG"),
    raw("bare-crs-as-line-ends", BARE_CR, b"GET / HTTP/1.1\rHost: h\r\r"),
    served("request-line/empty-line-first", EMPTY_LINE, [b"\r\n", *get()]),
    served("request-line/bare-empty-line-first", EMPTY_LINE, [b"\n", *get()]),
    answered("request-line/empty-line-before-the-second", EMPTY_LINE, [*get(), b"\r\n", *FOLLOWING], OK, FOLLOWED),
    raw("two-empty-lines-first", EMPTY_LINE, b"\r\n", b"\r"),
    raw("blank-before-the-first-field", BLANK_FIRST, b"GET / HTTP/1.1\r\n", b" "),
    raw("tab-before-the-first-field", BLANK_FIRST, b"GET / HTTP/1.1\r\n", b"\t"),
    raw("blank-line-of-blanks", BLANK_FIRST, b"GET / HTTP/1.1\r\n", b" \r\n", b"Host: h\r\n", b"\r\n"),
    *(raw(name, NOT_HTTP, data) for name, data in [
        ("nul-first", b"\0"), ("blank-first", b" "), ("colon-first", b":"), ("bracket-first", b"<"),
        ("http2-frame", b"\x00\x00\x12\x04"),
        ("ssh", b"SSH-2.0-OpenSSH_9.2\r\n"), ("escape-first", b"\x1b[A"), ("high-bytes", b"\xff\xfe"),
        ("a-frame", b"\x81\x85"), ("json", b'{"a": 1}'),
    ]),
    raw("http2-preface-whole", OTHER_MAJOR, b"PRI * HTTP/2.0\r\n", b"\r\n", b"SM\r\n", b"\r\n", status=505),
]
VERSIONS = [
    *(raw(f"version-{name}", CASE, b"GET / " + text) for name, text in [
        ("small", b"h"), ("mixed", b"Ht"),
    ]),
    *(raw(f"version-{name}", LINE, b"GET / " + text) for name, text in [
        ("letters", b"HTTP/x"), ("two-digits", b"HTTP/1.10"), ("no-dot", b"HTTP/11"), ("no-minor", b"HTTP/1\r"),
        ("comma", b"HTTP/1,"), ("blank-behind", b"HTTP/1.1 "), ("tab-behind", b"HTTP/1.1\t"), ("twice", b"HTTP/1.1 H"),
        ("another-protocol", b"X"), ("absent", b"\r"),
    ]),
    served("request-line/version-1.2", SAME_MAJOR, get(version="HTTP/1.2")),
    served("request-line/version-1.9", SAME_MAJOR, get(version="HTTP/1.9")),
    served("request-line/version-1.1", DOWNGRADE, get("User-Agent: Old/1.0")),
    served("request-line/version-1.0", ANSWER_VERSION, get(version="HTTP/1.0"), OK_LAST),
    *(raw(f"version-{digit}.x", OTHER_MAJOR, f"GET / HTTP/{digit}.".encode() + b"0", status=505) for digit in "02359"),
    refused("request-line/version-2.0-in-words", SAYS_505, get(version="HTTP/2.0"), 505),
]
METHODS = [
    *(raw(f"method-{name}", METHOD, data) for name, data in [
        ("with-a-slash", b"G/"), ("with-a-colon", b"GET:"), ("with-a-quote", b"G\""), ("with-a-nul", b"G\0"),
        ("with-a-high-byte", b"G\xc3"), ("with-a-bracket", b"GET["),
    ]),
    *(refused(f"request-line/method-{name}", METHOD, get(method=method), 405, {"Allow": "GET, HEAD"})
      for name, method in [("small", "get"), ("longer", "GETT"), ("every-mark", "!#$%&'*+-.^_`|~")]),
    *(raw(name, LINE, data) for name, data in [
        ("two-blanks", b"GET  "), ("tab-behind-the-method", b"GET\t"), ("cr-behind-the-method", b"GET\r"),
        ("lf-behind-the-method", b"GET\n"), ("vertical-tab", b"GET\x0b"), ("two-blanks-before-the-version", b"GET /  "),
        ("http-0.9", b"GET /\r"), ("http-0.9-bare", b"GET /\n"), ("tab-behind-the-target", b"GET /\t"),
        ("form-feed-behind-the-target", b"GET /\x0c"),
    ]),
    refused("request-line/method-of-100", LONG_METHOD, get(method="M" * 100), 405, {"Allow": "GET, HEAD"}),
    raw("method-of-17-kb", LONG_METHOD, b"M" * 17_000, status=414),
]
TARGETS = [
    *(raw(f"target-{name}", demand, b"GET " + data) for name, demand, data in [
        ("with-a-blank", NO_CORRECTION, b"/a b"), ("with-a-blank-and-a-version", NO_CORRECTION, b"/ HTTP/1.1 H"),
        ("with-a-tab", TARGET_BLANK, b"/a\tb"), ("with-a-nul", INVALID_LINE, b"/\0"),
        ("with-an-escape", INVALID_LINE, b"/\x1b"), ("with-a-del", INVALID_LINE, b"/\x7f"),
        ("with-a-high-byte", INVALID_LINE, b"/\xc3"), ("with-a-fragment", INVALID_LINE, b"/#"),
    ]),
    *(refused(f"request-line/target-{name}", INVALID_LINE, get(target=target)) for name, target in [
        ("without-slash", "index.html"), ("question-mark", "?x"), ("another-scheme", "ftp://h/"),
        ("one-slash", "http:/h/"), ("javascript", "javascript:x"), ("backslash", "\\"),
    ]),
    *(served(f"request-line/target-{name}", ORIGIN_FORM, get(target=target)) for name, target in [
        ("path", "/index.html"), ("query", "/?a=b&c=%00"), ("empty-query", "/?"), ("url-in-query", "/?u=http://x/?y"),
    ]),
    *(served(f"request-line/absolute-{name}", ABSOLUTE_FORM, get(target=target)) for name, target in [
        ("http", "http://h/"), ("https", "https://h:99/index.html?q"), ("ipv6", "http://[::1]:80/"),
        ("another-host", "http://elsewhere.example/"), ("empty-port", "http://h:/"),
    ]),
    refused("request-line/absolute-without-host-field", NO_HOST, get(target="http://h/", host=None)),
    served("request-line/absolute-capitals", NORMAL_FORM, get(target="HTTP://H/")),
    served("request-line/absolute-without-path", NORMAL_FORM, get(target="http://h")),
    served("request-line/absolute-query-only", NORMAL_FORM, get(target="http://h?q")),
    refused("request-line/absolute-empty-host", EMPTY_HOST, get(target="http:///index.html")),
    refused("request-line/absolute-only-port", EMPTY_HOST, get(target="http://:80/")),
    refused("request-line/absolute-empty-https-host", EMPTY_HTTPS_HOST, get(target="https:///")),
    refused("request-line/absolute-user", USERINFO, get(target="http://me@h/")),
    refused("request-line/absolute-user-and-password", USERINFO, get(target="http://me:pw@h/")),
    same_site("host-is-ignored", ABSOLUTE_HOST, "http://a/", "b", "http://a", True),
    same_site("host-is-ignored-for-worse", ABSOLUTE_HOST, "http://a/", "b", "http://b", False),
    same_site("default-port-of-http", RECONSTRUCTED, "/", "h:80", "http://h", True),
    same_site("default-port-of-https", RECONSTRUCTED, "/", "h:443", "https://h", True),
    same_site("not-the-default-port", RECONSTRUCTED, "/", "h:81", "http://h", False),
    *(refused(f"request-line/connect-{name}", AUTHORITY_FORM, get(method="CONNECT", target=target), status,
              sends=FOLLOWING)
      for name, target, status in [("host-and-port", "h:443", 405), ("ipv6", "[::1]:443", 405), ("path", "/", 400),
                                   ("url", "http://h/", 400), ("no-port", "h", 405)]),
    refused("request-line/authority-with-get", AUTHORITY_FORM, get(target="h:443")),
    refused("request-line/asterisk-with-get", ASTERISK_FORM, get(target="*")),
    refused("request-line/asterisk-and-more", ASTERISK_FORM, get(method="OPTIONS", target="*/")),
    refused("request-line/asterisk-with-options", ASTERISK_FORM, get(method="OPTIONS", target="*"), 405,
            {"Allow": "GET, HEAD"}),
]
HOSTS = [
    refused("request-line/no-host", NO_HOST, get(host=None)),
    refused("request-line/no-host-but-others", NO_HOST, get("Hos: h", "Hostx: h", "X-Host: h", host=None)),
    refused("request-line/empty-host", NO_HOST, get(host="Host:")),
    refused("request-line/two-hosts", NO_HOST, get("Host: h")),
    refused("request-line/two-hosts-apart", NO_HOST, get("X: y", "HOST: other")),
    refused("request-line/two-hosts-of-1.0", NO_HOST, get("host: h", version="HTTP/1.0")),
    *(refused(f"request-line/host-{name}", NO_HOST, get(host=f"Host: {value}")) for name, value in [
        ("list", "a,b c"), ("slash", "a/"), ("user", "me@h"), ("query", "h?"), ("fragment", "h#"), ("blank", "a b"),
        ("bad-port", "h:x"), ("two-ports", "h:1:2"), ("only-port", ":80"), ("url", "http://h"), ("open", "[::1"),
        ("bad-escape", "%zz"), ("high-byte", "\xfc"), ("backslash", "h\\"),
    ]),
    *(served(f"request-line/host-{name}", NO_HOST, get(host=f"Host: {value}")) for name, value in [
        ("port", "h:80"), ("empty-port", "h:"), ("ipv6", "[::1]:80"), ("escape", "a%2Db"),
        ("blanks-around", " \th\t "), ("every-mark", "a-b_c~d.e!$&'()*+,;="),
    ]),
    served("request-line/no-host-of-1.0", NO_HOST, get(version="HTTP/1.0", host=None), OK_LAST),
    served("request-line/empty-host-of-1.0", NO_HOST, get(version="HTTP/1.0", host="Host:"), OK_LAST),
]
LENGTHS = [
    served("request-line/of-8000", LENGTH_8000, lines(line_of(8000), HOST, "")),
    served("request-line/of-16384", LONG_TARGET, lines(line_of(16384), HOST, "")),
    raw("of-16385", LONG_TARGET, line_of(16385), status=414),
    refused("request-line/target-of-a-megabyte", LONG_TARGET, lambda: [b"GET /" + b"x" * 900_000], 414),
    answered("request-line/of-100-as-told", LONG_TARGET, lines(line_of(100), HOST, ""), OK,
             options=(*WEB, "--max-request-line", "100")),
    refused("request-line/of-101-as-told", LONG_TARGET, [line_of(101)], 414,
            options=(*WEB, "--max-request-line", "100")),
]

CASES = [*LINES, *VERSIONS, *METHODS, *TARGETS, *HOSTS, *LENGTHS]
UNTESTED = [
    Demand("RFC 9112 2.2", "MUST NOT", "A sender makes a CR that stands alone, or white space before the first field.",
           reason="Looked for in every response of every case."),
    Demand("RFC 9112 2.3", "MUST", "Intermediaries send their own version when they forward a message.",
           reason="wsluice forwards no HTTP."),
    Demand("RFC 9112 3.2.2", "MUST", "A proxy puts the target's authority into Host.", reason="wsluice is no proxy."),
    Demand("RFC 9112 4", "MUST", "The blank before the reason phrase is sent, also without a phrase.",
           reason="Looked for in every response of every case, with all of the status line's grammar."),
    Demand("RFC 9110 7.2", "MUST", "A client sends Host, first of its fields, without userinfo.",
           reason="A client's duty; what Host may be is looked at under RFC 9112 3.2, its place means nothing."),
    Demand("RFC 9110 4.3.4", "MUST", "An https request goes to where the certificate holds for its origin.",
           reason="Checking a certificate is the client's duty."),
]
