"""Can an attacker tell the rows that a model learnt from? Shadow models against students and their teacher.

Adult and heloc, 2,000 rows, three draws of them; each of 16 models learns from a random half. The students' target is
what a teacher of all rows answers, and the attacker knows it: what leaks is the student's own. "Its teacher inside" is
the whole chain: a network is taught on the half, and distilled there; the attacker knows the true labels.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from _bars import Bars, kept, options, storing
from _data import load
from _teachers import Network

import explaindistill as xd
from explaindistill.measures.membership import membership_inference
from explaindistill.teachers.callable import CallableTeacher

SETS = ("adult", "heloc")
SPARED = "tree, leaves of 20 rows"
CHAIN = "tree, leaves of 20 rows, its teacher inside"
CAUGHT = "tree by heart, leaves of 1 row"


def cell(name: str, seed: int, rows: int, models: int, few: int) -> list[dict[str, Any]]:
    """All attacks on one draw of rows; the costly ones with ``few`` models."""
    data = load(name, rows, seed)
    X, y = data.X, data.y.astype(str).to_numpy()
    whole = Network(seed=seed).fit(X, y)
    classes, P = list(whole.classes_), whole.predict_proba(X)
    truth = (y[:, None] == whole.classes_[None, :]).astype(float)
    taught: dict[int, Network] = {}

    def student(make: Callable[[], Any], P: np.ndarray) -> Callable[[np.ndarray, int], Any]:
        return lambda at, _: make().set_params(classes=classes).fit(X.iloc[at], P[at]).predict_proba

    def network(at: np.ndarray, seed: int) -> Network:
        if seed not in taught:
            taught[seed] = Network(seed=seed).fit(X.iloc[at].reset_index(drop=True), y[at])
        return taught[seed]

    def chain(at: np.ndarray, seed: int) -> Any:
        tree = xd.TreeClassifier(32, min_samples_leaf=20)
        teacher = CallableTeacher(network(at, seed).predict_proba, classes=classes)
        distiller = xd.Distiller(teacher, tree, n_queries=2 * len(at), random_state=seed)
        return distiller.fit(X.iloc[at].reset_index(drop=True)).predict_proba

    attacks = {
        SPARED: (student(lambda: xd.TreeClassifier(32, min_samples_leaf=20), P), P, models),
        "tree, leaves of 5 rows": (student(lambda: xd.TreeClassifier(32, min_samples_leaf=5), P), P, models),
        "linear": (student(xd.LinearClassifier, P), P, few),
        "additive": (student(xd.GAMClassifier, P), P, few),
        CAUGHT: (student(lambda: xd.TreeClassifier(len(X), min_samples_leaf=1, shrinkage=0), truth), truth, models),
        "the teacher": (lambda at, seed: network(at, seed).predict_proba, truth, few),
        CHAIN: (chain, truth, few),
    }
    lines = []
    for what, (fit, target, n) in attacks.items():
        found = membership_inference(fit, X, target, n_models=n).iloc[0]
        lines.append({"set": name, "seed": seed, "subject": what, "auc": found.estimate, "low": found.low})
        lines[-1] |= {"high": found.high, "n": found.n, "models": n}
    return lines


def main(argv: list[str]) -> int:
    """Measure, show the table, hold against the bars."""
    parser = options(__doc__ or "")
    storing(parser)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args(argv)
    sets, rows, seeds, models, few = (SETS[1:], 600, 1, 8, 4) if args.quick else (SETS, 2_000, args.seeds, 16, 8)
    store = None if args.quick else args.store
    warnings.filterwarnings("ignore", module="sklearn")
    cells = [(name, seed) for seed in range(seeds) for name in sets]
    frame = pd.concat([kept(store, f"attack-{k}-{s}", partial(cell, k, s, rows, models, few)) for k, s in cells])
    bars = Bars(f"attacks with shadow models, {seeds} draws of {rows:,} rows")
    for name in sets:
        for what, part in frame[frame["set"] == name].groupby("subject", sort=False):
            spans = ", ".join(f"{r.auc:.3f} [{r.low:.3f}, {r.high:.3f}]" for r in part.itertuples())
            bar, measured = f"{name}: AUC against {what}", float(part["auc"].mean())
            if what in (SPARED, CHAIN):
                bars.at_most(bar, 0.55, measured, "", f"({spans})")
            elif what == CAUGHT:
                bars.at_least(f"{bar}: low end, worst draw", 0.55, float(part["low"].min()), "", f"({spans})")
            else:
                bars.add(bar, "reported", f"{measured:.4f} ({spans})", None)
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
