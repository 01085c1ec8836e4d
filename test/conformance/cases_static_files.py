"""Methods, files and what comes with them (RFC 9110 sections 6, 8, 9, 10.2 and 12 to 15)."""

import re

from .case import Demand, Http
from .heads import FOLLOWED, FOLLOWING, INDEX, OK, answered, get, refusal, refused, upgrade

GET_HEAD = Demand("RFC 9110 9.1", "MUST", "A general-purpose server supports GET and HEAD.",
                  outcome="With `--web`. Without files it is none: 405, see below.")
NO_FILES = Demand("RFC 9110 15.5.6", "MUST", "A 405 has Allow, with the methods that the resource supports.",
                  outcome="Without `--web` a plain GET gets a 405 with `Allow: GET`: websockify's answer, with words "
                          "that say what the port is. The one thing to be done here is an upgrade, which is a GET.")
UNKNOWN_METHOD = Demand("RFC 9110 9.1", "SHOULD", "A method that is not known gets 501, a known one that the resource "
                        "does not allow 405.", outcome="405 for all but GET and HEAD: its Allow says more.")
METHOD_CASE = Demand("RFC 9110 9.1", "", "Methods are case-sensitive.")
SAFE = Demand("RFC 9110 9.2.1", "", "GET and HEAD change nothing.", outcome="No file is ever written.")
GET = Demand("RFC 9110 9.3.1", "", "GET transfers the resource's current representation.")
HEAD_EMPTY = Demand("RFC 9110 9.3.2", "MUST NOT", "A response to HEAD has content.")
HEAD_SAME = Demand("RFC 9110 9.3.2", "SHOULD", "HEAD gets the header fields that GET would have got.")
CONNECT = Demand("RFC 9110 9.3.6", "MUST", "A CONNECT to an empty or invalid port is refused.",
                 outcome="Every CONNECT is.")
OPTIONS = Demand("RFC 9110 9.3.7", "", "OPTIONS asks for the ways to communicate.", outcome="405, whose Allow says it.")
TRACE = Demand("RFC 9110 9.3.8", "", "TRACE sends the request back.", outcome="405: it would show cookies to scripts.")
DATE = Demand("RFC 9110 6.6.1", "MUST", "2xx, 3xx and 4xx have a Date.",
              outcome="5xx too; 101 has none. Looked for in every response of every case, as are its form and time.")
TYPE = Demand("RFC 9110 8.3", "SHOULD", "Content has a Content-Type, unless it is not known.",
              outcome="By the name's ending; application/octet-stream where it says nothing.")
LENGTH = Demand("RFC 9110 8.6", "SHOULD", "A response has Content-Length when its size is known.",
                outcome="Always, but for 101; compared with the content in every case.")
HEAD_LENGTH = Demand("RFC 9110 8.6", "MUST NOT", "HEAD is answered with another Content-Length than GET.")
MODIFIED = Demand("RFC 9110 8.8.2", "SHOULD", "Last-Modified is sent where the time of a change is known.")
ETAG = Demand("RFC 9110 8.8.3", "SHOULD", "An ETag is sent where changes can be told.",
              outcome="From time (nanoseconds) and size; another one for the compressed form.")
RETRY = Demand("RFC 9110 10.2.3", "MAY", "A 503 has Retry-After.", outcome="It has; see test/integration.")
LOCATION = Demand("RFC 9110 10.2.2", "", "Location is a URI reference; only what may stand in one is in it.",
                  outcome="A path, encoded anew.")
SPLITTING = Demand("RFC 9112 11.1", "", "Nothing of a request gets into a response unencoded.")
ACCEPT = Demand("RFC 9110 12.5.1", "MAY", "Accept that fits nothing gets 406, or is disregarded.",
                outcome="Disregarded, but for Accept-Encoding: a file has one representation, and may have a compressed "
                        "one.")
ENCODING = Demand("RFC 9110 12.5.3", "SHOULD", "Without an acceptable content coding none is applied.")
EVALUATED = Demand("RFC 9110 13.2.1", "MUST", "Preconditions are evaluated before the method is performed.",
                   outcome="A \"*\" among tags, which the grammar has not, stands for any as well.")
MATCH = Demand("RFC 9110 13.1.1", "MUST NOT", "The method is performed when If-Match is false.", outcome="412.")
NONE_MATCH_ANY = Demand("RFC 9110 13.1.2", "MUST NOT", "The method is performed when If-None-Match is false: GET and "
                        "HEAD get 304.")
PRECEDENCE = Demand("RFC 9110 13.2.2", "MUST", "If-Match is evaluated before If-None-Match.")
FIELDS_304 = Demand("RFC 9110 15.4.5", "MUST", "A 304 has the fields that a 200 would have had, of those that caches "
                    "need: here Cache-Control and Date.")
NO_CONTENT_304 = Demand("RFC 9110 15.4.5", "", "A 304 has no content.")
NONE_MATCH = Demand("RFC 9110 13.1.2", "", "If-None-Match with other tags than the resource's is true.")
SINCE = Demand("RFC 9110 13.1.3", "MUST NOT", "GET is performed when If-Modified-Since is false.")
NO_DATE = Demand("RFC 9110 13.1.3", "MUST", "If-Modified-Since is ignored where it is no date.")
UNMODIFIED = Demand("RFC 9110 13.1.4", "MUST NOT", "The method is performed when If-Unmodified-Since is false.",
                    outcome="412.")
NO_DATE_EITHER = Demand("RFC 9110 13.1.4", "MUST", "If-Unmodified-Since is ignored where it is no date.")
IF_RANGE = Demand("RFC 9110 13.1.5", "MUST", "If-Range without Range is ignored.")
NOT_2XX = Demand("RFC 9110 13.2.1", "MUST", "Preconditions are ignored where the response would not be 2xx.")
RANGE = Demand("RFC 9110 14.2", "MAY", "Range is ignored.",
               outcome="Where it has several ranges, another unit than bytes, or a syntax that is none: 200 and the whole "
                       "file.")
PART = Demand("RFC 9110 14.2", "SHOULD", "A satisfiable range is answered with 206 and that part.")
NO_PART = Demand("RFC 9110 14.2", "SHOULD", "A range of which nothing is there is answered with 416.")
CONTENT_RANGE = Demand("RFC 9110 15.5.17", "SHOULD", "A 416 has Content-Range with the length of the whole.")
OTHER_STATE = Demand("RFC 9110 13.1.5", "MUST", "Range is ignored when If-Range does not match.")
ACCEPT_RANGES = Demand("RFC 9110 14.3", "MAY", "Accept-Ranges says that ranges are served.")
RANGE_METHOD = Demand("RFC 9110 14.2", "MUST", "Range is ignored with other methods than GET.")
MOVED = Demand("RFC 9110 15.4.2", "SHOULD", "A 301 has Location, and a short text that links there.",
               outcome="The text is the phrase: browsers follow by themselves.")
EXPLAINED = Demand("RFC 9110 15.5", "SHOULD", "A 4xx explains itself, but to HEAD.",
                   outcome="One sentence; looked for in every response of every case.")
NOT_FOUND = Demand("RFC 9110 15.5.5", "", "404: there is no such resource, or it is not disclosed.")
DOTS = Demand("RFC 9110 4.2.3", "", "URIs may be normalised, their dot segments among them.",
              outcome="Browsers do that. What still has \"..\" gets 404, wherever it leads.")
TOO_LONG = Demand("RFC 9110 15.5.15", "", "414: the target is longer than is wanted.")
INVALID = Demand("RFC 9110 15.5.1", "", "400: the request is malformed; an escape in its path, too.")

TEXT = "; charset=utf-8"
HTTP_DATE = re.compile("[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT")
PAGE = {"Content-Type": "text/html" + TEXT, "Content-Length": str(len(INDEX)), "Cache-Control": "no-cache",
        "Transfer-Encoding": None, "Content-Encoding": None, "Content-Range": None, "Accept-Ranges": "bytes"}
FAILED = Http(412, {"Connection": "keep-alive"}, b"Precondition Failed\n")
UNCHANGED = Http(304, {"Connection": "keep-alive", "Cache-Control": "no-cache", "Content-Length": str(len(INDEX))}, b"")
ALLOWED = {"Allow": "GET, HEAD"}
FAR_DATES = ("Sat, 01 Jan 2050 00:00:00 GMT", "Saturday, 01-Jan-50 00:00:00 GMT", "Sat Jan  1 00:00:00 2050")


def kept(name, demand, request, *responses):
    """A second request shows that the first one's response has ended where it should."""
    return answered(f"files/{name}", demand, [*request, *FOLLOWING], *responses, FOLLOWED)


def whole(name, demand, *fields, **request):
    """The file arrives as if the fields were not there."""
    return kept(name, demand, get(*fields, **request), Http(200, PAGE, INDEX))


def part(name, value, first, last, target="/", content=INDEX):
    headers = {"Content-Range": f"bytes {first}-{last}/{len(content)}", "Content-Length": str(last + 1 - first)}
    return kept(name, PART, get(f"Range: {value}", target=target), Http(206, headers, content[first:last + 1]))


def head(name, demand, target, status, headers):
    return kept(f"head-{name}", demand, get(target=target, method="HEAD"), Http(status, headers, b"", to_head=True))


def missing(name, target, demand=NOT_FOUND):
    return kept(name, demand, get(target=target), Http(404, {"Content-Length": "10"}, b"Not Found\n"))


METHODS = [
    kept("get", GET_HEAD, get(), OK),
    head("index", GET_HEAD, "/", 200, PAGE),
    *(refused(f"files/method-{method}", UNKNOWN_METHOD, get(method=method), 405, ALLOWED, sends=FOLLOWING)
      for method in ("POST", "PUT", "DELETE", "PATCH", "PROPFIND", "BREW", "HEADS")),
    refused("files/method-head-small", METHOD_CASE, get(method="head"), 405, ALLOWED),
    kept("head-changes-nothing", SAFE, [*get(method="HEAD"), *get()], Http(200, PAGE, b"", to_head=True), OK),
    refused("files/options", OPTIONS, get(method="OPTIONS"), 405, ALLOWED),
    refused("files/options-of-all", OPTIONS, get(method="OPTIONS", target="*"), 405, ALLOWED),
    refused("files/trace", TRACE, get("Cookie: secret", method="TRACE"), 405,
            {**ALLOWED, "Content-Type": "text/plain" + TEXT}),
    *(refused(f"files/connect-{name}", CONNECT, get(method="CONNECT", target=target), status)
      for name, target, status in [("empty-port", "h:", 405), ("bad-port", "h:8x", 400), ("no-host", ":80", 400)]),
    *(refused(f"files/none-{method}", NO_FILES, get(method=method), 405, {"Allow": "GET"}, options=())
      for method in ("GET", "POST", "OPTIONS")),
    answered("files/none-HEAD", NO_FILES, get(method="HEAD"), refusal(405, {"Allow": "GET"}, body=b"", to_head=True),
             kept=False, options=()),
    refused("files/post-that-would-upgrade", NO_FILES, upgrade(method="POST"), 405, {"Allow": "GET"}),
]
FILES = [
    kept("index", GET, get(), Http(200, PAGE, INDEX)),
    kept("index-by-name", GET, get(target="/index.html"), Http(200, PAGE, INDEX)),
    kept("index-of-a-directory", GET, get(target="/sub/"), Http(200, {"Content-Type": "text/html" + TEXT},
                                                                b"index of sub\n")),
    kept("script", TYPE, get(target="/page.js"), Http(200, {"Content-Type": "text/javascript" + TEXT}, b"let js;\n")),
    kept("text", TYPE, get(target="/a%20b.txt"), Http(200, {"Content-Type": "text/plain" + TEXT}, b"blank\n")),
    kept("empty", LENGTH, get(target="/empty.txt"), Http(200, {"Content-Length": "0"}, b"")),
    kept("of-100-kb", LENGTH, get(target="/large.bin"),
         Http(200, {"Content-Length": "100000", "Content-Type": "application/octet-stream"}, bytes(100_000))),
    kept("escapes", GET, get(target="/%69ndex%2ehtml"), Http(200, PAGE, INDEX)),
    kept("dot", GET, get(target="/./sub/./index.html"), Http(200, {}, b"index of sub\n")),
    kept("query", GET, get(target="/index.html?x=/../y"), Http(200, PAGE, INDEX)),
    whole("date", DATE),
    answered("files/of-1.0", GET, get(version="HTTP/1.0"), Http(200, PAGE, INDEX), kept=False),
    head("script", HEAD_SAME, "/page.js", 200, {"Content-Type": "text/javascript" + TEXT, "Content-Length": "8",
                                                "Cache-Control": "no-cache"}),
    head("empty", HEAD_LENGTH, "/empty.txt", 200, {"Content-Length": "0"}),
    head("of-100-kb", HEAD_LENGTH, "/large.bin", 200, {"Content-Length": "100000"}),
    head("missing", HEAD_EMPTY, "/missing", 404, {"Content-Length": "10", "Content-Type": "text/plain" + TEXT}),
    head("directory", HEAD_EMPTY, "/sub", 301, {"Location": "/sub/"}),
    answered("files/head-refused", HEAD_EMPTY, get(method="HEAD", host=None), refusal(body=b"", to_head=True),
             kept=False),
    answered("files/head-refused-inside", HEAD_EMPTY, [b"HEAD / HTTP/1.1\r\n", b"Host : h"],
             refusal(body=b"", to_head=True), kept=False),
]
ERRORS = [
    missing("missing", "/missing"),
    missing("missing-in-a-directory", "/sub/missing"),
    missing("file-with-a-slash", "/index.html/"),
    missing("dots-inside", "/sub/../index.html", DOTS),
    missing("outside", "/../heads.py"),
    missing("outside-encoded", "/%2e%2e/heads.py"),
    missing("outside-slash-encoded", "/..%2fheads.py"),
    missing("explained", "/missing?why", EXPLAINED),
    *(kept(f"malformed-{name}", INVALID, get(target=target), Http(400, {"Connection": "keep-alive"}))
      for name, target in [("percent", "/%"), ("percent-digit", "/%2"), ("percent-letters", "/%zz"), ("nul", "/%00")]),
    refused("files/too-long", TOO_LONG, [b"GET /" + b"x" * 17_000], 414),
    kept("directory", MOVED, get(target="/sub"), Http(301, {"Location": "/sub/", "Connection": "keep-alive"})),
    kept("directory-with-a-query", LOCATION, get(target="/sub?a=b&c"), Http(301, {"Location": "/sub/?a=b&c"})),
    kept("directory-with-quotes", LOCATION, get(target='/sub?<a>"'), Http(301, {"Location": "/sub/?%3Ca%3E%22"})),
    kept("directory-of-another-host", LOCATION, get(target="//sub"), Http(301, {"Location": "/sub/"})),
    kept("line-end-in-a-path", SPLITTING, get(target="/%0d%0aSet-Cookie:%20a=b"), Http(404, {"Set-Cookie": None})),
    kept("line-end-in-a-query", SPLITTING, get(target="/sub?%0d%0aSet-Cookie:%20a=b"),
         Http(301, {"Set-Cookie": None, "Location": re.compile("/sub/[?]%0[dD]%0[aA]Set-Cookie:%20a=b").fullmatch})),
    kept("markup-in-a-path", SPLITTING, get(target="/<script>alert(1)</script>"),
         Http(404, {}, lambda body: b"script" not in body)),
]
CONDITIONS = [
    kept("last-modified", MODIFIED, get(), Http(200, {"Last-Modified": HTTP_DATE.fullmatch}, INDEX)),
    kept("etag", ETAG, get(), Http(200, {"ETag": re.compile('"[0-9a-f.-]+"').fullmatch}, INDEX)),
    whole("accept-ranges", ACCEPT_RANGES),
    whole("if-match-any", EVALUATED, "If-Match: *"),
    whole("if-match-any-and-another", EVALUATED, 'If-Match: "other", *'),
    kept("if-match-another", MATCH, get('If-Match: "other"'), FAILED),
    kept("if-match-nothing", MATCH, get("If-Match:"), FAILED),
    kept("if-match-another-of-head", MATCH, get('If-Match: "other"', method="HEAD"),
         Http(412, {"Content-Length": "20"}, b"", to_head=True)),
    kept("if-none-match-any", NONE_MATCH_ANY, get("If-None-Match: *"), UNCHANGED),
    kept("if-none-match-any-of-head", NONE_MATCH_ANY, get("If-None-Match: *", method="HEAD"), UNCHANGED),
    kept("if-none-match-any-of-a-script", FIELDS_304, get("If-None-Match: *", target="/page.js"),
         Http(304, {"Cache-Control": "no-cache"}, b"")),
    kept("if-none-match-any-of-100-kb", NO_CONTENT_304, get("If-None-Match: *", target="/large.bin"), Http(304)),
    kept("if-match-before-if-none-match", PRECEDENCE, get("If-None-Match: *", 'If-Match: "other"'), FAILED),
    answered("files/if-match-close", MATCH, get('If-Match: "other"', "Connection: close"), refusal(412), kept=False),
    whole("if-none-match-another", NONE_MATCH, 'If-None-Match: "other", W/"weak"'),
    *(kept(f"if-modified-since-{number}", SINCE, get(f"If-Modified-Since: {date}"), UNCHANGED)
      for number, date in enumerate(FAR_DATES)),
    whole("if-modified-since-long-ago", SINCE, "If-Modified-Since: Mon, 01 Jan 1990 00:00:00 GMT"),
    whole("if-modified-since-nonsense", NO_DATE, "If-Modified-Since: yesterday"),
    kept("if-unmodified-since", UNMODIFIED, get("If-Unmodified-Since: Mon, 01 Jan 1990 00:00:00 GMT"), FAILED),
    *(whole(f"if-unmodified-since-{number}", UNMODIFIED, f"If-Unmodified-Since: {date}")
      for number, date in enumerate(FAR_DATES)),
    whole("if-unmodified-since-nonsense", NO_DATE_EITHER, "If-Unmodified-Since: never"),
    whole("if-range-alone", IF_RANGE, 'If-Range: "x"'),
    kept("conditions-of-what-is-missing", NOT_2XX, get('If-Match: "x"', target="/missing"),
         Http(404, {}, b"Not Found\n")),
    refused("files/conditions-of-a-post", NOT_2XX, get('If-Match: "x"', method="POST"), 405, ALLOWED),
    refused("files/conditions-without-files", NOT_2XX, get('If-Match: "x"'), 405, {"Allow": "GET"}, options=()),
    kept("conditions-of-a-directory", NOT_2XX, get("If-None-Match: *", target="/sub"), Http(301)),
    part("range-first-byte", "bytes=0-0", 0, 0), part("range-last-byte", "bytes=-1", 9, 9),
    part("range-to-the-end", "bytes=4-", 4, 9), part("range-past-the-end", "bytes=4-1000", 4, 9),
    part("range-of-100-kb", "bytes=50000-99999", 50_000, 99_999, target="/large.bin", content=bytes(100_000)),
    kept("range-beyond", NO_PART, get("Range: bytes=1000-"), Http(416, {"Content-Type": "text/plain" + TEXT})),
    kept("range-beyond-says-the-length", CONTENT_RANGE, get("Range: bytes=1000-"),
         Http(416, {"Content-Range": f"bytes */{len(INDEX)}"})),
    *(whole(f"range-{name}", RANGE, f"Range: {value}") for name, value in [
        ("two", "bytes=0-1,3-4"), ("another-unit", "lines=1-2"), ("nonsense", "bytes=x"), ("backwards", "bytes=2-1"),
    ]),
    whole("range-with-if-range", OTHER_STATE, "Range: bytes=0-0", 'If-Range: "x"'),
    kept("range-of-head", RANGE_METHOD, get("Range: bytes=0-0", method="HEAD"), Http(200, PAGE, b"", to_head=True)),
    *(whole(f"accept-{name}", demand, field) for name, demand, field in [
        ("nothing-of-ours", ACCEPT, "Accept: text/x-unheard-of"), ("nothing", ACCEPT, "Accept: */*;q=0"),
        ("language", ACCEPT, "Accept-Language: tlh"), ("charset", ACCEPT, "Accept-Charset: koi8-r"),
        ("gzip", ENCODING, "Accept-Encoding: gzip, br"), ("not-identity", ENCODING, "Accept-Encoding: identity;q=0"),
        ("empty-encoding", ENCODING, "Accept-Encoding:"),
    ]),
]

CASES = [*METHODS, *FILES, *ERRORS, *CONDITIONS]
UNTESTED = [
    Demand("RFC 9110 8.8.1", "SHOULD", "Strong validators change with every change.",
           reason="Cases have fixed files: test/integration/test_http_conditions.py."),
    RETRY._replace(reason="A 503 takes a server without resources: test/integration/test_http_limits.py."),
    Demand("RFC 9110 9.3.3", "", "POST, PUT, DELETE, PATCH and what they do.", reason="None is supported: 405."),
    Demand("RFC 9110 10.2.4", "MAY", "A Server field names the software.", reason="Not sent: it helps attackers only."),
    Demand("RFC 9110 11.6.1", "MUST", "A 401 has WWW-Authenticate.", reason="wsluice sends no 401."),
    Demand("RFC 9110 12.5.5", "", "Vary names what a representation was chosen by.",
           reason="It does where there is a compressed form: test/integration/test_http_conditions.py."),
    Demand("RFC 9110 15.2.1", "MUST", "A client copes with 1xx.", reason="A client's duty; only 101 is sent."),
    Demand("RFC 9110 15.5.9", "SHOULD", "A request that does not come in time gets 408 and close.",
           reason="It does: test/integration/test_http_limits.py, since each case would take seconds."),
    Demand("RFC 9110 15.6.3", "", "502 and 504: the backend can't be reached.",
           reason="With --dial-first: test/integration/test_endings_dialling.py."),
]
