"""What is measured: a cell is one question to all peers, with its figures and, for wsluice, what is to be reached.

`kind` says how it is measured: "load" is one run of wsluice-bench, "beside" is one of echoes while another
instance keeps a bulk stream going, "start" and "stall" are probes of our own (probes.py).
Small is good in every figure but those marked RATE.
"""

from dataclasses import dataclass, field

REFERENCE = "rawrelay"
SUBJECT = "wsluice"

RATE = "rate"
COST = "cost"


@dataclass(frozen=True)
class Figure:
    """One number of a run: where it stands in wsluice-bench's JSON, and how it is shown."""

    key: str  # such as "proxy.cpu_s_per_gb"
    title: str
    unit: str
    sense: str = COST
    scale: float = 1.0  # shown value = JSON's value times this


CPU_PER_GB = Figure("proxy.cpu_s_per_gb", "CPU a GB", "s")
CPU_PER_MESSAGE = Figure("proxy.cpu_us_per_message", "CPU a message", "us")
CPU_PER_ECHO = Figure("proxy.cpu_us_per_message", "CPU an echo", "us")
BYTES = Figure("bytes_per_s", "throughput", "MB/s", RATE, 1e-6)
MESSAGES = Figure("messages_per_s", "messages", "1000/s", RATE, 1e-3)
P50 = Figure("latency_us.p50", "p50", "us")
P99 = Figure("latency_us.p99", "p99", "us")
P999 = Figure("latency_us.p999", "p99.9", "us")
CPU_PER_UPGRADE = Figure("connects.cpu_us_each", "CPU an upgrade", "us")
UPGRADES = Figure("connects.per_s", "upgrades", "1/s", RATE)
RSS_EACH = Figure("idle.rss_bytes_each", "RSS a session", "KB", COST, 1 / 1024)
RSS_GROWTH = Figure("growth.rss_bytes_each", "RSS a session", "KB", COST, 1 / 1024)
LOAD = Figure("load.share", "load's processor in use", "%", COST, 100)
START = Figure("start_ms", "start to accepting", "ms")
STALL = Figure("stall.rss_bytes", "growth of RSS", "KB", COST, 1 / 1024)


@dataclass(frozen=True)
class Target:
    """DESIGN's line for wsluice: the cell's first figure, or its ratio to the reference, is at most `limit`."""

    limit: float
    is_ratio: bool = True
    figure: Figure | None = None  # the cell's first where it is None

    def words(self, unit):
        return f"at most {self.limit:g} x {REFERENCE}" if self.is_ratio else f"at most {self.limit:g} {unit}"


@dataclass(frozen=True)
class Cell:
    name: str
    title: str
    figures: tuple
    options: tuple = ()  # of wsluice-bench
    kind: str = "load"
    targets: tuple = ()
    connections: int = 1
    seconds: float = 1.0  # measured; --seconds scales it
    group: str = ""  # cells of one plot over `connections`
    peer_options: dict = field(default_factory=dict)  # name of a peer: options of its command line
    heavy: bool = False  # not for peers with a process a session
    upgrades: bool = False  # not for relays of plain TCP
    rounds_max: int = 1000  # enough, where the figure hardly moves

    @property
    def has_latency(self):
        return P50 in self.figures


def up(name, title, size, figure, targets):
    rate = MESSAGES if figure is CPU_PER_MESSAGE else BYTES
    return Cell(name, title, (figure, rate, LOAD), ("--mode", "up", "--size", size), targets=targets)


GROWTH_STEPS = (1, 10, 100, 1000, 3000, 9000)


def growth(connections):
    """Echoes over ever more sessions: what one costs in time, and in memory once all are there."""
    return Cell(
        f"growth-{connections}",
        f"echoes of 64 bytes, {connections:,} sessions",
        (CPU_PER_ECHO, RSS_GROWTH),
        ("--mode", "echo", "--size", "64"),
        connections=connections,
        group="growth",
        heavy=connections > 100,
        rounds_max=5,
    )


BIG_FRAMES = {SUBJECT: ("--max-frame-size", "1M")}

CELLS = (
    up("up-64", "up, 64-byte frames", "64", CPU_PER_MESSAGE, (Target(0.10, is_ratio=False),)),
    up("up-1k", "up, 1 KB frames", "1K", CPU_PER_MESSAGE, ()),
    up("up-16k", "up, 16 KB frames", "16K", CPU_PER_GB, (Target(1.10),)),
    up("up-64k", "up, 64 KB frames", "64K", CPU_PER_GB, (Target(1.10),)),
    up("up-1m", "up, 1 MB frames", "1M", CPU_PER_GB, (Target(1.10),)),
    Cell("down", "down, bulk", (CPU_PER_GB, BYTES, LOAD), ("--mode", "down", "--size", "64K"), targets=(Target(1.05),)),
    Cell(
        "down-1m",
        "down, bulk, wsluice with --max-frame-size 1M",
        (CPU_PER_GB, BYTES, LOAD),
        ("--mode", "down", "--size", "1M"),
        targets=(Target(0.80),),
        peer_options=BIG_FRAMES,
    ),
    Cell("both", "both ways, 64 KB frames", (CPU_PER_GB, BYTES, LOAD), ("--mode", "both", "--size", "64K")),
    Cell(
        "echo-1",
        "echoes of 64 bytes, 1 session",
        (CPU_PER_ECHO, MESSAGES, P50, P99, P999, LOAD),
        ("--mode", "echo", "--size", "64"),
        targets=(Target(1.10),),
    ),
    Cell(
        "echo-64",
        "echoes of 64 bytes, 64 sessions",
        (CPU_PER_ECHO, MESSAGES, P50, P99, P999, LOAD),
        ("--mode", "echo", "--size", "64"),
        connections=64,
        targets=(Target(1.10), Target(1.10, figure=P50)),
    ),
    Cell(
        "beside-bulk",
        "500 echoes of 64 bytes a second beside a bulk stream",
        (P99, P50, P999),
        ("--mode", "echo", "--size", "64", "--rate", "500"),
        kind="beside",
        connections=8,
    ),
    Cell(
        "upgrades",
        "connect, upgrade, dial, close: both connections to their ends",
        (CPU_PER_UPGRADE, UPGRADES, LOAD),
        ("--mode", "connect", "--messages", "0"),
        connections=16,
        targets=(Target(70, is_ratio=False),),
        upgrades=True,
    ),
    Cell(
        "upgrades-echo",
        "the same with one echo of 64 bytes between",
        (CPU_PER_UPGRADE, UPGRADES, LOAD),
        ("--mode", "connect", "--size", "64"),
        connections=16,
        upgrades=True,
    ),
    Cell(
        "idle",
        "1,000 idle sessions",
        (RSS_EACH,),
        ("--mode", "idle"),
        connections=1000,
        targets=(Target(2, is_ratio=False),),
        heavy=True,
        rounds_max=6,
    ),
    Cell(
        "stall",
        "a client that stops reading a bulk stream",
        (STALL,),
        kind="stall",
        targets=(Target(512, is_ratio=False),),  # two buffers
        rounds_max=6,
    ),
    Cell("start", "start to accepting", (START,), kind="start", targets=(Target(20, is_ratio=False),), rounds_max=9),
    *map(growth, GROWTH_STEPS),
)

QUICK = ("up-64", "up-64k", "down", "echo-64", "upgrades", "idle")
"""The cells of `make bench-quick`."""


def chosen(names):
    """The cells of these names; a name may be a group, or end in * for all that begin so."""
    if not names:
        return list(CELLS)
    found = []
    for name in names:
        fitting = [
            cell
            for cell in CELLS
            if name in (cell.name, cell.group) or (name.endswith("*") and cell.name.startswith(name[:-1]))
        ]
        if not fitting:
            raise ValueError(f"no cell {name!r}; there are {', '.join(cell.name for cell in CELLS)}")
        found += [cell for cell in fitting if cell not in found]
    return found
