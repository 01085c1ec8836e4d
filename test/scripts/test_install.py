"""`make install`: what lands where, and the completions of bash, zsh and fish, tried in these shells."""
import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("WSLUICE_BIN", ROOT / "build/wsluice")).parent
LIMIT_SECONDS = 20
LINKS = {  # below the prefix
    "bin/websockify": "wsluice",
    "share/man/man1/websockify.1": "wsluice.1",
    "share/bash-completion/completions/websockify": "wsluice",
    "share/bash-completion/completions/wsluice-bench": "wsluice",
    "share/fish/vendor_completions.d/websockify.fish": "wsluice.fish",
    "share/fish/vendor_completions.d/wsluice-bench.fish": "wsluice.fish",
}
FILES = [
    "bin/wsluice", "bin/wsluice-bench", "share/man/man1/wsluice.1", "share/man/man1/wsluice-bench.1",
    "share/bash-completion/completions/wsluice", "share/zsh/site-functions/_wsluice",
    "share/fish/vendor_completions.d/wsluice.fish",
]
# Arguments that are no choice among words: what else takes one has its words in contrib/completions/values.
OPEN_ARGUMENTS = {
    "ADDRESS", "ARG", "BYTES", "CIDR", "COLSxROWS", "DIR", "FILE", "IP", "LINE", "LIST", "N", "NAME", "NAME[=VALUE]", "NETWORK", "ORIGIN", "PATH", "PATTERN", "PID",
    "PLACE", "PROGRAM", "SEC", "SEC[,SEC[,N]]", "SERVER", "WORD",
}
OPEN_OPTIONS = {"unix-listen-mode"}  # MODE of a file


def install(destination, prefix="/usr"):
    """Returns what CMake said."""
    done = subprocess.run(
        ["cmake", "--install", BUILD, "--prefix", prefix], env={**os.environ, "DESTDIR": str(destination)},
        capture_output=True, text=True, timeout=LIMIT_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """What is installed, below a DESTDIR."""
    destination = tmp_path_factory.mktemp("installed")
    install(destination)
    return destination / "usr"


# --- what lands where --------------------------------------------------------------------------------------


def test_what_is_installed(prefix):
    assert {str(path): os.readlink(prefix / path) for path in LINKS} == LINKS
    for path in FILES:
        assert (prefix / path).is_file() and not (prefix / path).is_symlink(), path
    there = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if not path.is_dir()}
    others = there - {*FILES, *LINKS}
    assert [Path(path).name for path in others] == ["libwsluice-wrap.so"]  # lib, lib64, lib/x86_64-linux-gnu


def test_the_prefix_and_a_second_time(tmp_path):
    for _ in range(2):
        said = install(tmp_path, "/opt/bridge")
        assert "not ours" not in said
    assert os.readlink(tmp_path / "opt/bridge/bin/websockify") == "wsluice"
    assert not (tmp_path / "usr").exists()


def test_another_websockify_is_left_alone(tmp_path):
    (tmp_path / "usr/bin").mkdir(parents=True)
    other = tmp_path / "usr/bin/websockify"
    other.write_text("#!/usr/bin/python3\n")
    assert "websockify is there and not ours" in re.sub(r"\s+", " ", install(tmp_path))
    assert other.read_text() == "#!/usr/bin/python3\n"
    assert (tmp_path / "usr/bin/wsluice").is_file()


def test_the_programs_run_by_each_of_their_names(prefix):
    for name in ("wsluice", "websockify"):
        text = subprocess.check_output([prefix / "bin" / name, "--help"], text=True)
        assert text.startswith(f"usage: {name} [options]")


def test_the_pages_are_found(prefix):
    for name in ("wsluice", "websockify", "wsluice-bench"):
        done = subprocess.run(["man", "-M", prefix / "share/man", name], capture_output=True, text=True,
                              env={**os.environ, "MANPAGER": "cat"}, timeout=LIMIT_SECONDS)
        assert done.returncode == 0 and "WSLUICE" in done.stdout, done.stderr


# --- words to choose from ------------------------------------------------------------------------------------


def options_of(prefix, program):
    """{name: argument or None} as --help has it."""
    text = subprocess.check_output([prefix / "bin" / program, "--help"], text=True)
    rows = re.findall(r"^  (?:-\w, )?--([a-z0-9-]+)(?: ([A-Z]\S*))?", text, re.MULTILINE)
    return {name: argument or None for name, argument in rows}


def choices():
    """{option: [words]} of contrib/completions/values."""
    lines = (ROOT / "contrib/completions/values").read_text().splitlines()
    return {words[0]: words[1:] for words in map(str.split, lines) if words and words[0] != "#"}


def test_options_that_take_a_choice_are_those_with_words(prefix):
    ours = {**options_of(prefix, "wsluice-bench"), **options_of(prefix, "wsluice")}
    assert [name for name in choices() if ours.get(name) is None] == []
    choosing = {name for name, argument in ours.items() if argument and argument not in OPEN_ARGUMENTS}
    assert choosing - OPEN_OPTIONS == set(choices()), "contrib/completions/values, or OPEN_ARGUMENTS here"


@pytest.mark.parametrize("program", ["wsluice", "wsluice-bench"])
def test_each_word_is_one_that_the_program_takes(prefix, program):
    """Nothing else is given: where the word is good, the complaint is about something else."""
    ours = options_of(prefix, program)
    for option, words in choices().items():
        if option in ours:
            refusal = complaint(prefix / "bin" / program, option, "no-such-word")
            assert f"--{option}" in refusal
            for word in words:
                assert complaint(prefix / "bin" / program, option, word) != refusal, word


def complaint(program, option, word):
    """What the program has to say, but for the word."""
    done = subprocess.run([program, f"--{option}={word}"], capture_output=True, text=True, timeout=LIMIT_SECONDS)
    assert done.returncode == 2
    return done.stderr.replace(f'"{word}"', '""')


# --- the shells ------------------------------------------------------------------------------------------------

SHELLS = ["bash", "zsh", "fish"]
CASES = [  # what is typed; what one of the completions is; what none is
    ("wsluice --ssl-vers", "--ssl-version", "--ssl-only"),
    ("websockify --verif", "--verify-client", "--verbose"),
    ("wsluice 6080 h:1 --log-level war", "warn", "error"),
    ("websockify --log-format=js", "json", "text"),
    ("wsluice-bench --mode conn", "connect", "echo"),
    ("wsluice --cert {here}/cert", "{here}/certificate.pem", "{here}/other"),
    ("wsluice --web {here}/fol", "{here}/folder", "{here}/follow.txt"),
    ("wsluice 6080 -- mkfif", "mkfifo", "--ssl-only"),
    ("websockify 6080 -- cat {here}/oth", "{here}/other", "{here}/follow.txt"),
    ("wsluice --exec cat 6080 -- {here}/oth", "{here}/other", "{here}/follow.txt"),
]


@pytest.fixture
def here(tmp_path):
    """Files to be completed; also the home of the shells, which find nothing of anybody's there."""
    for name in ("certificate.pem", "other", "follow.txt"):
        (tmp_path / name).write_text("")
    (tmp_path / "folder").mkdir()
    return tmp_path


def environment(prefix, home):
    return {"PATH": f"{prefix}/bin:/usr/bin:/bin", "HOME": str(home), "TERM": "dumb", "LC_ALL": "C.UTF-8",
            "XDG_DATA_DIRS": f"{prefix}/share:/usr/share"}


def ask_bash(prefix, home, typed):
    """As readline does: the words, "=" one of its own."""
    words = [word for word in re.split(r" |(=)", typed) if word]
    script = (f'source {prefix}/share/bash-completion/completions/{words[0]}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1));'
              f' _wsluice "$1"; printf "%s\\n" "${{COMPREPLY[@]}}"')
    return subprocess.check_output(["bash", "--norc", "-c", script, "bash", *words], text=True,
                                   env=environment(prefix, home), timeout=LIMIT_SECONDS)


def ask_fish(prefix, home, typed):
    """Without the descriptions behind a tab."""
    lines = subprocess.check_output(["fish", "-c", 'complete -C "$argv[1]"', typed], text=True,
                                    env=environment(prefix, home), timeout=LIMIT_SECONDS)
    return re.sub(r"\t.*", "", lines)


def ask_zsh(prefix, home, typed):
    """Completion works on a terminal only: this types, presses Tab, and has the line printed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve("/usr/bin/zsh", ["zsh", "-f", "-i"], environment(prefix, home))
    try:
        start = f"PS1=; fpath=({prefix}/share/zsh/site-functions $fpath); autoload -U compinit; compinit -u -D; echo rea''dy\r"
        os.write(terminal, start.encode())
        read_until(terminal, "ready")
        os.write(terminal, f"{typed}\t\x01print -r -- 'line: '\"\x05\" : don''e\r".encode())
        return read_until(terminal, ": done").rpartition("line: ")[2]
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def read_until(terminal, word):
    text, deadline = "", time.monotonic() + LIMIT_SECONDS
    while word not in text:
        assert select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0], f"no {word!r} in {text!r}"
        text += os.read(terminal, 65536).decode(errors="replace")
    return text


ASK = {"bash": ask_bash, "zsh": ask_zsh, "fish": ask_fish}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("typed,wanted,unwanted", CASES, ids=[row[0] for row in CASES])
def test_a_shell_completes(prefix, here, shell, typed, wanted, unwanted):
    typed, wanted, unwanted = (text.format(here=here) for text in (typed, wanted, unwanted))
    answer = ASK[shell](prefix, here, typed)
    assert wanted in answer and unwanted not in answer, answer
