"""What augmentation gives where few rows are at hand, and how faithful students are to teachers of several kinds.

First table: trees of 16 leaves fitted to the teacher's answers on the rows alone, and on five times as many with
made-up ones, for 200 to 2,000 rows at hand. The teacher learnt from other rows, as one that is bought would have.
Second table: one tree, one additive model, per kind of teacher.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import _data
import numpy as np
import pandas as pd
import torch
from _bars import Bars, options
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
        from sklearn.preprocessing import StandardScaler, TargetEncoder

        torch.manual_seed(self.seed)
        self.task = task
        self.classes_, codes = np.unique(y, return_inverse=True)
        numbers = make_pipeline(SimpleImputer(), StandardScaler())
        levels = make_pipeline(TargetEncoder(random_state=self.seed), StandardScaler())
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


def agreement(teacher: CallableTeacher, rows: pd.DataFrame, test: pd.DataFrame, student: Any, **asking: Any) -> float:
    d = Distiller(teacher, student, random_state=0, **asking).fit(rows.reset_index(drop=True))
    return 100 * float(d.score(test))


def by_rows(sets: list[str], seeds: int, sizes: tuple[int, ...]) -> pd.DataFrame:
    """Per set and rows at hand: agreement without and with made-up rows."""
    ways = {"rows alone": ObservedSampler(), "munge": MungeSampler(), "copula": CopulaSampler()}
    lines = []
    for name in sets:
        for seed in range(seeds):
            X, y, hand, test, _ = split(name, seed)
            teacher = answers(Network(seed=seed).fit(X, y))
            for n in sizes:
                rows = hand[:n]
                for way, sampler in ways.items():
                    for kind, student in (("tree", TreeClassifier(16)), ("gam", GAMClassifier(n_jobs=1))):
                        asked = n if way == "rows alone" else 5 * n
                        score = agreement(teacher, rows, test, student, sampler=sampler, n_queries=asked)
                        lines.append({"set": name, "rows": n, "way": f"{kind}, {way}", "agreement": score})
            print(name, seed, file=sys.stderr, flush=True)
    return pd.DataFrame(lines)


def by_teacher(sets: list[str], seeds: int) -> pd.DataFrame:
    """Per kind of teacher: its accuracy and how faithful a tree and an additive model are to it."""
    lines = []
    for name in sets:
        for seed in range(seeds):
            X, y, hand, test, truth = split(name, seed)
            for kind, make in TEACHERS.items():
                teacher = answers(make(X, y, seed))
                lines.append(
                    {
                        "set": name,
                        "teacher": kind,
                        "accuracy": 100 * float((teacher.predict(test) == np.asarray(truth)).mean()),
                        "tree, 32 leaves": agreement(teacher, hand, test, TreeClassifier(32), n_queries=10_000),
                        "gam": agreement(teacher, hand, test, GAMClassifier(n_jobs=1), n_queries=10_000),
                    }
                )
            print(name, seed, "teachers", file=sys.stderr, flush=True)
    return pd.DataFrame(lines)


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__ or "")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args(argv)
    seeds, sizes = (1, SIZES[:2]) if args.quick else (args.seeds, SIZES)
    sets = args.sets[:1] if args.quick else args.sets
    rows, teachers = by_rows(sets, seeds, sizes), by_teacher(sets, seeds)
    console = Console(width=180)
    console.print(rows.pivot_table("agreement", ["set", "rows"], "way", sort=False).round(1).to_string())
    console.print(teachers.groupby(["set", "teacher"], sort=False).mean().round(1).to_string())
    bars = Bars(f"few rows at hand, {seeds} seeds")
    for n, part in rows.groupby("rows"):
        mean = part.groupby("way")["agreement"].mean()
        for kind in ("tree", "gam"):
            gain = mean[f"{kind}, munge"] - mean[f"{kind}, rows alone"]
            bars.add(f"{kind}, {n:,} rows at hand: what munge gives", "reported", f"{gain:+.2f} pp", None)
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main())
