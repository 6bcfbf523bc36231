"""Scorecards against fasterrisk 0.1.10 on the same 0/1 columns: AUC on rows neither saw, and fit time.

Every data set is made of 0/1 columns once (thresholds at quantiles, levels), split by seed, and given to both. Both may
use points from -5 to 5. fasterrisk runs in an environment with its old pins; its own clock is read there, imports and
reading excluded. Nothing of ours was chosen on the held-out third of any split: the prior and the tolerance of the
search were set on a held-out part of the rows of fitting, of splits with seeds from 100 on.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from _bars import Bars, environment, options, seconds
from _data import load
from scipy import stats
from sklearn.metrics import roc_auc_score

from explaindistill.data.design import matrix, rule_columns
from explaindistill.data.schema import Schema
from explaindistill.numerics.linear.scorecard import search, unique_columns, unique_rows

PACKAGES = ["numpy<2", "pandas==1.5.2", "scikit-learn==1.2.0", "fasterrisk==0.1.10"]
THEIRS = """
import json, sys, time
import numpy as np
from fasterrisk.fasterrisk import RiskScoreOptimizer
data = np.load(sys.argv[1])
out = []
for k in json.loads(sys.argv[2]):
    start = time.perf_counter()
    fit = RiskScoreOptimizer(X=data["X"], y=data["y"], k=k, lb=-5, ub=5)
    fit.optimize()
    taken = time.perf_counter() - start
    multiplier, intercept, coefficients = fit.get_models(model_index=0)
    out.append({"k": k, "seconds": taken, "points": np.asarray(coefficients).tolist()})
print(json.dumps(out))
"""


def cells(quick: bool, seeds: int) -> list[tuple[str, int, int]]:
    """Data set, rows, seed."""
    if quick:
        return [("compas", 1500, 0)]
    sizes = (("heloc", 6000), ("compas", 3000), ("german", 1000), ("adult", 6000))
    return [(name, n, seed) for seed in range(seeds) for name, n in sizes]


def columns_of(name: str, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """0/1 columns and labels of two thirds of the rows, and of the rest."""
    data = load(name, n, seed)
    codes = pd.factorize(data.y, sort=True)[0]
    train = np.random.default_rng(seed).random(len(codes)) < 2 / 3
    schema = Schema.infer(data.X)
    columns = rule_columns(schema, data.X[train], np.ones(train.sum()))
    B = matrix(columns, schema, data.X)
    B = B[:, unique_columns(B[train])]
    return B[train], codes[train], B[~train], codes[~train]


def theirs(python: Path, B: np.ndarray, y: np.ndarray, terms: list[int]) -> list[dict]:
    """Points and seconds of fasterrisk for each number of terms."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.npz"
        np.savez(file, X=B, y=2.0 * y - 1.0)
        script = Path(folder) / "theirs.py"
        script.write_text(THEIRS)
        done = subprocess.run([python, script, file, json.dumps(terms)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def ours(B: np.ndarray, y: np.ndarray, k: int) -> tuple[np.ndarray, float]:
    """Points of every column, and seconds with the rows merged inside the clock."""
    cards = []
    taken = seconds(lambda: cards.append(search(unique_rows(B, 1.0 - y, 1.0 * y), k, -5, 5)))
    points = np.zeros(B.shape[1])
    points[list(cards[-1].support)] = cards[-1].points
    return points, taken


def judge(bars: Bars, part: pd.DataFrame, k: int) -> None:
    """Bars of one number of terms: paired differences with their 95 % interval, and the ratio of times."""
    for what, ending in (("held-out rows", ""), ("rows of fitting", "_fit")):
        ours, other = part[f"auc{ending}"], part[f"auc{ending}_theirs"]
        difference = ours - other
        half = stats.t.ppf(0.975, len(part) - 1) * difference.sem() if len(part) > 1 else np.nan
        note = f"± {half:.4f} ({ours.mean():.4f}, {other.mean():.4f})"
        bars.at_least(f"AUC less theirs, {what}, k = {k}, mean of {len(part)} splits", 0, difference.mean(), "", note)
    ratio = part["seconds"] / part["seconds_theirs"]
    mean, worst = float(np.exp(np.log(ratio).mean())), float(ratio.max())
    bars.at_most(f"fit time over theirs, k = {k}, geometric mean", 1, mean, "", f"(worst {worst:.2f})")


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=6, help="splits of each of the four data sets")
    args = parser.parse_args(argv)
    bars, terms = Bars("scorecards against fasterrisk 0.1.10"), [5, 10]
    python = environment("fasterrisk", PACKAGES)
    if python is None:
        for k in terms:
            bars.add(f"AUC and time, k = {k}", "at least theirs", "fasterrisk cannot be installed here", None)
        return bars.finish(args)
    ours(np.eye(8)[np.arange(64) % 8], np.arange(64) % 3 == 0, 2)  # compiles
    rows = []
    for name, n, seed in cells(args.quick, args.seeds):
        B, y, held, label = columns_of(name, n, seed)
        for other in theirs(python, B, y, terms):
            points, taken = ours(B, y, other["k"])
            rows.append(
                {
                    "data": name,
                    "seed": seed,
                    "k": other["k"],
                    "columns": B.shape[1],
                    "rows": len(B),
                    "auc": roc_auc_score(label, held @ points),
                    "auc_theirs": roc_auc_score(label, held @ np.array(other["points"])),
                    "auc_fit": roc_auc_score(y, B @ points),
                    "auc_fit_theirs": roc_auc_score(y, B @ np.array(other["points"])),
                    "seconds": taken,
                    "seconds_theirs": other["seconds"],
                }
            )
            print(rows[-1], file=sys.stderr, flush=True)
    frame = pd.DataFrame(rows)
    for k in terms:
        judge(bars, frame[frame["k"] == k], k)
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main())
