"""Both ends of wsluice's connections by the hundred, over asyncio: what harness.Wire and RawClient are to
one story, these are to ten thousand that run at once in one thread.

An End reads and writes; Client adds requests and frames; Services is what wsluice dials, on TCP and on a
Unix socket, and hands each connection to the story that it belongs to: the first eight bytes that come
up are the story's number (hello()).

How a stream ended is told apart as in harness.wire: "fin", "reset", and with TLS "truncated" and "alert".
"""

import asyncio
import itertools
import os
import socket
import ssl
import struct

from harness import BINARY, CLOSE, encode_frame, upgrade_request

READ_SIZE = 256 * 1024
SEAL_SIZE = 64 * 1024
LIMIT_SECONDS = 30.0  # for one wait; hundreds of stories share two processors, with sanitizers
BACKLOG = 4096
HELLO = struct.Struct(">Q")


class End:
    """One connected socket, and what was read from it too far."""

    def __init__(self, sock):
        sock.setblocking(False)
        self.sock = sock
        self.loop = asyncio.get_running_loop()
        self.pending = bytearray()
        self.ended = None
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # --- writing ---

    async def send(self, data):
        await self.loop.sock_sendall(self.sock, data)

    async def offer(self, data):
        """Sends what is taken before the peer has gone: a story's last words may meet a closed door."""
        try:
            await self.send(data)
        except OSError:
            pass

    def finish(self):
        """FIN."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # reset by the peer meanwhile

    def reset(self):
        """RST; on a Unix socket an end."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        # A descriptor that a waiting call still watches would stay in the loop's selector.
        if self.sock.fileno() >= 0:
            self.loop.remove_reader(self.sock)
            self.loop.remove_writer(self.sock)
        self.sock.close()

    # --- reading ---

    async def until_readable(self):
        """Until there is something to read, which stays unread."""
        readable = self.loop.create_future()
        self.loop.add_reader(self.sock, lambda: readable.done() or readable.set_result(None))
        try:
            await readable
        finally:
            self.loop.remove_reader(self.sock)

    async def recv_some(self):
        """The next bytes; b"" at the end (see `ended`)."""
        if self.pending:
            data, self.pending = bytes(self.pending), bytearray()
            return data
        return await self._recv()

    async def _recv(self):
        try:
            data = await self.loop.sock_recv(self.sock, READ_SIZE)
        except ConnectionError:
            self.ended = "reset"
            return b""
        if not data:
            self.ended = "fin"
        return data

    async def _more(self):
        data = await self._recv()
        assert data, f"the stream ended by {self.ended} behind {bytes(self.pending[:200])!r}"
        self.pending += data

    async def recv_exact(self, count):
        while len(self.pending) < count:
            await self._more()
        data = bytes(self.pending[:count])
        del self.pending[:count]
        return data

    async def recv_until(self, mark):
        while mark not in self.pending:
            await self._more()
        return await self.recv_exact(self.pending.index(mark) + len(mark))

    async def recv_to_end(self):
        """(everything until the peer's end, how that was)"""
        data = bytearray()
        while piece := await self.recv_some():
            data += piece
        return bytes(data), self.ended


class TlsEnd(End):
    """The same with TLS between. Python says no more than OpenSSL must: records are made and read in
    memory, so that a story can stop anywhere."""

    def __init__(self, sock, context, server_side=False):
        super().__init__(sock)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        name = None if server_side else "localhost"
        self.tls = context.wrap_bio(self._in, self._out, server_side, name)

    async def handshake(self):
        await self._step(self.tls.do_handshake)
        return self

    async def _flush(self):
        if self._out.pending:
            await self.loop.sock_sendall(self.sock, self._out.read())

    async def _fill(self):
        data = await self.loop.sock_recv(self.sock, READ_SIZE)
        self._in.write(data) if data else self._in.write_eof()

    async def _step(self, call):
        while True:
            try:
                result = call()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            else:
                await self._flush()
                return result

    async def send(self, data):
        view = memoryview(data)
        for start in range(0, len(view), SEAL_SIZE):
            self.tls.write(view[start:start + SEAL_SIZE])
            await self._flush()

    async def send_raw(self, data):
        """Bytes that are no record, or a part of one."""
        await self.loop.sock_sendall(self.sock, data)

    async def _recv(self):
        try:
            data = await self._step(lambda: self.tls.read(READ_SIZE))
        except ssl.SSLZeroReturnError:
            data = b""
        except ssl.SSLEOFError:
            self.ended = "truncated"
            return b""
        except ssl.SSLError:
            self.ended = "alert"
            return b""
        except ConnectionError:
            self.ended = "reset"
            return b""
        if not data:
            self.ended = "fin"
        return data

    def finish(self):
        """close_notify and FIN."""
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass  # the peer's has not come yet
        try:
            self.sock.send(self._out.read())
        except OSError:
            pass
        super().finish()

    def cut(self):
        """FIN without close_notify."""
        super().finish()


class Frames:
    """What a client does over an End."""

    def __init__(self, end):
        self.end = end

    def __getattr__(self, name):
        return getattr(self.end, name)  # an End's own: send, finish, recv_to_end, ...

    async def request(self, data):
        """Sends a request; the head of the answer."""
        await self.end.send(data)
        return await self.end.recv_until(b"\r\n\r\n")

    async def upgrade(self, path="/", first_frames=b"", **request):
        head = await self.request(upgrade_request(path, **request) + first_frames)
        assert head.startswith(b"HTTP/1.1 101 "), head
        return self

    async def greet(self, path, hello, at_once):
        """Upgrades and sends `hello` up, in one segment with the request or behind the answer."""
        frame = encode_frame(BINARY, hello)
        await self.upgrade(path, first_frames=frame if at_once else b"")
        if not at_once:
            await self.end.send(frame)

    async def send_frame(self, opcode, payload=b"", **bits):
        await self.end.send(encode_frame(opcode, payload, **bits))

    async def send_data(self, data):
        await self.send_frame(BINARY, data)

    async def send_close(self, code=1000):
        await self.end.offer(encode_frame(CLOSE, b"" if code is None else struct.pack(">H", code)))

    async def recv_frame(self):
        """(opcode, payload) of the next frame."""
        first, length = await self.end.recv_exact(2)
        if length == 126:
            length, = struct.unpack(">H", await self.end.recv_exact(2))
        elif length == 127:
            length, = struct.unpack(">Q", await self.end.recv_exact(8))
        return first & 0x0F, await self.end.recv_exact(length)

    async def recv_until_close(self):
        """(all payload before the server's Close, its code or 1005)"""
        data = bytearray()
        while True:
            opcode, payload = await self.recv_frame()
            if opcode == CLOSE:
                return bytes(data), struct.unpack(">H", payload[:2])[0] if payload else 1005
            if opcode == BINARY:
                data += payload

    async def recv_data(self, count):
        data = bytearray()
        while len(data) < count:
            opcode, payload = await self.recv_frame()
            assert opcode != CLOSE, f"Close {payload} behind {len(data)} of {count} bytes"
            if opcode == BINARY:
                data += payload
        return bytes(data)


class Services:
    """TCP and Unix listeners in this thread. `tls`: a server's context for what wsluice dials."""

    def __init__(self, folder, tls=None, receive_buffer=None):
        self.tls = tls
        self.path = str(folder / f"services-{os.urandom(4).hex()}.sock")
        self.tcp = self._listener(socket.AF_INET, ("127.0.0.1", 0), receive_buffer)
        self.unix = self._listener(socket.AF_UNIX, self.path, receive_buffer)
        self.port = self.tcp.getsockname()[1]
        self.numbers = itertools.count(1)
        self.awaited = {}  # number of a story -> future of its End
        self.tasks = set()

    @staticmethod
    def _listener(family, address, receive_buffer):
        listener = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
        return listener

    def start(self):
        """Call it in the loop that is to serve."""
        self._spawn(self._accept(self.tcp))
        self._spawn(self._accept(self.unix))
        return self

    def _spawn(self, story):
        task = asyncio.get_running_loop().create_task(story)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _accept(self, listener):
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(listener)
            self._spawn(self._introduce(sock))

    async def _introduce(self, sock):
        """A connection says to which story it belongs, or has lost interest."""
        end = TlsEnd(sock, self.tls, server_side=True) if self.tls else End(sock)
        try:
            if self.tls:
                await end.handshake()
            number, = HELLO.unpack(await end.recv_exact(HELLO.size))
            self.awaited.pop(number).set_result(end)
        except (AssertionError, OSError, KeyError, asyncio.InvalidStateError):
            end.close()

    def hello(self):
        """(bytes to send up first, future of the End that they come out of)"""
        number = next(self.numbers)
        self.awaited[number] = asyncio.get_running_loop().create_future()
        return HELLO.pack(number), self.awaited[number]

    def close(self):
        for task in self.tasks:
            task.cancel()
        self.tcp.close()
        self.unix.close()
        os.unlink(self.path)


async def connect(address, tls=None, receive_buffer=None):
    """A client on wsluice's port or path, TLS agreed upon where there is a context."""
    sock = await open_socket(address, receive_buffer)
    if not tls:
        return Frames(End(sock))
    end = TlsEnd(sock, tls)
    try:
        return Frames(await end.handshake())
    except BaseException:
        end.close()
        raise


async def open_socket(address, receive_buffer=None):
    unix = not isinstance(address, int)
    sock = socket.socket(socket.AF_UNIX if unix else socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    while True:
        try:
            await asyncio.get_running_loop().sock_connect(sock, str(address) if unix else ("127.0.0.1", address))
            return sock
        except BlockingIOError:  # a Unix listener whose queue is full: there is nothing to wait for but time
            await asyncio.sleep(0.01)
        except BaseException:
            sock.close()
            raise
