"""One large made-up audit in a process of its own; prints what it took as JSON.

python benchmarks/_audit_cases.py 200-columns
"""

from __future__ import annotations

import json
import resource
import sys
import time

import numpy as np
import pandas as pd

import explaindistill as xd
from explaindistill.teachers import teach

CASES = {
    "200-columns": (5_000, 200, ("tree",)),
    "146-columns": (5_000, 146, ("tree", "gam", "linear")),
    "100000-rows": (100_000, 20, ("tree", "gam", "linear")),
    "1000000-rows": (1_000_000, 20, ("tree", "gam", "linear")),
}
"""Audited rows, columns, students."""
KINDS = {"tree": xd.TreeClassifier, "gam": xd.GAMClassifier, "linear": xd.LinearClassifier}
FIT_ROWS = 5_000
LEVELS = np.array(["bakery", "bank", "farm", "hospital", "school", "workshop"])


def table(n: int, d: int) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """A quarter of the columns is text, the others numbers; labels and two sensitive columns, no model's input."""
    rng = np.random.default_rng(0)
    n_texts = d // 4
    numbers = {
        f"number {j}": np.round(rng.normal(size=n) * (1 + j % 5), 2) if j % 2 else rng.integers(0, 50, n)
        for j in range(d - n_texts)
    }
    texts = {f"place {j}": LEVELS[rng.integers(0, 3 + j % 4, n)] for j in range(n_texts)}
    X = pd.DataFrame(numbers | texts)
    x, z, place = X["number 1"], X["number 3"], X["place 0"]
    score = x / 2 - X["number 0"] / 25 + (z > 0) * x + (place == "bank") + rng.logistic(size=n)
    who = {"sex": np.array(["f", "m"])[rng.integers(0, 2, n)], "region": LEVELS[rng.integers(0, 6, n)]}
    return X, np.where(score > 0, "yes", "no"), pd.DataFrame(who)


def resident() -> int:
    """Bytes of this process in memory now."""
    with open("/proc/self/statm") as file:  # noqa: PTH123 - a file of the kernel
        return int(file.read().split()[1]) * resource.getpagesize()


def main(name: str) -> None:
    """Fit a network and its students, audit them, and say what the audit alone took."""
    n, d, students = CASES[name]
    X, y, who = table(n + FIT_ROWS, d)
    train = X.iloc[:FIT_ROWS], y[:FIT_ROWS]
    teacher = teach(*train, hidden=(64, 64), max_epochs=30, random_state=0)
    fitted = {s: xd.Distiller(teacher, KINDS[s](), random_state=0).fit(train[0]) for s in students}
    rows = X.iloc[FIT_ROWS:].reset_index(drop=True)
    del X
    frame, before = int(rows.memory_usage(deep=True).sum()), resident()
    start = time.perf_counter()
    xd.audit(
        teacher, fitted, rows, y[FIT_ROWS:], train=train, sensitive=who.iloc[FIT_ROWS:].reset_index(drop=True),
        favorable="yes",
    )  # fmt: skip
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "frame": frame, "before": before, "peak": peak}))


if __name__ == "__main__":
    main(sys.argv[1])
