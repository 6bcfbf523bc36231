"""What augmentation gives where few rows are at hand, and how faithful students are to teachers of several kinds.

First tables: trees of 16 leaves and additive models fitted to the teacher's answers on the rows alone, and on five
times as many with made-up ones, for 200 to 2,000 rows at hand: agreement with the teacher, accuracy on the true labels.
The teacher learnt from other rows, as one that is bought would have. Last table: one tree, one additive model, per kind
of teacher.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import _data
import numpy as np
import pandas as pd
import torch
from _bars import Bars, kept, options, storing
from _teachers import Network, encoder, forest
from rich.console import Console
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from torch import nn

from explaindistill import Distiller, GAMClassifier, TreeClassifier
from explaindistill.samplers.copula import CopulaSampler
from explaindistill.samplers.munge import MungeSampler
from explaindistill.samplers.observed import ObservedSampler
from explaindistill.teachers.callable import CallableTeacher

SETS = ("adult", "heloc", "acs")
SIZES = (200, 500, 1_000, 2_000)
TEACH_ROWS = 5_000
TEST_ROWS = 5_000
TIMES = 5


class Transformer(nn.Module):
    """Two layers of attention over the columns: each number is a token, scaled by its value, as in FT-Transformer."""

    def __init__(self, d: int, n_classes: int, width: int = 24) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(d, width) / width**0.5)
        self.shift = nn.Parameter(torch.randn(d, width) / width**0.5)
        self.first = nn.Parameter(torch.zeros(1, 1, width))
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, n_classes)

    def forward(self, Z: torch.Tensor) -> torch.Tensor:
        """Logits (n, k)."""
        tokens = Z[..., None] * self.token + self.shift
        return self.head(self.layers(torch.cat([self.first.expand(len(Z), -1, -1), tokens], dim=1))[:, 0])


class Attention(Network):
    """The network of the benchmarks with attention in place of its layers; categories are coded by their share of y."""

    def fit(self, X: pd.DataFrame, y: Any, task: str = "classification") -> Attention:
        """Train on X and y; returns self."""
        from sklearn.compose import make_column_selector, make_column_transformer
        from sklearn.impute import SimpleImputer
        from sklearn.model_selection import StratifiedKFold
        from sklearn.preprocessing import StandardScaler, TargetEncoder

        torch.manual_seed(self.seed)
        self.task = task
        self.classes_, codes = np.unique(y, return_inverse=True)
        numbers = make_pipeline(SimpleImputer(), StandardScaler())
        folds = StratifiedKFold(5, shuffle=True, random_state=self.seed)
        levels = make_pipeline(TargetEncoder(cv=folds), StandardScaler())
        self.encoder = make_column_transformer(
            (numbers, make_column_selector(dtype_include=np.number)),
            (levels, make_column_selector(dtype_exclude=np.number)),
        )
        Z = torch.tensor(self.encoder.fit_transform(X, codes), dtype=torch.float32)
        self.net = Transformer(Z.shape[1], len(self.classes_))
        self._train(torch, Z, torch.tensor(codes), nn.CrossEntropyLoss())
        return self


def boosting(X: pd.DataFrame, y: Any, seed: int) -> Any:
    """Boosted trees on the same coding."""
    return make_pipeline(encoder(), HistGradientBoostingClassifier(random_state=seed)).fit(X, y)


TEACHERS: dict[str, Callable[[pd.DataFrame, Any, int], Any]] = {
    "small network (16)": lambda X, y, seed: Network((16,), seed).fit(X, y),
    "wide network (512, 512)": lambda X, y, seed: Network((512, 512), seed, epochs=20).fit(X, y),
    "forest": lambda X, y, seed: forest(X, y, "classification", seed),
    "boosting": boosting,
    "tabular transformer": lambda X, y, seed: Attention(seed=seed, epochs=12).fit(X, y),
}


def split(name: str, seed: int) -> tuple[pd.DataFrame, Any, pd.DataFrame, pd.DataFrame, Any]:
    """Rows and labels of the teacher, rows at hand, rows to measure on with their labels."""
    data = _data.load(name)
    order = np.random.default_rng(seed).permutation(len(data.X))
    teach, rest = order[: min(TEACH_ROWS, len(order) // 2)], order[min(TEACH_ROWS, len(order) // 2) :]
    hand, test = rest[: SIZES[-1]], rest[SIZES[-1] :][:TEST_ROWS]
    X = data.X
    return X.iloc[teach], data.y.iloc[teach], X.iloc[hand], X.iloc[test], data.y.iloc[test]


def answers(fitted: Any) -> CallableTeacher:
    return CallableTeacher(fitted.predict_proba, classes=fitted.classes_)


def distil(teacher: CallableTeacher, student: Any, rows: pd.DataFrame, **asking: Any) -> Distiller:
    return Distiller(teacher, student, random_state=0, **asking).fit(rows.reset_index(drop=True))


def by_rows(name: str, seed: int, sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Per rows at hand, student and way: agreement with the teacher and accuracy."""
    ways = {"rows alone": ObservedSampler(), "munge": MungeSampler(), "copula": CopulaSampler()}
    students = {"tree": TreeClassifier(16), "gam": GAMClassifier(n_jobs=1)}
    X, y, hand, test, truth = split(name, seed)
    teacher = answers(Network(seed=seed).fit(X, y))
    lines = []
    for n, (way, sampler), kind in product(sizes, ways.items(), students):
        asked = n if way == "rows alone" else TIMES * n
        d = distil(teacher, students[kind], hand[:n], sampler=sampler, n_queries=asked)
        scores = {"agreement": 100 * d.score(test), "accuracy": 100 * d.score(test, truth)}
        lines.append({"set": name, "seed": seed, "rows": n, "student": kind, "way": way, **scores})
    return lines


def by_teacher(name: str, seed: int) -> list[dict[str, Any]]:
    """Per kind of teacher: its accuracy and the agreement of a tree and an additive model with it."""
    students = {"tree, 32 leaves": TreeClassifier(32), "gam": GAMClassifier(n_jobs=1)}
    X, y, hand, test, truth = split(name, seed)
    lines = []
    for kind, make in TEACHERS.items():
        teacher = answers(make(X, y, seed))
        right = 100 * float((teacher.predict(test) == np.asarray(truth)).mean())
        line = {"set": name, "seed": seed, "teacher": kind, "accuracy": right}
        for student, model in students.items():
            line[student] = 100 * distil(teacher, model, hand, n_queries=TIMES * len(hand)).score(test)
        lines.append(line)
    return lines


def gains(rows: pd.DataFrame, bars: Bars) -> None:
    """What made-up rows give in agreement and accuracy: means of the pairs of set and seed, with standard errors."""
    for (student, n), part in rows.groupby(["student", "rows"], sort=False):
        for way in ("munge", "copula"):
            words = []
            for metric in ("agreement", "accuracy"):
                wide = part.pivot_table(metric, ["set", "seed"], "way")
                gain = wide[way] - wide["rows alone"]
                error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.nan
                words.append(f"{metric} {gain.mean():+.2f} ± {error:.2f}")
            bars.add(f"{student}, {n:,} rows at hand: {way} - rows alone", "reported", "; ".join(words) + " pp", None)


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__ or "")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--seeds", type=int, default=3)
    storing(parser)
    args = parser.parse_args(argv)
    seeds, sizes, sets = (1, SIZES[:2], args.sets[:1]) if args.quick else (args.seeds, SIZES, args.sets)
    cells = list(product(range(seeds), sets))
    store = None if args.quick else args.store
    rows = pd.concat([kept(store, f"rows-{s}-{k}", partial(by_rows, s, k, sizes)) for k, s in cells])
    teachers = pd.concat([kept(store, f"teachers-{s}-{k}", partial(by_teacher, s, k)) for k, s in cells])
    console = Console(width=180)
    for metric in ("agreement", "accuracy"):
        console.print(metric)
        wide = rows.pivot_table(metric, ["student", "set", "rows"], "way", sort=False)
        console.print(wide.round(1).to_string())
    console.print(teachers.drop(columns="seed").groupby(["teacher", "set"], sort=False).mean().round(1).to_string())
    n_seeds = f"{seeds} seed{'s'[: seeds > 1]}"
    bars = Bars(f"few rows at hand: {', '.join(sets)}; {n_seeds}; teachers fitted to {TEACH_ROWS:,} other rows")
    gains(rows, bars)
    for kind, part in teachers.groupby("teacher", sort=False):
        words = ", ".join(f"{column} {part[column].mean():.1f} %" for column in ("accuracy", "tree, 32 leaves", "gam"))
        bars.add(f"{kind}: mean over sets", "reported", words, None)
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main())
