# ctest: timeout=300 world
"""What sslscan finds: nothing weak is offered. Its findings are written down in docs/TLS.md."""

import re
import shutil
import subprocess

import pytest

from harness import speaks_tls_1_3

GOOD_SUITES = {
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305",
}
GOOD_GROUPS = {"secp256r1", "secp384r1", "secp521r1", "x25519", "x448"}


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_nothing_weak_is_offered(wsluice, echo_backend, authority, kind):
    if not shutil.which("sslscan"):
        pytest.skip("sslscan is not installed (scripts/install-deps.sh)")
    bridge = wsluice(echo_backend, "--cert", authority.issue(f"scanned-{kind}", key=kind).both)
    run = subprocess.run(["sslscan", "--no-colour", f"127.0.0.1:{bridge.port}"], capture_output=True, text=True, timeout=200)
    said = run.stdout
    assert run.returncode == 0, said + run.stderr

    versions = dict(re.findall(r"^(SSLv[23]|TLSv1\.\d)\s+(enabled|disabled)", said, re.MULTILINE))
    wanted = {"TLSv1.2": "enabled", "TLSv1.3": "enabled" if speaks_tls_1_3() else "disabled"}
    assert versions == {"SSLv2": "disabled", "SSLv3": "disabled", "TLSv1.0": "disabled", "TLSv1.1": "disabled", **wanted}, said

    suites = set(re.findall(r"^(?:Preferred|Accepted)\s+TLSv1\.\d\s+\d+ bits\s+(\S+)", said, re.MULTILINE))
    other = "RSA" if kind == "ec" else "ECDSA"
    expected = {suite for suite in GOOD_SUITES if f"-{other}-" not in suite and (suite[:4] != "TLS_" or speaks_tls_1_3())}
    assert suites == expected, said

    groups = set(re.findall(r"^TLSv1\.\d\s+\d+ bits\s+(\S+)(?: \(|$)", said, re.MULTILINE))
    wanted = {"secp256r1", "x25519"} if speaks_tls_1_3() else {"secp256r1"}  # 2.28 wants the certificate's curve, too
    assert wanted <= groups <= GOOD_GROUPS, said

    assert "Session renegotiation not supported" in said, said
    assert not re.search(r"(?<!not )vulnerable to heartbleed", said), said
    assert "Compression enabled" not in said, said
