"""What the integration and browser tests stand on: `from harness import Backend, RawClient, ...`.

process  starts wsluice, reads its log, asks /proc about it, stops it and looks how it ended
wire     a socket on which every wait has a limit and every failure says what was seen
backend  TCP and Unix services for wsluice to dial: scripted by a test, or echo, sink and source
client   a WebSocket client without opinions: it can send what no library would
service  programs that nobody here wrote as services, and Node scripts as clients
"""

from .backend import Backend, Sink, UnixBackend, echo, source
from .client import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    RawClient,
    Response,
    encode_frame,
    upgrade_request,
)
from .process import Wsluice, binary, free_port, processor_seconds, resident_kib, wait_until
from .service import Service, run_node
from .wire import LIMIT_SECONDS, Ended, Wire

__all__ = [
    "BINARY", "Backend", "CLOSE", "CONTINUATION", "Ended", "Frame", "LIMIT_SECONDS", "PING",
    "PONG", "RawClient", "Response", "Service", "Sink", "TEXT", "UnixBackend", "Wire",
    "Wsluice", "binary", "echo", "encode_frame", "free_port", "processor_seconds",
    "resident_kib", "run_node", "source", "upgrade_request", "wait_until",
]
