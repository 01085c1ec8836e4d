"""The test's half of refuse_malloc.c: a page shared with one wsluice, in which a test arms a refusal and
reads what was asked for, refused and is still held.

    allocator = Allocator(tmp_path)
    bridge = wsluice(backend, env=allocator.environment)
    allocator.refuse(7)             # the seventh request from now on
    allocator.refuse(7, count=20)   # and the nineteen behind it: memory stays scarce for a while
    allocator.relent()              # all are granted again
"""

import mmap
import os
import pathlib
import re
import struct
import subprocess

from harness import binary

HEAP, MAPS = 1, 2
FIELDS = ("first", "count", "kinds", "notes_ways", "seen", "refused", "refused_size", "live_blocks",
          "live_aligned", "mapped_bytes", "frames_len")
FIELD = struct.Struct("<Q")
FRAMES_MAX, WAYS_MAX = 48, 16384
PAGE_BYTES = FIELD.size * (len(FIELDS) + FRAMES_MAX + WAYS_MAX)
NEVER = 1 << 62


def library():
    """refuse_malloc.so lies in the build folder of the program under test."""
    return pathlib.Path(binary()).resolve().parent / "test/faults/refuse_malloc.so"


def field(name):
    at = FIELDS.index(name) * FIELD.size

    def get(self):
        return FIELD.unpack_from(self.page, at)[0]

    def put(self, value):
        FIELD.pack_into(self.page, at, value)

    return property(get, put)


def without_blanks(path, folder):
    """A link to it in a folder of the test's: ld.so takes a blank for the end of a name."""
    link = pathlib.Path(folder) / path.name
    if not link.is_symlink():
        link.symlink_to(path)
    return link


class Allocator:
    """The page of one process, in a file of `folder`."""

    def __init__(self, folder):
        path = pathlib.Path(folder) / f"refusing-{len(os.listdir(folder))}"
        path.write_bytes(bytes(PAGE_BYTES))
        with path.open("r+b") as file:
            self.page = mmap.mmap(file.fileno(), PAGE_BYTES)
        # ASan insists on being first among the libraries; it may as well be asked behind this one.
        sanitizer = f"{os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0".lstrip(":")
        assert library().exists(), f"no {library()}: build all of it, not only the program"
        leaks = f"suppressions='{pathlib.Path(__file__).with_name('leaks.supp')}':print_suppressions=0"
        preload = without_blanks(library(), folder)
        self.environment = {"LD_PRELOAD": str(preload), "REFUSING_PAGE": str(path), "ASAN_OPTIONS": sanitizer,
                            "LSAN_OPTIONS": leaks}

    def refuse(self, first, count=1, kinds=HEAP | MAPS):
        """From the `first`-th request on (1 is the next) `count` are refused."""
        self.first = 0
        self.seen = self.refused = self.refused_size = self.frames_len = 0
        self.kinds, self.count = kinds, count
        self.first = first

    def relent(self):
        self.first = 0

    def note_ways(self):
        """Refuses nothing, and notes by which callers each request comes."""
        self.notes_ways = 1
        self.refuse(NEVER)

    def new_ways(self):
        """Since note_ways(): the numbers of those requests that were the first of their callers, and how many
        there were in all."""
        self.first = self.notes_ways = 0
        seen = min(self.seen, WAYS_MAX)
        ways = struct.unpack_from(f"<{seen}Q", self.page, FIELD.size * (len(FIELDS) + FRAMES_MAX))
        earliest = {way: number for number, way in reversed(list(enumerate(ways, 1)))}
        return sorted(earliest.values()), seen

    def learn_maps(self, pid):
        """Where the process has its code: when a trace is wanted it may have ended."""
        self.maps = pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()

    def refused_in(self, functions):
        """Whether one of them asked, directly or not, when the first one was refused."""
        trace = self.trace()
        return any(f" {name} at " in trace for name in functions)

    def trace(self):
        """Who asked when the first one was refused, in words; for the report of a failure."""
        start = len(FIELDS) * FIELD.size
        frames = struct.unpack_from(f"<{self.frames_len}Q", self.page, start)
        lines = [describe(frame, self.maps) for frame in frames]
        return f"{self.refused_size} bytes refused to:\n" + "\n".join(lines)


for _name in FIELDS:
    setattr(Allocator, _name, field(_name))


def describe(address, maps):
    """A return address as "function at file:line", as far as addr2line knows."""
    for line in maps:
        found = re.match(r"(\w+)-(\w+) \S+ (\w+) \S+ \S+ +(/\S.*)", line)
        if found and int(found[1], 16) <= address < int(found[2], 16):
            offset = address - int(found[1], 16) + int(found[3], 16) - 1
            return f"  {source_line(found[4], offset)}  ({os.path.basename(found[4])})"
    return hex(address)


def source_line(file, offset):
    run = subprocess.run(["addr2line", "-fpe", file, hex(offset)], capture_output=True, text=True)
    return run.stdout.strip() or hex(offset)
