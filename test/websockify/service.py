"""The service behind both programs: an echo that does as it is told by the bytes, and remembers what came and how
it ended, connection by connection.
"""

import threading

from harness import tls_server_context
from harness.tls import TlsSocket

LIMIT_SECONDS = 3
END, RESET, BULK = b"!end", b"!reset", b"!bulk"  # commands, at the end of what has come
BULK_BYTES = bytes(range(256)) * 1024


class Service:
    def __init__(self, backend, pairs=None):
        self.backend = backend
        self.port = getattr(backend, "port", None)
        self.context = tls_server_context(Files(pairs)) if pairs else None
        self.seen = []  # of each connection: [bytes, how it ended]
        self.changed = threading.Condition()
        backend.serve(self._serve)

    def _serve(self, wire):
        if self.context:
            wire.sock = TlsSocket(wire.sock, self.context, server_side=True)
        with self.changed:
            story = [b"", None]
            self.seen.append(story)
        while data := wire.recv_some():
            story[0] += data
            if story[0].endswith(END):
                wire.send(b"the end")
                wire.finish()
            elif story[0].endswith(RESET):
                wire.reset()
                break
            else:
                wire.send(BULK_BYTES if story[0].endswith(BULK) else data)
        with self.changed:
            story[1] = wire.ended or "we did"
            self.changed.notify_all()

    def story(self, since):
        """Of the connections since the first so many, once they have ended, the newest on which something was
        said, or else the newest: (bytes, how it ended)."""
        with self.changed:
            self.changed.wait_for(lambda: all(how for _, how in self.seen[since:]), LIMIT_SECONDS)
            stories = [tuple(story) for story in self.seen[since:]]
        return [story for story in stories if story[0]][-1:] or stories[-1:]

    def count(self):
        with self.changed:
            return len(self.seen)

    def close(self):
        self.backend.close()


class Files:
    """A pair as the harness wants it."""

    def __init__(self, pairs):
        self.cert, self.key = pairs["cert.pem"], pairs["key.pem"]
