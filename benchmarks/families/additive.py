"""Fidelity and fit time of additive students against EBM (interpret 0.7.8) and pyGAM 0.12 on the same answers.

Every cell is a data set, a seed and a number of pairs: a network is trained, its answers on the training rows are given
to all students, and their agreement and R2 with it are measured on rows that nobody saw. EBM learns soft labels by
weighted duplication with ``bags``, so that both copies of a row are on one side of its validation. Opponents take
minutes a cell and do not depend on our code: their answers and times are kept in ``benchmarks/results`` and measured
once; ours are measured anew. Times stand only beside times of the same run: compare them with ``--fresh``, which keeps
and reads nothing. ``--coverage 200`` simulates Bernoulli outcomes instead and measures how often the 95 % intervals
hold the true function.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.append(str(Path(__file__).parents[1]))
from _bars import Bars, environment, options
from _data import load, names
from _teachers import Network, forest

from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor

SETS = ["adult", "compas", "german", "heloc", "acs", "breast_cancer", "california", "bike", "diabetes"]
PAIRS = (0, 10, 30)
TEST_ROWS = 8000
RESULTS = Path(__file__).parents[1] / "results" / "additive"
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
    teacher: str
    n_asked: int
    train: pd.DataFrame
    test: pd.DataFrame
    y: np.ndarray
    truth: np.ndarray


def case(name: str, seed: int, n: int, teacher: str) -> Case:
    """At most ``n`` rows, and at most two thirds, for the teacher and the students; the others measure them."""
    data = load(name)
    order = np.random.default_rng(seed).permutation(len(data.X))
    cut = min(n, len(order) * 2 // 3)
    a, b = order[:cut], order[cut : cut + TEST_ROWS]
    X = plain(data.X)
    train, test = X.iloc[a].reset_index(drop=True), X.iloc[b].reset_index(drop=True)
    kept = RESULTS / "answers" / f"{name}-{seed}-{n}-{teacher}.npz"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        if teacher == "forest":
            model = forest(train, data.y.iloc[a], data.task, seed)
        else:
            model = Network(seed=seed).fit(train, data.y.iloc[a], data.task)
        y, truth = (
            model.predict(part) if data.task == "regression" else model.predict_proba(part)[:, 1]
            for part in (train, test)
        )
        np.savez(kept, y=y, truth=truth)
    answers = np.load(kept)
    return Case(name, seed, data.task, teacher, n, train, test, answers["y"], answers["truth"])


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


def theirs(c: Case, name: str, n_pairs: int, may_start: bool, fresh: bool) -> tuple[np.ndarray, float] | None:
    """Answers of an opponent and its fit time; None where it fails, or is not kept and may not start any more."""
    kept = RESULTS / "opponents" / f"{c.name}-{c.seed}-{c.n_asked}-{c.teacher}-{name}-{n_pairs}.npz"
    if fresh or not kept.exists():
        if not may_start:
            return None
        kept = Path(tempfile.mkdtemp()) / "out.npz" if fresh else kept
        kept.parent.mkdir(parents=True, exist_ok=True)
        if not oppose(c, name, n_pairs, kept):
            return None
    out = np.load(kept)
    return out["answer"], float(out["seconds"])


def oppose(c: Case, name: str, n_pairs: int, kept: Path) -> bool:
    """Fit an opponent in a process and an environment of its own, and keep what it answers."""
    kind = "pygam" if name == "pygam" else "ebm"
    python = environment("pygam" if name == "pygam" else "interpret", PACKAGES[kind])
    if python is None:
        return False
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
            return False
        shutil.move(where / "out.npz", kept)
        return True


def fidelity(c: Case, answer: np.ndarray) -> tuple[float, float]:
    """Agreement (NaN in regression) and R2 of probability or value."""
    r2 = 1 - np.sum((answer - c.truth) ** 2) / np.sum((c.truth - c.truth.mean()) ** 2)
    agreement = np.nan if c.task == "regression" else np.mean((answer > 0.5) == (c.truth > 0.5))
    return float(agreement), float(r2)


def measure(c: Case, n_pairs: int, opponents: Sequence[str], may_start: bool, fresh: bool) -> dict[str, Any]:
    """One row of results."""
    row: dict[str, Any] = {"data": c.name, "seed": c.seed, "n_pairs": n_pairs, "n": len(c.train)}
    row["judged"] = len(c.test)
    answer, row["seconds"] = ours(c, n_pairs)
    row["agreement"], row["r2"] = fidelity(c, answer)
    for name in opponents:
        if (name == "pygam" and n_pairs) or (name == "ebm-logit" and c.task == "regression"):
            continue
        result = theirs(c, name, n_pairs, may_start, fresh)
        if result is not None:
            a, r = fidelity(c, result[0])
            row |= {f"{name}_agreement": a, f"{name}_r2": r, f"{name}_seconds": result[1]}
    print({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}, flush=True)
    return row


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and hold against the bars."""
    parser = options(__doc__ or "")
    parser.add_argument("--data", default=",".join(SETS), help="comma-separated data sets")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=2500, help="at most so many to fit on")
    parser.add_argument("--pairs", default=",".join(map(str, PAIRS)))
    parser.add_argument("--teacher", choices=["network", "forest"], default="network")
    parser.add_argument("--opponents", default="ebm,ebm-logit,pygam")
    parser.add_argument("--csv", type=Path, help="write every cell here")
    parser.add_argument("--minutes", type=float, default=1e9, help="start no opponent after this long")
    parser.add_argument("--fresh", action="store_true", help="measure opponents in this run, for the ratios of times")
    parser.add_argument("--coverage", type=int, metavar="N", help="simulate N times instead")
    args = parser.parse_args(argv)
    if args.coverage:
        return coverage(args.coverage).finish(args)
    if args.quick:
        args.data, args.seeds, args.pairs, args.rows = "breast_cancer,diabetes", 1, "0", 300
        args.opponents = "ebm,pygam"
    found = [s for s in args.data.split(",") if s in names()]
    ours(case("diabetes", 0, 200, "network"), 2)  # compiles the kernels
    end, cells = time.monotonic() + 60 * args.minutes, []
    for seed in range(args.seeds):
        for n_pairs in map(int, args.pairs.split(",")):
            for name in found:
                c = case(name, seed, args.rows, args.teacher)
                opponents = args.opponents.split(",")
                cells.append(measure(c, n_pairs, opponents, time.monotonic() < end, args.fresh))
                if args.csv:
                    pd.DataFrame(cells).to_csv(args.csv, index=False)
    return report(pd.DataFrame(cells), args.fresh).finish(args)


KINDS = {
    "smooth": {"a": lambda x: np.sin(2 * x), "b": lambda x: x**2 / 2, "c": lambda x: 0.8 * x},
    "steep": {"a": lambda x: 2 * np.exp(-4 * x**2), "b": lambda x: np.tanh(3 * x), "c": lambda x: 0 * x},
    "kinks and a jump": {"a": lambda x: np.cos(4 * x), "b": np.abs, "c": lambda x: 1.0 * (x > 0)},
}


def coverage(n_simulations: int) -> Bars:
    """Share of the function that the posterior intervals hold, on the mean over nine terms and all simulations."""
    bars, everything = Bars(f"intervals on Bernoulli outcomes, {n_simulations} simulations of 3 models, 2,000 rows"), []
    for kind, parts in KINDS.items():
        held = [np.mean(list(_held(parts, seed))) for seed in range(n_simulations)]
        bars.add(f"coverage of 95 % intervals, {kind}", "(shown)", f"{np.mean(held):.4f}", None)
        everything += held
    bars.at_least("coverage of 95 % intervals, mean over the models", 0.93, float(np.mean(everything)))
    bars.at_most("coverage of 95 % intervals, mean over the models", 0.97, float(np.mean(everything)))
    return bars


def _held(parts: dict[str, Any], seed: int) -> Iterator[float]:
    """Share of the rows at which each term's interval holds the true function."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.uniform(-2, 2, (2000, 3)), columns=list("abc"))
    truths = {name: f(X[name]) for name, f in parts.items()}
    p = 1 / (1 + np.exp(-sum(truths.values())))
    gam = GAMClassifier(n_jobs=1).fit(X, (rng.random(2000) < p).astype(int))
    for name, truth in truths.items():
        frame = gam.shape(name)
        low, high = (np.interp(X[name], frame.value, frame[c]) for c in ("low", "high"))
        centred = truth - truth.mean()
        yield float(np.mean((low <= centred) & (centred <= high)))


def report(cells: pd.DataFrame, timed: bool) -> Bars:
    """Compare cell by cell; a cell's fidelity is agreement, or R2 in regression, in points."""
    seeds = cells.groupby("data").seed.nunique().max()
    bars = Bars(f"additive students, {cells.data.nunique()} data sets, up to {seeds} seeds, {cells.n.max()} rows")
    for name in ("ebm", "ebm-logit"):
        if f"{name}_r2" in cells:
            against_ebm(bars, cells.dropna(subset=f"{name}_r2"), name, timed)
    if "pygam_r2" in cells:
        part = cells.dropna(subset="pygam_r2")
        bars.at_least(f"mean r2 against pyGAM ({len(part)} cells)", part.pygam_r2.mean(), part.r2.mean())
        agreed = part.dropna(subset="agreement")
        if len(agreed):
            bars.at_least("mean agreement against pyGAM", agreed.pygam_agreement.mean(), agreed.agreement.mean())
        if timed:
            ratio = part.pygam_seconds / part.seconds
            bars.at_least("times faster than pyGAM, geometric mean", 5, float(np.exp(np.log(ratio).mean())))
    return bars


def against_ebm(bars: Bars, part: pd.DataFrame, name: str, timed: bool) -> None:
    """Means at each number of pairs, the share of cells that are not worse, the worst, and the times."""
    for n_pairs, some in part.groupby("n_pairs"):
        for metric in ("agreement", "r2"):
            both = some[[metric, f"{name}_{metric}"]].dropna()
            if len(both):
                asked, got = both[f"{name}_{metric}"].mean(), both[metric].mean()
                bars.at_least(f"mean {metric}, {n_pairs} pairs, against {name} ({len(both)} cells)", asked, got)
    gap = 100 * (part.agreement - part[f"{name}_agreement"]).fillna(part.r2 - part[f"{name}_r2"])
    shares(bars, part.assign(gap=gap), name, "data set, seed and pairs")
    if part.seed.nunique() > 1:
        means = part.assign(gap=gap).groupby(["data", "n_pairs"], as_index=False)
        shares(bars, means[["gap", "judged"]].mean(), name, "data set and pairs, mean of its seeds")
    for data, some in part.assign(gap=gap).groupby("data", sort=False):
        gaps = ", ".join(f"{g:+.2f} at {n}" for n, g in some.groupby("n_pairs").gap.mean().items())
        row = f"; one row is {100 / some.judged.mean():.2f}" if some.agreement.notna().any() else ""
        bars.add(f"{data}, points over {name} by pairs ({some.seed.nunique()} seeds{row})", "reported", gaps, None)
    if timed:
        ratio = part[f"{name}_seconds"] / part.seconds
        bars.at_least(f"times faster than {name}, geometric mean", 20, float(np.exp(np.log(ratio).mean())))
        bars.at_least(f"times faster than {name}, worst cell", 5, float(ratio.min()))


def shares(bars: Bars, cells: pd.DataFrame, name: str, what: str) -> None:
    """The share of cells that are not worse by 0.2 points, and the worst, with what one row of its test rows weighs."""
    share = float((cells.gap >= -0.2).mean())
    bars.at_least(f"share of {len(cells)} cells ({what}) not below {name} by more than 0.2 points", 0.8, share)
    worst = cells.loc[cells.gap.idxmin()]
    where = f"({worst['data']}, {worst.n_pairs} pairs, {worst.judged:.0f} rows judged)"
    bars.at_least(f"worst cell ({what}) against {name}, points", -0.5, worst.gap, "", where)


if __name__ == "__main__":
    sys.exit(main())
