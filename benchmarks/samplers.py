"""Whether made-up rows are believable, legal, and fast to make."""

from __future__ import annotations

import sys

import _data
import numpy as np
import pandas as pd
from _bars import Bars, options, seconds
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from explaindistill.data.schema import Schema
from explaindistill.measures.believability import broken
from explaindistill.samplers._constraints import Constraint, kept
from explaindistill.samplers.copula import CopulaSampler
from explaindistill.samplers.munge import MungeSampler

SETS = ("adult", "heloc", "german")


def believable(held: pd.DataFrame, made: pd.DataFrame) -> float:
    """Area under the curve of boosting that tells made-up rows from held-out real ones (0.5: it cannot)."""
    both = pd.concat([held, made.iloc[: len(held)]], ignore_index=True)
    for name in both:
        if both[name].dtype.kind not in "bif":
            both[name] = both[name].astype("category")
    y = np.repeat([0, 1], [len(held), len(both) - len(held)])
    judge = HistGradientBoostingClassifier(random_state=0)
    return float(roc_auc_score(y, cross_val_predict(judge, both, y, cv=3, method="predict_proba")[:, 1]))


def wide(n: int, seed: int = 0) -> pd.DataFrame:
    """50 mixed columns with missing values."""
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(n, 5))
    columns = {}
    for i in range(50):
        z = factor[:, i % 5] + rng.normal(size=n)
        kinds = (z, np.rint(10 * z), np.digitize(z, [-1, 0, 1]).astype("U1"))
        columns[f"c{i}"] = pd.Series(kinds[min(i % 5, 2)] if i % 5 < 3 else z).mask(rng.random(n) < 0.05 * (i % 2))
    return pd.DataFrame(columns)


RULES = {
    "adult": ["age >= 17", "`hours-per-week` <= 99 and `capital-loss` < 5000"],
    "heloc": ["NumSatisfactoryTrades <= NumTotalTrades + 30"],
    "german": ["credit_amount >= month * 10"],
}


def violations(kind: type, X: pd.DataFrame, rules: list[str], n: int) -> tuple[int, int]:
    """Made-up rows that break a bound, a kind, a category, a one-hot group or a user's rule, of so many."""
    schema = Schema.infer(X)
    wrong, made = 0, 0
    sampler = kind(constraints=rules).fit(X, schema)
    checks = [Constraint(rule, schema) for rule in rules]
    for seed in range(-(-n // 100_000)):
        Z = schema.encode(sampler.sample(min(100_000, n - made), np.random.default_rng(seed)))
        wrong += int((broken(Z, schema) | ~kept(checks, Z)).sum())
        made += len(Z)
    return wrong, made


def main(argv: list[str] | None = None) -> int:
    args = options(__doc__ or "").parse_args(argv)
    bars = Bars("samplers")
    most, legal = (1_000, 20_000) if args.quick else (20_000, 1_000_000)
    for kind in (MungeSampler, CopulaSampler):
        areas = []
        for name in SETS:
            X = _data.load(name).X
            X = X.sample(min(len(X), 2 * most), random_state=0)
            half = len(X) // 2
            train, held = X.iloc[:half].reset_index(drop=True), X.iloc[half:].reset_index(drop=True)
            areas.append(believable(held, kind().fit(train).sample(len(held), np.random.default_rng(0))))
            bars.add(f"two-sample AUC, {kind.__name__}, {name} ({half:,} rows)", "reported", f"{areas[-1]:.3f}", None)
            wrong, made = violations(kind, train, RULES[name], legal)
            bars.at_most(f"violations, {kind.__name__}, {name} ({len(RULES[name])} rules, {made:,} rows)", 0, wrong)
        bars.at_most(f"two-sample AUC, {kind.__name__}, mean", 0.75, float(np.mean(areas)))
    n, m = (10_000, 100_000) if args.quick else (100_000, 1_000_000)
    X = wide(n)
    took = seconds(lambda: MungeSampler().fit(X).sample(m, np.random.default_rng(0)))
    bars.at_most(f"MungeSampler, {m:,} rows of 50 columns from {n:,}", 20.0, took, " s")
    wrong, made = violations(MungeSampler, X, ["c0 <= c5 + 3"], m)
    bars.at_most(f"violations, MungeSampler, 50 mixed columns (1 rule, {made:,} rows)", 0, wrong)
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main())
