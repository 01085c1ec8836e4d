"""TLS under a Wire: OpenSSL over memory, so that a test sees the records and decides how they are cut.

    context = tls_client_context(authority.cert)
    client = RawClient(bridge.port, tls=context)        # and then as without TLS
    client.sock.describe()                              # ("TLSv1.3", "TLS_AES_256_GCM_SHA384", resumed)

How such a stream ended: "fin" is close_notify (TLS's orderly end), "truncated" is FIN without it, "reset" a
reset, and an alert or any other failure of TLS raises ssl.SSLError.
"""

import socket
import ssl
import threading

READ_SIZE = 256 * 1024
# Python asks OpenSSL to take a bare FIN for an orderly end, which is just what tests must tell apart.
FIN_IS_NO_END = ~ssl.OP_IGNORE_UNEXPECTED_EOF


class Truncated(ConnectionError):
    """FIN without close_notify."""


def tls_client_context(ca=None, version=None, cert=None, ciphers=None, alpn=None):
    """A client's context: verified against `ca` (a path), or not at all; `version` pins one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.options &= FIN_IS_NO_END
    if ca:
        context.load_verify_locations(ca)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    if cert:
        context.load_cert_chain(cert.cert, cert.key)
    if ciphers:
        context.set_ciphers(ciphers)
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


def tls_server_context(pair, version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options &= FIN_IS_NO_END
    context.load_cert_chain(pair.cert, pair.key)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


class TlsSocket:
    """What a Wire needs of a socket, with TLS between. `chunk`: most ciphertext that one send gives the
    kernel. `first`: data that leaves together with our Finished. `raw` is the socket itself. One thread may
    read while another writes."""

    def __init__(self, raw, context, server_side=False, server_hostname="localhost", session=None, chunk=None,
                 first=b""):
        self.raw = raw
        if raw.family != socket.AF_UNIX:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.chunk = chunk
        self._openssl = threading.Lock()  # no two calls into it at once
        self._sending = threading.Lock()  # records leave in the order in which they were sealed
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        name = None if server_side else server_hostname
        self.tls = context.wrap_bio(self._in, self._out, server_side, name, session)
        self.said_close = False  # the peer, by close_notify
        self._step(lambda: self._begin(first))

    def _begin(self, first):
        self.tls.do_handshake()
        if first:
            self.tls.write(first)

    def describe(self):
        return self.tls.version(), self.tls.cipher()[0], self.tls.session_reused

    # --- bytes ---

    def send_raw(self, data):
        """Ciphertext, or anything else, as it is."""
        step = self.chunk or max(1, len(data))
        for start in range(0, len(data), step):
            self.raw.sendall(data[start:start + step])

    def seal(self, data):
        """The records that would carry `data`."""
        with self._openssl:
            for start in range(0, len(data), 1 << 20):
                self.tls.write(data[start:start + (1 << 20)])
            return self._out.read()

    def _flush(self):
        if not self._out.pending:
            return
        with self._sending:
            with self._openssl:
                data = self._out.read()
            self.send_raw(data)

    def _fill(self):
        data = self.raw.recv(READ_SIZE)
        if data:
            self._in.write(data)
        else:
            self._in.write_eof()
        return len(data)

    def _step(self, call):
        while True:
            try:
                with self._openssl:
                    result = call()
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
            except ssl.SSLError:
                try:
                    self._flush()  # the alert
                except OSError:
                    pass
                raise
            else:
                self._flush()
                return result

    # --- as a socket ---

    @property
    def family(self):
        return self.raw.family

    def fileno(self):
        return self.raw.fileno()

    def settimeout(self, seconds):
        self.raw.settimeout(seconds)

    def setsockopt(self, *args):
        self.raw.setsockopt(*args)

    def getsockname(self):
        return self.raw.getsockname()

    def recv(self, size):
        try:
            data = self._step(lambda: self.tls.read(size))
        except ssl.SSLZeroReturnError:  # when we have said close_notify, too
            data = b""
        except ssl.SSLEOFError:
            raise Truncated from None
        self.said_close = self.said_close or not data
        return data

    def send(self, data):
        piece = bytes(data[:16384])
        self.sendall(piece)
        return len(piece)

    def sendall(self, data):
        with self._sending:
            self.send_raw(self.seal(bytes(data)))

    def say_close(self):
        """close_notify, and nothing more."""
        try:
            with self._openssl:
                self.tls.unwrap()
        except ssl.SSLError:
            pass  # the peer's has not come yet
        self._flush()

    def shutdown(self, how):
        self.say_close()
        self.raw.shutdown(how)

    def cut(self):
        """FIN without close_notify, as a truncation attack or a crash sends it."""
        self.raw.shutdown(socket.SHUT_WR)

    def close(self):
        self.raw.close()
