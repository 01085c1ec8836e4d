"""PostgreSQL for programs that can't open sockets: @neondatabase/serverless, which names its server to the proxy
(?address=host:port), queries a real PostgreSQL through wsluice, which lets it reach that server and no other.
"""
# ctest: world

import glob
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from harness import Service, run_node, wait_until

PROGRAMS = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
ROWS = 4000
PASSWORD = "opensesame"


def as_postgres(*words, **options):
    """PostgreSQL refuses to be root."""
    switch = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] if os.geteuid() == 0 else []
    return subprocess.run([*switch, *words], check=True, capture_output=True, timeout=60, **options)


@pytest.fixture(scope="module")
def postgres():
    """A cluster of its own: `scram` logs in as people do, `plain` by a password in clear, which the driver sends at once
    (pipelineConnect)."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="wsluice-postgres-"))  # pytest's own are for one user only
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        data, binaries = folder / "data", pathlib.Path(PROGRAMS[-1])
        as_postgres(binaries / "initdb", "-D", data, "-U", "owner", "--no-sync", "--auth=trust", "--locale=C", "-E", "UTF8")
        rules = "local all owner trust\nhost all plain 127.0.0.1/32 password\nhost all scram 127.0.0.1/32 scram-sha-256\n"
        as_postgres("sh", "-c", f"cat > {data}/pg_hba.conf", input=rules.encode())
        server = Service(lambda port: [
            *(["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] if os.geteuid() == 0 else []),
            str(binaries / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder), "-F",
            "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=20"], folder.parent / (folder.name + ".log"))
        ready = [binaries / "pg_isready", "-q", "-h", folder, "-p", str(server.port)]
        wait_until(lambda: subprocess.run(ready).returncode == 0, limit=60)  # its port is open before it takes anybody
        roles = "".join(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}';" for name in ("plain", "scram"))
        as_postgres(binaries / "psql", "-h", folder, "-p", str(server.port), "-U", "owner", "-d", "postgres", "-c", roles)
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        pathlib.Path(f"{folder}.log").unlink(missing_ok=True)


@pytest.fixture
def query(postgres, authority):
    """query(bridge, ...) runs the driver; returns its report."""

    def run(bridge, user="scram", secure=False, pipeline=False, database=None):
        return run_node(
            "integration/clients/neon_query.mjs", limit=60, proxy=f"127.0.0.1:{bridge.port}", rows=ROWS, secure=secure,
            ca=str(authority.cert), pipelineConnect="password" if pipeline else False,
            database=database or f"postgresql://{user}:{PASSWORD}@127.0.0.1:{postgres.port}/postgres")

    return run


def expected():
    text = hashlib.sha256()
    for number in range(1, ROWS + 1):
        text.update(hashlib.md5(str(number).encode()).hexdigest().encode() * 30)
    return {"answer": 42, "bulk": [ROWS, text.hexdigest()], "beside": [1, 2, 3, 4, 5], "refused": "42703"}


@pytest.mark.parametrize("secure, user, pipeline", [(False, "scram", False), (True, "plain", True)],
                         ids=["ws, SCRAM", "wss, pipelineConnect"])
def test_queries_of_every_kind(wsluice, postgres, query, tls_options, secure, user, pipeline):
    bridge = wsluice(None, "--target-from", "query:address", "--allow-target", f"127.0.0.1:{postgres.port}",
                     *(tls_options if secure else []))
    assert query(bridge, user, secure, pipeline) == expected()


def test_another_server_is_refused(wsluice, postgres, query, serve):
    reached = []
    other = serve(lambda wire: reached.append(wire))
    bridge = wsluice(None, "--target-from", "query:address", "--allow-target", f"127.0.0.1:{postgres.port}")
    report = query(bridge, database=f"postgresql://x:y@127.0.0.1:{other.port}/postgres")
    assert "403" in report["error"]
    assert not reached
    bridge.wait_for_log("status=403")


def test_a_plain_bridge_serves_the_driver_too(wsluice, postgres, query):
    """To one server, whatever address it names."""
    bridge = wsluice(postgres)
    assert query(bridge, database=f"postgresql://scram:{PASSWORD}@db.example:5432/postgres") == expected()
