"""Whether a student stays the same on other rows: refits on bootstrapped rows with fresh seeds, in pairs.

``stable`` is ``n_queries="stable"``, which asks at most 64 times the rows; ``plain`` is a corpus of four times the rows
with the defaults. The teacher stays; rows, corpus and seed are drawn anew for every refit; pairs are compared on rows
that nobody saw.
"""

from __future__ import annotations

import sys
import time
from functools import partial

import _data
import numpy as np
import pandas as pd
from _bars import Bars, kept, options, storing
from _teachers import Network
from rich.console import Console

from explaindistill import Distiller, TreeClassifier
from explaindistill.measures.stability import stability
from explaindistill.teachers.callable import CallableTeacher

SETS = ("adult", "heloc", "acs", "german", "digits", "breast_cancer")
BARS = ("adult", "heloc")
CAP = 10_000
LEAVES = 8


def decided(student: object, rows: pd.DataFrame) -> np.ndarray:
    """Decisions as codes: heloc's classes are named by floats, which would be compared as values."""
    return np.searchsorted(student.classes_, student.predict(rows))


def refits(name: str, n_refits: int, on: str, cap: int) -> list[dict[str, object]]:
    """One line per way: agreement and shared splits of pairs, fidelity, and where the corpora stopped."""
    data = _data.load(name)
    order = np.random.default_rng(0).permutation(len(data.X))
    a, b = int(0.6 * len(order)), int(0.8 * len(order))
    train, held = order[:a][:cap], order[a:b] if on == "validation" else order[b:]
    net = Network(seed=0).fit(data.X.iloc[train], data.y.iloc[train])
    teacher = CallableTeacher(net.predict_proba, classes=net.classes_)
    X = data.X.iloc[train].reset_index(drop=True)
    test = data.X.iloc[held].reset_index(drop=True)
    lines = []
    for way, n_queries in (("stable", "stable"), ("plain", 4 * len(X))):
        start, fitted = time.perf_counter(), []

        def refit(seed: int, n_queries: object = n_queries, fitted: list[Distiller] = fitted) -> object:
            rows = np.random.default_rng([7, seed]).integers(len(X), size=len(X))
            student = Distiller(teacher, TreeClassifier(LEAVES), n_queries=n_queries, random_state=seed)
            fitted.append(student.fit(X.iloc[rows].reset_index(drop=True)))
            return fitted[-1].student_

        found = stability(refit, test, decided, seeds=range(n_refits)).set_index("metric")
        lines.append(
            {
                "set": name,
                "way": way,
                "agreement": 100 * found.loc["refit_agreement", "estimate"],
                "agreement_low": 100 * found.loc["refit_agreement", "low"],
                "splits": 100 * found.loc["refit_splits", "estimate"],
                "fidelity": 100 * float(np.mean([d.score(test) for d in fitted])),
                "rows": len(X),
                "questions_per_row": float(np.mean([d.n_queries_ for d in fitted])) / len(X),
                "stopped_early": sum("at most" in d.corpus_.stopped for d in fitted),
                "seconds": time.perf_counter() - start,
            }
        )
    return lines


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__ or "")
    parser.add_argument("--on", choices=("validation", "test"), default="test")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--refits", type=int, default=8)
    parser.add_argument("--cap", type=int, default=CAP)
    storing(parser)
    args = parser.parse_args(argv)
    n_refits, cap = (3, 300) if args.quick else (args.refits, args.cap)
    store = None if args.quick else args.store
    parts = [
        kept(store, f"{args.on}-{n_refits}-{cap}-{name}", partial(refits, name, n_refits, args.on, cap))
        for name in args.sets
    ]
    frame = pd.concat(parts, ignore_index=True)
    bars = Bars(f"{n_refits} refits of a tree of {LEAVES} leaves, at most {cap:,} rows at hand, on {args.on} rows")
    for line in frame[frame["way"] == "stable"].itertuples():
        if line.set in BARS:
            bars.at_least(f"{line.set}: agreement of pairs", 98.5, line.agreement, " %")
            bars.at_least(f"{line.set}: shared splits", 80, line.splits, " %")
        else:
            words = f"agreement {line.agreement:.1f} %, splits {line.splits:.0f} %"
            bars.add(f"{line.set}: pairs", "reported", words, None)
        bars.at_most(f"{line.set}: questions per row", 64, line.questions_per_row)
    Console(width=180).print(frame.round(1).to_string(index=False))
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main())
