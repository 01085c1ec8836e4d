"""Sessions: bytes, messages, subprotocols, endings, and upgrades that are none."""

from harness import BINARY, CONTINUATION, PING, PONG, TEXT, upgrade_request

from service import BULK, BULK_BYTES, END, RESET

from .pieces import (
    closing_of,
    data_of,
    echo,
    frames_until,
    how_it_answers,
    http_status,
    upgraded,
    without_reasons,
)


def session(run, **client):
    """A session from its upgrade to the client's Close."""
    counts = {service: service.count() for service in (run.service, run.unix, run.tls_service)}
    wire, answer = upgraded(run, **client)
    if wire is None:
        return {"upgrade": answer}
    with wire:
        back, frames = echo(wire, b"hello")
        if back == "the same, binary":
            wire.send_close(1000)
            frames = None
        seen = {"upgrade": answer, "echo": back, "Close": closing_of(wire, frames)}
    return {**seen, "service": service_story(counts)}


def service_story(counts):
    """What has come since then to the service that was dialled, and how that ended."""
    stories = [service.story(since) for service, since in counts.items() if service.count() > since]
    return stories[-1] if stories else "was not dialled"


def upgrade(run):
    return {"upgrade": how_it_answers(run)}


def session_over_tls(run):
    return {f"wss {key}": value for key, value in session(run, scheme="wss").items()}


def bulk(run):
    """Both ways more than any buffer."""
    wire, answer = upgraded(run)
    if wire is None:
        return {"upgrade": answer}
    with wire:
        wire.send_frame(BINARY, BULK_BYTES[:100_000] + BULK)
        back, kinds = data_of(frames_until(wire, lambda got: len(got) >= len(BULK_BYTES)))
        return {"bulk down": f"{back[-len(BULK_BYTES):] == BULK_BYTES}, {kinds}",
                "bulk up": run.service.seen[-1][0] == BULK_BYTES[:100_000] + BULK}


def closings(run):
    """Who ends it how, and what the other side is told."""
    seen = {}
    for name, command in (("service ends", END), ("service resets", RESET)):
        wire, _ = upgraded(run)
        with wire:
            wire.send_frame(BINARY, command)
            frames = frames_until(wire, lambda data: False)
            seen[f"{name}: data"] = data_of(frames)[0].replace(command, b"")
            seen[f"{name}: Close"] = closing_of(wire, frames)
    for name, code, reason in (("Close without code", None, ""), ("Close 1001", 1001, ""), ("Close 3456", 3456, ""),
                               ("Close with a reason", 1000, "bye")):
        wire, _ = upgraded(run)
        with wire:
            wire.send_close(code, reason)
            seen[name] = closing_of(wire)
    return {**seen, **client_vanishes(run)}


def client_vanishes(run):
    """Data and FIN, without a Close."""
    since = run.service.count()
    wire, _ = upgraded(run)
    with wire:
        wire.send_frame(BINARY, b"last words")
        wire.finish()
        seen = {"client's FIN: what comes": closing_of(wire)}
    return {**seen, "client's FIN: service": run.service.story(since)}


def messages(run):
    """Frames other than whole binary ones, and what comes back; x ends what is awaited."""
    seen = {}
    for name, frames in FRAMES:
        wire, _ = upgraded(run)
        with wire:
            for opcode, payload, bits in frames:
                wire.send_frame(opcode, payload, **bits)
            came = frames_until(wire, lambda data: data.endswith(b"x"))
            seen[name] = data_of(came) if name == "fragments" else without_reasons(came)
    return seen


FRAMES = [
    ("text", [(TEXT, b"caf\xc3\xa9x", {})]),
    ("fragments", [(BINARY, b"a", {"fin": False}), (CONTINUATION, b"b", {"fin": False}), (CONTINUATION, b"x", {})]),
    ("empty message", [(BINARY, b"", {}), (BINARY, b"x", {})]),
    ("ping", [(PING, b"are you there", {}), (BINARY, b"x", {})]),
    ("pong unasked", [(PONG, b"yes", {}), (BINARY, b"x", {})]),
    ("unmasked", [(BINARY, b"abx", {"mask": None})]),
    ("reserved bit", [(BINARY, b"abx", {"rsv": 4})]),
    ("reserved opcode", [(3, b"abx", {})]),
    ("long ping", [(PING, b"p" * 126, {}), (BINARY, b"x", {})]),
]


def offers(run):
    """Which subprotocol is chosen of what is offered."""
    combinations = ((), ("binary",), ("base64", "binary"), ("base64",), ("mqtt",), ("mqtt", "binary"))
    seen = {", ".join(offer) or "none": how_it_answers(run, offers=offer) for offer in combinations}
    return {**seen, "an empty list": how_it_answers(run, offers=("",))}


def paths(run):
    """Any path is an endpoint."""
    return {path: how_it_answers(run, path=path) for path in ("/", "/websockify", "/a/b?c=d")}


def bad_handshakes(run):
    seen = {}
    for name, request in (
            ("no key", upgrade_request(omit=["Sec-WebSocket-Key"])),
            ("version 8", upgrade_request(headers={"Sec-WebSocket-Version": "8"})),
            ("no version", upgrade_request(omit=["Sec-WebSocket-Version"])),
            ("POST", upgrade_request(method="POST")),
            ("garbage", b"\x01\x02\x03\r\n\r\n"),
            ("no upgrade", upgrade_request(headers={"Upgrade": "h2c"}))):
        seen[name] = http_status(run, request)
    return seen
