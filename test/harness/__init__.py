"""What the integration and browser tests stand on: `from harness import Backend, RawClient, ...`.

process  starts wsluice, reads its log, asks /proc about it, stops it and looks how it ended
wire     a socket on which every wait has a limit and every failure says what was seen
backend  TCP and Unix services for wsluice to dial: scripted by a test, or echo, sink and source
client   a WebSocket client without opinions: it can send what no library would
tls      TLS under a wire, with the records in the test's hand
s_client the `openssl s_client` command, its modes and what it says
certificates  authorities and certificates, made when a test wants them
lookup   an HTTP server that tells tokens' targets, and what a client sees of them (import harness.lookup)
network  a network of a test's own: few ports, other settings
service  programs that nobody here wrote as services, and Node scripts as clients
"""

from .backend import Backend, DeafBackend, Sink, UnixBackend, echo, source
from .certificates import Authority, Pair, encrypt_key, openssl, trusting_home
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
from .network import PrivateNetwork, Unavailable
from .process import Wsluice, WsluiceFactory, binary, free_port, processor_seconds, resident_kib, wait_until
from .s_client import s_client, s_client_script, speaks_tls_1_3
from .service import Service, run_node
from .tls import TlsSocket, tls_client_context, tls_server_context
from .wire import LIMIT_SECONDS, Ended, Wire

__all__ = [
    "Authority", "BINARY", "Backend", "CLOSE", "CONTINUATION", "DeafBackend", "Ended", "Frame", "LIMIT_SECONDS", "PING",
    "PONG", "Pair", "PrivateNetwork", "RawClient", "Response", "Service", "Sink", "TEXT", "TlsSocket", "Unavailable", "UnixBackend", "Wire",
    "Wsluice", "WsluiceFactory", "binary", "echo", "encode_frame", "encrypt_key", "free_port", "openssl", "processor_seconds",
    "resident_kib", "run_node", "s_client", "s_client_script", "source", "speaks_tls_1_3",
    "tls_client_context", "tls_server_context", "trusting_home", "upgrade_request", "wait_until",
]
