"""Flag by flag: the real websockify (Debian's) and wsluice, started by the same words, in front of the same client and
service, are seen to do the same, but for what differences.py lists.

A row runs on both at once, and the rows four at a time: most of them wait. What a failing row says is what was looked
at, and both answers.
"""
# ctest: timeout=600 cost=40

import concurrent.futures
import pathlib
import tempfile

import pytest

from harness import encrypt_key

import pair
from differences import DIFFERENCES
from found import FOUND
from lookup import Lookup, Redis
from rows import ROWS, USAGE

ALL = ROWS + FOUND

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "docs/MIGRATING.md").read_text()
AT_ONCE = 5


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    pair.limit_descriptors()
    return pair.programs(tmp_path_factory.mktemp("names"))


@pytest.fixture(scope="session")
def pages(authority, server_pair, tmp_path_factory):
    locked = tmp_path_factory.mktemp("keys") / "locked.key"
    encrypt_key(server_pair.key, "sesame", locked)
    lookup, redis = Lookup(), Redis(tmp_path_factory.mktemp("redis"))
    client_pair = authority.issue("client", usage="clientAuth")
    issuer = authority.issue("issuer", key="rsa").key
    yield pair.Pages(authority, server_pair, client_pair, locked, issuer, lookup.port, redis)
    redis.stop()
    lookup.close()


def play(name, command, pages, row):
    """What is seen of one program, {aspect: answer}."""
    run = pair.Run(command, pages, f"{row.ours if name == 'wsluice' else ''} {row.words}", row.cwd)
    try:
        if not pair.is_listening(run.port):
            return {"start": f"ends with {run.wait()}"}
        seen = {}
        for scene in row.scenes:
            seen.update(scene(run))
        if run.process.poll() is None:
            seen["status at the end"] = run.stop()
        return seen
    finally:
        run.close()


def play_usage(_name, command, _pages, words):
    with tempfile.TemporaryDirectory(prefix="wsluice-usage-") as folder:
        return pair.usage(command, words, folder)


@pytest.fixture(scope="session")
def seen(request, programs, pages):
    """What the rows that are wanted show, as they come: seen(row) is {program: {aspect: answer}}."""
    wanted = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {}
        for params in wanted:
            for key, work in (("row", play), ("words", play_usage)):
                for name, command in programs.items() if key in params else ():
                    jobs[params[key], name] = pool.submit(work, name, command, pages, params[key])
        yield lambda key: {name: jobs[key, name].result() for name in programs}


def differing(seen_of_both):
    """[(aspect, websockify's answer, wsluice's)] where they aren't the same."""
    theirs, ours = seen_of_both["websockify"], seen_of_both["wsluice"]
    if "start" in theirs or "start" in ours:  # the rest can't be compared
        theirs, ours = ({"start": seen.get("start", "serves")} for seen in (theirs, ours))
    aspects = list(dict.fromkeys([*theirs, *ours]))
    return [(aspect, theirs.get(aspect), ours.get(aspect)) for aspect in aspects if theirs.get(aspect) != ours.get(aspect)]


def expect_explained(name, both):
    """All that differs is listed."""
    left = [f"{aspect}: websockify {theirs!r}, wsluice {ours!r}" for aspect, theirs, ours in differing(both)
            if not any(entry.explains(name, aspect, theirs, ours) for entry in DIFFERENCES)]
    assert not left, "not in differences.py:\n" + "\n".join(left)


@pytest.mark.parametrize("row", ALL, ids=[row.name for row in ALL])
def test_both_are_seen_to_do_the_same(seen, row):
    both = seen(row)
    assert len(both["wsluice"]) > 0
    expect_explained(row.name, both)


@pytest.mark.parametrize("words", USAGE, ids=[words or "nothing" for words in USAGE])
def test_wrong_usage_has_the_same_status(seen, words):
    expect_explained(f"usage: {words}", seen(words))


# --- the table of differences ---------------------------------------------------------------------------------


def test_each_listed_difference_is_still_there(request, seen):
    """Nothing is excused that has become the same."""
    wanted = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    if len(wanted) < len(ALL) + len(USAGE):
        pytest.skip("only some rows were run")
    found = [(row.name, *difference) for row in ALL for difference in differing(seen(row))]
    found += [(f"usage: {words}", *difference) for words in USAGE for difference in differing(seen(words))]
    idle = [entry.id for entry in DIFFERENCES
            if entry.always and not any(entry.explains(*difference) for difference in found)]
    assert idle == []


def test_ids_and_rows_are_unique():
    for names in ([entry.id for entry in DIFFERENCES], [row.name for row in ALL], USAGE):
        assert len(set(names)) == len(names)


def test_each_difference_is_explained_to_those_who_migrate():
    """The words stand in docs/MIGRATING.md, wherever its lines break."""
    text = " ".join(PAGE.split())
    assert [entry.id for entry in DIFFERENCES if " ".join(entry.page.split()) not in text] == []
