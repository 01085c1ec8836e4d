"""Certificates made at test time with the `openssl` command: nothing of it is kept in the repository.

    authority = Authority(tmp_path)
    server = authority.issue("server")                  # server.cert, server.key: paths of PEM files
    client = authority.issue("client", usage="clientAuth")
    old = authority.issue("old", days=-1)               # expired
"""

import subprocess
from pathlib import Path
from typing import NamedTuple

LOCAL_NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1"
KEYS = {
    "ec": ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ec384": ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "rsa": ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "ed25519": ["genpkey", "-algorithm", "ED25519"],
}


class Pair(NamedTuple):
    cert: Path  # the leaf, and what of the chain a server sends along
    key: Path
    both: Path  # certificate and key in one file, as websockify's self.pem is


def openssl(*args, stdin=None):
    run = subprocess.run(["openssl", *map(str, args)], input=stdin, capture_output=True, timeout=60)
    assert run.returncode == 0, f"openssl {args}: {run.stderr.decode()}"
    return run.stdout


def encrypt_key(key, password, target):
    """The key in PKCS#8 under a password (PBES2, AES-256)."""
    openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", key, "-out", target, "-passout", f"pass:{password}")
    return target


def trusting_home(folder, ca):
    """A home directory in which Chromium trusts `ca`, as `certutil -A -t C,,` has it on a desktop."""
    database = Path(folder) / "home/.pki/nssdb"
    database.mkdir(parents=True)
    for task in (["-N", "--empty-password"], ["-A", "-n", "tests", "-t", "C,,", "-i", str(ca)]):
        run = subprocess.run(["certutil", *task, "-d", f"sql:{database}"], capture_output=True, timeout=60)
        assert run.returncode == 0, f"certutil {task}: {run.stderr.decode()}"
    return Path(folder) / "home"


class Authority:
    """A certificate authority in a folder of the test's own; `cert` is what has to be trusted. With
    `intermediate` leaves are signed by one below the root, which comes along in their chain."""

    def __init__(self, folder, name="wsluice test authority", intermediate=False):
        self.folder = Path(folder) / name.replace(" ", "-")
        self.folder.mkdir()
        self.cert = self.folder / "root.pem"
        root_key = self._key("root", "ec")
        openssl("req", "-x509", "-new", "-key", root_key, "-days", "30", "-subj", f"/CN={name}", "-out", self.cert,
                "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self.issuer, self.issuer_key, self.chain = self.cert, root_key, b""
        if intermediate:
            below = self._sign("below", "ec", f"{name} below", 30,
                               "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n")
            self.issuer, self.issuer_key, self.chain = below.cert, below.key, below.cert.read_bytes()

    def issue(self, name, key="ec", common_name=None, names=LOCAL_NAMES, days=30, usage="serverAuth"):
        """A certificate for a server, or with usage="clientAuth" for a client; days < 0: expired."""
        extensions = f"basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage={usage}\n"
        if names:
            extensions += f"subjectAltName={names}\n"
        pair = self._sign(name, key, common_name or name, days, extensions)
        pair.cert.write_bytes(pair.cert.read_bytes() + self.chain)
        pair.both.write_bytes(pair.cert.read_bytes() + pair.key.read_bytes())
        return pair

    def _key(self, name, kind):
        path = self.folder / f"{name}.key"
        openssl(*KEYS[kind], "-out", path)
        path.chmod(0o600)
        return path

    def _sign(self, name, kind, common_name, days, extensions):
        pair = Pair(self.folder / f"{name}.pem", self._key(name, kind), self.folder / f"{name}-both.pem")
        request, config = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        config.write_text(extensions)
        openssl("req", "-new", "-key", pair.key, "-subj", f"/CN={common_name}", "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.issuer, "-CAkey", self.issuer_key, "-CAcreateserial",
                "-days", days, "-extfile", config, "-out", pair.cert)
        return pair
