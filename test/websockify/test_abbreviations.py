"""Every beginning of every option's name, as Python's optparse reads it in websockify 0.13 and as wsluice does."""

import concurrent.futures
import optparse
import re
import subprocess

import pytest

from harness import binary

FLAGS = """verbose traffic daemon run-once ssl-only ssl-target verify-client inetd web-auth file-only prefer-ipv6 libserver
    host-token legacy-syslog help""".split()
VALUED = """record timeout idle-timeout cert key key-password cafile ssl-version ssl-ciphers unix-listen unix-listen-mode
    unix-target web wrap-mode target-config token-plugin token-source auth-plugin auth-source heartbeat log-file
    syslog""".split()
AT_ONCE = 4


class Parser(optparse.OptionParser):
    def __init__(self):
        super().__init__()  # brings --help
        for name in set(FLAGS) - {"help"}:
            self.add_option(f"--{name}", action="store_true")
        for name in VALUED:
            self.add_option(f"--{name}")

    def read(self, beginning):
        """The option's name, or the names that are offered, sorted."""
        try:
            return self._match_long_opt(f"--{beginning}")
        except optparse.AmbiguousOptionError as ambiguous:
            return sorted(ambiguous.possibilities)


def ours(beginning, meant):
    """The same of wsluice, by its complaint: a flag gets a value, and the others none."""
    word = f"--{beginning}=x" if isinstance(meant, list) or meant[2:] in FLAGS else f"--{beginning}"
    said = subprocess.run([binary(), word], capture_output=True, text=True, timeout=10).stderr
    several = re.search(r"ambiguous option: \S+ \((.*)\?\)", said)
    if several:
        return sorted(several[1].split(", "))
    return re.search(r": (--\S+) (?:needs a value|takes no value)", said)[1]


def beginnings():
    names = FLAGS + VALUED
    return sorted({name[:length] for name in names for length in range(1, len(name) + 1)})


@pytest.mark.parametrize("letter", sorted({name[0] for name in FLAGS + VALUED}))
def test_each_beginning_means_what_it_means_to_websockify(letter):
    parser = Parser()
    wanted = {word: parser.read(word) for word in beginnings() if word.startswith(letter)}
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        seen = dict(zip(wanted, pool.map(lambda word: ours(word, wanted[word]), wanted)))
    assert seen == wanted
