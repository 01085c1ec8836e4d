"""What a client, the service behind, and whoever started the program see: each scene takes a Run and returns
{what was looked at: what it was}, in words that hold for both programs. A scene decides nothing; rows.py says which
are played for which flags.
"""

import base64
import json
import os
import re
import signal
import ssl
import time

from jwcrypto import jwk, jwt

from harness import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Ended, RawClient, tls_client_context, upgrade_request

from lookup import shape
from pair import CREDENTIALS, FILES, JWT_SECRET
from service import BULK, BULK_BYTES, END, RESET

LIMIT_SECONDS = 5
SILENCE_SECONDS = 0.4
OPCODES = {TEXT: "text", BINARY: "binary", PING: "ping", PONG: "pong", CLOSE: "close"}
PATH = "/websockify"


# --- pieces ------------------------------------------------------------------------------------------------


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


# --- sessions --------------------------------------------------------------------------------------------------


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
            wire.limit = SILENCE_SECONDS
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
    return {", ".join(offer) or "none": how_it_answers(run, offers=offer) for offer in combinations}


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


# --- ways in -----------------------------------------------------------------------------------------------------


def where_it_listens(run):
    return {host: how_it_answers(run, host=host) for host in ("127.0.0.1", "127.0.0.2", "::1")}


def session_at_v6(run):
    return session(run, host="::1")


def tls_versions(run):
    """Which versions of TLS a client gets in with."""
    versions = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
    return {f"TLS {name}": session(run, scheme="wss", version=version)["upgrade"] for name, version in versions.items()}


def client_certificates(run):
    """Who gets in with --verify-client."""
    return {"plain": session(run)["upgrade"],
            "no certificate": session(run, scheme="wss")["upgrade"],
            "a certificate": session(run, scheme="wss", cert=run.pages.client_pair)["upgrade"]}


# --- HTTP --------------------------------------------------------------------------------------------------------


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


def files(run):
    """Files of --web: content, type, and what there is instead of files."""
    seen = {}
    for name, content in FILES.items():
        answer = get(run, "/" + name.replace(" ", "%20").replace("<", "%3C").replace(">", "%3E"))
        seen[name] = (answer.status, answer.body == content, (answer.header("Content-Type") or "").split(";")[0])
    for name, path in (("missing", "/no-such-file"), ("outside", "/../key.pem"), ("outside, encoded", "/%2e%2e/key.pem"),
                       ("folder without a slash", "/sub"), ("query", "/vnc.html?a=b")):
        seen[name] = get(run, path).status
    seen["folder without a slash, to"] = get(run, "/sub").header("Location")
    seen["HEAD"] = (get(run, "/vnc.html", "HEAD").status, get(run, "/vnc.html", "HEAD").header("Content-Length"))
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        seen[method] = get(run, "/vnc.html", method).status
    seen["index.html"] = get(run, "/with%20index/").body
    return seen


def listings(run):
    """Folders without an index."""
    seen = {}
    for path in ("/", "/sub/", "/empty/"):
        answer = get(run, path)
        seen[path] = answer.status
        if answer.status == 200:
            seen[f"{path} names its files"] = all(
                word in answer.body for word in ([b"app.js", b"%3Cb%3E", b"&lt;b&gt;"] if path == "/sub/" else []))
    return seen


def no_files(run):
    return {f"{method} {path}": status_of(get(run, path, method))
            for method, path in (("GET", "/"), ("GET", "/vnc.html"), ("HEAD", "/"), ("POST", "/"))}


def page_over_tls(run):
    return {"https page": status_of(get(run, "/vnc.html", scheme="https"))}


def page(run):
    return {"page": status_of(get(run, "/vnc.html"))}


# --- tokens ------------------------------------------------------------------------------------------------------


def tokens(run):
    seen = {}
    for name, path in (("known", "/?token=vm-1"), ("in any path", "/websockify?a=b&token=vm-1"),
                       ("a Unix socket", "/?token=sock"), ("encoded", "/?token=%76m-1")):
        seen.update({f"{name}: {key}": value for key, value in session(run, path=path).items()})
    for name, path in (("unknown", "/?token=nobody"), ("none", "/"), ("empty", "/?token=")):
        seen[name] = session(run, path=path)["upgrade"]
    return seen


def tokens_looked_up(run):
    """Of a service that knows one token (lookup.py)."""
    seen = session(run, path="/?token=vm-1")
    for token in ("moved", "busy", "empty", "vm-1%3Fx", "vm-1%23x", ".%2Fvm-1"):
        seen[f"token {token}"] = how_it_answers(run, path=f"/?token={token}")
    return {**seen, "unknown": how_it_answers(run, path="/?token=nobody"), "none": how_it_answers(run)}


def tokens_in_redis(run):
    """Each run's key has its own port for a name, since all share the server. JSON only: older ones read no text."""
    target = run.places["target"]
    run.pages.redis.set(f"vm-{target}", json.dumps({"host": f"127.0.0.1:{target}"}))
    run.pages.redis.set(f"broken-{target}", "{")
    seen = session(run, path=f"/?token=vm-{target}")
    for name, path in (("unknown", "/?token=nobody"), ("none", "/"), ("no JSON", f"/?token=broken-{target}")):
        seen[name] = how_it_answers(run, path=path)
    return seen


def tokens_name_sockets(run):
    seen = session(run, path="/?token=backend.sock")
    for name in ("nobody", "..%2Fbackend.sock", ""):
        seen[f"token {name}"] = how_it_answers(run, path=f"/?token={name}")
    return seen


def token_at_last(run):
    return session(run, path="/websockify?token=vm-1")


def token_in_host(run):
    """The client's Host is 127.0.0.1, which is a token."""
    return session(run)


def signed_tokens(run):
    """Made by the library that websockify reads them with."""
    key = jwk.JWK(kty="oct", k=JWT_SECRET)
    seen, now = {}, int(time.time())
    for name, extra in (("too early", {"nbf": now + 60}), ("over", {"exp": now - 60}), ("lasting", {})):
        token = jwt.JWT(header={"alg": "HS256"}, claims={"host": "127.0.0.1", "port": str(run.places["target"]), **extra})
        token.make_signed_token(key)
        seen[name] = how_it_answers(run, path=f"/?token={token.serialize()}")
    seen["forged"] = how_it_answers(run, path=f"/?token={token.serialize()[:-4]}AAAA")
    return {**seen, **session(run, path=f"/?token={token.serialize()}")}


def sealed_tokens(run):
    """Signed with an RSA key, and encrypted with it in the ways that both programs know; and not signed at all."""
    key = jwk.JWK.from_pem((run.here / "issuer.pem").read_bytes())
    claims = {"host": "127.0.0.1", "port": str(run.places["target"])}
    seen = {}
    for algorithm in ("RS256", "PS256", "RS512"):
        signed = jwt.JWT(header={"alg": algorithm}, claims=claims)
        signed.make_signed_token(key)
        seen[algorithm] = how_it_answers(run, path=f"/?token={signed.serialize()}")
    for algorithm, encryption in (("RSA-OAEP", "A256CBC-HS512"), ("RSA-OAEP-256", "A256GCM"), ("RSA-OAEP", "A128GCM")):
        sealed = seal(signed.serialize(), key, algorithm, encryption)
        seen[f"{algorithm} {encryption}"] = how_it_answers(run, path=f"/?token={sealed}")
    never_signed = seal(seal(claims, key, "RSA-OAEP", "A128GCM"), key, "RSA-OAEP", "A128GCM")
    seen["never signed"] = how_it_answers(run, path=f"/?token={never_signed}")
    return {**seen, **session(run, path=f"/?token={sealed}")}


def seal(content, key, algorithm, encryption):
    token = jwt.JWT(header={"alg": algorithm, "enc": encryption}, claims=content)
    token.make_encrypted_token(key)
    return token.serialize()


# --- programs as targets -------------------------------------------------------------------------------------------


def program(run, limit=8):
    """A session with a wrapped program, as soon as it listens."""
    deadline = time.monotonic() + limit
    while True:
        wire, answer = upgraded(run)
        with wire:
            back, frames = echo(wire, b"hello")
            if back == "the same, binary":
                wire.send_close(1000)
                return {"upgrade": answer, "echo": back, "Close": closing_of(wire)}
        if time.monotonic() > deadline:
            return {"upgrade": answer, "echo": back, "Close": closing_of(wire, frames)}
        time.sleep(0.1)


def outlives_its_program(run):
    time.sleep(1.5)
    return {"after the end of its program": "runs" if run.process.poll() is None else run.process.poll()}


# --- who may connect ---------------------------------------------------------------------------------------------


def credentials(run):
    """With --auth-plugin BasicHTTPAuth: upgrades, and pages where there are any."""
    seen = {}
    for name, value in (("none", None), ("right", basic(CREDENTIALS)), ("wrong password", basic("console:pass")),
                        ("wrong user", basic("nobody:pass:word")), ("another scheme", "Bearer abc")):
        headers = {"Authorization": value} if value else {}
        seen[f"upgrade, {name}"] = how_it_answers(run, headers=headers)
        seen[f"page, {name}"] = status_of(get(run, "/vnc.html", headers=headers))
    seen["asks for it"] = get(run, "/vnc.html").header("WWW-Authenticate") is not None
    return {**seen, **session(run, headers={"Authorization": basic(CREDENTIALS)})}


def basic(words):
    return "Basic " + base64.b64encode(words.encode()).decode()


def origins(run):
    return {str(origin): how_it_answers(run, headers={"Origin": origin} if origin else {})
            for origin in (None, "https://one.example", "https://two.example:8443", "https://three.example")}


def common_names(run):
    return {"plain": how_it_answers(run), "no certificate": how_it_answers(run, scheme="wss"),
            "the right name": how_it_answers(run, scheme="wss", cert=run.pages.client_pair),
            "a header instead": how_it_answers(run, headers={"SSL_CLIENT_S_DN_CN": "client"})}


# --- time --------------------------------------------------------------------------------------------------------


def pings(run, seconds=3):
    wire, _ = upgraded(run)
    with wire:
        wire.limit = seconds
        frames = frames_until(wire, lambda data: True)
        return {"first frame": frames[0][0]}


def no_pings(run):
    return pings(run, 1.5)


def ends_by_itself(run, limit=6):
    """Nobody has asked it to."""
    run.wait_until_silent(limit)
    return {"ends by itself": run.wait(limit)}


def ends_after_its_session(run):
    """With --run-once: a page and a connection that says nothing don't count."""
    seen = page(run) if "--web" in " ".join(run.words) else {}
    seen.update(session(run))
    return {**seen, **ends_by_itself(run)}


def session_outlives_the_listener(run):
    """--timeout ends listening; who is in goes on."""
    wire, _ = upgraded(run)
    with wire:
        run.wait_until_silent(2)  # websockify's child keeps the port open as long as the session lasts
        seen = {"echo after the end of listening": echo(wire, b"still here")[0]}
        wire.send_close()
    return {**seen, "ends by itself": run.wait()}


# --- signals, files ------------------------------------------------------------------------------------------------


def stopped_with_a_session(run):
    """SIGTERM while somebody is in."""
    wire, _ = upgraded(run)
    with wire:
        echo(wire, b"hello")
        run.signal()
        return {"client sees": closing_of(wire), "status": run.wait()}


def interrupted(run):
    run.signal(signal.SIGINT)
    return {"SIGINT": run.wait()}


def hung_up(run):
    run.signal(signal.SIGHUP)
    run.wait(SILENCE_SECONDS)
    return {"SIGHUP": run.process.poll()}


def log_file(run):
    seen = session(run)
    return {**seen, "log file has lines": b"127.0.0.1" in (run.here / "logs/ws.log").read_bytes()}


def in_the_background(run):
    """The command has come back; somebody else serves, in a session of its own, with closed streams."""
    seen = {"command's status": run.process.returncode, **session(run)}
    seen["has left the session of the shell"] = os.getsid(run.daemon) != os.getsid(0)
    run.signal()
    seen["stops on SIGTERM"] = run.wait_until_silent()
    return seen


def syslog(run):
    """What a syslog daemon gets of a session."""
    session(run)
    return {"syslog": sorted({shape(line) for line in run.udp_log.lines() + run.unix_log.lines()})}


def recorded(run):
    """What --record has written of one session, without the times."""
    wire, _ = upgraded(run)
    with wire:
        for data in (b"hello", b"it's", b"\x00\n\xff\\"):
            echo(wire, data)
        wire.send_close(1000)
        closing_of(wire)
    run.service.story(0)
    files = sorted(run.here.glob("logs/rec*"))
    time.sleep(SILENCE_SECONDS)
    text = re.sub(r"^'([{}])\d+[{}]", r"\1", files[0].read_text(), flags=re.MULTILINE) if files else ""
    return {"recordings": [file.name for file in files], "recorded": text.splitlines()}


def traffic(run):
    """The marks of --traffic for one session."""
    session(run)
    time.sleep(SILENCE_SECONDS)
    words = run.said(run.output)
    return {"marks": {mark: mark in words for mark in (b"}", b">", b"{", b"<")}}


def said(run):
    """On which streams there is something."""
    return {"stdout": bool(run.said(run.output)), "stderr": bool(run.said(run.log))}
