"""Constant-leaf trees of equal size against scikit-learn's CART and the published tree distillers.

Every method fits the same rows with the same answers of the teacher, and is measured on test rows that no method saw.
Claims come from the judgement sets, three kinds of teacher (a network, boosted trees, ten trees that vote) and both
ways of fitting: on the rows themselves, and through ``Distiller``, which makes rows of its own. ``--development``
measures on the sets that defaults are chosen on. Ours sees the raw frame; the others, which know no categories and no
missing values, see it one-hot with imputed numbers. Agreement is at the most probable class; KL clips at 1e-4. Figures
of a set are means over seeds, teachers and sizes; the interval of their mean is by a bootstrap over sets, that of a set
over its seeds and teachers.
"""

from __future__ import annotations

import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _bars import Bars, environment, options
from _data import DEVELOPMENT, JUDGEMENT, load
from _digests import code_digest
from _teachers import TEACHERS, classifier, encoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from explaindistill import Distiller
from explaindistill.students.tree.estimators import TreeClassifier

SIZES = (8, 16, 32)
RESULTS = Path(__file__).parents[1] / "results" / "tree"
PEERS = Path(__file__).with_name("_tree_peers.py")
PACKAGES = {
    "trustee": ["trustee==1.2.0"],
    "interpret-community": ["interpret-community==0.32.0", "setuptools<81"],
    "imodels": ["imodels==3.0.4", "six"],
    "pystreed": ["pystreed==1.4.0"],
    "figs": ["imodels==3.0.4", "six"],
}
SHARED = {"figs": "imodels"}  # opponents that live in the environment of another
DEPTH_FOUR = ("pystreed",)  # opponents with trees of depth 3 and 4 only, held against ours of 8 and 16 leaves


class Case:
    """One data set, teacher and seed: rows to fit and to measure on, raw and encoded, and the teacher's answers."""

    def __init__(self, name: str, kind: str, seed: int, n: int) -> None:
        loaded = load(name, n, seed)
        y = loaded.y.to_numpy()
        if loaded.task == "regression":
            y = np.where(y > np.median(y), "high", "low")
        order = np.random.default_rng(seed).permutation(len(y))
        train, test = order[len(y) // 3 :], order[: len(y) // 3]
        self.X, self.X_test = loaded.X.iloc[train].reset_index(drop=True), loaded.X.iloc[test].reset_index(drop=True)
        self.teacher = classifier(kind, self.X, y[train], seed)
        self.P, self.P_test = self.teacher.predict_proba(self.X), self.teacher.predict_proba(self.X_test)
        code = encoder().fit(self.X)
        self.Z, self.Z_test = code.transform(self.X), code.transform(self.X_test)


def ours(**parameters: Any) -> Callable[[Case, int], dict[str, np.ndarray]]:
    """A method: the tree student with some parameters, on the rows."""

    def method(case: Case, size: int) -> dict[str, np.ndarray]:
        return {"": TreeClassifier(size, **parameters).fit(case.X, case.P).predict_proba(case.X_test)}

    return method


def distilled(case: Case, size: int) -> dict[str, np.ndarray]:
    """The tree student as ``Distiller`` fits it."""
    student = Distiller(case.teacher, TreeClassifier(size), random_state=0).fit(case.X)
    return {"": student.predict_proba(case.X_test)}


def cart(case: Case, size: int) -> dict[str, np.ndarray]:
    """CART on the teacher's most probable class, and CART on probabilities with leaves of 5 rows."""
    labels = case.P.argmax(axis=1)
    hard = DecisionTreeClassifier(max_leaf_nodes=size, random_state=0).fit(case.Z, labels)
    Q = np.zeros(case.P_test.shape)
    Q[:, hard.classes_] = hard.predict_proba(case.Z_test)
    soft = DecisionTreeRegressor(max_leaf_nodes=size, min_samples_leaf=5, random_state=0).fit(case.Z, case.P)
    return {"hard": Q, "soft": soft.predict(case.Z_test)}


METHODS = {
    "default": ours(),
    "distilled": distilled,
    "probabilities": ours(optimize="probabilities"),
    "greedy": ours(search="greedy"),
    "CART": cart,
}


def figures(P: np.ndarray, Q: np.ndarray) -> dict[str, float]:
    """Agreement, R² of probabilities and KL of a student's ``Q`` from the teacher's ``P``."""
    p, q = (np.clip(A, 1e-4, None) for A in (P, Q))
    p, q = (A / A.sum(axis=1, keepdims=True) for A in (p, q))
    return {
        "agreement": float((P.argmax(axis=1) == Q.argmax(axis=1)).mean()),
        "r2": 1.0 - float(((P - Q) ** 2).sum() / ((P - P.mean(axis=0)) ** 2).sum()),
        "kl": float((p * np.log(p / q)).sum(axis=1).mean()),
    }


def measure(case: Case) -> list[dict[str, object]]:
    """Figures of each method and size."""
    rows: list[dict[str, object]] = []
    for size in SIZES:
        for name, method in METHODS.items():
            start = time.process_time()
            for kind, Q in method(case, size).items():
                rows.append({"method": f"{name} {kind}".strip(), "size": size, **figures(case.P_test, Q)})
            rows[-1]["s"] = time.process_time() - start
    return rows


def peers(
    case: Case, package: str, python: Path, folder: Path, sizes: tuple[int, ...] = SIZES
) -> list[dict[str, object]]:
    """Figures of one opponent in its own environment."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "in.npz", X=case.Z, P=case.P, T=case.Z_test)
    job = [python, PEERS, package, folder, *map(str, sizes)]
    try:
        ended = subprocess.run(job, check=False, capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        print(f"{package}: longer than 600 s on {folder.name}", file=sys.stderr)
        return []
    if ended.returncode:
        print(f"{package}: {ended.stderr[-600:]}", file=sys.stderr)
        return []
    rows = []
    for path in sorted(folder.glob("out-*.npz")):
        out = np.load(path)
        size = int(out["size"])
        rows.append({"method": str(out["method"]), "size": size, **figures(case.P_test, out["Q"])})
        path.unlink()
    return rows


def main(argv: list[str]) -> int:
    """Measure and hold against the bars."""
    parser = options(__doc__ or "")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rows", type=int, default=6000, help="rows drawn of each set, a third of them to test on")
    parser.add_argument("--development", action="store_true", help="the sets that defaults are chosen on")
    parser.add_argument("--sets", nargs="+", default=None, choices=(*DEVELOPMENT, *JUDGEMENT))
    parser.add_argument("--peers", nargs="*", default=list(PACKAGES), choices=list(PACKAGES))
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after this long; what is measured is kept")
    args = parser.parse_args(argv)
    if args.quick:
        args.seeds, args.rows, args.peers = 1, 1500, []
        args.sets = args.sets or ["compas", "page", "wine"]
    end = time.monotonic() + 60 * args.minutes
    frames = []
    for seed in range(args.seeds):
        for name in args.sets or (DEVELOPMENT if args.development else JUDGEMENT):
            for kind in TEACHERS:
                frames += [_measured(name, kind, seed, package, args, end) for package in ("ours", *args.peers)]
    return bars(pd.concat([f for f in frames if f is not None]), args)


def _measured(name: str, kind: str, seed: int, package: str, args: Namespace, end: float) -> pd.DataFrame | None:
    """Figures of one case; read where this very code measured them before."""
    stem = f"{name}-{kind}-{seed}-{args.rows}"
    file = RESULTS / code_digest(Path(__file__)) / f"{stem}-{package}.csv"
    if not file.exists():
        if time.monotonic() > end:
            return None
        case = Case(name, kind, seed, args.rows)
        if package == "ours":
            rows = measure(case)
        elif (python := environment(SHARED.get(package, package), PACKAGES[package])) is not None:
            rows = peers(case, package, python, RESULTS / "exchange" / f"{stem}-{package}")
        else:
            return None
        file.parent.mkdir(parents=True, exist_ok=True)
        frame = pd.DataFrame(rows)
        frame.assign(data=name, seed=seed, teacher=kind, n_test=len(case.X_test)).to_csv(file, index=False)
    return pd.read_csv(file) if file.stat().st_size > 2 else None


def gaps(frame: pd.DataFrame, method: str, opponent: str, column: str = "agreement") -> pd.Series:
    """Figure of a method less that of an opponent in each cell that both measured."""
    table = frame.pivot_table(index=["data", "teacher", "seed", "size", "n_test"], columns="method", values=column)
    if opponent not in table or method not in table:
        return pd.Series(dtype=float)
    return (table[method] - table[opponent]).dropna()


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of a mean by 4,000 bootstrap draws."""
    draws = np.random.default_rng(0).choice(values, (4000, len(values))).mean(axis=1)
    return float(np.quantile(draws, 0.025)), float(np.quantile(draws, 0.975))


def set_intervals(gap: pd.Series) -> pd.DataFrame:
    """Mean and 95 % interval of each set over its seeds and teachers; sizes of one case are averaged first."""
    cases = gap.groupby(["data", "teacher", "seed"]).mean().groupby("data")
    error = 1.96 * cases.std() / np.sqrt(cases.count())
    return pd.DataFrame({"mean": cases.mean(), "low": cases.mean() - error, "high": cases.mean() + error})


def bars(frame: pd.DataFrame, args: Namespace) -> int:
    """Hold the figures against the bars and print them per data set."""
    frame = frame.assign(agreement=100 * frame.agreement)
    print(frame.groupby(["data", "method"]).agreement.mean().unstack().round(2).to_string(), "\n")
    print(frame.groupby(["method", "size"])[["agreement", "r2", "kl"]].mean().unstack().round(3).to_string(), "\n")
    kind = "development" if args.development else "judgement"
    table = Bars(f"constant-leaf trees, {frame.seed.nunique()} seeds, {frame.data.nunique()} {kind} sets")
    for method in ("default", "distilled"):
        _against_cart(table, frame, method)
    votes = gaps(frame[frame.teacher == "votes"], "default", "CART hard")
    table.at_least("ten voting trees: default − hard CART, mean", 0.0, votes.groupby("data").mean().mean(), " points")
    ratio = np.exp(gaps(frame.assign(kl=np.log(frame.kl.clip(lower=1e-9))), "probabilities", "CART soft", "kl"))
    by_set = ratio.groupby("data").mean()
    table.at_most('optimize="probabilities": KL over soft CART\'s, mean', 0.95, by_set.mean())
    table.at_most(f"the same, worst set ({by_set.idxmax()})", 1.05, by_set.max())
    table.add("default − greedy, mean", "reported", f"{gaps(frame, 'default', 'greedy').mean():+.2f} points", None)
    measured = {m for m in frame.method.unique() if m not in (*METHODS, "CART hard", "CART soft")}
    for peer in sorted(measured):
        by_set = set_intervals(gaps(frame, "default", peer))
        table.at_least(f"default − {peer}, mean of {len(by_set)} sets", 0.0, by_set["mean"].mean(), " points")
        worst = by_set["high"].idxmin()
        table.at_least(f"default − {peer}, upper end of the worst set ({worst})", -0.2, by_set["high"].min(), " points")
    for package in set(PACKAGES) - {p for p in PACKAGES if any(p in m.lower() for m in measured)}:
        table.add(package, "an opponent", "not measured", None)
    return table.finish(args)


def _against_cart(table: Bars, frame: pd.DataFrame, method: str) -> None:
    """Bars of one way of fitting."""
    gap = gaps(frame, method, "CART hard")
    by_set = set_intervals(gap)
    low, high = mean_interval(by_set["mean"].to_numpy())
    bar = f"{method} − hard CART"
    table.at_least(f"{bar}, mean", 0.35, by_set["mean"].mean(), " points", f"({low:+.2f} to {high:+.2f})")
    table.at_least(f"{bar}, lower end over sets", 0.0, low, " points")
    table.at_least(
        f"{bar}, upper end of the worst set ({by_set['high'].idxmin()})", -0.2, by_set["high"].min(), " points"
    )
    large = gap[gap.index.get_level_values("n_test") >= 2000]
    if len(large):
        table.at_most(
            f"{bar}, cells below −0.5 among {len(large)} of 2,000 test rows", 0.05, float((large < -0.5).mean())
        )
    else:
        table.add(f"{bar}, cells below −0.5 among those of 2,000 test rows", "<= 0.05", "none so large", None)
