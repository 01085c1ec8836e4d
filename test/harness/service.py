"""Programs that nobody here wrote, as services behind wsluice, and Node scripts as clients before it.

A Service gets a port that was free a moment ago; where somebody else was faster it is started again
with another one.
"""

import json
import pathlib
import socket
import subprocess

from .process import free_port, wait_until
from .wire import LIMIT_SECONDS

TESTS = pathlib.Path(__file__).resolve().parents[1]
START_ATTEMPTS = 5


class Service:
    """A running program that listens on `port`. `command(port)` gives its argument list; what it says
    goes to the file `log_path` and into the message when it does not start. `port` is given where it must be
    that one: the port of one that was stopped."""

    def __init__(self, command, log_path, pass_fds=(), port=None):
        self.log_path = pathlib.Path(log_path)
        for _ in range(START_ATTEMPTS):
            self.port = port or free_port()
            with self.log_path.open("wb") as log:
                self.process = subprocess.Popen(
                    command(self.port), stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=pass_fds
                )
            wait_until(lambda: self._listens() or self._ended(), message=self._complaint)
            if not self._ended():
                return
        raise AssertionError(self._complaint())

    @property
    def target_args(self):
        return [f"127.0.0.1:{self.port}"]

    def _listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), LIMIT_SECONDS).close()
        except ConnectionRefusedError:
            return False
        return True

    def _ended(self):
        return self.process.poll() is not None

    def _complaint(self):
        return f"{self.process.args} did not start:\n{self.log_path.read_text(errors='replace')}"

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run_node(script, limit=120.0, **options):
    """Runs a script of test/ with `options` as JSON in its first argument; returns what it prints last,
    parsed as JSON. The packages it imports come from `npm ci` in test/."""
    assert (TESTS / "node_modules").is_dir(), f"no {TESTS / 'node_modules'}: run `npm ci` in {TESTS}"
    result = subprocess.run(
        ["node", str(TESTS / script), json.dumps(options)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=limit,
    )
    said = f"{script} said:\n{result.stdout}{result.stderr}"
    assert result.returncode == 0, f"status {result.returncode}; {said}"
    return json.loads(result.stdout.splitlines()[-1])
