"""Time and memory of students and of distilling: ``--what tree``, ``gam``, ``linear`` or ``distiller``."""

from __future__ import annotations

import importlib
import sys

# this folder last: its coverage.py must not hide the package of that name, which numba looks for
sys.path.append(sys.path.pop(0))

SUBJECTS = ("tree", "gam", "linear", "distiller")


def main(argv: list[str]) -> int:
    """Hand the command line on to one subject of ``benchmarks/speeds``."""
    at = argv.index("--what") + 1 if "--what" in argv else 0
    what = argv[at] if 0 < at < len(argv) else None
    if what not in SUBJECTS:
        print(f"usage: speed.py --what {{{','.join(SUBJECTS)}}} [--quick] [--json FILE] …", file=sys.stderr)
        return 2
    return int(importlib.import_module(f"speeds.{what}").main(argv[: at - 1] + argv[at + 1 :]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
