"""A Docker engine of a test's own: from Debian's packages, with a data root in a folder of ours, leaving links,
firewall and forwarding alone; and base images made with debootstrap, since no registry can be asked."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLEAN_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
SCRATCH = "/var/tmp"  # debootstrap takes no path with blanks in it, and no file system without devices as /tmp may be
START_SECONDS = 60
STOP_SECONDS = 30
NO_NETWORK = ["--iptables=false", "--ip6tables=false", "--bridge=none", "--ip-forward=false", "--ip-masq=false"]

# What scripts/install-deps.sh wants for a build, and the services of docker/compose.yaml.
BASE_PACKAGES = ("gcc,libc6-dev,cmake,ninja-build,pkgconf,libuv1-dev,libc-ares-dev,libjansson-dev,libhiredis-dev,"
                 "libcrypt-dev,libmbedtls-dev,ca-certificates,redis-server,mosquitto")
BASE_SUITE = "trixie"


def missing_tools():
    """What keeps an engine from running here, in words; empty when nothing does."""
    tools = [tool for tool in ("dockerd", "docker", "docker-compose", "debootstrap")
             if shutil.which(tool, path=CLEAN_PATH + ":" + os.environ.get("PATH", "")) is None]
    reasons = [f"missing: {', '.join(tools)}"] if tools else []
    return reasons + (["not root"] if os.geteuid() != 0 else [])


def run(*command, limit=300, check=True, env=None, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=limit,
                          env={**os.environ, **(env or {})}, **options)
    assert not check or done.returncode == 0, f"{command}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done


def bootstrap(folder):
    mirrors = run(ROOT / "scripts/debian-mirrors.sh").stdout.split()
    for mirror in mirrors:
        done = run("debootstrap", "--variant=minbase", f"--include={BASE_PACKAGES}", BASE_SUITE, folder, mirror,
                   limit=600, check=mirror == mirrors[-1], env={"PATH": CLEAN_PATH})
        if done.returncode == 0:
            return
        shutil.rmtree(folder, ignore_errors=True)
    raise RuntimeError("no mirror of Debian in /etc/apt")


def base_archive():
    """A minimal Debian with a compiler as one archive, made once for this build folder."""
    tag = hashlib.sha256(f"{BASE_SUITE} {BASE_PACKAGES}".encode()).hexdigest()[:12]
    archive = ROOT / "build" / "cache" / f"base-{tag}.tar"
    if archive.exists():
        return archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="wsluice-base-", dir=SCRATCH) as scratch:
        folder = pathlib.Path(scratch, "root")
        bootstrap(folder)
        shutil.rmtree(folder / "var/cache/apt/archives", ignore_errors=True)
        run("tar", "-C", folder, "-cf", archive.with_suffix(".part"), ".")
    archive.with_suffix(".part").rename(archive)
    return archive


class Engine:
    """A running dockerd; `engine.docker(...)` talks to it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wsluice-docker-", dir=SCRATCH))
        self.host = f"unix://{self.folder}/d.sock"
        self.log = open(self.folder / "dockerd.log", "w+")
        self.process = subprocess.Popen(
            ["dockerd", "-H", self.host, "--data-root", self.folder / "data", "--exec-root", self.folder / "exec",
             "-p", self.folder / "d.pid", *NO_NETWORK],
            env={"PATH": CLEAN_PATH}, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def wait_until_started(self):
        """None when it serves, else why not."""
        deadline = time.monotonic() + START_SECONDS
        while self.docker("info", check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.log.seek(0)
                return f"dockerd does not start: {self.log.read()[-2000:]}"
            time.sleep(0.2)
        return None

    @property
    def environment(self):
        return {"DOCKER_HOST": self.host, "DOCKER_BUILDKIT": "0", "COMPOSE_DOCKER_CLI_BUILD": "0"}

    def docker(self, *args, **options):
        return run("docker", *args, env=self.environment, **options)

    def inspect(self, what, template):
        return self.docker("inspect", "--format", template, what).stdout.strip()

    def stop(self):
        """Ends its containers and itself, and leaves neither mounts nor files."""
        for container in self.docker("ps", "-aq", check=False).stdout.split():
            self.docker("rm", "-f", container, check=False)
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        for mount in reversed(self.mounts()):
            run("umount", mount, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def mounts(self):
        lines = pathlib.Path("/proc/mounts").read_text().splitlines()
        return [where for where in (line.split()[1] for line in lines) if where.startswith(f"{self.folder}/")]
