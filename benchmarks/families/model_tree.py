"""Model trees at an equal number of parameters against constant leaves, soft FIGS and one sparse logistic model.

Parameters are numbers that a person would write down: 2 for a numeric split, min(left, right) + 1 for a split of
categories into two sets, k - 1 for each constant leaf, 1 for each coefficient. The budgets are those of binary trees
with 8, 16 and 32 constant leaves. Every method fits the same rows with the same soft labels; agreement is on test
rows that no method saw. Seeds take a network and a forest as teacher in turn.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from _bars import Bars, environment, options
from _teachers import encoder
from families.tree import Case as Kept

from explaindistill.students.linear.estimators import LinearClassifier
from explaindistill.students.model_tree.estimators import ModelTreeClassifier
from explaindistill.students.tree.estimators import TreeClassifier

SETS = ("german", "breast_cancer", "wine", "heloc", "adult", "compas", "california", "bike", "acs", "digits")
LEAVES = (8, 16, 32)
FIGS = Path(__file__).with_name("figs_soft.py")


class Case(Kept):
    """One data set and seed, as for constant-leaf trees, and the budgets of its model trees."""

    def __init__(self, name: str, seed: int, validation: bool = False) -> None:
        super().__init__(name, seed, validation)
        self.k = self.P.shape[1]

    def budget(self, leaves: int) -> int:
        """Numbers in a tree with numeric splits and so many constant leaves."""
        return 2 * (leaves - 1) + leaves * (self.k - 1)


def constant(case: Case, leaves: int, budget: int) -> tuple[np.ndarray, int]:
    """Probabilities of the largest constant-leaf tree within the budget, and its numbers.

    On the columns as they are, and on one-hot columns where every split costs 2; the one that agrees more in training.
    """
    code = encoder().fit(case.X)
    found = []
    for X, T in ((case.X, case.X_test), (code.transform(case.X), code.transform(case.X_test))):
        for size in range(leaves, 1, -1):
            student = TreeClassifier(max_leaf_nodes=size).fit(X, case.P)
            if (numbers := student.complexity().n_parameters) <= budget:
                found.append((student.score(X, case.P), student.predict_proba(T), numbers))
                break
    _, P, numbers = max(found, key=lambda one: one[0])
    return P, numbers


def logistic(case: Case, leaves: int, budget: int) -> tuple[np.ndarray, int]:
    """Probabilities of the most faithful sparse logistic model within the budget, and its numbers."""
    most = budget - 1
    while True:
        student = LinearClassifier(max_terms=most, tolerance=0.0, n_penalties=15).fit(case.X, case.P)
        numbers = student.complexity().n_parameters
        if numbers <= budget or most == 1:
            return student.predict_proba(case.X_test), numbers
        most = min(most - 1, int(most * budget / numbers))


def model_tree(case: Case, leaves: int, budget: int) -> tuple[np.ndarray, int]:
    """Probabilities of the model tree, and its numbers."""
    student = ModelTreeClassifier(
        max_parameters=budget, max_leaf_nodes=None, max_leaf_features=None, min_gain=1e-5
    ).fit(case.X, case.P)
    return student.predict_proba(case.X_test), student.complexity().n_parameters


METHODS: dict[str, Callable[[Case, int, int], tuple[np.ndarray, int]]] = {
    "constant leaves": constant,
    "one logistic": logistic,
    "model tree": model_tree,
}


def measure(
    case: Case, methods: dict[str, Callable[[Case, int, int], tuple[np.ndarray, int]]]
) -> list[dict[str, object]]:
    """Agreement, probability R² and numbers of each method and budget."""
    rows = []
    for leaves in LEAVES:
        budget = case.budget(leaves)
        for name, method in methods.items():
            start = time.perf_counter()
            P, numbers = method(case, leaves, budget)
            rows.append(_row(case, name, leaves, budget, P, numbers, time.perf_counter() - start))
    return rows


def _row(
    case: Case, name: str, leaves: int, budget: int, P: np.ndarray, numbers: int, seconds: float
) -> dict[str, object]:
    same = float((P.argmax(axis=1) == case.P_test.argmax(axis=1)).mean())
    spread = ((case.P_test - case.P_test.mean(axis=0)) ** 2).sum()
    r2 = 1.0 - float(((P - case.P_test) ** 2).sum() / spread)
    return {
        "method": name,
        "leaves": leaves,
        "budget": budget,
        "numbers": numbers,
        "agreement": same,
        "r2": r2,
        "s": seconds,
    }


def figs(case: Case, python: Path) -> list[dict[str, object]]:
    """Soft FIGS in its own environment: one sum of trees per class (one for two classes) on one-hot columns."""
    code = encoder().fit(case.X)
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        np.savez(at / "in.npz", X=code.transform(case.X), P=case.P, T=code.transform(case.X_test))
        job = {"budgets": [case.budget(leaves) for leaves in LEAVES]}
        (at / "job.json").write_text(json.dumps(job))
        subprocess.run([python, FIGS, folder], check=True)
        done = np.load(at / "out.npz")
        return [
            _row(
                case,
                "soft FIGS",
                leaves,
                case.budget(leaves),
                done[f"P{i}"],
                int(done["numbers"][i]),
                float(done["s"][i]),
            )
            for i, leaves in enumerate(LEAVES)
        ]


def main(argv: list[str]) -> int:
    """Measure and hold against the bars."""
    parser = options(__doc__ or "")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--validation", action="store_true", help="measure on held-out training rows, not on test rows")
    parser.add_argument("--store", type=Path, help="folder that keeps the figures of each data set and seed")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no more cases after so long")
    args = parser.parse_args(argv)
    if args.quick:
        args.seeds, args.sets = 1, ["heloc", "breast_cancer", "california"]
    end = time.monotonic() + 60 * args.minutes
    frames = [_figures(name, seed, args, end) for seed in range(args.seeds) for name in args.sets]
    frame = pd.concat([f for f in frames if f is not None])
    return _bars(frame, args)


def _figures(name: str, seed: int, args: Namespace, end: float) -> pd.DataFrame | None:
    kept = args.store / f"{name}-{seed}{'-validation' * args.validation}.csv" if args.store else None
    if kept is not None and kept.exists():
        return pd.read_csv(kept)
    if time.monotonic() > end:
        return None
    case = Case(name, seed, args.validation)
    rows = measure(case, METHODS)
    if not args.quick and (python := environment("imodels", ["imodels==3.0.4", "six"])):
        rows += figs(case, python)
    frame = pd.DataFrame(rows).assign(data=name, seed=seed)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        frame.to_csv(kept, index=False)
    return frame


def _bars(frame: pd.DataFrame, args: Namespace) -> int:
    table = 100 * frame.groupby(["data", "method"]).agreement.mean().unstack()
    print(table.round(2).to_string())
    print((frame.groupby(["data", "method"]).r2.mean().unstack()).round(3).to_string())
    peers = table.drop(columns="model tree").max(axis=1)
    gain, over_tree = table["model tree"] - peers, table["model tree"] - table["constant leaves"]
    seeds = frame.groupby("data").seed.nunique()
    bars = Bars(f"model trees at equal numbers, {len(seeds)} data sets, {seeds.min()} to {seeds.max()} seeds")
    if "soft FIGS" not in table:
        bars.add("soft FIGS", "an opponent", "not installed or --quick", None)
    bars.at_least("mean over the best peer per data set", 0.5, gain.mean(), " points")
    bars.at_least(f"worst data set ({gain.idxmin()})", -0.5, gain.min(), " points")
    bars.at_least("mean over constant leaves", 2.5, over_tree.mean(), " points")
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
