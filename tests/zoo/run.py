"""Play cells of the zoo from the shell: ``python tests/zoo/run.py --strength 2``."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from zoo.cells import FACTORS, N_ROWS, run  # noqa: E402 - the path is set above
from zoo.covering import covering  # noqa: E402 - the path is set above


def main() -> int:
    """Say how many cells answered alike or were refused, and list the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--array", choices=list(FACTORS), nargs="*", default=list(FACTORS))
    parser.add_argument("--strength", type=int, default=2)
    parser.add_argument("--rows", type=int, default=N_ROWS, help="rows asked in each cell")
    parser.add_argument("--sample", type=int, default=0, help="play so many cells of each array only")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no cell after so long")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="FACTOR=VALUE that a cell must have")
    args = parser.parse_args()
    began, tally, n_compared, faults = time.monotonic(), Counter(), 0, []
    spent: Counter = Counter()
    for array in args.array:
        cells = covering(FACTORS[array], args.strength, args.seed)
        if args.only:
            factor, _, value = args.only.partition("=")
            cells = [c for c in cells if c.get(factor) == value]
        for cell in cells[: args.sample or None]:
            start = time.monotonic()
            if start - began > args.seconds:
                break
            outcome = run(cell, args.rows)
            spent[outcome.cell["deed"]] += time.monotonic() - start
            tally[outcome.verdict] += 1
            n_compared += outcome.n_compared
            if outcome.verdict == "fault":
                faults.append(outcome)
                print(outcome.cell, outcome.words[:300], outcome.where, flush=True)
    kinds: dict[str, list] = {}
    for outcome in faults:
        kinds.setdefault(outcome.words[:60] + " @ " + outcome.where.rpartition(" > ")[2], []).append(outcome)
    for members in sorted(kinds.values(), key=len, reverse=True):
        print(f"{len(members):4d} {members[0].words[:200]} [{members[0].where}]")
        for member in members[:4]:
            print("       ", {k: v for k, v in member.cell.items()})
    print(
        dict(tally),
        f"{n_compared:,} row answers compared, {time.monotonic() - began:.0f} s",
        {k: round(v) for k, v in spent.items()},
    )
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
