"""What the figures hold for: processor, memory, kernel, compiler, versions. No names of hosts, users or folders."""

import os
import platform
import re
import subprocess
import time
from pathlib import Path

from .peers import BENCH, output_of


def cpu_model():
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def memory_gb():
    found = re.search(r"^MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"), re.MULTILINE)
    return round(int(found[1]) * 1024 / 1e9, 1) if found else None


def distribution():
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', Path("/etc/os-release").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else "unknown"


def commit():
    """The tree's commit; "+" where what was built may differ from it."""
    try:
        word = subprocess.run(
            ["git", "-C", str(BENCH), "describe", "--always", "--dirty=+", "--exclude=*"],
            capture_output=True, text=True, timeout=20, check=False,
        ).stdout
    except OSError:
        return "unknown"
    return word.strip() or "unknown"


def congestion_control():
    """It matters on loopback, too: BBR paces, cubic does not."""
    try:
        return Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


def is_virtual():
    return " hypervisor" in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")


def facts(processors):
    kernel = platform.uname()
    return {
        "cpu": cpu_model(),
        "processors": os.cpu_count(),
        "virtual": is_virtual(),
        "peer_and_load_apart": processors.are_apart,
        "memory_gb": memory_gb(),
        "kernel": f"{kernel.system} {kernel.release} {kernel.machine}",
        "distribution": distribution(),
        "congestion_control": congestion_control(),
        "commit": commit(),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "load_average_before": round(os.getloadavg()[0], 2),
    }
