"""Fidelity and fit time of additive students against EBM (interpret 0.7.8) and pyGAM 0.12 on the same answers.

Every cell is a data set, a seed and a number of pairs: a network is trained, its answers on the training rows are given
to all students, and their agreement and R2 with it are measured on rows that nobody saw. EBM learns soft labels by
weighted duplication with ``bags``, so that both copies of a row are on one side of its validation. ``--coverage 200``
simulates Bernoulli outcomes instead and measures how often the 95 % intervals hold the true function.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.append(str(Path(__file__).parents[1]))
from _bars import Bars, environment, options
from _data import load, names
from _teachers import Network, forest

from explaindistill.students.gam import GAMClassifier, GAMRegressor

SETS = ["adult", "compas", "german", "heloc", "acs", "breast_cancer", "california", "bike", "diabetes"]
PAIRS = (0, 10, 30)
OPPONENT = Path(__file__).parent / "_additive_opponents.py"
PACKAGES = {
    "ebm": ["interpret-core==0.7.8", "pandas", "pyarrow"],
    "pygam": ["pygam==0.12.0", "scipy<1.17", "pandas", "pyarrow"],
}


@dataclass(frozen=True)
class Case:
    """Rows, and what the teacher says about them: probability of the second class, or value."""

    name: str
    seed: int
    task: str
    train: pd.DataFrame
    test: pd.DataFrame
    y: np.ndarray
    truth: np.ndarray


def case(name: str, seed: int, n: int, teacher: str) -> Case:
    """Train the teacher on two thirds of at most ``n`` rows."""
    data = load(name, n, seed)
    X = plain(data.X)
    order = np.random.default_rng(seed).permutation(len(X))
    cut = len(X) * 2 // 3
    a, b = order[:cut], order[cut:]
    train, test = X.iloc[a].reset_index(drop=True), X.iloc[b].reset_index(drop=True)
    if teacher == "forest":
        model = forest(train, data.y.iloc[a], data.task, seed)
    else:
        model = Network(seed=seed).fit(train, data.y.iloc[a], data.task)
    if data.task == "regression":
        return Case(name, seed, data.task, train, test, model.predict(train), model.predict(test))
    P, Q = model.predict_proba(train), model.predict_proba(test)
    return Case(name, seed, data.task, train, test, P[:, 1], Q[:, 1])


def plain(X: pd.DataFrame) -> pd.DataFrame:
    """Categories as objects of str, so that every package reads the same file."""
    out = X.copy()
    for c in out:
        if not pd.api.types.is_numeric_dtype(out[c]):
            out[c] = out[c].astype(object).where(out[c].notna(), None)
    return out


def ours(c: Case, n_pairs: int, **changes: Any) -> tuple[np.ndarray, float]:
    """Answers of our student and its fit time."""
    start = time.perf_counter()
    if c.task == "regression":
        gam: Any = GAMRegressor(n_pairs=n_pairs, **changes).fit(c.train, c.y)
    else:
        gam = GAMClassifier(n_pairs=n_pairs, **changes).fit(c.train, np.column_stack([1 - c.y, c.y]))
    seconds = time.perf_counter() - start
    return (gam.predict(c.test) if c.task == "regression" else gam.predict_proba(c.test)[:, 1]), seconds


def theirs(c: Case, name: str, n_pairs: int) -> tuple[np.ndarray, float] | None:
    """Answers of an opponent and its fit time, measured inside its own process; None where it fails."""
    python = environment("pygam" if name == "pygam" else "interpret", PACKAGES["pygam" if name == "pygam" else "ebm"])
    if python is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        c.train.to_parquet(where / "train.parquet")
        c.test.to_parquet(where / "test.parquet")
        np.savez(where / "train.npz", y=c.y, task=c.task)
        result = subprocess.run(
            [python, str(OPPONENT), name, folder, str(n_pairs)], capture_output=True, text=True, check=False
        )
        if result.returncode:
            print(f"{c.name} {name}: {result.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
            return None
        out = np.load(where / "out.npz")
        return out["answer"], float(out["seconds"])


def fidelity(c: Case, answer: np.ndarray) -> tuple[float, float]:
    """Agreement (NaN in regression) and R2 of probability or value."""
    r2 = 1 - np.sum((answer - c.truth) ** 2) / np.sum((c.truth - c.truth.mean()) ** 2)
    agreement = np.nan if c.task == "regression" else np.mean((answer > 0.5) == (c.truth > 0.5))
    return float(agreement), float(r2)


def measure(c: Case, pairs: Sequence[int], opponents: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of results for one data set and seed."""
    out = []
    for n_pairs in pairs:
        row: dict[str, Any] = {"data": c.name, "seed": c.seed, "n_pairs": n_pairs, "n": len(c.train)}
        answer, row["seconds"] = ours(c, n_pairs)
        row["agreement"], row["r2"] = fidelity(c, answer)
        for name in opponents:
            if name == "pygam" and n_pairs:
                continue
            result = theirs(c, name, n_pairs)
            if result is not None:
                a, r = fidelity(c, result[0])
                row |= {f"{name}_agreement": a, f"{name}_r2": r, f"{name}_seconds": result[1]}
        print(row, flush=True)
        out.append(row)
    return out


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__ or "")
    parser.add_argument("--data", default=",".join(SETS), help="comma-separated data sets")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--pairs", default="0,10,30")
    parser.add_argument("--teacher", choices=["network", "forest"], default="network")
    parser.add_argument("--opponents", default="ebm,pygam")
    parser.add_argument("--csv", type=Path, help="write every cell here")
    parser.add_argument("--coverage", type=int, metavar="N", help="simulate N times instead")
    args = parser.parse_args(argv)
    if args.coverage:
        return coverage(args.coverage).finish(args)
    sets, seeds, pairs = args.data.split(","), args.seeds, [int(p) for p in args.pairs.split(",")]
    if args.quick:
        sets, seeds, pairs, args.rows = ["breast_cancer", "diabetes"], 1, [0], 1000
    found = [s for s in sets if s in names()]
    ours(case("diabetes", 0, 300, "network"), 2)  # compiles the kernels
    cells = []
    for name in found:
        for seed in range(seeds):
            cells += measure(case(name, seed, args.rows, args.teacher), pairs, args.opponents.split(","))
            if args.csv:
                pd.DataFrame(cells).to_csv(args.csv, index=False)
    return report(pd.DataFrame(cells)).finish(args)


def coverage(n_simulations: int) -> Bars:
    """Share of the function that the posterior intervals hold, on the mean over three terms and all simulations."""
    held = []
    for seed in range(n_simulations):
        rng = np.random.default_rng(seed)
        X = pd.DataFrame(rng.uniform(-2, 2, (2000, 3)), columns=list("abc"))
        parts = {"a": np.sin(2 * X.a), "b": X.b**2 / 2, "c": 0.8 * X.c}
        p = 1 / (1 + np.exp(-sum(parts.values())))
        gam = GAMClassifier(n_jobs=1).fit(X, (rng.random(2000) < p).astype(int))
        for name, truth in parts.items():
            frame = gam.shape(name)
            low, high = (np.interp(X[name], frame.value, frame[c]) for c in ("low", "high"))
            centred = truth - truth.mean()
            held.append(np.mean((low <= centred) & (centred <= high)))
    bars = Bars(f"intervals on Bernoulli outcomes, {n_simulations} simulations")
    bars.at_least("coverage of 95 % intervals", 0.93, float(np.mean(held)))
    bars.at_most("coverage of 95 % intervals", 0.97, float(np.mean(held)))
    return bars


def report(cells: pd.DataFrame) -> Bars:
    """Compare cell by cell; a cell's fidelity is agreement, or R2 in regression, in points."""
    bars = Bars("additive students")
    if "ebm_r2" in cells:
        for n_pairs, part in cells.dropna(subset="ebm_r2").groupby("n_pairs"):
            for metric in ("agreement", "r2"):
                both = part[[metric, f"ebm_{metric}"]].dropna()
                if len(both):
                    asked, got = both[f"ebm_{metric}"].mean(), both[metric].mean()
                    bars.at_least(f"mean {metric}, {n_pairs} pairs, against EBM ({len(both)} cells)", asked, got)
        part = cells.dropna(subset="ebm_r2")
        gap = 100 * (part.agreement - part.ebm_agreement).fillna(part.r2 - part.ebm_r2)
        bars.at_least("share of cells not below EBM by more than 0.2 points", 0.8, float((gap >= -0.2).mean()))
        bars.at_least("worst cell against EBM, points", -0.5, float(gap.min()))
        ratio = part.ebm_seconds / part.seconds
        bars.at_least("times faster than EBM, geometric mean", 20, float(np.exp(np.log(ratio).mean())))
        bars.at_least("times faster than EBM, worst cell", 5, float(ratio.min()))
    if "pygam_r2" in cells:
        part = cells.dropna(subset="pygam_r2")
        bars.at_least(f"mean r2 against pyGAM ({len(part)} cells)", part.pygam_r2.mean(), part.r2.mean())
        agreed = part.dropna(subset="agreement")
        if len(agreed):
            bars.at_least("mean agreement against pyGAM", agreed.pygam_agreement.mean(), agreed.agreement.mean())
        ratio = part.pygam_seconds / part.seconds
        bars.at_least("times faster than pyGAM, geometric mean", 5, float(np.exp(np.log(ratio).mean())))
    return bars


if __name__ == "__main__":
    sys.exit(main())
