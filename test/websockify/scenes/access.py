"""Who gets where: tokens, logins."""

import base64
import json
import time

from jwcrypto import jwk, jwt

from pair import CREDENTIALS, JWT_SECRET

from .pieces import get, how_it_answers, status_of
from .sessions import session


def tokens(run):
    seen = {}
    for name, path in (("known", "/?token=vm-1"), ("in any path", "/websockify?a=b&token=vm-1"),
                       ("a Unix socket", "/?token=sock"), ("encoded", "/?token=%76m-1")):
        seen.update({f"{name}: {key}": value for key, value in session(run, path=path).items()})
    for name, path in (("unknown", "/?token=nobody"), ("none", "/"), ("empty", "/?token=")):
        seen[name] = session(run, path=path)["upgrade"]
    return seen


def tokens_looked_up(run):
    """Of a service that knows one token (lookup.py)."""
    seen = session(run, path="/?token=vm-1")
    for token in ("moved", "busy", "empty", "vm-1%3Fx", "vm-1%23x", ".%2Fvm-1"):
        seen[f"token {token}"] = how_it_answers(run, path=f"/?token={token}")
    return {**seen, "unknown": how_it_answers(run, path="/?token=nobody"), "none": how_it_answers(run)}


def tokens_in_redis(run):
    """Each run's key has its own port for a name, since all share the server. JSON only: older ones read no text."""
    target = run.places["target"]
    run.pages.redis.set(f"vm-{target}", json.dumps({"host": f"127.0.0.1:{target}"}))
    run.pages.redis.set(f"broken-{target}", "{")
    seen = session(run, path=f"/?token=vm-{target}")
    for name, path in (("unknown", "/?token=nobody"), ("none", "/"), ("no JSON", f"/?token=broken-{target}")):
        seen[name] = how_it_answers(run, path=path)
    return seen


def tokens_name_sockets(run):
    seen = session(run, path="/?token=backend.sock")
    for name in ("nobody", "..%2Fbackend.sock", ""):
        seen[f"token {name}"] = how_it_answers(run, path=f"/?token={name}")
    return seen


def token_at_last(run):
    return session(run, path="/websockify?token=vm-1")


def token_in_host(run):
    """The client's Host is 127.0.0.1, which is a token."""
    return session(run)


def signed_tokens(run):
    """Made by the library that websockify reads them with."""
    key = jwk.JWK(kty="oct", k=JWT_SECRET)
    seen, now = {}, int(time.time())
    for name, extra in (("too early", {"nbf": now + 60}), ("over", {"exp": now - 60}), ("lasting", {})):
        token = jwt.JWT(header={"alg": "HS256"}, claims={"host": "127.0.0.1", "port": str(run.places["target"]), **extra})
        token.make_signed_token(key)
        seen[name] = how_it_answers(run, path=f"/?token={token.serialize()}")
    seen["forged"] = how_it_answers(run, path=f"/?token={token.serialize()[:-4]}AAAA")
    return {**seen, **session(run, path=f"/?token={token.serialize()}")}


def sealed_tokens(run):
    """Signed with an RSA key, and encrypted with it in the ways that both programs know; and not signed at all."""
    key = jwk.JWK.from_pem((run.here / "issuer.pem").read_bytes())
    claims = {"host": "127.0.0.1", "port": str(run.places["target"])}
    seen = {}
    for algorithm in ("RS256", "PS256", "RS512"):
        signed = jwt.JWT(header={"alg": algorithm}, claims=claims)
        signed.make_signed_token(key)
        seen[algorithm] = how_it_answers(run, path=f"/?token={signed.serialize()}")
    for algorithm, encryption in (("RSA-OAEP", "A256CBC-HS512"), ("RSA-OAEP-256", "A256GCM"), ("RSA-OAEP", "A128GCM")):
        sealed = seal(signed.serialize(), key, algorithm, encryption)
        seen[f"{algorithm} {encryption}"] = how_it_answers(run, path=f"/?token={sealed}")
    never_signed = seal(seal(claims, key, "RSA-OAEP", "A128GCM"), key, "RSA-OAEP", "A128GCM")
    seen["never signed"] = how_it_answers(run, path=f"/?token={never_signed}")
    return {**seen, **session(run, path=f"/?token={sealed}")}


def seal(content, key, algorithm, encryption):
    token = jwt.JWT(header={"alg": algorithm, "enc": encryption}, claims=content)
    token.make_encrypted_token(key)
    return token.serialize()


# --- logins --------------------------------------------------------------------------------------------------


def credentials(run):
    """With --auth-plugin BasicHTTPAuth: upgrades, and pages where there are any."""
    seen = {}
    for name, value in (("none", None), ("right", basic(CREDENTIALS)), ("wrong password", basic("console:pass")),
                        ("wrong user", basic("nobody:pass:word")), ("another scheme", "Bearer abc")):
        headers = {"Authorization": value} if value else {}
        seen[f"upgrade, {name}"] = how_it_answers(run, headers=headers)
        seen[f"page, {name}"] = status_of(get(run, "/vnc.html", headers=headers))
    seen["asks for it"] = get(run, "/vnc.html").header("WWW-Authenticate") is not None
    return {**seen, **session(run, headers={"Authorization": basic(CREDENTIALS)})}


def basic(words):
    return "Basic " + base64.b64encode(words.encode()).decode()


def origins(run):
    return {str(origin): how_it_answers(run, headers={"Origin": origin} if origin else {})
            for origin in (None, "https://one.example", "https://two.example:8443", "https://three.example")}


def common_names(run):
    return {"plain": how_it_answers(run), "no certificate": how_it_answers(run, scheme="wss"),
            "the right name": how_it_answers(run, scheme="wss", cert=run.pages.client_pair),
            "a header instead": how_it_answers(run, headers={"SSL_CLIENT_S_DN_CN": "client"})}
