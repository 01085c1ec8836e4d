"""The `openssl s_client` command as a client: OpenSSL's own view of a handshake, mode by mode.

    said = s_client(bridge.port, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")
    said.cipher, said.version, said.resumed, said.alert

An offer that OpenSSL's default security level would not even make needs "@SECLEVEL=0" in its -cipher.
"""

import functools
import re
import subprocess

from .process import binary

# "tlsv1 alert protocol version", "sslv3 alert handshake failure": the prefix says when the alert was invented.
ALERT = re.compile(r"SSL alert number (\d+)")
NEW = re.compile(r"^(New|Reused), ([^,]+), Cipher is (\S+)", re.MULTILINE)


@functools.cache
def speaks_tls_1_3():
    """Whether the wsluice under test was built with a mbedTLS that has TLS 1.3."""
    said = subprocess.run([binary(), "--version"], capture_output=True, text=True, timeout=30).stdout
    return "mbedTLS 2." not in said


class Said:
    """What s_client printed (`text`), and what that means."""

    def __init__(self, text):
        self.text = text
        how, self.version, self.cipher = NEW.search(text).groups() if NEW.search(text) else ("", "", "")
        if self.cipher == "(NONE)":
            self.cipher = ""
        self.resumed = how == "Reused"
        alert = ALERT.search(text)
        self.alert = int(alert[1]) if alert else None

    def field(self, pattern):
        """The first group of `pattern`, or None."""
        found = re.search(pattern, self.text, re.MULTILINE)
        return found and found[1]

    def messages(self):
        """With -msg: "> ClientHello", "< ServerHello" and so on, in order."""
        return [f"{way[0]} {name}" for way, name in
                re.findall(r"^(>>>|<<<) .*Handshake \[length \w+\], (\w+)", self.text, re.MULTILINE)]

    def __repr__(self):
        return f"s_client said:\n{self.text}"


def s_client(port, *options, stdin=b"", host="127.0.0.1", limit=60):
    """Runs it until the server or `stdin` ends."""
    address = f"[{host}]" if ":" in host else host
    run = subprocess.run(["openssl", "s_client", "-connect", f"{address}:{port}", *map(str, options)],
                         input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit)
    return Said(run.stdout.decode(errors="backslashreplace"))


def s_client_script(port, *options, steps, limit=60):
    """Types `steps` ((text to wait for, bytes to type) in order) and gives what it said by the end."""
    process = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *map(str, options)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, looked_at = bytearray(), 0
    try:
        for awaited, typed in steps:
            while said.find(awaited, looked_at) < 0:
                data = process.stdout.read1(65536)
                assert data, f"s_client ended before {awaited!r}: {said.decode(errors='replace')}"
                said += data
            looked_at = said.find(awaited, looked_at) + len(awaited)
            process.stdin.write(typed)
            process.stdin.flush()
        said += process.communicate(timeout=limit)[0]
    finally:
        process.kill()
        process.wait()
    return Said(said.decode(errors="backslashreplace"))
