"""CPU time of ``Distiller(tree).fit`` against the same fit by another checkout, ``--before FOLDER``.

1,000,000 × 32 (24 numbers, 4 integers, 4 categories), a tree of 16 leaves, and a teacher that costs next to nothing, so
that what is left is the distiller's own work: schema, keys, questions, the student's fit. Both checkouts wait in a
process of their own and take turns; the first fit of each, which compiles, is not counted. The two students must be the
same to the last digit.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

from _bars import Bars, options

LIMIT = 0.55
"""Share of the CPU before that the fit may take."""
FIT = """
import gc, hashlib, json, sys, time
import numpy as np, pandas as pd
import explaindistill as xd
from explaindistill.teachers.callable import CallableTeacher

assert xd.__file__.startswith(sys.argv[1]), xd.__file__
n, rng = int(sys.argv[2]), np.random.default_rng(0)
columns = {f"n{i}": rng.normal(size=n) for i in range(24)}
columns |= {f"k{i}": rng.integers(0, 50, n) for i in range(4)}
columns |= {f"c{i}": pd.Categorical.from_codes(rng.integers(0, 6, n), list("abcdef")) for i in range(4)}
X = pd.DataFrame(columns)

def answer(X):
    z = X["n0"].to_numpy() - 0.5 * X["n1"].to_numpy() + 0.02 * X["k0"].to_numpy()
    p = 1 / (1 + np.exp(-z))
    return np.column_stack([1 - p, p])

teacher = CallableTeacher(answer, classes=["no", "yes"], version="1")

def fit():
    return xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=16), random_state=0).fit(X)

form = fit().student_.to_dict()
head = ("format", "version", "kind")  # of the file, and not of the tree: it differs between checkouts
form = json.dumps({k: v for k, v in form.items() if k not in head}, sort_keys=True)
print(hashlib.sha256(form.encode()).hexdigest(), flush=True)
for _ in sys.stdin:
    gc.collect()
    start = time.process_time()
    fit()
    print(time.process_time() - start, flush=True)
"""


class Checkout:
    """A process that fits with the package of one folder, one fit per turn."""

    def __init__(self, folder: Path, n: int) -> None:
        command = [sys.executable, "-c", FIT, str(folder), str(n)]
        env = {**os.environ, "PYTHONPATH": str(folder)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=env, cwd=folder
        )
        self.student = self._line()

    def _line(self) -> str:
        line = self._process.stdout.readline().strip()
        if not line:
            raise RuntimeError("the fit of a checkout ended early; its own words stand above")
        return line

    def turn(self) -> float:
        """CPU seconds of one fit."""
        self._process.stdin.write("\n")
        return float(self._line())

    def close(self) -> None:
        """Let the process end."""
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def against_before(bars: Bars, before: Path | None, n: int, runs: int) -> None:
    """Medians of alternating pairs."""
    name = "CPU of Distiller(tree).fit over the checkout before"
    if before is None:
        bars.add(name, f"<= {LIMIT:g}", "needs --before FOLDER", None)
        return
    checkouts = [Checkout(folder, n) for folder in (Path(__file__).parents[2], before.resolve())]
    pairs = [tuple(checkout.turn() for checkout in checkouts) for _ in range(runs)]
    for checkout in checkouts:
        checkout.close()
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    ours, theirs = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
    bars.at_most(name, LIMIT, ratio, note=f"({ours:.2f} s, {theirs:.2f} s; {runs} pairs in turn)")
    same = checkouts[0].student == checkouts[1].student
    bars.add("the student of both", "the same", "the same" if same else "another", same)


def main(argv: list[str]) -> int:
    """Measure and hold against the bar."""
    parser = options(__doc__ or "")
    parser.add_argument("--before", type=Path, metavar="FOLDER", help="a checkout of the state to compare with")
    args = parser.parse_args(argv)
    n, runs = (100_000, 3) if args.quick else (1_000_000, 5)
    bars = Bars(f"Distiller(tree).fit on {n:,} × 32")
    against_before(bars, args.before, n, runs)
    return bars.finish(args)
