"""Compares what was seen of a session with what its case demands: a list of sentences, empty when all is well."""

from harness import CLOSE, PONG
from harness.wire import shorten

from .case import Close, Pong, Up, resolve


def complaints(session):
    """Everything that is wrong with a session that has ended, or that did not end in time."""
    case, reading = session.case, session.reading
    found = list(reading.faults)
    found += judge_responses(case.http, reading.responses)
    found += judge_controls(case.sees, reading.controls)
    found += judge_down(case, bytes(reading.down))
    found += judge_messages(case, reading.messages)
    if case.down_frame_max and reading.longest > case.down_frame_max:
        found.append(f"a frame of {reading.longest} bytes, more than {case.down_frame_max}")
    found += judge_client_end(case, session.channel.ended)
    if case.client == "kept" and reading.buffer:
        found.append(f"bytes behind the last response: {bytes(reading.buffer[:80])!r}")
    found += judge_backend(session)
    return found


def judge_client_end(case, ended):
    if case.client == "kept":
        return [f"the client's connection ended by {ended}"] if ended else []
    return [] if ended == case.client else [f"the client's stream: wanted {case.client}, seen {ended or 'no end'}"]


# --- HTTP ---


def judge_responses(wanted, seen):
    found = []
    if len(wanted) != len(seen):
        found.append(f"responses: wanted {[w.status for w in wanted]}, seen {[s.head for s in seen]}")
    for want, response in zip(wanted, seen):
        if want.status != response.status:
            found.append(f"status: wanted {want.status}, seen {response.head!r}")
        found += [text for name, value in want.headers.items() if (text := judge_header(response, name, value))]
        if not fits(want.body, response.body):
            found.append(f"body: wanted {want.body}, seen {shorten(response.body)}")
    return found


def fits(want, seen):
    """`want` is None (anything), a function, or the value itself."""
    if want is None:
        return True
    return bool(want(seen)) if callable(want) else want == seen


def judge_header(response, name, want):
    values = [value for key, value in response.headers if key.lower() == name.lower()]
    if want is None:
        return f"{name}: must be absent, seen {values}" if values else None
    if len(values) == 1 and fits(want, values[0]):
        return None
    return f"{name}: wanted {want}, seen {values}"


# --- frames to the client ---


def judge_controls(wanted, seen):
    """Both in order; pongs that may lack are skipped."""
    at = 0
    for control in seen:
        while at < len(wanted) and not control_fits(wanted[at], control) and getattr(wanted[at], "may_lack", False):
            at += 1
        if at == len(wanted) or not control_fits(wanted[at], control):
            return [f"control frames: wanted {wanted}, seen {seen}"]
        at += 1
    return [] if at == len(wanted) else [f"control frames: wanted {wanted}, seen only {seen}"]


def control_fits(want, seen):
    if isinstance(want, Pong):
        return seen.opcode == PONG and seen.payload == want.payload
    assert isinstance(want, Close)
    return seen.opcode == CLOSE and seen.close_code == want.code and reason_fits(want.words, seen.payload[2:])


def reason_fits(words, reason):
    if words is None:
        return reason == b""
    try:
        return words in reason.decode()
    except UnicodeDecodeError:
        return False


def judge_down(case, seen):
    wanted = resolve(case.down)
    if seen == wanted or (case.down_may_stop and wanted.startswith(seen)):
        return []
    return [f"payload to the client: {difference(wanted, seen)}"]


def judge_messages(case, seen):
    wanted = resolve(case.messages)
    return [] if wanted is None or wanted == seen else [f"messages to the client: wanted {wanted}, seen {seen}"]


# --- what the backend has got ---


def judge_backend(session):
    case, backend = session.case, session.backend
    if case.backend is None:
        return []  # that it was not dialled is looked at for the whole batch
    if backend is None:
        return ["the backend was not dialled (or its greeting did not arrive)"]
    found = judge_up(resolve(case.up), bytes(backend.received))
    if backend.ended != case.backend:
        found.append(f"the backend's stream: wanted {case.backend}, seen {backend.ended or 'no end'}")
    return found


def judge_up(wanted, seen):
    sure, perhaps = wanted if isinstance(wanted, Up) else (wanted, b"")
    if seen.startswith(sure) and perhaps.startswith(seen[len(sure):]):
        return []
    return [f"payload to the backend: {difference(sure, seen)}" + (f", then perhaps {perhaps}" if perhaps else "")]


def difference(wanted, seen):
    if len(wanted) < 200:
        return f"wanted {wanted}, seen {shorten(seen)}"
    at = next((i for i, (a, b) in enumerate(zip(wanted, seen)) if a != b), min(len(wanted), len(seen)))
    return (f"wanted {len(wanted)} bytes, seen {len(seen)}; first difference at {at}: "
            f"wanted {wanted[at:at + 20]}, seen {seen[at:at + 20]}")
