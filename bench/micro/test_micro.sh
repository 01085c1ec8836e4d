#!/bin/sh
# wsluice-micro works: every case runs, and both reports have it. No figure is looked at.
set -eu
micro=$1
python=${2:-/usr/bin/python3}

table=$("$micro" --rounds 2 --round-ms 0.01)
"$micro" --rounds 2 --round-ms 0.01 --json | "$python" -c '
import json, sys
report = json.load(sys.stdin)
groups = {result["group"] for result in report["results"]}
for wanted in ("unmask 64 B", "unmask 1024 KB", "decode frames", "encode headers", "request heads, read"):
    assert any(group.startswith(wanted) for group in groups), f"{wanted} is not in the report"
for result in report["results"]:
    assert result["ns"] > 0, result
    assert result["group"] in sys.argv[1] and result["name"] in sys.argv[1], result
' "$table"

if "$micro" --rounds 0 2>/dev/null; then
  echo "micro: took --rounds 0" >&2
  exit 1
fi
