"""What must hold of every response to every request: looked for in all that any case gets to see."""

import re
from email.utils import parsedate_to_datetime
from datetime import datetime, timedelta, timezone

STATUS_LINE = re.compile(rb"HTTP/1\.1 [1-5][0-9]{2} [\t \x21-\x7e\x80-\xff]*")
FIELD_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t ]*[\t \x21-\x7e\x80-\xff]*")
DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
                  r"[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")
CLOCKS_APART = timedelta(minutes=2)
OPTIONS = {"close", "keep-alive", "upgrade"}  # connection options that wsluice sends
DEMANDED_FIELDS = {101: ("Upgrade", "Sec-WebSocket-Accept"), 301: ("Location",), 401: ("WWW-Authenticate",),
                   405: ("Allow",), 426: ("Upgrade", "Sec-WebSocket-Version")}


def response_faults(response, before, to_head):
    """Sentences, empty when all is well. `before`: the responses that came before on the connection."""
    found = [*syntax_faults(response), *field_faults(response), *date_faults(response)]
    if response.status >= 200:
        found += length_faults(response, to_head or response.status == 304)
    if before and "close" in connection_options(before[-1]):
        found.append("RFC 9112 9.6: a response behind one that says close")
    return [f"{text}: {response.head!r}" for text in found]


def values(response, name):
    return [value for key, value in response.headers if key.lower() == name.lower()]


def connection_options(response):
    return {option.strip().lower() for value in values(response, "Connection") for option in value.split(",")}


def syntax_faults(response):
    status_line, *fields = response.head[:-4].split(b"\r\n")
    if not STATUS_LINE.fullmatch(status_line):
        yield "RFC 9112 4: not a status line of HTTP/1.1"
    if not all(FIELD_LINE.fullmatch(line) for line in fields):
        yield "RFC 9112 5: not a field line"


def field_faults(response):
    names = [name.lower() for name, _ in response.headers]
    if len(set(names)) < len(names):
        yield "RFC 9110 5.3: a field came twice"
    for name in DEMANDED_FIELDS.get(response.status, ()):
        if not values(response, name):
            yield f"RFC 9110 15: {response.status} without {name}"
    options = connection_options(response)
    if not options or not options <= OPTIONS:
        yield "RFC 9110 7.6.1: unknown connection options, or none"
    if ("upgrade" in options) != bool(values(response, "Upgrade")):
        yield "RFC 9110 7.8: Upgrade is a field and no connection option, or the other way round"
    if values(response, "Transfer-Encoding") or values(response, "Trailer"):
        yield "RFC 9112 6.1: a transfer coding, though every length is known"


def date_faults(response):
    """RFC 9110 6.6.1; a 101 may go without."""
    dates = values(response, "Date")
    if not dates and response.status >= 200:
        yield "RFC 9110 6.6.1: no Date"
    for date in dates:
        if not DATE.fullmatch(date):
            yield "RFC 9110 5.6.7: not the preferred form of a date"
        elif abs(datetime.now(timezone.utc) - parsedate_to_datetime(date)) > CLOCKS_APART:
            yield "RFC 9110 6.6.1: another time than now"


def length_faults(response, to_head):
    lengths = values(response, "Content-Length")
    if len(lengths) != 1 or not re.fullmatch("[0-9]+", lengths[0]):
        yield "RFC 9112 6.3: no length that ends the response"
    elif not to_head and int(lengths[0]) != len(response.body):
        yield "RFC 9110 8.6: the body is not as long as it says"
    elif response.status >= 400 and int(lengths[0]) == 0:
        yield "RFC 9110 15.5: an error that says nothing"
    elif int(lengths[0]) > 0 and not values(response, "Content-Type"):
        yield "RFC 9110 8.3: content without a type"
