#!/usr/bin/env python3
"""Names functions of more than 60 lines and files of more than 600: nobody reads them at one go.

A longer one needs a reason, written as "Long because ..." in the comment right above the function,
or at the top of the file. Functions are found by their shape after clang-format: a line at the
margin that ends in "{" opens one, a "}" at the margin closes it. Exit status 1 on a finding.

    scripts/check-sizes.py [root of the tree] [--list]     --list: the 20 longest functions
"""

import re
import sys
from pathlib import Path

FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 600
REASON = re.compile(r"\bLong because\b")
TOP_LINES = 20  # where a file's opening comment stands

NAME = re.compile(r"\b(?!__attribute__)([A-Za-z_]\w*)\s*\(")


def functions_of(lines):
    """(name, first line's number, length, comment above) of each function of a C file."""
    start = None  # of the function whose body we are in
    comment = head = ""  # the comment and the declaration read so far
    for number, line in enumerate(lines, 1):
        if start is not None:
            if line.startswith("}"):
                yield NAME.search(head).group(1), start, number - start + 1, comment
                start, head, comment = None, "", ""
        elif line.startswith(("/*", " *")):
            comment = line if line.startswith("/*") else comment + line
            head = ""
        elif not line.strip() or line.startswith(("#", "}")) or line.endswith(";"):
            head = ""
        else:
            head_at = head_at if head else number
            head = f"{head} {line}"
            if line.endswith("{") and NAME.search(head):
                start = head_at


def check_file(path, name, measured):
    lines = path.read_text(encoding="utf-8").splitlines()
    if len(lines) > FILE_LINES_MAX and not REASON.search("\n".join(lines[:TOP_LINES])):
        yield f"{name}:1: {len(lines)} lines, more than {FILE_LINES_MAX}"
    if path.suffix != ".c" or name.startswith("test/"):
        return
    for function, number, length, comment in functions_of(lines):
        measured.append((length, f"{name}:{number}: {function}"))
        if length > FUNCTION_LINES_MAX and not REASON.search(comment):
            yield f"{name}:{number}: {function} has {length} lines, more than {FUNCTION_LINES_MAX}"


def sources(root):
    for folder in ("include", "src", "examples", "test", "bench", "scripts"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".c", ".h", ".py", ".js", ".sh") and "node_modules" not in path.parts:
                yield path


def main(arguments):
    roots = [argument for argument in arguments if not argument.startswith("--")]
    root = Path(roots[0]) if roots else Path(__file__).resolve().parent.parent
    measured = []
    findings = [f for path in sources(root) for f in check_file(path, str(path.relative_to(root)), measured)]
    for finding in findings:
        print(finding, file=sys.stderr)
    measured.sort(reverse=True)
    if "--list" in arguments:
        print("\n".join(f"{length:5} {where}" for length, where in measured[:20]))
    lengths = [length for length, _ in measured] or [0]
    print(f"sizes: {len(measured)} functions, median {lengths[len(lengths) // 2]} lines, "
          f"longest {lengths[0]}; {len(findings)} too long")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
