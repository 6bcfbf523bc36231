"""Twenty tables of our own making on which fits that iterate go wrong: rare levels, heavy tails, separable labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, softmax

Array = np.ndarray


@dataclass(frozen=True)
class Table:
    """Rows, soft labels ``(n, k)``, values ``(n,)``, weights, and whether an optimum exists by the labels alone."""

    name: str
    X: pd.DataFrame
    P: Array
    value: Array
    weight: Array
    posed: bool


def base(n: int, rng: np.random.Generator) -> tuple[pd.DataFrame, Array]:
    """Three normal numbers, a count, a category of four levels; a sum of them."""
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    X["count"], X["level"] = rng.integers(0, 8, n), rng.choice(list("wxyz"), n)
    level = X["level"].map({"w": 0.5, "x": -0.5, "y": 0.0, "z": 0.2}).to_numpy(dtype=float)
    return X, (X["a"] - 0.5 * X["b"] + 0.2 * X["count"] + level - 0.7).to_numpy()


Change = Callable[[pd.DataFrame, Array, np.random.Generator], Array]


def rare_levels(X: pd.DataFrame, eta: Array, rng: np.random.Generator) -> Array:
    """A level that ten rows have."""
    rare = rng.random(len(X)) < 10 / len(X)
    X.loc[rare, "level"] = "rare"
    return eta + 3 * rare


def rare_tail(X: pd.DataFrame, eta: Array, rng: np.random.Generator) -> Array:
    """A count whose tail twenty rows have."""
    tail = rng.random(len(X)) < 20 / len(X)
    X.loc[tail, "count"] = rng.integers(20, 61, int(tail.sum()))
    return eta


def heavy(draw: Callable[[int, np.random.Generator], Array]) -> Change:
    """A further column with such values."""

    def change(X: pd.DataFrame, eta: Array, rng: np.random.Generator) -> Array:
        X["heavy"] = draw(len(X), rng)
        return np.asarray(eta + 0.3 * np.clip(X["heavy"].to_numpy(), -5, 5))

    return change


def collinear(X: pd.DataFrame, eta: Array, rng: np.random.Generator) -> Array:
    """Two columns that others make up."""
    X["sum"], X["twice"] = X["a"] + X["b"], 2 * X["c"]
    return eta


def nearly_collinear(X: pd.DataFrame, eta: Array, rng: np.random.Generator) -> Array:
    """A column that another one all but is."""
    X["again"] = X["a"] + 1e-5 * rng.normal(size=len(X))
    return eta


def wide(X: pd.DataFrame, eta: Array, rng: np.random.Generator) -> Array:
    """Forty columns of noise."""
    for j in range(40):
        X[f"n{j}"] = rng.normal(size=len(X))
    return eta


def missing(X: pd.DataFrame, eta: Array, rng: np.random.Generator) -> Array:
    """A fifth of a column is not there."""
    X.loc[rng.random(len(X)) < 0.2, "a"] = np.nan
    return eta


def large_numbers(X: pd.DataFrame, eta: Array, rng: np.random.Generator) -> Array:
    """Columns in other units, far from 0."""
    X["a"], X["b"] = 1e7 + X["a"], 1e-6 * X["b"]
    return eta


CHANGES: dict[str, Change] = {
    "rare levels": rare_levels,
    "rare tail": rare_tail,
    "t tails": heavy(lambda n, rng: rng.standard_t(1.5, n)),
    "log-normal": heavy(lambda n, rng: np.exp(2 * rng.normal(size=n))),
    "collinear": collinear,
    "nearly collinear": nearly_collinear,
    "wide": wide,
    "missing": missing,
    "large numbers": large_numbers,
    "sure teacher": lambda X, eta, rng: 12 * eta,
    "constant": lambda X, eta, rng: np.full(len(X), np.log(3.0)),
    "separable by a level": lambda X, eta, rng: np.where(X["level"] == "w", 5.0, -5.0),
    "all but separable": lambda X, eta, rng: np.where(rng.random(len(X)) < 3 / len(X), -eta, eta),
}
CERTAIN = ("separable", "separable by a level", "all but separable")
ILL_POSED = (*CERTAIN, "collinear", "nearly collinear")


def odd_table(name: str, n: int, seed: int = 0) -> Table:
    """One of the tables; those of ``CERTAIN`` have labels without doubt, the "outcomes" drawn ones."""
    rng = np.random.default_rng(seed)
    X, eta = base(n, rng)
    if name in CHANGES:
        eta = CHANGES[name](X, eta, rng)
    w = 10.0 ** rng.uniform(-3, 3, n) if name == "six decades of weight" else np.ones(n)
    p = expit(eta)
    if name == "outcomes" or name in CERTAIN:
        p = ((rng.random(n) if name == "outcomes" else 0.5) < p).astype(float)
    P = np.column_stack([1 - p, p])
    if name == "three classes":
        P = softmax(np.column_stack([eta, -eta, X["c"] * 0.5]), axis=1)
    return Table(name, X, P, eta + 0.1 * rng.normal(size=n), w, name not in ILL_POSED)


TABLES = [
    ("plain", 3_000), ("outcomes", 3_000), ("rare levels", 5_000), ("rare tail", 29_999), ("rare tail", 30_001),
    ("t tails", 8_000), ("log-normal", 8_000), ("collinear", 2_000), ("nearly collinear", 2_000),
    ("six decades of weight", 5_000), ("separable", 1_000), ("separable by a level", 400),
    ("all but separable", 1_000), ("wide", 60), ("missing", 3_000), ("sure teacher", 3_000), ("constant", 300),
    ("large numbers", 2_000), ("three classes", 2_000), ("plain", 200_000),
]  # fmt: skip
QUICK = (
    "plain",
    "outcomes",
    "rare levels",
    "t tails",
    "nearly collinear",
    "six decades of weight",
    "separable",
    "missing",
)
QUICK_ROWS = 1_000
