"""Fidelity of students to their teachers: ``--family tree``, ``model_tree`` or ``additive``; other options follow."""

from __future__ import annotations

import importlib
import sys

# this folder last: its coverage.py must not hide the package of that name, which numba looks for
sys.path.append(sys.path.pop(0))

FAMILIES = ("tree", "model_tree", "additive")


def main(argv: list[str]) -> int:
    """Hand the command line on to one family of ``benchmarks/families``."""
    at = argv.index("--family") + 1 if "--family" in argv else 0
    family = argv[at] if 0 < at < len(argv) else None
    if family not in FAMILIES:
        print(f"usage: fidelity.py --family {{{','.join(FAMILIES)}}} [--quick] [--json FILE] …", file=sys.stderr)
        return 2
    return int(importlib.import_module(f"families.{family}").main(argv[: at - 1] + argv[at + 1 :]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
