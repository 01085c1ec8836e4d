"""What is different between two readings of the same head, in one word for each thing.

Stricter is no difference: where we refuse, or close behind a request, nothing is read the wrong way. So a difference
is a head that we accept and they refuse; a head that we read otherwise, even when we refuse the request in it; or a
byte behind the head that they take for something else than we do.
"""

from .reading import ACCEPTED, MORE, REFUSED

REFUSES, WAITS, EARLIER = "they refuse", "they wait for more", "they end it earlier"
METHOD, TARGET, VERSION, FIELDS, END = "method", "target", "version", "fields", "end of the head"
UPGRADE, BODY, KEPT = "upgrade", "body", "connection kept"
SUBPROTOCOL, ACCEPT = "subprotocol", "accept"  # of an upgrade


def differences(ours, theirs, their_view=lambda fields: fields):
    """The words for what differs. `their_view` turns our fields into what they would have made of them."""
    if theirs.verdict == REFUSED:
        return [REFUSES] if ours.verdict == ACCEPTED else []
    if theirs.verdict == MORE:
        return [WAITS] if ours.verdict == ACCEPTED else []
    if ours.verdict == MORE:
        return [EARLIER]
    found = differences_in_head(ours, theirs, their_view) if ours.whole else []
    return found + (differences_behind(ours, theirs) if ours.verdict == ACCEPTED else [])


def differences_in_head(ours, theirs, their_view):
    pairs = [
        (METHOD, ours.method, theirs.method), (TARGET, ours.target, theirs.target), (VERSION, ours.minor, theirs.minor),
        (FIELDS, their_view(ours.fields), theirs.fields), (END, ours.end, theirs.end),
    ]
    return [word for word, one, other in pairs if one != other]


def differences_behind(ours, theirs):
    """What we and they take the bytes behind the head for."""
    found = [UPGRADE] if ours.upgrade != theirs.upgrade else []
    if theirs.body and (ours.upgrade or ours.keep_alive):
        found.append(BODY)
    if ours.keep_alive and not theirs.keep_alive and not ours.upgrade:
        found.append(KEPT)
    return found


def differences_of_upgrade(ours, upgrade):
    """Against wsproto's handshake, where we accept an upgrade."""
    if upgrade.refusal:
        return [REFUSES]
    found = [ACCEPT] if ours.more["accept"] != upgrade.accept else []
    chosen = ours.more["subprotocol"]
    return found + ([SUBPROTOCOL] if chosen and chosen not in upgrade.subprotocols else [])


def stricter(ours, theirs):
    """What we refuse, or do not finish, where they accept; None otherwise."""
    if theirs.verdict != ACCEPTED or ours.verdict == ACCEPTED:
        return None
    return ours.reason or "waits for more"


def h11_view(fields):
    """Our fields as h11 hands them over: one Content-Length, and codings in small letters."""
    seen, shown = set(), []
    for name, value in fields:
        low = name.lower()
        if low == "content-length":
            value = value.split(",")[0].strip(" \t")
            if low in seen:
                continue
        seen.add(low)
        shown.append((name, value.lower() if low == "transfer-encoding" else value))
    return tuple(shown)
