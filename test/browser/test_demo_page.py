"""The demo's page in Chromium: a person types to the service and sees answers, frames, bytes and round
trips; by keyboard alone, on a phone, dark and light, and towards other services too.

$WSLUICE_SCREENSHOTS names a folder that keeps the pictures.
"""
# ctest: world once cost=60

import os
import pathlib
import re

import pytest

from harness import free_port, run_node, trusting_home, wait_until

FRAMES_KEPT = 500  # frames.js
LINES_KEPT = 800  # console.js
MAX_FRAME = 65536


@pytest.fixture
def demo(wsluice):
    return wsluice(None, "--demo")


@pytest.fixture
def tell(demo, tmp_path):
    """tell(story, ...) lives one story of demo_page.mjs and returns its report. A page that complains
    in its console fails the test, but for `allowed` words."""
    shots = pathlib.Path(os.environ.get("WSLUICE_SCREENSHOTS", tmp_path)).absolute()
    shots.mkdir(parents=True, exist_ok=True)

    def run(story, allowed=None, scheme="http", **options):
        url = demo.url(scheme=scheme, host="localhost" if scheme == "https" else "127.0.0.1")
        report = run_node("browser/demo_page.mjs", url=url, story=story, shots=str(shots), **options)
        unexpected = [line for line in report["complaints"] if not (allowed and re.search(allowed, line))]
        assert not unexpected, f"the page complained: {unexpected}"
        return report

    return run


def frame(direction, opcode, length, payload):
    return {"direction": direction, "opcode": opcode, "length": length, "payload": payload}


def test_typing_shows_the_answer_its_frames_bytes_and_round_trip(tell):
    seen = tell("talks")
    assert seen["typed"] == ["echo hello"]
    assert seen["answers"][1:] == ["hello"], "after the greeting; answers to the page's own pings do not show"
    greeting, sent, received, *pings = seen["rows"]
    assert greeting["direction"] == "received" and "Type help" in greeting["payload"]
    assert sent == frame("sent", "binary", 11, "echo hello↵")
    assert received == frame("received", "binary", 6, "hello↵")
    assert pings[:2] == [frame("sent", "binary", 5, "ping↵"), frame("received", "binary", 5, "pong↵")]

    figures = seen["figures"]
    ups, downs = ([row["length"] for row in seen["rows"] if row["direction"] == way] for way in ("sent", "received"))
    assert (figures["up-bytes"], figures["up-frames"]) == (f"{sum(ups)} B", f"{len(ups)} frames")
    assert (figures["down-bytes"], figures["down-frames"]) == (f"{sum(downs)} B", f"{len(downs)} frames")
    assert re.fullmatch(r"[\d.]+ m?s", figures["rtt-last"])
    assert re.fullmatch(r"[\d.]+ m?s", figures["rtt-p50"])
    assert all(count > 5 for count in seen["painted"].values()), f"charts are not drawn: {seen['painted']}"


def test_over_tls_a_browser_trusts_the_certificate_that_the_demo_names(tell, demo, tmp_path):
    said = wait_until(lambda: re.search(r"https://127.0.0.1:(\d+)/ .*?(/\S+\.pem)", demo.output, re.DOTALL),
                      message=lambda: f"no https:// in what it prints:\n{demo.output}")
    assert int(said[1]) == demo.port
    seen = tell("talks", scheme="https", home=str(trusting_home(tmp_path, said[2])))
    assert seen["answers"][1:] == ["hello"]
    assert seen["url"] == f"wss://localhost:{demo.port}/"


def test_a_frame_opens_as_hex_and_text(tell):
    seen = tell("opens_a_frame")
    assert seen["detail-title"] == "↓ binary, received"
    assert "0x2 binary, FIN set" in seen["detail-facts"]
    assert "8 bytes" in seen["detail-facts"] and "2 bytes, unmasked" in seen["detail-facts"]
    assert seen["dump-offsets"] == "0000"
    assert seen["dump-hex"].split() == [f"{byte:02x}" for byte in "Größe\n".encode()]
    assert seen["dump-chars"] == "Gr····e·"
    assert seen["dump-text"] == "Größe"
    assert seen["selected"] == ["Größe↵"]
    assert seen["hiddenAgain"]


def test_all_of_it_works_by_keyboard_alone(tell):
    seen = tell("keyboard")
    assert seen["atStart"] == "line", "with a keyboard at hand one can type at once"
    assert 0 < seen["tabsBack"] < 25 and seen["skip"] == "skip", "the first link leads past the controls"
    assert seen["recalled"] == ["echo second", "echo first", "echo first", "echo second", "half a li"]
    assert 0 < seen["tabsToRows"] < 20
    assert (seen["opened"], seen["moved"]) == ("echo first\n", "first\n")
    assert seen["closed"] and seen["focusAfter"] == "TR", "closing a frame gives the focus back"
    assert seen["outline"] == "solid", "where the focus is can be seen"


def test_an_ending_is_told_in_plain_words_and_can_be_undone(tell):
    seen = tell("ends")
    assert seen["state"] == "Not connected"
    assert (seen["ended-code"], seen["ended-reason"]) == ("1000 Normal", "“Target closed”")
    assert "the service behind wsluice ended its side" in seen["ended-words"]
    assert "1000" in seen["announce"], "screen readers hear of it"
    assert seen["rows"] == [frame("received", "close", 15, "1000 Target closed"), frame("sent", "close", 2, "1000")]
    assert seen["marked"] == "code-1000"
    assert not seen["cardAfter"]
    assert seen["disconnected"] == {"state": "Not connected", "ended-code": "1000 Normal"}


def test_a_flood_arrives_whole_and_leaves_the_page_usable(tell):
    size = 20 << 20
    seen = tell("floods", bytes="20M")
    received = int(seen["received"].split()[0].replace(",", ""))
    assert size < received < size + 300, "all of it, the greeting and the line at its end"
    assert seen["rows"] <= FRAMES_KEPT and seen["shownLines"] <= LINES_KEPT
    assert seen["largest"] <= MAX_FRAME
    assert any("went by too fast to show" in note for note in seen["notes"]), seen["notes"]
    assert seen["painted"]["down"] > 3 * seen["painted"]["up"] > 0, seen["painted"]


def test_dark_and_light_follow_the_system_and_the_button(tell):
    seen = tell("themes")
    brightness = {name: sum(map(int, re.findall(r"\d+", seen[name])[:3])) for name in ("dark", "light", "chosen", "kept")}
    assert brightness["dark"] < 150 and brightness["light"] > 600
    assert brightness["chosen"] < 150, "dark was chosen on a light system"
    assert seen["label"] == "Theme: dark"
    assert brightness["kept"] < 150, "the choice outlives the page"


def test_a_phone_shows_it_without_sideways_scrolling(tell):
    seen = tell("phone")
    for width in ("390", "360", "320"):
        assert seen[width]["overflow"] <= 0, f"{width} px: {seen[width]['overflow']} px too wide"
    assert seen["390"]["lineEnds"] < 844, "the input line is on the first screen"


def test_it_connects_to_other_paths_and_other_servers(tell, demo, wsluice, echo_backend):
    other = wsluice(echo_backend)
    targets = [
        {"url": demo.url("/any/path?token=x"), "mode": "binary", "line": "echo path", "answer": "path"},
        {"url": demo.url("/"), "mode": "text", "line": "echo text", "answer": "text"},
        {"url": other.url("/websockify"), "mode": "binary", "line": "mirrored", "answer": "mirrored"},
    ]
    seen = tell("elsewhere", targets=targets)["targets"]
    assert [target["state"] for target in seen] == ["Connected"] * 3
    assert [target["sent"]["opcode"] for target in seen] == ["binary", "text", "binary"]


def test_what_can_not_be_connected_to_is_explained(tell):
    seen = tell("refused", allowed="WebSocket connection to .* failed", dead=f"ws://127.0.0.1:{free_port()}/")
    assert seen["state"] == "Not connected"
    assert seen["ended-code"] == "1006 Cut off" and "Browsers do not tell pages which" in seen["ended-words"]
    assert seen["note"].startswith("That can't be connected to: ")
    assert seen["kept"] == "echo into the void", "a line that could not be sent is not lost"


def test_links_may_preset_a_url_but_not_connect_elsewhere(tell, demo):
    own = demo.url("/from/a/link")
    seen = tell("links", queries={
        "own": f"url={own}",
        "foreign": "url=wss://other.example/",
        "same host, other port": f"url=ws://127.0.0.1:{demo.port % 65000 + 1}/",
        "no WebSocket": "url=javascript:alert(1)",
    })
    assert (seen["own"]["state"], seen["own"]["url"]) == ("Connected", own)
    for name in ("foreign", "same host, other port"):
        assert seen[name]["state"] == "Not connected", name
        assert "Connect to it only if you know it" in seen[name]["connect-note"]
    assert seen["foreign"]["url"] == "wss://other.example/"
    assert seen["no WebSocket"]["url"] == demo.url("/")


def test_markup_from_the_service_stays_text(tell):
    seen = tell("markup")
    assert set(seen["elements"]) == {"DIV"}, "the transcript's own lines"
    assert seen["title"].startswith("wsluice")


def test_frames_can_be_filtered_paused_and_cleared(tell):
    seen = tell("inspects")
    assert [row["payload"] for row in seen["found"]] == ["echo needle↵", "needle↵"]
    assert [row["payload"] for row in seen["foundSent"]] == ["echo needle↵"]
    assert seen["whilePaused"] == 0
    assert (seen["cleared"], seen["transcript"]) == (0, 0)
