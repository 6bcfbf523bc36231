"""Runs inside the environment of imodels: soft FIGS on a folder with in.npz and job.json; writes out.npz."""

import json
import sys
import time
from pathlib import Path

import numpy as np
from imodels import FIGSRegressor


def numbers(model):
    """2 for each split, 1 for each leaf value."""

    def count(node):
        return 1 if node.left is None else 2 + count(node.left) + count(node.right)

    return sum(count(tree) for tree in model.trees_)


def fit_within(X, y, budget):
    """The largest FIGS whose numbers fit: every split costs 2, and its leaf 1; a new tree one more."""
    for rules in range(max(budget // 3, 1), 0, -1):
        model = FIGSRegressor(max_rules=rules).fit(X, y)
        if numbers(model) <= budget or rules == 1:
            return model


def main(folder):
    given, job = np.load(folder / "in.npz"), json.loads((folder / "job.json").read_text())
    X, P, T = given["X"], given["P"], given["T"]
    columns = [1] if P.shape[1] == 2 else range(P.shape[1])
    out, total, took = {}, [], []
    for i, budget in enumerate(job["budgets"]):
        start = time.perf_counter()
        models = [fit_within(X, P[:, k], budget // len(columns)) for k in columns]
        values = np.stack([m.predict(T) for m in models], axis=1)
        out[f"P{i}"] = np.clip(np.c_[1 - values, values], 0, 1) if len(columns) == 1 else values
        total.append(sum(numbers(m) for m in models))
        took.append(time.perf_counter() - start)
    np.savez(folder / "out.npz", numbers=total, s=took, **out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
