"""A page in Chromium that takes text only: what a service says comes as text, in lines or as it is; Chromium itself
ends a connection where text is not UTF-8."""
# ctest: once

import pathlib
import shutil

import pytest

from harness import run_node

SAID = "erste Zeile ☕\r\nzweite\nund kein Ende".encode()


@pytest.fixture
def listen(wsluice, serve, tmp_path, home):
    """listen("--frames", "lines", count=2) has the page hear what the service says when it was spoken to."""
    shutil.copy(pathlib.Path(__file__).with_name("text_page.html"), tmp_path)

    def run(*options, said=SAID):
        def speak(wire):
            wire.recv_some()
            for at in range(len(said)):
                wire.send(said[at:at + 1])

        bridge = wsluice(serve(speak), "--web", tmp_path, *options)
        url = bridge.url("/text_page.html", scheme="http", host="localhost")
        return run_node("browser/text_page.mjs", url=url, home=home, say=["hallo"])

    return run


def test_lines(listen):
    report = listen("--frames", "lines")
    assert report["messages"] == ["erste Zeile ☕", "zweite", "und kein Ende"]
    assert (report["code"], report["reason"], report["wasClean"]) == (1000, "Target closed", True)


def test_text(listen):
    report = listen("--frames", "text")
    assert "".join(report["messages"]) == SAID.decode()
    assert (report["code"], report["wasClean"]) == (1000, True)


def test_any_bytes_come_as_text(listen):
    report = listen("--frames", "text", said=bytes(range(256)))
    assert "�" in "".join(report["messages"])
    assert (report["code"], report["reason"]) == (1000, "Target closed")


def test_a_page_that_may_not_be_lied_to(listen):
    report = listen("--frames", "text", "--invalid-utf8", "close", said=b"so far so good \xff")
    assert "".join(report["messages"]) == "so far so good "
    assert (report["code"], report["reason"], report["wasClean"]) == (1007, "Target sent invalid UTF-8", True)
