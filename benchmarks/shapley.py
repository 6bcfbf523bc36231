"""What a control variate saves when a teacher's Shapley values are sampled.

The teacher is a forest on all columns of a real table (adult, california), widened by noisy copies to 20 columns. The
control is an additive model with 30 pairs, fitted to answers that a label store would hold anyway: half of them to
real rows, half to rows mixed of two. Its own exact values are closed forms. Both samplers ask the same *new* teacher
rows; the error is against a long run of the plain sampler.

    python benchmarks/shapley.py --quick
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.model_selection import train_test_split

sys.path.insert(0, str(Path(__file__).parent))
from _bars import Bars, options
from _data import load
from _teachers import forest

from explaindistill import GAMRegressor
from explaindistill.measures.shapley import shapley_sampled

WIDTH = 20
BACKGROUND = 100
ASKED = 4.0
MANY = 4000


def widened(X: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The table with 20 columns: copies of its own columns, each row keeping its value with probability 0.7."""
    out = X.copy()
    for j in range(WIDTH - X.shape[1]):
        name = X.columns[j % X.shape[1]]
        other = X[name].iloc[rng.permutation(len(X))].array
        kept = rng.random(len(X)) < 0.7
        out[f"{name}_{j}"] = pd.Series(X[name].array).where(pd.Series(kept), pd.Series(other)).array
    return out.iloc[:, :WIDTH]


def mixed(X: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Rows whose columns come from two rows, as those that a coalition is asked with."""
    first, second = rng.permutation(len(X)), rng.permutation(len(X))
    share = rng.random(len(X))
    pick = rng.random(X.shape) < share[:, None]
    both = {c: pd.concat([X[c].iloc[first], X[c].iloc[second]], ignore_index=True) for c in X.columns}
    at = np.arange(len(X))
    return pd.DataFrame(
        {c: s.take(np.where(pick[:, j], at, len(X) + at)).array for j, (c, s) in enumerate(both.items())}
    )


class Asked:
    """A teacher on one scale that counts its questions."""

    def __init__(self, model: Any, task: str) -> None:
        self.model, self.task, self.n = model, task, 0

    def __call__(self, rows: pd.DataFrame) -> np.ndarray:
        """Value, or log-odds of the second class held off the ends."""
        self.n += len(rows)
        if self.task == "regression":
            return np.asarray(self.model.predict(rows))
        return logit(np.clip(self.model.predict_proba(rows)[:, 1], 1e-2, 1 - 1e-2))


def summed_error(values: np.ndarray, truth: np.ndarray) -> float:
    """Squared error summed over columns, mean over rows."""
    return float(((values - truth) ** 2).sum(axis=1).mean())


def one(bars: Bars, name: str, quick: bool, repeats: int) -> None:
    """Both samplers on one table; the ratio of their errors at the same number of questions is that of questions."""
    rng = np.random.default_rng(0)
    data = load(name, 6_000 if quick else 20_000)
    X = widened(data.X, rng)
    fitting, rest, y, _ = train_test_split(X, data.y, test_size=0.3, random_state=0)
    fitting, rest = fitting.reset_index(drop=True), rest.reset_index(drop=True)
    teacher = Asked(forest(fitting, y, data.task, n_trees=20 if quick else 50), data.task)
    stored = fitting.head(2_000 if quick else MANY)
    corpus = pd.concat([stored, mixed(stored, rng)], ignore_index=True)
    control = GAMRegressor(n_pairs=30, n_jobs=2).fit(corpus, teacher(corpus))
    explained, background = rest.head(20 if quick else 40), rest.tail(BACKGROUND).reset_index(drop=True)
    known = control.shapley(explained, background).of()
    truth, error = shapley_sampled(teacher, explained, background, n_permutations=400 if quick else 2000, rng=99)
    plain, helped, sums, questions = [], [], [], []
    for seed in range(repeats):
        teacher.n = 0
        a, _ = shapley_sampled(teacher, explained, background, n_permutations=10, rng=seed)
        questions.append(teacher.n)
        b, _ = shapley_sampled(
            teacher, explained, background, n_permutations=10, rng=seed, control=(control.predict, known)
        )
        plain.append(summed_error(a, truth))
        helped.append(summed_error(b, truth))
        sums.append(b - truth)
    noise = float((error**2).sum(axis=1).mean())
    saved = (np.mean(plain) - noise) / max(np.mean(helped) - noise, 1e-300)
    r2 = 1 - np.mean((teacher(rest) - control.predict(rest)) ** 2) / np.var(teacher(rest))
    note = f"({questions[0]:,} questions each; control R2 {r2:.3f}; {WIDTH} columns)"
    bars.at_least(f"{name}: fewer questions at equal error", ASKED, float(saved), note=note, unit=" x")
    centre = np.mean(sums, axis=0)
    spread = np.sqrt(np.var(sums, axis=0, ddof=1) / repeats + error**2)
    z = float(np.sqrt(np.mean((centre / np.where(spread > 0, spread, np.inf)) ** 2)))
    bars.at_most(f"{name}: bias in simulation errors (root mean square, 1 expected)", 1.2, z)


def main(argv: list[str] | None = None) -> int:
    args = options(__doc__ or "").parse_args(argv)
    repeats = 6 if args.quick else 20
    bars = Bars(f"Shapley values of a teacher with a control variate, {repeats} repeats")
    for name in ("adult", "california"):
        one(bars, name, args.quick, repeats)
    return bars.finish(args)


if __name__ == "__main__":
    raise SystemExit(main())
