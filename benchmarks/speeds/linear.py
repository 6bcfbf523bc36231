"""Fit time of linear students, choice and relaxed refit included, against scikit-learn's elastic-net path.

The opponent is ``LogisticRegression(solver="saga")`` at as many falling penalties, each started from the last, on one
thread; its clock runs for that one path, the choice is left out, which favours it. Its penalty is chosen outside the
clock on the folds of the training rows that choose ours; the rows on which both are judged choose nothing.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.append(str(Path(__file__).parents[1]))
from _bars import Bars, options, seconds
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from explaindistill.data.folds import content_rank
from explaindistill.students.linear.estimators import LinearClassifier
from explaindistill.students.linear.fit import deciding_folds

SPLITS = 3


def digits() -> tuple[pd.DataFrame, np.ndarray]:
    """Handwritten digits: 1,797 rows, 64 columns, 10 classes."""
    X, y = load_digits(return_X_y=True, as_frame=True)
    return X, y.to_numpy()


def numbers(n: int, classes: int = 2) -> tuple[pd.DataFrame, np.ndarray]:
    """30 normal columns of which half matter."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(n, 30))).rename(columns=str)
    eta = X.to_numpy() @ (rng.normal(size=(30, classes)) * (np.arange(30) % 2)[:, None])
    return X, np.argmax(eta + rng.gumbel(size=eta.shape), axis=1)


def theirs(X: np.ndarray, y: np.ndarray, n_penalties: int) -> list[Any]:
    """Coefficients along the path, from the penalty where the first column enters down to a ten-thousandth of it."""
    Y = np.eye(y.max() + 1)[y]
    top = np.abs(X.T @ (Y - Y.mean(axis=0))).max() / len(y)
    model = LogisticRegression(solver="saga", l1_ratio=1.0, warm_start=True, max_iter=100, random_state=0)
    fits = []
    for penalty in np.geomspace(top, top * 1e-4, n_penalties):
        model.set_params(C=1.0 / (penalty * len(y))).fit(X, y)
        fits.append((model.intercept_.copy(), model.coef_.copy()))
    return fits


def losses(fits: list[Any], X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Loss of each fit of a path on some rows."""
    out = []
    for intercept, coef in fits:
        eta = X @ coef.T + intercept
        eta = np.hstack([np.zeros_like(eta), eta]) if eta.shape[1] == 1 else eta
        raised = np.exp(eta - eta.max(axis=1, keepdims=True))
        out.append(log_loss(y, raised / raised.sum(axis=1, keepdims=True)))
    return np.array(out)


def chosen(X: pd.DataFrame, Z: np.ndarray, y: np.ndarray, n_penalties: int) -> int:
    """Place on the path of the penalty with the least loss on the rows that decide ours, each fold held out in turn."""
    n_scores = 1 if y.max() == 1 else y.max() + 1
    folds, tries = deciding_folds(content_rank(X, 0), n_scores)
    total = np.zeros(n_penalties)
    for fold in range(tries):
        inside, outside = (folds != fold) & (folds >= 0), folds == fold
        total += losses(theirs(Z[inside], y[inside], n_penalties), Z[outside], y[outside])
    return int(total.argmin())


def one(X: pd.DataFrame, y: np.ndarray, seed: int) -> tuple[float, float, float, float, float]:
    """Seconds of ours and of saga; held-out loss of ours with tolerance 0, at the default, and of saga."""
    kept = np.random.default_rng(seed).random(len(X)) < 0.7
    scaler = StandardScaler().fit(X[kept])
    Z, held = scaler.transform(X[kept]), scaler.transform(X[~kept])
    student, exact, paths = LinearClassifier(), LinearClassifier(tolerance=0.0), []
    own = seconds(lambda: student.fit(X[kept], y[kept]))
    other = seconds(lambda: paths.append(theirs(Z, y[kept], 30)))
    exact.fit(X[kept], y[kept])
    place = chosen(X[kept], Z, y[kept], 30)
    ours = [log_loss(y[~kept], s.predict_proba(X[~kept])) for s in (exact, student)]
    return own, other, *ours, losses(paths[0], held, y[~kept])[place]


def main(argv: list[str] | None = None) -> int:
    args = options(__doc__.splitlines()[0]).parse_args(argv)
    bars = Bars("linear students against scikit-learn's saga path of 30 penalties")
    n = 10_000 if args.quick else 100_000
    cases = [("digits, 10 classes", digits()), (f"{n:,} x 30, 2 classes", numbers(n))]
    if not args.quick:
        cases.append((f"{n // 5:,} x 30, 5 classes", numbers(n // 5, 5)))
    LinearClassifier().fit(*numbers(200))  # compiles
    warnings.simplefilter("ignore", ConvergenceWarning)  # a hundred epochs per penalty is what it gets
    for name, (X, y) in cases:
        splits = [one(X, y, seed) for seed in range(1 if args.quick else SPLITS)]
        own, other, exact, default, theirs_ = np.mean(splits, axis=0)
        note = f"({own:.2f} s, {other:.2f} s)"
        bars.at_most(f"fit time over saga, {name}", 1, own / other, "", note)
        note = f"({exact:.4f}, {theirs_:.4f} nats, mean of {len(splits)} splits)"
        bars.at_most(f"held-out log-loss over saga's, tolerance=0, {name}", 1.05, exact / theirs_, "", note)
        note = f"{default / theirs_:.3f} ({default:.4f} nats; terms bought with 0.5 % of what is explained)"
        bars.add(f"the same at the default tolerance, {name}", "reported", note, None)
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main())
