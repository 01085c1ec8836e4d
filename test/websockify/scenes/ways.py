"""Ways in: addresses, TLS, pages."""

import ssl

from pair import FILES

from .pieces import get, how_it_answers, status_of
from .sessions import session


def where_it_listens(run):
    return {host: how_it_answers(run, host=host) for host in ("127.0.0.1", "127.0.0.2", "::1")}


def session_at_v6(run):
    return session(run, host="::1")


def tls_versions(run):
    """Which versions of TLS a client gets in with."""
    versions = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
    return {f"TLS {name}": session(run, scheme="wss", version=version)["upgrade"] for name, version in versions.items()}


def client_certificates(run):
    """Who gets in with --verify-client."""
    return {"plain": session(run)["upgrade"],
            "no certificate": session(run, scheme="wss")["upgrade"],
            "a certificate": session(run, scheme="wss", cert=run.pages.client_pair)["upgrade"]}


# --- pages ---------------------------------------------------------------------------------------------------


def files(run):
    """Files of --web: content, type, and what there is instead of files."""
    seen = {}
    for name, content in FILES.items():
        answer = get(run, "/" + name.replace(" ", "%20").replace("<", "%3C").replace(">", "%3E"))
        seen[name] = (answer.status, answer.body == content, (answer.header("Content-Type") or "").split(";")[0])
    for name, path in (("missing", "/no-such-file"), ("outside", "/../key.pem"), ("outside, encoded", "/%2e%2e/key.pem"),
                       ("folder without a slash", "/sub"), ("query", "/vnc.html?a=b")):
        seen[name] = get(run, path).status
    seen["folder without a slash, to"] = get(run, "/sub").header("Location")
    seen["HEAD"] = (get(run, "/vnc.html", "HEAD").status, get(run, "/vnc.html", "HEAD").header("Content-Length"))
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        seen[method] = get(run, "/vnc.html", method).status
    seen["index.html"] = get(run, "/with%20index/").body
    return seen


def listings(run):
    """Folders without an index."""
    seen = {}
    for path in ("/", "/sub/", "/empty/"):
        answer = get(run, path)
        seen[path] = answer.status
        if answer.status == 200:
            seen[f"{path} names its files"] = all(
                word in answer.body for word in ([b"app.js", b"%3Cb%3E", b"&lt;b&gt;"] if path == "/sub/" else []))
    return seen


def no_files(run):
    return {f"{method} {path}": status_of(get(run, path, method))
            for method, path in (("GET", "/"), ("GET", "/vnc.html"), ("HEAD", "/"), ("POST", "/"))}


def page_over_tls(run):
    return {"https page": status_of(get(run, "/vnc.html", scheme="https"))}


def page(run):
    return {"page": status_of(get(run, "/vnc.html"))}
