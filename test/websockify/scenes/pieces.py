"""What scenes are made of: a client that says in words what came, and never fails."""

import ssl

from harness import BINARY, CLOSE, PING, PONG, TEXT, Ended, RawClient, tls_client_context, upgrade_request

LIMIT_SECONDS = 5
OPCODES = {TEXT: "text", BINARY: "binary", PING: "ping", PONG: "pong", CLOSE: "close"}
PATH = "/websockify"


def open_client(run, scheme="ws", host="127.0.0.1", version=None, cert=None):
    context = tls_client_context(run.pages.authority.cert, version, cert) if scheme in ("wss", "https") else None
    return RawClient(run.port, host=host, limit=LIMIT_SECONDS, tls=context)


def upgraded(run, path=PATH, offers=("binary",), headers=None, **client):
    """A client behind its upgrade, or the scene's answer where there is none: (client, what came)."""
    try:
        wire = open_client(run, **client)
        headers = {**({"Sec-WebSocket-Protocol": ", ".join(offers)} if offers else {}), **(headers or {})}
        wire.send(upgrade_request(path, headers))
        answer = wire.recv_response(body_expected=False)
    except (Ended, OSError, ssl.SSLError) as failure:
        return None, how_it_failed(failure, client.get("scheme"))
    if answer.status != 101:
        return None, answer.status
    return wire, f"101 {answer.header('Sec-WebSocket-Protocol') or 'without subprotocol'}"


def how_it_answers(run, **client):
    """The answer to an upgrade; a session that begins is ended in order."""
    wire, answer = upgraded(run, **client)
    if wire:
        with wire:
            wire.send_close(1000)
            closing_of(wire)
    return answer


def how_it_failed(failure, scheme):
    if isinstance(failure, ConnectionRefusedError):
        return "refused by the kernel"
    return "no TLS" if scheme in ("wss", "https") else "closed without an answer"


def frames_until(client, done):
    """[(kind, payload)] until done(all payload) or a Close or the end, which is the last entry."""
    frames = []
    while not (frames and done(b"".join(payload for kind, payload in frames if kind in ("binary", "text")))):
        try:
            frame = client.recv_frame()
        except (Ended, OSError):
            return [*frames, ("end", b"")]
        except AssertionError:
            return [*frames, ("silence", b"")]
        if frame.opcode == CLOSE:
            code = frame.close_code
            return [*frames, ("close", f"{code} {frame.close_reason}".strip())]
        frames.append((OPCODES.get(frame.opcode, frame.opcode), frame.payload))
    return frames


def data_of(frames):
    """The payload, and as what it came."""
    kinds = sorted({kind for kind, _ in frames if kind in ("binary", "text")})
    return b"".join(payload for kind, payload in frames if kind in ("binary", "text")), " ".join(kinds)


def closing_of(client, frames=None):
    """How the server ends it: its Close, or what comes instead."""
    frames = frames or frames_until(client, lambda data: False)
    return frames[-1][1] if frames[-1][0] == "close" else f"no Close but {frames[-1][0]}"


def without_reasons(frames):
    """Of a Close its code only: the words are each program's own."""
    return tuple((kind, what.split()[0] if kind == "close" else what) for kind, what in frames)


def echo(client, data):
    """What comes back for binary `data`: ("the same, binary", the frames)."""
    try:
        client.send_frame(BINARY, data)
    except OSError:
        pass  # it has closed; what it said is to be read
    frames = frames_until(client, lambda got: len(got) >= len(data))
    back, kinds = data_of(frames)
    return (f"the same, {kinds}" if back == data else back[:80]), frames


def http_status(run, request):
    """Of a request as raw as it is."""
    try:
        with open_client(run) as client:
            client.send(request)
            return client.recv_response(body_expected=False).status
    except (Ended, OSError) as failure:
        return how_it_failed(failure, "http")


def get(run, path, method="GET", scheme="http", headers=None):
    """An answer, or what came instead of it."""
    try:
        with open_client(run, scheme) as client:
            lines = [f"{name}: {value}\r\n" for name, value in (headers or {}).items()]
            client.send(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{''.join(lines)}\r\n".encode())
            return client.recv_response(method != "HEAD")
    except (Ended, OSError, ssl.SSLError) as failure:
        return how_it_failed(failure, scheme)


def status_of(answer):
    return getattr(answer, "status", answer)
