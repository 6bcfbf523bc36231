"""Play cells of the zoo from the shell: ``python tests/zoo/run.py --strength 3 --rows 600 --json zoo.json``.

A long run may be cut in pieces: ``--piece 1/4`` to ``4/4`` each play every fourth cell, drawn in an order of its own,
and ``--sum FILE …`` adds up their JSON files.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

from _bars import Bars, options  # noqa: E402 - the path is set above

from zoo.cells import FACTORS, N_ROWS, Outcome, run  # noqa: E402 - the path is set above
from zoo.covering import covering  # noqa: E402 - the path is set above

EXPORTS = ("exports", "compiled")
WANTED_ROWS = 1_000_000


def main(argv: list[str] | None = None) -> int:
    """Say how many cells answered alike or were refused, list the others, and hold the bars."""
    parser = options(__doc__.splitlines()[0])
    parser.add_argument("--array", choices=list(FACTORS), nargs="*", default=list(FACTORS))
    parser.add_argument("--strength", type=int, default=2)
    parser.add_argument("--rows", type=int, default=N_ROWS, help="rows asked in each cell")
    parser.add_argument("--sample", type=int, default=0, help="play so many cells of each array only")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no cell after so long")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="FACTOR=VALUE that a cell must have")
    parser.add_argument("--piece", default="1/1", metavar="I/N", help="play the I-th of N pieces of all cells")
    parser.add_argument("--counts", type=Path, metavar="FILE", help="write what was counted here, for --sum")
    parser.add_argument("--sum", type=Path, nargs="*", default=[], metavar="FILE", help="add up counts, play nothing")
    args = parser.parse_args(argv)
    counts = summed(args.sum) if args.sum else played(args)
    if args.counts:
        args.counts.write_text(json.dumps(counts, indent=1) + "\n")
    return reported(counts, args)


def chosen(args: argparse.Namespace) -> list[dict[str, str]]:
    """Cells to play, in random order: a run that is stopped has seen a fair part of all."""
    cells = []
    for array in args.array:
        of_array = covering(FACTORS[array], args.strength, args.seed)
        if args.only:
            factor, _, value = args.only.partition("=")
            of_array = [c for c in of_array if c.get(factor) == value]
        order = np.random.default_rng(args.seed).permutation(len(of_array))
        n = args.sample or (20 if args.quick else len(of_array))
        cells += [of_array[i] for i in order[:n]]
    piece, pieces = (int(word) for word in args.piece.split("/"))
    return [cells[i] for i in np.random.default_rng(args.seed).permutation(len(cells))][piece - 1 :: pieces]


def played(args: argparse.Namespace) -> dict:
    """Play the cells and count."""
    began, tally, compared = time.monotonic(), Counter(), Counter()
    cpu: dict[str, float] = defaultdict(float)
    faults: list[Outcome] = []
    cells = chosen(args)
    for cell in cells:
        if time.monotonic() - began > args.seconds:
            break
        start = time.process_time()
        outcome = run(cell, args.rows)
        cpu[outcome.cell["deed"]] += time.process_time() - start
        tally[outcome.verdict] += 1
        compared["export" if outcome.cell["deed"] in EXPORTS else "other"] += outcome.n_compared
        if outcome.verdict == "fault":
            faults.append(outcome)
            print(outcome.cell, outcome.words[:300], outcome.where, flush=True)
    return {
        "cells": len(cells), "played": sum(tally.values()), "verdicts": dict(tally), "compared": dict(compared),
        "cpu": dict(cpu), "wall": time.monotonic() - began,
        "faults": [{"cell": o.cell, "words": o.words, "where": o.where} for o in faults],
    }  # fmt: skip


def summed(files: list[Path]) -> dict:
    """Add up what several pieces counted."""
    pieces = [json.loads(file.read_text()) for file in files]
    out = {key: sum(piece[key] for piece in pieces) for key in ("cells", "played", "wall")}
    for key in ("verdicts", "compared", "cpu"):
        out[key] = dict(sum((Counter(piece[key]) for piece in pieces), Counter()))
    out["faults"] = [fault for piece in pieces for fault in piece["faults"]]
    return out


def reported(counts: dict, args: argparse.Namespace) -> int:
    """Print kinds of fault and the bars; 1 where a bar falls short."""
    kinds: dict[str, list] = defaultdict(list)
    for fault in counts["faults"]:
        kinds[fault["words"][:60] + " @ " + fault["where"].rpartition(" > ")[2]].append(fault)
    for members in sorted(kinds.values(), key=len, reverse=True):
        print(f"{len(members):4d} {members[0]['words'][:200]} [{members[0]['where']}]")
        for member in members[:4]:
            print("       ", member["cell"])
    print(
        f"{counts['played']} of {counts['cells']} cells: {counts['verdicts']}; rows compared: {counts['compared']}; "
        f"{counts['wall']:.0f} s, of which CPU { ({k: round(v) for k, v in counts['cpu'].items()}) }"
    )
    bars, n_export = Bars("the zoo"), counts["compared"].get("export", 0)
    of = f"of {counts['played']:,} cells"
    bars.at_most("cells that are neither the same answer nor one sentence", 0, len(counts["faults"]), note=of)
    wrong = sum(fault["cell"]["deed"] in EXPORTS for fault in counts["faults"])
    bars.at_most("export cells with another answer in a row", 0, wrong, note=f"of {n_export:,} rows")
    if args.strength > 2 and not args.quick and (args.piece == "1/1" or args.sum):
        bars.at_least("rows that exports answered, compared", WANTED_ROWS, n_export)
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main())
