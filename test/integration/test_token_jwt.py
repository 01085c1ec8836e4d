"""JWTTokenApi: tokens that carry their target, made by two libraries that know nothing of wsluice (jwcrypto,
which websockify uses itself, and PyJWT), in every algorithm; what forgers try; and keys that change.
"""
# ctest: threads

import base64
import json
import os
import subprocess
import time

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jwcrypto import jwe, jwk, jws

from harness import BINARY, Ended, free_port

HS = ["HS256", "HS384", "HS512"]
RS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
ENCRYPTIONS = {"A128GCM": 16, "A192GCM": 24, "A256GCM": 32,
               "A128CBC-HS256": 32, "A192CBC-HS384": 48, "A256CBC-HS512": 64}
CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
SECRET = "correct horse battery staple, and 10 more"


def encode(data):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def private_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def public_bytes(key, encoding=serialization.Encoding.PEM):
    return key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def ec_key():
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def key_file(tmp_path):
    """key_file(content) writes the key's file."""
    path = tmp_path / "token.key"

    def write(content):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    write.path = path
    return write


@pytest.fixture
def bridge_for(wsluice, key_file):
    """bridge_for(content) runs wsluice with that key; looked-up targets may be on this machine."""

    def start(content, *options):
        return wsluice(None, "--token-plugin", "JWTTokenApi", "--token-source", key_file(content),
                       "--allow-target", "127.0.0.0/8", "--log-level", "debug", *options)

    return start


@pytest.fixture
def claims(echo_backend):
    """claims(...) are those of a token for the echo service, with others besides."""

    def make(**others):
        return {"host": "127.0.0.1", "port": echo_backend.port, **others}

    return make


@pytest.fixture
def expect_echo(connect):
    def check(bridge, token):
        client = connect(bridge, f"/websockify?token={token}")
        client.send_frame(BINARY, b"through")
        assert client.recv_data(7) == b"through"
        return client

    return check


@pytest.fixture
def expect_refusal(connect):
    def check(bridge, token, status=404, label=""):
        client = connect(bridge, path=None)
        answer = client.upgrade(f"/?token={token}", expect=None)
        assert answer.status == status, f"{label}: {answer}"
        with pytest.raises(Ended):
            client.recv_frame()

    return check


def sign(claims, key, algorithm, header=None):
    """By jwcrypto. `key` is a JWK."""
    token = jws.JWS(json.dumps(claims) if not isinstance(claims, (str, bytes)) else claims)
    token.allowed_algs = [algorithm]
    token.add_signature(key, None, json.dumps({"alg": algorithm, **(header or {})}))
    return token.serialize(compact=True)


def encrypt(text, key, algorithm, encryption, header=None):
    token = jwe.JWE(text.encode() if isinstance(text, str) else text,
                    json.dumps({"alg": algorithm, "enc": encryption, **(header or {})}))
    token.add_recipient(key)
    return token.serialize(compact=True)


def jwk_of(pem):
    return jwk.JWK.from_pem(pem)


def secret_jwk(secret):
    return jwk.JWK(kty="oct", k=encode(secret))


# ---- every algorithm ----


@pytest.mark.parametrize("form", ["words", "with a line end", "base64url", "base64"])
def test_tokens_signed_with_a_secret(bridge_for, claims, expect_echo, form):
    secret = SECRET.encode()
    content = {"words": secret, "with a line end": secret + b"\n", "base64url": encode(secret).encode(),
               "base64": base64.b64encode(secret) + b"\n"}[form]
    bridge = bridge_for(content)
    for algorithm in HS:
        expect_echo(bridge, sign(claims(), secret_jwk(secret), algorithm))
        expect_echo(bridge, pyjwt.encode(claims(exp=int(time.time()) + 60), secret, algorithm))


def test_websockify_takes_the_file_for_base64url_and_so_do_we(bridge_for, claims, expect_echo):
    """As its own tests do: the file's text is the JWK's k."""
    for text in ("my-secret_key-0123456789-abcdefghijklmnopqr", "c2VjcmV0IG9mIHRoaXJ0eSBieXRlcyBhbmQgbW9yZQ"):
        key = jwk.JWK()
        key.import_key(k=text, kty="oct")
        expect_echo(bridge_for(text), sign(claims(), key, "HS256"))


@pytest.mark.parametrize("half", ["private", "public"])
def test_tokens_signed_with_rsa(bridge_for, claims, expect_echo, rsa_key, half):
    private = private_pem(rsa_key)
    bridge = bridge_for(private if half == "private" else public_bytes(rsa_key))
    for algorithm in RS:
        expect_echo(bridge, sign(claims(nbf=time.time() - 0.5), jwk_of(private), algorithm))
        expect_echo(bridge, pyjwt.encode(claims(), private, algorithm))


@pytest.mark.parametrize("algorithm", CURVES)
def test_tokens_signed_with_a_curve(bridge_for, claims, expect_echo, algorithm):
    key = ec.generate_private_key(CURVES[algorithm]())
    bridge = bridge_for(public_bytes(key))
    for _ in range(8):  # numbers with leading zeros come by themselves, sometimes
        expect_echo(bridge, sign(claims(), jwk_of(private_pem(key)), algorithm))
    expect_echo(bridge, pyjwt.encode(claims(), private_pem(key), algorithm))


def test_a_certificate_is_the_key_that_it_holds(bridge_for, claims, expect_echo, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=issuer", "-keyout",
                    tmp_path / "issuer.key", "-out", tmp_path / "issuer.crt"], check=True, capture_output=True)
    bridge = bridge_for((tmp_path / "issuer.crt").read_bytes())
    expect_echo(bridge, sign(claims(), jwk_of((tmp_path / "issuer.key").read_bytes()), "RS256"))


@pytest.mark.parametrize("encryption", ENCRYPTIONS)
def test_tokens_encrypted_with_the_secret(bridge_for, claims, expect_echo, encryption):
    secret = os.urandom(ENCRYPTIONS[encryption])
    for content in (encode(secret), secret if secret[-1:] not in b"\r\n" else encode(secret)):
        inner = sign(claims(), secret_jwk(secret), "HS256")
        token = encrypt(inner, secret_jwk(secret), "dir", encryption, {"cty": "JWT"})
        expect_echo(bridge_for(content), token)


def test_tokens_encrypted_with_rsa(bridge_for, claims, expect_echo, rsa_key):
    key = jwk_of(private_pem(rsa_key))
    bridge = bridge_for(private_pem(rsa_key))
    for algorithm in ("RSA-OAEP", "RSA-OAEP-256"):
        for encryption in ENCRYPTIONS:
            expect_echo(bridge, encrypt(sign(claims(), key, "RS256"), key, algorithm, encryption))


# ---- targets and times ----


def test_port_as_text_ipv6_and_unix_sockets(bridge_for, claims, expect_echo, expect_refusal, echo_backend):
    key = secret_jwk(SECRET.encode())
    bridge = bridge_for(SECRET)
    expect_echo(bridge, sign(claims(port=str(echo_backend.port)), key, "HS256"))
    expect_echo(bridge, sign(claims(host="localhost"), key, "HS256"))
    for host, port in (("127.0.0.1", 65536), ("127.0.0.1", "80x"), ("127.0.0.1", 1.5), ("127.0.0.1", True),
                       ("a b", 80), ("a\nb", 80), ("a/b", 80), ("h:1", 80), ("127.0.0.1", [80]), ("", 80)):
        expect_refusal(bridge, sign(claims(host=host, port=port), key, "HS256"), label=f"{host}:{port}")
    expect_refusal(bridge, sign('{"host":"127.0.0.1\\u0000x","port":80}', key, "HS256"))
    expect_refusal(bridge, sign('{"host":"127.0.0.1","port":%d,"port":80}' % echo_backend.port, key, "HS256"))


def test_a_token_s_time_ends_and_its_session_goes_on(bridge_for, claims, expect_echo, expect_refusal):
    key = secret_jwk(SECRET.encode())
    bridge = bridge_for(SECRET)
    change = time.time() + 2
    token, early = sign(claims(exp=change), key, "HS256"), sign(claims(nbf=change), key, "HS256")
    session = expect_echo(bridge, token)
    expect_refusal(bridge, early)
    time.sleep(change + 0.1 - time.time())
    expect_refusal(bridge, token)
    expect_echo(bridge, early)
    session.send_frame(BINARY, b"still there")
    assert session.recv_data(11) == b"still there"
    bridge.wait_for_log("token refused: it has expired")
    bridge.wait_for_log("token refused: it is not valid yet")


# ---- forgers ----


def hmac_token(secret, claims, header):
    text = f"{encode(header)}.{encode(claims)}"
    mac = hmac.HMAC(secret, hashes.SHA256())
    mac.update(text.encode())
    return f"{text}.{encode(mac.finalize())}"


def unsigned(claims, algorithm):
    return [f"{encode({'alg': algorithm})}.{encode(claims)}.", f"{encode({'alg': algorithm})}.{encode(claims)}.AAAA"]


def with_parts(token, **parts):
    """The token with some of its parts replaced: p0=..., p2=..."""
    pieces = token.split(".")
    for name, text in parts.items():
        pieces[int(name[1:])] = text
    return ".".join(pieces)


def test_forgeries_against_an_rsa_key(bridge_for, claims, expect_echo, expect_refusal, rsa_key):
    """The attacker knows the public key in every form, and one good token of his own."""
    private, good = jwk_of(private_pem(rsa_key)), claims(sub="me")
    bridge = bridge_for(private_pem(rsa_key))
    token = sign(good, private, "RS256")
    expect_echo(bridge, token)
    pem, der = public_bytes(rsa_key), public_bytes(rsa_key, serialization.Encoding.DER)
    other = jwk.JWK.generate(kty="RSA", size=2048)
    forged = [hmac_token(secret, good, {"alg": "HS256"}) for secret in (pem, pem.strip(), der, b"", b"\0")]
    forged += [each for algorithm in ("none", "None", "NONE", "nOnE", "") for each in unsigned(good, algorithm)]
    forged += [sign(good, other, "RS256"), sign(good, other, "RS256", {"jwk": other.export_public(as_dict=True)}),
               sign(good, other, "RS256", {"kid": "/dev/null", "jku": "http://127.0.0.1:1/k", "x5u": "file:///k"}),
               sign(good, other, "PS256")]
    header, _, signature = token.split(".")
    raw = decode(signature)
    forged += [with_parts(token, p1=encode(claims(sub="you"))), with_parts(token, p0=encode({"alg": "PS256"})),
               with_parts(token, p0=encode({"alg": "RS512"})), with_parts(token, p2=""),
               with_parts(token, p2=encode(raw[:-1])), with_parts(token, p2=encode(raw + b"\0")),
               with_parts(token, p2=encode(bytes(256))), with_parts(token, p2=encode(b"\0" + raw[:-1]))]
    # without a signature, or with an unsigned one, under encryptions that everybody can make
    public = jwk.JWK.from_pem(pem)
    for inner in (json.dumps(good), unsigned(good, "none")[0], encrypt(json.dumps(good), public, "RSA-OAEP", "A256GCM"),
                  hmac_token(pem, good, {"alg": "HS256"}),
                  encrypt(token, public, "RSA-OAEP", "A128GCM")):  # good, but one layer too many
        forged.append(encrypt(inner, public, "RSA-OAEP", "A256GCM"))
    forged += [encrypt(token, public, "RSA-OAEP", "A256GCM", {"zip": "DEF"}),
               encrypt(token, secret_jwk(bytes(16)), "dir", "A128GCM"),
               encrypt(token, secret_jwk(bytes(16)), "A128KW", "A128GCM")]
    sealed = encrypt(token, public, "RSA-OAEP", "A256GCM")
    expect_echo(bridge, sealed)
    forged += [with_parts(sealed, **{f"p{part}": ""}) for part in range(5)]
    forged += [with_parts(sealed, p1=encode(bytes(256))), with_parts(sealed, p1=encode(decode(sealed.split(".")[1])[1:])),
               with_parts(sealed, p4=encode(bytes(16))), with_parts(sealed, p4=encode(decode(sealed.split(".")[4])[:12])),
               with_parts(sealed, p0=encode({"alg": "RSA1_5", "enc": "A256GCM"}))]
    forged += ["", ".", "..", "....", "a.b.c", f"{token}.", f".{token}", f"{token}=", token[:-1], f"%20{token}",
               f"{token}%20", f"{header}=.{encode(good)}.{signature}", f"{token}%00", "A" * 12_000]
    for number, each in enumerate(forged):
        expect_refusal(bridge, each, 403 if each == "" else 404, label=f"forgery {number}: {each[:200]}")
    expect_echo(bridge, token)


def test_forgeries_against_a_curve(bridge_for, claims, expect_echo, expect_refusal, ec_key):
    private = jwk_of(private_pem(ec_key))
    bridge = bridge_for(public_bytes(ec_key))
    token = sign(claims(), private, "ES256")
    expect_echo(bridge, token)
    raw = decode(token.split(".")[2])
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    numbers = [(0, 0), (0, 1), (1, 0), (order, order), (order, 1), (1, order), (1, 1)]
    forged = [with_parts(token, p2=encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))) for r, s in numbers]
    der = ec_key.sign(token.rsplit(".", 1)[0].encode(), ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(der)
    assert r > 0 and s > 0
    forged += [with_parts(token, p2=encode(der)), with_parts(token, p2=encode(raw[:32])),
               with_parts(token, p2=encode(raw + bytes(2))), with_parts(token, p2=encode(raw[32:] + raw[:32]))]
    forged += unsigned(claims(), "none") + [hmac_token(public_bytes(ec_key), claims(), {"alg": "HS256"}),
                                            with_parts(token, p0=encode({"alg": "ES384"}))]
    for number, each in enumerate(forged):
        expect_refusal(bridge, each, label=f"forgery {number}")


def test_a_signature_is_of_the_form_that_its_algorithm_has(bridge_for, claims, expect_echo, expect_refusal, rsa_key, ec_key):
    """By the right key, but with another salt (RFC 7518 3.5) or another hash than goes with the curve (3.4)."""
    bridge = bridge_for(private_pem(rsa_key))
    for salt in (0, 31, 32, 33, padding.PSS.MAX_LENGTH):
        text = f"{encode({'alg': 'PS256'})}.{encode(claims())}"
        form = padding.PSS(padding.MGF1(hashes.SHA256()), salt)
        token = f"{text}.{encode(rsa_key.sign(text.encode(), form, hashes.SHA256()))}"
        (expect_echo if salt == 32 else expect_refusal)(bridge, token)
    bridge = bridge_for(private_pem(ec_key))
    for algorithm, hash_of in (("ES256", hashes.SHA256()), ("ES384", hashes.SHA384()), ("ES512", hashes.SHA512())):
        text = f"{encode({'alg': algorithm})}.{encode(claims())}"
        numbers = decode_dss_signature(ec_key.sign(text.encode(), ec.ECDSA(hash_of)))
        token = f"{text}.{encode(b''.join(number.to_bytes(32, 'big') for number in numbers))}"
        (expect_echo if algorithm == "ES256" else expect_refusal)(bridge, token)


def flipped(token, part):
    """With another bit in the middle of that part."""
    raw = bytearray(decode(token.split(".")[part]))
    raw[len(raw) // 2] ^= 1
    return with_parts(token, **{f"p{part}": encode(bytes(raw))})


@pytest.mark.parametrize("encryption", ENCRYPTIONS)
def test_each_part_of_what_is_encrypted_counts(bridge_for, claims, expect_echo, expect_refusal, encryption):
    secret = os.urandom(ENCRYPTIONS[encryption])
    bridge = bridge_for(encode(secret))
    token = encrypt(sign(claims(), secret_jwk(secret), "HS256"), secret_jwk(secret), "dir", encryption)
    expect_echo(bridge, token)
    for part in (2, 3, 4):
        expect_refusal(bridge, flipped(token, part), label=f"part {part}")
    header = {"enc": encryption, "alg": "dir"}
    for each in (with_parts(token, p1="AAAA"), with_parts(token, p0=encode(header)), with_parts(token, p4=""),
                 with_parts(token, p3=""), with_parts(token, p3=encode(decode(token.split(".")[3])[:-16]))):
        expect_refusal(bridge, each)


def test_last_bits_of_a_signature_count(bridge_for, claims, expect_echo, expect_refusal):
    """A second spelling of the same bytes would be a second token, for whoever keeps lists of them."""
    bridge = bridge_for(SECRET)
    token = sign(claims(), secret_jwk(SECRET.encode()), "HS256")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    expect_echo(bridge, token)
    expect_refusal(bridge, token[:-1] + alphabet[alphabet.index(token[-1]) | 1])


# ---- the key's file ----


def test_a_new_key_counts_at_once(bridge_for, key_file, claims, expect_echo, expect_refusal):
    secrets = [f"{number}: {SECRET}" for number in range(3)]  # of one length: only their times differ
    bridge = bridge_for(secrets[0])
    for secret in (secrets + secrets):
        key_file(secret)
        for each in secrets:
            token = sign(claims(), secret_jwk(each.encode()), "HS256")
            (expect_echo if each == secret else expect_refusal)(bridge, token)


def test_a_key_that_is_gone_or_broken_lets_nobody_in(bridge_for, key_file, claims, expect_echo, expect_refusal, ec_key):
    bridge = bridge_for(public_bytes(ec_key))
    token = sign(claims(), jwk_of(private_pem(ec_key)), "ES256")
    session = expect_echo(bridge, token)
    for spoil in (key_file.path.unlink, lambda: key_file(b""), lambda: key_file(public_bytes(ec_key)[:60])):
        spoil()
        for _ in range(3):
            expect_refusal(bridge, token, 502)
        key_file(public_bytes(ec_key))
        expect_echo(bridge, token)
    key_file.path.unlink()
    os.mkfifo(key_file.path)  # nobody writes to it
    expect_refusal(bridge, token, 502)
    session.send_frame(BINARY, b"still there")
    assert session.recv_data(11) == b"still there"
    bridge.wait_for_log("no token is accepted meanwhile", count=4)
    bridge.wait_for_log("can be read again", count=3)


BROKEN = [
    ("missing", None, "no such file"), ("empty", b"", "empty"), ("only a line end", b"\n", "empty"),
    ("cut off", b"-----BEGIN PUBLIC KEY-----\nMFkw\n", "damaged"),
    ("a JWK", b'{"kty":"oct","k":"AAAA"}', "JWK"), ("OpenSSH's", b"ssh-ed25519 AAAA me\n", "PEM"),
]


@pytest.mark.parametrize("content, says", [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_key_that_can_t_be_used_is_said_at_the_start(wsluice, key_file, content, says):
    if content is not None:
        key_file(content)
    instance = wsluice.run("--token-plugin", "websockify.token_plugins.JWTTokenApi", "--token-source", key_file.path,
                           str(free_port()))
    instance.expected_status = 1
    assert instance.wait_for_exit() == 1
    assert len(instance.log.splitlines()) == 1
    assert says in instance.log and str(key_file.path) in instance.log


def test_der_without_its_pem_lines_is_no_secret(wsluice, key_file, rsa_key):
    der = public_bytes(rsa_key, serialization.Encoding.DER)
    for content in (der, base64.b64encode(der), base64.encodebytes(der)):
        instance = wsluice.run("--token-plugin", "JWTTokenApi", "--token-source", key_file(content), str(free_port()))
        instance.expected_status = 1
        assert instance.wait_for_exit() == 1
        assert "without the lines of a PEM file" in instance.log


def test_a_key_from_a_pipe_is_read_once(wsluice, tmp_path, claims, expect_echo, ec_key):
    fifo = tmp_path / "key.fifo"
    os.mkfifo(fifo)
    writer = subprocess.Popen(["sh", "-c", 'cat >"$0"', str(fifo)], stdin=subprocess.PIPE)
    writer.stdin.write(public_bytes(ec_key))
    writer.stdin.close()
    bridge = wsluice(None, "--token-plugin", "JWTTokenApi", "--token-source", fifo,
                     "--allow-target", "127.0.0.0/8")
    assert writer.wait(10) == 0
    for _ in range(3):
        expect_echo(bridge, sign(claims(), jwk_of(private_pem(ec_key)), "ES256"))


# ---- the log, and other places ----


def test_neither_token_nor_secret_comes_to_the_log(bridge_for, claims, expect_echo, expect_refusal):
    bridge = bridge_for("short")
    tokens = [sign(claims(), secret_jwk(b"short"), "HS256"), sign(claims(exp=1), secret_jwk(b"short"), "HS256"),
              sign(claims(), secret_jwk(b"other"), "HS256")]
    expect_echo(bridge, tokens[0])
    for token in tokens[1:]:
        expect_refusal(bridge, token)
    bridge.wait_for_log("it was not made with this key")
    bridge.wait_for_log("a secret of 5 bytes can be guessed")
    for piece in [part for token in tokens for part in token.split(".")] + ['"short"']:
        assert piece not in bridge.log


def test_a_token_in_a_cookie_or_the_path(bridge_for, claims, connect):
    token = sign(claims(), secret_jwk(SECRET.encode()), "HS256")
    for place, path, headers in (("cookie:vm", "/", {"Cookie": f"a=b; vm={token}"}), ("path", f"/vm/{token}", None)):
        client = connect(bridge_for(SECRET, "--token-from", place), path, headers)
        client.send_frame(BINARY, b"through")
        assert client.recv_data(7) == b"through"
