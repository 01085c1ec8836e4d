"""What a state of standstill.py is made of: one wsluice that is in no hurry, the backend before it, clients, and
threads that push for ever. close() ends all of it but the wsluice, which is the factory's.
"""

import os
import threading

from harness import BINARY, Backend, RawClient, encode_frame, tls_client_context

# Nothing ends by itself while somebody looks.
PATIENCE = ["--workers", "1", "--heartbeat", "0", "--close-timeout", "60", "--close-timeout-max", "60",
            "--handshake-timeout", "60", "--dial-timeout", "60"]
SMALL_WINDOW = 65536  # bytes of SO_RCVBUF of whoever stops reading: the kernel is soon full
PIECE = os.urandom(1 << 18)
LONG_FRAME = encode_frame(BINARY, PIECE)


class Scene:
    """What one state is made of; close() ends it."""

    def __init__(self, factory, folder, authority, pair, over_tls):
        self.factory, self.folder, self.pair = factory, folder, pair
        self.context = tls_client_context(authority.cert) if over_tls else None
        self.backend = Backend(receive_buffer=SMALL_WINDOW)
        self.open = [self.backend]

    def start(self, *options, target=None):
        certificate = ["--cert", self.pair.cert, "--key", self.pair.key] if self.context else []
        return self.factory(target or self.backend, *PATIENCE, *certificate, *options)

    def keep(self, closable):
        self.open.append(closable)
        return closable

    def client(self, bridge, **options):
        """Connected, over TLS where the state is, and nothing said."""
        return self.keep(RawClient(bridge.port, tls=self.context, receive_buffer=SMALL_WINDOW, **options))

    def session(self, *options, target=None):
        """(bridge, client, service) that have heard of each other."""
        bridge = self.start(*options, target=target)
        client = self.client(bridge)
        client.upgrade()
        service = self.backend.accept()
        client.send_frame(BINARY, b"x")
        service.recv_exact(1)
        return bridge, client, service

    def push(self, wire, piece):
        """Sends for ever, in a thread that mostly waits."""
        def run():
            try:
                while True:
                    wire.sock.sendall(piece)
            except OSError:
                pass  # the end of the state
        wire.sock.settimeout(None)
        threading.Thread(target=run, daemon=True).start()

    def close(self):
        for closable in self.open:
            closable.close()
