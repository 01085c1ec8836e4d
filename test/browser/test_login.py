"""A person logs in on a page in Chromium, and the page's WebSocket comes in: by what the browser sends, and by the
signed cookie alone, as with browsers that send no credentials on an upgrade (Safari). Pages of others can't use it.
"""
# ctest: world once

import re

import pytest

from harness import run_node

ALMOST = 1006  # what a page sees of an upgrade that was refused


@pytest.fixture
def pages(tmp_path):
    (tmp_path / "index.html").write_text("<!DOCTYPE html><title>a page</title>")
    return tmp_path


@pytest.fixture
def foreign(wsluice, echo_backend, pages):
    """A page of another origin on the same host, where browsers send the cookie too: it knows no ports."""
    return wsluice(echo_backend, "--web", pages)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_login_on_the_page_opens_its_websocket(wsluice, echo_backend, foreign, pages, tls_options, home, scheme):
    options = [*tls_options, "--ssl-only"] if scheme == "https" else []
    bridge = wsluice(echo_backend, "--auth-plugin", "BasicHTTPAuth", "--auth-source", "alice:secret", "--web", pages,
                     "--web-auth", "-v", *options)
    seen = run_node("browser/login.mjs", url=bridge.url("/index.html", scheme=scheme, host="localhost"),
                    foreign=foreign.url("/index.html", scheme="http", host="localhost"), user="alice",
                    password="secret", home=home)
    assert seen["refusedPage"] == 401 or "ERR_INVALID_AUTH_CREDENTIALS" in seen["refusedPage"]
    assert (seen["page"], seen["own"], seen["cookieAlone"]) == (200, "open", "open")
    assert (seen["without"], seen["foreign"]) == (ALMOST, ALMOST)
    assert seen["visible"] == "", "scripts can't see it"
    [cookie] = seen["cookies"]
    assert re.fullmatch(r"(__Host-)?wsluice_[0-9a-f]{8}", cookie.pop("name"))
    assert cookie == {"httpOnly": True, "sameSite": "Strict", "secure": scheme == "https", "path": "/"}
    bridge.wait_for_log('session opened .*user="alice"', count=2)
    if scheme == "http":  # over TLS the plain page's upgrade, of another scheme, brings no cookie
        bridge.wait_for_log("a page of another origin may not use this login")
