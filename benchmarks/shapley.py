"""What a control variate saves when a teacher's Shapley values are sampled.

The teacher is a network or a forest on a real table (adult, california), widened by noisy copies to 20 columns. The
control is fitted to answers that a label store would hold anyway (fewer than a Distiller asks by default): half of them
to real rows, half to rows mixed of two. It is an additive model with 30 pairs or a sum of boosted trees, whichever
leaves less of answers held out; the values of both are closed forms. All samplers ask equally many *new* teacher
rows; the error is against a long run.

Besides, exact values of forests and boosted trees, which shap reads, are held against all coalitions.

    python benchmarks/shapley.py --quick
    python benchmarks/shapley.py --data adult --kind forest
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.model_selection import train_test_split

sys.path.insert(0, str(Path(__file__).parent))
from _bars import Bars, options
from _data import load
from _teachers import Network, forest

from explaindistill import GAMRegressor
from explaindistill.measures.ensemble_shapley import ensemble_shapley
from explaindistill.measures.shapley import shapley_exact, shapley_sampled
from explaindistill.measures.shapley_control import shapley_control

WIDTH = 20
BACKGROUND = 100
ASKED = 4.0
MANY = 10_000
ORDERS = 10
PAIRS = 30


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


def plain_sampling(predict: Asked, X: pd.DataFrame, background: pd.DataFrame, orders: int, seed: int) -> np.ndarray:
    """Independent random orders, each with its own background rows; nothing else (Strumbelj and Kononenko)."""
    rng = np.random.default_rng(seed)
    n, d = X.shape
    full, empty = predict(X), predict(background)
    total = np.zeros((n, d))
    both = {c: pd.concat([X[c], background[c]], ignore_index=True) for c in X.columns}
    for _ in range(orders):
        order, chosen = rng.permutation(d), rng.integers(0, len(background), n)
        rank, step = np.argsort(order), np.arange(1, d)[:, None]
        rows = {
            c: series.take(np.where(rank[j] < step, np.arange(n), n + chosen).ravel()).array
            for j, (c, series) in enumerate(both.items())
        }
        answers = np.concatenate([empty[chosen][None], predict(pd.DataFrame(rows)).reshape(d - 1, n), full[None]])
        total[:, order] += np.diff(answers, axis=0).T
    return total / orders


def one(bars: Bars, name: str, kind: str, quick: bool, repeats: int) -> None:
    """All samplers on one table; the ratio of their errors at the same number of questions is that of questions."""
    rng = np.random.default_rng(0)
    data = load(name, 6_000 if quick else 20_000)
    X = widened(data.X, rng)
    fitting, rest, y, _ = train_test_split(X, data.y, test_size=0.3, random_state=0)
    fitting, rest = fitting.reset_index(drop=True), rest.reset_index(drop=True)
    teacher = Asked(_teacher(kind, fitting, y, data.task, quick), data.task)
    stored = fitting.head(2_000 if quick else MANY)
    corpus = pd.concat([stored, mixed(stored, rng)], ignore_index=True)
    control = shapley_control(corpus, teacher(corpus), additive=GAMRegressor(n_pairs=PAIRS))
    explained, background = rest.head(20 if quick else 40), rest.tail(BACKGROUND).reset_index(drop=True)
    known = control.shapley(explained, background)
    # the reference is itself sampled; the control makes it more exact than as many orders without
    truth, error = shapley_sampled(
        teacher, explained, background, n_permutations=200 if quick else 1000, rng=99, control=(control.predict, known)
    )
    errors: dict[str, list[float]] = {"plain": [], "both directions": [], "control": []}
    sums = []
    for seed in range(repeats):
        teacher.n = 0
        errors["plain"].append(summed_error(plain_sampling(teacher, explained, background, ORDERS, seed), truth))
        asked = teacher.n
        paired, _ = shapley_sampled(teacher, explained, background, n_permutations=ORDERS, rng=seed)
        helped, _ = shapley_sampled(
            teacher, explained, background, n_permutations=ORDERS, rng=seed, control=(control.predict, known)
        )
        assert teacher.n == 3 * asked
        errors["both directions"].append(summed_error(paired, truth))
        errors["control"].append(summed_error(helped, truth))
        sums.append(helped - truth)
    noise = float((error**2).sum(axis=1).mean())
    mse = {k: float(np.mean(v)) - noise for k, v in errors.items()}
    r2 = 1 - np.mean((teacher(rest) - control.predict(rest)) ** 2) / np.var(teacher(rest))
    alone = mse["plain"] / mse["both directions"]
    left = ", ".join(f"{kind} {v:.3f}" for kind, v in control.held_out.items())
    note = (
        f"({asked:,} questions each; both directions without a control {alone:.2f} x; control: {control.kind}, R2 "
        f"{r2:.3f}, left of mixed rows: {left}; {len(corpus):,} kept answers)"
    )
    bars.at_least(f"{name}, {kind}: fewer questions than plain", ASKED, mse["plain"] / mse["control"], " x", note)
    centre = np.mean(sums, axis=0)
    spread = np.sqrt(np.var(sums, axis=0, ddof=1) / repeats + error**2)
    z = float(np.sqrt(np.mean((centre / np.where(spread > 0, spread, np.inf)) ** 2)))
    # with so few repeats the ratio is Student's: its root mean square is above 1
    most = 1.1 * np.sqrt((repeats - 1) / (repeats - 3))
    bars.at_most(f"{name}, {kind}: bias over its simulation error, root mean square", round(most, 2), z)


def exact(bars: Bars) -> None:
    """Values that are read from trees against those of all coalitions, on eight columns."""
    data = load("california", 6_000)
    X, y = data.X, data.y
    few, background = X.iloc[:6].reset_index(drop=True), X.iloc[100:130].reset_index(drop=True)
    dear = np.where(y > y.median(), "dear", "cheap")
    models: dict[str, tuple[Any, Any, str]] = {
        "forest, values": (RandomForestRegressor(100, min_samples_leaf=3, random_state=0, n_jobs=2), y, "value"),
        "forest, probabilities": (
            RandomForestClassifier(100, min_samples_leaf=3, random_state=0, n_jobs=2), dear, "probability"
        ),
        "boosted trees, log-odds": (GradientBoostingClassifier(random_state=0), dear, "logit"),
        "histograms, log-odds": (HistGradientBoostingClassifier(random_state=0), dear, "logit"),
    }  # fmt: skip
    for name, (model, target, scale) in models.items():
        model.fit(X, target)

        def score(Z: pd.DataFrame, model: Any = model, scale: str = scale) -> np.ndarray:
            if scale == "value":
                return np.asarray(model.predict(Z))
            p = model.predict_proba(Z)[:, 1]
            return logit(p) if scale == "logit" else p

        answers = score(few), score(background)
        phi = ensemble_shapley(model, few, background, answers, column=None if scale == "value" else 1, scale=scale)
        words = f"{name}: largest difference from all coalitions, in units of the largest answer"
        if phi is None:
            bars.add(words, "<= 1e-06", "shap is not installed, or does not read it", None)
            continue
        gap = float(np.abs(phi - shapley_exact(score, few, background)).max() / np.abs(answers[0]).max())
        bars.at_most(words, 1e-6, gap)


def _teacher(kind: str, X: pd.DataFrame, y: Any, task: str, quick: bool) -> Any:
    if kind == "forest":
        return forest(X, y, task, n_trees=20 if quick else 100)
    return Network(epochs=10 if quick else 60).fit(X, y, task)


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__ or "")
    parser.add_argument("--data", nargs="+", default=["adult", "california"], choices=["adult", "california"])
    parser.add_argument("--kind", nargs="+", default=["network", "forest"], choices=["network", "forest"])
    args = parser.parse_args(argv)
    repeats = 6 if args.quick else 20
    bars = Bars(f"Shapley values of a teacher with a control variate, {repeats} repeats")
    for name in args.data:
        for kind in args.kind:
            one(bars, name, kind, args.quick, repeats)
    exact(bars)
    return bars.finish(args)


if __name__ == "__main__":
    raise SystemExit(main())
