"""Where stories of test/bounds happen: a running wsluice with its doors and targets (Stage), and one
connection's story on it (Story), which closes whatever it opened, however it ends.

    cast = Cast(tmp_path, authority)                    # services, dead ends, certificates, files, tokens
    stage = Stage("tokens", cast.start(wsluice, ...))   # a wsluice
    async with Story(stage, cast, Way(tls=True, target="unix")) as story:
        client, service = await story.session()
"""

import asyncio
import os
import random
import socket
from typing import NamedTuple

from harness import DeafBackend, tls_client_context, tls_server_context
from peers import LIMIT_SECONDS, Services, connect, open_socket

PAGE = b"a page of some bytes\n" * 100
BIG_FILE_BYTES = 16 << 20  # more than the kernel holds for a client that does not read it

# Time limits that no story may meet: a turn of everybody takes its time on a busy machine.
UNHURRIED = ["--close-timeout", "15", "--close-timeout-max", "15", "--handshake-timeout", "15", "--heartbeat", "0"]
# And those that stories wait for.
STRICT = ["--heartbeat", "0.3", "--pong-timeout", "2"]
BRIEF = ["--close-timeout", "0.5", "--close-timeout-max", "0.8", "--heartbeat", "0", "--session-idle-timeout", "3",
         "--refuse-text"]
DIAL_LIMIT = ["--dial-timeout", "1.5"]
HASTY = ["--handshake-timeout", "1"]


class Way(NamedTuple):
    """How a story's client comes, and where it goes."""

    tls: bool = False
    target: str = "tcp"  # or "unix"

    def __str__(self):
        return f"{'wss' if self.tls else 'ws'} to {self.target}"


class Cast:
    """What wsluices of these tests stand between. `folder` is the test's own."""

    def __init__(self, folder, authority):
        self.folder = folder
        self.authority = authority
        self.pair = authority.issue(f"bounds-{os.urandom(4).hex()}")
        self.context = tls_client_context(authority.cert)
        self.services = Services(folder)
        self.tls_services = Services(folder, tls=tls_server_context(self.pair))
        self.deaf = DeafBackend()
        self.refusing = socket.create_server(("127.0.0.1", 0))  # its port is nobody's from now on
        self.refused_port = self.refusing.getsockname()[1]
        self.refusing.close()
        self.web = folder / "web"
        self.web.mkdir()
        (self.web / "index.html").write_bytes(PAGE)
        (self.web / "big").write_bytes(bytes(BIG_FILE_BYTES))
        self.token_file = folder / "tokens"
        self.token_file.write_text(self.tokens())

    def tokens(self):
        return "".join(f"{token}: {target}\n" for token, target in {
            "tcp": f"127.0.0.1:{self.services.port}",
            "unix": f"unix_socket:{self.services.path}",
            "refused": f"127.0.0.1:{self.refused_port}",
            "missing": f"unix_socket:{self.folder}/nobody.sock",
            "malformed": f"{'a' * 64}.invalid:80",
            "deaf": f"127.0.0.1:{self.deaf.address[1]}",
        }.items())

    def by_token(self):
        return ["--token-plugin", "TokenFile", "--token-source", self.token_file]

    def tls(self):
        return ["--cert", self.pair.cert, "--key", self.pair.key]

    def enter(self):
        """Begins to serve, in the running loop."""
        self.services.start()
        self.tls_services.start()
        return self

    def close(self):
        self.services.close()
        self.tls_services.close()
        self.deaf.close()


class Stage:
    """A running wsluice. `address` is its port, or its path; `services` what it dials; `targets` the kinds
    of them that it knows, by token where there are two."""

    def __init__(self, name, bridge, address, services, targets=("tcp",)):
        self.name, self.bridge, self.address = name, bridge, address
        self.services, self.targets = services, targets

    def ways(self, tls):
        """The ways through it, over TLS or not."""
        return [Way(tls, target) for target in self.targets]

    def path(self, token):
        return f"/?token={token}" if len(self.targets) > 1 else "/"


class Story:
    """One client's connection and what wsluice dials for it. Leaves nothing open."""

    def __init__(self, stage, cast, way, seed=None):
        self.stage, self.cast, self.way = stage, cast, way
        self.random = random.Random(seed)
        self.ends, self.tasks = [], []
        self.awaited = None

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self.awaited and self.awaited.done() and not self.awaited.cancelled():
            self.ends.append(self.awaited.result())
        for end in self.ends:
            end.close()

    def aside(self, doing):
        """Does it beside the rest, for as long as the story lasts."""
        self.tasks.append(asyncio.get_running_loop().create_task(doing))

    async def socket(self):
        """A connection on which nothing was said yet, TLS or not."""
        sock = await open_socket(self.stage.address)
        self.ends.append(sock)
        return sock

    async def client(self):
        """A client that has not asked for anything yet."""
        client = await connect(self.stage.address, self.cast.context if self.way.tls else None)
        self.ends.append(client)
        return client

    def path(self, token=None):
        return self.stage.path(token or self.way.target)

    async def upgraded(self, token=None):
        return await (await self.client()).upgrade(self.path(token))

    async def session(self):
        """(client, service) that have heard of each other. Half of the clients don't wait for the answer
        to their upgrade before they send."""
        client = await self.client()
        hello, self.awaited = self.stage.services.hello()
        await client.greet(self.path(), hello, at_once=self.random.random() < 0.5)
        service = await asyncio.wait_for(asyncio.shield(self.awaited), LIMIT_SECONDS)
        return client, service

    def was_cut(self, service):
        """Whether wsluice has let go of a service that it owes nothing: what we write comes back as a reset."""
        try:
            service.sock.send(b"still here")
        except ConnectionError:
            return True
        return False

    def check_cut(self, how):
        """The service was cut off. Unix sockets know no reset, and TLS may have seen the FIN of one."""
        silent = self.way.target == "unix" or self.stage.services.tls
        assert how == "reset" or (silent and how in ("fin", "truncated")), f"the service saw {how}, not a reset"
