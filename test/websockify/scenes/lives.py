"""The program's own life: its time limits, signals, the background, wrapped programs, and what it writes."""

import os
import re
import signal
import time

from lookup import shape

from .pieces import LIMIT_SECONDS, closing_of, echo, frames_until, upgraded
from .sessions import session
from .ways import page


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


# --- a program as the target ---------------------------------------------------------------------------------


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


# --- signals, the background ---------------------------------------------------------------------------------


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
    run.wait(1)
    return {"SIGHUP": run.process.poll()}


def log_file(run):
    seen = session(run)
    return {**seen, "log file has lines": b"127.0.0.1" in (run.here / "logs/ws.log").read_bytes()}


def in_the_background(run):
    """The command has come back; somebody else serves, in a session of its own, with closed streams."""
    seen = {"command's status": run.process.returncode, **session(run)}
    seen["has left the session of the shell"] = os.getsid(run.daemon) != os.getsid(0)
    run.ask_to_stop()
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
    soon(lambda: any("EOF" in file.read_text() for file in run.here.glob("logs/rec*")))
    files = sorted(run.here.glob("logs/rec*"))
    text = re.sub(r"^'([{}])\d+[{}]", r"\1", files[0].read_text(), flags=re.MULTILINE) if files else ""
    return {"recordings": [file.name for file in files], "recorded": text.splitlines()}


def soon(condition):
    """Waits until it holds, but not for ever: what is seen then tells."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


def traffic(run):
    """The marks of --traffic for one session."""
    marks = (b"}", b">", b"{", b"<")
    session(run)
    soon(lambda: all(mark in run.said(run.output) for mark in marks))
    return {"marks": {mark: mark in run.said(run.output) for mark in marks}}


def said(run):
    """On which streams there is something."""
    return {"stdout": bool(run.said(run.output)), "stderr": bool(run.said(run.log))}
