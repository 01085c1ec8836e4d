"""Where the mbedTLS that is built here comes from: which mirrors are asked, what is taken, refused and kept."""

import hashlib
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEYRING = pathlib.Path("/usr/share/keyrings/debian-archive-keyring.gpg")

STANZA = """Types: deb
URIs: {0}
Suites: {1}
Components: main
"""
DEBIAN = "http://mirror.test/debian"
APT_FILES = {
    "debian.sources": ({"sources.list.d/debian.sources": STANZA.format(DEBIAN, "bookworm bookworm-updates")}, [DEBIAN]),
    "sources.list": ({"sources.list": f"deb {DEBIAN} bookworm main contrib\n"}, [DEBIAN]),
    "sources.list with options": ({"sources.list": f"deb [arch=amd64 signed-by=/k] {DEBIAN} stable main\n"}, [DEBIAN]),
    "commented out": ({"sources.list": f"# deb {DEBIAN} bookworm main\n"}, []),
    "deb-src alone": ({"sources.list": f"deb-src {DEBIAN} bookworm main\n"}, []),
    "an installation medium": ({"sources.list": "deb cdrom:[Debian 12]/ bookworm main\n"}, []),
    "security is another archive": ({"sources.list.d/debian.sources":
                                     STANZA.format("http://mirror.test/debian-security", "bookworm-security")
                                     + "\n" + STANZA.format(DEBIAN, "bookworm")}, [DEBIAN]),
    "strangers come first": ({"sources.list.d/aaa.sources": STANZA.format("http://strange.test/node", "nodistro"),
                              "sources.list.d/aab.list": "deb https://strange.test/sdk sdk-bookworm main\n",
                              "sources.list.d/debian.sources": STANZA.format(DEBIAN, "bookworm")}, [DEBIAN]),
    "disabled": ({"sources.list.d/debian.sources": STANZA.format(DEBIAN, "bookworm") + "Enabled: no\n"}, []),
    "a comment inside": ({"sources.list.d/debian.sources":
                          STANZA.format(DEBIAN, "bookworm").replace("URIs", "# once elsewhere\nURIs")}, [DEBIAN]),
    "two mirrors, on lines of their own": (
        {"sources.list.d/debian.sources": STANZA.format(f"\n {DEBIAN}\n http://second.test/debian", "bookworm")},
        [DEBIAN, "http://second.test/debian"]),
    "both kinds name the same": ({"sources.list": f"deb {DEBIAN} bookworm main\n",
                                  "sources.list.d/debian.sources": STANZA.format(DEBIAN, "bookworm")}, [DEBIAN]),
    "files without a last newline": ({"sources.list.d/a.sources": STANZA.format(DEBIAN, "bookworm").rstrip(),
                                      "sources.list.d/b.sources": STANZA.format("http://b.test", "x")}, [DEBIAN]),
    "none": ({}, []),
}


@pytest.mark.parametrize(("files", "wanted"), APT_FILES.values(), ids=APT_FILES.keys())
def test_the_mirrors_of_debian_in_apts_files(tmp_path, files, wanted):
    (tmp_path / "os-release").write_text('ID=debian\nVERSION_CODENAME=bookworm\n')
    for name, text in files.items():
        path = tmp_path / "apt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run([ROOT / "scripts/debian-mirrors.sh", tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.split() == wanted, done.stderr


# Stand-ins for what the script calls. $PLAY: a file for each mirror with the versions it has; a log of the calls.
TOOLS = {
    "apt-get": """
for arg; do
  case $arg in Dir::Etc::sourcelist=*) url=$(awk '{ print $3 }' "${arg#*=}") ;; esac
done
case $* in
  *" update"*) echo "update $url" >>"$PLAY/calls"; [ -e "$PLAY/${url##*/}" ] || { echo "E: no route"; exit 100; } ;;
  *" source "*)
    version=${*##*=}
    echo "source $version" >>"$PLAY/calls"
    echo "dsc $version" >"mbedtls_$version.dsc"
    echo "orig $version${SPOILT-}" >"mbedtls_${version%%-*}.orig.tar.bz2" ;;
esac""",
    "apt-cache": """
for arg; do
  case $arg in Dir::Etc::sourcelist=*) url=$(awk '{ print $3 }' "${arg#*=}") ;; esac
done
sed 's/^/Version: /' "$PLAY/${url##*/}" """,
    "dpkg-source": "echo \"unpack $*\" >>\"$PLAY/calls\"; mkdir -p source/include",
    "cmake": """
for arg; do
  case $arg in -DCMAKE_INSTALL_PREFIX=*) echo "${arg#*=}" >"$PLAY/prefix" ;; esac
done
[ "$1" != --install ] || mkdir -p "$(cat "$PLAY/prefix")/include" """,
}
PINNED = "3.6.6-0.1"


class Stage:
    """A tree with the script, its own pin, and mirrors that have what the test says."""

    def __init__(self, folder):
        self.tree, self.play, self.cache = folder / "tree", folder / "play", folder / "cache" / "wsluice"
        shutil.copytree(ROOT / "scripts", self.tree / "scripts")
        shutil.copytree(ROOT / "cmake", self.tree / "cmake")
        self.play.mkdir()
        sums = "".join(f"sha256 {hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in (
            (f"mbedtls_{PINNED}.dsc", f"dsc {PINNED}\n"), ("mbedtls_3.6.6.orig.tar.bz2", f"orig {PINNED}\n")))
        (self.tree / "cmake/mbedtls/source.pin").write_text(f"version {PINNED}\nsuite trixie\n{sums}")
        for name, body in TOOLS.items():
            (self.play / name).write_text(f"#!/bin/sh\n{body}\n")
            (self.play / name).chmod(0o755)

    def mirrors(self, **versions):
        lines = "".join(f"echo http://mirror.test/{name}\n" for name in versions)
        (self.tree / "scripts/debian-mirrors.sh").write_text(f"#!/bin/sh\n{lines}")
        for name, had in versions.items():
            if had is not None:
                (self.play / name).write_text("".join(f"{version}\n" for version in had))

    def build(self, variant="plain", **env):
        (self.play / "calls").write_text("")
        return subprocess.run(
            [self.tree / "scripts/build-mbedtls.sh", variant], capture_output=True, text=True, check=False,
            env={**os.environ, "PATH": f"{self.play}:{os.environ['PATH']}", "PLAY": self.play,
                 "XDG_CACHE_HOME": self.cache.parent, **env})

    def calls(self, kind):
        return [line for line in (self.play / "calls").read_text().splitlines() if line.startswith(kind)]


@pytest.fixture
def stage(tmp_path):
    if not KEYRING.exists() or shutil.which("dpkg") is None:
        pytest.skip("not Debian")
    return Stage(tmp_path)


def test_the_pinned_version_is_taken_and_kept(stage):
    stage.mirrors(one=["3.6.2-1", PINNED, "3.6.9-1"])
    done = stage.build()
    assert done.returncode == 0, done.stderr
    assert pathlib.Path(done.stdout.strip(), ".complete").read_text().strip() == PINNED
    assert "WARNING" not in done.stderr
    assert sorted(path.name for path in stage.cache.iterdir()) == [f"mbedtls_{PINNED}.dsc", "mbedtls_3.6.6.orig.tar.bz2"]


def test_what_is_there_is_neither_built_nor_fetched_again(stage):
    stage.mirrors(one=[PINNED])
    first = stage.build()
    second = stage.build()
    assert second.stdout == first.stdout and (stage.play / "calls").read_text() == ""


def test_another_variant_is_built_from_the_cache(stage):
    stage.mirrors(one=[PINNED])
    first = stage.build()
    (stage.cache / "mbedtls_3.6.5-1.dsc").write_text("of an earlier pin\n")
    second = stage.build("thread")
    assert second.returncode == 0 and second.stdout != first.stdout, second.stderr
    assert stage.calls("update") == stage.calls("source") == []
    assert stage.calls("unpack") == [f"unpack --no-check -x ./mbedtls_{PINNED}.dsc source"]


def test_a_cache_that_was_changed_is_not_used(stage):
    stage.mirrors(one=[PINNED])
    stage.build()
    (stage.cache / "mbedtls_3.6.6.orig.tar.bz2").write_text("something else\n")
    assert stage.build("thread").returncode == 0
    assert stage.calls("source") == [f"source {PINNED}"]


def test_a_pinned_version_of_other_bytes_is_refused(stage):
    stage.mirrors(one=[PINNED])
    done = stage.build(SPOILT="!")
    assert done.returncode == 1 and "not those that cmake/mbedtls/source.pin names" in done.stderr
    assert stage.calls("unpack") == [] and not stage.cache.exists()


def test_a_newer_one_is_taken_loudly_where_the_pinned_one_is_gone(stage):
    stage.mirrors(one=["3.6.10-1", "3.6.9-1", "4.0.0-1"])
    for done in (stage.build(), stage.build()):
        assert done.returncode == 0, done.stderr
        assert "WARNING" in done.stderr and "3.6.10-1 serves" in done.stderr
    assert not stage.cache.exists()  # only what the pin names


REFUSED = {"older": ["3.6.2-1"], "another branch": ["4.0.0-1", "2.28.3-1"], "none": []}


@pytest.mark.parametrize("versions", REFUSED.values(), ids=REFUSED.keys())
def test_anything_else_is_refused(stage, versions):
    stage.mirrors(one=versions)
    done = stage.build()
    assert done.returncode == 1 and done.stdout == ""
    assert f"neither mbedTLS {PINNED} nor a newer 3.6" in done.stderr


def test_a_mirror_that_does_not_answer_is_passed_over(stage):
    stage.mirrors(one=None, two=["3.6.2-1"], three=[PINNED])
    done = stage.build()
    assert done.returncode == 0, done.stderr
    assert "E: no route" in done.stderr
    assert stage.calls("source") == [f"source {PINNED}"]


def test_no_mirror_at_all_is_said(stage):
    stage.mirrors()
    done = stage.build()
    assert done.returncode == 1 and "no mirror" in done.stderr


def test_an_unknown_variant_is_refused(stage):
    assert "unknown variant" in stage.build("memory").stderr
